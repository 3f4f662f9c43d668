# SPDX-License-Identifier: Apache-2.0
# setkeepalive, getreusedtimes, pools and how many connections they have. Each block has pools of its own, by name.
use strict;
use warnings;
use Coral::Blocks;
use Coral::Upstream;
my $servers = Coral::Upstream->start(PLAY => 'tcp', HOST => 'tcp', UNIX => 'unix', FULL => 'full');
my %words = $servers->words;
run_blocks(%words, POOL => <<~'LUA' =~ s/PORT/$words{PLAY}/r =~ s/\s*\n\s*/ /gr);
    math.randomseed(math.floor(ngx.now() * 1000) % 2 ^ 31)
    local pool = "pool" .. ngx.now() .. math.random(1000000)
    local function join(name, more)
      local s, options = ngx.socket.tcp(), { pool = name or pool }
      for key, value in pairs(more or {}) do options[key] = value end
      s:settimeouts(1000, 1000, 1000)
      return s, s:connect("127.0.0.1", PORT, options)
    end
    local function ask(s, word) assert(s:send(word .. "\n")) return (s:receive()) end
    LUA
__DATA__
=== kept, and used again
--- lua
@LUA@ @POOL@
local a = join()
show(a:getreusedtimes())
local number = ask(a, "conn")
show(a:setkeepalive())
local b = join()
show(b:getreusedtimes())
show(ask(b, "conn") == number)
show(b:setkeepalive())
local c = join()
show(c:getreusedtimes())
show(ask(c, "conn") == number)
show(c:close())
local d = join()
show(d:getreusedtimes())
show(ask(d, "conn") == number)
--- body
0
1
1
true
1
2
true
1
0
false

=== after setkeepalive the socket is closed
--- lua
@LUA@ @POOL@
local s = join()
show(s:setkeepalive())
show(s:send("x"))
show(s:receive())
show(s:close())
show(s:getreusedtimes())
show(s:setkeepalive())
show(s:connect("127.0.0.1", @PLAY@, { pool = pool }))
show(s:getreusedtimes())
--- body
1
nil|closed
nil|closed
nil|closed
nil|closed
nil|closed
1
1

=== the same object again and again
--- lua
@LUA@ @POOL@
local s = ngx.socket.tcp()
for i = 0, 5 do
  assert(s:connect("127.0.0.1", @PLAY@, { pool = pool }))
  assert(s:getreusedtimes() == i)
  assert(ask(s, "say:x%0a") == "x")
  assert(s:setkeepalive(10000, 10) == 1)
end
show("fine")
--- body
fine

=== the last one put back is the first one taken
--- lua
@LUA@ @POOL@
local a, b = join(), join()
local number_a, number_b = ask(a, "conn"), ask(b, "conn")
a:setkeepalive()
b:setkeepalive()
local c, d = join(), join()
show(ask(c, "conn") == number_b, ask(d, "conn") == number_a)
--- body
true|true

=== host and port are the pool, if there is no name
--- lua
@LUA@ @POOL@
local function ours(host, port)
  local s = ngx.socket.tcp()
  assert(s:connect(host, port))
  return s
end
local a = ours("127.0.0.1", @HOST@)
local number = ask(a, "conn")
show(a:setkeepalive())
local b = ours("127.0.0.1", @HOST@)
show(b:getreusedtimes(), ask(b, "conn") == number)
b:setkeepalive()
local c = join("127.0.0.1:@HOST@")
show(c:getreusedtimes(), ask(c, "conn") == number)
c:setkeepalive()
local d = ours("127.0.0.1", @PLAY@)
show(d:getreusedtimes())
local e = ours("127.0.0.1", @HOST@)
show(e:getreusedtimes())
e:close()
--- body
1
1|true
2|true
0
3

=== pools of different names have nothing in common
--- lua
@LUA@ @POOL@
local a = join(pool .. "a")
a:setkeepalive()
local b = join(pool .. "b")
show(b:getreusedtimes())
local c = join(pool .. "a")
show(c:getreusedtimes())
--- body
0
1

=== a pool's name may be a number
--- lua
@LUA@ @POOL@
local number = math.random(1, 1000000)
local a = join(number)
show(a:setkeepalive())
local b = join(tostring(number))
show(b:getreusedtimes())
--- body
1
1

=== UNIX sockets are kept, too
--- lua
@LUA@ @POOL@
local s = ngx.socket.tcp()
show(s:connect("unix:@UNIX@"))
local number = ask(s, "conn")
show(s:setkeepalive())
show(s:connect("unix:@UNIX@"))
show(s:getreusedtimes(), ask(s, "conn") == number)
s:close()
--- body
1
1
1
1|true

=== the other side closes an idle one: the next connection is new
--- lua
@LUA@ @POOL@
local a = join()
local number = ask(a, "conn")
a:send("wait:50 close\n")
show(a:setkeepalive())
ngx.sleep(0.3)
local b = join()
show(b:getreusedtimes(), ask(b, "conn") ~= number)
--- body
1
0|true

