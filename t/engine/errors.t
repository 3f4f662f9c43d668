# SPDX-License-Identifier: Apache-2.0
# Scripts that fail: the client gets a 500 and nothing else, the log says all, the server goes on.
use strict;
use warnings;
use Coral::Server;
use Test::More;

my $server = Coral::Server->new(config => <<'CONF', files => {
CoralReload stat 0
CoralStates 0 2
<Location /shown/>
    CoralErrorPage on
</Location>
Alias /shown/ @ROOT@/htdocs/
<Location /quick>
    CoralHook content lua/ok.lua
</Location>
CONF
    'lua/ok.lua'      => 'ngx.print("ok")',
    'htdocs/ok.lua'   => 'ngx.print("ok")',
    'htdocs/page.txt' => "page\n",
});
ok $server->start, 'starts' or diag $server->output, $server->error_log;
my $log = $server->log;

# What every failure has in common. words: what the log says; line: of the script.
sub fails {
    my ($name, $lua, %want) = @_;
    my $uri = $want{uri} || '/case.lua';
    $server->write('htdocs/case.lua', $lua) if defined $lua;
    my $log = $server->log;
    my $response = $server->get($uri);
    is $response->code, 500, "$name: 500";
    unlike $response->content, qr/SECRET|traceback|\.lua|\Q@{[$server->root]}/, "$name: the client sees nothing of it";
    my $entry = $log->wait(qr/^.*\[coral:error\].*failed: .*$/m);
    like $entry, qr/$_/, "$name: the log has $_" for @{ $want{words} || [] };
    like $entry, qr/case\.lua:$want{line}: /, "$name: file and line" if $want{line};
    like $entry, qr/hook \Q@{[$want{phase} || 'content']}\E \S+/, "$name: phase and script";
    like $entry, qr{request: GET \Q$uri\E HTTP/1\.1; traceback: }, "$name: request and traceback";
    cmp_ok length $entry, '<', 8192, "$name: a line of the log, no more";
    is $server->get('/ok.lua')->content, 'ok', "$name: the server goes on";
    return $entry;
}

# What is thrown.
fails 'a string',          'error("SECRET text")', words => ['SECRET text'], line => 1;
fails 'a later line',      "\n\n\nlocal x\n\nerror('SECRET')", words => ['SECRET'], line => 6;
fails 'level 0',           'error("SECRET bare", 0)', words => ['failed: SECRET bare;'];
fails 'nothing',           'error()', words => ['nil'];
fails 'nil',               'error(nil)', words => ['nil'];
fails 'a number',          'error(42)', words => ['42'];
fails 'a boolean',         'error(false)', words => ['boolean'];
fails 'a table',           'error({ code = 1 })', words => ['table'];
fails 'a function',        'error(print)', words => ['function'];
fails 'a coroutine',       'error(coroutine.create(print))', words => ['thread'];
fails 'a userdata',        'error(io.stdout)', words => ['file'];
fails '__tostring',        'error(setmetatable({}, { __tostring = function() return "SECRET told" end }))', words => ['SECRET told'];
fails '__tostring, bad',   'error(setmetatable({}, { __tostring = function() return {} end }))', words => ['__tostring'];
fails '__tostring, fails', 'error(setmetatable({}, { __tostring = function() error("SECRET") end }))',
    words => ['__tostring', 'traceback: .*case\.lua:1:'];
fails '__tostring, endless', 'local t = setmetatable({}, {}) getmetatable(t).__tostring = function() return tostring(t) end error(t)',
    words => ['__tostring'];
fails '__tostring that waits', 'error(setmetatable({}, { __tostring = function() ngx.sleep(0) return "SECRET" end }))',
    words => ['__tostring|SECRET'];
fails 'an empty string',   'error("", 0)';
fails '10 MB',             'error(("SECRET"):rep(1700000))', words => ['SECRETSECRET', ' \.\.\.;'];

my $entry = fails 'NUL, line feeds, terminal escapes',
    'error("SECRET before\0SECRET after\nFORGED: line\r\n\27[31mred\127\1")', words => ['SECRET before', 'SECRET after'];
ok $server->error_log !~ /^FORGED/m, 'no line of the log is forged';
unlike $entry, qr/[\x00-\x08\x0b-\x1f\x7f]/, 'no control characters in the log';
$entry = fails 'bytes that are no text', 'error("SECRET \xff\xfe\xc3")', words => ['SECRET'];

