-- SPDX-License-Identifier: Apache-2.0
-- Values as bytes, in the form of LuaJIT's string.buffer: https://luajit.org/ext_buffer.html#serialize_format
local pack, unpack, char, byte = string.pack, string.unpack, string.char, string.byte
local null = require "coral.codec".null
local MOST <const> = 100 -- tables in tables

-- A length: one, two or five bytes.
local function length(n)
  if n < 0xe0 then return char(n) end
  if n < 0x1fe0 then
    n = n - 0xe0
    return char(0xe0 | n >> 8, n & 0xff)
  end
  return pack("<BI4", 0xff, n)
end

local encode -- below

local function encode_table(t, parts, depth)
  if depth > MOST then error("attempt to serialize a table that is too deep", 0) end
  local count, hash = #t, 0
  for key in next, t do
    if math.type(key) ~= "integer" or key < 1 or key > count then hash = hash + 1 end
  end
  -- 8: empty, 9: pairs, 12: a list, whose length counts from 0, 13: a list and pairs
  parts[#parts + 1] = char(8 + (hash > 0 and 1 or 0) + (count > 0 and 4 or 0))
  if count > 0 then parts[#parts + 1] = length(count + 1) end
  if hash > 0 then parts[#parts + 1] = length(hash) end
  for i = 1, count do encode(t[i], parts, depth + 1) end
  if hash == 0 then return end
  for key, value in next, t do
    if math.type(key) ~= "integer" or key < 1 or key > count then
      encode(key, parts, depth + 1)
      encode(value, parts, depth + 1)
    end
  end
end

local function encode_number(x)
  if math.type(x) == "float" then return pack("<Bd", 7, x) end
  if x >= -0x80000000 and x <= 0x7fffffff then return pack("<Bi4", 6, x) end
  if math.tointeger(x + 0.0) == x then return pack("<Bd", 7, x) end
  return pack("<Bi8", 0x10, x)
end

function encode(value, parts, depth)
  local kind = type(value)
  local bytes
  if value == nil then
    bytes = "\0"
  elseif kind == "boolean" then
    bytes = value and "\2" or "\1"
  elseif kind == "number" then
    bytes = encode_number(value)
  elseif kind == "string" then
    bytes = length(0x20 + #value) .. value
  elseif value == null then
    bytes = "\3"
  elseif kind == "table" then
    return encode_table(value, parts, depth)
  else
    error("cannot serialize a value of type " .. kind, 0)
  end
  parts[#parts + 1] = bytes
end

local function bad()
  error("unexpected end of buffer", 0)
end

-- The length at `at`, and what comes after.
local function read_length(text, at)
  local first = byte(text, at) or bad()
  if first < 0xe0 then return first, at + 1 end
  if first < 0xff then return 0xe0 + ((first & 0x1f) << 8) + (byte(text, at + 1) or bad()), at + 2 end
  if #text < at + 4 then bad() end
  return unpack("<I4", text, at + 1)
end

local function read(form, text, at, size)
  if #text < at + size - 1 then bad() end
  return unpack(form, text, at)
end

local decode -- below

-- tag: bit 0 pairs, bit 1 a list from 0, bit 2 a list from 1
local function decode_table(tag, text, at, depth)
  if depth > MOST then error("table nested too deep in buffer", 0) end
  local t, count, hash = {}, 0, 0
  if tag & 6 ~= 0 then count, at = read_length(text, at) end
  if tag & 1 ~= 0 then hash, at = read_length(text, at) end
  for i = tag & 4 ~= 0 and 1 or 0, count - 1 do t[i], at = decode(text, at, depth + 1) end
  for _ = 1, hash do
    local key
    key, at = decode(text, at, depth + 1)
    if key == nil or key ~= key then error("bad key in buffer", 0) end
    t[key], at = decode(text, at, depth + 1)
  end
  return t, at
end

function decode(text, at, depth)
  local tag, after = read_length(text, at)
  if tag >= 0x20 then
    local last = after + tag - 0x21
    if last > #text then bad() end
    return text:sub(after, last), last + 1
  end
  if tag == 0 then return nil, after end
  if tag <= 2 then return tag == 2, after end
  if tag == 3 then return null, after end
  if tag == 6 then return read("<i4", text, after, 4) end
  if tag == 7 then
    local x, next_at = read("<d", text, after, 8)
    return math.tointeger(x) or x, next_at
  end
  if tag >= 8 and tag <= 13 then return decode_table(tag, text, after, depth) end
  if tag == 0x10 or tag == 0x11 then return read("<i8", text, after, 8) end
  error(("unexpected tag 0x%02x in buffer"):format(tag), 0)
end

local serialize = {}

-- encode(value): the bytes; functions and their kind raise
function serialize.encode(value)
  local parts = {}
  encode(value, parts, 1)
  return table.concat(parts)
end

-- decode(bytes): the value, and where the next one begins
function serialize.decode(text)
  return decode(text, 1, 1)
end

return serialize
