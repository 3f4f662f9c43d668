-- SPDX-License-Identifier: Apache-2.0
-- Access hook: everybody may look and follow. To change something takes this very machine, or the token. To return
-- nothing is to go on; whoever writes a response has answered the request.
local respond = require "respond"
local r = ...

local harmless = { GET = true, HEAD = true, OPTIONS = true }

-- Comparing digests takes the same time however much of a guess is right.
local function has_token()
  local token, given = ngx.var.links_token, (ngx.var.http_authorization or ""):match "^Bearer (.+)$"
  return token and given and ngx.sha1_bin(token) == ngx.sha1_bin(given)
end

-- A browser says from where it sends a form: a page elsewhere must not write with the rights of who looks at it.
local function from_elsewhere()
  local site, origin = ngx.var.http_sec_fetch_site, ngx.var.http_origin
  if site then return site ~= "same-origin" and site ~= "none" end
  return origin and origin ~= respond.base()
end

if harmless[r.method] or has_token() then return end
if from_elsewhere() then
  return respond.problem(403, "Sent from another site", "Links are made and deleted on the page itself.")
end
if not r:expr "-R '127.0.0.0/8' || -R '::1/128'" then
  return respond.problem(403, "Not from here", "Only the machine this runs on may make and delete links.")
end
