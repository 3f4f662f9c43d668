-- SPDX-License-Identifier: Apache-2.0
-- require "mime.core": LuaSocket's encodings, in Lua. Each takes a text piece by piece: what a piece leaves open comes back as the second
-- result and goes into the next call.
local codec = require "coral.ngx.codec"
local encode64, decode64 = codec.encode_base64, codec.decode_base64
local byte, char, rep = string.byte, string.char, string.rep
local concat, floor, max, min, tonumber = table.concat, math.floor, math.max, math.min, tonumber

local mime = { _VERSION = "MIME 1.0.3" }

local function text(value, n, name, level)
  if type(value) == "string" then return value end
  if type(value) == "number" then return tostring(value) end
  error(("bad argument #%d to '%s' (string expected, got %s)"):format(n, name, type(value)), (level or 1) + 2)
end

local function number(value, n, name)
  local its = tonumber(value)
  if its then return floor(its) end
  error(("bad argument #%d to '%s' (number expected, got %s)"):format(n, name, value == nil and "no value" or type(value)), 3)
end

local function unless_empty(s) return s ~= "" and s or nil end

-- b64(C, D): C .. D in Base64 as far as it is known, and the rest of it; without D: all of C
function mime.b64(c, d)
  if c == nil then return nil, nil end
  c = text(c, 1, "b64")
  if d == nil then return unless_empty(encode64(c)), nil end
  local all = c .. text(d, 2, "b64")
  local size = #all - #all % 3
  return encode64(all:sub(1, size)), all:sub(size + 1)
end

-- Whole groups of four; there may be ends of texts in the middle.
local function decode_groups(s)
  if not s:find "=[^=]" then
    local plain = decode64(s)
    if plain then return plain end
  end
  return (s:gsub("....", function(group)
    local padding = group:sub(3, 3) == "=" and 2 or group:sub(4, 4) == "=" and 1 or 0
    return (decode64((group:gsub("=", "A"))) or ""):sub(1, 3 - padding)
  end))
end

-- unb64(C, D): the other way; what is no digit is left out
function mime.unb64(c, d)
  if c == nil then return nil, nil end
  local all = (text(c, 1, "unb64") .. (d == nil and "" or text(d, 2, "unb64"))):gsub("[^%w+/=]", "")
  local size = #all - #all % 4
  local plain = decode_groups(all:sub(1, size))
  if d == nil then return unless_empty(plain), nil end
  return plain, all:sub(size + 1)
end

local function quote(c) return ("=%02X"):format(byte(c)) end

-- A line without its end; a blank or tab there is quoted.
local function quote_line(line)
  line = line:gsub("[^\t\32-\60\62-\126]", quote)
  return (line:gsub("[ \t]$", quote))
end

