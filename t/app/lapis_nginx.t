# SPDX-License-Identifier: Apache-2.0
# An application of Lapis, as it is, in nginx with ngx_http_lua and in httpd: the same requests get the same answers, in Lua and in MoonScript.
#
# What may differ, and why:
#   Date, Server        say when and who.
#   Transfer-Encoding   is between a server and its client, as Connection and Keep-Alive are: nginx sends all that Lua prints in
#                       chunks, httpd says the length of what is short. A Content-Length is the body's length, and where nginx sends one,
#                       it is httpd's too (but for 413, which httpd sends from where it reads bodies).
#   site_token=...      a random number of the application, where the client has none yet.
# The words of the servers' own error pages are configured, the same in both.
use strict;
use warnings;
use Coral::Library;
use Coral::Server;
use Coral::Service;
use Coral::Wire;
use File::Temp ();
use Test::More;

my $library  = Coral::Library->need(qw(lapis cjson lpeg socket.core _openssl ansicolors date etlua loadkit pgmoon resty.upload ?moonscript ?re));
my $postgres = Coral::Service->need('postgres');
my $apps     = Apache::Test::vars()->{top_dir} . '/t/app/lapis';
my @statuses = (400, 404, 405, 410, 413, 500);
my @psql     = ('psql', '-q', '-h', '127.0.0.1', '-p', $postgres->port, '-U', 'app', '-v', 'ON_ERROR_STOP=1');
@ENV{qw(SITE_PG_PORT SITE_PG_USER SITE_PG_PASSWORD PGPASSWORD LAPIS_ENVIRONMENT)} = ($postgres->port, 'app', 'secret', 'secret', 'development');

# --- the servers, each with a database of its own ----------------------------------------

sub database {
    my $name = shift;
    $postgres->tool(@psql, 'postgres', '-c', "create database $name");
    $postgres->tool(@psql, $name, '-f', "$apps/lua/schema.sql");
    return $name;
}

