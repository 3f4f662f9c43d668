# SPDX-License-Identifier: Apache-2.0
# What Lua 5.1 had. CoralCompat off is in compat_off.t.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== functions that have gone
--- lua
ngx.say((unpack({ 1, 2, 3 }, 2)), " ", select("#", unpack({}, 1, 3)), " ", table.unpack == unpack)
ngx.say(table.getn { 1, 2 }, " ", table.maxn { 1, nil, 3, [10] = 1, x = 2 }, " ", table.maxn {})
local seen = {}
ngx.say(table.foreachi({ 5, 6, 7 }, function(i, v) seen[#seen + 1] = i .. "=" .. v if v == 6 then return "stop" end end), " ", table.concat(seen, ","))
ngx.say(table.foreach({ a = 1 }, function(k, v) return k .. v end), " ", tostring((table.foreach({}, print))))
ngx.say(math.pow(2, 10), " ", math.log10(1000), " ", math.mod(7, 3), " ", string.gfind == string.gmatch, " ", package.loaders == package.searchers)
ngx.say(math.abs(math.sinh(1) - 1.1752011936438) < 1e-10, " ", math.abs(math.cosh(1) - 1.5430806348152) < 1e-10, " ",
  math.abs(math.tanh(1) - 0.76159415595576) < 1e-10, " ", math.tanh(1000), " ", math.tanh(-1000))
ngx.say(math.type(gcinfo()), " ", gcinfo() > 10)
--- body
2 3 true
2 10 0
stop 1=5,2=6
a1 nil
1024 3 1 true true
true true true 1 -1
integer true

=== frexp, ldexp
--- lua
for _, x in ipairs { 1, 8, 0.3, -5, 5e-324, 1.7976931348623157e308, 0, 2^-1030 } do
  local m, e = math.frexp(x)
  ngx.print(e, " ", x == 0 or m >= 0.5 and m < 1 or m <= -0.5 and m > -1, " ", math.ldexp(m, e) == x, "; ")
end
ngx.say((math.frexp(1/0)), " ", math.frexp(3))
--- body
1 true true; 4 true true; -1 true true; 3 true true; -1073 true true; 1024 true true; 0 true true; -1029 true true; inf 0.752

=== string.char, math.randomseed and os.date take fractions
--- lua
ngx.say(string.char(65.9, 66, 67.0), " ", string.char() == "", " ", string.char(0, 255) == "\0\255", " ", ("x").char(65))
for _, bad in ipairs { 256, -1, 1e300, 0/0, "x", {} } do ngx.print((pcall(string.char, bad)), " ") end
ngx.say(pcall(math.randomseed, ngx.now()))
math.randomseed(5)
local first = math.random(1000000)
math.randomseed(5.9)
ngx.say(first == math.random(1000000))
ngx.say(os.date("!%H:%M:%S", 3661.9), " ", os.date("!*t", 86400.5).day, " ", #os.date("%Y"), " ", os.date("!%Y", 0), " ", (pcall(os.date, "%Y", "x")))
--- body_like ^ABC true true A\nfalse false false false false false true.*\ntrue\n01:01:01 2 4 1970 false$

=== loadstring
--- lua
ngx.say(loadstring("return 1 + 1")(), " ", loadstring("return ...", "=name")("x"))
ngx.say(loadstring("x = = 1"))
ngx.say(loadstring("x = = 1", "@file.lua"))
ngx.say(loadstring(string.dump(function() end) .. "x"))
ngx.say(pcall(loadstring, nil))
--- body_like
^2 x
nil\[string "x = = 1"\]:1: unexpected symbol near '='
nilfile.lua:1: unexpected symbol near '='
nilattempt to load a binary chunk \(mode is 't'\)
falsebad argument #1 to 'loadstring' \(string expected, got no value\)$

=== setfenv and getfenv of functions: others of the file keep theirs
--- lua
local function f() return x end
local function g() return x end
local function make() return function() return x end end
local before = make()
setfenv(make, { x = "new" })
ngx.say(setfenv(f, { x = 5 }) == f, " ", f(), " ", g(), " ", make()(), " ", before())
ngx.say(getfenv(f).x, " ", getfenv(g) == _ENV, " ", getfenv(print) == _G, " ", getfenv(function() end) == _G)
x = "global"
ngx.say(f(), " ", g())
--- body
true 5 nil new nil
5 true true true
5 global

=== of levels
--- lua
local function inner() return getfenv(1), getfenv(2), getfenv() end
local a, b, c = inner()
ngx.say(a == _ENV, " ", b == _ENV, " ", c == _ENV, " ", getfenv(0) == _G)
local say = ngx.say
local function change() setfenv(2, { y = "theirs" }) end
local function caller() change() return y end
say(caller(), " ", y)
local function own() setfenv(1, { z = "own" }) return z end
say(own())
--- body
true true true true
theirs nil
own

=== an environment that looks further
--- lua
local f = loadstring("a = 1 return b, tostring(a)")
local env = setmetatable({ b = 2 }, { __index = _G })
setfenv(f, env)
local b, a = f()
ngx.say(b, " ", a, " ", env.a, " ", rawget(_G, "a"))
--- body
2 1 1 nil

=== wrong arguments
--- lua
local function why(...) return (tostring(select(2, pcall(...))):gsub("^.-:%d+: ", "")) end
ngx.say(why(setfenv, print, {}))
ngx.say(why(setfenv, 0, {}))
ngx.say(why(setfenv, function() end))
ngx.say(why(setfenv, function() end, 1))
ngx.say(why(setfenv, {}, {}))
ngx.say(why(getfenv, 1000))
ngx.say(why(getfenv, -1))
ngx.say(why(getfenv, {}))
ngx.say(why(module))
--- body
'setfenv' cannot change environment of given object
'setfenv' cannot change environment of given object
bad argument #2 to 'setfenv' (table expected, got no value)
bad argument #2 to 'setfenv' (table expected, got number)
bad argument #1 to 'setfenv' (number expected, got table)
bad argument #1 to 'getfenv' (invalid level)
bad argument #1 to 'getfenv' (level must be non-negative)
bad argument #1 to 'getfenv' (number expected, got table)
bad argument #1 to 'module' (string expected, got no value)

=== module(...): require gives the name of the file, too
--- file plain_module.lua
local tostring = tostring
module(...)
function name() return tostring(_NAME) end
--- lua
package.path = package.path .. ";@DIR@/?.lua"
ngx.say(require("plain_module").name())
--- body
plain_module

=== module, package.seeall
--- htaccess
CoralPackagePath "@DIR@/?.lua"
--- file old/style.lua
module(..., package.seeall)
local hidden = "hidden"
value = 5
function get() return value, tostring(hidden), type(ngx) end
function set(v) value = v end
--- file old/bare.lua
local ngx, type = ngx, type
module("old.bare")
function kind() return type(ngx), string end
--- lua
local style = require "old.style"
ngx.say(style._NAME, " ", style._M == style, " ", style._PACKAGE, " ", style == package.loaded["old.style"], " ", old.style == style)
ngx.say(style.get())
style.set(6)
ngx.say(style.get(), " ", rawget(_G, "value"), " ", rawget(_G, "get"))
local bare = require "old.bare"
ngx.say(bare.kind())
_G.old = nil
--- body
old.style true old. true true
5hiddentable
6 nil nil
tablenil

=== require has one result
--- htaccess
CoralPackagePath "@DIR@/?.lua"
--- file req_one.lua
return "one"
--- lua
ngx.say(select("#", require "req_one"), " ", select("#", require "req_one"), " ", select("#", require "bit"))
ngx.say(tonumber("10", nil) == 10, " ", ("x"):rep(2, require "req_one"))
ngx.say((select(2, pcall(require, "no.such.thing")):match "^[^\n]*"))
--- body_like
^1 1 1
true xonex
module 'no.such.thing' not found:$

=== newproxy
--- lua
local gone = 0
do
  local p = newproxy(true)
  getmetatable(p).__gc = function() gone = gone + 1 end
  getmetatable(p).__index = { a = 1 }
  ngx.say(p.a, " ", newproxy(p).a, " ", getmetatable(newproxy(p)) == getmetatable(p), " ", newproxy() ~= newproxy())
end
collectgarbage()
collectgarbage()
ngx.say(gone)
--- body
1 1 true true
3

=== jit
--- lua
ngx.say(jit.version:find("LuaJIT 2.1", 1, true), " ", jit.version_num, " ", type(jit.os), " ", type(jit.arch), " ", jit == require "jit")
ngx.say(jit.status(), " ", jit.on(), " ", jit.off(true, true), " ", jit.flush(), " ", (require("jit.opt").start("maxtrace=10")))
--- body_like
^1 20100 string string true
false nil nil nil nil$

=== what is new in 5.4 stays
--- lua
ngx.say(7 // 2, " ", 3 | 4, " ", math.type(1), " ", utf8.char(228), " ", table.move({ 1, 2 }, 1, 2, 2)[3], " ", ("%d"):format(3.0))
ngx.say((pcall(string.format, "%d", 3.5)))
--- body
3 7 integer ä 2 3
false
