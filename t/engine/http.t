# SPDX-License-Identifier: Apache-2.0
# Lua in httpd's world: versions of HTTP, TLS, connections, and modules that pass requests on to each other.
use strict;
use warnings;
use Apache::Test ();
use Coral::Blocks;
use Coral::File;
use Coral::Server;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep time);

my $vars   = Apache::Test::vars();
my $server = Coral::Server->new(config => <<'CONF', files => {
Timeout 3
KeepAliveTimeout 1
CoralCheckClientAbort off
Options +Includes +MultiViews
RequestReadTimeout header=0 body=0
ProxyPass /proxy/ http://127.0.0.1:@PORT@/
ProxyPassReverse /proxy/ http://127.0.0.1:@PORT@/
RewriteEngine on
RewriteRule ^/pretty/(\d+)$ /show.lua?id=$1 [PT,QSA]
RewriteRule ^/moved$ /show.lua [R=302,L]
RewriteRule ^/app-by-rewrite/(.*)$ /app/$1 [PT]
RewriteRule ^/file-by-rewrite$ @ROOT@/htdocs/show.lua [L]
RewriteRule ^/never$ - [F]
CoralApp /app @ROOT@/lua/app.lua handler
<Location /hook>
    CoralHook content lua/hook.lua
</Location>
<Location /expr.lua>
    CoralHook fixup lua/expr.lua
</Location>
<Location /guarded>
    CoralHook access lua/guard.lua
</Location>
DirectoryIndex index.lua
<Location /doc>
    ErrorDocument 404 /doc/sorry.lua
    ErrorDocument 410 /doc/sorry.lua
    ErrorDocument 500 /doc/sorry.lua
</Location>
CONF
    'htdocs/doc/sorry.lua' => 'error("SECRET sorry")',
    'htdocs/doc/bad.lua'   => 'ngx.status = 404 error("bad")',
    'htdocs/doc/gone.lua'  => 'ngx.exit(410)',
    'htdocs/show.lua'      => 'local r = ... ngx.print(r.method, " ", ngx.var.arg_id or "-", " ", ngx.var.uri, " ", r.path_info or "", r.args or "")',
    'htdocs/big.lua'       => 'for i = 1, 200 do ngx.print(("x"):rep(10000)) end',
    'htdocs/endless.lua'   => 'while true do local ok = ngx.say(("x"):rep(10000)) if not ok or not ngx.flush(true) then break end end ngx.log(ngx.WARN, "NOTICED")',
    'htdocs/slow.lua'      => 'ngx.print("a") ngx.flush(true) ngx.sleep(0.3) ngx.print("b")',
    'htdocs/echo.lua'      => 'local r = ... ngx.print(r:requestbody() or "none")',
    'htdocs/ignores.lua'   => 'ngx.print("ignored")',
    'htdocs/redirect.lua'  => 'ngx.redirect("http://127.0.0.1:@PORT@/show.lua")',
    'htdocs/status.lua'    => 'ngx.exit(tonumber(ngx.var.arg_s))',
    'htdocs/dir/index.lua' => 'ngx.print("index ", ngx.var.uri, " ", ngx.var.arg_a or "")',
    'htdocs/expr.lua'      => 'local r = ... ngx.print(r.notes.seen, " ", r.is_initial_req and "main" or "sub")',
    'htdocs/guarded/page.txt' => "guarded\n",
    'lua/guard.lua'  => 'if ngx.var.arg_key ~= "1" then return 403 end',
    'lua/expr.lua'   => <<'LUA',
local r = ...
if not r.is_initial_req then return end
r.notes.seen = tostring(r:expr("-U '/guarded/page.txt'")) .. tostring(r:expr("-U '/show.lua'")) .. tostring(r:expr("-F '@ROOT@/htdocs/show.lua'"))
LUA
    'lua/app.lua'  => 'return function(r) r:puts("app ", r.uri, " ", r.method) end',
    'lua/hook.lua' => 'ngx.print("hook")',
});
ok $server->start, 'starts' or diag $server->output, $server->error_log;
sub gives { my ($path, $want, $name, @headers) = @_; is $server->get($path, @headers)->content, $want, $name }
sub request { my ($path, @headers) = @_; return join "\r\n", "GET $path HTTP/1.1", 'Host: x', @headers, '', '' }

