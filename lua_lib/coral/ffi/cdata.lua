-- SPDX-License-Identifier: Apache-2.0
-- Objects of C types, in memory that is Lua's: nothing outside of it can be reached.
--
-- A block is memory: { size, base, bytes, pointers }, or a string to be read: { size, base, text }. base is an address that is
-- made up; bytes count from 0, those missing are 0; pointers: offset -> object. An object is a table of TYPE, BLOCK and OFFSET:
-- an array or struct that is there, or a pointer to there. Scalars are Lua's numbers and booleans, the null pointer is nil.
local types = require "coral.ffi.types"
local pack, unpack, byte, char = string.pack, string.unpack, string.byte, string.char
local floor, math_type, type, error = math.floor, math.type, type, error
local rawget, setmetatable = rawget, setmetatable

local TYPE, BLOCK, OFFSET, FINALIZER = {}, {}, {}, {}
local cdata = { TYPE = TYPE, BLOCK = BLOCK, OFFSET = OFFSET }
local object_mt, finalized_mt = {}, {}
local next_base = 0x10000
local zeros = { __index = function() return 0 end }

local function new_block(size, text)
  local block = { size = size, base = next_base, text = text }
  if not text then block.bytes, block.pointers = setmetatable({}, zeros), {} end
  next_base = (next_base + size + 31) & ~15
  return block
end

local function is_object(value)
  return type(value) == "table" and rawget(value, TYPE) ~= nil
end

-- object(type, block, offset): a view
local function object(of, block, offset)
  return setmetatable({ [TYPE] = of, [BLOCK] = block, [OFFSET] = offset }, object_mt)
end

-- to(pointer type, object): a pointer to where the object is, or points to
local function pointer_to(of, target)
  return object(of, target[BLOCK], target[OFFSET])
end

-- The address of an object, as a number.
local function address(value)
  return value[BLOCK].base + value[OFFSET]
end

local function check_bounds(block, offset, size)
  if offset < 0 or offset + size > block.size then
    error(("access to byte %d of %d: out of bounds"):format(offset, block.size), 0)
  end
end

local function cannot_convert(value, of)
  error(("cannot convert '%s' to '%s'"):format(is_object(value) and types.name(value[TYPE]) or type(value), types.name(of)), 0)
end

-- A value as an integer of C: fractions are cut off.
local function to_integer(value, of)
  local x = value
  if type(x) == "boolean" then x = x and 1 or 0 end
  if type(x) ~= "number" then cannot_convert(value, of) end
  if math_type(x) == "integer" then return x end
  x = x < 0 and -floor(-x) or floor(x)
  if math_type(x) == "integer" then return x end
  local low = x % 2.0 ^ 64
  return math.tointeger(low < 2.0 ^ 63 and low or low - 2.0 ^ 64) or 0
end

-- The bits of an integer that a type has room for.
local function wrap(x, of)
  local bits = of.size * 8
  if bits == 64 then return x end
  x = x & (1 << bits) - 1
  if of.signed and x >= 1 << bits - 1 then x = x - (1 << bits) end
  return x
end

-- scalar(value, type): as Lua's number or boolean, after what C does to it
local function scalar(value, of)
  if of.kind == "int" then return wrap(to_integer(value, of), of) end
  if of.kind == "bool" then return value ~= nil and value ~= false and value ~= 0 end
  if type(value) ~= "number" then cannot_convert(value, of) end
  return of.size == 4 and unpack("<f", pack("<f", value)) or value + 0.0
end

local function read(of, block, offset)
  check_bounds(block, offset, of.size)
  if block.text then return (unpack(of.form, block.text, offset + 1)) end
  local bytes = block.bytes
  if of.size == 1 then
    local b = bytes[offset]
    return of.signed and b > 127 and b - 256 or b
  end
  return (unpack(of.form, char(table.unpack(bytes, offset, offset + of.size - 1))))
end

-- get(type, block, offset): what a scalar there is, a pointer, or a view of an array or struct
local function get(of, block, offset)
  local kind = of.kind
  if kind == "int" or kind == "float" then return read(of, block, offset) end
  if kind == "bool" then return read(of, block, offset) ~= 0 end
  if kind == "pointer" then
    check_bounds(block, offset, 8)
    local target = block.pointers and block.pointers[offset]
    return target and pointer_to(of, target)
  end
  return object(of, block, offset)
end

local function write_bytes(block, offset, text)
  local bytes = block.bytes
  for i = 1, #text do bytes[offset + i - 1] = byte(text, i) end
end

local set -- below

local function set_fields(of, block, offset, value)
  if is_object(value) then return cdata.copy(object(of, block, offset), value, of.size) end
  for i, field in ipairs(of.fields) do
    local v = value[field.name]
    if v == nil and field.name then v = value[i] end
    if v ~= nil then set(field.type, block, offset + field.offset, v) end
  end
