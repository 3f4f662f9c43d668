# SPDX-License-Identifier: Apache-2.0
# Who answers a URL: CoralApp, CoralMapHandler, SetHandler, content hooks - and that an
# app, which is not a file, is guarded by <Location> and by nothing of the file system.
use strict;
use warnings;
use Coral::Server;
use Test::More;

my $h2 = qx(curl -V 2>/dev/null) =~ /HTTP2/ && Apache::Test::vars('coral_mpm') ne 'prefork';
my $echo = <<'LUA';
return function(r)
  r:puts("app ", r.method, " ", r.uri, " info=", tostring(r.path_info), " file=", tostring(r.filename), "\n")
end
LUA
my @alice = (Authorization => 'Basic YWxpY2U6c2VjcmV0');
my $auth = 'AuthType Basic' . "\nAuthName a\nAuthUserFile \"" . Apache::Test::vars('t_conf') . "/htpasswd\"\n";

sub serve {
    my ($config, %files) = @_;
    my $server = Coral::Server->new(config => $config, files => { 'app.lua' => $echo, 'deeper.lua' => "return function(r) r:puts('deeper') end\n", %files });
    ok $server->start, 'the server starts' or die $server->output . $server->error_log;
    return $server;
}

# get(SERVER, URL, what the answer begins with or its code, HEADERS)
sub get {
    my ($server, $url, $want, @headers) = @_;
    my $answer = $server->get($url, @headers);
    return is $answer->code, $want, "$url gives $want" if $want =~ /^\d+$/;
    like $answer->code . ' ' . $answer->content, qr/^200 \Q$want\E/, "$url gives $want";
}

