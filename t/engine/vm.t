# SPDX-License-Identifier: Apache-2.0
# Lua states: how many there are, who shares them, what they keep apart, when they end.
use strict;
use warnings;
use Apache::Test ();
use Coral::Server;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep time);

my $prefork = Apache::Test::vars()->{coral_mpm} eq 'prefork';
my $one     = $prefork ? "StartServers 1\nMinSpareServers 1\nMaxSpareServers 1\nServerLimit 1\nMaxRequestWorkers 1\n"
    : "StartServers 1\nServerLimit 1\nMaxRequestWorkers 8\n";
my $server;
my %files = (
    'htdocs/states.lua' => 'ngx.print(require("coral").status().states)',
    'htdocs/count.lua'  => 'local t = package.loaded.counted or { n = 0 } package.loaded.counted = t t.n = t.n + 1 ngx.print(t.n)',
    'htdocs/slow.lua'   => 'local n = ngx.var.arg_n ngx.sleep(0.2) ngx.print(n, " ", require("coral").status().states)',
    'htdocs/held.lua'   => 'local n, e = ngx.var.arg_n, ngx.now() + 0.3 while ngx.now() < e do end ngx.print(n, " ", require("coral").status().states)',
    'htdocs/after.lua'  => 'local n = ngx.var.arg_n ngx.sleep(0.1) local e = os.clock() + n while os.clock() < e do end ngx.print(n)',
    'htdocs/busy.lua'   => 'local e = os.clock() + 0.05 while os.clock() < e do end ngx.print(ngx.var.arg_n)',
    'htdocs/global.lua' => '_G.leak = _G.leak or ngx.var.arg_v ngx.print(_G.leak)',
    'htdocs/own.lua'    => 'ngx.print(tostring(mine), " ") mine = "set" ngx.print(mine)',
    'htdocs/memory.lua' => 'ngx.print(require("coral").status().memory)',
    'htdocs/grow.lua'   => 'package.loaded.hold = package.loaded.hold or {} table.insert(package.loaded.hold, ("x"):rep(1000000) .. #package.loaded.hold) ngx.print("ok")',
    'htdocs/init.lua'   => 'ngx.print(tostring(INIT))',
    'lua/one/mod.lua'   => 'return "one"',
    'lua/two/mod.lua'   => 'return "two"',
);

