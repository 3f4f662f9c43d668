# SPDX-License-Identifier: Apache-2.0
# CoralApp … wsapi: WSAPI 1.6 without its library.
use strict;
use warnings;
use Coral::Server;
use IO::Select;
use IO::Socket::INET;
use Test::More;
use Time::HiRes 'sleep';

my %apps = (
    'hello.lua' => <<'LUA',
local function run(env)
  return 200, { ["Content-type"] = "text/html" }, coroutine.wrap(function()
    coroutine.yield("<p>Hello</p>")
    coroutine.yield("<p>" .. env.PATH_INFO .. "</p>")
    coroutine.yield("<p>" .. env.SCRIPT_NAME .. "</p>")
  end)
end
return { run = run }
LUA
    'echo.lua' => <<'LUA',
return function(env)
  local parts = {}
  for word in env.QUERY_STRING:gmatch "[^&]+" do
    parts[#parts + 1] = word .. "=" .. tostring(env[word])
  end
  return 200, { ["Content-Type"] = "text/plain" }, coroutine.wrap(function() coroutine.yield(table.concat(parts, "\n")) end)
end
LUA
    'answers.lua' => <<'LUA',
local function one(text)
  local sent = false
  return function() if not sent then sent = true return text end end
end
local answers = {
  number = function() return 201, {}, one "made" end,
  text = function() return "404 Not Found", {}, one "no such thing" end,
  digits = function() return "203", {}, one "digits" end,
  float = function() return 202.0, {}, one "float" end,
  reason = function() return "299 Quite Special", {}, one "special" end,
  cookies = function() return 200, { ["Set-Cookie"] = { "a=1", "b=2" }, ["X-Number"] = 7, ["X-Flag"] = true }, one "cookies" end,
  nothing = function() return 204 end,
  noheaders = function() return 200, nil, one "no headers" end,
  empty = function() return 200, {}, function() end end,
  pieces = function()
    local list, i = { "a", "", 1, 2.5, "\0b" }, 0
    return 200, {}, function() i = i + 1 return list[i] end
  end,
  length = function() return 200, { ["Content-Length"] = 5 }, one "hello" end,
  chunked = function() return 200, { ["Transfer-Encoding"] = "chunked" }, one "hello" end,
  location = function() return "302 Found", { Location = "/elsewhere" } end,
  big = function()
    local i = 0
    return 200, {}, function() i = i + 1 if i <= 50 then return ("0123456789"):rep(10000) end end
  end,
  nostatus = function() end,
  badstatus = function() return "fine" end,
  lowstatus = function() return 7 end,
  badheaders = function() return 200, "text/html", one "x" end,
  badvalue = function() return 200, { ["X-A"] = "a\r\nX-B: b" }, one "x" end,
  raises = function() error "not today" end,
  object = function() error { 404, "object" } end,
  first = function() return 200, {}, function() error "before the first piece" end end,
  later = function()
    local i = 0
    return 200, {}, function()
      i = i + 1
      if i == 1 then return "the first piece" end
      error "in the iterator"
    end
  end,
  wholelater = function()
    local i = 0
    return 200, { ["Content-Length"] = 100 }, function()
      i = i + 1
      if i == 1 then return "begun" end
      error "in a whole answer"
    end
  end,
  head = function(env)
    return 200, { ["X-Method"] = env.REQUEST_METHOD, ["Content-Length"] = 5 }, function() error "HEAD has no body" end
  end,
  log = function(env)
    local back = env.error:write("to the ", "log ", 7, "\n")
    back:write("and more")
    env.error:write("\n")
    return 200, {}, one "logged"
  end,
}
return { run = function(env) return answers[env.PATH_INFO:sub(2)](env) end }
LUA
    'body.lua' => <<'LUA',
local function show(...)
  local out = {}
  for i = 1, select("#", ...) do
    local v = select(i, ...)
    out[i] = type(v) == "string" and ("%q"):format(v) or tostring(v)
  end
  return table.concat(out, "|")
end
local ways = {
  bytes = function(i) return show(i:read(3), i:read(100), i:read(1), i:read("*a")) end,
  all = function(i) return show(i:read("*a"), i:read("*a"), i:read(1)) end,
  none = function(i) return show(i:read(), i:read()) end,
  lines = function(i) return show(i:read("*l"), i:read("l"), i:read("*L"), i:read("*l"), i:read("*l")) end,
  each = function(i) local out = {} for line in i:lines() do out[#out + 1] = line end return show(table.unpack(out)) end,
  length = function(i) return show(i.length, i:read(i.length)) end,
  zero = function(i) return show(i:read(0), i:read(-1), i:read(2.0)) end,
  bad = function(i) return show((pcall(i.read, i, "*n")), (pcall(i.read, i, {})), i:read(1)) end,
  unread = function() return "unread" end,
  sum = function(i)
    collectgarbage() collectgarbage()
    local before, most, total, last = collectgarbage "count", 0, 0, nil
    for piece in function() return i:read(100000) end do
      total, last = total + #piece, piece
      collectgarbage "step"
      most = math.max(most, collectgarbage "count" - before)
    end
    return show(total, last:sub(-3), most < 4096)
  end,
}
return { run = function(env)
  local text = ways[env.PATH_INFO:sub(2)](env.input)
  local sent = false
  return 200, { ["Content-Type"] = "text/plain" }, function() if not sent then sent = true return text end end
end }
LUA
    'slow.lua' => <<'LUA',
return { run = function(env)
  return 200, { ["Content-Type"] = "text/plain" }, coroutine.wrap(function()
    coroutine.yield "first\n"
    ngx.sleep(0.2)
    coroutine.yield "second\n"
  end)
end }
LUA
    'endless.lua' => <<'LUA',
return { run = function(env)
  local n = 0
  return 200, {}, function()
    n = n + 1
    ngx.shared.seen:set("pieces", n)
    return ("x"):rep(100000)
  end
end }
LUA
    'seen.lua' => "return { run = function() local done return 200, {}, function() if not done then done = true return ngx.shared.seen:get 'pieces' or 0 end end end }\n",
    'module.lua' => "return 'my.app'\n",
    'lib/my/app.lua' => "local sent return { run = function() return 200, {}, coroutine.wrap(function() coroutine.yield 'a module' end) end }\n",
    'none.lua' => "return 7\n",
    'old.lua' => <<'LUA',
module("old", package.seeall)
function run(env) return 200, {}, coroutine.wrap(function() coroutine.yield(type(old) .. " " .. _NAME) end) end
LUA
    'site/site.ws' => "return require 'blog'\n",
    'site/blog.lua' => <<'LUA',
local text = assert(io.open("note.txt")):read "a"
local conf = assert(loadfile("conf.lua", "t", {}))()
local lines = {}
for line in io.lines("note.txt") do lines[#lines + 1] = line end
local written = assert(io.open("data.txt", "w"))
written:write("data") written:close()
assert(os.rename("data.txt", "data2.txt"))
local data = assert(io.open(APP and "" or "data2.txt")):read "a"
return { run = function(env)
  return 200, {}, coroutine.wrap(function() coroutine.yield(text .. conf .. #lines .. data .. " " .. env.APP_PATH:match "[^/]*$" .. " " .. env.SCRIPT_FILENAME:match "[^/]*$") end)
end }
LUA
    'site/note.txt' => "note\n", 'site/conf.lua' => "return 'conf'\n",
    'uses.lua' => "local lib = function() return require 'wsapi.request' end\nreturn function() return 200, {}, coroutine.wrap(function() coroutine.yield 'known by its text' end) end\n",
);
my $server = Coral::Server->new(config => <<'CONF', files => \%apps);
CoralSharedDict seen 64k
CoralPackagePath "@ROOT@/lib/?.lua"
CoralApp /hello   ./hello.lua wsapi
CoralApp /echo    ./echo.lua wsapi
CoralApp /answers ./answers.lua wsapi
CoralApp /body    ./body.lua wsapi
CoralApp /slow    ./slow.lua
CoralApp /endless ./endless.lua
CoralApp /seen    ./seen.lua
CoralApp /module  ./module.lua wsapi
CoralApp /none    ./none.lua wsapi
CoralApp /old     ./old.lua
CoralApp /site    ./site
CoralApp /uses    ./uses.lua
SetEnv FROM_CONF "set in httpd.conf"
<Location /placed>
CoralApp ./hello.lua
</Location>
<LocationMatch ^/matched/\d+>
CoralApp ./hello.lua
</LocationMatch>
<Location /taken>
CoralHook access taken.lua
CoralApp ./body.lua
</Location>
<Location /small>
LimitRequestBody 1000
CoralApp ./body.lua
</Location>
CONF
$server->write('taken.lua', "ngx.req.read_body()\n");
chmod 0777, $server->root . '/site';
ok $server->start, 'the server starts' or die $server->output . $server->error_log;

sub get { my ($path, $want, $name) = @_; my $answer = $server->get($path); is $answer->code . ' ' . $answer->content, $want, $name // $path; return $answer }

subtest 'how an app is found' => sub {
    get('/hello', '200 <p>Hello</p><p>/</p><p>/hello</p>');
    get('/hello/', '200 <p>Hello</p><p>/</p><p>/hello</p>');
    get('/hello/a%20b/c', '200 <p>Hello</p><p>/a b/c</p><p>/hello</p>');
    get('/placed/x', '200 <p>Hello</p><p>/x</p><p>/placed</p>', 'in a <Location>, detected');
    get('/matched/7', '200 <p>Hello</p><p>/matched/7</p><p></p>', 'where the prefix is not known');
    get('/module', '200 a module', 'the name of a module');
    get('/old', '200 table old', 'made by module(...)');
    get('/site', '200 note' . "\nconf1data site site.ws", 'a folder is where an app is at home');
    get('/uses', '200 known by its text', 'known by what it requires');
    my $log = $server->log;
    is $server->get('/none')->code, 500, 'none';
    ok $log->wait(qr/none\.lua is no app: it returns neither a function, nor a table with `run`/), 'is told' or diag $log->text;
};

subtest 'the environment' => sub {
    my $env = sub {
        my ($names, %with) = @_;
        my $content = $server->ask($with{method} // 'GET', "/echo$with{path}?" . join('&', @$names), headers => $with{headers} // [], body => $with{body})->content;
        return { map { split /=/, $_, 2 } split /\n/, $content };
    };
    my $got = $env->([qw(REQUEST_METHOD QUERY_STRING PATH_INFO SCRIPT_NAME SERVER_PROTOCOL SERVER_PORT REMOTE_ADDR REQUEST_URI GATEWAY_INTERFACE
        SERVER_SOFTWARE FROM_CONF HTTP_X_TWO_WORDS HTTP_HOST HTTP_PROXY NOT_THERE HTTPS CONTENT_LENGTH CONTENT_TYPE APP_PATH SCRIPT_FILENAME DOCUMENT_ROOT SERVER_NAME
        REMOTE_USER REMOTE_PORT SERVER_ADDR HTTP_NOT_THERE 7)], path => '/a/b', headers => ['X-Two-Words' => 'two words', Proxy => 'http://evil.example/']);
    my ($port, $root) = ($server->port, $server->root);
    is $got->{$_->[0]}, $_->[1], "$_->[0]:" for ['REQUEST_METHOD', 'GET'], ['PATH_INFO', '/a/b'], ['SCRIPT_NAME', '/echo'], ['SERVER_PROTOCOL', 'HTTP/1.1'],
        ['SERVER_PORT', $port], ['REMOTE_ADDR', '127.0.0.1'], ['GATEWAY_INTERFACE', 'CGI/1.1'], ['FROM_CONF', 'set in httpd.conf'],
        ['HTTP_X_TWO_WORDS', 'two words'], ['HTTP_HOST', "127.0.0.1:$port"], ['HTTP_PROXY', ''], ['NOT_THERE', ''], ['HTTP_NOT_THERE', ''], ['HTTPS', ''],
        ['CONTENT_LENGTH', ''], ['CONTENT_TYPE', ''], ['REMOTE_USER', ''], ['SERVER_ADDR', '127.0.0.1'], ['APP_PATH', $root], ['SCRIPT_FILENAME', "$root/echo.lua"], ['7', ''];
    like $got->{$_->[0]}, $_->[1], $_->[0] for ['QUERY_STRING', qr/^REQUEST_METHOD&QUERY_STRING/], ['SERVER_SOFTWARE', qr/^Apache/],
        ['REQUEST_URI', qr{^/echo/a/b\?REQUEST}], ['DOCUMENT_ROOT', qr{htdocs}], ['SERVER_NAME', qr/./], ['REMOTE_PORT', qr/^\d+$/];
    $got = $env->(['CONTENT_LENGTH', 'CONTENT_TYPE', 'REQUEST_METHOD'], path => '', method => 'POST', body => 'abc', headers => ['Content-Type' => 'text/x']);
    is_deeply $got, { CONTENT_LENGTH => 3, CONTENT_TYPE => 'text/x', REQUEST_METHOD => 'POST' }, 'of a POST';
};

subtest 'answers' => sub {
    get('/answers/number', '201 made');
    get('/answers/text', '404 no such thing');
    get('/answers/digits', '203 digits');
    get('/answers/float', '202 float');
    get('/answers/reason', '299 special');
    my $cookies = get('/answers/cookies', '200 cookies');
    is_deeply [$cookies->header('Set-Cookie')], ['a=1', 'b=2'], 'several of a header';
    is $cookies->header('X-Number') . $cookies->header('X-Flag'), '7true', 'values that are no text';
    get('/answers/nothing', '204 ');
    get('/answers/noheaders', '200 no headers');
    get('/answers/empty', '200 ');
    get('/answers/pieces', "200 a12.5\0b");
    is get('/answers/length', '200 hello')->header('Content-Length'), 5, 'a length of its own';
    get('/answers/chunked', '200 hello');
    is $server->get('/answers/location')->header('Location'), '/elsewhere', 'a redirect';
    my $big = $server->get('/answers/big')->content;
    is length $big, 5_000_000, 'five megabytes' or diag substr $big, 0, 100;
    my $head = $server->ask(HEAD => '/answers/head');
    is $head->code . $head->header('X-Method') . $head->content, '200HEAD', 'HEAD: the head, and no iterator';
    is $head->header('Content-Length'), 5, 'with its length';
    my $log = $server->log;
    get('/answers/log', '200 logged');
    ok $log->wait(qr/\[coral:error\].* to the log 7$/m), 'the error stream is the error log' or diag $log->text;
    ok $log->wait(qr/ and more$/m), 'write can be called again';
};

subtest 'mistakes' => sub {
    for ([nostatus => qr/the application returned nil for a status/], [badstatus => qr/returned "fine" for a status/], [lowstatus => qr/returned 7 for a status/],
        [badheaders => qr/returned a string for headers/], [badvalue => qr/X-A|header|control/i], [raises => qr/answers\.lua:\d+: not today/],
        [object => qr/error/], [first => qr/before the first piece/]) {
        my ($name, $pattern) = @$_;
        my $log = $server->log;
        my $answer = $server->get("/answers/$name");
        is $answer->code, 500, "$name: 500";
        unlike $answer->content, qr/\.lua|first piece/, "$name: nothing of it for the client";
        ok $log->wait(qr/$pattern/), "$name: told in the log" or diag $log->text;
    }
    for ([later => 'the first piece'], [wholelater => 'begun']) {
        my ($name, $begun) = @$_;
        my $log = $server->log;
        my $all = $server->raw("GET /answers/$name HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        unlike $all, qr/\r\n0\r\n\r\n\z/, "$name: the answer is cut";
        like $all, $name eq 'later' ? qr/^HTTP\S+ 200 .*\Q$begun\E/s : qr/^HTTP\S+ (?:500|200.*\Q$begun\E\z)/s, "$name: or is a 500 if nothing had gone out";
        ok $log->wait(qr/in (?:the iterator|a whole answer)/), "$name: told in the log" or diag $log->text;
    }
};

sub post { my ($path, $body) = @_; $server->raw("POST $path HTTP/1.0\r\nContent-Length: @{[length $body]}\r\n\r\n$body") =~ s/.*?\r\n\r\n//sr }
sub chunks { my ($path, @chunks) = @_; $server->raw("POST $path HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n" . join '', map({ sprintf "%x\r\n%s\r\n", length, $_ } @chunks), "0\r\n\r\n") }
sub connected { my $s = IO::Socket::INET->new('127.0.0.1:' . $server->port); $s->autoflush(1); $s }
sub rest { my $s = shift; local $/; alarm 20; my $all = <$s>; alarm 0; $all }

subtest 'input' => sub {
    is post('/body/bytes', 'hello world'), '"hel"|"lo world"|nil|""', 'bytes';
    is post('/body/all', 'hello'), '"hello"|""|nil', '*a';
    is post('/body/none', 'hello'), '"hello"|""', 'without an argument';
    is post('/body/lines', "one\ntwo\n\nfour"), qq{"one"|"two"|"\\\n"|"four"|nil}, 'lines';
    is post('/body/each', "one\n\ntwo\n"), '"one"|""|"two"', 'an iterator of lines';
    is post('/body/length', 'hello'), '5|"hello"', 'its length';
    is post('/body/zero', 'hello'), 'nil|nil|"he"', 'no bytes';
    is post('/body/bad', 'hello'), 'false|false|"h"', 'what it does not know';
    is post('/body/unread', 'hello' x 1000), 'unread', 'not read';
    is post('/body/all', ''), '""|""|nil', 'no body';
    is post('/body/bytes', ''), 'nil|nil|nil|""', 'no body, in bytes';
    like chunks('/body/all', 'abc', 'def'), qr/"abcdef"\|""\|nil/, 'in chunks';
    like chunks('/body/length', 'abc', 'def'), qr/0\|nil/, 'which have no length';
    is post('/taken/bytes', 'hello world'), '"hel"|"lo world"|nil|""', 'a hook has read it: bytes';
    is post('/taken/lines', "one\ntwo\n\nfour"), qq{"one"|"two"|"\\\n"|"four"|nil}, 'a hook has read it: lines';
    is post('/taken/all', ''), '""|""|nil', 'a hook has read nothing';
    is $server->get('/body/all')->content, '""|""|nil', 'GET';
    my $sum = post('/body/sum', ('0123456789' x 100_000) x 40 . 'end');
    is $sum, '40000003|"end"|true', '40 MB go by and are not kept';
    like $server->raw("POST /small/all HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1001\r\n\r\n" . 'x' x 1001), qr/^HTTP\S+ 413/, 'LimitRequestBody';
    like chunks('/small/all', ('x' x 600) x 2), qr/^HTTP\S+ 413/, 'in chunks, too';
    my $socket = connected();
    print $socket "POST /body/all HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 10\r\n\r\nhello";
    sleep 0.3;
    print $socket 'world';
    like rest($socket), qr/"helloworld"/, 'a slow client';
    my $log = $server->log;
    $socket = connected();
    print $socket "POST /body/all HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 10\r\n\r\nhello";
    shutdown $socket, 1;
    unlike rest($socket), qr/"hello"/, 'a body that breaks off is no body';
    unlike $log->text, qr/coral:(?:error|crit)/, 'which is no error of ours' or diag $log->text;
};

subtest 'streams' => sub {
    my $socket = connected();
    print $socket "GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    my $first = '';
    1 while $first !~ /first/ && IO::Select->new($socket)->can_read(10) && sysread $socket, $first, 65536, length $first;
    like $first, qr/first\n/, 'the first piece comes at once';
    unlike $first, qr/second/, 'without the second';
    like rest($socket), qr/second\n/, 'which comes, too';
    is $server->get('/slow')->content, "first\nsecond\n", 'the whole';

    my $seen = sub { $server->get('/seen')->content };
    $socket = connected();
    print $socket "GET /endless HTTP/1.1\r\nHost: a\r\n\r\n";
    my ($before, $now) = (-1, 0);
    for (1 .. 100) { last if ($now = $seen->()) > 0 && $now == $before; $before = $now; sleep 0.1 }
    ok $now > 0, 'an endless answer begins';
    is $seen->(), $now, "and stops while its client takes nothing ($now pieces)";
    ok sysread($socket, my $some, 65536), 'some is taken' for 1 .. 100;
    my $later;
    for (1 .. 100) { last if ($later = $seen->()) > $now; sysread $socket, my $more, 1 << 20; sleep 0.02 }
    ok $later > $now, 'and it goes on';
    close $socket;
    for (1 .. 100) { $before = $now; sleep 0.1; $now = $seen->(); last if $now == $before }
    is $now, $before, 'and ends when the client has gone';
};

my @errors = grep !/answers|no app|to the log|and more/, $server->error_log =~ /^.*\[coral:(?:error|crit|alert|emerg)\].*\n/mg;
is "@errors", '', 'nothing else went wrong';
$server->stop;

# 200 at once on 8 threads: who waits has none.
SKIP: {
    skip 'only the event MPM parks', 3 if Apache::Test::vars('coral_mpm') ne 'event';
    my $server = Coral::Server->new(config => <<'CONF', files => { 'wait.lua' => <<'LUA' });
StartServers 1
ServerLimit 1
ThreadsPerChild 8
MaxRequestWorkers 8
MinSpareThreads 1
MaxSpareThreads 8
AsyncRequestWorkerFactor 200
CoralApp /wait ./wait.lua wsapi
CONF
local running, most = 0, 0
local function wait()
  running = running + 1
  if running > most then most = running end
  local sock = ngx.socket.tcp()
  sock:settimeout(200)
  assert(sock:connect("127.0.0.1", tonumber(ngx.var.server_port)))
  local _, err = sock:receive() -- a server that waits, too
  assert(err == "timeout", err)
  running = running - 1
end
return { run = function(env)
  local ways = {
    ["/most"] = function() coroutine.yield(tostring(most)) end,
    ["/run"] = function() coroutine.yield "done" end,
    ["/iterator"] = function() coroutine.yield "begun " wait() coroutine.yield "done" end,
  }
  if env.PATH_INFO == "/run" then wait() end
  return 200, {}, coroutine.wrap(ways[env.PATH_INFO])
end }
LUA
    $server->write('httpd.conf', Coral::File->follow($server->root . '/httpd.conf', 0)->text . "CoralStates 0 1\n");
    ok $server->start, 'a server of 8 threads' or diag $server->output, $server->error_log;
    my @sockets = map { IO::Socket::INET->new('127.0.0.1:' . $server->port) } 1 .. 200;
    my $n = 0;
    print $_ 'GET /wait/', (++$n % 2 ? 'run' : 'iterator'), " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" for @sockets;
    is scalar(grep { rest($_) =~ /^HTTP\S+ 200.*done/s } @sockets), 200, '200 answers, half of them wait in their iterator';
    cmp_ok $server->get('/wait/most')->content, '>', 100, 'more at a time than there are threads';
}
done_testing;
