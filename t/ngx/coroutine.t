# SPDX-License-Identifier: Apache-2.0
# Coroutines of the user's own, and waiting in them, across pcall, metamethods, iterators.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== they work as in plain Lua
--- lua
local co = coroutine.create(function(a, b)
  local c = coroutine.yield(a + b)
  local d, e = coroutine.yield(c * 2)
  return d, e, "end"
end)
ngx.say(table.concat({ select(2, coroutine.resume(co, 1, 2)) }, " "))
ngx.say(table.concat({ select(2, coroutine.resume(co, 21)) }, " "))
ngx.say(coroutine.status(co))
ngx.say(table.concat({ select(2, coroutine.resume(co, "x", "y")) }, " "))
ngx.say(coroutine.status(co), " ", select(2, coroutine.resume(co)))
--- body
3
42
suspended
x y end
dead cannot resume dead coroutine

=== wrap, with errors that keep their place
--- lua
local f = coroutine.wrap(function() coroutine.yield(1) error("gone") end)
ngx.say(f())
ngx.say(select(2, pcall(f)))
ngx.say(select(2, pcall(f)))
local g = coroutine.wrap(function() error({ code = 7 }) end)
ngx.say(select(2, pcall(g)).code)
--- body_like ^1\n\S*main\.lua:1: gone\n.*cannot resume dead coroutine\n7$

=== running, isyieldable, status, close
--- lua
ngx.say(type((coroutine.running())), " ", select(2, coroutine.running()), " ", coroutine.isyieldable())
local co
co = coroutine.create(function()
  ngx.say(coroutine.running() == co, " ", coroutine.status(co))
  local x <close> = setmetatable({}, { __close = function() ngx.say("closed") end })
  coroutine.yield()
end)
coroutine.resume(co)
ngx.say(coroutine.close(co), " ", coroutine.status(co))
ngx.say((pcall(coroutine.wrap, 5)), (pcall(coroutine.resume, 5)), (pcall(coroutine.create)))
--- body
thread false true
true running
closed
true dead
falsefalsefalse

=== a yield outside of any coroutine of one's own goes on at once
--- lua
ngx.say(select("#", coroutine.yield(1, 2, 3)))
ngx.say("on")
--- body
0
on

=== sleep in a coroutine looks like a call, not like a yield
--- lua
local co = coroutine.create(function()
  ngx.sleep(0.01)
  coroutine.yield("first")
  ngx.sleep(0.01)
  return "last"
end)
ngx.say(coroutine.resume(co))
ngx.say(coroutine.resume(co))
ngx.say(coroutine.status(co))
--- body
truefirst
truelast
dead

=== waits in an iterator
--- lua
local function items()
  return coroutine.wrap(function()
    for i = 1, 3 do
      ngx.sleep(0.005)
      coroutine.yield(i, i * i)
    end
  end)
end
for i, square in items() do
  ngx.say(i, " ", square)
  ngx.flush(true)
end
--- body
1 1
2 4
3 9

=== flush in an iterator
--- lua
for x in coroutine.wrap(function()
  for i = 1, 3 do ngx.say("in ", i) ngx.flush(true) coroutine.yield(i) end
end) do ngx.say("out ", x) end
--- body
in 1
out 1
in 2
out 2
in 3
out 3

=== ten coroutines deep
--- lua
local function nest(n)
  if n == 0 then ngx.sleep(0.005) return "bottom" end
  return coroutine.wrap(function() coroutine.yield(nest(n - 1)) end)()
end
ngx.say(nest(10))
--- body
bottom

=== too many coroutines in each other are an error, not a crash
--- lua
local function nest(n) return coroutine.wrap(function() return nest(n + 1) end)() end
ngx.say((pcall(nest, 1)))
--- body
false

=== across pcall, xpcall, error handlers
--- lua
ngx.say(pcall(function() ngx.sleep(0.005) return "through pcall" end))
ngx.say(xpcall(function() ngx.sleep(0.005) return "through xpcall" end, print))
ngx.say(select(2, pcall(function() ngx.sleep(0.005) error("after a wait", 0) end)))
ngx.say(select(2, xpcall(function() ngx.sleep(0.005) error("x", 0) end, function(e) return "handled " .. e end)))
--- body
truethrough pcall
truethrough xpcall
after a wait
handled x

