-- SPDX-License-Identifier: Apache-2.0
-- Reads C declarations: cdef(text) remembers what they declare, type(text) gives the type of a name of one ("unsigned char *[4]").
-- The parameters of functions are skipped, since none is called.
local types = require "coral.ffi.types"

local parse = {
  types = setmetatable({}, { __index = types.names }), -- typedefs
  tags = {},                                           -- "struct x" -> type
  constants = {},                                      -- of enums, and static const
  functions = {},                                      -- names of functions and variables -> true
}

-- self: { list of words, at }. A word is a name, a number, a text in quotes or one character.
local function words(text)
  text = text:gsub("/%*.-%*/", " "):gsub("//[^\n]*", " "):gsub("\n%s*#[^\n]*", "\n")
  local list = {}
  for space, name, number, other in text:gmatch "()([%a_]?[%w_]*)()(.?)" do
    if number > space then list[#list + 1] = name end
    if other:find "%S" then list[#list + 1] = other end
  end
  return { list = list, at = 1 }
end

local function peek(self, ahead)
  return self.list[self.at + (ahead or 0)]
end

local function take(self)
  local word = self.list[self.at]
  self.at = self.at + 1
  return word
end

local function accept(self, word)
  if peek(self) ~= word then return false end
  self.at = self.at + 1
  return true
end

local function expect(self, word)
  if not accept(self, word) then error(("'%s' expected near '%s'"):format(word, peek(self) or "<eof>"), 0) end
end

local function is_name(word)
  return word and word:find "^[%a_]" ~= nil
end

-- After an opening bracket: to behind its closing one; what stood between.
local function skip(self, open, close)
  local depth, from = 1, self.at
  while depth > 0 do
    local word = take(self) or error(("'%s' expected near '<eof>'"):format(close), 0)
    depth = depth + (word == open and 1 or word == close and -1 or 0)
  end
  return table.concat(self.list, " ", from, self.at - 2)
end

-- The value of a constant expression.
local function evaluate(text)
  text = text:gsub("0[xX]%x+[uUlL]*", function(n) return (n:gsub("[uUlL]+$", "")) end):gsub("(%f[%w_]%d+)[uUlL]+", "%1")
  text = text:gsub("%f[%w_][%a_][%w_]*", function(name)
    if name:find "^0[xX]" then return nil end
    return tostring(parse.constants[name] or error(("undeclared or implicit constant '%s'"):format(name), 0))
  end)
  text = text:gsub("([<>])%s*%1", "%1%1") -- words are of one character
  if text:find "[^%w%s()+*/%%<>&|^~-]" then error("invalid C constant: " .. text, 0) end
  local f = load("return " .. text:gsub("/", "//"):gsub("%^", "~"), "=C", "t", {})
  return math.tointeger(f and f()) or error("invalid C constant: " .. text, 0)
end

local no_meaning = { const = true, volatile = true, extern = true, inline = true, register = true, restrict = true,
  __const = true, __volatile__ = true, __restrict = true, __restrict__ = true, __inline = true, __inline__ = true,
  __extension__ = true, _Noreturn = true }
local with_brackets = { __attribute__ = true, __asm__ = true, __declspec = true, asm = true, _Alignas = true }

-- Goes over qualifiers; whether there were any.
local function qualifiers(self)
  local from = self.at
  while true do
    local word = peek(self)
    if no_meaning[word] then
      take(self)
    elseif with_brackets[word] then
      take(self)
      expect(self, "(")
      skip(self, "(", ")")
    else
      return self.at > from
    end
  end
end

local specifier, declarator -- below

local function members(self)
  local fields = {}
  while not accept(self, "}") do
    local base = specifier(self)
    if accept(self, ";") then
      fields[#fields + 1] = { nil, base } -- struct or union without a name
    else
      repeat
        local type, name = declarator(self, base)
        if accept(self, ":") then error("bit fields are not supported", 0) end
        fields[#fields + 1] = { name, type }
      until not accept(self, ",")
      expect(self, ";")
    end
  end
  return fields
end

local function struct(self, kind)
  qualifiers(self)
  local tag = is_name(peek(self)) and take(self)
  local key = tag and kind .. " " .. tag
  local type = key and parse.tags[key]
  if not type then
    type = { kind = kind, name = key or kind .. " {…}", align = 1 }
    if key then parse.tags[key] = type end
  end
  if accept(self, "{") then types.fill(type, members(self)) end
  return type
end

local function enum(self)
  if is_name(peek(self)) then take(self) end
  if not accept(self, "{") then return types.uint end
  local value = -1
  while not accept(self, "}") do
    local name = take(self)
    value = value + 1
    if accept(self, "=") then
      local from = self.at
      while peek(self) and peek(self) ~= "," and peek(self) ~= "}" do take(self) end
      value = evaluate(table.concat(self.list, " ", from, self.at - 1))
    end
    parse.constants[name] = value
    accept(self, ",")
  end
  return types.uint
end

local basic = { void = true, char = true, short = true, int = true, long = true, float = true, double = true, signed = true,
  unsigned = true, _Bool = true, __signed__ = true }

-- The type of words as "unsigned long".
local function basic_type(seen)
  if seen.void then return types.void end
  if seen._Bool then return types.bool end
  if seen.float then return types.float end
  if seen.double then return types.double end
  if seen.char then return seen.unsigned and types.uchar or seen.signed and types.schar or types.char end
  local name = seen.short and "short" or seen.long and "long" or "int"
  return types[(seen.unsigned and "u" or "") .. name]
end

-- What stands before the names; and whether it is "typedef" or "static".
function specifier(self)
  local seen, type, storage = {}, nil, nil
  while true do
    qualifiers(self)
    local word = peek(self)
    if word == "typedef" or word == "static" then
      storage = take(self)
    elseif basic[word] then
      seen[take(self)], seen.any = true, true
    elseif seen.any or type then
      break
    elseif word == "struct" or word == "union" then
      take(self)
      type = struct(self, word)
    elseif word == "enum" then
      take(self)
      type = enum(self)
    else
      type = parse.types[word]
      if not type then error(("declaration specifier expected near '%s'"):format(word or "<eof>"), 0) end
      take(self)
    end
  end
  return type or basic_type(seen), storage
end

-- What stands behind a name: [n] and (parameters), the last one innermost.
local function suffixes(self, type)
  if accept(self, "(") then
    skip(self, "(", ")")
    qualifiers(self)
    return types.func
  end
  if not accept(self, "[") then return type end
  local size = skip(self, "[", "]")
  local count = size ~= "" and size ~= "?" and evaluate(size)
  return types.array(suffixes(self, type), count)
end

-- A name, or none, with what is around it; the type and the name.
function declarator(self, type)
  while qualifiers(self) or accept(self, "*") do
    if self.list[self.at - 1] == "*" then type = types.pointer(type) end
  end
  local name, inner
  if peek(self) == "(" and (peek(self, 1) == "*" or peek(self, 1) == "(") then
    take(self)
    inner = self.at
    skip(self, "(", ")")
  elseif is_name(peek(self)) then
    name = take(self)
  end
  qualifiers(self)
  type = suffixes(self, type)
  qualifiers(self)
  if not inner then return type, name end
  local after = self.at
  self.at = inner
  type, name = declarator(self, type)
  expect(self, ")")
  self.at = after
  return type, name
end

local function remember(self, type, name, storage)
  if storage == "typedef" then
    parse.types[name] = type
  elseif storage == "static" and accept(self, "=") then
    local from = self.at
    while peek(self) and peek(self) ~= "," and peek(self) ~= ";" do take(self) end
    parse.constants[name] = evaluate(table.concat(self.list, " ", from, self.at - 1))
  elseif name then
    parse.functions[name] = true
  end
end

local function declaration(self)
  local base, storage = specifier(self)
  if accept(self, ";") then return end
  repeat
    local type, name = declarator(self, base)
    remember(self, type, name, storage)
  until not accept(self, ",")
  if accept(self, "{") then
    skip(self, "{", "}")
  elseif peek(self) then
    expect(self, ";")
  end
end

local known = {} -- text -> type, of those that can not change

function parse.cdef(text)
  known = {}
  local self = words(text)
  while peek(self) do
    if not accept(self, ";") then declaration(self) end
  end
end

-- type(text): an error if it is none
function parse.type(text)
  if known[text] then return known[text] end
  local self = words(text)
  local type = declarator(self, (specifier(self)))
  if peek(self) then error(("unexpected '%s'"):format(peek(self)), 0) end
  if type.kind ~= "array" and type.size then known[text] = type end
  return type
end

return parse