sub serve {
    my ($config, %more) = @_;
    $server->stop if $server;
    $server = Coral::Server->new(config => "$one$config", files => { %files, %more });
    ok $server->start, 'starts: ' . ($config =~ s/\n.*//sr) or diag $server->output, $server->error_log;
}
sub text { $server->get(@_)->content }

sub asked {
    my ($uri, @headers) = @_;
    my $socket = IO::Socket::INET->new('127.0.0.1:' . $server->port) or die "no connection: $!\n";
    print $socket join "\r\n", "GET $uri HTTP/1.0", @headers, '', '';
    return $socket;
}
sub answer { my $socket = shift; local $/; return (split /\r\n\r\n/, <$socket> // '', 2)[1] // '' }

# On demand.
serve "CoralStates 0 0\n";
is text('/states.lua'), 1, 'one request, one state';
select undef, undef, undef, 0.1; # the state comes back a moment after the response
is text('/states.lua'), 1, 'the next one takes the same';
is text('/count.lua'), $_, 'what a state keeps is there' for 1 .. 3;
SKIP: {
    skip 'one request at a time under prefork', 3 if $prefork;
    my @got = map { answer($_) } map { asked("/held.lua?n=$_") } 1 .. 4; # who is parked leaves his state to others
    is join(' ', map { (split)[0] } @got), '1 2 3 4', 'four at the same time';
    is((sort map { (split)[1] } @got)[-1], 4, 'had four states');
    is text('/states.lua'), 4, 'which are kept';
}

# Whose script has waited has let others have his state. While he computes there they are better off with another.
SKIP: {
    skip 'nobody is parked', 4 if Apache::Test::vars()->{coral_mpm} ne 'event';
    serve "CoralStates 0 0\n";
    my $busy = asked('/after.lua?n=1.5');
    sleep 0.4;
    is answer(asked('/states.lua')), 2, 'a new request gets another';
    my $waits = '';
    vec($waits, fileno $busy, 1) = 1;
    is select($waits, undef, undef, 0), 0, 'before the one who computes is done';
    is answer($busy), '1.5', '… who is none the worse';
}

# Made beforehand, and a most.
serve "CoralStates 3 5\n";
is text('/states.lua'), $prefork ? 1 : 3, 'three were made at start' if !$prefork;
SKIP: {
    skip 'one request at a time under prefork', 4 if $prefork;
    my @got = map { answer($_) } map { asked("/held.lua?n=$_") } 1 .. 7;
    is join(' ', map { (split)[0] } @got), '1 2 3 4 5 6 7', 'seven at the same time, five states';
    is text('/states.lua'), 5, 'not more than that';
    serve "CoralStates 1 1\n";
    my $start = time;
    @got = map { answer($_) } map { asked("/slow.lua?n=$_") } 1 .. 7;
    is join(' ', @got), '1 1 2 1 3 1 4 1 5 1 6 1 7 1', 'seven share one state';
    cmp_ok time - $start, '<', 1.2, 'who sleeps does not keep the others';
    @got = map { answer($_) } map { asked("/busy.lua?n=$_") } 1 .. 7;
    is join(' ', @got), '1 2 3 4 5 6 7', 'seven that do not sleep take turns';
}

# Each its own locals, globals, ctx, r, while others run in the same state.
serve "CoralStates 1 1\n<Location />\nCoralHook fixup lua/fix.lua\nCoralHook log lua/log.lua\n</Location>\n",
    'lua/fix.lua' => 'ngx.ctx.n = ngx.var.arg_n',
    'lua/log.lua' => 'if ngx.ctx.n ~= ngx.var.arg_n then ngx.log(ngx.ERR, "MIXED UP") end',
    'htdocs/mix.lua' => <<'LUA';
local r = ...
name = ngx.var.arg_n
for i = 1, 5 do
  ngx.sleep(0.01 * (tonumber(name) % 3))
  ngx.print(name, r.args:match("n=(%d+)"), ngx.ctx.n, ngx.var.arg_n, " ")
  ngx.flush(true)
end
LUA
my $log = $server->log;
my @n    = $prefork ? 1 .. 3 : 1 .. 7;
my @want = map { "$_$_$_$_ " x 5 } @n;
for my $round (1 .. 3) {
    is_deeply [map { answer($_) } map { asked("/mix.lua?n=$_") } @n], \@want, "nothing is mixed up, round $round";
}
ok $log->text !~ /MIXED UP|coral:error/, 'nor in the log phase' or diag $log->text;
is text('/own.lua'), 'nil set', 'globals of a script are its own' for 1 .. 2;

# Groups and package paths.
serve <<'CONF';
CoralStates 0 1
Alias /a/ @ROOT@/htdocs/
Alias /b/ @ROOT@/htdocs/
Alias /one/ @ROOT@/htdocs/
Alias /two/ @ROOT@/htdocs/
<Location /a/>
    CoralGroup a
</Location>
<Location /b/>
    CoralGroup b
</Location>
<Location /one/>
    CoralPackagePath "@ROOT@/lua/one/?.lua"
</Location>
<Location /two/>
    CoralPackagePath "@ROOT@/lua/two/?.lua"
</Location>
CONF
$server->write('htdocs/mod.lua', 'ngx.print((require("mod")))');
is text('/a/global.lua?v=1'), 1, 'a global of one group';
is text('/b/global.lua?v=2'), 2, 'is not seen by another';
is text('/global.lua?v=3'), 3, 'nor by who has no group';
is text('/a/global.lua?v=4'), 1, 'and stays';
is text("/one/mod.lua"), 'one', 'package paths' for 1 .. 2;
is text("/two/mod.lua"), 'two', 'are kept apart';
is text("/one/mod.lua"), 'one', 'always';
is text('/a/count.lua'), $_, 'a group counts' for 1 .. 3;
is text('/b/count.lua'), 1, 'for itself';
is text('/states.lua'), 5, 'five keys, five states';
SKIP: {
    skip 'mod.lua is found by no one else', 1 unless -e $server->root . '/htdocs/mod.lua';
    is $server->get('/mod.lua')->code, 500, 'a path of a Location does not leak';
}

# A virtual host's limits, by its group.
serve <<'CONF';
CoralStates 0 4
<CoralGroup small>
    CoralStates 0 1
</CoralGroup>
<VirtualHost *:@PORT@>
    ServerName big.test
</VirtualHost>
<VirtualHost *:@PORT@>
    ServerName small.test
    CoralGroup small
</VirtualHost>
CONF
SKIP: {
    skip 'one request at a time under prefork', 2 if $prefork;
    answer($_) for map { asked("/slow.lua?n=$_", 'Host: small.test') } 1 .. 3;
    is text('/states.lua', Host => 'small.test'), 1, 'a group has its own limit';
    answer($_) for map { asked("/held.lua?n=$_", 'Host: big.test') } 1 .. 3;
    is text('/states.lua', Host => 'small.test'), 4, 'others have theirs';
}

# Recycling.
serve "CoralStates 0 1 requests=3\nCoralHook init lua/init.lua\n", 'lua/init.lua' => 'INIT = "first"';
is text('/count.lua'), $_, 'a state that ends after three requests' for 1, 2, 3, 1, 2, 3, 1;
is text('/init.lua'), 'first', 'its init hook';
$server->write('lua/init.lua', 'INIT = "second"');
text('/states.lua') for 1 .. 4;
is text('/init.lua'), 'second', 'a new state runs what the init hook is now';
is text('/states.lua'), 1, 'and counts as one';
SKIP: {
    skip 'one request at a time under prefork', 3 if $prefork;
    my $good = 0;
    for my $round (1 .. 10) {
        $good += grep { /^[1-6] \d$/ } map { answer($_) } map { asked("/slow.lua?n=$_") } 1 .. 6;
    }
    is $good, 60, 'under load every request is answered';
    cmp_ok text('/states.lua'), '<=', 2, 'and no states pile up';
    ok $server->error_log !~ /exit signal|failed/, 'nothing breaks';
}
serve "CoralStates 0 1 memory=8m\n";
is text('/count.lua'), 1, 'a state that ends over 8 MB';
my $before = text('/memory.lua');
cmp_ok $before, '>', 50_000, 'memory is counted';
is text('/count.lua'), 2, 'and is below that';
text('/grow.lua') for 1 .. 5;
my $after = text('/memory.lua');
cmp_ok $after - $before, '>', 4_500_000, 'what is held is counted';
is text('/count.lua'), 3, 'still the same state';
text('/grow.lua') for 1 .. 6;
is text('/count.lua'), 1, 'over it: a new one';
my $most = 0;
for (1 .. 20) {
    text('/grow.lua');
    my $now = text('/memory.lua');
    $most = $now if $now > $most;
}
cmp_ok $most, '<', 11_000_000, 'however much is held, it ends in time';

# Memory that is let go is not counted.
$server->write('htdocs/garbage.lua', 'for i = 1, 200 do local s = ("x"):rep(100000) .. i end collectgarbage() collectgarbage() ngx.print("ok")');
$before = text('/memory.lua');
text('/garbage.lua') for 1 .. 3;
cmp_ok text('/memory.lua') - $before, '<', 300_000, 'what is garbage is not';

# A state that can not be made.
serve "CoralHook init lua/init.lua\n", 'lua/init.lua' => 'error("SECRET init")';
my $response = $server->get('/states.lua');
is $response->code, 500, 'a failing init hook: 500';
unlike $response->content, qr/SECRET/, 'that tells nothing';
ok $server->error_log =~ /Lua state cannot be made: \S+init\.lua:1: SECRET init/, 'the log does';
is $server->get('/')->content, "ready\n", 'what needs no Lua is served';
$server->write('lua/init.lua', 'INIT = 1');
is text('/init.lua'), 1, 'mended, without a restart';

# Reuse of coroutines after all kinds of ends.
serve "CoralStates 0 1\n", 'htdocs/end.lua' => <<'LUA';
local how = ngx.var.arg_how
if how == "error" then error("x") end
if how == "deep" then local function f() return 1 + f() end f() end
if how == "object" then error({}) end
if how == "exit" then ngx.print("exit") ngx.exit(200) end
if how == "exitdeep" then local function f(n) if n == 0 then ngx.print("exit") ngx.exit(200) end f(n - 1) return 1 end f(1000) end
if how == "exitco" then coroutine.wrap(function() ngx.print("exit") ngx.exit(200) end)() end
if how == "exitpcall" then pcall(function() ngx.print("exit") ngx.exit(200) end) ngx.print("never") end
if how == "exitgsub" then local _ = ("x"):gsub("x", function() ngx.print("exit") ngx.exit(200) end) ngx.print("never") end
if how == "close" then local c <close> = setmetatable({}, { __close = function() ngx.log(ngx.WARN, "CLOSED") end }) ngx.print("exit") ngx.exit(200) end
if how == "yield" then ngx.print("y") coroutine.yield(1, 2, 3) ngx.print("z") return end
ngx.print("fine")
LUA
$log = $server->log;
for my $round (1 .. 5) {
    my %got = map { $_ => $server->get("/end.lua?how=$_")->content }
        qw(error deep object exit exitdeep exitco exitpcall exitgsub close yield fine);
    like $got{$_}, qr/Internal Server Error/, "$_, round $round" for qw(error deep object);
    is $got{$_}, 'exit', "$_, round $round" for qw(exit exitdeep exitco exitpcall exitgsub close);
    is $got{yield}, 'yz', "a yield to nobody goes on, round $round";
    is $got{fine}, 'fine', "then a good one, round $round";
}
is scalar(() = $log->text =~ /CLOSED/g), 5, 'ngx.exit closes what is to be closed';
is text('/states.lua'), 1, 'all in one state';
$before = text('/memory.lua');
text("/end.lua?how=deep") for 1 .. 20;
$server->write('htdocs/collect.lua', 'collectgarbage() collectgarbage() ngx.print("ok")');
text('/collect.lua');
cmp_ok text('/memory.lua') - $before, '<', 500_000, 'a deep stack is given back';
ok $server->error_log !~ /exit signal/, 'no crash';
$server->stop;

done_testing;
