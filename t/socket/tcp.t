# SPDX-License-Identifier: Apache-2.0
# LuaSocket's tcp objects: connecting, send and receive with their partial results, timeouts, options, listening.
use strict;
use warnings;
use Coral::Blocks;
use Coral::Upstream;

my $servers = Coral::Upstream->start(PLAY => 'tcp', HI => 'tcp say:220%20hi%0d%0a', ECHO => 'tcp echo', REFUSED => 'refused',
    FULL => 'full', SIX => 'tcp6', CLOSES => 'tcp close', LAST => 'tcp say:the%20end close', MUTE => 'tcp wait:20000');
my %words = $servers->words;
run_blocks(%words, NO_SIX => $words{SIX} ? '' : 'there is no ::1', S => <<~'LUA' =~ s/\@PLAY\@/$words{PLAY}/r =~ s/\s*\n\s*/ /gr);
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
=== classes
--- lua
@LUA@ @S@
local s = socket.tcp()
show(tostring(s):match("^tcp{master}: 0x%x+$") ~= nil, s:getfd())
show(s:connect("127.0.0.1", @ECHO@))
show(tostring(s):match("^tcp{client}: ") ~= nil, s:getfd() > 2)
show(s:send("hello\n"))
show(s:receive())
show(s:close())
show(s:getfd())
show(s:send("x"))
show(s:receive())
show(s:close())
fails(function() socket.tcp():send("x") end)
fails(function() socket.tcp():accept() end)
--- body
true|-1
1
true|true
6
hello
1
-1
nil|closed|0
nil|closed|""
1
calling 'send' on bad self (tcp{client} expected)
calling 'accept' on bad self (tcp{server} expected)

=== connect, connect4, connect6; ports by name
--- lua
@LUA@ @S@
show(socket.connect("127.0.0.1", @HI@):receive())
show(socket.connect4("localhost", "@HI@"):receive())
show(socket.connect("127.0.0.1", @REFUSED@))
show(socket.connect("no.such.host.invalid.", 80))
show(socket.connect("127.0.0.1", "no-such-service"))
show(socket.connect("", 80))
show(socket.connect6("127.0.0.1", @HI@))
fails(socket.connect, nil, 80)
fails(socket.connect, "127.0.0.1")
local s = socket.tcp()
show(s:connect("127.0.0.1", @REFUSED@))
show(s:connect("127.0.0.1", @HI@))
show(s:receive())
show(s:connect("127.0.0.1", @HI@))
--- body_like
\A220 hi
220 hi
nil\|connection refused
nil\|(?:host or service not provided, or not known|temporary failure in name resolution|non-recoverable failure in name resolution)
nil\|service not supported for socket type
nil\|host or service not provided, or not known
nil\|host or service not provided, or not known
bad argument #1 to 'connect' \(string expected, got no value\)
bad argument #2 to 'connect' \(string expected, got no value\)
nil\|connection refused
1
220 hi
(?:1|nil\|already connected)
\z

=== IPv6
--- skip: @NO_SIX@
--- lua
@LUA@ @S@
local s = socket.connect("::1", @SIX@)
show(s:getpeername())
show(s:getfamily())
show(socket.connect6("::1", @SIX@):getfamily())
s = socket.tcp6()
show(s:getfd() > 2, s:connect("127.0.0.1", @HI@))
--- body
::1|@SIX@|inet6
inet6
inet6
true|nil|host or service not provided, or not known

=== names of both ends
--- lua
@LUA@ @S@
local s = to("peer")
show(s:getpeername())
local host, port, family = s:getsockname()
show(host, math.type(port), family, s:receive() == host .. ":" .. port)
show(socket.tcp():getpeername())
--- body
127.0.0.1|@PLAY@|inet
127.0.0.1|integer|inet|true
nil|closed

