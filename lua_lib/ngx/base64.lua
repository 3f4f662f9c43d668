-- SPDX-License-Identifier: Apache-2.0
-- ngx.base64: the alphabet for URIs, without padding.
local codec = require "coral.codec"

local base64 = { version = require "resty.core.base".version }
local to_url, from_url = { ["+"] = "-", ["/"] = "_" }, { ["-"] = "+", ["_"] = "/" }

-- encode_base64url(bytes); nil and why if it is no string
function base64.encode_base64url(bytes)
  if type(bytes) ~= "string" then return nil, "must provide a string" end
  return (codec.encode_base64(bytes, true):gsub("[+/]", to_url))
end

-- decode_base64url(text): what comes after a = does not count; nil and why if it is none
function base64.decode_base64url(text)
  if type(text) ~= "string" then return nil, "must provide a string" end
  text = text:gsub("=.*", "")
  local bytes = not text:find "[^%w_-]" and #text % 4 ~= 1 and codec.decode_base64((text:gsub("[-_]", from_url)))
  if not bytes then return nil, "invalid input" end
  return bytes
end

return base64
