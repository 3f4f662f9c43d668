-- SPDX-License-Identifier: Apache-2.0
-- ngx.escape_uri, ngx.encode_args, ngx.quote_sql_str … On coral.codec.
local codec = require "coral.codec"
local escape = codec.escape_uri

local function add(parts, key, value)
  if value == true then
    parts[#parts + 1] = escape(key)
  elseif value ~= false then
    parts[#parts + 1] = escape(key) .. "=" .. escape(tostring(value))
  end
end

local allowed = { string = true, number = true, boolean = true }

-- encode_args(table): a query string; true is a name alone, a list repeats the name
function codec.encode_args(args)
  local parts = {}
  for key, value in pairs(args) do
    key = tostring(key)
    if type(value) == "table" then
      for _, one in ipairs(value) do add(parts, key, one) end
    elseif allowed[type(value)] then
      add(parts, key, value)
    else
      error("attempt to use " .. type(value) .. " as query arg value", 2)
    end
  end
  return table.concat(parts, "&")
end

local sql = { ["\0"] = "\\0", ["\b"] = "\\b", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\26"] = "\\Z", ["\\"] = "\\\\",
  ["'"] = "\\'", ['"'] = '\\"' }

-- quote_sql_str(text): by MySQL's rules
function codec.quote_sql_str(text)
  return "'" .. text:gsub("[%z\b\n\r\t\26\\'\"]", sql) .. "'"
end

return codec