# Connections.
my $raw = $server->raw(request('/show.lua?id=1') . request('/hook') . request('/app/x') . request('/show.lua?id=2', 'Connection: close'));
is scalar(() = $raw =~ m{HTTP/1\.1 200 }g), 4, 'four requests at once on one connection';
like $raw, qr/GET 1 .*hook.*app \/app\/x GET.*GET 2 /s, 'are answered in order';
$raw = $server->raw("POST /ignores.lua HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\na=b&c=" . request('/show.lua?id=3', 'Connection: close'));
like $raw, qr/ignored.*GET 3 /s, 'a body nobody reads is not taken for the next request';
$raw = $server->raw("POST /echo.lua HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"
    . request('/show.lua?id=4', 'Connection: close'));
like $raw, qr/abcdefg.*GET 4 /s, 'a chunked body';
$raw = $server->raw("POST /echo.lua HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\nabc");
like $raw, qr{^HTTP/1\.1 100 .*HTTP/1\.1 200 .*abc}s, 'Expect: 100-continue';
$raw = $server->raw("GET /show.lua?id=5 HTTP/1.0\r\n\r\n");
like $raw, qr{^HTTP/1\.1 200 .*Connection: close.*\r\n\r\nGET 5}s, 'HTTP/1.0';
unlike $raw, qr/Transfer-Encoding/, 'knows no chunks';
$raw = $server->raw("GET /show.lua?id=6 HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /show.lua?id=7 HTTP/1.0\r\n\r\n");
like $raw, qr{Content-Length: .*Connection: Keep-Alive.*GET 6.*GET 7}si, 'HTTP/1.0 with keep-alive';
$raw = $server->raw("GET /slow.lua HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
like $raw, qr/\r\n\r\nab\z/, 'HTTP/1.0: a length that is not known ends the connection';
like $server->raw(request('/slow.lua', 'Connection: close')), qr/\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n\z/, 'HTTP/1.1: chunks as they are flushed';
like $server->raw("GET /show.lua\r\n\r\n"), qr/\A(?:GET - |HTTP\/1\.1 400)/, 'HTTP/0.9 is as httpd wants it';
like $server->raw("OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), qr{^HTTP/1\.1 200 }, 'OPTIONS *';
like $server->raw("BREW /show.lua HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), qr/BREW - /, 'a method of one\'s own';
is $server->ask(HEAD => '/big.lua')->content, '', 'HEAD of much content';
is length $server->get('/big.lua')->content, 2_000_000, 'much content';

# Clients that go away.
my $log = $server->log;
my $socket = IO::Socket::INET->new('127.0.0.1:' . $server->port);
print $socket request('/endless.lua');
sysread $socket, my $some, 1000;
close $socket;
ok $log->wait(qr/NOTICED/, 10), 'a client that goes away is noticed by print or flush';
for (1 .. 5) {
    $socket = IO::Socket::INET->new('127.0.0.1:' . $server->port);
    print $socket request('/slow.lua');
    close $socket;
}
$socket = IO::Socket::INET->new('127.0.0.1:' . $server->port);
print $socket "POST /echo.lua HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nonly this";
close $socket;
sleep 0.5;
gives '/hook', 'hook', 'others do not mind';
my $start = time;
$socket = IO::Socket::INET->new('127.0.0.1:' . $server->port);
print $socket "POST /echo.lua HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nonly this";
$raw = do { local $/; <$socket> };
like $raw, qr{^HTTP/1\.1 (?:408|400) }, 'a body that does not come is given up';
cmp_ok time - $start, '<', 8, 'after Timeout';
$start = time;
$socket = IO::Socket::INET->new('127.0.0.1:' . $server->port);
print $socket request('/hook');
$raw = do { local $/; <$socket> };
like $raw, qr/hook/, 'an idle connection';
cmp_ok time - $start, '<', 4, 'is closed after KeepAliveTimeout';
ok $log->text !~ /exit signal|coral:error/, 'no crash and no errors' or diag $log->text;

# mod_rewrite, mod_proxy, mod_dir, mod_negotiation.
gives '/pretty/42', 'GET 42 /show.lua id=42', 'mod_rewrite [PT]';
gives '/pretty/42?a=1', 'GET 42 /show.lua id=42&a=1', 'with arguments';
is $server->get('/moved')->code, 302, 'mod_rewrite redirects';
gives '/app-by-rewrite/x', 'app /app/x GET', 'mod_rewrite in front of an application';
gives '/file-by-rewrite', 'GET - /file-by-rewrite ', 'mod_rewrite to a file';
is $server->get('/never')->code, 403, 'mod_rewrite forbids';
gives '/proxy/show.lua?id=8', 'GET 8 /show.lua id=8', 'mod_proxy in front';
gives '/proxy/app/x', 'app /app/x GET', 'of an application';
is length $server->get('/proxy/big.lua')->content, 2_000_000, 'of much content';
is $server->ask(POST => '/proxy/echo.lua', body => 'x' x 100_000)->content, 'x' x 100_000, 'of a body' ;
is $server->get('/proxy/redirect.lua')->header('Location'), $server->url('/proxy/show.lua'), 'ProxyPassReverse';
is $server->get('/proxy/status.lua?s=410')->code, 410, 'of an error';
gives '/dir/', 'index /dir/index.lua ', 'DirectoryIndex';
gives '/dir/?a=1', 'index /dir/index.lua 1', 'with arguments';
is $server->get('/dir')->code, 301, 'mod_dir redirects';
gives '/show.lua/more/path?x=1', 'GET - /show.lua/more/path /more/pathx=1', 'path_info';
gives '/expr.lua', 'falsetruetrue main', 'Lua -> ap_expr -> subrequest -> Lua';
is $server->get('/guarded/page.txt')->code, 403, 'a hook guards';
is $server->get('/guarded/page.txt?key=1')->code, 200, 'and lets in';
for my $status (404, 410, 500) {
    $log = $server->log;
    my $answer = $server->get("/doc/" . ($status == 404 ? 'missing' : $status == 410 ? 'gone.lua' : 'bad.lua'));
    is $answer->code, $status, "ErrorDocument $status, a script that fails: the status stays";
    is scalar(() = $log->text =~ /SECRET sorry/g), 1, "ErrorDocument $status: it ran once";
    unlike $answer->content, qr/SECRET/, "ErrorDocument $status: nothing is told";
}
$server->stop;

# HTTP/2, as nghttp and curl speak it.
SKIP: {
    skip 'no HTTP/2 under prefork', 5 if $vars->{coral_mpm} eq 'prefork';
    my $dir = 'engine-http-h2';
    Coral::File::write_file("$vars->{documentroot}/$dir/$_->[0]", $_->[1]) for
        ['hello.lua', 'ngx.print("hello ", ngx.var.arg_n)'], ['big.lua', 'for i = 1, 100 do ngx.print(("x"):rep(10000)) end'],
        ['echo.lua', 'local r = ... ngx.print(#(r:requestbody() or ""))'], ['slow.lua', 'ngx.sleep(0.1) ngx.print("slow")'],
        ['fails.lua', 'error("SECRET")'], ['body', 'y' x 300_000];
    local $Apache::TestRequest::Module = 'tls';
    my $base = 'https://' . Apache::TestRequest::hostport() . "/$dir";
    my @urls = map { "'$base/hello.lua?n=$_'" } 1 .. 20;
    my $said = qx(curl -sk --http2 --noproxy '*' --max-time 30 -Z --parallel-max 20 -w '|%{http_version}|' @urls 2>&1);
    is scalar(() = $said =~ /hello \d+/g), 20, 'curl: twenty streams' or diag $said;
    is scalar(() = $said =~ /\|2\|/g), 20, 'curl: all HTTP/2' or diag $said;
    is qx(curl -sk --http2 --noproxy '*' --max-time 30 --data-binary '\@$vars->{documentroot}/$dir/body' '$base/echo.lua'), 300_000, 'curl: a body';
    is length qx(curl -sk --http2 --noproxy '*' --max-time 30 '$base/big.lua'), 1_000_000, 'curl: much content';
    is qx(curl -sk --http2 --noproxy '*' --max-time 30 -o /dev/null -w '%{http_code}' '$base/fails.lua'), 500, 'curl: an error';
    SKIP: {
        skip 'no nghttp (Debian: nghttp2-client)', 2 unless grep { -x "$_/nghttp" } split /:/, $ENV{PATH};
        $said = qx(nghttp -ns -t 20 -y --no-verify-peer @urls '$base/slow.lua' '$base/big.lua' 2>&1);
        is scalar(() = $said =~ m{ 200 }g), 22, 'nghttp: streams that differ' or diag $said;
        unlike $said, qr/ 500 /, 'nghttp: none of them fails';
    }
}

run_blocks;
__DATA__
=== HTTP/1.1
--- lua
ngx.say("hello")
--- body
hello

=== HTTP/1.0
--- again
--- request GET main.lua HTTP/1.0
--- body
hello
--- header Connection: close
--- access_log "GET \S+ HTTP/1\.0" 200 6

=== a virtual host
--- again
--- vhost tenant-a
--- body
hello

=== another
--- again
--- vhost tenant-b
--- body
hello

=== TLS
--- again
--- vhost tls
--- body
hello
--- access_log HTTP/1.1" 200

=== HTTP/2
--- again
--- vhost h2
--- body
hello
--- access_log HTTP/2.0" 200

=== a HEAD request has no body
--- again
--- request HEAD
--- body eval
''

=== TLS is known to Lua
--- lua
local r = ...
ngx.print(tostring(r.is_https), " ", ngx.var.scheme, " ", ngx.var.SSL_PROTOCOL and "vars" or r:expr("%{SSL_PROTOCOL} != ''") and "expr")
--- vhost tls
--- body_like ^true https (?:vars|expr)$

=== HTTP/2 is known to Lua
--- lua
local r = ...
ngx.print(r.protocol, " ", ngx.req.http_version())
--- vhost h2
--- body_like ^HTTP/2(?:\.0)? 2

=== a body over HTTP/2
--- lua
local r = ...
ngx.print(r:requestbody())
--- vhost h2
--- request
POST main.lua
some=body&more=of it
--- body: some=body&more=of it

=== an error over HTTP/2
--- lua
error("SECRET h2")
--- vhost h2
--- code 500
--- body_like ^(?!.*SECRET)
--- error_log
SECRET h2

=== a hook on a subrequest of SSI, with the headers of the main one
--- htaccess
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
CoralHook fixup fix.lua
--- file fix.lua
local r = ...
r.notes.fixed = (ngx.is_subrequest and "sub " or "main ") .. r.uri:match("[^/]+$")
--- file page.shtml
[<!--#include virtual="part.lua?a=1" -->][<!--#include virtual="part.lua?a=2" -->][<!--#include virtual="plain.txt" -->]
--- file part.lua
local r = ...
ngx.print(r.notes.fixed, " ", ngx.var.arg_a, " ", r.headers_in["X-Mine"] or "none")
--- file plain.txt eval
'plain'
--- request GET page.shtml
--- more_headers
X-Mine: yes
--- body
[sub part.lua 1 yes][sub part.lua 2 yes][plain]

=== an SSI include of a script that fails
--- htaccess
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
--- file page.shtml
before <!--#include virtual="bad.lua" --> after
--- file bad.lua
error("SECRET part")
--- request GET page.shtml
--- body_like ^before (?!.*SECRET).* after$
--- error_log
bad.lua:1: SECRET part

=== an SSI include of a script that is forbidden to write
--- htaccess
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
--- file page.shtml
before <!--#include virtual="no.lua" --> after
--- file no.lua
ngx.exit(403)
--- request GET page.shtml
--- body_like ^before .* after$

=== SSI put out by a script
--- htaccess
<Files main.lua>
SetOutputFilter INCLUDES
</Files>
--- lua
ngx.header.content_type = "text/html"
ngx.print('<!--#echo var="DOCUMENT_NAME" -->|<!--#include virtual="part.lua" -->')
--- file part.lua
ngx.print("part")
--- body: main.lua|part

=== an ErrorDocument that is a script
--- htaccess
ErrorDocument 404 @URL@/sorry.lua?from=404
--- file sorry.lua
local r = ...
ngx.print("sorry ", ngx.var.arg_from, " ", r.status, " ", r.subprocess_env.REDIRECT_STATUS, " ", r.method)
--- request GET missing.txt
--- code 404
--- body: sorry 404 404 404 GET

=== an ErrorDocument for a script's own status
--- htaccess
ErrorDocument 410 @URL@/sorry.lua
--- file sorry.lua
ngx.print("sorry, ", ngx.status)
--- lua
ngx.exit(410)
--- code 410
--- body: sorry, 410

=== an ErrorDocument for a script that failed
--- htaccess
ErrorDocument 500 @URL@/sorry.lua
--- file sorry.lua
ngx.print("sorry, ", ngx.status)
--- lua
ngx.print("half") error("SECRET")
--- code 500
--- body: sorry, 500
--- error_log
main.lua:1: SECRET

=== an ErrorDocument that fails too
--- htaccess
ErrorDocument 404 @URL@/sorry.lua
--- file sorry.lua
error("SECRET sorry")
--- request GET missing.txt
--- code 404
--- body_like ^(?!.*SECRET)
--- error_log
sorry.lua:1: SECRET sorry

=== an ErrorDocument may change the status
--- htaccess
ErrorDocument 404 @URL@/fine.lua
--- file fine.lua
ngx.status = 200
ngx.print("found after all")
--- request GET missing.txt
--- code 200
--- body: found after all

=== ErrorDocument and POST
--- htaccess
ErrorDocument 403 @URL@/sorry.lua
--- file sorry.lua
local r = ...
ngx.print(r.method, " ", r.subprocess_env.REDIRECT_REQUEST_METHOD or "-")
--- lua
ngx.exit(403)
--- request
POST main.lua
a=b
--- code 403
--- body_like ^GET

=== an internal redirect keeps ngx.ctx
--- lua
ngx.ctx.word = "kept"
ngx.exec("@URL@/there.lua", { a = 1 })
--- file there.lua
ngx.print(ngx.ctx.word, " ", ngx.var.arg_a, " ", tostring(ngx.req.is_internal()))
--- body: kept 1 true

=== an internal redirect to a file
--- lua
ngx.exec("@URL@/plain.txt")
--- file plain.txt
plain
--- body
plain

=== an internal redirect to nothing
--- lua
ngx.exec("@URL@/nothing")
--- code 404

=== internal redirects without end are ended
--- lua
ngx.exec("@URL@/main.lua")
--- code 500
--- error_log
redirect

=== ngx.exec takes back what was written
--- lua
ngx.print("lost")
ngx.exec("@URL@/there.lua")
--- file there.lua
ngx.print("there")
--- body: there

=== mod_rewrite in a .htaccess
--- htaccess
RewriteEngine on
RewriteRule ^item/(\d+)$ main.lua?id=$1
--- lua
ngx.print("item ", ngx.var.arg_id)
--- request GET item/7
--- body: item 7

=== a rewrite hook sees and sets what mod_rewrite uses
--- htaccess
CoralHook fixup set.lua early
RewriteEngine on
RewriteCond %{ENV:WHERE} ^there$
RewriteRule ^here$ main.lua
--- file set.lua
local r = ...
r.subprocess_env.WHERE = "there"
--- lua
ngx.print("rewritten")
--- file here
not rewritten
--- request GET here
--- body: rewritten

=== DirectoryIndex
--- file sub/index.lua
ngx.print("index")
--- request GET sub/
--- body: index

=== mod_negotiation finds a script
--- htaccess
Options +MultiViews
AddType text/html .lua
--- file page.lua
ngx.print("negotiated")
--- request GET page
--- body: negotiated

=== two languages of a script
--- htaccess
Options +MultiViews
AddType text/html .lua
AddLanguage en .en
AddLanguage de .de
--- file page.en.lua
ngx.print("english")
--- file page.de.lua
ngx.print("deutsch")
--- request GET page
--- more_headers
Accept-Language: de
--- body: deutsch

=== a hook on a static file's conditional request
--- htaccess
CoralHook fixup fix.lua
--- file fix.lua
ngx.header["X-Fix"] = "yes"
--- file a.txt
a
--- request GET a.txt
--- more_headers
If-None-Match: *
--- code 304
--- body eval
''

=== Cache-Control of mod_headers and mod_expires on a script
--- htaccess
ExpiresActive on
ExpiresDefault "access plus 1 hour"
Header set X-Mod headers
--- lua
ngx.print("x")
--- header
X-Mod: headers
Cache-Control: max-age=3600

=== a range of a script's response
--- lua
ngx.header["Content-Length"] = 10
ngx.print("0123456789")
--- more_headers
Range: bytes=2-4
--- code 206
--- body: 234

=== TRACE does not reach a script
--- lua
ngx.print("script")
--- request TRACE main.lua
--- body_like ^(?!script)

=== %-escapes in the path
--- file a b.lua
local r = ...
ngx.print(ngx.var.uri:match("[^/]+$"), " ", r.unparsed_uri:match("[^/]+$"))
--- request GET a%20b.lua
--- body: a b.lua a%20b.lua
