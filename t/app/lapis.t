# SPDX-License-Identifier: Apache-2.0
# An application of Lapis, as it is, in Lua and in MoonScript, with PostgreSQL.
use strict;
use warnings;
use Coral::File;
use Coral::Library;
use Coral::Server;
use Coral::Service;
use IO::Socket::INET;
use POSIX ();
use Test::More;
use Time::HiRes 'sleep';

my $library  = Coral::Library->need(qw(lapis cjson lpeg socket.core _openssl ansicolors date etlua loadkit pgmoon resty.upload ?moonscript ?re));
my $postgres = Coral::Service->need('postgres');
my $top      = Apache::Test::vars()->{top_dir};
@ENV{qw(SITE_PG_PORT SITE_PG_USER SITE_PG_PASSWORD SITE_PG_DATABASE PGPASSWORD)} = ($postgres->port, qw(app secret postgres secret));
delete $ENV{LAPIS_ENVIRONMENT};
$postgres->tool('psql', '-q', '-h', '127.0.0.1', '-p', $postgres->port, '-U', 'app', 'postgres', '-f', "$top/t/app/lapis/lua/schema.sql");

my $server = Coral::Server->new(
    files => {
        'one/app.lua' => app_text('one'), 'one/config.lua' => config_text('first', 'on'),
        'two/app.lua' => app_text('two'), 'two/config.lua' => config_text('second', 'off'),
        'none/app.lua' => "return { }\n", 'single.lua' => app_text('single') =~ s/"helper"/"string"/r =~ s/helper\.word/"alone"/r,
        'one/helper.lua' => "return { word = 'helps' }\n", 'two/helper.lua' => "return { word = 'hilft' }\n",
        (map { my $name = $_; "$name/site.lua" => app_text($name), "$name/helper.lua" => "return { word = 'elsewhere' }\n",
            "$name/config.lua" => qq(require "lapis.config"("development", { $name = "site" })\n) } qw(app_class default_app_module)),
        'late/app.lua' => "require 'no_such_module'\n",
    },
    config => $library->config . <<'END');
CoralSharedDict page_cache 1m
LogLevel coral:notice
CoralReload stat 0
<IfModule !mpm_prefork_module>
    StartServers 1
    ServerLimit  1
    AsyncRequestWorkerFactor 20
</IfModule>
CoralApp /one   "@ROOT@/one" lapis
CoralApp /two   "@ROOT@/two"
CoralApp /none  "@ROOT@/none" lapis
CoralApp /late  "@ROOT@/late" lapis
CoralApp /app_class "@ROOT@/app_class" lapis
CoralApp /default_app_module "@ROOT@/default_app_module" lapis
CoralApp /single "@ROOT@/single.lua" lapis
<Location /one>
    CoralEnvironment production
    <CoralHook access>
        ngx.ctx.told = "by a hook"
    </CoralHook>
</Location>
CoralApp "/" "${TOP}/t/app/lapis/lua" lapis
<VirtualHost 127.0.0.1:@PORT@>
    ServerName site.test
    AllowEncodedSlashes NoDecode
</VirtualHost>
<VirtualHost 127.0.0.1:@PORT@>
    ServerName moon.test
    CoralApp "/" "${TOP}/t/app/lapis/moon"
</VirtualHost>
END

sub app_text {
    my $name = shift;
    return <<"LUA";
local lapis, helper, config = require "lapis", require "helper", require "lapis.config".get()
local app = lapis.Application()
app:get("/$name", function() return { layout = false, table.concat({ "$name", helper.word, config._name, tostring(config.word),
  tostring(ngx.ctx.told) }, " ") } end)
return app
LUA
}

sub config_text {
    my ($word, $cache) = @_;
    return qq(require "lapis.config"({ "development", "production" }, { word = "$word", code_cache = "$cache" })\n);
}

ok $server->start, 'starts' or diag $server->output, $server->error_log;