=== send: parts of the data
--- lua
@LUA@ @S@
local s = to(nil, @ECHO@)
show(s:send("abcdef", 3))
show(s:send("abcdef", 2, 3))
show(s:send("abcdef", -2))
show(s:send("abcdef", -4, -3))
show(s:send("abcdef", 5, 2))
show(s:send("abcdef", 0, 99))
show(s:send(""))
show(s:send(12))
show(s:send("\n"))
show(s:receive())
fails(s.send, s)
fails(s.send, s, {})
fails(s.send, s, "x", "y")
--- body
6
3
6
4
4
6
0
2
1
cdefbcefcdabcdef12
bad argument #1 to 'send' (string expected, got no value)
bad argument #1 to 'send' (string expected, got table)
bad argument #2 to 'send' (number expected, got string)

=== receive: lines, bytes, all
--- lua
@LUA@ @S@
local s = to("say:a%0d%0ab%0d%0d%0a%0acd%0de%0a12345rest close")
show(s:receive())
show(s:receive("*l"))
show(s:receive("*l"))
show(s:receive("l"))
show(s:receive(2))
show(s:receive("2"))
show(s:receive(3.0))
show(s:receive("*a"))
show(s:receive("*a"))
show(s:receive(1))
--- body
a
b
""
cde
12
34
5re
st
nil|closed|""
nil|closed|""

=== receive: prefixes, and what has come so far
--- lua
@LUA@ @S@
show(to("say:def%0a"):receive("*l", "abc"))
show(to("say:defg"):receive(6, "abc"))
show(to("say:x"):receive(2, "abc"))
show(to("say:x"):receive(3, "abc"))
show(to("say:def close"):receive("*a", "abc"))
show(to("close"):receive("*a", "abc"))
show(to("say:def close"):receive(9, "abc"))
show(to("say:de%0df close"):receive("*l", "abc"))
show(to("say:x"):receive(0))
local s = to("say:def")
s:settimeout(0.1)
show(s:receive(9, "abc"))
show(s:receive("*l", "abc"))
--- body
abcdef
abcdef
abc
abc
abcdef
nil|closed|abc
nil|closed|abcdef
nil|closed|abcdef
""
nil|timeout|abcdef
nil|timeout|abc

=== receive: wrong patterns
--- lua
@LUA@ @S@
local s = to()
for _, pattern in ipairs { "*x", "", -1, "all" } do fails(s.receive, s, pattern) end
fails(s.receive, s, {})
fails(s.receive, s, true)
fails(s.receive, s, "*l", {})
--- body
bad argument #1 to 'receive' (invalid receive pattern)
bad argument #1 to 'receive' (invalid receive pattern)
bad argument #1 to 'receive' (invalid receive pattern)
bad argument #1 to 'receive' (invalid receive pattern)
bad argument #1 to 'receive' (string expected, got table)
bad argument #1 to 'receive' (string expected, got boolean)
bad argument #2 to 'receive' (string expected, got table)