# What Lua throws.
fails 'arithmetic on nil',    'local a return 1 + a', words => ['attempt to perform arithmetic on a nil value'], line => 1;
fails 'a call of nil',        'nobody()', words => ["attempt to call a nil value \\(global 'nobody'\\)"], line => 1;
fails 'an index of nil',      'return nobody.at.home', words => ["attempt to index a nil value"], line => 1;
fails 'a comparison',         'return {} < 1', words => ['attempt to compare'], line => 1;
fails 'a concatenation',      'return "a" .. {}', words => ['attempt to concatenate'], line => 1;
fails 'a bad argument',       '("x"):rep({})', words => ["bad argument #1 to 'rep'"], line => 1;
fails 'an assert',            'assert(false, "SECRET assertion")', words => ['SECRET assertion'];
fails 'an assert of nil',     'assert(nil)', words => ['assertion failed!'];
fails 'a module that is not', 'require "not.there"', words => ["module 'not.there' not found"], line => 1;
$server->write('htdocs/syntax.lua', "local a\nif then");
fails 'a syntax error', undef, uri => '/syntax.lua', words => ["syntax\\.lua:2: unexpected symbol near 'then'"];
$server->write('htdocs/binary.lua', "\eLuarubbish");
fails 'bytecode', undef, uri => '/binary.lua', words => ['binary'];
fails 'bytecode that is loaded', 'assert(load(string.dump(function() end) .. "x", "x", "b"))', words => ['attempt to load a binary chunk'];
fails 'too many results',     'return table.unpack({}, 1, 1e7)', words => ['too many results'];

# Runaways.
fails 'recursion',               'local function f() return 1 + f() end f()', words => ['stack overflow'], line => 1;
fails 'recursion through pcall', 'local function f() local ok, e = pcall(f) error(e, 0) end f()', words => ['stack overflow|C stack'];
fails 'recursion through gsub',  'local function f() return (("x"):gsub("x", f)) end f()', words => ['stack overflow|C stack'];
fails 'recursion through a metamethod',
    'local t = setmetatable({}, {}) getmetatable(t).__index = function(_, k) return t[k .. "x"] end return t.a',
    words => ['stack overflow|C stack'];
fails 'recursion through __concat', 'local t t = setmetatable({}, { __concat = function() return t .. 1 end }) return t .. 1',
    words => ['stack overflow|C stack'];
fails 'recursion through sort', 'local function f() table.sort({ 2, 1 }, f) end f()', words => ['stack overflow|C stack|invalid order'];
fails 'recursion of coroutines', 'local function f() local ok, e = coroutine.resume(coroutine.create(f)) error(e, 0) end f()',
    words => ['stack overflow|C stack'];
fails 'recursion through wrap',  'local function f() coroutine.wrap(f)() end f()', line => 1;
fails 'recursion of a coroutine', 'assert(coroutine.resume(coroutine.create(function() local function f() return 1 + f() end f() end)))',
    words => ['stack overflow'];
fails 'recursion of load',       'local function f() return load("return ...")(f()) end f()', words => ['stack overflow'];
fails 'a pattern too complex',   'return ("x"):rep(300000):find(("x?"):rep(300) .. "y")', words => ['pattern too complex'], line => 1;
fails 'a string too long',       'return ("x"):rep(1 << 40, ("y"):rep(1 << 20))', words => ['resulting string too large'], line => 1;
fails 'no memory',               'return ("x"):rep(1 << 50)', words => ['not enough memory|too large'];
fails 'no memory, then more',    'local ok, e = pcall(string.rep, "x", 1 << 50) error("SECRET " .. tostring(ok))', words => ['SECRET false'];
fails 'deep nesting to print',   'local t = {} for i = 1, 300000 do t = { t } end ngx.print(t)', words => ['nested too deeply|stack overflow|C stack'];
fails 'a table that holds itself', 'local t = {} t[1] = t ngx.print(t)', words => ['nested too deeply|stack overflow|C stack'];

# Errors in odd places.
fails 'in coroutine.wrap',  "local f = coroutine.wrap(function()\nerror('SECRET wrapped')\nend)\nf()", words => ['SECRET wrapped'], line => 2;
fails 'in a coroutine, a table', 'coroutine.wrap(function() error({}) end)()', words => ['table'];
fails 'in __close',         "local c <close> = setmetatable({}, { __close = function()\nerror('SECRET closing') end })",
    words => ['SECRET closing'], line => 2;
fails 'in __close, after an error', "local c <close> = setmetatable({}, { __close = function() error('SECRET second') end })\nerror('SECRET first')",
    words => ['SECRET (?:first|second)'];
