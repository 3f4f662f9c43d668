-- SPDX-License-Identifier: Apache-2.0
-- ngx.escape_uri, ngx.encode_args, ngx.quote_sql_str … On coral.codec.
local codec = require "coral.codec"
local escape = codec.escape_uri

local allowed = { string = true, number = true, boolean = true }

local function add(parts, key, value, level)
  if not allowed[type(value)] then error("attempt to use " .. type(value) .. " as query arg value", level + 1) end
  if value == true then
    parts[#parts + 1] = escape(key)
  elseif value ~= false then
    parts[#parts + 1] = escape(key) .. "=" .. escape(tostring(value))
  end
end

local function encode(args, level)
  local parts = {}
  for key, value in pairs(args) do
    key = tostring(key)
    for _, one in ipairs(type(value) == "table" and value or { value }) do add(parts, key, one, level + 1) end
  end
  return table.concat(parts, "&")
end

-- encode_args(table): a query string; true is a name alone, a list repeats the name
function codec.encode_args(args)
  if type(args) ~= "table" then
    error("bad argument #1 to 'encode_args' (table expected, got " .. type(args) .. ")", 2)
  end
  return encode(args, 2)
end

-- What may stand for a query string: one, a number or a table. level: as error() counts, of who is to blame
function codec.query_string(args, level)
  if type(args) == "table" then return encode(args, level + 1) end
  if type(args) == "string" or type(args) == "number" then return tostring(args) end
  error("string, number, or table expected, but got " .. type(args), level + 1)
end

local crc32 = require "coral.jit".crc32

-- crc32_short(bytes), crc32_long(bytes): the same
function codec.crc32_short(bytes)
  return crc32(type(bytes) == "string" and bytes or bytes and tostring(bytes) or "")
end

codec.crc32_long = codec.crc32_short

-- decode_base64mime(text): as decode_base64, but what is not of the alphabet is skipped, and a = ends the text
function codec.decode_base64mime(text)
  if type(text) ~= "string" then error("string argument only", 2) end
  return codec.decode_base64((text:match "^[^=]*":gsub("[^%w+/]", "")))
end

local sql = { ["\0"] = "\\0", ["\b"] = "\\b", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\26"] = "\\Z", ["\\"] = "\\\\",
  ["'"] = "\\'", ['"'] = '\\"' }

-- quote_sql_str(text): by MySQL's rules
function codec.quote_sql_str(text)
  if type(text) ~= "string" and type(text) ~= "number" then
    error("bad argument #1 to 'quote_sql_str' (string expected, got " .. type(text) .. ")", 2)
  end
  return "'" .. tostring(text):gsub("[%z\b\n\r\t\26\\'\"]", sql) .. "'"
end

return codec
