# SPDX-License-Identifier: Apache-2.0
# ngx.socket.tcp, stream and connect: making sockets, connecting, closing, wrong use.
use strict;
use warnings;
use Coral::Blocks;
use Coral::Upstream;

my $servers = Coral::Upstream->start(
    PLAY => 'tcp', HI => 'tcp say:220%20hi%0a', ECHO => 'tcp echo', REFUSED => 'refused', SIX => 'tcp6', COUNTED => 'tcp',
);
my %words = $servers->words;
run_blocks(%words, NO_SIX => $words{SIX} ? '' : 'there is no ::1');
__DATA__
=== there, send, and back
--- lua
@LUA@
local s, err = ngx.socket.tcp()
show(s ~= nil, err)
show(s:connect("127.0.0.1", @ECHO@))
show(s:send("hello, world\n"))
show(s:receive())
show(s:close())
--- body
true|nil
1
13
hello, world
1

=== stream is the same, connect is two in one
--- lua
@LUA@
local s = ngx.socket.stream()
show(s:connect("127.0.0.1", @HI@))
show(s:receive())
local c, err = ngx.socket.connect("127.0.0.1", @HI@)
show(c ~= nil, err)
show(c:receive())
show(ngx.socket.connect("127.0.0.1", @REFUSED@))
--- body
1
220 hi
true|nil
220 hi
nil|connection refused

=== a server that speaks first
--- lua
@LUA@
local s = open(nil, @HI@)
show(s:receive())
show(s:send("say:ok%0a\n"))
show(s:receive())
--- body
220 hi
10
ok

=== connection refused; the socket can be used again
--- lua
@LUA@
local s = ngx.socket.tcp()
show(s:connect("127.0.0.1", @REFUSED@))
show(s:send("x"))
show(s:receive())
show(s:close())
show(s:connect("127.0.0.1", @HI@))
show(s:receive())
--- body
nil|connection refused
nil|closed
nil|closed
nil|closed
1
220 hi

=== a number for the port may be a string
--- lua
@LUA@
local s = ngx.socket.tcp()
show(s:connect("127.0.0.1", "@HI@"))
show(s:receive())
--- body
1
220 hi

=== bad ports
--- lua
@LUA@
local s = ngx.socket.tcp()
for _, port in ipairs { -1, 65536, 100000, "x", "", "12x" } do show(pcall(s.connect, s, "127.0.0.1", port)) end
show(s:connect("127.0.0.1", {}))
show(s:connect("127.0.0.1", true))
--- body
true|nil|bad port number: -1
true|nil|bad port number: 65536
true|nil|bad port number: 100000
true|nil|missing the port number
true|nil|missing the port number
true|nil|missing the port number
nil|missing the port number
nil|missing the port number

=== bad hosts
--- lua
@LUA@
local s = ngx.socket.tcp()
fails(function() s:connect(nil, 80) end)
fails(function() s:connect({}, 80) end)
fails(function() s:connect(true, 80) end)
fails(function() s:connect(print, 80) end)
two(s:connect("", 80))
show(pcall(s.connect, s, "127.0.0.1"))
--- body
bad argument #1 to 'connect' (string expected, got nil)
bad argument #1 to 'connect' (string expected, got table)
bad argument #1 to 'connect' (string expected, got boolean)
bad argument #1 to 'connect' (string expected, got function)
nil|failed to parse host name "": no host
true|nil|missing the port number

=== wrong numbers of arguments
--- lua
@LUA@
local s = ngx.socket.tcp()
fails(function() s:connect() end)
fails(function() s:send() end)
fails(function() s:send("a", "b") end)
fails(function() s:receive(1, 2) end)
fails(function() s:settimeout() end)
fails(function() s:settimeouts(1, 2) end)
fails(function() s:receiveany() end)
fails(function() s:receiveany(1, 2) end)
fails(function() s:receiveuntil() end)
fails(function() s:receiveuntil("x", {}, 1) end)
--- body
ngx.socket connect: expecting 2, 3, or 4 arguments (including the object), but seen 1
expecting 2 arguments (including the object), but got 1
expecting 2 arguments (including the object), but got 3
expecting 1 or 2 arguments (including the object), but got 3
ngx.socket settimeout: expecting 2 arguments (including the object) but seen 1
ngx.socket settimeout: expecting 4 arguments (including the object) but seen 3
expecting 2 arguments (including the object), but got 1
expecting 2 arguments (including the object), but got 3
expecting 2 or 3 arguments (including the object), but got 1
expecting 2 or 3 arguments (including the object), but got 4

=== methods called without a socket
--- lua
@LUA@
local s = ngx.socket.tcp()
for _, name in ipairs { "connect", "send", "receive", "close", "settimeout", "settimeouts", "setkeepalive", "getreusedtimes",
  "receiveuntil", "receiveany", "sslhandshake" } do
  for _, self in ipairs { "x", 1, true, print } do
    assert(not pcall(s[name], self, "127.0.0.1", 80), name)
  end
  assert(not pcall(s[name]), name)
end
ngx.say("all raise")
--- body
all raise

=== before it is connected
--- lua
@LUA@
local s = ngx.socket.tcp()
show(s:send("x"))
show(s:receive())
show(s:receive(5))
show(s:receiveany(5))
show(s:receiveuntil("x")())
show(s:close())
show(s:getreusedtimes())
show(s:setkeepalive())
local ok, session = pcall(s.sslhandshake, s)
show(ok and session or nil)
--- body
nil|closed
nil|closed
nil|closed
nil|closed
nil|closed
nil|closed
nil|closed
nil|closed
nil

