# SPDX-License-Identifier: Apache-2.0
# Hosts by name, with a name server of our own.
use strict;
use warnings;
use Coral::Resolver;
use Coral::Server;
use Coral::Upstream;
use Test::More;
use Time::HiRes 'time';

my $dns = Coral::Resolver->start(
    'one.test' => ['127.0.0.1'], 'six.test' => ['::1'], 'both.test' => ['127.0.0.1', '::1'], 'alias.test' => ['one.test.'],
    'slow.test' => [0.5, '127.0.0.1'], 'mute.test' => ['silent'], 'fail.test' => ['servfail'], 'refused.test' => ['refused'],
    'nothing.test' => ['ttl=1'], 'moves.test' => ['127.0.0.1'], map { ("many$_.test" => [0.5, '127.0.0.1']) } 1 .. 20,
);
my $servers = Coral::Upstream->start(PLAY => 'tcp', SIX => 'tcp6', UDP => 'udp');
my %words = $servers->words;

my $server = Coral::Server->new(files => {
    'htdocs/connect.lua' => <<'LUA',
local s = ngx.socket.tcp()
s:settimeout(tonumber(ngx.var.arg_timeout) or 10000)
local ok, err = s:connect(ngx.var.arg_name, ngx.var.arg_port)
if ok then
  s:send("peer say:hello%0a\n")
  ok, err = s:receive():match("^(.*):"), s:receive()
end
ngx.print(ok, " ", err)
LUA
    'htdocs/udp.lua' => <<'LUA',
local s = ngx.socket.udp()
s:settimeout(5000)
local ok, err = s:setpeername(ngx.var.arg_name, ngx.var.arg_port)
if ok then
  s:send("say:hello")
  ok, err = s:receive()
end
ngx.print(ok, " ", err)
LUA
    'htdocs/many.lua' => <<'LUA',
local threads, good = {}, 0
for i = 1, 20 do
  threads[i] = ngx.thread.spawn(function()
    local s = ngx.socket.tcp()
    s:settimeout(20000)
    if s:connect("many" .. i .. ".test", ngx.var.arg_port) then good = good + 1 end
  end)
end
for i = 1, 20 do ngx.thread.wait(threads[i]) end
ngx.print(good)
LUA
    'htdocs/ticks.lua' => <<'LUA',
local ticks, over = 0, nil
local clock = ngx.thread.spawn(function() while not over do ngx.sleep(0.02) ticks = ticks + 1 end end)
local s = ngx.socket.tcp()
local ok = s:connect("slow.test", ngx.var.arg_port)
over = true
ngx.print(ok, " ", ticks >= 5)
LUA
});
ok $server->start, 'the server starts' or die $server->output . $server->error_log;

sub connected { my ($name, $port, $more) = @_; return $server->get("/connect.lua?name=$name&port=$port" . ($more // ''))->content }

is connected('one.test', $words{PLAY}), '127.0.0.1 hello', 'one address';
is connected('ONE.test', $words{PLAY}), '127.0.0.1 hello', 'in other letters';
is connected('one.test.', $words{PLAY}), '127.0.0.1 hello', 'with a dot at its end';
is connected('alias.test', $words{PLAY}), '127.0.0.1 hello', 'an alias';
is connected('slow.test', $words{PLAY}), '127.0.0.1 hello', 'a slow answer';
is connected('hosted.test', $words{PLAY}), '127.0.0.1 hello', 'of /etc/hosts';
is connected('localhost', $words{PLAY}), '127.0.0.1 hello', 'localhost, where only 127.0.0.1 listens';
SKIP: {
    skip 'no ::1', 3 unless $words{SIX};
    is connected('six.test', $words{SIX}), '::1 hello', 'an IPv6 address';
    is connected('localhost', $words{SIX}), '::1 hello', 'localhost, where only ::1 listens';
    like connected('both.test', $words{SIX}), qr/^(?:::1 hello|nil connection refused)$/, 'one of two families';
}

is connected('nx.test', $words{PLAY}), 'nil nx.test could not be resolved (3: Host not found)', 'a name there is not';
like connected('fail.test', $words{PLAY}), qr/^nil fail\.test could not be resolved \(\d+: [\w ]+\)$/, 'the name server fails';
like connected('refused.test', $words{PLAY}), qr/^nil refused\.test could not be resolved \(\d+: [\w ]+\)$/, 'it refuses';
like connected('nothing.test', $words{PLAY}), 
    qr/^nil nothing\.test could not be resolved \(\d+: [\w ]+\)$/, 'a name without addresses';

my $from = time;
like connected('mute.test', $words{PLAY}, '&timeout=500'), 
    qr/^nil (?:timeout|mute\.test could not be resolved \(\d+: [\w ]+\))$/, 'no answer';
cmp_ok time - $from, '<', 20, 'that does not take for ever';

$from = time;
is $server->get("/many.lua?port=$words{PLAY}")->content, 20, 'many at a time';
cmp_ok time - $from, '<', 8, 'which are not looked up one after the other';

is $server->get("/ticks.lua?port=$words{PLAY}")->content, '1 true', 'others are not held up';
is $server->get("/udp.lua?name=one.test&port=$words{UDP}")->content, 'hello nil', 'UDP by name';
is $server->get("/udp.lua?name=nx.test&port=$words{UDP}")->content, 'nil nx.test could not be resolved (3: Host not found)',
    'UDP to nowhere';

is connected('moves.test', $words{PLAY}), '127.0.0.1 hello', 'a name';
$dns->change('moves.test' => ['127.0.0.3']);
sleep 2;
is connected('moves.test', $words{PLAY}), 'nil connection refused', 'that has moved, when its time is over';
$dns->change('moves.test' => ['nxdomain']);
sleep 2;
like connected('moves.test', $words{PLAY}), qr/^nil moves\.test could not be resolved/, 'and gone';
$dns->change('moves.test' => ['127.0.0.1'], 'nx.test' => ['127.0.0.1']);
sleep 2;
is connected('moves.test', $words{PLAY}), '127.0.0.1 hello', 'and is back';
is connected('nx.test', $words{PLAY}), '127.0.0.1 hello', 'one that was not there before';

my $asked = $dns->asked('one.test');
connected('127.0.0.1', $words{PLAY}) for 1 .. 3;
is $dns->asked('one.test'), $asked, 'addresses are not asked for';
is $dns->asked('127.0.0.1'), 0, 'nor looked up';

done_testing;
