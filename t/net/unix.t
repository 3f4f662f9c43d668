# SPDX-License-Identifier: Apache-2.0
# Sockets of the UNIX domain.
use strict;
use warnings;
use Coral::Blocks;
use Coral::Upstream;
my $servers = Coral::Upstream->start(PLAY => 'tcp', LOCAL => 'unix', HI => 'unix say:220%20hi%0a', ECHO => 'unix echo');
run_blocks($servers->words, DIR_OF_SOCKETS => $servers->dir);
__DATA__
=== there and back
--- lua
@LUA@
local s = ngx.socket.tcp()
show(s:connect("unix:@LOCAL@"))
show(s:send("say:hello%0a\n"))
show(s:receive())
show(s:close())
local c, err = ngx.socket.connect("unix:@HI@")
show(c ~= nil, err)
show(c:receive())
local s = ngx.socket.stream()
show(s:connect("unix:@HI@"))
show(s:receive())
--- body
1
13
hello
1
true|nil
220 hi
1
220 hi

=== nobody there
--- lua
@LUA@
local s = ngx.socket.tcp()
show(s:connect("unix:@DIR_OF_SOCKETS@/none.sock"))
show(s:send("x"))
show(ngx.socket.connect("unix:@DIR_OF_SOCKETS@/none.sock"))
show(s:connect("unix:@HI@"))
show(s:receive())
--- body
nil|no such file or directory
nil|closed
nil|no such file or directory
1
220 hi

=== a file that is no socket, and no path at all
--- lua
@LUA@
local s = ngx.socket.tcp()
show(s:connect("unix:@DIR_OF_SOCKETS@/LOCAL.events"))
show((s:connect("unix:")))
show((s:connect("unix:relative.sock")))
show((s:connect("unix:/" .. ("x"):rep(200))))
--- body
nil|connection refused
nil
nil
nil

=== much, byte by byte, timeouts
--- lua
@LUA@
local s = ngx.socket.tcp()
s:settimeout(10000)
assert(s:connect("unix:@LOCAL@"))
local data = ("0123456789"):rep(300000)
s:send("swallow:3000000\n")
show(s:send(data))
show(s:receive() == "3000000 " .. ngx.md5(data))
s:send("drip:abcabcabd%0a\n")
show(s:receiveuntil("abcabd")())
show(s:receive())
s:send("say:abc wait:400 say:def%0a\n")
s:settimeout(100)
show(s:receive(6))
s:settimeout(10000)
show(s:receive())
--- body
3000000
true
abc
""
nil|timeout|abc
def

=== options and a pool
--- lua
@LUA@
local s = ngx.socket.tcp()
show(s:connect("unix:@LOCAL@", { pool = "unix test" }))
s:send("conn\n")
local number = s:receive()
show(s:setkeepalive(1000, 2))
show(s:connect("unix:@LOCAL@", { pool = "unix test" }))
show(s:getreusedtimes())
s:send("conn\n")
show(s:receive() == number)
--- body
1
1
1
1
true

=== both ways at a time
--- lua
@LUA@
local s = ngx.socket.tcp()
s:settimeout(10000)
s:connect("unix:@ECHO@")
local data = ("x"):rep(3000000)
local reader = ngx.thread.spawn(function() return s:receive(#data) end)
show(s:send(data))
local ok, got = ngx.thread.wait(reader)
show(ok, got == data)
--- body
3000000
true|true
