# SPDX-License-Identifier: Apache-2.0
# The rest of LuaSocket's core: select, sleep, exceptions, names, udp, UNIX-domain sockets; and that it is ours that is found.
use strict;
use warnings;
use Coral::Blocks;
use Coral::Upstream;

my $servers = Coral::Upstream->start(PLAY => 'tcp', UDP => 'udp', LOCAL => 'unix', LOCAL_UDP => 'udpunix', REFUSED => 'refused');
my %words = $servers->words;
run_blocks(%words, S => <<~'LUA' =~ s/\@PLAY\@/$words{PLAY}/r =~ s/\s*\n\s*/ /gr);
    local socket = require "socket"
    local function to(words, port)
      local s = socket.tcp()
      s:settimeout(10)
      assert(s:connect("127.0.0.1", port or @PLAY@))
      if words then assert(s:send(words .. "\n")) end
      return s
    end
    LUA
__DATA__
=== whose it is
--- lua
@LUA@
local socket = require "socket"
show(socket._VERSION, socket == require "socket.core", socket.BLOCKSIZE)
local file = select(2, package.searchpath("socket.core", package.cpath)) or package.searchpath("socket.core", package.cpath)
local ours = require "coral.plug" ~= nil
show(debug.getinfo(socket.connect, "S").what, ours, require "mime" == require "mime.core")
for _, name in ipairs { "tcp", "tcp4", "tcp6", "udp", "udp4", "udp6", "connect", "connect4", "connect6", "bind", "select", "sleep",
  "gettime", "try", "newtry", "protect", "skip", "sink", "source", "choose" } do
  if type(socket[name]) ~= "function" then show("no " .. name) end
end
show(math.abs(socket.gettime() - ngx.now()) < 1)
--- body
LuaSocket 3.1.0|true|2048
Lua|true|true
true

