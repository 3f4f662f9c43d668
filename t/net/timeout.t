# SPDX-License-Identifier: Apache-2.0
# Timeouts of connect, send and receive: who sets them, what is returned, what the connection is good for afterwards.
use strict;
use warnings;
use Coral::Blocks;
use Coral::Upstream;
my $servers = Coral::Upstream->start(PLAY => 'tcp', FULL => 'full', MUTE => 'tcp wait:20000');
run_blocks($servers->words);
__DATA__
=== connect
--- lua
@LUA@
local s = ngx.socket.tcp()
s:settimeout(100)
local from = ngx.now()
local ok, err = s:connect("127.0.0.1", @FULL@)
show(ok, err, took(from))
show(s:send("x"))
show(s:close())
show(s:connect("127.0.0.1", @PLAY@))
show(s:send("say:fine%0a\n"), s:receive())
--- body
nil|timeout|true
nil|closed
nil|closed
1
12|fine

=== connect, by settimeouts
--- lua
@LUA@
local s = ngx.socket.tcp()
s:settimeouts(100, 10000, 10000)
local from = ngx.now()
local ok, err = s:connect("127.0.0.1", @FULL@)
show(ok, err, took(from))
--- body
nil|timeout|true

=== receive: a size
--- lua
@LUA@
local s = open("say:abc wait:400 say:defgh%0a")
s:settimeout(100)
local from = ngx.now()
show(s:receive(5))
show(took(from))
s:settimeout(5000)
show(s:receive(5))
show(s:receive())
--- body
nil|timeout|abc
true
defgh
""

=== receive: a line
--- lua
@LUA@
local s = open("say:ab wait:400 say:cd%0aef%0a")
s:settimeout(100)
show(s:receive())
s:settimeout(5000)
show(s:receive())
show(s:receive())
--- body
nil|timeout|ab
cd
ef

=== receive: all
--- lua
@LUA@
local s = open("say:ab wait:400 say:cd close")
s:settimeout(100)
show(s:receive("*a"))
s:settimeout(5000)
show(s:receive("*a"))
--- body
nil|timeout|ab
cd

=== receive: nothing comes
--- lua
@LUA@
local s = open(nil, @MUTE@)
s:settimeout(100)
for _, what in ipairs { 1, "*l", "*a" } do show(s:receive(what)) end
two(s:receiveany(10))
show(s:receiveuntil("--")())
show(s:receiveuntil("--")(4))
show(s:send("still open"))
show(s:close())
--- body
nil|timeout|""
nil|timeout|""
nil|timeout|""
nil|timeout
nil|timeout|""
nil|timeout|""
10
1

=== one thread reads, one writes: each has a time of its own
--- lua
@LUA@
local s = open(nil, @MUTE@)
s:settimeouts(5000, 300, 100)
local reader = ngx.thread.spawn(function() return s:receive(1) end)
local writer = ngx.thread.spawn(function() return s:send(("x"):rep(30000000)) end)
show(ngx.thread.wait(reader))
show(ngx.thread.wait(writer))
--- body
true|nil|timeout|""
true|nil|timeout

=== receiveuntil goes on where it was
--- lua
@LUA@
local s = open("say:hello wait:400 say:--rest-- wait:400 say:more--")
local read = s:receiveuntil("--")
s:settimeout(100)
show(read())
s:settimeout(5000)
show(read())
show(read())
s:settimeout(100)
show(read(3))
s:settimeout(5000)
show(read(3))
--- body
nil|timeout|hello
""
rest
nil|timeout|""
mor

=== receiveuntil in the middle of its pattern
--- lua
@LUA@
local s = open("say:hello- wait:400 say:-rest--")
local read = s:receiveuntil("--")
s:settimeout(100)
local data, err, partial = read()
show(data, err, (partial:gsub("-$", "")))
s:settimeout(5000)
show(read())
show(read())
--- body
nil|timeout|hello
""
rest

