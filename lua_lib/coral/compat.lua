-- SPDX-License-Identifier: Apache-2.0
-- What Lua 5.1 and LuaJIT have and Lua 5.4 has not, for libraries written for OpenResty. `CoralCompat off` leaves it out.
--
-- An environment is in 5.4 the upvalue _ENV. setfenv gives the function it is asked about an upvalue of its own, so that others
-- of the same file keep theirs, and functions made inside it later get the new one, as in 5.1.
local basics = require "coral.basics"
local jit = require "coral.jit"
local tables = require "coral.tables"
local getinfo, getupvalue, upvaluejoin = debug.getinfo, debug.getupvalue, debug.upvaluejoin
local floor, log, max = math.floor, math.log, math.max
local load, pairs, select, type, error, tonumber, loaded = load, pairs, select, type, error, tonumber, package.loaded

-- Of a function: the number of its upvalue _ENV and what it is; nil if the function has no globals.
local function env_of(f)
  local i = 1
  while true do
    local name, value = getupvalue(f, i)
    if name == "_ENV" then return i, value end
    if not name then return nil end
    i = i + 1
  end
end

-- The function an argument of getfenv or setfenv means: one itself, or a level (1: who calls them).
local function function_of(f, name)
  if type(f) == "function" then return f end
  local level = tonumber(f)
  if not level then
    error(("bad argument #1 to '%s' (number expected, got %s)"):format(name, f == nil and "no value" or type(f)), 3)
  end
  if level < 0 then error(("bad argument #1 to '%s' (level must be non-negative)"):format(name), 3) end
  local info = getinfo(floor(level) + 2, "f")
  if not info then error(("bad argument #1 to '%s' (invalid level)"):format(name), 3) end
  return info.func
end

-- Whether the function has globals.
local function set_env(f, env)
  local i = env_of(f)
  if i then upvaluejoin(f, i, function() return env end, 1) end
  return i ~= nil
end

-- getfenv(f), getfenv(level): 1 by default; 0, C functions and those without globals: _G
_G.getfenv, basics.getfenv = basics.getfenv, nil

-- setfenv(f or level, table)
function _G.setfenv(f, env)
  if type(env) ~= "table" then
    error(("bad argument #2 to 'setfenv' (table expected, got %s)"):format(env == nil and "no value" or type(env)), 2)
  end
  if type(f) == "function" and set_env(f, env) then return f end -- the usual case, and the quick one: templates do little else
  if f == 0 then error("'setfenv' cannot change environment of given object", 2) end
  local func = function_of(f, "setfenv")
  if getinfo(func, "S").what == "C" then error("'setfenv' cannot change environment of given object", 2) end
  set_env(func, env)
  return func
end

-- The table of a name as a.b.c, below _G; tables that are not there are made.
local function find_table(name)
  local t = _G
  for word in name:gmatch "[^.]+" do
    local inner = rawget(t, word)
    if inner == nil then
      inner = {}
      t[word] = inner
    elseif type(inner) ~= "table" then
      error("name conflict for module '" .. name .. "'", 3)
    end
    t = inner
  end
  return t
end

-- module(name, ...): as in 5.1: a global table, which from here on is the environment of the file
function _G.module(name, ...)
  if type(name) ~= "string" then
    error(("bad argument #1 to 'module' (string expected, got %s)"):format(name == nil and "no value" or type(name)), 2)
  end
  local m = loaded[name]
  if type(m) ~= "table" then
    m = find_table(name)
    loaded[name] = m
  end
  if m._NAME == nil then
    m._M, m._NAME, m._PACKAGE = m, name, name:match "^(.*%.)[^.]*$" or ""
  end
  local caller = getinfo(2, "f")
  if not caller or getinfo(caller.func, "S").what == "C" then error("'module' not called from a Lua function", 2) end
  set_env(caller.func, m)
  for _, option in ipairs { ... } do
    if type(option) == "function" then option(m) end -- `module(...)` has the file's name, too, which require gives since Lua 5.2
  end
end

-- package.seeall(m): what m has not is looked for in _G
function package.seeall(m)
  local mt = getmetatable(m)
  if not mt then
    mt = {}
    setmetatable(m, mt)
  end
  mt.__index = _G
end

package.loaders = package.searchers

_G.unpack = table.unpack

-- loadstring(text, name)
function _G.loadstring(text, name)
  if type(text) ~= "string" then
    error(("bad argument #1 to 'loadstring' (string expected, got %s)"):format(text == nil and "no value" or type(text)), 2)
  end
  return load(text, name or text)
end

-- gcinfo(): kilobytes in use
function _G.gcinfo()
  return floor(collectgarbage "count")
end

-- newproxy(like): an object with an empty metatable, or with that of another proxy. The __gc is there so that one set later is
-- called.
function _G.newproxy(like)
  return setmetatable({}, like == nil and {} or like == true and { __gc = true } or like and getmetatable(like) or {})
end

for name, f in pairs(tables) do table[name] = f end

function table.getn(t) return #t end

function table.maxn(t)
  local n = 0
  for key in pairs(t) do
    if type(key) == "number" then n = max(n, key) end
  end
  return n
end

function table.foreach(t, f)
  for key, value in pairs(t) do
    local result = f(key, value)
    if result ~= nil then return result end
  end
end

function table.foreachi(t, f)
  for i = 1, #t do
    local result = f(i, t[i])
    if result ~= nil then return result end
  end
end

-- 5.4 takes no fractions, as ngx.now() is one.
local randomseed, date = math.randomseed, os.date
function math.randomseed(seed, ...)
  if math.type(seed) == "float" and select("#", ...) == 0 then return randomseed(floor(seed)) end
  return randomseed(seed, ...)
end

function os.date(format, time)
  return date(format, math.type(time) == "float" and floor(time) or time)
end

math.mod = math.fmod
function math.pow(x, y) return x ^ y end
function math.log10(x) return log(x, 10) end
function math.ldexp(m, e) return m * 2.0 ^ (e // 2) * 2.0 ^ (e - e // 2) end
function math.cosh(x) return (math.exp(x) + math.exp(-x)) / 2 end
function math.sinh(x) return (math.exp(x) - math.exp(-x)) / 2 end
function math.tanh(x)
  if x > 20 or x < -20 then return x > 0 and 1.0 or -1.0 end
  local e = math.exp(2 * x)
  return (e - 1) / (e + 1)
end

-- frexp(x): m and e, x = m * 2^e, m from 0.5 to 1
function math.frexp(x)
  local bits = string.unpack("<i8", string.pack("<d", x))
  local e = bits >> 52 & 0x7ff
  if x == 0 or e == 0x7ff then return x + 0.0, 0 end
  if e == 0 then -- too small for 53 digits
    local m, less = math.frexp(x * 2.0 ^ 54)
    return m, less - 54
  end
  return (string.unpack("<d", string.pack("<i8", bits & ~(0x7ff << 52) | 1022 << 52))), e - 1022
end

string.gfind = string.gmatch
string.char = jit.char

_G.bit = jit.bit

-- Libraries ask jit for its version and the system; what would change the compiler does nothing.
local function nothing() end
_G.jit = {
  version = "LuaJIT 2.1 (not: Lua 5.4 in mod_coral)", version_num = 20100, os = jit.os, arch = jit.arch,
  on = nothing, off = nothing, flush = nothing, opt = { start = nothing },
  status = function() return false end,
}
loaded.jit, loaded["jit.opt"], loaded.bit = _G.jit, _G.jit.opt, _G.bit

-- In 5.1 require has one result, so f(require "x") has one argument.
require "coral.loader".one_result = true
