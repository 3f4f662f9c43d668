# SPDX-License-Identifier: Apache-2.0
# Other places of the server: what ngx.location.capture can ask, <CoralLocation> and ngx.exec to it, CoralInternal.
use strict;
use warnings;
use Apache::Test ();
use Coral::Server;
use Coral::Wire;
use Test::More;
use Time::HiRes qw(sleep time);

my $conf = Apache::Test::vars('t_conf');
my ($modules) = Coral::File->follow("$conf/modules.conf", 0)->text =~ m{^LoadModule \S+ (.*)/mod_status\.so}m;
my $cgi = $modules && -e "$modules/mod_cgi.so";

my $server = Coral::Server->new(config => ($cgi ? "LoadModule cgi_module $modules/mod_cgi.so\n" : '') . <<'CONF', files => {
StartServers 1
ServerLimit 1
ThreadsPerChild 4
MaxRequestWorkers 4
CoralSharedDict seen 64k
Alias /listing @ROOT@/htdocs/folder
ProxyPass /proxied http://127.0.0.1:@PORT@
ProxyPass /nobody http://127.0.0.1:1
<IfModule cgi_module>
    ScriptAlias /cgi @ROOT@/cgi
    <Directory "@ROOT@/cgi">
        Require all granted
    </Directory>
</IfModule>
<Location /server-status>
    SetHandler server-status
</Location>
<Location /private>
    AuthType Basic
    AuthName a
    AuthUserFile "@CONF@/htpasswd"
    Require valid-user
</Location>
<Location /hidden>
    CoralInternal on
</Location>
<Location /hidden/hook>
    <CoralHook rewrite>
        ngx.shared.seen:incr("hidden", 1, 0)
    </CoralHook>
    <CoralHook content>
        ngx.print("hidden ", ngx.var.args)
    </CoralHook>
</Location>
<Location /group>
    CoralGroup other
    <CoralHook content>
        ngx.sleep(0.001)
        ngx.print("group ", ngx.ctx.who)
        ngx.ctx.who = "group"
    </CoralHook>
</Location>
ErrorDocument 404 /hidden/hook?error
RewriteEngine on
RewriteRule ^/rewritten$ /hidden/hook [PT]

<CoralLocation "@lua">
    CoralHook content named.lua
</CoralLocation>
<CoralLocation "@inline">
    CoralSet $set "in @inline"
    <CoralHook content>
        ngx.header["X-Named"] = "inline"
        ngx.print("inline ", ngx.var.uri, " ", ngx.var.args, " ", ngx.ctx.who, " ", ngx.var.dog, " ", ngx.var.set, " ", ngx.req.is_internal(),
            " ", ngx.var.request_uri)
    </CoralHook>
</CoralLocation>
<CoralLocation "@file">
    Header set X-From file
</CoralLocation>
<CoralLocation "@backend">
    ProxyPass http://127.0.0.1:@PORT@/
    RequestHeader set X-Via named
</CoralLocation>
<CoralLocation "@status">
    SetHandler server-status
</CoralLocation>
<CoralLocation "@closed">
    Require all denied
    <CoralHook content>
        ngx.print("this must not be")
    </CoralHook>
</CoralLocation>
<CoralLocation "@chain">
    <CoralHook content>
        ngx.ctx.who = "chain"
        ngx.exec("@inline")
    </CoralHook>
</CoralLocation>
<CoralLocation "@circle">
    <CoralHook content>
        ngx.exec("@circle")
    </CoralHook>
</CoralLocation>
<CoralLocation "@app">
    CoralApp app.lua
</CoralLocation>
<CoralLocation "@declines">
    <CoralHook content>
        return require "coral".DECLINED
    </CoralHook>
</CoralLocation>
<CoralLocation "@capture">
    <CoralHook content>
        local a, b = ngx.location.capture_multi { { "/hidden/hook?1" }, { "/waits.lua" } }
        ngx.print(a.body, " ", b.body)
    </CoralHook>
</CoralLocation>
CoralSet $set server
<CoralHook server_rewrite>
    ngx.shared.seen:incr("rewritten", 1, 0)
</CoralHook>
<Location /to>
    <CoralHook rewrite>
        ngx.shared.seen:incr("to", 1, 0)
        if ngx.var.http_x_via then ngx.print("via ", ngx.var.uri, " ", ngx.var.args) ngx.exit(200) end
        if ngx.var.arg_early then ngx.exec(ngx.var.arg_early) end
    </CoralHook>
    <CoralHook content>
        ngx.ctx.who, ngx.var.dog = "to", "rex"
        ngx.exec("@" .. ngx.var.arg_name, "ignored=1")
    </CoralHook>
</Location>
<Location /seen>
    <CoralHook content>
        ngx.print(ngx.shared.seen:get(ngx.var.args) or 0)
        ngx.shared.seen:delete(ngx.var.args)
    </CoralHook>
</Location>
CONF
    'named.lua'           => 'ngx.print("named ", ngx.var.uri)',
    'app.lua'             => 'return function(r) r:puts("app ", r.uri) end',
    'htdocs/capture.lua'  => <<'LUA',
local uri = ngx.unescape_uri(ngx.var.arg_uri)
local res = ngx.location.capture(uri, { method = (ngx.var.arg_post or ngx.var.arg_forward) and ngx.HTTP_POST, body = ngx.var.arg_post })
ngx.status = 200
ngx.header["X-Status"] = res.status
ngx.header["X-Type"] = res.header["Content-Type"]
ngx.header["X-Other"] = res.header["X-Other"]
ngx.header["X-Truncated"] = tostring(res.truncated)
ngx.print(res.body)
LUA
    'htdocs/echo.lua'     => 'ngx.req.read_body() ngx.header["X-Other"] = "o" ngx.print(ngx.req.get_method(), " ", ngx.var.args, " ", ngx.req.get_body_data())',
    'htdocs/count.lua'    => 'ngx.req.read_body() ngx.print(ngx.req.get_method(), " ", ngx.var.http_content_length)',
    'htdocs/waits.lua'    => 'ngx.sleep(0.005) ngx.print("waited")',
    'htdocs/long.lua'     => <<'LUA',
ngx.shared.seen:incr("begun", 1, 0)
local ended <close> = setmetatable({}, { __close = function() ngx.shared.seen:incr("ended", 1, 0) end })
ngx.sleep(tonumber(ngx.var.arg_t) or 5)
ngx.print("long")
LUA
    'htdocs/longs.lua'    => <<'LUA',
local t = ngx.var.arg_t or 5
local all = { ngx.location.capture_multi { { "/long.lua?t=" .. t }, { "/nested.lua?t=" .. t } } }
ngx.print(all[1].body, " ", all[2].body)
LUA
    'htdocs/nested.lua'   => 'ngx.print("nested ", ngx.location.capture("/long.lua?t=" .. ngx.var.arg_t).body)',
    'htdocs/group.lua'    => <<'LUA',
local ctx = { who = "given" }
ngx.print(ngx.location.capture("/group", { ctx = ctx }).body, ", ", ctx.who)
LUA
    'htdocs/crossed.lua'  => <<'LUA',
local queries = {}
for i = 1, 8 do queries[i] = { i % 2 == 0 and "/group" or "/waits.lua" } end
local all = { ngx.location.capture_multi(queries) }
for i, res in ipairs(all) do all[i] = res.body end
ngx.print(table.concat(all, " "))
LUA
    'htdocs/pass.lua'     => <<'LUA',
ngx.print(ngx.location.capture(ngx.var.arg_uri).status)
LUA
    'htdocs/status.lua'   => 'ngx.print(require "coral".status().parked)',
    'htdocs/folder/x.txt' => "x\n",
    'htdocs/to/page.html' => "the page\n",
    'htdocs/to/.htaccess' => "Header set X-Htaccess yes\n",
    'htdocs/private/x.html' => "private\n",
    'htdocs/hidden/x.html'  => "hidden file\n",
    'htdocs/folder2/.htaccess' => "CoralInternal on\n",
    'htdocs/folder2/x.html'    => "inner file\n",
    'cgi/script'           => "#!/bin/sh\nprintf 'Content-Type: text/x-cgi\\nX-Other: cgi\\nStatus: 202\\n\\n%s %s ' \"\$REQUEST_METHOD\" \"\$QUERY_STRING\"\ncat\n",
});
chmod 0755, $server->root . '/cgi/script';
$server->write('httpd.conf', Coral::File->follow($server->root . '/httpd.conf', 0)->text =~ s/\@CONF\@/$conf/gr);
ok $server->start, 'starts' or diag $server->output, $server->error_log;