=== after it is closed
--- lua
@LUA@
local s = open("say:abc")
show(s:close())
show(s:close())
show(s:send("x"))
show(s:receive())
show(s:receiveany(5))
show(s:receiveuntil("x")())
show(s:getreusedtimes())
show(s:setkeepalive())
show((pcall(s.sslhandshake, s)))
--- body
1
nil|closed
nil|closed
nil|closed
nil|closed
nil|closed
nil|closed
nil|closed
true

=== after the other side has closed
--- lua
@LUA@
local s = open("say:abc close")
show(s:receive("*a"))
s:receive("*a")
two(s:receive())
s:send("x")
s:close()
local s = open("close")
show(s:receive())
two(s:receive())
s:close()
--- body
abc
nil|closed
nil|closed|""
nil|closed

=== connecting again closes the connection there was
--- lua
@LUA@
local s = open("conn open", @COUNTED@)
show(s:receive(), s:receive())
show(s:connect("127.0.0.1", @COUNTED@))
ngx.sleep(0.2)
show(s:send("conn open\n"))
show(s:receive(), s:receive())
--- body
1|1
1
10
2|1

=== connections end with their request
--- lua
@LUA@
ngx.sleep(0.2)
local s = open("open", @COUNTED@)
show(s:receive())
--- body
1

=== and those the collector finds, before
--- lua
@LUA@
for i = 1, 20 do open("conn", @COUNTED@):receive() end
collectgarbage() collectgarbage()
ngx.sleep(0.3)
local s = open("open", @COUNTED@)
show(s:receive())
--- body
1

=== names from the system: localhost
--- lua
@LUA@
local s = ngx.socket.tcp()
show(s:connect("localhost", @HI@))
show(s:receive())
--- body
1
220 hi

=== the other protocol
--- skip @NO_SIX@
--- lua
@LUA@
for _, host in ipairs { "[::1]" } do
  local s = ngx.socket.tcp()
  show(s:connect(host, @SIX@))
  show(s:send("say:six%0a\n"))
  show(s:receive())
end
--- body
1
11
six

=== many at once, by one request
--- lua
@LUA@
local sockets = {}
for i = 1, 50 do sockets[i] = open(nil, @ECHO@) end
for i = 1, 50 do sockets[i]:send("I am " .. i .. "\n") end
for i = 50, 1, -1 do assert(sockets[i]:receive() == "I am " .. i) end
ngx.say("all")
--- body
all

=== bytes come as they went
--- lua
@LUA@
local all = {}
for i = 0, 255 do all[#all + 1] = string.char(i) end
all = table.concat(all)
local s = open(nil, @ECHO@)
show(s:send(all))
show(s:receive(256) == all)
--- body
256
true

=== a socket is closed by the peer's reset
--- lua
@LUA@
local s = open("reset")
show(s:receive())
show(s:receive())
s:close()
--- body
nil|connection reset by peer|""
nil|closed

=== options
--- lua
@LUA@
local s = ngx.socket.tcp()
local s = open()
show(s:setoption("keepalive", true))
show(s:setoption("tcp-nodelay", true))
show(s:setoption("sndbuf", 10240))
show(s:setoption("rcvbuf", 10240))
show(s:setoption("reuseaddr", true))
show(s:setoption("nonsense", true))
show(s:setoption())
show(s:setoption("keepalive"))
show(s:getoption("keepalive"))
show(s:getoption("tcp-nodelay"))
show(s:getoption("nonsense"))
show(s:getoption())
--- body
true
true
true
true
true
nil|unsupported option nonsense
nil|missing the "option" argument
nil|missing the "value" argument
1
1
nil|unsupported option nonsense
nil|missing the "option" argument

=== an error raised with sockets open
--- lua
local s = ngx.socket.tcp()
s:connect("127.0.0.1", @COUNTED@)
error("on purpose")
--- code 500
--- error_log
on purpose

=== leaves none behind
--- lua
@LUA@
ngx.sleep(0.2)
show(open("open", @COUNTED@):receive())
--- body
1

=== an exit with sockets open
--- lua
local s = ngx.socket.tcp()
s:connect("127.0.0.1", @COUNTED@)
ngx.say("before")
ngx.exit(200)
--- body
before

=== neither
--- lua
@LUA@
ngx.sleep(0.2)
show(open("open", @COUNTED@):receive())
--- body
1

=== a socket of another request
--- htaccess
CoralPackagePath ./?.lua
--- file keep.lua
@LUA@
local s = open(nil, @ECHO@)
package.loaded["net.tcp.kept"] = s
ngx.say("kept")
--- request GET keep.lua
--- body
kept

=== is none any more
--- lua
@LUA@
local s = package.loaded["net.tcp.kept"]
if not s then return ngx.say("nil|another state") end
for _, name in ipairs { "send", "receive" } do
  local ok, result, err = pcall(s[name], s, "*l")
  assert(not ok and tostring(result):find("bad request", 1, true) or ok and result == nil and err, name .. " gives " .. tostring(result))
end
ngx.say("nil|gone")
--- body_like ^nil

=== the pieces of a request over one connection
--- lua
@LUA@
local s = open(nil, @ECHO@)
for i = 1, 300 do
  local line = ("x"):rep(i)
  s:send(line .. "\n")
  assert(s:receive() == line)
end
ngx.say("fine")
--- body
fine

=== waits in coroutines of the script's own
--- lua
@LUA@
local lines = coroutine.wrap(function()
  local s = open("say:a%0ab%0a wait:20 say:c%0a close")
  while true do
    local line, err = s:receive()
    coroutine.yield(line or err)
    if not line then return end
  end
end)
for line in lines do ngx.say(line) end
--- body
a
b
c
closed

=== two connections of one script read in turn
--- lua
@LUA@
local a, b = open("wait:100 say:a%0a"), open("say:b%0a")
show(b:receive(), a:receive())
--- body
b|a

