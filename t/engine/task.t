# SPDX-License-Identifier: Apache-2.0
# Coroutines: the one a script runs in, and those it makes itself; waiting in both.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== a script is a coroutine
--- lua
local co, main = coroutine.running()
ngx.print(type(co), " ", main, " ", coroutine.isyieldable())
--- body: thread false true

=== yields in a coroutine of the script's own are its own
--- lua
local co = coroutine.create(function(...)
  ngx.print("a", ..., " ")
  local x, y = coroutine.yield(1, 2)
  ngx.print(x, y, " ")
  return "end"
end)
ngx.print(table.concat({ select(2, coroutine.resume(co, "!")) }, ","), " ")
ngx.print(select(2, coroutine.resume(co, "x", "y")), " ")
ngx.print(coroutine.status(co), " ", coroutine.resume(co))
--- body: a! 1,2 xy end dead falsecannot resume dead coroutine

=== a sleep in a coroutine looks like nothing
--- lua
local co = coroutine.wrap(function(a)
  ngx.sleep(0.01)
  local b = coroutine.yield(a + 1)
  ngx.sleep(0.01)
  return b + 1
end)
ngx.print(co(1), co(2))
--- body: 23

=== a sleep in a coroutine in a coroutine in a coroutine
--- lua
local function nest(depth)
  if depth == 0 then ngx.sleep(0.01) return "deep" end
  local co = coroutine.create(nest)
  return select(2, coroutine.resume(co, depth - 1))
end
ngx.print(nest(20))
--- body: deep

=== nil, false and many values pass
--- lua
local co = coroutine.wrap(function(...)
  ngx.sleep(0.001)
  local n = select("#", coroutine.yield(nil, false, nil))
  ngx.sleep(0.001)
  return n, ...
end)
ngx.print(select("#", co(nil, nil)), " ", select("#", co(nil, nil, nil)), " ")
ngx.print(pcall(co))
--- body: 3 3 falsecannot resume dead coroutine

=== an error after a sleep in a coroutine
--- lua
local co = coroutine.create(function() ngx.sleep(0.01) error("late", 0) end)
ngx.print(coroutine.resume(co))
ngx.print(" ", coroutine.status(co))
--- body: falselate dead

=== pcall, xpcall and error across a sleep
--- lua
ngx.print(pcall(function() ngx.sleep(0.01) error({ 1 }) end) == false)
ngx.print(select(2, xpcall(function() ngx.sleep(0.01) error("x", 0) end, function(m) return m .. "!" end)))
--- body: truex!

=== sleeps in a metamethod, an iterator, a sort with a pcall
--- lua
local t = setmetatable({}, { __index = function(_, k) ngx.sleep(0.001) return k end,
  __call = function(_, x) ngx.sleep(0.001) return x end, __add = function() ngx.sleep(0.001) return "sum" end,
  __lt = function() ngx.sleep(0.001) return true end, __concat = function() ngx.sleep(0.001) return "joined" end,
  __close = function() ngx.sleep(0.001) ngx.print(" closed") end })
for i in function(_, i) ngx.sleep(0.001) i = (i or 0) + 1 return i < 4 and i or nil end do ngx.print(i) end
do local c <close> = t end
ngx.print(" ", t.key, " ", t("called"), " ", t + 1, " ", t < t, " ", t .. 1)
--- body: 123 closed key called sum true joined

=== where no sleep is possible it says so, and pcall catches it
--- lua
ngx.print(select(2, pcall(string.gsub, "x", "x", function() ngx.sleep(0.01) end)):match("cannot wait here"))
ngx.print(" ", select(2, pcall(table.sort, { 1, 2 }, function() ngx.sleep(0.01) end)):match("cannot wait here"))
--- body: cannot wait here cannot wait here

=== but print and say work there
--- lua
local _ = ("abc"):gsub(".", function(c) ngx.print(c:upper()) end)
table.sort({ 1, 2 }, function(a, b) ngx.print("<") return a < b end)
--- body_like ^ABC<+$