=== across metamethods
--- lua
local mt = {}
for _, name in ipairs { "__index", "__add", "__call", "__len", "__concat", "__eq", "__lt", "__le", "__unm", "__close" } do
  mt[name] = function() ngx.sleep(0.002) return 7 end
end
local wrote
mt.__newindex = function(_, k, v) ngx.sleep(0.002) wrote = k .. v end
local a, b = setmetatable({}, mt), setmetatable({}, mt)
ngx.say(a.x, a + 1, a(), #a, a .. "x", a == b, a < b, a <= b, -a)
a.k = "v"
ngx.say(wrote)
do local c <close> = a end
for i, x in pairs(setmetatable({}, { __pairs = function() return function(_, i) ngx.sleep(0.002) if not i then return 1, "p" end end end })) do
  ngx.say(i, x)
end
--- body
77777truetruetrue7
kv
1p

=== where C calls Lua there is no waiting: an error that says so
--- lua
local function say(...) local ok, err = pcall(...) ngx.say(ok, " ", tostring(err):match "cannot wait here" or err) end
say(table.sort, { 3, 1, 2 }, function(a, b) ngx.sleep(0.001) return a < b end)
say(string.gsub, "abc", ".", function() ngx.sleep(0.001) end)
say(tostring, setmetatable({}, { __tostring = function() ngx.sleep(0.001) return "x" end }))
--- body
false cannot wait here
false cannot wait here
false cannot wait here

=== there, what only might wait does not
--- lua
local big = ("x"):rep(50000) .. "\n"
local lines = {}
table.sort({ 3, 1, 2, 4 }, function(a, b) ngx.print(big) lines[#lines + 1] = 1 return a < b end)
ngx.say(#lines > 3)
--- body_like ^(x{50000}\n)+true$

=== require waits
--- file co_mod.lua
ngx.sleep(0.01)
return { name = ... }
--- lua
package.path = "@DIR@/?.lua;" .. package.path
ngx.say(require("co_mod").name)
--- body
co_mod

=== a coroutine is collected like anything else
--- lua
local weak = setmetatable({}, { __mode = "k" })
for i = 1, 100 do
  local co = coroutine.create(function() ngx.sleep(0) coroutine.yield() end)
  coroutine.resume(co)
  weak[co] = true
end
collectgarbage()
collectgarbage()
local n = 0
for _ in pairs(weak) do n = n + 1 end
ngx.say(n <= 1)
--- body
true

=== an error in a coroutine is the script's to see, the traceback in the log is good
--- lua
local co = coroutine.create(function() local x = nil + 1 end)
local ok, err = coroutine.resume(co)
ngx.say(ok, " ", err:match "main.lua:1: attempt to perform arithmetic on a nil value")
--- body
false main.lua:1: attempt to perform arithmetic on a nil value

=== debug.traceback of a coroutine that waits elsewhere
--- lua
local co = coroutine.create(function() coroutine.yield() end)
coroutine.resume(co)
ngx.say(debug.traceback(co):match "main.lua:1" ~= nil)
--- body
true

=== a generator handed from one request to the next goes on there
--- file keep.lua
return {}
--- lua
package.path = "@DIR@/?.lua;" .. package.path
local keep = require "keep"
keep.next = keep.next or coroutine.wrap(function() local i = 0 while true do i = i + 1 ngx.sleep(0.001) coroutine.yield(i) end end)
ngx.say(keep.next())
--- body_like ^\d+$

=== and again
--- again
--- body_like ^\d+$

=== two coroutines take turns
--- lua
local log = {}
local function worker(name)
  return coroutine.create(function() for i = 1, 2 do ngx.sleep(0.002) log[#log + 1] = name .. i coroutine.yield() end end)
end
local a, b = worker "a", worker "b"
for _ = 1, 2 do coroutine.resume(a) coroutine.resume(b) end
ngx.say(table.concat(log, " "))
--- body
a1 b1 a2 b2

=== values of all kinds go through
--- lua
local f = coroutine.wrap(function(...)
  ngx.sleep(0)
  local n = select("#", ...)
  local x, y = coroutine.yield(n, nil, false)
  ngx.sleep(0)
  return x, y, nil
end)
ngx.say(select("#", f(nil, nil, nil)))
ngx.say(select("#", f(nil, 1)))
--- body
3
3
