# SPDX-License-Identifier: Apache-2.0
# Hosts by name: what the system's resolver finds without a network, and what nobody finds.
use strict;
use warnings;
use Coral::Blocks;
use Coral::Upstream;
my $servers = Coral::Upstream->start(PLAY => 'tcp', SIX => 'tcp6');
my %words = $servers->words;
run_blocks(%words, NO_SIX => $words{SIX} ? '' : 'there is no ::1');
__DATA__
=== localhost
--- lua
@LUA@
for _, name in ipairs { "localhost", "LOCALHOST" } do
  local s = ngx.socket.tcp()
  show(s:connect(name, @PLAY@))
  s:send("say:hello%0a\n")
  show(s:receive())
end
--- body
1
hello
1
hello

=== addresses, as they are written
--- lua
@LUA@
for _, host in ipairs { "127.0.0.1", "127.0.0.2" } do
  local s = ngx.socket.tcp()
  local ok, err = s:connect(host, @PLAY@)
  show(host, ok, err)
end
--- body
127.0.0.1|1|nil
127.0.0.2|nil|connection refused

=== IPv6
--- skip @NO_SIX@
--- lua
@LUA@
local s = ngx.socket.tcp()
show(s:connect("[::1]", @SIX@))
s:send("peer\n")
show((s:receive():match("^[%x:]+:")))
--- body
1
::1:

=== a name that does not exist
--- lua
@LUA@
local s = ngx.socket.tcp()
local ok, err = s:connect("nowhere.invalid", 80)
show(ok, (err:match("^nowhere%.invalid could not be resolved %(%d+: [%w ]+%)$")) and "could not be resolved" or err)
show(s:send("x"))
show(s:connect("127.0.0.1", @PLAY@))
local s = ngx.socket.udp()
local ok, err = s:setpeername("nowhere.invalid", 80)
show(ok, (err:match("^nowhere%.invalid could not be resolved %(%d+: [%w ]+%)$")) and "could not be resolved" or err)
--- body
nil|could not be resolved
nil|closed
1
nil|could not be resolved

=== names that are none
--- lua
@LUA@
local s = ngx.socket.tcp()
for _, name in ipairs { "", "a..b", ("x"):rep(64) .. ".invalid", ("x."):rep(200) .. "invalid" } do
  local ok, err = s:connect(name, 80)
  assert(not ok and type(err) == "string", name)
end
local ok, refused = pcall(function() return not s:connect("local\0host", @PLAY@) end)
show(not ok or refused)
--- body
true

=== looking up does not hold others up
--- lua
@LUA@
local from = ngx.now()
local ticks = 0
local clock = ngx.thread.spawn(function() for i = 1, 5 do ngx.sleep(0.02) ticks = ticks + 1 end end)
local s = ngx.socket.tcp()
s:settimeout(5000)
s:connect("nowhere.invalid", 80)
ngx.thread.wait(clock)
show(ticks)
--- body
5

=== many names at a time
--- lua
@LUA@
local threads, failed = {}, 0
for i = 1, 20 do
  threads[i] = ngx.thread.spawn(function()
    local s = ngx.socket.tcp()
    s:settimeout(10000)
    local ok, err = s:connect(i % 2 == 0 and "localhost" or "nowhere" .. i .. ".invalid", @PLAY@)
    if not ok then failed = failed + 1 end
  end)
end
for i = 1, 20 do ngx.thread.wait(threads[i]) end
show(failed)
--- body
10
