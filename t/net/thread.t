# SPDX-License-Identifier: Apache-2.0
# ngx.thread: light threads, and two of them on one socket.
use strict;
use warnings;
use Coral::Blocks;
use Coral::Upstream;
my $servers = Coral::Upstream->start(PLAY => 'tcp', ECHO => 'tcp echo', MUTE => 'tcp wait:20000');
run_blocks($servers->words);
__DATA__
=== spawn runs at once, until it waits
--- lua
@LUA@
local t = ngx.thread.spawn(function(a, b)
  show("in", a, b)
  ngx.sleep(0.01)
  show("later")
end, 1, "two")
show(type(t), coroutine.status(t))
show("main ends")
--- body
in|1|two
thread|running
main ends
later

=== arguments and results
--- lua
@LUA@
local t = ngx.thread.spawn(function(...) return select("#", ...), ... end, nil, false, "x", nil)
show(ngx.thread.wait(t))
show(ngx.thread.wait(ngx.thread.spawn(function() end)))
show(ngx.thread.wait(ngx.thread.spawn(function() ngx.sleep(0.01) return nil, 1, nil end)))
--- body
true|4|nil|false|x|nil
true
true|nil|1|nil

=== the response waits for all threads
--- lua
@LUA@
for i = 1, 3 do ngx.thread.spawn(function() ngx.sleep(i * 0.05) show("thread", i) end) end
show("main")
--- body
main
thread|1
thread|2
thread|3

=== they run at the same time
--- lua
@LUA@
local from = ngx.now()
local threads = {}
for i = 1, 20 do threads[i] = ngx.thread.spawn(function() ngx.sleep(0.1) return i end) end
local sum = 0
for i = 1, 20 do sum = sum + select(2, ngx.thread.wait(threads[i])) end
ngx.update_time()
show(sum, ngx.now() - from < 1.5)
--- body
210|true

=== wait for any: the first to end
--- lua
@LUA@
local slow = ngx.thread.spawn(function() ngx.sleep(0.3) return "slow" end)
local fast = ngx.thread.spawn(function() ngx.sleep(0.05) return "fast" end)
show(ngx.thread.wait(slow, fast))
show(coroutine.status(fast), coroutine.status(slow))
show(ngx.thread.wait(slow))
--- body
true|fast
dead|running
true|slow

=== wait for any: one that has ended already
--- lua
@LUA@
local slow = ngx.thread.spawn(function() ngx.sleep(0.2) return "slow" end)
local ended = ngx.thread.spawn(function() return "ended" end)
show(coroutine.status(ended))
show(ngx.thread.wait(slow, ended))
--- body
zombie
true|ended

=== wait for any, again and again: those that were waited for are passed over, unless the last was
--- lua
@LUA@
local function after(time, value) return ngx.thread.spawn(function() ngx.sleep(time) return value end) end
local a, b, c = after(0.01, "a"), after(0.15, "b"), after(0.3, "c")
show(ngx.thread.wait(a, b, c))
show(ngx.thread.wait(a, b, c))
show(ngx.thread.wait(a, b, c))
show(ngx.thread.wait(a, b, c))
local d = after(0.01, "d")
show(ngx.thread.wait(d, a))
show(ngx.thread.wait(a, d))
--- body
true|a
true|b
true|c
nil|already waited or killed
nil|already waited or killed
true|d

=== wait any, and end the rest with exit
--- lua
@LUA@
local function f() ngx.sleep(0.3) show("f: never said") end
local function g() ngx.sleep(0.05) show("g") return "g done" end
local tf, tg = ngx.thread.spawn(f), ngx.thread.spawn(g)
show(coroutine.status(tf), coroutine.status(tg))
show(ngx.thread.wait(tf, tg))
ngx.exit(ngx.OK)
--- body
running|running
g
true|g done

=== an error in a thread is for who waits
--- lua
@LUA@
local t = ngx.thread.spawn(function() ngx.sleep(0.01) error("bad luck", 0) end)
show(ngx.thread.wait(t))
local t = ngx.thread.spawn(function() ngx.sleep(0.01) error({ code = 7 }) end)
local ok, err = ngx.thread.wait(t)
show(ok, type(err), err.code)
local t = ngx.thread.spawn(function() ngx.sleep(0.01) local x = nil; return x.y end)
local ok, err = ngx.thread.wait(t)
show(ok, err:match("attempt to index") ~= nil)
ngx.log(ngx.WARN, "all three failed")
--- body
false|bad luck
false|table|7
false|true
--- error_log
all three failed

