# SPDX-License-Identifier: Apache-2.0
# A thousand mixed requests to an httpd -X under valgrind's memcheck: no error, nothing lost, no growth.
use strict;
use warnings;
use Coral::File;
use Coral::Server;
use Coral::Valgrind;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

my $valgrind = Coral::Valgrind->new;

my $server = Coral::Server->new(config => <<'CONF', files => {
StartServers 1
ServerLimit 1
ThreadsPerChild 2
MaxRequestWorkers 2
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 20
CoralReload stat 0
CoralStates 0 1
CoralPackagePath "@ROOT@/lua/?.lua"
LimitRequestBody 20000
CoralHook init lua/init.lua
CoralHook init_worker lua/init.lua
CoralHook exit_worker lua/init.lua
CoralHook log lua/log.lua
CoralOutputFilter UPPER lua/filters.lua upper
CoralOutputFilter EARLY lua/filters.lua early
CoralOutputFilter LATER lua/filters.lua later
CoralInputFilter SWAP lua/filters.lua swap
CoralSet $who "you at $remote_addr"
CoralApp /app @ROOT@/lua/app.lua handler
<Location /hooks.lua>
    CoralHook rewrite lua/note.lua
    CoralHook access lua/note.lua
    CoralHook fixup lua/note.lua note
    CoralHook precontent lua/note.lua
    CoralHook header_filter lua/note.lua
    CoralHook body_filter lua/body.lua
</Location>
<Location /denied.txt>
    CoralHook access lua/deny.lua
</Location>
<Location /broken.txt>
    CoralHook fixup lua/broken.lua
</Location>
<Location /filterfails.lua>
    CoralHook body_filter lua/broken.lua
</Location>
<Files upper.lua>
    SetOutputFilter UPPER
</Files>
<Files early.lua>
    SetOutputFilter EARLY
</Files>
<Files later.lua>
    SetOutputFilter LATER
</Files>
<Files swap.lua>
    SetInputFilter SWAP
</Files>
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
ErrorDocument 404 /missing.lua
CONF
    'lua/init.lua'    => 'INIT = { ngx.get_phase() }',
    'lua/log.lua'     => 'local r = ... r.notes.logged = tostring(ngx.status)',
    'lua/app.lua'     => 'return function(r) r:puts("app ", r.uri) end',
    'lua/note.lua'    => 'function note(r) r.notes.function_ = "yes" end ngx.ctx.n = (ngx.ctx.n or 0) + 1',
    'lua/body.lua'    => 'ngx.arg[1] = ngx.arg[1]:upper()',
    'lua/deny.lua'    => 'return 403',
    'lua/broken.lua'  => 'error({ "broken" })',
    'lua/mod.lua'     => 'return { v = 1 }',
    'lua/filters.lua' => <<'LUA',
function upper() coroutine.yield("<") while bucket do coroutine.yield(bucket:upper()) end coroutine.yield(">") end
function early() coroutine.yield() coroutine.yield(bucket) end
function later() coroutine.yield() coroutine.yield(bucket) error("later") end
function swap() coroutine.yield("a=") while bucket do coroutine.yield(bucket:reverse()) end coroutine.yield("&z") end
LUA
    (map { ("htdocs/$_.lua" => 'for i = 1, 4 do ngx.print("part ", i) ngx.flush(true) end') } qw(upper early later filterfails)),
    'htdocs/hooks.lua'   => 'ngx.print(ngx.ctx.n, " ", ngx.var.who)',
    'htdocs/swap.lua'    => 'ngx.req.read_body() ngx.print(ngx.req.get_body_data() or "none")',
    'htdocs/collect.lua' => 'collectgarbage() collectgarbage() ngx.print("ok")',
    'htdocs/hello.lua'   => 'ngx.say("hello ", ngx.var.arg_n, " ", require("mod").v)',
    'htdocs/big.lua'     => 'for i = 1, 20 do ngx.print(("x"):rep(10000)) end',
    'htdocs/body.lua'    => 'local r = ... local b = r:requestbody() ngx.print(b and #b or "none")',
    'htdocs/fails.lua'   => 'ngx.print("x") error("no")',
    'htdocs/cut.lua'     => 'ngx.print("x") ngx.flush(true) error("no")',
    'htdocs/deep.lua'    => 'local function f() return 1 + f() end f()',
    'htdocs/object.lua'  => 'error(setmetatable({}, { __tostring = function() error("x") end }))',
    'htdocs/co.lua'      => 'local c = coroutine.wrap(function() ngx.sleep(0) coroutine.yield(1) error("x") end) c() ngx.print(pcall(c))',
    'htdocs/close.lua'   => 'local c <close> = setmetatable({}, { __close = function() ngx.log(ngx.INFO, "closed") end }) ngx.exit(204)',
    'htdocs/redirect.lua' => 'ngx.redirect("/hello.lua")',
    'htdocs/exec.lua'    => 'ngx.ctx.a = 1 ngx.exec("/hello.lua?n=2")',
    'htdocs/kept.lua'    => 'local r = ... local old = package.loaded.old package.loaded.old = r ngx.print(tostring(old and pcall(function() return old.uri end)))',
    'htdocs/headers.lua' => 'local r = ... for k, v in pairs(r.headers_in) do ngx.header["X-" .. k] = v end ngx.header["X-List"] = { "a", "b" } ngx.print(r:escape_html("<a>"), ngx.md5("x"), ngx.encode_base64("abc"))',
    'htdocs/missing.lua' => 'ngx.print("missing ", ngx.status)',
    'htdocs/page.shtml'  => 'a <!--#include virtual="/hello.lua?n=3" --> b <!--#include virtual="/fails.lua" -->',
    'htdocs/plain.txt'   => "plain\n", 'htdocs/denied.txt' => '', 'htdocs/broken.txt' => '',
    'htdocs/ht/.htaccess' => "CoralHook fixup fix.lua\nCoralSet \$v \"set %{REQUEST_METHOD}\"\n<CoralHook access>\nlocal r = ...\nif r.args == 'no' then return 403 end\n</CoralHook>\n",
    'htdocs/ht/fix.lua'  => 'ngx.header["X-V"] = ngx.var.v',
    'htdocs/ht/a.txt'    => "a\n",
});
$valgrind->start($server, log => 'valgrind.log', options => "--vgdb-prefix='@{[$server->root]}/vgdb'", httpd => '-X');