=== a module may sleep while it is loaded
--- htaccess
CoralPackagePath ./?.lua
--- file sleepy.lua
ngx.sleep(0.02)
return { "awake" }
--- lua
ngx.print(require("sleepy")[1], #package.loaded.sleepy)
--- body: awake1

=== a body is read in a coroutine
--- lua
ngx.print(coroutine.wrap(function() ngx.req.read_body() return ngx.req.get_body_data() end)())
--- request
POST main.lua
a=b
--- body: a=b

=== flushes in a coroutine
--- lua
coroutine.wrap(function() for i = 1, 3 do ngx.print(i) ngx.flush(true) end end)()
ngx.print("end")
--- body: 123end

=== a generator that sleeps
--- lua
local function numbers(n)
  return coroutine.wrap(function() for i = 1, n do ngx.sleep(0.001) coroutine.yield(i) end end)
end
for i in numbers(5) do ngx.print(i) end
--- body: 12345

=== coroutine.close of one that was yielding, after a sleep
--- lua
local co = coroutine.create(function()
  local c <close> = setmetatable({}, { __close = function() ngx.print("closed ") end })
  ngx.sleep(0.001)
  coroutine.yield()
end)
coroutine.resume(co)
ngx.print(coroutine.status(co), " ")
ngx.print(coroutine.close(co), " ", coroutine.status(co))
--- body: suspended closed true dead

=== status and running inside
--- lua
local co
co = coroutine.create(function()
  ngx.sleep(0.001)
  ngx.print(coroutine.status(co), " ", coroutine.running() == co, " ")
end)
coroutine.resume(co)
ngx.print(coroutine.status(co))
--- body: running true dead

=== a coroutine kept from another request is used in this one
--- file keep.lua
package.loaded.kept = package.loaded.kept or coroutine.wrap(function()
  while true do ngx.sleep(0.001) coroutine.yield(ngx.var.arg_n) end
end)
ngx.print(package.loaded.kept())
--- request GET keep.lua?n=1
--- body: 1

=== and so it is
--- again
--- request GET keep.lua?n=2
--- body: 2

=== an r that is kept is over
--- file keep.lua
local r = ...
local old = package.loaded.kept_by_task_t
package.loaded.kept_by_task_t = package.loaded.kept_by_task_t or { r = r, h = r.headers_in }
if not old then ngx.print("kept") return end
ngx.print(pcall(function() return old.r.uri end))
ngx.print(pcall(function() return old.h.Host end))
ngx.print(pcall(function() old.r.status = 500 end))
ngx.print(pcall(function() old.r:puts("x") end))
--- request GET keep.lua
--- body: kept

=== and says so, instead of reading what is gone
--- again
--- mpm event worker
--- request GET keep.lua
--- body_like
^(?:false[^\n]*request is over[^\n]*?){3}

=== a script that ends with return ngx.say(...), as OpenResty's often do
--- lua
return ngx.say("said")
--- body
said

=== ngx.exit leaves every coroutine at once
--- lua
ngx.print("a")
coroutine.wrap(function() coroutine.wrap(function() ngx.exit(200) end)() ngx.print("no") end)()
ngx.print("no")
--- body: a

=== ngx.exit is not caught by pcall
--- lua
ngx.status = 202
ngx.print(1)
pcall(function() pcall(ngx.exit, 202) ngx.print("no") end)
ngx.print("no")
--- code 202
--- body: 1

=== nor by xpcall in a coroutine after a sleep
--- lua
coroutine.wrap(function() ngx.sleep(0.001) xpcall(function() ngx.exit(403) end, print) end)()
ngx.print("no")
--- code 403

=== nor where Lua can not yield
--- lua
pcall(string.gsub, "x", "x", function() ngx.exit(410) end)
ngx.print("no")
--- code 410

=== ngx.exit in a __close
--- lua
do local c <close> = setmetatable({}, { __close = function() ngx.exit(409) end }) end
ngx.print("no")
--- code 409

=== a script that yields to nobody goes on
--- lua
ngx.print("a")
ngx.print(select("#", coroutine.yield(1)))
ngx.print("b")
--- body: a0b

=== a hundred coroutines, each asleep for a while
--- lua
local sum = 0
for i = 1, 100 do sum = sum + coroutine.wrap(function() ngx.sleep(0) return i end)() end
ngx.print(sum)
--- body: 5050

=== a wrap that is collected half way does no harm
--- lua
for i = 1, 200 do
  local w = coroutine.wrap(function() ngx.sleep(0) coroutine.yield(1) end)
  w()
end
collectgarbage() collectgarbage()
ngx.print("ok")
--- body: ok
