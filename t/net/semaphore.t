# SPDX-License-Identifier: Apache-2.0
# ngx.semaphore
use strict;
use warnings;
use Coral::Blocks;
use Coral::Upstream;
my $servers = Coral::Upstream->start(PLAY => 'tcp');
# Where it had to wait, OpenResty has false for nil.
run_blocks($servers->words, WAIT => 'local function wait(s, time) local ok, err = s:wait(time) show(ok or nil, err) end');
__DATA__
=== count, wait, post
--- lua
@LUA@ @WAIT@
local semaphore = require "ngx.semaphore"
local s, err = semaphore.new(2)
show(s ~= nil, err)
show(s:count())
wait(s, 1)
wait(s, 0)
show(s:count())
wait(s, 0)
show(select("#", s:post()))
show(s:count())
show(s:post(3), s:count())
wait(s, 0) show(s:count())
show(semaphore.new():count())
--- body
true|nil
2
true|nil
true|nil
0
nil|timeout
1
1
true|4
true|nil
3
0

=== a thread waits, the main one posts
--- lua
@LUA@ @WAIT@
local s = require "ngx.semaphore".new()
local t = ngx.thread.spawn(function()
  show("waiting")
  wait(s, 5)
end)
show(s:count())
ngx.sleep(0.05)
show("posting")
s:post()
show("posted", s:count())
ngx.thread.wait(t)
show(s:count())
--- body
waiting
-1
posting
posted|0
true|nil
0

=== timeouts
--- lua
@LUA@ @WAIT@
local s = require "ngx.semaphore".new()
local from = ngx.now()
wait(s, 0.1)
show(took(from))
show(s:count())
s:post()
wait(s, 0.1)
--- body
nil|timeout
true
0
true|nil

=== posted, and its time is over before it goes on: it has what it waited for
--- lua
@LUA@ @WAIT@
local s = require "ngx.semaphore".new()
local from = ngx.now()
local t = ngx.thread.spawn(function() wait(s, 0.4) end)
ngx.sleep(0.01)
s:post()
repeat ngx.update_time() until ngx.now() > from + 0.5
ngx.thread.wait(t)
show(s:count())
--- body
true|nil
0

=== its time is over before it is posted: that is for the next
--- lua
@LUA@ @WAIT@
local s = require "ngx.semaphore".new()
local from = ngx.now()
local t = ngx.thread.spawn(function() wait(s, 0.2) end)
ngx.sleep(0.01)
repeat ngx.update_time() until ngx.now() > from + 0.3
s:post()
ngx.thread.wait(t)
show(s:count())
--- body
nil|timeout
1

