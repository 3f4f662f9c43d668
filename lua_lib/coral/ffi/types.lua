-- SPDX-License-Identifier: Apache-2.0
-- C's types as tables: { kind, size, align, … }, laid out as on x86-64 and arm64. kind: "int" (signed, form for string.pack),
-- "float" (form), "bool", "void", "function", "pointer" (target), "array" (target, count; false where it is [?] or []), "struct"
-- and "union" (fields, a list of { name, type, offset }; by_name; size nil while nothing is known of it).
local types = {}

local function int(name, size, signed)
  return { kind = "int", name = name, size = size, align = size, signed = signed, form = (signed and "<i" or "<I") .. size }
end

types.void = { kind = "void", name = "void", size = 1, align = 1 }
types.func = { kind = "function", name = "function", size = 1, align = 1 }
types.bool = { kind = "bool", name = "bool", size = 1, align = 1, form = "<I1" }
types.float = { kind = "float", name = "float", size = 4, align = 4, form = "<f" }
types.double = { kind = "float", name = "double", size = 8, align = 8, form = "<d" }
types.char, types.schar, types.uchar = int("char", 1, true), int("signed char", 1, true), int("unsigned char", 1, false)
types.short, types.ushort = int("short", 2, true), int("unsigned short", 2, false)
types.int, types.uint = int("int", 4, true), int("unsigned int", 4, false)
types.long, types.ulong = int("int64_t", 8, true), int("uint64_t", 8, false)

-- What has a name without a declaration.
types.names = {
  int8_t = types.schar, uint8_t = types.uchar, int16_t = types.short, uint16_t = types.ushort, int32_t = types.int,
  uint32_t = types.uint, int64_t = types.long, uint64_t = types.ulong, intptr_t = types.long, uintptr_t = types.ulong,
  ptrdiff_t = types.long, size_t = types.ulong, ssize_t = types.long, wchar_t = types.int, bool = types.bool,
}

function types.pointer(target)
  local pointer = target.pointer
  if not pointer then
    pointer = { kind = "pointer", target = target, size = 8, align = 8 }
    target.pointer = pointer
  end
  return pointer
end

-- array(target, count): count false where it comes later
function types.array(target, count)
  if not target.size then error("size of C type is unknown or too large", 0) end
  return { kind = "array", target = target, count = count, size = count and count * target.size, align = target.align }
end

local function round_up(n, align)
  return (n + align - 1) // align * align
end

local function add_field(type, name, of, offset)
  type.fields[#type.fields + 1] = { name = name, type = of, offset = offset }
  type.by_name[name] = type.fields[#type.fields]
end

-- fill(type, fields): lays out a struct or union; fields: a list of { name or nil, type }. What a field without a name has
-- belongs to it.
function types.fill(type, fields)
  type.fields, type.by_name = {}, {}
  local size, align = 0, 1
  for _, field in ipairs(fields) do
    local of = field[2]
    if not of.size and of.kind ~= "array" then error("size of C type is unknown or too large", 0) end
    local offset = type.kind == "union" and 0 or round_up(size, of.align)
    if field[1] then
      add_field(type, field[1], of, offset)
    else
      for _, inner in ipairs(of.fields or {}) do add_field(type, inner.name, inner.type, offset + inner.offset) end
    end
    size, align = math.max(size, offset + (of.size or 0)), math.max(align, of.align)
  end
  type.size, type.align = round_up(size, align), align
  return type
end

-- same(a, b): whether they are the same type of C
function types.same(a, b)
  if a == b then return true end
  if a.kind ~= b.kind then return false end
  if a.kind == "int" or a.kind == "float" then return a.size == b.size and a.signed == b.signed end
  if a.kind == "pointer" then return types.same(a.target, b.target) end
  if a.kind == "array" then return a.count == b.count and types.same(a.target, b.target) end
  return a.kind == "void" or a.kind == "bool" or a.kind == "function"
end

-- name(type): as C would write it
function types.name(type)
  if type.kind == "pointer" then return types.name(type.target) .. " *" end
  local sizes = ""
  while type.kind == "array" do type, sizes = type.target, sizes .. "[" .. (type.count or "?") .. "]" end
  if sizes ~= "" then return types.name(type) .. " " .. sizes end
  return type.name or type.kind
end

return types