=== or resets it
--- lua
@LUA@ @POOL@
local a = join()
local number = ask(a, "conn")
a:send("wait:50 reset\n")
show(a:setkeepalive())
ngx.sleep(0.3)
local b = join()
show(b:getreusedtimes(), ask(b, "conn") ~= number)
--- body
1
0|true

=== or sends what nobody asked for: it is not used again
--- lua
@LUA@ @POOL@
local a = join()
local number = ask(a, "conn")
a:send("wait:50 say:surprise\n")
show(a:setkeepalive())
ngx.sleep(0.3)
local b = join()
show(b:getreusedtimes(), ask(b, "conn") ~= number)
--- body
1
0|true

=== unread data: not kept
--- lua
@LUA@ @POOL@
local a = join()
a:send("say:one%0atwo%0a\n")
show(a:receive())
show(a:setkeepalive())
local b = join()
show(b:getreusedtimes())
--- body
one
nil|unread data in buffer
0

=== unread data the system has
--- lua
@LUA@ @POOL@
local a = join()
a:send("say:one%0a wait:50 say:two%0a\n")
show(a:receive())
ngx.sleep(0.3)
show(a:setkeepalive())
local b = join()
show(b:getreusedtimes())
--- body
one
nil|connection in dubious state
0

=== closed by the other side before it is put back
--- lua
@LUA@ @POOL@
local a = join()
a:send("say:one%0a close\n")
show(a:receive())
ngx.sleep(0.2)
show(a:setkeepalive())
local b = join()
show(b:getreusedtimes())
--- body
one
nil|closed
0

=== the end was already seen
--- lua
@LUA@ @POOL@
local a = join()
a:send("close\n")
two(a:receive())
show(a:setkeepalive())
--- body
nil|closed
nil|closed

=== the idle timeout
--- lua
@LUA@ @POOL@
local a = join()
local number = ask(a, "conn")
show(a:setkeepalive(100))
ngx.sleep(0.5)
local b = join()
show(b:getreusedtimes(), ask(b, "conn") ~= number)
show(b:setkeepalive(5000))
ngx.sleep(0.3)
local c = join()
show(c:getreusedtimes())
--- body
1
0|true
1
1

=== what has timed out is closed
--- lua
@LUA@ @POOL@
local before = tonumber(ask(join(), "open"))
for i = 1, 3 do
  local s = join(pool .. i)
  s:setkeepalive(100)
end
ngx.sleep(0.6)
local now = tonumber(ask(join(pool .. "x"), "open"))
show(now - before <= 1 or now - before)
--- body
true

=== 0 is for ever
--- lua
@LUA@ @POOL@
local a = join()
show(a:setkeepalive(0))
ngx.sleep(0.3)
local b = join()
show(b:getreusedtimes())
--- body
1
1

=== size: the one idle for longest goes
--- lua
@LUA@ @POOL@
local sockets, numbers = {}, {}
for i = 1, 4 do
  sockets[i] = join()
  numbers[i] = ask(sockets[i], "conn")
end
for i = 1, 4 do show(sockets[i]:setkeepalive(10000, 2)) end
local a, b, c = join(), join(), join()
show(ask(a, "conn") == numbers[4], ask(b, "conn") == numbers[3], c:getreusedtimes())
--- body
1
1
1
1
true|true|0

=== the size is set once, by the first
--- lua
@LUA@ @POOL@
local a, b = join(), join()
show(a:setkeepalive(10000, 1))
show(b:setkeepalive(10000, 5))
local c, d = join(), join()
show(c:getreusedtimes(), d:getreusedtimes())
--- body
1
1
1|0

=== pool_size of connect
--- lua
@LUA@ @POOL@
local a, b, c = join(nil, { pool_size = 1 }), join(), join()
show(a:setkeepalive(10000, 5), b:setkeepalive(10000, 5), c:setkeepalive())
local d, e = join(), join()
show(d:getreusedtimes(), e:getreusedtimes())
--- body
1|1|1
1|0

=== bad options
--- lua
@LUA@ @POOL@
local s = ngx.socket.tcp()
for _, options in ipairs { { pool_size = 0 }, { pool_size = -1 }, { pool_size = "x" }, { pool_size = true }, { backlog = -1 },
  { pool = {} }, { pool = true } } do
  fails(function() s:connect("127.0.0.1", @PLAY@, options) end)
end
show(s:connect("127.0.0.1", @PLAY@, {}))
show(s:connect("127.0.0.1", @PLAY@, nil))
--- body
bad argument #3 to 'connect' (bad "pool_size" option value: 0)
bad argument #3 to 'connect' (bad "pool_size" option value: -1)
bad argument #3 to 'connect' (bad "pool_size" option type: string)
bad argument #3 to 'connect' (bad "pool_size" option type: boolean)
bad argument #3 to 'connect' (bad "backlog" option value: -1)
bad argument #3 to 'connect' (bad "pool" option type: table)
bad argument #3 to 'connect' (bad "pool" option type: boolean)
1
1

