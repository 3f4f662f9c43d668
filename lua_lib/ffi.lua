-- SPDX-License-Identifier: Apache-2.0
-- ffi, with the API of LuaJIT's, for what libraries use it for besides calling C: buffers, structs, casts. Memory is Lua's own
-- and every access is checked; of C's functions there are those of coral/ffi/c.lua.
local cdata = require "coral.ffi.cdata"
local parse = require "coral.ffi.parse"
local types = require "coral.ffi.types"
local jit = require "coral.jit"
local is_object, TYPE = cdata.is_object, cdata.TYPE

local ffi = { os = jit.os, arch = jit.arch }
local CT = {} -- key of a ctype's type
local ctype_mt = { __metatable = "ffi" }

local function ctype(of)
  local ct = of.ctype
  if not ct then
    ct = setmetatable({ [CT] = of }, ctype_mt)
    of.ctype = ct
  end
  return ct
end

local function bad(i, name, expected, got)
  error(("bad argument #%d to '%s' (%s expected, got %s)"):format(i, name, expected, got == nil and "nil" or type(got)), 3)
end

-- Calls f, which raises without a place; its errors get that of who called the one who calls.
local function placed(ok, ...)
  if ok then return ... end
  error((...), 3)
end

-- The type that an argument means: a ctype, a text, an object.
local function type_of(ct)
  if type(ct) == "string" then return parse.type(ct) end
  if type(ct) == "table" and rawget(ct, CT) then return rawget(ct, CT) end
  if is_object(ct) then return ct[TYPE] end
  error("C type expected, got " .. type(ct), 0)
end

local function is_aggregate(of)
  return of.kind == "array" or of.kind == "struct" or of.kind == "union"
end

local function fill_new(self, ...)
  local of, count = self[TYPE], select("#", ...)
  local first = ...
  if count == 0 or first == nil and count == 1 then return self end
  local one = count == 1 and (type(first) == "table" or type(first) == "string" and of.kind == "array")
  cdata.set(of, self[cdata.BLOCK], 0, one and first or { ... })
  return self
end

local function new(ct, ...)
  local of = type_of(ct)
  if not is_aggregate(of) then
    local value = ...
    if of.kind == "pointer" then
      local target = cdata.pointer_value(value, of)
      return target and cdata.pointer_to(of, target)
    end
    return cdata.scalar(value == nil and 0 or value, of)
  end
  if of.kind ~= "array" or of.count then return fill_new(cdata.new(of), ...) end
  local n = math.tointeger((...)) or type(...) == "number" and math.floor((...))
  if not n or n < 0 then error("size of C type is unknown or too large", 0) end
  return fill_new(cdata.new(of, n), select(2, ...))
end

local function cast(ct, value)
  local of = type_of(ct)
  if of.kind == "pointer" then
    if value == 0 then return nil end
    if math.type(value) == "integer" then return cdata.object(of, { size = 0, base = value, text = "" }, 0) end
    local target = cdata.pointer_value(value, of)
    return target and cdata.pointer_to(of, target)
  end
  if is_aggregate(of) then error("cannot cast to '" .. types.name(of) .. "'", 0) end
  if is_object(value) and of.kind == "int" then value = cdata.address(value) end
  if value == nil then value = 0 end
  return cdata.scalar(value, of)
end

local function string_of(value, n)
  n = n and math.floor(n)
  if type(value) == "string" then return value:sub(1, n or -1) end
  if not is_object(value) then error("cannot convert '" .. type(value) .. "' to 'const char *'", 0) end
  return cdata.bytes(value, n)
end

-- cdef(declarations)
function ffi.cdef(text)
  placed(pcall(parse.cdef, text))
end

-- typeof(type or object): what makes objects of that type
function ffi.typeof(ct)
  return ctype(placed(pcall(type_of, ct)))
end

-- new(type, n, values …): n for an array [?]; scalars are Lua's numbers
function ffi.new(ct, ...)
  return placed(pcall(new, ct, ...))
end

-- cast(type, value): of strings and objects pointers to them, of pointers addresses that mean nothing outside
function ffi.cast(ct, value)
  return placed(pcall(cast, ct, value))
end

-- string(object, n): n bytes, or what comes before a NUL
function ffi.string(value, n)
  return placed(pcall(string_of, value, n))
end

-- copy(to, from, n); of a string without n all of it and a NUL
function ffi.copy(to, from, n)
  if not is_object(to) then bad(1, "copy", "cdata", to) end
  if not is_object(from) and type(from) ~= "string" then bad(2, "copy", "cdata or string", from) end
  placed(pcall(cdata.copy, to, from, n and math.floor(n) or type(from) == "string" and #from + 1))
end

-- fill(object, n, byte)
function ffi.fill(to, n, value)
  if not is_object(to) then bad(1, "fill", "cdata", to) end
  placed(pcall(cdata.fill, to, math.floor(n), math.floor(value or 0) & 255))
end

-- sizeof(type or object, n), alignof(type); nil where it is not known
function ffi.sizeof(ct, n)
  local of = placed(pcall(type_of, ct))
  if of.size or of.kind ~= "array" then return of.size or nil end
  return n and math.floor(n) * of.target.size or nil
end

function ffi.alignof(ct)
  return placed(pcall(type_of, ct)).align
end

-- offsetof(type, field)
function ffi.offsetof(ct, name)
  local of = placed(pcall(type_of, ct))
  local field = of.by_name and of.by_name[name]
  return field and field.offset or nil
end

-- istype(type, object)
function ffi.istype(ct, value)
  local of = placed(pcall(type_of, ct))
  return is_object(value) and types.same(of, value[TYPE])
end

-- metatype(type, metatable): of a struct or union
function ffi.metatype(ct, meta)
  local of = placed(pcall(type_of, ct))
  if of.kind ~= "struct" and of.kind ~= "union" then error("bad argument #1 to 'metatype' (struct or union expected)", 2) end
  of.meta = meta
  return ctype(of)
end

-- gc(object, f): f is called with it when it is collected; what is no object (nil, a number) stays as it is
function ffi.gc(value, f)
  return is_object(value) and cdata.gc(value, f) or value
end

function ffi.errno()
  return 0
end

-- abi(name)
function ffi.abi(name)
  return name == "64bit" or name == "le" or name == "fpu" or name == "hardfp" or name == "gc64"
end

-- load(library): there are none
function ffi.load(name)
  error(("cannot load library '%s': mod_coral's ffi calls no C libraries"):format(tostring(name)), 2)
end

function ctype_mt.__call(ct, ...)
  return placed(pcall(new, ct, ...))
end

function ctype_mt.__tostring(ct)
  return "ctype<" .. types.name(rawget(ct, CT)) .. ">"
end

function ctype_mt.__index(ct, name)
  local of = rawget(ct, CT)
  local index = of.meta and of.meta.__index
  if type(index) == "table" then return index[name] end
  error(("'%s' has no member named '%s'"):format(tostring(ct), tostring(name)), 2)
end

ffi.C = require "coral.ffi.c" (ffi)

return ffi
