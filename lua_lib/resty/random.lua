-- SPDX-License-Identifier: Apache-2.0
-- resty.random: that of lua-resty-string (bytes) and that of bungle's lua-resty-random (bytes, number, token) in one. All of it
-- comes from OpenSSL's generator.
local crypto = require "coral.crypto"
local unpack_bytes, floor = string.unpack, math.floor

local random = { _VERSION = "0.17" }
local letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

-- bytes(n, how): n bytes; of the text "hex" as how: 2 n digits. true or false make no difference: there are no weaker ones
function random.bytes(n, how)
  local bytes = crypto.random(floor(n))
  if how == "hex" and bytes then return require "resty.string".to_hex(bytes) end
  return bytes
end

-- Evenly from 0 to n - 1.
local function below(n)
  local most = math.maxinteger - math.maxinteger % n
  local x
  repeat x = unpack_bytes("<i8", crypto.random(8)) & math.maxinteger until x < most
  return x % n
end

-- number(min, max): as math.random
function random.number(min, max)
  if not min then return below(1 << 53) * 2.0 ^ -53 end
  if not max then min, max = 1, min end
  min, max = floor(min), floor(max)
  if min > max then error("bad argument #2 to 'number' (interval is empty)", 2) end
  return min + below(max - min + 1)
end

-- token(n, characters, separator): n of the characters (a string or a list; letters and digits)
function random.token(n, characters, separator)
  local list = characters or letters
  local token = {}
  for i = 1, n do
    local at = 1 + below(#list)
    token[i] = type(list) == "table" and list[at] or list:sub(at, at)
  end
  return table.concat(token, separator)
end

return random
