# SPDX-License-Identifier: Apache-2.0
# sock:send: what can be sent, much of it, to those who read slowly or not at all.
use strict;
use warnings;
use Coral::Blocks;
use Coral::Upstream;
my $servers = Coral::Upstream->start(PLAY => 'tcp', ECHO => 'tcp echo');
run_blocks($servers->words);
__DATA__
=== strings and numbers
--- lua
@LUA@
local s = open(nil, @ECHO@)
show(s:send("abc"), s:receive(3))
show(s:send(42), s:receive(2))
show(s:send(-1.5), s:receive(4))
show(s:send(""))
show(s:send("x"), s:receive(1))
--- body
3|abc
2|42
4|-1.5
0
1|x

=== tables, in tables
--- lua
@LUA@
local s = open(nil, @ECHO@)
show(s:send({ "a", "b", { "c", 1, { "d" } }, {}, "\n" }))
show(s:receive())
show(s:send({}))
show(s:send({ { { {} } } }))
show(s:send({ "", "", "\n" }))
show(s:receive())
show(s:send({ "x", 3, 2.5, "\n" }))
show(s:receive())
--- body
6
abc1d
0
0
1
""
6
x32.5

=== booleans and nil
--- lua
@LUA@
local s = open(nil, @ECHO@)
show(s:send(true), s:receive(4))
show(s:send(false), s:receive(5))
show(s:send(nil), s:receive(3))
--- body
4|true
5|false
3|nil

=== what can not be sent
--- lua
@LUA@
local s = open(nil, @ECHO@)
fails(function() s:send(print) end)
fails(function() s:send(coroutine.create(function() end)) end)
fails(function() s:send({ print }) end)
fails(function() s:send({ a = 1 }) end)
fails(function() s:send({ "x", a = 1 }) end)
fails(function() s:send({ [2] = "x" }) end)
fails(function() s:send({ "x", { y = 1 } }) end)
fails(function() s:send({ "x", { print } }) end)
show(s:send("still fine\n"))
show(s:receive())
--- body
bad argument #1 to 'send' (string, number, boolean, nil, or array table expected, got function)
bad argument #1 to 'send' (string, number, boolean, nil, or array table expected, got thread)
bad argument #1 to 'send' (bad data type function found)
bad argument #1 to 'send' (non-array table found)
bad argument #1 to 'send' (non-array table found)
bad argument #1 to 'send' (bad data type nil found)
bad argument #1 to 'send' (non-array table found)
bad argument #1 to 'send' (bad data type function found)
11
still fine

=== ngx.null
--- lua
@LUA@
local s = open(nil, @ECHO@)
local ok, sent = pcall(s.send, s, ngx.null)
if ok then show(sent, (s:receive(4))) else show(4, "null") end
--- body
4|null

=== a table in a loop ends with an error, not with the process
--- lua
@LUA@
local s = open(nil, @ECHO@)
local t = { "x" }
for i = 1, 50 do t = { t } end
show(s:send({ t, "\n" }))
show(s:receive())
--- body
2
x

=== 10 MB, received whole
--- lua
@LUA@
local data = ("0123456789"):rep(1000000)
local s = open("swallow:10000000")
show(s:send(data))
show(s:receive())
show(ngx.md5(data))
--- body
10000000
10000000 7233cd2eaf78da883a54bc81513f021f
7233cd2eaf78da883a54bc81513f021f

=== 10 MB of pieces
--- lua
@LUA@
local piece, pieces = ("0123456789"):rep(100), {}
for i = 1, 10000 do pieces[i] = i % 2 == 0 and piece or { piece } end
local s = open("swallow:10000000")
show(s:send(pieces))
show(s:receive() == "10000000 " .. ngx.md5(piece:rep(10000)))
--- body
10000000
true

=== to one who reads slowly
--- lua
@LUA@
local data = ("0123456789"):rep(300000)
local s = open("sip:3000000")
show(s:send(data))
show(s:receive() == "3000000 " .. ngx.md5(data))
--- body
3000000
true

=== in many pieces
--- lua
@LUA@
local s = open("swallow:2000")
for i = 1, 1000 do assert(s:send("ab") == 2) end
show(s:receive() == "2000 " .. ngx.md5(("ab"):rep(1000)))
--- body
true

=== much there and back
--- lua
@LUA@
local s = open(nil, @ECHO@)
local data = ("x"):rep(100000)
for i = 1, 20 do
  assert(s:send(data) == 100000)
  assert(s:receive(100000) == data)
end
ngx.say("fine")
--- body
fine

=== nobody reads: the timeout of send
--- lua
@LUA@
local s = open("wait:3000")
s:settimeouts(1000, 100, 1000)
local data, from = ("x"):rep(1000000), ngx.now()
local sent, err
for i = 1, 100 do
  sent, err = s:send(data)
  if not sent then break end
end
show(sent, err, took(from))
show(s:send("x"))
s:close()
--- body
nil|timeout|true
nil|closed

=== the other side has gone
--- lua
@LUA@
local s = open("reset")
ngx.sleep(0.1)
local sent, err
for i = 1, 20 do
  sent, err = s:send("x")
  if not sent then break end
  ngx.sleep(0.01)
end
show(sent, err == "connection reset by peer" or err == "broken pipe" or err)
show(s:send("x"))
two(s:receive())
--- body
nil|true
nil|closed
nil|closed

=== the other side closes while much is on its way
--- lua
@LUA@
local s = open("read:1000 reset")
local sent, err = s:send(("x"):rep(20000000))
show(sent, err == "closed" or err == "connection reset by peer" or err == "broken pipe" or err)
show(s:send("x"))
--- body
nil|true
nil|closed

=== what is sent may change afterwards
--- lua
@LUA@
local s = open(nil, @ECHO@)
local t = { "abc", "\n" }
s:send(t)
t[1] = "changed"
collectgarbage()
show(s:receive())
--- body
abc