=== much, and binary
--- lua
@LUA@ @S@
local data = {}
for i = 0, 255 do data[#data + 1] = string.char(i) end
data = table.concat(data):rep(2048)
local s = to(nil, @ECHO@)
local t = ngx.thread.spawn(function() return s:send(data) end)
show(s:receive(#data) == data)
show(select(2, ngx.thread.wait(t)) == #data)
show(s:getstats() == #data, select(2, s:getstats()) == #data, select(3, s:getstats()) >= 0)
show(s:setstats(1, 2, 100))
local received, sent, age = s:getstats()
show(received, sent, age >= 100 and age < 120)
show(#to("digits:300000 close"):receive("*a"))
show(#to("digits:300000 say:%0a"):receive())
--- body
true
true
true|true|true
1
1|2|true
300000
300000

=== a send that the other side does not take, and how far it got
--- lua
@LUA@ @S@
local s = to(nil, @MUTE@)
s:settimeout(0.2)
local data = ("x"):rep(20000000)
local last, err, sent = s:send(data)
show(last, err, sent > 0 and sent < #data, sent == select(2, s:getstats()))
s:settimeout(0)
show(select(2, s:send(data, sent + 1)), select(3, s:send(data, 1)) == 0)
--- body
nil|timeout|true|true
timeout|true

=== timeouts
--- lua
@LUA@ @S@
local s = to()
show(s:settimeout(0))
show(s:gettimeout())
show(s:receive())
show(s:settimeout(0.1))
local from = ngx.now()
show(s:receive())
show(took(from))
s:settimeout(nil)
s:settimeout(0.1, "t")
show(s:gettimeout())
from = ngx.now()
show(s:receive(5))
show(took(from))
s:settimeout(-5, "t")
show(s:gettimeout())
s:send("wait:200 say:x%0a\n")
show(s:receive())
fails(s.settimeout, s, "x")
fails(s.settimeout, s, 1, "x")
--- body
1
0|-1
nil|timeout|""
1
nil|timeout|""
true
-1|0.1
nil|timeout|""
true
-1|-1
x
bad argument #1 to 'settimeout' (number expected, got string)
bad argument #2 to 'settimeout' (invalid timeout mode)

=== the total is for a whole call, however often something comes
--- lua
@LUA@ @S@
local s = to("say:a wait:60 say:b wait:60 say:c wait:60 say:d wait:60 say:e wait:2000 say:f")
s:settimeout(0.15, "t")
local data, err, part = s:receive(6)
show(data, err, #part >= 1 and #part < 6)
--- body
nil|timeout|true

=== connect with a timeout
--- lua
@LUA@ @S@
local s = socket.tcp()
s:settimeout(0.1)
local from = ngx.now()
show(s:connect("127.0.0.1", @FULL@))
show(took(from))
--- body
nil|timeout
true

=== connect without waiting, and select
--- lua
@LUA@ @S@
local s = socket.tcp()
s:settimeout(0)
local ok, err = s:connect("127.0.0.1", @HI@)
show(ok == 1 or err == "timeout")
local r, w, e = socket.select({}, { s }, 5)
show(#r, w[1] == s, w[s], e)
ok, err = s:connect("127.0.0.1", @HI@)
show(ok == 1 or err == "already connected")
s:settimeout(5)
show(s:receive())
local c = socket.tcp()
c:settimeout(0)
ok, err = c:connect("127.0.0.1", @REFUSED@)
socket.select(nil, { c }, 5)
show(err == "connection refused" or c:getoption("error"))
--- body
true
0|true|1|nil
true
220 hi
connection refused

=== shutdown
--- lua
@LUA@ @S@
local s = to(nil, @ECHO@)
s:send("abc")
show(s:shutdown("send"))
show(s:receive("*a"))
show(s:send("x"))
fails(s.shutdown, s, "x")
show(to():shutdown())
--- body
1
abc
nil|closed|0
bad argument #1 to 'shutdown' (invalid option 'x')
1

=== options
--- lua
@LUA@ @S@
local s = socket.tcp()
show(s:setoption("keepalive", true))
show(s:connect("127.0.0.1", @ECHO@))
show(s:getoption("keepalive"))
show(s:setoption("tcp-nodelay", false), s:getoption("tcp-nodelay"))
show(s:setoption("tcp-nodelay", true), s:getoption("tcp-nodelay"))
show(s:setoption("linger", { on = true, timeout = 3 }))
show(s:getoption("linger").on, s:getoption("linger").timeout)
show(s:setoption("recv-buffer-size", 65536), s:getoption("recv-buffer-size") >= 65536)
show(s:setoption("reuseaddr", true), s:setoption("tcp-keepidle", 30), s:getoption("tcp-keepidle"))
show(s:getoption("error"))
fails(s.setoption, s, "nonsense", 1)
fails(s.setoption, s, "keepalive", 1)
fails(s.setoption, s, "linger", true)
fails(s.setoption, s, "linger", {})
fails(s.setoption, s, "broadcast", true)
fails(socket.tcp().setoption, socket.tcp(), "keepalive", "x")
s:close()
show(s:setoption("keepalive", true))
show(s:getoption("keepalive"))
--- body
1
1
true
1|false
1|true
1
true|3
1|true
1|1|30
nil
bad argument #1 to 'setoption' (unsupported option `nonsense')
bad argument #2 to 'setoption' (boolean expected, got number)
bad argument #2 to 'setoption' (table expected, got boolean)
bad argument #2 to 'setoption' (boolean 'on' field expected)
bad argument #1 to 'setoption' (unsupported option `broadcast')
bad argument #2 to 'setoption' (boolean expected, got string)
nil|setsockopt failed
nil|getsockopt failed

=== bind, listen, accept
--- lua
@LUA@ @S@
local server = assert(socket.bind("127.0.0.1", 0))
local host, port = server:getsockname()
show(host, tostring(server):match "^tcp{server}")
server:settimeout(5)
local client = ngx.thread.spawn(function()
  local s = assert(socket.connect("127.0.0.1", port))
  s:send("hello\n")
  return s:receive(), s:close()
end)
local c = server:accept()
show(tostring(c):match "^tcp{client}", c:getpeername() == "127.0.0.1")
show(c:receive())
show(c:send("bye\n"))
show(select(2, ngx.thread.wait(client)))
show(c:receive())
server:settimeout(0)
show(server:accept())
server:settimeout(0.1)
show(server:accept())
show(socket.bind("127.0.0.1", port))
show(server:close(), server:accept())
show(socket.bind("nowhere.invalid.", 0) == nil)
local any = socket.bind("*", 0)
show((any:getsockname()))
--- body
127.0.0.1|tcp{server}
tcp{client}|true
hello
4
bye|1
nil|closed|""
nil|timeout
nil|timeout
nil|address already in use
1|nil|closed
true
0.0.0.0

=== where a connection comes from
--- lua
@LUA@ @S@
local s = socket.connect("127.0.0.1", @PLAY@, "127.0.0.2")
s:send("peer\n")
show(s:receive():match "^127.0.0.2:" ~= nil)
local t = socket.tcp()
show(t:bind("127.0.0.3", 0))
show(t:connect("127.0.0.1", @PLAY@))
t:send("peer\n")
show(t:receive():match "^127.0.0.3:" ~= nil)
show(socket.tcp():bind("192.0.2.1", 0))
--- body
true
1
1
true
nil|Cannot assign requested address

=== two light threads: one that reads, and one that writes, or closes
--- lua
@LUA@ @S@
local s = to()
local t = ngx.thread.spawn(function() return s:receive() end)
show(s:receive())
s:send("say:x%0a\n")
show(select(2, ngx.thread.wait(t)))
t = ngx.thread.spawn(function() return s:receive() end)
show(s:close())
show(ngx.thread.wait(t))
show(s:getfd())
--- body
nil|socket busy reading|""
x
1
true|nil|closed|""
-1

=== a socket of another request is closed
--- file keep.lua
return {}
--- htaccess
CoralPackagePath @DIR@/?.lua
--- lua
@LUA@ @S@
local keep = require "keep"
keep.socket = to(nil, @ECHO@)
ngx.say("kept")
--- body
kept

=== and can be used anew
--- again
--- file other.lua
@LUA@ @S@
local s = require "keep".socket or to(nil, @ECHO@) -- another state has none
if require "keep".socket then show(s:send("x")) end
s:close()
show(s:connect("127.0.0.1", @HI@))
show(s:receive())
--- request: GET other.lua
--- body_like
\A(?:nil\|closed\|0\n)?1
220 hi
\z

=== what is not there
--- lua
@LUA@ @S@
fails(function() socket.tcp():setfd(3) end)
--- body
setfd: a socket in httpd keeps its descriptor
