-- SPDX-License-Identifier: Apache-2.0
-- What a WSAPI application has returned, on its way to the client. send(status, headers, iterator)
local response = require "coral.response"
local method = require "coral.request".method
local print, flush = response.print, response.flush

-- 200, "200", "200 OK"; the reason is httpd's
local function set_status(status)
  local number = math.tointeger(status) or type(status) == "string" and math.tointeger(tonumber(status:match "^%s*(%d+)"))
  if not number or number < 100 or number > 599 then
    error(("the application returned %s for a status: a number, or a text as \"404 Not Found\", is expected"):format(
      type(status) == "string" and ("%q"):format(status) or tostring(status)), 0)
  end
  response.set_status(number)
end

local function text(value)
  return type(value) == "string" and value or tostring(value)
end

local function set_header(name, value)
  if type(value) == "table" then
    local list = {}
    for i, one in ipairs(value) do list[i] = text(one) end
    value = list
  else
    value = text(value)
  end
  response.set_header(name, value)
end

-- Whether the length is said, so that it is a whole answer, and not a stream.
local function set_headers(headers)
  local whole = false
  for name, value in pairs(headers or {}) do
    local lower = tostring(name):lower()
    if lower ~= "transfer-encoding" then set_header(tostring(name), value) end -- that is httpd's
    whole = whole or lower == "content-length"
  end
  return whole
end

-- Each piece of a stream goes out at once, and the next one is asked for when the client has taken it.
local function send_pieces(iterator, whole)
  local piece = iterator()
  while piece do
    piece = text(piece)
    local ok = piece == "" or print(piece) and (whole or flush())
    if not ok then return end -- the client is gone
    piece = iterator()
  end
end

local function send(status, headers, iterator)
  set_status(status)
  if headers ~= nil and type(headers) ~= "table" then
    error("the application returned a " .. type(headers) .. " for headers: a table is expected", 0)
  end
  local whole = set_headers(headers)
  if iterator == nil or method() == "HEAD" then return end
  send_pieces(iterator, whole)
end

return { send = send }