=== arguments of setkeepalive
--- lua
@LUA@ @POOL@
local s = join()
fails(function() s:setkeepalive("x") end)
s = join()
show(s:setkeepalive("1000", "3"))
s = join()
show(s:setkeepalive(nil, nil))
--- body
bad argument #1 to 'setkeepalive' (number expected, got string)
1
1

=== backlog: no more connections than pool_size; the next ones wait for their turn
--- lua
@LUA@ @POOL@
local most = { pool_size = 1, backlog = 1 }
local a = join(nil, most)
local number = ask(a, "conn")
local thread = ngx.thread.spawn(function()
  local b, ok, err = join(nil, most)
  ngx.say("waited: ", ok, " ", err, " ", b:getreusedtimes(), " ", ask(b, "conn") == number)
  b:close()
end)
ngx.say("before")
ngx.sleep(0.1)
a:setkeepalive()
ngx.thread.wait(thread)
--- body
before
waited: 1 nil 1 true

=== backlog: one that is closed makes room for a new one
--- lua
@LUA@ @POOL@
local most = { pool_size = 1, backlog = 1 }
local a = join(nil, most)
local number = ask(a, "conn")
local thread = ngx.thread.spawn(function()
  local b, ok, err = join(nil, most)
  ngx.say("waited: ", ok, " ", err, " ", b:getreusedtimes(), " ", ask(b, "conn") ~= number)
end)
ngx.say("before")
ngx.sleep(0.1)
a:close()
ngx.thread.wait(thread)
--- body
before
waited: 1 nil 0 true

=== backlog: full
--- lua
@LUA@ @POOL@
local most = { pool_size = 1, backlog = 1 }
local a = join(nil, most)
local thread = ngx.thread.spawn(function()
  local b, ok, err = join(nil, most)
  ngx.say("waited: ", ok, " ", err)
end)
local c, ok, err = join(nil, most)
show(ok, err)
show(c:send("x"))
a:close()
ngx.thread.wait(thread)
--- body
nil|too many waiting connect operations
nil|closed
waited: 1 nil

=== backlog 0: nobody waits
--- lua
@LUA@ @POOL@
local most = { pool_size = 2, backlog = 0 }
local a, b = join(nil, most), join(nil, most)
local c, ok, err = join(nil, most)
show(ok, err)
a:close()
c, ok, err = join(nil, most)
show(ok, err)
--- body
nil|too many waiting connect operations
1|nil

=== backlog: who waits too long
--- lua
@LUA@ @POOL@
local most = { pool = pool, pool_size = 1, backlog = 2 }
local a = join(nil, most)
local s = ngx.socket.tcp()
s:settimeouts(100, 5000, 5000)
local from = ngx.now()
local ok, err = s:connect("127.0.0.1", @PLAY@, most)
show(ok, err, took(from))
a:close()
show(s:connect("127.0.0.1", @PLAY@, most))
--- body
nil|timeout|true
1

=== backlog: in the order they came
--- lua
@LUA@ @POOL@
local most = { pool_size = 1, backlog = 10 }
local a = join(nil, most)
local order, threads = {}, {}
for i = 1, 5 do
  threads[i] = ngx.thread.spawn(function()
    local s, ok, err = join(nil, most)
    order[#order + 1] = ok and i or err
    s:setkeepalive()
  end)
end
a:setkeepalive()
for i = 1, 5 do ngx.thread.wait(threads[i]) end
show(table.concat(order, " "))
--- body
1 2 3 4 5

=== backlog: connections that fail do not count
--- lua
@LUA@ @POOL@
local s = ngx.socket.tcp()
s:settimeouts(50, 1000, 1000)
for i = 1, 3 do two(s:connect("127.0.0.1", @FULL@, { pool = pool, pool_size = 1, backlog = 0 })) end
local t, ok, err = join(pool, { pool_size = 1, backlog = 0 })
show(ok, err)
--- body
nil|timeout
nil|timeout
nil|timeout
1|nil

=== backlog: what the collector closes makes room
--- lua
@LUA@ @POOL@
local most = { pool_size = 1, backlog = 0 }
local function lose() show(select(2, join(nil, most))) end
lose()
collectgarbage() collectgarbage()
ngx.sleep(0.1)
show(select(2, join(nil, most)))
--- body
1
1

=== from one request to the next
--- file first.lua
@LUA@
local s = ngx.socket.tcp()
assert(s:connect("127.0.0.1", @PLAY@, { pool = "between requests" }))
s:setkeepalive()
ngx.say("kept")
--- request GET first.lua
--- body
kept

=== there it is (unless another process of the server answers)
--- again
--- mpm event worker
--- lua
@LUA@
local s = ngx.socket.tcp()
for i = 1, 5 do
  assert(s:connect("127.0.0.1", @PLAY@, { pool = "between requests" }))
  s:setkeepalive()
end
assert(s:connect("127.0.0.1", @PLAY@, { pool = "between requests" }))
show(s:getreusedtimes() >= 5)
--- body
true