# METHOD, path, body, status.
my @mix = map { [split] } grep /\S/, split /\n/, <<'MIX';
GET  /hello.lua?n=1   200
HEAD /hello.lua?n=1   200
GET  /hooks.lua       200
GET  /app/x           200
GET  /big.lua         200
POST /body.lua        200 a=b&c=d
POST /body.lua        413 LONG
POST /swap.lua        200 a=b&c=d
POST /hello.lua       200 nobody=reads
GET  /upper.lua       200
GET  /early.lua       200
GET  /later.lua       200
GET  /filterfails.lua 500
GET  /fails.lua       500
GET  /cut.lua         200
GET  /object.lua      500
GET  /co.lua          200
GET  /close.lua       204
GET  /redirect.lua    302
GET  /exec.lua        200
GET  /kept.lua        200
GET  /headers.lua     200
GET  /nothing         404
GET  /page.shtml      200
GET  /plain.txt       200
GET  /denied.txt      403
GET  /broken.txt      500
GET  /ht/a.txt        200
GET  /ht/a.txt?no     403
MIX
my ($asked, %wrong) = 0;

sub ask {
    my ($method, $path, $status, $body) = @{ $_[0] };
    $body = 'x' x 30_000 if ($body // '') eq 'LONG';
    my $code = $server->ask($method, $path, body => $body)->code;
    $wrong{"$path: $code"}++ if $code != $status;
    $asked++;
}

# Bytes in use, as valgrind counts them. It listens only while it runs code, so it gets some to run.
sub in_use {
    $server->get('/collect.lua');    # what is garbage is no growth
    my @vgdb = ('vgdb', '--vgdb-prefix=' . $server->root . '/vgdb', '--max-invoke-ms=0', "--pid=" . $server->pid, qw(leak_check summary any));
    my $file = $server->root . '/vgdb.out';
    defined(my $pid = fork) or die "fork: $!\n";
    if (!$pid) {
        open STDOUT, '>', $file;
        open STDERR, '>&', \*STDOUT;
        exec @vgdb or POSIX::_exit(127);
    }
    my $end = time + 30;
    while (!waitpid $pid, POSIX::WNOHANG()) {
        kill KILL => $pid if time > $end;
        $server->get('/plain.txt');
        sleep 0.05;
    }
    my ($sum, $said) = (0, Coral::File->follow($file, 0)->text);
    $sum += tr/,//dr for $said =~ /(?:lost|reachable|suppressed):\s*([\d,]+)/g;
    return $sum;
}

sub round { my $n = shift; ask($mix[$_ % @mix]) for 1 .. $n }
round(2 * @mix);
ask([GET => '/deep.lua', 500]);    # slow under valgrind
$server->write('lua/mod.lua', 'return { v = 2 }');
round(scalar @mix);
$server->write('lua/mod.lua', 'return {');
round(scalar @mix);
$server->write('lua/mod.lua', 'return { v = 3 }');
round(4 * @mix);
my $before = in_use();
round(int(1000 / @mix) * @mix - 8 * @mix);
my $after = in_use();
is_deeply \%wrong, {}, 'every request had the right status';
cmp_ok $asked, '>=', 950, "$asked requests";
ok $before && $after, 'valgrind says what is in use';
cmp_ok $after - $before, '<', 96 * 1024, 'no growth' or diag "from $before to $after bytes";
$server->stop;

my $log = Coral::File->follow($server->root . '/valgrind.log', 0)->text;
my ($errors) = $log =~ /.*ERROR SUMMARY: (\d+)/s;
my ($lost)   = $log =~ /.*definitely lost: ([\d,]+)/s;
is $errors, 0, 'valgrind found no errors' or diag substr $log, 0, 3000;
is $lost // 0, 0, 'nothing is lost' or diag substr $log, -1500;
ok $server->error_log !~ /exit signal|Segmentation/, 'and nothing crashed';

done_testing;
