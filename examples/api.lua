-- SPDX-License-Identifier: Apache-2.0
-- The same links for programs, as JSON.
local json = require "cjson.safe"
local respond = require "respond"
local store = require "store"
local validate = require "validate"

local api = {}

local function public(link)
  return { code = link.code, url = link.url, title = link.title, follows = link.follows, created = ngx.http_time(link.created),
    short = respond.base() .. "/" .. link.code }
end

-- Written by hand, since for cjson an empty table is {}.
function api.list()
  local links, total = store.newest(1000)
  for i, link in ipairs(links) do links[i] = json.encode(public(link)) end
  respond.json(200, ('{"total":%d,"links":[%s]}'):format(total, table.concat(links, ",")))
end

function api.show(_, code)
  local link = store.find(code)
  if not link then return respond.missing() end
  respond.json(200, public(link))
end

-- The body as a table, or nil after the client has been told what is wrong with it.
local function body()
  if not (ngx.var.http_content_type or ""):lower():find "^application/json%f[%s;\0]" then
    return respond.problem(415, "Not JSON", "Send Content-Type: application/json.")
  end
  ngx.req.read_body()
  local value = json.decode(ngx.req.get_body_data() or "")
  if type(value) == "table" then return value end
  return respond.problem(400, "Not JSON", "The body is not a JSON object.")
end

function api.create()
  local input = body()
  if not input then return end
  local link, problems = validate(input)
  if not link then return respond.json(422, { error = "Not a link", problems = problems }) end
  link, problems = store.create(link)
  if not link then return respond.json(409, { error = "Taken", problems = problems }) end
  ngx.header["Location"] = "/api/links/" .. link.code
  respond.json(201, public(link))
end

function api.delete(_, code)
  if not store.delete(code) then return respond.missing() end
  return ngx.exit(204)
end

return api
