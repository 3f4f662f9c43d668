# SPDX-License-Identifier: Apache-2.0
# Changed code: when it is noticed, that it is swapped in at once, that what is broken is not.
use strict;
use warnings;
use Apache::Test ();
use Coral::Server;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep time);

my $version = sub { "return { v = '$_[0]' }\n" };
my $prefork = Apache::Test::vars()->{coral_mpm} eq 'prefork';
my $one     = $prefork ? "StartServers 1\nMinSpareServers 1\nMaxSpareServers 1\nServerLimit 1\nMaxRequestWorkers 1\n"
    : "StartServers 1\nServerLimit 1\nMaxRequestWorkers 8\n";    # what one child has seen, another would tell again
my $server  = Coral::Server->new(config => $one . <<'CONF', files => {
CoralReload stat 0
CoralPackagePath "@ROOT@/lua/?.lua"
CoralStates 0 1
CoralHook init lua/init.lua
<Location /hook>
    CoralHook content lua/hook.lua
</Location>
<Location /function>
    CoralHook content lua/function.lua run
</Location>
<Location /second>
    CoralHook content lua/second.lua
</Location>
<Location /every>
    CoralReload stat 1
    CoralHook content lua/every.lua
</Location>
<Location /off>
    CoralReload off
    CoralHook content lua/off.lua
</Location>
<Location /always>
    CoralReload always
    CoralHook content lua/always.lua
</Location>
<Location /slow>
    CoralHook content lua/slow.lua
</Location>
<Location /slowfun>
    CoralHook content lua/slow.lua run
</Location>
<Location /filtered.txt>
    CoralHook body_filter lua/filter.lua
    CoralHook header_filter lua/filter_headers.lua
</Location>
CoralApp /app @ROOT@/lua/app.lua handler
CONF
    'lua/init.lua'     => 'INIT = (INIT or 0) + 1',
    'lua/hook.lua'     => 'ngx.print("one ", require("mod").v, " ", require("outer").v())',
    'lua/second.lua'   => 'ngx.print("second ", require("mod").v)',
    'lua/function.lua' => 'local calls = 0 function run(r) calls = calls + 1 r:puts("one ", calls) end',
    'lua/mod.lua'      => $version->('m1'),
    'lua/outer.lua'    => 'local inner = require("inner") return { v = function() return inner.v end }',
    'lua/inner.lua'    => $version->('i1'),
    'lua/every.lua'    => 'ngx.print("one")',
    'lua/off.lua'      => 'ngx.print("one ", require("offmod").v)',
    'lua/offmod.lua'   => $version->('m1'),
    'lua/always.lua'   => 'ngx.print(require("counter").next())',
    'lua/counter.lua'  => 'local n = 0 return { next = function() n = n + 1 return n end }',
    'lua/slow.lua'     => '',
    'lua/app.lua'      => 'local m = require("appmod") return function(r) r:puts("one ", m.v) end',
    'lua/appmod.lua'   => $version->('m1'),
    'lua/filter.lua'   => 'ngx.arg[1] = ngx.arg[1]:gsub("x", "1")',
    'lua/filter_headers.lua' => 'ngx.header["X-V"] = "1"',
    'htdocs/filtered.txt' => 'x',
    'htdocs/page.lua'  => 'ngx.print("one")',
    'htdocs/ht/.htaccess' => "CoralHook fixup fix.lua\n",
    'htdocs/ht/fix.lua'   => 'ngx.header["X-Fix"] = "one"',
    'htdocs/ht/page.txt'  => 'page',
});
ok $server->start, 'starts' or diag $server->output, $server->error_log;