fails 'a value that can not be closed', 'local c <close> = 42', words => ['non-closable'];
fails 'in an iterator',     'for _ in function() error("SECRET iterator") end do end', words => ['SECRET iterator'];
fails 'in a finished coroutine', 'local co = coroutine.wrap(function() end) co() co()', words => ['cannot resume dead coroutine'], line => 1;
fails 'a yield across a C call', '("x"):gsub("x", function() coroutine.yield() end)', words => ['attempt to yield'];
fails 'a wait across a C call',  'table.sort({ 1, 2, 3 }, function() ngx.sleep(0.01) return false end)', words => ['cannot wait here'];
fails 'a body that can not be read here', '("x"):gsub("x", function() ngx.req.read_body() end)', words => ['cannot wait here'];

# What a hook may not return.
fails 'a string returned',   'return "SECRET"', words => ['returned a string'];
fails 'a table returned',    'return {}', words => ['returned a table'];
fails 'a boolean returned',  'return true', words => ['returned a boolean'];
fails 'half a number returned', 'return 1.5', words => ['returned a number|1\.5'];
fails 'no status returned',  'return 99', words => ['returned 99'];
fails 'no status either',    'return 600', words => ['returned 600'];
fails 'far from a status',   'return math.maxinteger', words => ['returned \d+'];
fails 'no status for exit',  'ngx.exit(1000)', words => ['not a status'], line => 1;

ok $log->text !~ /exit signal/, 'no child has crashed';

# An error that is caught is none; in __gc it is Lua's to warn of.
sub passes {
    my ($name, $lua, $want) = @_;
    $server->write('htdocs/case.lua', $lua);
    my $log = $server->log;
    my $response = $server->get('/case.lua');
    is $response->code, 200, "$name: 200";
    is $response->content, $want, $name;
    unlike $log->text, qr/failed:/, "$name: nothing failed";
}
passes 'pcall', 'ngx.print(select("#", pcall(error)))', '2';
passes 'xpcall with a traceback', 'local ok, t = xpcall(error, debug.traceback, "x") ngx.print(ok, t:match("^x\nstack traceback") and 1)', 'false1';
passes 'pcall around a wait', 'ngx.print(pcall(function() ngx.sleep(0.01) error("x", 0) end))', 'falsex';
passes 'an error in __gc', 'setmetatable({}, { __gc = function() error("in gc") end }) collectgarbage() ngx.print("fine")', 'fine';
passes 'coroutine.close with an error',
    'local co = coroutine.create(function() local c <close> = setmetatable({}, { __close = function() error("x", 0) end }) coroutine.yield() end)'
    . ' coroutine.resume(co) ngx.print(coroutine.close(co))', 'falsex';
passes 'many failed coroutines', 'local n = 0 for i = 1, 2000 do if not pcall(coroutine.wrap(function() error("x") end)) then n = n + 1 end end ngx.print(n)', '2000';

