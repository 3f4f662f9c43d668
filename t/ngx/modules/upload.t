# SPDX-License-Identifier: Apache-2.0
# resty.upload, over a socket of Lua that reads as a cosocket does; the answers are those of lua-resty-upload under OpenResty.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== forms
--- htaccess
CoralPackagePath "@DIR@/?.lua"
--- file fake_form.lua
-- a socket over a string, with receiveuntil as of ngx_lua
local function fake(data)
  local at = 1
  local sock = {}
  function sock:settimeout(t) self.timeout = t end
  function sock:receive(n)
    local d = data:sub(at, at + n - 1)
    at = at + #d
    if #d < n then return nil, "closed", d end
    return d
  end
  function sock:receiveuntil(pattern)
    local hit = false
    return function(size)
      if hit then hit = false return nil, nil, nil end
      local s, e = data:find(pattern, at, true)
      if size and (not s or s - at >= size) and at + size - 1 <= #data then
        local d = data:sub(at, at + size - 1) at = at + size return d
      end
      if not s then local d = data:sub(at) at = #data + 1 return nil, "closed", d end
      local d = data:sub(at, s - 1) at = e + 1
      if size then hit = true end
      return d
    end
  end
  return sock
end
-- What resty.upload makes of a body: a line for each piece.
return function(content_type, body, size, line_size)
  local had = rawget(ngx.req, "socket")
  ngx.req.set_header("Content-Type", content_type)
  ngx.req.socket = function() return fake(body) end
  local form, err = require "resty.upload":new(size, line_size)
  ngx.req.socket = had
  if not form then return ngx.say("new: ", err) end
  form:set_timeout(1000)
  for _ = 1, 100 do
    local kind, piece, why = form:read()
    if not kind then return ngx.say("error: ", why) end
    if type(piece) == "table" then piece = table.concat(piece, "|") end
    ngx.print(kind, " [", (tostring(piece):gsub("[\r\n]", "~")), "]; ")
    if kind == "eof" then return ngx.say() end
  end
end
--- lua
local read = require "fake_form"
read("multipart/form-data; boundary=XX", '--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\nhello world\r\n--XX\r\nContent-Disposition: form-data; name="f"; filename="x"\r\nContent-Type: text/plain\r\n\r\n\r\n--XX--\r\n', 5)
read('multipart/form-data; boundary="XX"', "preamble\r\n--XX\r\nA: b\r\n\r\n12345\r\n--XX--", 100)
read('multipart/form-data; boundary="XX"', "preamble\r\n--XX\r\nA: b\r\n\r\n12345\r\n--XX--", 5)
read("multipart/form-data; boundary=XX", "--XX\r\nA: b\r\n\r\n1234567890\r\n--XX--\r\nepilogue that is long", 5)
read("multipart/form-data; boundary=XX", "--XX\r\nnocolon\r\nX:y\r\nA :  v \r\n\r\n1\r\n2\r\n-\r\n--X\r\n--XX  \r\nB: c\r\n\r\n\r\n--XX--", 100)
read("multipart/form-data; boundary=XX", "--XX\r\nA: b\r\n\r\n1\r\n--XX--")
--- body
header [Content-Disposition|form-data; name="a"|Content-Disposition: form-data; name="a"]; body [hello]; body [ worl]; body [d]; part_end [nil]; header [Content-Disposition|form-data; name="f"; filename="x"|Content-Disposition: form-data; name="f"; filename="x"]; header [Content-Type|text/plain|Content-Type: text/plain]; body []; part_end [nil]; eof [nil]; 
header [A|b|A: b]; body [12345]; part_end [nil]; eof [nil]; 
header [A|b|A: b]; body [12345]; body []; part_end [nil]; eof [nil]; 
header [A|b|A: b]; body [12345]; body [67890]; body []; part_end [nil]; eof [nil]; 
header [nocolon]; header [X|y|X:y]; header [A|v |A :  v ]; body [1~~2~~-~~--X]; part_end [nil]; header [B|c|B: c]; body []; part_end [nil]; eof [nil]; 
header [A|b|A: b]; body [1]; part_end [nil]; eof [nil]; 