-- qp(C, D, marker): C .. D as quoted-printable, its ends of lines as marker, and what it takes more to know; without D: all of C
function mime.qp(c, d, marker)
  if c == nil then return nil, nil end
  local all = text(c, 1, "qp") .. (d == nil and "" or text(d, 2, "qp"))
  marker = marker == nil and "\r\n" or text(marker, 3, "qp")
  local open = all:match "[ \t].$" or all:match "[ \t\r]$" or ""
  local sure, out, at = all:sub(1, #all - #open), {}, 1
  for line, next_line in sure:gmatch "(.-)\r\n()" do
    out[#out + 1] = quote_line(line) .. marker
    at = next_line
  end
  out[#out + 1] = sure:sub(at):gsub("[^\t\32-\60\62-\126]", quote)
  if d ~= nil then return concat(out), open end
  if open ~= "" then out[#out + 1] = open:gsub("[^\33-\60\62-\126]", quote) .. "=\r\n" end
  return unless_empty(concat(out)), nil
end

-- unqp(C, D): the other way
function mime.unqp(c, d)
  if c == nil then return nil, nil end
  local all = text(c, 1, "unqp") .. (d == nil and "" or text(d, 2, "unqp"))
  local out, at, size = {}, 1, #all
  while at <= size do
    local from, plain = at, all:match("^[\t\32-\60\62-\126]+", at)
    if plain then
      out[#out + 1] = plain
      at = at + #plain
    else
      local first, second = all:sub(at, at), all:sub(at + 1, at + 2)
      if first == "=" and #second == 2 then
        local value = second:find "^%x%x$" and tonumber(second, 16)
        if value then out[#out + 1] = char(value) elseif second ~= "\r\n" then out[#out + 1] = "=" .. second end
        at = at + 3
      elseif first == "\r" and second ~= "" then
        if second:sub(1, 1) == "\n" then out[#out + 1] = "\r\n" end
        at = at + 2
      elseif first == "=" or first == "\r" then
        break
      else -- no character of this encoding
        at = at + 1
      end
    end
    assert(at > from)
  end
  local plain = concat(out)
  if d == nil then return unless_empty(plain), nil end
  return plain, all:sub(at)
end

-- Breaks the lines of s: each may take `left` bytes, the next ones `length`. take(rest, left) says how many fit (0: none do), break_ is what
-- stands between. Returns the text and what is left in its last line.
local function break_lines(s, left, length, break_, take)
  local out = {}
  for line, ends in s:gsub("\r", ""):gmatch "([^\n]*)(\n?)" do
    local at, size = 1, #line
    while at <= size do
      local n = take(line, at, left)
      if n == 0 then
        out[#out + 1] = break_
        left = length
        n = max(take(line, at, left), 1)
      end
      out[#out + 1] = line:sub(at, at + n - 1)
      at, left = at + n, left - n
    end
    if ends ~= "" then
      out[#out + 1] = "\r\n"
      left = length
    end
  end
  return concat(out), left
end

local function whole(line, at, left) return max(min(#line - at + 1, left), 0) end

-- So that one byte is left for the = of the break, and no =XX is torn.
local function quoted(line, at, left)
  if byte(line, at) == 61 then return left > 3 and min(3, #line - at + 1) or 0 end
  local stop = line:find("=", at, true) or #line + 1
  return max(min(stop - at, left - 1), 0)
end

local function wrap(name, break_, take)
  return function(left, s, length)
    left, length = number(left, 1, name), length == nil and 76 or number(length, 3, name)
    if s == nil then return left < length and break_ or nil, length end
    return break_lines(text(s, 2, name), left, length, break_, take)
  end
end

-- wrp(left, B, length), qpwrp(left, B, length): B in lines of at most so many bytes, the first of what is left; and what is left in the last
mime.wrp = wrap("wrp", "\r\n", whole)
mime.qpwrp = wrap("qpwrp", "=\r\n", quoted)

-- eol(state, B, marker): B with its ends of lines as marker, whatever they were; and the state for the next piece
function mime.eol(state, s, marker)
  local last = number(state, 1, "eol")
  if s == nil then return nil, 0 end
  s, marker = text(s, 2, "eol"), marker == nil and "\r\n" or text(marker, 3, "eol")
  if s == "" then return "", last end
  local out = s:gsub("()([\r\n]+)", function(from, ends)
    if from > 1 then last = 0 end
    local count = 0
    for i = 1, #ends do
      local c = byte(ends, i)
      if last == 0 or c == last then count = count + 1 end
      last = last == 0 and c or 0
    end
    return rep(marker, count)
  end)
  if not s:find "[\r\n]$" then last = 0 end
  return out, last
end

-- dot(state, D): D with a dot before each dot that begins a line (SMTP); and the state for the next piece
function mime.dot(state, s)
  state = number(state, 1, "dot")
  if s == nil then return nil, 2 end
  s = text(s, 2, "dot")
  local out = s:gsub("\r\n%.", "\r\n..")
  if state == 2 and s:sub(1, 1) == "." then out = "." .. out
  elseif state == 1 and s:sub(1, 2) == "\n." then out = "\n." .. out:sub(2) end
  if s == "" then return out, state end
  if s:sub(-2) == "\r\n" or s == "\n" and state == 1 then return out, 2 end
  return out, s:sub(-1) == "\r" and 1 or 0
end

return mime
