# SPDX-License-Identifier: Apache-2.0
# Sockets, timers, threads and semaphores in every phase: each operation in each, and where they can not be.
use strict;
use warnings;
use Coral::Blocks;
use Coral::Server;
use Coral::Upstream;
use Test::More;

my $servers = Coral::Upstream->start(PLAY => 'tcp', UDP => 'udp', LOCAL => 'unix', REFUSED => 'refused', TLS => 'tls:right');
my %words = $servers->words;

# Each gives "ok"; what it gives else, or its error, is in the log.
my %operations = (
    tcp => 'local s = open("say:a%0a wait:20 say:b%0a") return s:receive() .. s:receive() == "ab"',
    all => 'return open("say:a%0a wait:20 say:b close"):receive("*a") == "a\nb"',
    until_ => 'return open("drip:xabcabcabdy"):receiveuntil("abcabd")() == "xabc"',
    any => 'return open("wait:20 say:abc"):receiveany(10) == "abc"',
    much => 'local s = open("digits:500000 say:%0a") return #s:receive() == 500000',
    send => 'local s = open("swallow:500000") s:send(("x"):rep(500000)) return s:receive():match("^500000 ") ~= nil',
    refused => 'local ok, err = ngx.socket.connect("127.0.0.1", REFUSED) return not ok and err == "connection refused"',
    timeout => 'local s = open("wait:3000") s:settimeout(50) local d, err = s:receive() return err == "timeout"',
    closed => 'local d, err = open("close"):receive() return err == "closed"',
    keep => 'local s = ngx.socket.tcp() assert(s:connect("127.0.0.1", PLAY, { pool = POOL })) assert(s:setkeepalive()) '
        . 'assert(s:connect("127.0.0.1", PLAY, { pool = POOL })) return s:getreusedtimes() == 1',
    tls => 'local s = open(nil, TLS) assert(s:sslhandshake(nil, "localhost", false)) s:send("say:x%0a\n") '
        . 'return s:receive() == "x"',
    unix => 'local s = assert(ngx.socket.connect("unix:LOCAL")) s:send("say:x%0a\n") return s:receive() == "x"',
    name => 'return ngx.socket.connect("localhost", PLAY) ~= nil',
    udp => 'local s = ngx.socket.udp() s:settimeout(5000) assert(s:setpeername("127.0.0.1", UDP)) '
        . 's:send("wait:20 say:x") return s:receive() == "x"',
    sleep => 'ngx.sleep(0.01) return true',
    thread => 'local t = ngx.thread.spawn(function() ngx.sleep(0.01) return "x" end) return select(2, ngx.thread.wait(t)) == "x"',
    threads => 'local t = {} for i = 1, 5 do t[i] = ngx.thread.spawn(function() return open("wait:10 say:x%0a"):receive() end) end '
        . 'for i = 1, 5 do local ok, x = ngx.thread.wait(t[i]) assert(ok and x == "x") end return true',
    semaphore => 'local s = require "ngx.semaphore".new() ngx.thread.spawn(function() ngx.sleep(0.01) s:post() end) '
        . 'return s:wait(5)',
    timer => 'local x ngx.timer.at(0, function() x = true end) for i = 1, 100 do if x then break end ngx.sleep(0.01) end return x',
);

sub script {
    my $where = shift;
    my $script = "$words{LUA}\nlocal operations = {}\n";
    for my $name (sort keys %operations) {
        my $code = $operations{$name} =~ s/\b(PLAY|UDP|LOCAL|REFUSED|TLS)\b/$words{$1}/gr =~ s/POOL/"phase $where"/gr;
        $script .= "operations[#operations + 1] = { '$name', function() $code end }\n";
    }
    return $script . <<LUA;
local good, bad = 0, {}
for _, operation in ipairs(operations) do
  local ok, result = pcall(operation[2])
  if ok and result == true then good = good + 1 else bad[#bad + 1] = operation[1] .. ": " .. tostring(result) end
end
ngx.log(ngx.WARN, "$where: ", good, " good ", table.concat(bad, "; "))
LUA
}

my $count = keys %operations;
my @server_phases = qw(server_rewrite translate_name map_to_storage quick);
my @phases = qw(rewrite access authn authz type fixup precontent insert_filter header_filter body_filter log);
my $guard = "AuthType Basic\nAuthName test\nAuthUserFile @{[Apache::Test::vars('t_conf') // '']}/htpasswd\nRequire valid-user\n";
my %around = (
    authn => ["AuthType Lua\nAuthName test\nRequire valid-user\n", "local r = ... r.user = 'lua'\n", "return 0\n"],
    authz => [$guard, '', "return 0\n"],
    body_filter => ['', "if not ngx.ctx.once then ngx.ctx.once = true\n", "end\n"],
);

sub hook {
    my $phase = shift;
    my ($config, $before, $after) = @{ $around{$phase} || ['', '', ''] };
    return "$config<CoralHook $phase>\n$before" . script($phase) . "$after</CoralHook>\n";
}

# --- the server's own phases, and filters by name --------------------------------------

my $server = Coral::Server->new(
    config => join('', map({ hook($_) =~ s/^<CoralHook (\w+)>\n/$&if not ngx.var.arg_go then return end\n/mr } @server_phases),
        "CoralOutputFilter net-out out.lua f\n<Location /out>\nSetOutputFilter net-out\n</Location>\n"),
    files => {
        'htdocs/a.txt' => "file\n", 'htdocs/out/a.txt' => "file\n",
        'out.lua' => "function f(r)\ncoroutine.yield()\n" . script('output filter')
            . "while bucket do coroutine.yield(bucket) end\nend\n",
    });
ok $server->start, 'the server starts' or die $server->output . $server->error_log;
my $log = $server->log;
is $server->get('/a.txt?go=1')->content, "file\n", 'a file behind all phases';
for my $phase (@server_phases) {
    ok $log->wait(qr/\b$phase: $count good\b/), "in $phase" or diag grep { /$phase:/ } split /^/, $log->text;
}
$log = $server->log;
is $server->get('/out/a.txt')->content, "file\n", 'a file through a filter';
ok $log->wait(qr/output filter: $count good\b/), 'in an output filter' or diag $log->text;
$server->stop;

# --- all others, a block each ----------------------------------------------------------

my $blocks = "=== content\n--- lua\n" . script('content')
    . "ngx.say('done')\n--- body\ndone\n--- error_log\ncontent: $count good\n";
for my $phase (@phases) {
    $blocks .= "\n=== $phase\n--- htaccess\n" . hook($phase)
        . "--- lua\nngx.say('done')\n--- body\ndone\n--- error_log\n$phase: $count good\n"
        . ($phase eq 'authz' ? "--- more_headers Authorization: Basic YWxpY2U6c2VjcmV0\n" : '');
}
open DATA, '<', \$blocks or die;
run_blocks;
