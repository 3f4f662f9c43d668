-- SPDX-License-Identifier: Apache-2.0
-- resty.string, with the API of lua-resty-string.
local digits = {}
for i = 0, 255 do digits[string.char(i)] = ("%02x"):format(i) end

local str = { _VERSION = "0.17" }

-- to_hex(bytes): two digits for each
function str.to_hex(bytes)
  return (bytes:gsub(".", digits))
end

-- atoi(text): the number of its digits, -1 if there is anything else
function str.atoi(text)
  return text:find "^%d+$" and math.tointeger(tonumber(text)) or -1
end

return str