=== also if it came at once
--- lua
@LUA@
local t = ngx.thread.spawn(function() error("bad luck", 0) end)
show(coroutine.status(t))
show(ngx.thread.wait(t))
local t = ngx.thread.spawn(function() error({ code = 7 }) end)
ngx.sleep(0.01)
local ok, err = ngx.thread.wait(t)
show(ok, type(err), err and err.code)
ngx.log(ngx.WARN, "both failed")
--- body
zombie
false|bad luck
false|table|7
--- error_log
both failed

=== and for the log; the others go on
--- lua
@LUA@
ngx.thread.spawn(function() error("nobody waits for this") end)
ngx.thread.spawn(function() ngx.sleep(0.05) show("the other thread") end)
ngx.sleep(0.02)
show("main")
--- body
main
the other thread
--- error_log
nobody waits for this

=== an error of the main thread ends all
--- lua
@LUA@
ngx.thread.spawn(function() ngx.sleep(0.2) ngx.log(ngx.WARN, "must not be") end)
error("main failed")
--- code 500
--- error_log
main failed
--- no_error_log
must not be

=== exit in a thread ends all
--- lua
@LUA@
ngx.thread.spawn(function() ngx.sleep(0.05) show("thread exits") ngx.exit(200) end)
ngx.thread.spawn(function() ngx.sleep(0.4) show("never said") end)
ngx.sleep(0.4)
show("never said either")
--- body
thread exits

=== exit with an error status
--- lua
@LUA@
ngx.thread.spawn(function() ngx.sleep(0.02) ngx.exit(403) end)
ngx.sleep(1)
ngx.say("never said")
--- code 403

=== redirect and exec in a thread
--- file other.lua
ngx.say("the other one")
--- lua
ngx.thread.spawn(function() ngx.sleep(0.02) ngx.exec("@URL@/other.lua") end)
ngx.sleep(1)
--- body
the other one

=== redirect in a thread
--- lua
ngx.thread.spawn(function() ngx.redirect("/elsewhere") end)
ngx.sleep(1)
--- code 302
--- header_like Location: /elsewhere$

=== wait: wrong use
--- lua
@LUA@
show((pcall(ngx.thread.wait)), (pcall(ngx.thread.wait, 1)), (pcall(ngx.thread.wait, nil)))
show((pcall(ngx.thread.wait, coroutine.create(function() end))))
local t = ngx.thread.spawn(function() end)
show(ngx.thread.wait(t))
show(pcall(ngx.thread.wait, t))
show((pcall(ngx.thread.spawn)), (pcall(ngx.thread.spawn, 1)), (pcall(ngx.thread.spawn, {})))
--- body
false|false|false
false
true
true|nil|already waited or killed
false|false|false

=== only the parent can wait
--- lua
@LUA@
local child = ngx.thread.spawn(function() ngx.sleep(0.1) return "child" end)
local stranger = ngx.thread.spawn(function() fails(function() ngx.thread.wait(child) end) end)
ngx.thread.wait(stranger)
show(ngx.thread.wait(child))
--- body
only the parent coroutine can wait on the thread
true|child

=== threads of threads
--- lua
@LUA@
local function tree(depth)
  if depth == 0 then ngx.sleep(0.01) return 1 end
  local a, b = ngx.thread.spawn(tree, depth - 1), ngx.thread.spawn(tree, depth - 1)
  local _, x = ngx.thread.wait(a)
  local _, y = ngx.thread.wait(b)
  return x + y
end
show(tree(5))
--- body
32

=== threads of coroutines
--- lua
@LUA@
local co = coroutine.wrap(function()
  local t = ngx.thread.spawn(function() ngx.sleep(0.02) return "thread" end)
  local ok, value = ngx.thread.wait(t)
  coroutine.yield(value)
  return "end"
end)
show(co(), co())
--- body
thread|end

=== coroutines of threads
--- lua
@LUA@
local t = ngx.thread.spawn(function()
  local co = coroutine.wrap(function() for i = 1, 3 do ngx.sleep(0.01) coroutine.yield(i) end end)
  return co(), co(), co()
end)
show(ngx.thread.wait(t))
--- body
true|1|2|3

=== yields of light threads are for the others
--- lua
@LUA@
local yield = coroutine.yield
local self = coroutine.running()
local function f()
  local self = coroutine.running()
  show("f 1")
  yield(self)
  show("f 2")
  yield(self)
  show("f 3")
end
show("0")
yield(self)
show("1")
ngx.thread.spawn(f)
show("2")
yield(self)
show("3")
yield(self)
show("4")
--- body
0
1
f 1
2
f 2
3
f 3
4

=== status: running, zombie, dead, suspended
--- lua
@LUA@
local t
t = ngx.thread.spawn(function()
  show(coroutine.status(coroutine.running()))
  ngx.sleep(0.05)
  show(coroutine.status(coroutine.running()))
end)
show(coroutine.status(t))
ngx.sleep(0.15)
show(coroutine.status(t))
ngx.thread.wait(t)
show(coroutine.status(t))
--- body
running
running
running
zombie
dead