sub get  { my ($path, @headers) = @_; return $server->get($path, @headers) }
sub body { return get(@_)->content }
sub is_body { my ($path, $want, $name) = @_; is body($path), $want, $name // $path }
sub post { my ($path, $body, @headers) = @_; return $server->ask(POST => $path, body => $body, headers => [@headers]) }

subtest 'pages' => sub {
    my $page = get('/');
    is $page->code, 200, 'etlua';
    is $page->header('Content-Type'), 'text/html', 'as HTML';
    is $page->header('X-Site'), 'site', 'a filter was there before';
    like $page->content, qr{<title>Site &amp; more</title>.*<a href="/hello/two &amp; three">.*<b>raw</b> &lt;b&gt;.*the foot}s, 'layout, view, helper';
    like body('/page?rows=2'), qr{<td class="even">row &lt;2&gt;</td><td><a href="/hello/row2">look</a>.*<!-- done --> &amp; out}, 'the HTML builder';
    is_body '/hello/a%2Fb%20c', 'hello, a%2Fb%20c', 'a parameter is as it was sent';
    is_body '/number/12', 'number 12';
    is get('/number/x')->code, 404, 'a pattern that does not fit';
    is_body '/files/a/b', 'file a/b';
    is_body '/maybe/a/b', '{that=b,this=a}';
    is_body '/params?b=2&a[x]=1&a[y]=2', 'GET {a={x=1,y=2},b=2}';
    is scalar(() = body('/get?' . join '&', map { "k$_=1" } 1 .. 80) =~ /k\d+=/g), 50, 'max_request_args';
    is length body('/big'), 320000, 'a large one';
    is_body '/json', '{"list":[1,2.5,"three",true,{"a":"b"}]}';
    is_body '/environment', 'development nil';
    my $moved = get('/redirect');
    is $moved->code, 302, 'a redirect';
    is $moved->header('Location'), 'http://127.0.0.1:' . $server->port . '/hello/again', 'to';
    is $server->ask(HEAD => '/methods')->code, 200, 'HEAD';
    is $server->ask(PUT => '/methods', body => 'a=5')->content, 'put 5', 'PUT';
    is_body '/print', "first\nsecond\n", 'written by itself';
    is get('/status/503')->code, 503, 'a status';
};

subtest 'forms, sessions, uploads' => sub {
    is post('/params', 'a=1&b=%C3%A9')->content, "POST {a=1,b=\xC3\xA9}", 'a form';
    is post('/json', '{"a":[1,2]}', 'Content-Type' => 'application/json')->content, '{a={1=1,2=2}}', 'JSON';
    my $kept = get('/session/word');
    my ($cookie) = $kept->header('Set-Cookie') =~ /^([^;]+)/;
    is body('/session', Cookie => $cookie), 'session word', 'a session';
    is body('/session', Cookie => "x$cookie"), 'session nil', 'nobody else has';
    my $form = get('/form');
    my ($token) = $form->content =~ /value="([^"]+)"/;
    ($cookie) = $form->header('Set-Cookie') =~ /^([^;]+)/;
    $token =~ s/([^\w])/sprintf '%%%02X', ord $1/ge;
    is post('/form', "name=Ann&csrf_token=$token", Cookie => $cookie)->content, 'taken: Ann', 'CSRF: with the token';
    is post('/form', 'name=Ann', Cookie => $cookie)->content, 'missing csrf token', 'without';
    is post('/form', "name=A&csrf_token=$token", Cookie => $cookie)->code, 400, 'what does not pass';
    my $part = "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\nContent-Type: x/y\r\n\r\n" . "\0\r\n" x 50000;
    is post('/upload', "$part\r\n--B\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nn\r\n--B--\r\n",
        'Content-Type' => 'multipart/form-data; boundary=B')->content =~ s/ [0-9a-f]{32} / /r, 'a.bin x/y 150000 n', 'an upload';
    is post('/basket', 'count=2')->content, 'items: 2', 'a flow';
    is post('/basket', 'count=x')->code, 400, 'that fails';
};

subtest 'database' => sub {
    is_body '/users', "8 users, 3 pages\n1 user 1: 2 posts, profile of 1\n2 user 2: 3 posts, profile of 2\n3 user 3: 2 posts, profile of 3";
    is_body '/posts', 'post 1, post 2';
    is_body '/posts?after=3', 'post 4, post 5';
    is_body '/user/2', "post 1 by user 2\npost 4 by user 2\npost 7 by user 2";
    is post('/users', 'name=new')->content, 'made 9', 'one more';
    is post('/users', 'name=')->content, 'a user has a name', 'a constraint';
    is $server->ask(PUT => '/user/9', body => 'name=other')->content, 'now other', 'changed';
    is $server->ask(DELETE => '/user/9')->code, 200, 'gone';
    like body('/fail/query'), qr/column "no_such_thing" does not exist/, 'a query that fails';
    my $connection = body('/connection');
    is_body '/connection', $connection, 'a connection is used again';
};