# Sends a request; the answer is read when it is wanted.
sub asked {
    my $socket = IO::Socket::INET->new('127.0.0.1:' . $server->port) or return;
    print $socket "GET $_[0] HTTP/1.0\r\n\r\n";
    return $socket;
}
sub answer { my $socket = shift; local $/; return (split /\r\n\r\n/, <$socket> // '', 2)[1] // '' }
sub together { my ($uri, $count) = @_; map { answer($_) } map { asked($uri) } 1 .. $count }

sub gives { is $server->get($_[0])->content, $_[1], $_[2] }

# stat, at each request.
gives '/hook', 'one m1 i1', 'the first version';
$server->write('lua/hook.lua', 'ngx.print("two ", require("mod").v, " ", require("outer").v())');
gives '/hook', 'two m1 i1', 'the script has changed';
$server->write('lua/mod.lua', $version->('m2'));
gives '/hook', 'two m2 i1', 'a module has changed';
gives '/second', 'second m2', 'another script has the same module';
$server->write('lua/mod.lua', $version->('m3'));
gives '/second', 'second m3', 'the other script sees it first';
gives '/hook', 'two m3 i1', 'and this one too';
$server->write('lua/inner.lua', $version->('i2'));
gives '/hook', 'two m3 i2', 'a module of a module has changed';
$server->write('lua/hook.lua', 'ngx.print("three ", require("fresh").v)');
$server->write('lua/fresh.lua', $version->('f1'));
gives '/hook', 'three f1', 'a module that was not needed before';
$server->write('lua/fresh.lua', $version->('f2'));
gives '/hook', 'three f2', 'is watched too';
$server->write('lua/hook.lua', 'ngx.print("four")');
gives '/hook', 'four', 'a module is not needed any more';
$server->write('lua/fresh.lua', 'this is not Lua');
gives '/hook', 'four', 'and nobody minds what becomes of it';

gives '/function', 'one 1', 'a function';
gives '/function', 'one 2', 'keeps what its file holds';
utime time + 5, time + 5, $server->root . '/lua/second.lua';
gives '/second', 'second m3', 'touched only';
$server->write('lua/function.lua', 'local calls = 0 function run(r) calls = calls + 1 r:puts("two ", calls) end');
gives '/function', 'two 1', 'the file of a function has changed: it begins anew';

gives '/page.lua', 'one', 'a script that is a file';
$server->write('htdocs/page.lua', 'ngx.print("two")');
gives '/page.lua', 'two', 'has changed';
$server->write('htdocs/page.lua', 'ngx.print("six")');
gives '/page.lua', 'six', 'again, to the same length';
is $server->get('/ht/page.txt')->header('X-Fix'), 'one', 'a hook of .htaccess';
$server->write('htdocs/ht/fix.lua', 'ngx.header["X-Fix"] = "two"');
is $server->get('/ht/page.txt')->header('X-Fix'), 'two', 'its file has changed';
$server->write('htdocs/ht/.htaccess', "<CoralHook fixup>\nngx.header['X-Fix'] = 'three'\n</CoralHook>\n");
is $server->get('/ht/page.txt')->header('X-Fix'), 'three', 'a block in its place';
$server->write('htdocs/ht/.htaccess', "<CoralHook fixup>\nngx.header['X-Fix'] = 'four'\n</CoralHook>\n");
is $server->get('/ht/page.txt')->header('X-Fix'), 'four', 'the block has changed';
gives '/filtered.txt', '1', 'a body_filter';
$server->write('lua/filter.lua', 'ngx.arg[1] = ngx.arg[1]:gsub("x", "2")');
$server->write('lua/filter_headers.lua', 'ngx.header["X-V"] = "2"');
gives '/filtered.txt', '2', 'has changed';
is $server->get('/filtered.txt')->header('X-V'), '2', 'so has a header_filter';

gives '/app/', 'one m1', 'an application';
$server->write('lua/appmod.lua', $version->('m2'));
gives '/app/', 'one m2', 'its module has changed';
$server->write('lua/app.lua', 'local m = require("appmod") return function(r) r:puts("two ", m.v) end');
gives '/app/', 'two m2', 'its file has changed';

# Broken versions.
sub broken {
    my ($file, $text, $uri, $want, $words, $name) = @_;
    my $log = $server->log;
    $server->write($file, $text);
    gives $uri, $want, "$name: the version before it goes on serving" for 1 .. 3;
    my @lines = $log->text =~ /^.*$words.*$/mg;
    is scalar @lines, 1, "$name: it is told once" or diag $log->text;
    like "@lines", qr/\[coral:error\].*the version before it goes on serving/, "$name: and that the old one is served";
}
$server->write('lua/hook.lua', 'ngx.print("good ", require("mod").v)');
gives '/hook', 'good m3', 'a good version';
broken 'lua/hook.lua', "\nngx.print(", '/hook', 'good m3', qr/hook\.lua:2: /, 'a syntax error';
$server->write('lua/mod.lua', $version->('m4'));
gives '/hook', 'good m4', 'a module of the version before it is still followed';
$server->write('lua/hook.lua', 'ngx.print("mended ", require("mod").v)');
gives '/hook', 'mended m4', 'mended';
broken 'lua/mod.lua', "return {\n", '/hook', 'mended m4', qr/mod\.lua:2: /, 'a syntax error in a module';
gives '/second', 'second m4', 'the other script has the old module too';
$server->write('lua/mod.lua', $version->('m5'));
gives '/hook', 'mended m5', 'the module is mended';
broken 'lua/mod.lua', "\nerror('broken at load')", '/hook', 'mended m5', qr/mod\.lua:2: broken at load/, 'an error while a module is loaded';
gives '/second', 'second m5', 'the other script goes on too';
$server->write('lua/mod.lua', $version->('m6'));
gives '/hook', 'mended m6', 'the module is mended again';
gives '/second', 'second m6', 'for both';
is $server->get('/function')->content, 'two 2', 'a function before it breaks';
my $log = $server->log;
$server->write('lua/function.lua', "\nerror('broken at load')");
gives '/function', "two $_", 'a file that fails when it is loaded: its function goes on' for 3 .. 5;
is scalar(() = $log->text =~ /function\.lua:2: broken at load/g), 1, 'told once';
$log = $server->log;
$server->write('lua/function.lua', 'function other() end');
gives '/function', 'two 6', 'a file that lacks the function';
ok $log->wait(qr/defines no function 'run'/), 'is told of';
broken 'lua/app.lua', "return nil\n", '/app/', 'two m2', qr/cannot be loaded again/, 'an application that is none';
$log = $server->log;
unlink $server->root . '/lua/second.lua';
gives '/second', 'second m6', 'a file that is gone: what was there goes on' for 1 .. 3;
is scalar(() = $log->text =~ /cannot read \S+second\.lua/g), 1, 'told once' or diag $log->text;
$server->write('lua/second.lua', 'ngx.print("back")');
gives '/second', 'back', 'and it is back';
unlink $server->root . '/htdocs/page.lua';
is $server->get('/page.lua')->code, 404, 'a script that is a file and gone is not found';

# The other ways.
gives '/every', 'one', 'a look every second';
$server->write('lua/every.lua', 'ngx.print("two")');
my ($end, $seen) = (time + 5, '');
sleep 0.1 while ($seen = $server->get('/every')->content) eq 'one' && time < $end;
is $seen, 'two', 'notices in a while';
cmp_ok time, '<', $end - 2.5, 'not much longer than that';
gives '/off', 'one m1', 'CoralReload off';
$server->write('lua/off.lua', 'ngx.print("two ", require("offmod").v)');
$server->write('lua/offmod.lua', $version->('m2'));
gives '/off', 'one m1', 'notices nothing';
ok $server->graceful, 'a graceful restart';
gives '/off', 'two m2', 'notices everything';
gives '/always', '1', 'CoralReload always: modules are loaded anew' for 1 .. 3;
$server->write('lua/always.lua', 'ngx.print("!", require("counter").next())');
gives '/always', '!1', 'changed';

# A request on its way keeps its version.
for my $uri ('/slow', '/slowfun') {
    $server->write('lua/slow.lua', 'local function go() ngx.print("old ") ngx.sleep(0.6) ngx.print("old") end function run() go() end local r = ... if r then go() end');
    gives $uri, 'old old', "$uri: the old version";
    next if $prefork;
    my $waiting = asked($uri);
    sleep 0.2;
    $server->write('lua/slow.lua', 'local function go() ngx.print("new") end function run() go() end local r = ... if r then go() end');
    gives $uri, 'new', "$uri: the new version";
    is answer($waiting), 'old old', "$uri: who was on the way ends on the old one";
}
$server->stop;

# A new state, made while the file is broken, serves what the others serve.
SKIP: {
    skip 'one state per child under prefork', 6 if $prefork;
    $server = Coral::Server->new(config => $one . <<'CONF', files => {
CoralReload stat 0
CoralPackagePath "@ROOT@/lua/?.lua"
CONF
        'htdocs/a.lua' => 'local m, e = require("mod"), ngx.now() + 0.3 while ngx.now() < e do end ngx.print("good ", m.v, " ", require("coral").status().states)',
        'lua/mod.lua'  => $version->('m1'),
    });
    ok $server->start, 'starts with states on demand' or diag $server->output;
    gives '/a.lua', 'good m1 1', 'one state';
    $server->write('htdocs/a.lua', 'this is broken');
    $server->write('lua/mod.lua', 'this as well');
    my @answers = together('/a.lua', 4);
    is scalar(grep { /^good m1 / } @answers), 4, 'all states serve the version before' or diag "@answers";
    cmp_ok +(sort @answers)[-1] =~ s/.* //r, '>', 1, 'and there were more than one';
    $server->write('lua/mod.lua', $version->('m2'));
    $server->write('htdocs/a.lua', 'ngx.print("mended ", require("mod").v)');
    is join(' ', together('/a.lua', 3)), join(' ', ('mended m2') x 3), 'mended, for all';
    ok $server->error_log !~ /exit signal/, 'no crash';
    $server->stop;
}

done_testing;
