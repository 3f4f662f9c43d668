# SPDX-License-Identifier: Apache-2.0
# ngx.socket.udp, over the network and over UNIX sockets.
use strict;
use warnings;
use Coral::Blocks;
use Coral::Upstream;
my $servers = Coral::Upstream->start(UDP => 'udp', OTHER => 'udp', LOCAL => 'udpunix', REFUSED => 'refused');
run_blocks($servers->words, UDP_LUA => <<~'LUA');
    local function udp(port) local s = ngx.socket.udp() s:settimeout(10000) assert(s:setpeername("127.0.0.1", port)) return s end
    LUA
__DATA__
=== there and back
--- lua
@LUA@ @UDP_LUA@
local s, err = ngx.socket.udp()
show(s ~= nil, err)
show(s:setpeername("127.0.0.1", @UDP@))
show(s:send("say:hello"))
show(s:receive())
show(s:close())
--- body
true|nil
1
1
hello
1

=== before it has a peer, after it is closed
--- lua
@LUA@ @UDP_LUA@
local s = ngx.socket.udp()
show(s:send("x"))
show(s:receive())
show(s:close())
s = udp(@UDP@)
show(s:close())
show(s:close())
show(s:send("x"))
show(s:receive())
--- body
nil|closed
nil|closed
nil|closed
1
nil|closed
nil|closed
nil|closed

=== several datagrams stay apart
--- lua
@LUA@ @UDP_LUA@
local s = udp(@UDP@)
show(s:send("say:one say:two say:three"))
show(s:receive(), s:receive(), (s:receive()))
for i = 1, 3 do s:send("say:" .. i) show(s:receive()) end
--- body
1
one|two|three
1
2
3