=== as many are woken as were posted, in their order
--- lua
@LUA@ @WAIT@
local s = require "ngx.semaphore".new(0)
local order, threads = {}, {}
for i = 1, 6 do
  threads[i] = ngx.thread.spawn(function()
    local ok, err = s:wait(0.5)
    order[#order + 1] = (ok and "got" or err) .. i
  end)
end
show(s:count())
s:post(2)
ngx.sleep(0.05)
show(table.concat(order, " "))
s:post(3)
ngx.sleep(0.05)
show(table.concat(order, " "))
for i = 1, 6 do ngx.thread.wait(threads[i]) end
show(table.concat(order, " "))
show(s:count())
--- body
-6
got1 got2
got1 got2 got3 got4 got5
got1 got2 got3 got4 got5 timeout6
0

=== post does not switch
--- lua
@LUA@ @WAIT@
local s = require "ngx.semaphore".new()
ngx.thread.spawn(function() s:wait(5) show("woken") end)
s:post()
show("still here")
ngx.sleep(0.05)
show("end")
--- body
still here
woken
end

=== a lock
--- lua
@LUA@ @WAIT@
local lock = require "ngx.semaphore".new(1)
local inside, most, threads = 0, 0, {}
for i = 1, 10 do
  threads[i] = ngx.thread.spawn(function()
    assert(lock:wait(10))
    inside = inside + 1
    most = math.max(most, inside)
    ngx.sleep(0.005)
    inside = inside - 1
    lock:post(1)
  end)
end
for i = 1, 10 do ngx.thread.wait(threads[i]) end
show(most, inside, lock:count())
--- body
1|0|1

=== one that is killed while it waits does not take what is posted
--- lua
@LUA@ @WAIT@
local s = require "ngx.semaphore".new()
local t = ngx.thread.spawn(function() s:wait(5) end)
show(ngx.thread.kill(t))
show(s:count())
s:post(1)
ngx.sleep(0.02)
show(s:count())
wait(s, 0)
--- body
1
0
1
true|nil

=== wrong use
--- lua
@LUA@ @WAIT@
local semaphore = require "ngx.semaphore"
local s = semaphore.new(1)
local calls = {
  function() semaphore.new(-1) end, function() s:post(0) end, function() s:post(-1) end,
  function() s:wait(-1) end, function() s.wait(1) end, function() s.post({}) end, function() s.count("x") end,
}
for i, f in ipairs(calls) do assert(not pcall(f), i) end
show(s:count())
--- body
1

=== posted by a timer
--- lua
@LUA@ @WAIT@
local s = require "ngx.semaphore".new()
assert(ngx.timer.at(0.05, function() s:post() end))
wait(s, 5)
--- body
true|nil

=== posted by a timer, where the thread waits with its request
--- htaccess
<CoralHook access>
local s = require "ngx.semaphore".new()
assert(ngx.timer.at(0.05, function() s:post() end))
ngx.ctx.ok, ngx.ctx.err = s:wait(5)
</CoralHook>
--- lua
ngx.say(tostring(ngx.ctx.ok), " ", tostring(ngx.ctx.err))
--- body
true nil

=== waited for by a timer
--- lua
@LUA@ @WAIT@
local semaphore = require "ngx.semaphore"
local question, answer = semaphore.new(), semaphore.new()
assert(ngx.timer.at(0, function() if question:wait(5) then answer:post() end end))
ngx.sleep(0.05)
question:post()
wait(answer, 5)
--- body
true|nil

=== what was taken stays taken when those who took it end
--- lua
@LUA@ @WAIT@
local s = require "ngx.semaphore".new()
ngx.timer.at(0, function() s:wait(5) end)
ngx.timer.at(0, function() s:wait(5) ngx.exit(0) end)
ngx.timer.at(0, function() s:wait(5) error("taken, then failed") end)
local threads = {}
for i = 1, 3 do threads[i] = ngx.thread.spawn(function() s:wait(5) end) end
ngx.sleep(0.05)
show(s:count())
s:post(6)
for i = 1, 3 do ngx.thread.wait(threads[i]) end
ngx.sleep(0.1)
show(s:count())
wait(s, 0)
--- body
-6
0
nil|timeout
--- error_log
taken, then failed

=== those who end while they wait do not count any more
--- lua
@LUA@ @WAIT@
local s = require "ngx.semaphore".new()
ngx.timer.at(0, function()
  ngx.thread.spawn(function() s:wait(5) end)
  ngx.sleep(0.01)
  ngx.exit(0)
end)
ngx.timer.at(0, function()
  ngx.thread.spawn(function() s:wait(5) end)
  ngx.thread.spawn(function() ngx.sleep(0.01) ngx.exit(0) end)
  s:wait(5)
end)
for i = 1, 100 do ngx.sleep(0.01) if s:count() == 0 and i > 5 then break end end
show(s:count())
s:post()
show(s:count())
--- body
0
1

=== many
--- lua
@LUA@ @WAIT@
local semaphore = require "ngx.semaphore"
local all = {}
for i = 1, 1000 do all[i] = semaphore.new(i) end
all = nil
collectgarbage()
local s = semaphore.new(1000)
for i = 1, 1000 do assert(s:wait(0)) end
wait(s, 0)
--- body
nil|timeout

=== a chain of threads
--- lua
@LUA@ @WAIT@
local semaphore = require "ngx.semaphore"
local links = {}
for i = 0, 100 do links[i] = semaphore.new() end
for i = 1, 100 do ngx.thread.spawn(function() assert(links[i - 1]:wait(10)) links[i]:post() end) end
links[0]:post()
wait(links[100], 10)
--- body
true|nil

=== between a reader and a writer
--- lua
@LUA@ @WAIT@
local queue, ready = {}, require "ngx.semaphore".new()
local reader = ngx.thread.spawn(function()
  local s = open("say:one%0a wait:20 say:two%0a wait:20 say:three%0a close")
  while true do
    local line = s:receive()
    queue[#queue + 1] = line or "end"
    ready:post()
    if not line then return end
  end
end)
while true do
  assert(ready:wait(5))
  local line = table.remove(queue, 1)
  show(line)
  if line == "end" then break end
end
--- body
one
two
three
end