=== kill
--- lua
@LUA@
local t = ngx.thread.spawn(function() ngx.sleep(0.2) show("never said") end)
show(ngx.thread.kill(t))
show(coroutine.status(t))
show(ngx.thread.kill(t))
show(pcall(ngx.thread.wait, t))
ngx.sleep(0.3)
show("end")
--- body
1
dead
nil|already waited or killed
true|nil|already waited or killed
end

=== kill: those that have ended, strangers, nonsense
--- lua
@LUA@
local ended = ngx.thread.spawn(function() end)
show(ngx.thread.kill(ended))
local ended = ngx.thread.spawn(function() end)
show(ngx.thread.wait(ended))
show(ngx.thread.kill(ended))
local child = ngx.thread.spawn(function() ngx.sleep(0.1) return "lives" end)
local t = ngx.thread.spawn(function() show(ngx.thread.kill(child)) end)
ngx.thread.wait(t)
show(ngx.thread.wait(child))
show(ngx.thread.kill(coroutine.create(function() end)))
show((pcall(ngx.thread.kill, 1)), (pcall(ngx.thread.kill)))
--- body
nil|already terminated
true
nil|already waited or killed
nil|killer not parent
true|lives
nil|not user thread
false|false

=== kill those that are ready: nobody hears of them again
--- lua
@LUA@
local said = {}
local function f(name) coroutine.yield() said[#said + 1] = name end
local a, b, c = ngx.thread.spawn(f, "a"), ngx.thread.spawn(f, "b"), ngx.thread.spawn(f, "c")
show(ngx.thread.kill(b), ngx.thread.kill(c))
local d = ngx.thread.spawn(f, "d")
a, b, c, d = nil, nil, nil, nil
collectgarbage() collectgarbage()
ngx.sleep(0.01)
show(table.concat(said, " "))
--- body
1|1
a d

=== kill one that was woken at the same moment
--- lua
@LUA@
local semaphore = require "ngx.semaphore"
local mine, its, taken = semaphore.new(), semaphore.new(), 0
local t = ngx.thread.spawn(function() its:wait(5) taken = taken + 1 end)
ngx.timer.at(0, function() mine:post() its:post() end)
mine:wait(5)
show(ngx.thread.kill(t))
t = nil
collectgarbage() collectgarbage()
ngx.sleep(0.01)
show(taken, its:count())
--- body
1
0|1

=== kill a thread: those it has spawned go on
--- lua
@LUA@
local semaphore = require "ngx.semaphore"
local go, said = semaphore.new(), semaphore.new()
local t = ngx.thread.spawn(function()
  local child = ngx.thread.spawn(function()
    go:wait(5)
    ngx.thread.wait(ngx.thread.spawn(ngx.sleep, 0.01))
    show("the child")
    said:post()
  end)
  ngx.thread.wait(child)
  show("never said")
end)
show(ngx.thread.kill(t))
go:post()
show(said:wait(5))
ngx.sleep(0.01)
show(coroutine.status(t))
--- body
1
the child
true
dead

=== kill one that waits for a socket
--- lua
@LUA@
local s = open(nil, @MUTE@)
local t = ngx.thread.spawn(function() s:receive() end)
show(ngx.thread.kill(t))
local s = open("say:still%20fine%0a")
show(s:receive())
--- body
1
still fine

=== kill one that waits for a socket: others can read from it, and write to it
--- lua
@LUA@
local s = open("wait:100 say:for%20the%20next%0a")
local t = ngx.thread.spawn(function() s:receive() end)
show(ngx.thread.kill(t))
show(s:receive())
local s = open("wait:200 swallow:20000000")
local t = ngx.thread.spawn(function() s:send(("x"):rep(20000000)) end)
show(ngx.thread.kill(t))
show(s:send("y"))
--- body
1
for the next
1
1

=== kill one that holds a socket: it is closed with it
--- lua
@LUA@
local t = ngx.thread.spawn(function()
  local s = open("conn")
  s:receive()
  s:receive()
end)
ngx.sleep(0.1)
show(ngx.thread.kill(t))
t = nil
collectgarbage() collectgarbage()
ngx.sleep(0.2)
show(tonumber((open("open"):receive())) <= 1)
--- body
1
true

=== threads in an access hook: they end before the next phase
--- htaccess
<CoralHook access>
ngx.ctx.order = {}
for i = 1, 3 do ngx.thread.spawn(function() ngx.sleep(0.03 * i) table.insert(ngx.ctx.order, i) end) end
</CoralHook>
--- lua
ngx.say(table.concat(ngx.ctx.order, " "))
--- body
1 2 3

=== requests for many at a time
--- lua
@LUA@
local function fetch(i)
  local s = open("wait:" .. (100 - i) .. " say:answer%20" .. i .. "%0a")
  return (s:receive())
end
local threads = {}
for i = 1, 50 do threads[i] = ngx.thread.spawn(fetch, i) end
for i = 1, 50 do
  local ok, answer = ngx.thread.wait(threads[i])
  assert(ok and answer == "answer " .. i)
end
show("all")
--- body
all

=== say and flush in threads
--- lua
local a = ngx.thread.spawn(function() for i = 1, 3 do ngx.print("a") ngx.flush(true) ngx.sleep(0.01) end end)
local b = ngx.thread.spawn(function() for i = 1, 3 do ngx.print("b") ngx.flush(true) ngx.sleep(0.01) end end)
ngx.thread.wait(a)
ngx.thread.wait(b)
ngx.say()
--- body_like ^[ab]{6}$

=== ngx.ctx is the request's
--- lua
@LUA@
ngx.ctx.x = 1
local t = ngx.thread.spawn(function() ngx.sleep(0.01) ngx.ctx.x = ngx.ctx.x + 1 return ngx.ctx end)
local ok, ctx = ngx.thread.wait(t)
show(ctx.x, ngx.ctx.x, ngx.get_phase())
--- body
2|2|content

=== the body in a thread
--- lua
local t = ngx.thread.spawn(function() ngx.req.read_body() return ngx.req.get_body_data() end)
ngx.say(select(2, ngx.thread.wait(t)))
--- request
POST main.lua
a=b
--- body
a=b

=== a reader and a writer on one socket
--- lua
@LUA@
local s = open(nil, @ECHO@)
local data = ("0123456789"):rep(500000)
local reader = ngx.thread.spawn(function() return s:receive(#data) end)
local writer = ngx.thread.spawn(function() return s:send(data) end)
local _, sent = ngx.thread.wait(writer)
local _, got = ngx.thread.wait(reader)
show(sent, got == data)
--- body
5000000|true

=== two readers: the socket is busy
--- lua
@LUA@
local s = open("wait:200 say:x%0a")
local t = ngx.thread.spawn(function() return s:receive() end)
show(s:receive())
show(s:receive(5))
show(s:receiveany(5))
show(s:receiveuntil("x")())
show(ngx.thread.wait(t))
--- body
nil|socket busy reading
nil|socket busy reading
nil|socket busy reading
nil|socket busy reading
true|x

=== two writers
--- lua
@LUA@
local s = open("wait:300 swallow:20000000")
local data = ("x"):rep(20000000)
local t = ngx.thread.spawn(function() return s:send(data) end)
show(s:send("y"))
show(ngx.thread.wait(t))
show(s:receive() == "20000000 " .. ngx.md5(data))
--- body
nil|socket busy writing
true|20000000
true

=== close, setkeepalive, connect while another one reads
--- lua
@LUA@
local s = open("wait:200 say:x%0a")
local t = ngx.thread.spawn(function() return s:receive() end)
show(s:close())
show(s:setkeepalive())
show(s:connect("127.0.0.1", @PLAY@))
show(s:getreusedtimes())
show(s:send("say:y%0a\n"))
show(ngx.thread.wait(t))
show(s:receive())
--- body
nil|socket busy reading
nil|socket busy reading
nil|socket busy reading
0
9
true|x
y

=== errors of one thread's socket leave the others alone
--- lua
@LUA@
local good = open("wait:100 say:good%0a")
local t = ngx.thread.spawn(function() open("reset"):receive() error("over", 0) end)
show(ngx.thread.wait(t))
show(good:receive())
ngx.log(ngx.WARN, "done")
--- body
false|over
good
--- error_log
done

=== very many
--- lua
local count = 0
local threads = {}
for i = 1, 1000 do threads[i] = ngx.thread.spawn(function() ngx.sleep(0.001 * (i % 7)) count = count + 1 end) end
for i = 1, 1000 do ngx.thread.wait(threads[i]) end
ngx.say(count)
--- body
1000

=== those that are over leave nothing behind
--- lua
local function many(n)
  for i = 1, n do
    ngx.thread.wait(ngx.thread.spawn(function() ngx.sleep(0) end))
    ngx.thread.kill(ngx.thread.spawn(function() ngx.sleep(5) end))
    ngx.thread.spawn(function() end)
  end
  collectgarbage()
  collectgarbage()
  return collectgarbage("count")
end
local before = many(50)
local more = many(1000) - before
ngx.say(more < 500 and "little" or more)
--- body
little
