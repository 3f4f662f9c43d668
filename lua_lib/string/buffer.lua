-- SPDX-License-Identifier: Apache-2.0
-- string.buffer, with the API of LuaJIT's, but for what needs pointers (reserve, commit, putcdata, ref).
-- self.parts[self.first] … self.parts[self.last] are the texts, of the first of them self.skipped bytes are gone.
local serialize = require "coral.serialize"
local floor = math.floor

local buffer = {}
local methods = {}
local mt = { __index = methods, __name = "buffer" }

local function clear(self)
  self.parts, self.first, self.last, self.skipped, self.size = {}, 1, 0, 0, 0
  return self
end

local function append(self, text)
  self.last = self.last + 1
  self.parts[self.last] = text
  self.size = self.size + #text
end

-- All of it as one part, with the bytes that are gone.
local function one_part(self)
  if self.first < self.last then
    self.parts, self.first, self.last = { table.concat(self.parts, "", self.first, self.last) }, 1, 1
  end
  return self.parts[self.first] or ""
end

local function joined(self)
  local text = one_part(self)
  if self.skipped == 0 then return text end
  text = text:sub(self.skipped + 1)
  self.parts[self.first], self.skipped = text, 0
  return text
end

local function take(self, n)
  local from = self.skipped
  local text = one_part(self):sub(from + 1, from + n)
  if n >= self.size then clear(self) else self.skipped, self.size = from + n, self.size - n end
  return text
end

local function text_of(value, i, name)
  if type(value) == "string" then return value end
  if type(value) == "number" then return tostring(value) end
  local meta = getmetatable(value)
  if meta == mt or meta and meta.__tostring then return tostring(value) end
  error(("bad argument #%d to '%s' (string/number/__tostring expected, got %s)"):format(i, name, type(value)), 3)
end

-- put(...): texts, numbers, buffers and what has a __tostring
function methods:put(...)
  for i = 1, select("#", ...) do append(self, text_of(select(i, ...), i, "put")) end
  return self
end

-- putf(format, ...): as string.format
function methods:putf(...)
  append(self, string.format(...))
  return self
end

-- set(text): instead of what there is
function methods:set(text)
  clear(self)
  append(self, text_of(text, 1, "set"))
  return self
end

-- get(n, ...): so many bytes, all without n, which are then gone; a text for each n
function methods:get(...)
  local count = select("#", ...)
  if count <= 1 then
    local n = ...
    return take(self, n and floor(n) or self.size)
  end
  local texts = { ... }
  for i = 1, count do texts[i] = take(self, texts[i] and floor(texts[i]) or self.size) end
  return table.unpack(texts, 1, count)
end

-- skip(n): that many bytes are gone
function methods:skip(n)
  take(self, floor(n))
  return self
end

methods.reset, methods.free = clear, clear

function methods:tostring()
  return joined(self)
end

-- encode(value): puts it in LuaJIT's form; decode(): takes one out
function methods:encode(value)
  append(self, serialize.encode(value))
  return self
end

function methods:decode()
  local value, after = serialize.decode(joined(self))
  take(self, after - 1)
  return value
end

for _, name in ipairs { "reserve", "commit", "putcdata", "ref" } do
  methods[name] = function() error("buffer:" .. name .. " needs pointers, which there are none of in mod_coral", 2) end
end

mt.__tostring = joined
function mt:__len() return self.size end
function mt.__concat(a, b) return tostring(a) .. tostring(b) end

-- new(size, options): neither changes anything
function buffer.new()
  return clear(setmetatable({}, mt))
end

buffer.encode = serialize.encode

-- decode(text): the value of all of it
function buffer.decode(text)
  local value, after = serialize.decode(text)
  if after <= #text then error("left-over data in buffer", 2) end
  return value
end

return buffer