# What has been written is not sent, unless some of it is out already: then the client sees that it is cut.
$server->write('htdocs/late.lua', 'ngx.say("SECRET half") error("late")');
my $late = $server->get('/late.lua');
is $late->code, 500, 'an error after output that is not sent yet';
unlike $late->content, qr/half/, 'takes the output back';
$server->write('htdocs/flushed.lua', 'ngx.status = 201 ngx.say("half") ngx.flush(true) error("SECRET late")');
my $raw = $server->raw("GET /flushed.lua HTTP/1.1\r\nHost: x\r\n\r\nGET /ok.lua HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
like $raw, qr/^HTTP\/1\.1 201 .*half/s, 'an error after some of it is out';
unlike $raw, qr/\r\n0\r\n/, 'no last chunk';
unlike $raw, qr/500|SECRET|\r\n\r\nok/, 'nothing is added, nothing follows';
$raw = $server->raw("GET /flushed.lua HTTP/1.0\r\n\r\n");
like $raw, qr{^HTTP/1\.[01] 500 }, 'for HTTP/1.0 flush sends nothing yet (CoralHttp10Buffering)';
unlike $raw, qr/half|SECRET/, 'so the output is taken back';
$server->write('htdocs/length.lua', 'ngx.header["Content-Length"] = 10 ngx.print("half") ngx.flush(true) error("late")');
$raw = $server->raw("GET /length.lua HTTP/1.1\r\nHost: x\r\n\r\nGET /ok.lua HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
like $raw, qr/\r\n\r\nhalf\z/, 'with a length that was promised: it is too short and the connection is closed';
$server->write('htdocs/much.lua', 'for i = 1, 100 do ngx.print(("x"):rep(10000)) end error("late")');
$raw = $server->raw("GET /much.lua HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
unlike $raw, qr/\r\n0\r\n/, 'much output goes out by itself: cut too';

# Each phase.
my @early = qw(server_rewrite translate_name map_to_storage quick);
my @dir   = qw(rewrite access authn authz type fixup precontent insert_filter content header_filter body_filter log);
my %files = map { ("lua/$_.lua" => "if ngx.var.arg_fail then\nerror('SECRET in $_') end\n") } @early, @dir;
$files{'lua/f.lua'} = "function run(r) if r.args and r.args:find('fail') then\nerror('SECRET in a function') end end\n";
$files{'htdocs/page.txt'} = "page\n";
$files{users} = "alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n";
my $users = "AuthType Basic\nAuthName x\nAuthUserFile \@ROOT\@/users\nRequire valid-user\n";
my $config = '';
for my $phase (@dir) {
    my $early = $phase eq 'authn' ? ' early' : '';    # before mod_auth_basic, which is content with alice
    my $more = ($phase =~ /^auth/ ? $users : '') . ($phase eq 'content' ? "CoralMapToStorage on\n" : '');
    $config .= "<Location /in_$phase/>\nCoralHook $phase lua/$phase.lua$early\n$more</Location>\n"
        . "<Location /fun_$phase/>\nCoralHook $phase lua/f.lua run$early\n$more</Location>\n"
        . ($phase eq 'content' ? '' : "Alias /in_$phase/ \@ROOT\@/htdocs/\nAlias /fun_$phase/ \@ROOT\@/htdocs/\n");
}
$server->stop;
for my $phase (@early) {
    my $one = Coral::Server->new(config => "CoralHook $phase lua/$phase.lua\n", files => \%files);
    ok $one->start, "$phase: starts" or diag $one->output;
    fails_in($one, '/page.txt', $phase, "SECRET in $phase", 500);
}
my $all = Coral::Server->new(config => $config, files => \%files);
ok $all->start, 'all other phases: starts' or diag $all->output;
for my $phase (@dir) {
    fails_in($all, "/in_$phase/page.txt",  $phase, "SECRET in $phase", $phase eq 'log' ? 200 : 500);
    fails_in($all, "/fun_$phase/page.txt", $phase, 'SECRET in a function', $phase eq 'log' ? 200 : 500);
}

sub fails_in {
    my ($on, $uri, $phase, $words, $code) = @_;
    my @user = $phase =~ /^auth/ ? (Authorization => 'Basic YWxpY2U6c2VjcmV0') : ();
    my $fine = $on->get($uri, @user)->code;
    is $fine, 200, "$uri: fine while nothing fails";
    my $log = $on->log;
    my $response = $on->get("$uri?fail=1", @user);
    is $response->code, $code, "$uri: code";
    unlike $response->content, qr/SECRET|\.lua/, "$uri: the client sees nothing of it";
    is $response->content, "page\n", "$uri: the response stands" if $phase eq 'log';
    ok $log->wait(qr/hook $phase \S+\.lua.*failed: \S+\.lua:\d: \Q$words\E; request: GET \Q$uri\E\?fail=1 HTTP.*; traceback: .*\w/),
        "$uri: logged in full" or diag $log->text;
    my @times = $log->text =~ /\Q$words\E; request/g;
    is scalar @times, 1, "$uri: once";
    is $on->get($uri, @user)->code, 200, "$uri: goes on";
}

# CoralErrorPage on.
$server = Coral::Server->new(config => "CoralErrorPage on\n", files => {
    'htdocs/case.lua' => "\nerror('<b>SECRET</b>')", 'htdocs/half.lua' => 'ngx.say("half") ngx.flush(true) error("SECRET")' });
ok $server->start, 'CoralErrorPage on';
my $page = $server->get('/case.lua');
is $page->code, 500, 'code';
like $page->content, qr/case\.lua:2: /, 'file and line';
like $page->content, qr/&lt;b&gt;SECRET&lt;\/b&gt;/, 'the message, escaped';
unlike $page->content, qr/<b>SECRET/, 'and only so';
like $page->header('Content-Type'), qr{^text/html}, 'as a page';
unlike $server->raw("GET /half.lua HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), qr/SECRET/, 'but not in the middle of a response';

done_testing;