# MoonScript's searcher waits in `require`, which ngx_http_lua does not allow: there the application has to be compiled.
sub compiled {
    my $app = shift;
    return "$apps/$app" unless $app eq 'moon';
    my $folder = File::Temp->newdir('coral-XXXXXX', TMPDIR => 1);
    local $ENV{LUA_PATH} = join ';', map { ("$_/?.lua", "$_/?/init.lua") } @{ $library->{roots} }, '';
    system 'cp', '-R', glob("$apps/$app/*"), "$folder";
    system('lua5.4', '-e', <<'LUA', '/dev/null', map { s/\.moon$//r } glob "$folder/*.moon $folder/*/*.moon") == 0 or die "MoonScript does not compile\n";
for _, name in ipairs(arg) do
  local from <close> = io.open(name .. ".moon")
  local to <close> = io.open(name .. ".lua", "w")
  to:write((assert(require "moonscript.base".to_lua(from:read "a"))))
end
LUA
    return $folder;
}

sub nginx {
    my ($app, $folder) = @_;
    $ENV{SITE_PG_DATABASE} = database("nginx_$app");
    my $path = join ';', map { ("$_/?.lua", "$_/?/init.lua") } $folder, grep { !m{^/usr/} } @{ $library->{roots} };
    my $pages = join '', map { "error_page $_ /_$_; location = /_$_ { internal; default_type \"text/html; charset=iso-8859-1\"; return $_ \"status $_\"; }\n" } @statuses;
    return Coral::Service->need('nginx', main => join('', map { "env $_;\n" } 'LAPIS_ENVIRONMENT', grep { /^SITE_/ } keys %ENV), http => <<"END");
lua_package_path "$path;;";
lua_shared_dict page_cache 1m;
client_max_body_size 2m;
client_body_buffer_size 1m;
server {
    listen 127.0.0.1:\@PORT\@;
    $pages
    location / {
        default_type text/html;
        content_by_lua_block { require("lapis").serve("app") }
    }
}
END
}

sub httpd {
    my $app = shift;
    $ENV{SITE_PG_DATABASE} = database("httpd_$app");
    my $pages = join '', map { "ErrorDocument $_ \"status $_\"\n" } @statuses;
    my $server = Coral::Server->new(config => $library->config . <<"END");
CoralSharedDict page_cache 1m
AllowEncodedSlashes NoDecode
LimitRequestBody 2097152
CoralBodyBufferSize 1m
$pages
CoralApp "/" "$apps/$app" lapis
END
    ok $server->start, 'httpd starts' or diag $server->output, $server->error_log;
    return $server;
}

# --- the requests -----------------------------------------------------------------------

my @requests;    # { method, path, headers => [lines], body }

sub get { push @requests, map { { method => 'GET', path => $_, headers => [] } } @_ }

sub request {
    my ($line, %with) = @_;
    my ($method, $path) = split ' ', $line;
    my $type = $with{type} // (exists $with{body} && 'application/x-www-form-urlencoded');
    push @requests, { method => $method, path => $path, body => $with{body}, headers => [@{ $with{headers} || [] }, $type ? "Content-Type: $type" : ()] };
}

sub post { my ($path, $body, %with) = @_; request("POST $path", body => $body, %with) }

sub upload {
    my @parts = @_;
    my $body = join '', map { "--XX\r\nContent-Disposition: form-data; $_->[0]\r\n\r\n$_->[1]\r\n" } @parts;
    post('/upload', "$body--XX--\r\n", type => 'multipart/form-data; boundary=XX');
}

# Words and paths.
get(qw(/ /hello/w%C3%B6rld /hello/a%20b /hello/a+b /hello/a%2Fb /number/12 /number/1a /files/a/b/c /files/ /maybe /maybe/a /maybe/a/b /maybe/a/b/c
    /hello/x/ //double /hello/.. /hello/%2E /nothing/here /?stop=1 /connection?stop=1));
get('/params?b=2&a=1', '/params?a[x]=1&a[y]=2&c', '/params?a=1&a=2', '/params?q=%20%2B+%26', '/get?z=1', '/params?' . join '&', map { "k$_=$_" } 0 .. 79);
get(qw(/environment /page?rows=20 /page?rows=0 /big /empty /host?a=1&b=%20 /json /redirect /moved /status/201 /status/404 /status/503 /status/204
    /fields /type /cookie /print));
request('GET /header', headers => ['X-Agent: me', 'x-again: you']);
# Methods.
request("HEAD $_") for qw(/ /page?rows=5 /big /methods /nothing /fail);
request("$_ /methods") for qw(OPTIONS PATCH DELETE GET);
request('PUT /methods', body => 'a=5');
get('/methods?before=1');
post('/methods', 'x=1');
# Bodies.
post('/params', 'a=1&b=%C3%A9&c+d=e+f');
post('/params?a=url', 'a=body', type => 'application/x-www-form-urlencoded; charset=utf-8');
post('/params', $_) for '', 'a' x 300000, join '&', map { "k$_=$_" } 0 .. 79;
post('/body', 'raw body', type => 'text/plain');
request('PUT /body', body => 'x' x $_, type => 'text/plain') for 100000, 1900000, 2100000;
get('/body');
post('/json', $_, type => 'application/json') for '{"a":{"b":[1,2]}}', '{broken';
post('/decode', $_) for '[1,"x",null]', 'nope';
upload(["name=\"file\"; filename=\"a b.txt\"\r\nContent-Type: text/plain", "hello\r\nthere"], ['name="note"', 'n']);
upload(["name=\"file\"; filename=\"big\"\r\nContent-Type: application/octet-stream", "01234\0\r\n-" x 50000]);
upload(['name="file"', 'text']);
upload();
post('/upload', 'a=1');
post('/upload', 'broken', type => 'multipart/form-data');
# Forms, cookies, sessions: {TOKEN} and {SESSION} are what an earlier answer has given.
post('/form', $_) for 'name=Ann&csrf_token=bad', 'name=Ann';
my $key = 'Cookie: site_token=k3y';
get('/form');
request('GET /form', headers => [$key]);
post('/form', $_, headers => [$key]) for 'name=Ann&csrf_token={TOKEN}', 'name=A&csrf_token={TOKEN}', 'name=Ann&age=x&csrf_token={TOKEN}', 'name=Ann&csrf_token={TOKEN}x';
post('/form', 'name=Ann&csrf_token={TOKEN}', headers => ['Cookie: site_token=other']);
get(qw(/session /session/abc));
request('GET /session', headers => ["Cookie: $_"]) for '{SESSION}', 'site=tampered', 'site=';
request('GET /cookie', headers => ['Cookie: taste=old; b=2']);
post('/basket', $_) for 'count=x', 'count=2';
post('/basket', 'count=3', headers => ['Cookie: {SESSION}']);
# The database.
get(qw(/users /users?page=2 /users?page=9 /user/2 /user/99 /user/x /posts /posts?after=3 /slow?word=it%27s));
post('/users', $_) for 'name=New', 'name=', "name=%27%3B+drop+table+users%3B--";
request('PUT /user/1', body => 'name=Changed');
request('DELETE /user/3');
get(qw(/users /user/1));
# Later, again, and what goes wrong.
get(qw(/cached /cached /cached?x=1 /timer?word=tick /timer/result /after/ok /after/fail /after/exit /after));
get(qw(/fail /fail/nil /fail/yielded /fail/query /%zz /hello/% /hello/%00));

# Those whose answers are not the same, and why.
my %differs = (
    'GET /fail/nil'  => 'LuaJIT and Lua 5.4 say this error in other words',
    'GET /hello/%00' => 'httpd has no path with a NUL: 404; nginx: 400',
    'GET /after'     => 'after_dispatch of a request that ends by ngx.exit does not run in nginx',
);

# --- asking, comparing -------------------------------------------------------------------

sub ask {
    my ($port, $request, $known) = @_;
    my ($method, $path, $body, @headers) = (@$request{qw(method path body)}, @{ $request->{headers} });
    s/\{(\w+)\}/$known->{$1} \/\/ ''/ge for grep defined, $body, @headers;
    my $wire = Coral::Wire->new($port) or return { code => 0, head => '', body => '' };
    push @headers, 'Content-Length: ' . length $body if defined $body;
    $wire->say("$method $path HTTP/1.1", 'Host: site.test:80', 'Connection: close', @headers, '');
    $wire->send_all($body) if defined $body;
    my $answer = $wire->answer(head => $method eq 'HEAD');
    $known->{TOKEN} = $1 =~ s/([^\w])/sprintf '%%%02X', ord $1/ger if "@headers" =~ /site_token=k3y/ && $answer->{body} =~ /name="csrf_token" value="([^"]+)/;
    $known->{SESSION} = $1 if $answer->{head} =~ /^Set-Cookie: (site=[^;]+)/mi;
    return $answer;
}

# An answer as text: what has to be the same.
sub text {
    my ($answer, $request) = @_;
    my ($status, @lines) = split /\r\n/, $answer->{head};
    my @headers = sort grep { !/^(?:date|server|transfer-encoding|content-length):/ } map { s/^([^:]+)/\L$1/r } @lines;
    my $text = join "\n", $answer->{code}, @headers, '', $answer->{body};
    $text =~ s/site_token=[^;]+/site_token=R/;
    $text =~ s/(name="csrf_token" value=")[^"]+/$1T/ unless "@{ $request->{headers} }" =~ /site_token/;
    return $text;
}

sub frame {
    my $head = shift;
    my ($length) = $head =~ /^Content-Length: *(\d+)/mi;
    return { length => $length, chunked => $head =~ /^Transfer-Encoding: *chunked/mi ? 1 : 0 };
}

# Why their lengths do not fit; '' if they do.
sub misfit {
    my ($nginx, $httpd, $method) = @_;
    my ($n, $h) = (frame($nginx->{head}), frame($httpd->{head}));
    return 'cut' if $httpd->{cut};
    my $refused = $httpd->{code} == 413;
    return "nginx says $n->{length}, httpd " . ($h->{length} // 'nothing') if defined $n->{length} && $n->{length} ne ($h->{length} // '') && !$refused;
    return "a length of $h->{length}" if defined $h->{length} && $method ne 'HEAD' && $h->{length} != length $httpd->{body};
    return 'both' if defined $h->{length} && $h->{chunked};
    return '';
}

sub compare {
    my ($nginx, $httpd) = @_;
    my ($of_nginx, $of_httpd, $same) = ({}, {}, 0);
    for my $request (@requests) {
        my $name = "$request->{method} $request->{path}";
        my ($a, $b) = (ask($nginx->port, $request, $of_nginx), ask($httpd->port, $request, $of_httpd));
        my ($want, $have, $misfit) = (text($a, $request), text($b, $request), misfit($a, $b, $request->{method}));
        my $title = substr($name, 0, 60) . (defined $request->{body} ? ' ' . substr $request->{body}, 0, 30 : '') =~ s/\s+/ /gr;
        if (my $why = $differs{$name}) { isnt $have, $want, "$title differs: $why"; next }
        is $misfit, '', "$title: framed" if $misfit;
        if ($want eq $have && $a->{code}) { $same++; next }
        is substr($have, 0, 2000), substr($want, 0, 2000), $title;
    }
    is $same, @requests - keys %differs, "of @{[scalar @requests]} answers all but @{[scalar keys %differs]} are the same";
}

cmp_ok scalar @requests, '>=', 60, 'enough requests';
for my $app (qw(lua moon)) {
    subtest $app => sub {
        plan skip_all => 'no MoonScript' if $app eq 'moon' && !$library->has('moonscript');
        my ($folder, $httpd) = (compiled($app), httpd($app));
        compare(nginx($app, $folder), $httpd);
        $httpd->stop;
    };
}
done_testing;