=== receiveany
--- lua
@LUA@
local s = open("wait:400 say:abc")
s:settimeout(100)
two(s:receiveany(10))
s:settimeout(5000)
show(s:receiveany(10))
--- body
nil|timeout
abc

=== settimeouts: the one for reading
--- lua
@LUA@
local s = ngx.socket.tcp()
s:settimeouts(10000, 10000, 100)
show(s:connect("127.0.0.1", @MUTE@))
local from = ngx.now()
two(s:receive())
show(took(from))
--- body
1
nil|timeout
true

=== settimeouts of an open connection
--- lua
@LUA@
local s = open(nil, @MUTE@)
s:settimeouts(10000, 10000, 100)
local from = ngx.now()
two(s:receive())
show(took(from))
--- body
nil|timeout
true

=== the last call counts
--- lua
@LUA@
local s = ngx.socket.tcp()
s:settimeout(10000)
s:settimeouts(10000, 10000, 10000)
s:settimeout(100)
show(s:connect("127.0.0.1", @MUTE@))
local from = ngx.now()
two(s:receive())
show(took(from))
--- body
1
nil|timeout
true

=== it is kept over close and connect
--- lua
@LUA@
local s = ngx.socket.tcp()
s:settimeout(100)
for i = 1, 2 do
  show(s:connect("127.0.0.1", @MUTE@))
  local from = ngx.now()
  two(s:receive())
  show(took(from))
  show(s:close())
end
--- body
1
nil|timeout
true
1
1
nil|timeout
true
1

=== set after a timeout, for the next operation
--- lua
@LUA@
local s = open("wait:600 say:late%0a")
s:settimeout(50)
for i = 1, 3 do two(s:receive()) end
s:settimeout(10000)
two(s:receive())
--- body
nil|timeout
nil|timeout
nil|timeout
late|nil

=== an operation that is done in time
--- lua
@LUA@
local s = open("wait:50 say:a%0a wait:50 say:b%0a")
s:settimeout(3000)
show(s:receive(), (s:receive()))
--- body
a|b

=== what settimeout takes
--- lua
@LUA@
local s = ngx.socket.tcp()
show(select("#", s:settimeout(100)), select("#", s:settimeout("100")), select("#", s:settimeout(0)), select("#", s:settimeout(nil)))
fails(function() s:settimeout(-1) end)
fails(function() s:settimeout(math.mininteger or -2 ^ 40) end)
--- body
0|0|0|0
bad timeout value
bad timeout value

=== what settimeouts takes
--- lua
@LUA@
local s = ngx.socket.tcp()
show(select("#", s:settimeouts(1, 2, 3)), select("#", s:settimeouts(nil, nil, nil)), select("#", s:settimeouts(0, 0, 0)))
fails(function() s:settimeouts(-1, 1, 1) end)
fails(function() s:settimeouts(1, -1, 1) end)
fails(function() s:settimeouts(1, 1, -1) end)
fails(function() s:settimeouts(1, 1) end)
fails(function() s:settimeouts(1, 1, 1, 1) end)
--- body
0|0|0
bad timeout value
bad timeout value
bad timeout value
ngx.socket settimeout: expecting 4 arguments (including the object) but seen 3
ngx.socket settimeout: expecting 4 arguments (including the object) but seen 5

=== after a timeout the connection is not one to keep, if an answer may still come
--- lua
@LUA@
local s = open("wait:200 say:late%0a")
s:settimeout(50)
two(s:receive())
ngx.sleep(0.4)
show(s:setkeepalive())
--- body
nil|timeout
nil|connection in dubious state

=== many wait at a time, and all end in time
--- lua
@LUA@
local from, ended = ngx.now(), 0
local threads = {}
for i = 1, 30 do
  threads[i] = ngx.thread.spawn(function()
    local s = open(nil, @MUTE@)
    s:settimeout(100 + i)
    local _, err = s:receive()
    if err == "timeout" then ended = ended + 1 end
  end)
end
for i = 1, 30 do ngx.thread.wait(threads[i]) end
show(ended, took(from))
--- body
30|true