=== ways to say the boundary
--- htaccess
CoralPackagePath "@DIR@/../1/?.lua"
--- lua
local read = require "fake_form"
for _, parameter in ipairs { "boundary=X-1", 'Boundary="X-1"', "charset=utf-8; BOUNDARY=X-1", 'boundary="X-1"; charset=utf-8', "boundary=X-1; x=y" } do
  read("multipart/form-data; " .. parameter, "--X-1\r\nA: b\r\n\r\n1\r\n--X-1--", 100)
end
read("multipart/form-data; noboundary=XX", "x")
read("multipart/form-data; boundary=", "x")
read('multipart/form-data; boundary=""', "x")
--- body
header [A|b|A: b]; body [1]; part_end [nil]; eof [nil]; 
header [A|b|A: b]; body [1]; part_end [nil]; eof [nil]; 
header [A|b|A: b]; body [1]; part_end [nil]; eof [nil]; 
header [A|b|A: b]; body [1]; part_end [nil]; eof [nil]; 
header [A|b|A: b]; body [1]; part_end [nil]; eof [nil]; 
new: no boundary defined in Content-Type
new: no boundary defined in Content-Type
new: no boundary defined in Content-Type

=== what is no form, or stops
--- htaccess
CoralPackagePath "@DIR@/../1/?.lua"
--- lua
local read = require "fake_form"
read("multipart/form-data", "x")
read("text/plain", "x")
read("multipart/form-data; boundary=XX", "--XX\r\nA: b\r\n\r\ntruncated", 5)
read("multipart/form-data; boundary=XX", "nothing here", 5)
read("multipart/form-data; boundary=XX", "--XX\r\nA: " .. ("y"):rep(40) .. "\r\n\r\n1\r\n--XX--", 5, 20)
read("multipart/form-data; boundary=XX", "--XX\r\nA: b\r\n\r\n", 5)
read("multipart/form-data; boundary=XX", "", 5)
--- body
new: no boundary defined in Content-Type
new: no boundary defined in Content-Type
header [A|b|A: b]; body [trunc]; error: closed
error: closed
error: line too long: A: yyyyyyyyyyyyyyyyyy...
header [A|b|A: b]; error: closed
error: closed

=== no socket
--- lua
local had = rawget(ngx.req, "socket")
ngx.req.set_header("Content-Type", "multipart/form-data; boundary=XX")
ngx.req.socket = function() return nil, "no body" end
ngx.say(require "resty.upload":new(100))
ngx.req.socket = had
--- body
nilno body

=== a body that is kept
--- htaccess
CoralPackagePath "@DIR@/../1/?.lua"
--- lua
local names = { "init_body", "append_body", "finish_body" }
local had, kept = {}, {}
for _, name in ipairs(names) do had[name] = rawget(ngx.req, name) end
ngx.req.init_body = function(size) kept[#kept + 1] = "<" .. tostring(size) .. ">" end
ngx.req.append_body = function(text) kept[#kept + 1] = text end
ngx.req.finish_body = function() kept[#kept + 1] = "<end>" end
local upload = require "resty.upload"
local new = upload.new
function upload.new(self, size, line) return new(self, size, line, true) end
require "fake_form"("multipart/form-data; boundary=XX", "--XX\r\nA: b\r\n\r\n12345678\r\n--XX--\r\n", 5)
upload.new = new
ngx.say((table.concat(kept):gsub("\r\n", "~")))
for _, name in ipairs(names) do ngx.req[name] = had[name] end
--- body
header [A|b|A: b]; body [12345]; body [678]; part_end [nil]; eof [nil]; 
<5>--XX~A: b~~12345678~--XX--~<end>