# captured(URI, status, type, what the body is like)
sub captured {
    my ($uri, $status, $type, $like, $more) = @_;
    my $answer = $server->get('/capture.lua?uri=' . $uri =~ s/([^\w\/.])/sprintf '%%%02x', ord $1/ger . ($more // ''));
    is $answer->header('X-Status'), $status, "$uri: status";
    like $answer->header('X-Type') // '', qr/^$type/, "$uri: type" if length $type;
    like $answer->content, $like, "$uri: body";
    is $answer->header('X-Truncated'), 'false', "$uri: whole";
    return $answer;
}

captured('/listing/', 200, 'text/html', qr/Index of .*x\.txt/s);
captured('/listing', 301, '', qr/^$/);
captured('/server-status?auto', 200, 'text/plain', qr/^Total Accesses: /m);
captured('/proxied/echo.lua?a=1', 200, 'text/plain', qr/^GET a=1 nil$/);
captured('/proxied/echo.lua?a=1', 200, 'text/plain', qr/^POST a=1 hello$/, '&post=hello');
captured('/proxied/nothing-there', 404, '', qr/./);
captured('/nobody/x', 503, '', qr/^$/);
captured('/private/x.html', 401, '', qr/^$/);
captured('/hidden/x.html', 200, 'text/html', qr/^hidden file$/);
captured('/folder2/x.html', 200, 'text/html', qr/^inner file$/);
captured('/hidden/hook?a', 200, 'text/plain', qr/^hidden a$/);
{
    my $large = 'x' x 200_000;
    my $answer = $server->ask(POST => '/capture.lua?uri=/proxied/count.lua&forward=1', body => $large);
    is $answer->content, 'POST 200000', 'a large body goes on to a proxy';
}
SKIP: {
    skip 'no mod_cgi here', 6 unless $cgi;
    is captured('/cgi/script?a=1', 202, 'text/x-cgi', qr/^GET a=1 $/)->header('X-Other'), 'cgi', 'a header of a CGI script';
    captured('/cgi/script?a=1', 202, 'text/x-cgi', qr/^POST a=1 hello$/, '&post=hello');
}

sub get {
    my ($path, $code, $want, $name, @headers) = @_;
    my $answer = $server->get($path, @headers);
    is $answer->code . ' ' . $answer->content, "$code $want", $name;
    return $answer;
}
sub body { return $server->get(shift)->content }

get('/private/x.html', 200, "private\n", 'with a password', Authorization => 'Basic YWxpY2U6c2VjcmV0');
get('/capture.lua?uri=/private/x.html', 200, "private\n", 'the password is inherited', Authorization => 'Basic YWxpY2U6c2VjcmV0');

# CoralInternal: nobody comes in from outside; its hooks are not run.
body('/seen?hidden');
for my $url ('/hidden/x.html', '/hidden', '/hidden/hook', '//hidden/hook', '/x/../hidden/hook', '/%68idden/hook', '/folder2/x.html', '/rewritten') {
    is $server->get($url)->code, 404, "$url from outside";
}
is body('/seen?hidden'), 8, 'only the error page has run there';
get('/nothing-there', 404, 'hidden error', 'as an error page');
get('/to/x?early=/hidden/hook%3Fexec', 404, 'hidden error', 'an escaped ? is none');
get('/to/x?early=/hidden/hook', 200, 'hidden nil', 'by ngx.exec');

# Named locations.
get('/to/page.html?name=lua', 200, 'named /to/page.html', 'a script');
my $inline = get('/to/page.html?name=inline&a=b', 200, 'inline /to/page.html name=inline&a=b to rex in @inline true /to/page.html?name=inline&a=b', 'inline; ctx, variables, arguments are kept');
is $inline->header('X-Named'), 'inline', '… and its header';
my $file = get('/to/page.html?name=file', 200, "the page\n", 'a file');
is $file->header('X-From'), 'file', '… with the directives of the named location';
is $file->header('X-Htaccess'), 'yes', '… and those of its directory';
get('/to/missing?name=file', 404, 'hidden error', 'a file that is not there');
like $server->get('/to/status?name=status')->content, qr/Apache Server Status|Total Accesses/i, 'a handler of httpd';
get('/to/b%20c/d?name=backend', 200, 'via /to/b c/d name=backend', 'a proxy: it asks for the same path, with its arguments');
get('/to/x?name=app', 200, 'app /to/x', 'an app');
get('/to/x?name=chain', 200, 'inline /to/x name=chain chain rex in @inline true /to/x?name=chain', 'one after another');
get('/to/page.html?name=declines', 200, "the page\n", 'a hook that declines: the file');
get('/to/x?name=capture', 200, 'hidden 1 waited', 'captures in a named location');
is $server->get('/to/x?name=closed')->code, 403, 'Require';
is $server->get('/to/x?name=circle')->code, 500, 'in a circle';
my $log = $server->log;
is $server->get('/to/x?name=nowhere')->code, 500, 'one that is not there';
ok $log->wait(qr/could not find named location "\@nowhere"/), '… is told';
is body('/capture.lua?uri=/to/x%3Fname=inline'), 'inline /to/x name=inline to rex in @inline true /capture.lua?uri=/to/x%3Fname=inline', 'within a captured request';
body("/seen?$_") for qw(to rewritten);
get('/to/x?early=@inline&name=x', 200, 'inline /to/x early=@inline&name=x nil nil in @inline true /to/x?early=@inline&name=x', 'from a rewrite hook');
is body('/seen?to'), 1, 'the rewrite hook of the path is not run again';
is body('/seen?rewritten'), 3, 'nor that of the server'; # to, seen?to, this one
is $server->get('/@inline')->code, 404, 'no client gets to a named location';
is $server->raw("GET \@inline HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") =~ /inline \// ? 1 : 0, 0, 'however it asks';

# A state of another group: everything but ngx.ctx.
get('/group.lua', 200, 'group nil, given', 'another group');
get('/crossed.lua', 200, join(' ', ('waited', 'group nil') x 4), 'two groups at once');

# The connection and its requests go on.
my $wire = Coral::Wire->new($server->port);
for my $uri ('/nothing', '/private/x.html', '/nobody/', '/waits.lua', '/%zz') {
    $wire->get("/pass.lua?uri=$uri", 'Connection: keep-alive');
    my $answer = $wire->answer;
    ok $answer->{code} == 200 && $answer->{body} =~ /^\d{3}$/ && $answer->{head} !~ /^Connection: close/mi, "keep-alive after capture of $uri: $answer->{body}";
}
$wire->say('POST /pass.lua?uri=/echo.lua HTTP/1.1', 'Host: x', 'Content-Length: 5', '', 'abcdeGET /waits.lua HTTP/1.1', 'Host: x', '');
is $wire->answer->{body}, 200, 'a body nobody reads';
is $wire->answer->{body}, 'waited', '… and the next request behind it';
undef $wire;

# Many requests that wait in what they capture; there are four threads.
sub waits_for {
    my ($what, $count, $all) = (@_, 0);
    my $end = time + 10;
    while (time < $end) {
        $all += body("/seen?$what");
        return 1 if $all >= $count;
        sleep 0.02;
    }
    diag "$what: $all of $count";
    return 0;
}
if (Apache::Test::vars('coral_mpm') eq 'event') {
    my @wires = map { Coral::Wire->new($server->port) } 1 .. 6;
    $_->get('/longs.lua?t=1') for @wires;
    ok waits_for('begun', 12), 'more than there are threads are captured at once';
    is body('/status.lua'), 6, 'those who capture are parked';
    is $_->answer->{body}, 'long nested long', '… and are answered' for @wires;
    ok waits_for('ended', 12), 'all have ended';
    @wires = map { Coral::Wire->new($server->port) } 1 .. 6;
    $_->get('/longs.lua?t=20') for @wires;
    ok waits_for('begun', 12), 'once more';
    $_->reset for @wires;
    ok waits_for('ended', 12), 'what is captured ends with the client of who captures';
    ok scalar(Coral::File->follow($server->root . '/access_log', 0)->wait(qr/longs\.lua\?t=20 HTTP\/1\.1" 499/)), '… as 499';
}

# A graceful restart and a stop in the middle.
my $slow = Coral::Wire->new($server->port);
$slow->get('/longs.lua?t=0.5');
waits_for('begun', 2);
$server->graceful;
is $slow->answer->{body}, 'long nested long', 'a graceful restart waits for what is captured';
$slow = Coral::Wire->new($server->port);
$slow->get('/longs.lua?t=20');
waits_for('begun', 2);
my $before = time;
$server->stop;
ok time - $before < 15, 'a stop does not';
unlike $server->error_log, qr/this must not be|exit signal/, 'nothing has gone wrong';

# What configtest says.
for (['<CoralLocation "name">' => qr/does not begin with \@/], ['<CoralLocation "@a" "@b">' => qr/takes one name/],
    ["<CoralLocation \"\@a\">\n</CoralLocation>\n<CoralLocation \"\@a\">" => qr/is there twice/], ['<CoralLocation "@">' => qr/does not begin with/],
    ["<CoralLocation \"\@a\">\nCoralHook init x.lua" => qr/init may not stand here/], ["<CoralLocation \"\@a\">\nNonsense" => qr/Nonsense/],
    ["<CoralLocation \"\@a\">\nCoralStates 1 1" => qr/CoralStates not allowed here|not allowed/i]) {
    my ($text, $like) = @$_;
    my $bad = Coral::Server->new(config => "$text\n</CoralLocation>\n", files => { 'x.lua' => '' });
    my ($status, $output) = $bad->configtest;
    ok $status && $output =~ $like, "configtest: $text" or diag $status, $output;
}
for my $line ('CoralCaptureMaxSize', 'CoralCaptureMaxSize much', 'CoralCaptureMaxSize -1', 'CoralInternal maybe', "<Directory />\n<CoralLocation \"\@a\">\n</CoralLocation>\n</Directory>") {
    my $bad = Coral::Server->new(config => "$line\n");
    my ($status, $output) = $bad->configtest;
    ok $status && $output =~ /Coral(?:CaptureMaxSize|Internal|Location)/, "configtest: $line" or diag $status, $output;
}

done_testing;