# Prefixes, in a virtual host and in <Location>.
{
    my $server = serve(<<'CONF', map { ("htdocs/$_" => "static $_\n") } 'apple', 'app/static.html', 'other.html', 'image.png', 'under/app/x');
CoralApp /app ./app.lua
CoralApp /slash/ ./app.lua handler
<Location /loc>
CoralApp ./app.lua
</Location>
<Location /loc2>
CoralApp /loc2/inner ./app.lua handler
</Location>
CoralApp /app/deeper ./deeper.lua
<VirtualHost *:@PORT@>
ServerName first.test
</VirtualHost>
<VirtualHost *:@PORT@>
ServerName all.test
CoralApp ./app.lua
Alias /alias "@ROOT@/htdocs/app"
ScriptAlias /cgi "@ROOT@/htdocs/app"
Redirect /moved /other.html
<Location /server-status>
SetHandler server-status
</Location>
</VirtualHost>
<VirtualHost *:@PORT@>
ServerName handler.test
CoralApp / ./app.lua handler
</VirtualHost>
CONF
    get($server, $_, "app GET $_ ") for '/app', '/app/', '/app/x', '/app/x/y.html', '/app/static.html', '/slash', '/slash/', '/slash/x',
        '/loc', '/loc/', '/loc/x', '/loc2/inner', '/loc2/inner/y';
    get($server, '/app?a=b', 'app GET /app ');
    get($server, '/app/deeper/x', 'app GET /app/deeper/x ');    # the first that matches, as written
    get($server, '/apple', 'static apple');
    get($server, '/apples', 404);
    get($server, '/loc2/other', 404);
    get($server, '/under/app/x', 'static under/app/x');
    get($server, '/App/x', 404);
    get($server, '/other.html', 'static other.html');
    # Encodings of the prefix, and httpd's own tidying up.
    get($server, '/%61pp/x', 'app GET /app/x ');
    get($server, '/app/%78', 'app GET /app/x ');
    get($server, '//app/x', 'app GET /app/x ');
    get($server, '/./app/x', 'app GET /app/x ');
    get($server, '/y/../app/x', 'app GET /app/x ');
    get($server, '/app/../apple', 'static apple');
    get($server, '/app%2Fx', 404);
    get($server, '/app;v=1/x', 404);
    # At "/" everything is the app's, but for what others claim by name.
    my @all = (Host => 'all.test');
    get($server, $_, "app GET $_ ", @all) for '/', '/x', '/other.html', '/image.png', '/apple', '/deep/er/';
    get($server, '/alias/static.html', 'static app/static.html', @all);
    get($server, '/moved', 302, @all);
    like $server->get('/server-status?auto', @all)->content, qr/^Total Accesses|^ServerVersion/m, 'server-status beside an app at "/"';
    get($server, '/x', 'app GET /x ', Host => 'handler.test');
    # Any method; the app hears of it.
    for my $method (qw(POST PUT DELETE PATCH OPTIONS PROPFIND BREW)) {
        my $answer = $server->ask($method, '/app/x', $method =~ /^P/ ? (body => 'a=b') : ());
        like $answer->content, qr{^app $method /app/x }, "$method goes to the app";
    }
    is $server->ask(HEAD => '/app/x')->code, 200, 'HEAD';
    is $server->ask(HEAD => '/app/x')->content, '', 'HEAD has no body';
    my $trace = $server->raw("TRACE /app/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    like $trace, qr{^HTTP/1\.1 200 .*message/http.*TRACE /app/x}s, 'TRACE is httpd\'s';
    like $server->raw("OPTIONS * HTTP/1.1\r\nHost: all.test\r\nConnection: close\r\n\r\n"), qr{^HTTP/1\.1 200 (?!.*app OPTIONS)}s, 'OPTIONS * is httpd\'s';
    like $server->raw("GET http://127.0.0.1/app/x HTTP/1.0\r\n\r\n"), qr{app GET /app/x }, 'an absolute target';
    unlike $server->raw("CONNECT x:80 HTTP/1.1\r\nHost: all.test\r\nConnection: close\r\n\r\n"), qr{^HTTP/1\.1 200}, 'CONNECT is not the app\'s';
}

# CoralMapHandler: the first that matches; $1 in the file and in the function.
{
    my $name = sub { my $n = shift; return "local r = ... r:puts('$n ', r.uri, '\\n')\n" };
    my $server = serve(<<'CONF',
CoralMapHandler ^/file/(\w+)$ handlers/$1.lua
CoralMapHandler ^/function/(\w+)/(\w+)$ handlers/$1.lua $2
CoralMapHandler ^/plain handlers/one.lua
CoralMapHandler ^/plain/second handlers/two.lua
CoralMapHandler ^/handle handlers/handle.lua
CoralMapHandler ^/dollar$ handlers/one.lua
CoralMapHandler "^/escape/(.+)$" handlers/$1
CoralMapHandler ^/fixed/(\w+)$ handlers/lib.lua do_$1
<Location /loc>
CoralMapHandler /x$ handlers/two.lua
</Location>
<Directory "@ROOT@/htdocs/dir">
CoralMapHandler \.data$ near.lua
</Directory>
CONF
        'handlers/one.lua' => $name->('one'), 'handlers/two.lua' => $name->('two'),
        'handlers/lib.lua' => "function a(r) r:puts('a of lib\\n') end\nfunction do_b(r) r:puts('do_b\\n') end\nfunction ret(r) return 403 end\n",
        'handlers/handle.lua' => "function handle(r) r:puts('handled\\n') end\n",
        'htdocs/dir/x.data' => "static\n", 'htdocs/dir/near.lua' => $name->('near'), 'htdocs/dir/x.html' => "static\n",
        'htdocs/loc/y' => "static\n", 'secret.lua' => $name->('secret'),
        'htdocs/h/.htaccess' => "CoralMapHandler \\.data\$ near.lua\n", 'htdocs/h/x.data' => "static\n", 'htdocs/h/near.lua' => $name->('htaccess'));
    get($server, '/file/one', 'one /file/one');
    get($server, '/file/two', 'two /file/two');
    get($server, '/file/two?x', 'two /file/two');
    get($server, '/function/lib/a', 'a of lib');
    get($server, '/function/lib/ret', 403);
    get($server, '/fixed/b', 'do_b');
    get($server, '/plain', 'one /plain');
    get($server, '/plain/second', 'one /plain/second');
    get($server, '/handle', 'handled');
    get($server, '/loc/x', 'two /loc/x');
    get($server, '/loc/y', 'static');
    get($server, '/dir/x.data', 'near /dir/x.data');
    get($server, '/dir/x.html', 'static');
    get($server, '/h/x.data', 'htaccess /h/x.data');
    get($server, '/nothing', 404);
    # The client names the file: one that is not there is not found, and none above the folder is run.
    get($server, '/file/missing', 404);
    get($server, '/function/missing/a', 404);
    get($server, '/escape/one.lua', 'one /escape/one.lua');
    for my $url ('/escape/..%2fsecret.lua', '/escape/../secret.lua', '/escape/%2e%2e/secret.lua', '/escape/..%5csecret.lua', '/escape/x/../../secret.lua') {
        unlike $server->get($url)->content, qr/secret \//, "$url stays in the folder";
    }
    my $log = $server->log;
    get($server, '/function/lib/nofunction', 500);
    ok $log->wait(qr/lib\.lua defines no function 'nofunction'/), 'a function that is not there is told';
    # Names of Lua's own are no handlers.
    get($server, "/function/lib/$_", 500) for qw(print require error);
}

# An app is not a file: no <Directory>, no .htaccess; CoralMapToStorage on brings both back.
{
    my $guarded = "<Location /LOC>\n${auth}Require valid-user\n</Location>\n";
    my $server = serve(<<'CONF' . $guarded =~ s/LOC/app\/closed/r . $guarded =~ s/LOC/hook\/closed/r,
<Directory "@ROOT@/htdocs/app">
Require all denied
</Directory>
CoralApp /app ./app.lua
<Location /hook>
<CoralHook content>
local r = ...
r:puts("app ", r.method, " ", r.uri, "\n")
</CoralHook>
</Location>
<Location /denied>
CoralApp ./app.lua
Require all denied
</Location>
<Directory "@ROOT@/htdocs/walked">
Require all denied
</Directory>
<Directory "@ROOT@/htdocs/walked/granted">
Require all granted
</Directory>
<Location /walked>
CoralMapToStorage on
CoralApp ./app.lua
</Location>
<Location /walked-hook>
CoralMapToStorage on
<CoralHook content>
ngx.say("hook ", ngx.var.request_filename)
</CoralHook>
</Location>
<Location /include>
Options +Includes
SetOutputFilter INCLUDES
</Location>
<LocationMatch "^/match/[0-9]+$">
Require all denied
</LocationMatch>
CoralApp /match ./app.lua
<Location /methods>
CoralApp ./app.lua
<LimitExcept GET HEAD>
Require all denied
</LimitExcept>
</Location>
<Location /ip>
CoralApp ./app.lua
Require ip 192.0.2.1
</Location>
RewriteEngine on
RewriteRule ^/to-closed$ /app/closed/x [PT]
Alias /alias-closed /app/closed
ErrorDocument 410 /app/closed/error
RedirectMatch 410 ^/gone
CONF
        'htdocs/app/x.html' => "static\n", 'htdocs/hook/.htaccess' => "Require all denied\n", 'htdocs/hook/x.html' => "static\n",
        'htdocs/walked/x.html' => "static\n", 'htdocs/walked/granted/x.html' => "static\n",
        'htdocs/walked-hook/.htaccess' => "Require all denied\n", 'htdocs/walked-hook/x.html' => "static\n",
        'htdocs/walked-hook/.hidden/.htaccess' => "Require all granted\n", 'htdocs/walked-hook/.hidden/x.html' => "static\n",
        'htdocs/include/page.html' => '[<!--#include virtual="/app/closed/x" -->] [<!--#include virtual="/app/open" -->]');
    get($server, '/app/x.html', 'app GET /app/x.html ');
    get($server, '/hook/x.html', 'app GET /hook/x.html');
    get($server, '/denied', 403);
    get($server, '/denied/x', 403);
    get($server, '/walked/x.html', 403);
    get($server, '/walked/granted/x.html', 'app GET /walked/granted/x.html ');
    get($server, '/walked-hook/x.html', 403);
    get($server, '/walked-hook/.hidden/x.html', 'hook ' . $server->root . '/htdocs/walked-hook/.hidden/x.html');
    get($server, '/match/x', 'app GET /match/x ');
    get($server, '/match/42', 403);
    is $server->ask(POST => '/methods', body => 'a=b')->code, 403, 'LimitExcept: POST';
    is $server->ask(BREW => '/methods')->code, 403, 'LimitExcept: an unknown method';
    is $server->ask(GET => '/methods')->code, 200, 'LimitExcept: GET';

    get($server, '/ip', 403);

    # Nobody gets past a Require without a password, however the URL is written.
    my @tries = qw(/app/closed /app/closed/ /app/closed/x /app//closed/x //app/closed/x /app/./closed/x /app/x/../closed/x /./app/closed
        /app/%63losed/x /%61pp/closed/x /app/%2e/closed/x /app/x/%2e%2e/closed/x /app/closed%2Fx /app%2Fclosed/x /app/closed/..%2fx
        /app/closed;a=b /app/closed;a=b/x /app/closed/;x /app/closed?x /app/CLOSED/x /App/closed/x /app/closed./x
        /app/closed%20/x /app/closed/%00 /app/closed%00/x /app/%5cclosed/x /app/closed\\\\x /app///closed///x /to-closed /alias-closed/x
        /alias-closed /app/.%2e/app/closed/x /app/%2e%2e/app/closed/x /app/%252e/closed/x /app/%c0%ae/closed /hook/closed /hook//closed/x
        /hook/%63losed /hook/x/../closed /hook/closed;a /hook/./closed/ /index.html/../app/closed /app/closed.html/../closed);
    for my $url (@tries) {
        for my $method (qw(GET HEAD POST OPTIONS BREW)) {
            my $answer = $server->raw("$method $url HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            my ($code) = $answer =~ m{^HTTP/1\.1 (\d+)};
            # Answered, then it was another place than the closed one: what the app was told is not below it.
            my $open = $answer =~ m{app \w+ (?:/app|/hook)/closed(?:/\S*)?(?: info=|$)}m;
            ok !$open && ($code // 0) != 500, "$method $url (@{[$code // 'no answer']})" or diag $answer;
        }
    }
    get($server, $_, 401) for '/app/closed', '/app/closed/x', '/app//closed/x', '/%61pp/closed/x', '/app/x/../closed/x', '/to-closed', '/hook/closed', '/hook/closed/x';
    get($server, $_, 'app GET /', @alice) for '/app/closed/x', '/hook/closed/x', '/to-closed';
    get($server, '/app/closed/x', 401, Authorization => 'Basic YWxpY2U6d3Jvbmc=');
    my $page = $server->get('/include/page.html')->content;
    unlike $page, qr{/app/closed}, 'a subrequest does not get past it';
    like $page, qr{app GET /app/open }, 'where it is open it gets';
    unlike $server->get('/gone')->content, qr{app GET /app/closed}, 'nor an ErrorDocument that is closed itself';
    like $server->raw("GET /app/closed/x HTTP/1.0\r\n\r\n"), qr{^HTTP/1\.1 401}, 'HTTP/1.0';
    unlike $server->raw("GET /app/closed/x\r\n"), qr{app GET}, 'HTTP/0.9';
    like $server->raw("GET http://elsewhere/app/closed/x HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n"), qr{^HTTP/1\.1 401}, 'an absolute target';
    unlike $server->raw("TRACE /app/closed/x HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n"), qr{app TRACE}, 'TRACE does not reach the app';
    my $twice = $server->raw("GET /app/open HTTP/1.1\r\nHost: b\r\n\r\nGET /app/closed/x HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n");
    unlike $twice, qr{app GET /app/closed}, 'the second request of a connection';
}

# ngx.exec, ErrorDocument and mod_dir into an app check it like any other request.
{
    my $server = serve(<<'CONF' . "<Location /app/closed>\n${auth}Require valid-user\n</Location>\n",
CoralApp /app ./app.lua
<Location /exec>
<CoralHook content>
ngx.exec(ngx.var.arg_to)
</CoralHook>
</Location>
<Location /early>
<CoralHook access>
ngx.exec(ngx.var.arg_to)
</CoralHook>
</Location>
<Location /uri>
<CoralHook rewrite>
ngx.req.set_uri(ngx.var.arg_to)
</CoralHook>
</Location>
<Location /jump>
<CoralHook rewrite>
ngx.req.set_uri(ngx.var.arg_to, true)
</CoralHook>
</Location>
CONF
        'htdocs/secret/.htaccess' => "Require all denied\n", 'htdocs/secret/x.html' => "static secret\n", 'htdocs/uri/.htaccess' => '',
        'htdocs/folder/.htaccess' => "DirectoryIndex /app/closed/index\nErrorDocument 404 /app/closed/error\n");
    for my $way (qw(exec early jump)) {
        get($server, "/$way/x?to=/app/x", 'app GET /app/x ');
        get($server, "/$way/x?to=/app/closed/x", 401);
        get($server, "/$way/x?to=/secret/x.html", 403);
        get($server, "/$way/x?to=/index.html", 'ready');
    }
    for my $to ('/app/closed/x', '/secret/x.html') {
        my $answer = $server->get("/uri/x?to=$to");
        unlike $answer->content, qr{app GET /app/closed|static secret}, "set_uri to $to does not get past it either" or diag $answer->code;
    }
    unlike $server->get('/folder/')->content, qr{app GET}, 'DirectoryIndex';
    unlike $server->get('/folder/missing')->content, qr{app GET}, 'ErrorDocument';
}

# A content hook of the server that declines: the file is served, with all that protects it.
{
    my $server = serve(<<'CONF' . "<Directory \"\@ROOT\@/htdocs/password\">\n${auth}Require valid-user\n</Directory>\n",
<CoralHook content>
local r = ...
if ngx.var.arg_mine then ngx.say("mine ", r.uri) return end
return require "coral".DECLINED
</CoralHook>
DirectoryIndex index.html
<Location /by-location>
Require all denied
</Location>
<Location /server-status>
SetHandler server-status
</Location>
CONF
        'htdocs/secret/.htaccess' => "Require all denied\n", map { ("htdocs/$_" => "static $_\n") } 'page.html', 'secret/x.html', 'password/x.html',
        'by-location/x.html', 'with space.html', 'script.txt', 'dir/index.html', '%41.html');
    $server->write('htdocs/script.lua', "ngx.say('script ', ngx.var.uri, ' ', tostring(ngx.var.args))\n");
    get($server, '/page.html', 'static page.html');
    get($server, '/page.html?mine=1', 'mine /page.html');
    get($server, '/page.html?a=b', 'static page.html');
    get($server, '/secret/x.html', 403);
    get($server, '/password/x.html', 401);
    get($server, '/password/x.html', 'static password/x.html', @alice);
    get($server, '/by-location/x.html', 403);
    get($server, '/with%20space.html', 'static with space.html');
    get($server, '/%2541.html', 'static %41.html');
    get($server, '/missing', 404);
    get($server, '/dir/', 'static dir/index.html');
    get($server, '/dir', 301);
    get($server, '/script.lua?x=y', 'script /script.lua x=y');
    is $server->get('/page.html')->header('Content-Type'), 'text/html', 'the type is that of the file';
    is $server->get('/page.html')->header('Accept-Ranges'), 'bytes', 'httpd serves it as ever';
    is $server->get('/page.html', Range => 'bytes=0-5')->content, 'static', 'even in parts';
    is $server->ask(PUT => '/page.html', body => 'a')->code, 405, 'PUT to a file';
    is $server->ask(HEAD => '/page.html')->code, 200, 'HEAD of a file';
    $server->get('/page.html', 'X-Test-Id' => 'declined');
    my $access = Coral::File->follow($server->root . '/access_log', 0);
    like $access->wait(qr/^declined .*$/m), qr{"GET /page\.html HTTP/1\.1" 200 17 }, 'one line in the access log';
}

# TLS and HTTP/2 go the same way.
SKIP: {
    skip 'no HTTP/2 here', 3 unless $h2;
    my $server = serve("Protocols h2c http/1.1\nCoralApp /app ./app.lua\n<Location /app/closed>\n${auth}Require valid-user\n</Location>\n");
    my $ask = sub { scalar qx(curl -s --noproxy '*' --path-as-is --http2-prior-knowledge -w '%{http_code} %{http_version}' '@{[$server->url(shift)]}') };
    like $ask->('/app/x'), qr{^app GET /app/x .*200 2$}s, 'HTTP/2: the app';
    like $ask->('/app//closed/x'), qr{401 2$}, 'HTTP/2: closed';
    like $ask->('/app/%63losed/x'), qr{401 2$}, 'HTTP/2: closed, encoded';
}

done_testing;