# Requests at the same time, each in a process: their bodies.
sub together {
    my @paths = @_;
    my @pipes = map {
        my $path = $_;
        my $pid = open(my $pipe, '-|') // die "fork: $!\n";
        unless ($pid) { print body($path); POSIX::_exit(0) if close STDOUT; }
        $pipe;
    } @paths;
    return map { my $pipe = $_; local $/; my $text = <$pipe>; close $pipe; $text } @pipes;
}

SKIP: {
    skip 'prefork: one at a time', 1 if Apache::Test::vars()->{coral_mpm} eq 'prefork';
    my @words = together(map { "/slow?time=0.5&word=w$_" } 1 .. 40);
    is "@words", join(' ', map { "w$_" } 1 .. 40), 'forty queries at the same time: each its own connection';
}

subtest 'after the request' => sub {
    my $count = sub { my $n = body('/after'); return $n eq 'nil' ? 0 : $n };
    is_body '/after/ok', 'after';
    is $count->(), 1, 'after an answer';
    is get('/after/fail')->code, 500, 'an error';
    is $count->(), 2, 'after an error';
    is get('/after/exit')->code, 410, 'ngx.exit';
    is $count->(), 3, 'after ngx.exit';
  SKIP: {
        skip 'prefork does not see that a client leaves', 1 if Apache::Test::vars()->{coral_mpm} eq 'prefork';
        my $socket = IO::Socket::INET->new('127.0.0.1:' . $server->port);
        $socket->print("GET /after/wait HTTP/1.1\r\nHost: x\r\n\r\n");
        sleep 0.3;
        close $socket;
        for (1 .. 100) { last if $count->() == 4; sleep 0.05 }
        is $count->(), 4, 'after a client that left';
        like body('/users'), qr/^8 users/, 'and whose connection nobody gets';
    }
};

subtest 'timers and the cache' => sub {
    is_body '/timer?word=tick', 'started';
    is_body '/timer/result', 'tick 8';
    my $made = body('/cached?a=1');
    is_body '/cached?a=1', $made, 'from the cache';
    isnt body('/cached?a=2'), $made, 'another';
};

subtest 'errors' => sub {
    my $log = $server->log;
    my $failed = get('/fail');
    is $failed->code, 500, 'is an answer of the app';
    is $failed->content, 'failed: on purpose', 'in its words';
    ok $log->wait(qr/\e\[31m500\e\[0m\].*GET \/fail/), 'in the log in colours';
    is get('/%1B%5B31m')->code, 404, 'a control character';
    ok $log->wait(qr/GET \/%1B%5B31m/), 'as it was asked for';
    is_body '/nothing', 'there is no /nothing';
    is get('/none')->code, 500, 'what is no app';
    ok $log->wait(qr{/none/app\.lua is no app|none}), 'is told';
    is get('/late')->code, 500, 'a module that is not there';
    ok $log->wait(qr/module 'no_such_module' not found/), 'is named';
};

subtest 'several applications' => sub {
    is_body '/one', 'one helps production first by a hook';
    is_body '/two', 'two hilft development second nil';
    is_body '/single', 'single alone development nil nil';
    is_body "/$_", "$_ elsewhere development nil nil", "another module, by $_" for qw(app_class default_app_module);
};

sub changed {
    my ($path, $want) = @_;
    for (1 .. 100) { last if body($path) eq $want; sleep 0.05 }
    is_body $path, $want, "changed: $want";
}

subtest 'changes' => sub {
    $server->write('one/helper.lua', "return { word = 'helps much' }\n");
    changed('/one', 'one helps much production first by a hook');
    $server->write('one/config.lua', config_text('third', 'on'));
    changed('/one', 'one helps much production third by a hook');
    my $log = $server->log;
    $server->write('one/helper.lua', "return {\n");
    body('/one');
    ok $log->wait(qr/helper\.lua/), 'a mistake is told';
    is_body '/one', 'one helps much production third by a hook', 'and serves nobody';
};

SKIP: {
    skip 'no MoonScript', 1 unless $library->has('moonscript');
    subtest 'MoonScript' => sub {
        my @moon = (Host => 'moon.test');
        is body('/page?rows=2', @moon), body('/page?rows=2'), 'a widget';
        is body('/', @moon), body('/'), 'a template';
        like body('/users', @moon), qr/^8 users, 3 pages\n1 user 1: 2 posts/, 'models';
        is $server->ask(POST => '/basket', body => 'count=3', headers => \@moon)->content, 'items: 3', 'a flow';
        is body('/slow?word=w', @moon), 'w', 'a query';
    };
}

$server->stop;
done_testing;