=== the size of receive: the rest of a datagram is lost
--- lua
@LUA@ @UDP_LUA@
local s = udp(@UDP@)
s:send("say:abcdefghij say:next")
show(s:receive(4))
show(s:receive(100))
s:send("digits:8192 say:next")
show(#s:receive())
show(s:receive(1))
s:send("say:abc")
show(s:receive("2"))
--- body
abcd
next
8192
n
ab

=== an empty datagram
--- lua
@LUA@ @UDP_LUA@
local s = udp(@UDP@)
s:send("say: say:x")
show(s:receive())
show(s:receive())
--- body
""
x

=== bytes of all kinds
--- lua
@LUA@ @UDP_LUA@
local all = {}
for i = 0, 255 do all[#all + 1] = ("%%%02x"):format(i) end
local s = udp(@UDP@)
s:send("say:" .. table.concat(all))
local got = s:receive()
show(#got)
for i = 0, 255 do assert(got:byte(i + 1) == i) end
show(s:send("count\n" .. ("\0\255"):rep(500)))
show(s:receive())
--- body
256
1
1006\n

=== numbers, tables, booleans, nil
--- lua
@LUA@ @UDP_LUA@
local s = udp(@UDP@)
show(s:send({ "say:a", { "b", 1 }, {} }), s:receive())
show(s:send({ "count\n", 12, 1.5 }), s:receive())
show(s:send(12), s:receive())
show(s:send(true), s:receive())
show(s:send(nil), s:receive())
--- body
1|ab1
1|11\n
1|what is 12?\n
1|what is true?\n
1|what is nil?\n

=== what can not be sent
--- lua
@LUA@ @UDP_LUA@
local s = udp(@UDP@)
fails(function() s:send(print) end)
fails(function() s:send({ a = 1 }) end)
fails(function() s:send({ print }) end)
fails(function() s:send() end)
fails(function() s:send("a", "b") end)
fails(function() s:receive(1, 2) end)
--- body
bad argument #1 to 'send' (string, number, boolean, nil, or array table expected, got function)
bad argument #1 to 'send' (non-array table found)
bad argument #1 to 'send' (bad data type function found)
expecting 2 arguments (including the object), but got 1
expecting 2 arguments (including the object), but got 3
expecting 1 or 2 arguments (including the object), but got 3

=== large datagrams
--- lua
@LUA@ @UDP_LUA@
local s = udp(@UDP@)
show(s:send("count\n" .. ("x"):rep(20000)))
show(s:receive())
local ok, err = s:send(("x"):rep(100000))
show(ok, err ~= nil)
--- body
1
20006\n
nil|true

=== a timeout, and the socket is still good
--- lua
@LUA@ @UDP_LUA@
local s = udp(@UDP@)
s:settimeout(100)
local from = ngx.now()
show(s:send("wait:400 say:late"))
show(s:receive())
show(took(from))
s:settimeout(10000)
show(s:receive())
show(s:send("say:more"))
show(s:receive())
--- body
1
nil|timeout
true
late
1
more

=== settimeout
--- lua
@LUA@ @UDP_LUA@
local s = ngx.socket.udp()
show(select("#", s:settimeout(100)), select("#", s:settimeout(0)))
--- body
0|0

=== another peer
--- lua
@LUA@ @UDP_LUA@
local s = udp(@UDP@)
s:send("wait:200 say:old")
show(s:setpeername("127.0.0.1", @OTHER@))
s:send("wait:300 say:new")
show(s:receive())
--- body
1
new

=== nobody there: refused, when something comes back to say so
--- lua
@LUA@ @UDP_LUA@
local s = udp(@REFUSED@)
s:settimeout(500)
show(s:send("x"))
local data, err = s:receive()
show(data, err == "connection refused" or err == "timeout" or err)
--- body
1
nil|true

=== bad ports and hosts
--- lua
@LUA@ @UDP_LUA@
local s = ngx.socket.udp()
show(s:setpeername("127.0.0.1", -1))
show(s:setpeername("127.0.0.1", 65536))
fails(function() s:setpeername(nil, 53) end)
for _, port in ipairs { {}, "x" } do
  local ok, peer = pcall(s.setpeername, s, "127.0.0.1", port)
  show(ok and peer or nil)
end
show((s:setpeername("", 53)))
--- body
nil|bad port number: -1
nil|bad port number: 65536
bad argument #1 to 'setpeername' (string expected, got nil)
nil
nil
nil

=== localhost, by name
--- lua
@LUA@ @UDP_LUA@
local s = ngx.socket.udp()
show(s:setpeername("localhost", @UDP@))
s:send("say:hello")
show(s:receive())
--- body
1
hello

=== over a UNIX socket
--- lua
@LUA@ @UDP_LUA@
local s = ngx.socket.udp()
show(s:setpeername("unix:@LOCAL@"))
show(s:send("say:hello say:again"))
show(s:receive(), (s:receive()))
show(s:close())
show(s:setpeername("unix:@LOCAL@.not"))
--- body
1
1
hello|again
1
nil|no such file or directory

=== two of them, each with its own answers
--- lua
@LUA@ @UDP_LUA@
local a, b = udp(@UDP@), udp(@UDP@)
a:send("wait:50 say:for%20a")
b:send("say:for%20b")
show(a:receive(), (b:receive()))
--- body
for a|for b

=== several threads
--- lua
@LUA@ @UDP_LUA@
local threads, got = {}, {}
for i = 1, 20 do
  threads[i] = ngx.thread.spawn(function()
    local s = udp(@UDP@)
    s:send("wait:" .. (21 - i) * 5 .. " say:" .. i)
    got[i] = s:receive()
  end)
end
for i = 1, 20 do ngx.thread.wait(threads[i]) end
show(table.concat(got, " "))
--- body
1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20

=== two threads, one socket
--- lua
@LUA@ @UDP_LUA@
local s = udp(@UDP@)
s:send("wait:200 say:x")
local thread = ngx.thread.spawn(function() return s:receive() end)
local data, err = s:receive()
show(data, (err:gsub(" reading$", "")))
local ok, err = s:close()
show(ok, (err:gsub(" reading$", "")))
show(ngx.thread.wait(thread))
show(s:close())
--- body
nil|socket busy
nil|socket busy
true|x
1
