# SPDX-License-Identifier: Apache-2.0
# LuaSocket's sockets in the hooks without a request, where the thread waits: init, init_worker, exit_worker; and in those with one.
use strict;
use warnings;
use Coral::Server;
use Coral::Upstream;
use Test::More;

my $servers = Coral::Upstream->start(PLAY => 'tcp', UDP => 'udp', LOCAL => 'unix');
my %words = $servers->words;
my $script = <<'LUA' =~ s/\b(PLAY|UDP|LOCAL)\b/$words{$1}/gr;
local socket = require "socket"
local function talk(where)
  local s = socket.tcp()
  s:settimeout(5)
  assert(s:connect("localhost", PLAY))
  s:send("wait:30 say:tcp%0a wait:3000\n")
  local r = socket.select({ s }, nil, 5)
  assert(r[1] == s)
  local line = assert(s:receive())
  s:settimeout(0.05)
  local _, err = s:receive()
  assert(err == "timeout", err)
  local u = socket.udp()
  u:settimeout(5)
  u:setpeername("127.0.0.1", UDP)
  u:send("wait:20 say:udp")
  line = line .. " " .. assert(u:receive())
  local unix = require "socket.unix"()
  assert(unix:connect("LOCAL"))
  unix:send("wait:20 say:unix%0a\n")
  line = line .. " " .. assert(unix:receive())
  socket.sleep(0.01)
  ngx.log(ngx.WARN, "in ", where, ": ", line)
  return s
end
LUA
my $server = Coral::Server->new(
    config => join('', map { "<CoralHook $_>\n$script" . ($_ eq 'init' ? 'SOCKET = ' : '') . "talk '$_'\n</CoralHook>\n" }
        qw(init init_worker exit_worker translate_name map_to_storage)),
    files => { 'htdocs/main.lua' => "local s = SOCKET ngx.say(s:getfd(), ' ', select(2, s:receive()))" });
my $log = $server->log;
ok $server->start, 'the server starts' or die $server->output . $server->error_log;
is $server->get('/main.lua')->content, "-1 closed\n", "a socket of the init hook is closed afterwards";
$server->stop;
my $text = $server->error_log;
like $text, qr/in $_: tcp udp unix/, $_ for qw(init init_worker exit_worker translate_name map_to_storage);
unlike $text, qr/\[coral:(?:error|crit)\]/, 'no errors';

# CoralLuaSocket off: the installed one, if there is one.
my $off = Coral::Server->new(config => "CoralLuaSocket off\n",
    files => { 'htdocs/main.lua' => <<'LUA' });
local ok, core = pcall(require, "socket.core")
ngx.say(ok and debug.getinfo(core.connect, "S").what or core:match "^[^\n]*")
LUA
ok $off->start, 'the server starts' or die $off->output . $off->error_log;
like $off->get('/main.lua')->content, qr/^(?:C|module 'socket.core' not found:)$/, 'off';
$off->stop;
done_testing;