=== select: what can be read, what can be written, and its time
--- lua
@LUA@ @S@
local a, b = to("wait:100 say:x%0ay"), to()
local r, w, err = socket.select({ a, b }, { b }, 5)
show(#r, #w, w[1] == b, w[b], err)
r, w, err = socket.select({ a, b }, nil, 0)
show(#r, #w, err)
r, w, err = socket.select({ a, b }, nil, 5)
show(#r, r[1] == a, r[a], r[b], err)
show(a:receive())
show(a:dirty(), b:dirty())
r, w, err = socket.select({ b, a }, { a }, 5)
show(#r, r[1] == a, #w, err)
show(a:receive(1), a:dirty())
local from = ngx.now()
r, w, err = socket.select({ a, b }, {}, 0.1)
show(#r, #w, err, took(from))
b:close()
r, w, err = socket.select({ b }, { b }, 0)
show(#r, #w, err)
--- body
0|1|true|1|nil
0|0|timeout
1|true|1|nil|nil
x
true|false
1|true|1|nil
y|false
0|0|timeout|true
0|0|timeout

=== select: nothing, sleep, wrong use, other people's descriptors
--- lua
@LUA@ @S@
local from = ngx.now()
show(#socket.select(nil, nil, 0.1), took(from))
from = ngx.now()
show(select("#", socket.sleep(0.1)))
show(took(from))
socket.sleep(-1)
fails(socket.sleep)
fails(socket.select, "x")
fails(socket.select, nil, 3)
fails(socket.select, nil, nil, "x")
local s = to("say:x")
local other = { getfd = function() return s:getfd() end }
local r = socket.select({ other, {} }, nil, 5)
show(#r, r[1] == other, r[other])
--- body
0|true
0
true
bad argument #1 to 'sleep' (number expected, got no value)
bad argument #1 to 'select' (table expected, got string)
bad argument #2 to 'select' (table expected, got number)
bad argument #3 to 'select' (number expected, got string)
1|true|1

=== select among other light threads; one that is killed
--- lua
@LUA@ @S@
local a, b = to("wait:50 say:a%0a"), to("wait:100 say:b%0a")
local done = {}
local reader = ngx.thread.spawn(function() done.line = a:receive() end)
local chooser = ngx.thread.spawn(function()
  local r = socket.select({ a, b }, nil, 5) -- what the reader takes away does not count
  done.count = #r
end)
local killed = ngx.thread.spawn(function() socket.select({ a, b }, { }, 60) end)
show(ngx.thread.kill(killed))
ngx.thread.wait(reader)
ngx.thread.wait(chooser)
show(b:receive(), done.line, done.count)
local closed = ngx.thread.spawn(function() local r = socket.select({ b }, nil, 5) return #r end)
b:close()
show(ngx.thread.wait(closed))
show(b:getfd())
--- body
1
b|a|1
true|0
-1

=== newtry, protect, skip
--- lua
@LUA@ @S@
local log = {}
local try = socket.newtry(function() log[#log + 1] = "finalized" end)
local f = socket.protect(function(...) return try(...) end)
show(f(1, 2, 3))
show(f(nil, "why", "more"))
show(f(false, "why not"))
show(#log)
show(socket.protect(function() return socket.try(nil, { 1 }) end)() == nil)
fails(socket.protect(function() error("mine", 0) end))
fails(socket.protect(function() error({}) end))
show(socket.protect(function() socket.sleep(0.01) return "waited" end)())
show(socket.skip(1, "a", "b", "c"))
show(socket.skip(3, "a"))
--- body_like
\A1\|2\|3
nil\|why
nil\|why not
2
true
mine
table: \w+
waited
b\|c

\z

=== names
--- lua
@LUA@ @S@
local ip, all = socket.dns.toip("localhost")
show(ip, all.name, #all.alias, all.ip[1])
show(socket.dns.toip("127.0.0.9"))
show((socket.dns.toip("no.such.host.invalid.")))
local list = socket.dns.getaddrinfo("127.0.0.1")
show(#list, list[1].family, list[1].addr)
show(socket.dns.getaddrinfo("::1")[1].family)
show(socket.dns.tohostname("127.0.0.1") ~= nil)
show(type(socket.dns.gethostname()))
show(socket.dns.getnameinfo("127.0.0.1", "80")[1] ~= nil)
fails(socket.dns.toip)
fails(socket.dns.getnameinfo)
--- body_like
\A127.0.0.1\|localhost\|0\|127.0.0.1
127.0.0.9\|table: \w+
nil
1\|inet\|127.0.0.1
inet6
true
string
true
bad argument #1 to 'toip' \(string expected, got no value\)
host and serv cannot be both nil
\z

=== datagrams to one
--- lua
@LUA@ @S@
local u = socket.udp()
show(tostring(u):match "^udp{unconnected}", u:setpeername("127.0.0.1", @UDP@), tostring(u):match "^udp{connected}")
show(u:getpeername())
u:settimeout(5)
show(u:send("say:hello"))
show(u:receive())
show(u:send("digits:30"))
show(u:receive(12))
u:settimeout(0.1)
show(u:receive())
show(u:setpeername("*"), tostring(u):match "^udp{unconnected}")
fails(u.send, u, "x")
show(u:close())
show(u:receive())
u = socket.udp()
u:setpeername("127.0.0.1", @REFUSED@)
u:settimeout(5)
u:send("x")
show(u:receive())
--- body
udp{unconnected}|1|udp{connected}
127.0.0.1|@UDP@|inet
9
hello
9
012345678901
nil|timeout
1|udp{unconnected}
calling 'send' on bad self (udp{connected} expected)
1
nil|refused
nil|connection refused

=== datagrams to and from all
--- lua
@LUA@ @S@
local u, v = socket.udp4(), socket.udp()
show(u:setsockname("127.0.0.1", 0))
show(v:setsockname("*", 0))
local host, port = u:getsockname()
u:settimeout(5)
v:settimeout(5)
show(v:sendto("hello", host, port))
local data, from, at = u:receivefrom()
show(data, from, at == select(2, v:getsockname()))
show(u:sendto("", from, at))
show(v:receive())
show(u:sendto("x", "no address", 1) == nil)
show(u:setoption("broadcast", true), u:setoption("ip-multicast-ttl", 3), u:getoption("ip-multicast-ttl"))
show(u:dirty())
show(u:sendto(("x"):rep(70000), host, port))
--- body
1
1
5
hello|127.0.0.1|true
0
""
true
1|1|3
false
nil|Message too long

=== UNIX-domain sockets
--- lua
@LUA@ @S@
local unix = require "socket.unix"
local s = unix()
s:settimeout(5)
show(tostring(s):match "^unixstream{master}", s:connect("@LOCAL@"))
show(s:send("say:hi%0a close\n"))
show(s:receive())
show(s:receive())
show(unix.tcp():connect("@DIR@/nobody"))
show(unix.stream():connect(("x"):rep(200)))
local d = unix.udp()
d:settimeout(5)
show(d:bind("@DIR@/own.sock") or "not here")
show(d:connect("@LOCAL_UDP@"))
show(d:send("say:hello"))
--- body_like
\Aunixstream\{master\}\|1
16
hi
nil\|closed\|""
nil\|No such file or directory
nil\|path too long
(?:1|not here)
1
9
\z

=== a server on a UNIX-domain socket
--- lua
@LUA@ @S@
local unix = require "socket.unix"
local path = os.tmpname()
os.remove(path)
local server = unix()
show(server:bind(path), server:listen())
local t = ngx.thread.spawn(function()
  local c = server:accept()
  c:send(c:receive():upper() .. "\n")
end)
local s = unix()
show(s:connect(path))
s:send("abc\n")
show(s:receive())
ngx.thread.wait(t)
os.remove(path)
--- body
1|1
1
ABC

=== it belongs to the hook it is made in
--- htaccess
<CoralHook access>
  local socket = require "socket"
  ngx.ctx.socket = assert(socket.connect("127.0.0.1", @PLAY@))
  ngx.ctx.socket:send("say:access%0a\n")
  ngx.ctx.line = ngx.ctx.socket:receive()
</CoralHook>
--- lua
@LUA@
show(ngx.ctx.line)
show(ngx.ctx.socket:receive())
--- body
access
nil|closed|""

=== in a timer
--- lua
@LUA@ @S@
local line
ngx.timer.at(0, function()
  socket.select(nil, nil, 0.01)
  line = to("wait:20 say:timer%0a"):receive()
end)
for i = 1, 500 do
  if line then break end
  socket.sleep(0.01)
end
show(line)
--- body
timer

=== where Lua cannot wait
--- lua
@LUA@ @S@
local s = to("wait:50 say:x%0a")
fails(function() table.sort({ 1, 2, 3 }, function(a, b) s:receive() return a < b end) end)
--- body_like
cannot wait here