end

local function set_elements(of, block, offset, value, count)
  if type(value) == "string" then
    if count > #value then value = value .. "\0" end
    return write_bytes(block, offset, value:sub(1, count))
  end
  if is_object(value) then return cdata.copy(object(of, block, offset), value, count * of.target.size) end
  if type(value) ~= "table" then cannot_convert(value, of) end
  local from = value[0] ~= nil and 0 or 1
  local only = value[from + 1] == nil and value[from] -- one fills them all
  for i = 0, count - 1 do
    local v = value[from + i]
    if v == nil then v = only end
    if v == nil then break end
    set(of.target, block, offset + i * of.target.size, v)
  end
end

-- Where a pointer of such a type may point to, of a value.
local function pointer_value(value, of)
  if value == nil or is_object(value) then return value end
  if type(value) == "string" then return object(of, new_block(#value + 1, value .. "\0"), 0) end
  cannot_convert(value, of)
end

-- set(type, block, offset, value)
function set(of, block, offset, value)
  if block.text then error("attempt to write to constant location", 0) end
  check_bounds(block, offset, of.size or 0)
  if of.kind == "pointer" then
    local target = pointer_value(value, of)
    block.pointers[offset] = target
    return write_bytes(block, offset, pack("<i8", target and address(target) or 0))
  end
  if of.kind == "struct" or of.kind == "union" then return set_fields(of, block, offset, value) end
  if of.kind == "array" then
    return set_elements(of, block, offset, value, of.count or (block.size - offset) // of.target.size)
  end
  local x = scalar(value, of)
  if of.size == 1 then
    block.bytes[offset] = of.kind == "bool" and (x and 1 or 0) or x & 255
  else
    write_bytes(block, offset, pack(of.form, x))
  end
end

-- The type whose elements or fields an object has, and where the first of them is.
local function base_of(self)
  local of = self[TYPE]
  if of.kind == "array" or of.kind == "pointer" then return of.target, self[BLOCK], self[OFFSET], of.kind end
  return of, self[BLOCK], self[OFFSET], of.kind
end

local function meta_of(self)
  local of = self[TYPE]
  return of.meta or of.kind == "pointer" and of.target.meta
end

-- A name as index: a field of a struct or of the one pointed to, then what ffi.metatype gave it.
local function named(self, name)
  local of = self[TYPE]
  if of.kind == "pointer" then of = of.target end
  local field = of.by_name and of.by_name[name]
  if field then return field end
  local meta = meta_of(self)
  return nil, meta and meta.__index
end

local function element(self, i)
  local of, block, offset, kind = base_of(self)
  if kind ~= "array" and kind ~= "pointer" then
    error(("'%s' cannot be indexed"):format(types.name(self[TYPE])), 0)
  end
  if not of.size or of.kind == "void" or of.kind == "function" then
    error(("'%s' cannot be indexed"):format(types.name(self[TYPE])), 0)
  end
  return of, block, offset + floor(i) * of.size
end

-- Whether element i is a byte that is there, and where: most of what is read and written are buffers.
local function byte_at(self, i)
  local target, at = self[TYPE].target, self[OFFSET]
  if target and target.size == 1 and target.kind == "int" and math_type(i) == "integer" then
    local block = self[BLOCK]
    at = at + i
    if block.bytes and at >= 0 and at < block.size then return block.bytes, at, target.signed end
  end
end

function object_mt.__index(self, key)
  if type(key) == "number" then
    local bytes, at, signed = byte_at(self, key)
    if bytes then
      local b = bytes[at]
      return signed and b > 127 and b - 256 or b
    end
    return get(element(self, key))
  end
  local field, index = named(self, key)
  if field then return get(field.type, self[BLOCK], self[OFFSET] + field.offset) end
  if type(index) == "function" then return index(self, key) end
  if index and index[key] ~= nil then return index[key] end
  error(("'%s' has no member named '%s'"):format(types.name(self[TYPE]), tostring(key)), 2)
end

function object_mt.__newindex(self, key, value)
  if type(key) == "number" then
    local bytes, at = byte_at(self, key)
    if bytes and math_type(value) == "integer" then
      bytes[at] = value & 255
      return
    end
    local of, block, offset = element(self, key)
    return set(of, block, offset, value)
  end
  local field = named(self, key)
  if field then return set(field.type, self[BLOCK], self[OFFSET] + field.offset, value) end
  local meta = meta_of(self)
  if meta and meta.__newindex then return meta.__newindex(self, key, value) end
  error(("'%s' has no member named '%s'"):format(types.name(self[TYPE]), tostring(key)), 2)
end

-- Arithmetic of pointers; for the rest, what ffi.metatype gave.
local function by_meta(name, a, b)
  local meta = is_object(a) and meta_of(a) or is_object(b) and meta_of(b)
  local f = meta and meta[name]
  if not f then error("attempt to perform arithmetic on a C type without such an operation", 3) end
  return f(a, b)
end

local function moved(pointer, by)
  local target, block, offset = base_of(pointer)
  return object(types.pointer(target), block, offset + floor(by) * target.size)
end

local function is_address(value)
  return is_object(value) and (value[TYPE].kind == "pointer" or value[TYPE].kind == "array")
end

function object_mt.__add(a, b)
  if is_address(a) and type(b) == "number" then return moved(a, b) end
  if is_address(b) and type(a) == "number" then return moved(b, a) end
  return by_meta("__add", a, b)
end

function object_mt.__sub(a, b)
  if is_address(a) and type(b) == "number" then return moved(a, -b) end
  if is_address(a) and is_address(b) then return (address(a) - address(b)) // base_of(a).size end
  return by_meta("__sub", a, b)
end

for _, name in ipairs { "__mul", "__div", "__mod", "__pow", "__unm", "__concat", "__call", "__len" } do
  object_mt[name] = function(a, ...)
    local meta = is_object(a) and meta_of(a) or is_object(...) and meta_of(...)
    if not (meta and meta[name]) then error(("C type has no operation '%s'"):format(name), 2) end
    return meta[name](a, ...)
  end
end

function object_mt.__eq(a, b)
  local meta = is_object(a) and not is_address(a) and a[TYPE].meta
  if meta and meta.__eq then return meta.__eq(a, b) end
  return is_object(a) and is_object(b) and a[BLOCK] == b[BLOCK] and a[OFFSET] == b[OFFSET]
end

function object_mt.__lt(a, b)
  return address(a) < address(b)
end

function object_mt.__le(a, b)
  return address(a) <= address(b)
end

function object_mt.__tostring(self)
  local meta = meta_of(self)
  if meta and meta.__tostring then return meta.__tostring(self) end
  return ("cdata<%s>: 0x%08x"):format(types.name(self[TYPE]), address(self))
end

for name, f in pairs(object_mt) do finalized_mt[name] = f end
function finalized_mt.__gc(self)
  local f = rawget(self, FINALIZER)
  if f then f(self) end
end

cdata.is_object, cdata.address, cdata.scalar, cdata.get, cdata.set = is_object, address, scalar, get, set
cdata.object, cdata.pointer_to, cdata.pointer_value = object, pointer_to, pointer_value

-- gc(object, f): f(object) when it is collected; nil: nothing
function cdata.gc(self, f)
  rawset(self, FINALIZER, f)
  return setmetatable(self, finalized_mt)
end

-- new(type, count): an object of an array or struct, all zero; count: for an array [?]
function cdata.new(of, count)
  local size = of.size or count and count * of.target.size
  if not size then error("size of C type is unknown or too large", 0) end
  if not of.size then of = types.array(of.target, count) end
  local self = object(of, new_block(size), 0)
  if of.meta and of.meta.__gc then cdata.gc(self, of.meta.__gc) end
  return self
end

-- bytes(object, n): n bytes as a string, up to a NUL without n
function cdata.bytes(self, n)
  local block, from = self[BLOCK], self[OFFSET]
  if n then
    check_bounds(block, from, n)
  else
    n = 0
    while from + n < block.size and read(types.uchar, block, from + n) ~= 0 do n = n + 1 end
  end
  if block.text then return block.text:sub(from + 1, from + n) end
  local parts = {}
  for at = from, from + n - 1, 4096 do
    parts[#parts + 1] = char(table.unpack(block.bytes, at, math.min(at + 4095, from + n - 1)))
  end
  return table.concat(parts)
end

-- copy(to, from, n): from: a string or an object
function cdata.copy(to, from, n)
  local block, offset = to[BLOCK], to[OFFSET]
  local text = type(from) == "string" and (from .. "\0"):sub(1, n) or cdata.bytes(from, n)
  if block.text then error("attempt to write to constant location", 0) end
  check_bounds(block, offset, #text)
  write_bytes(block, offset, text)
  for at in pairs(block.pointers) do
    if at >= offset and at < offset + #text then block.pointers[at] = nil end
  end
  if is_object(from) and from[BLOCK].pointers then
    for at, target in pairs(from[BLOCK].pointers) do
      local rel = at - from[OFFSET]
      if rel >= 0 and rel + 8 <= n then block.pointers[offset + rel] = target end
    end
  end
end

-- fill(object, n, byte)
function cdata.fill(self, n, value)
  local block, from = self[BLOCK], self[OFFSET]
  if block.text then error("attempt to write to constant location", 0) end
  check_bounds(block, from, n)
  for at = from, from + n - 1 do block.bytes[at], block.pointers[at] = value, nil end
end

return cdata
