# SPDX-License-Identifier: Apache-2.0
# The body of a request, whole.
use strict;
use warnings;
use Coral::Blocks;
use Coral::Server;
use IO::Socket::INET;
use Test::More;

my $server = Coral::Server->new(
    config => "<Directory \"\@ROOT\@/htdocs/small\">\n  LimitRequestBody 1000\n</Directory>\n",
    files  => {
        'htdocs/echo.lua'       => "ngx.req.read_body() local b = ngx.req.get_body_data() ngx.print(b and #b or 'none', ' ', b and ngx.md5(b))\n",
        'htdocs/small/echo.lua' => "ngx.req.read_body() local b = ngx.req.get_body_data() ngx.print(b and #b or 'none')\n",
        'htdocs/unread.lua'     => "ngx.say('not read')\n",
        'htdocs/r.lua'          => "local r = ... r:puts(r:requestbody() or 'none')\n",
    },
);

sub connected { IO::Socket::INET->new('127.0.0.1:' . $server->port) }

sub post {
    my ($path, $headers, $body) = @_;
    return $server->raw("POST $path HTTP/1.1\r\nHost: a\r\nConnection: close\r\n$headers\r\n$body");
}

sub chunked { join '', map({ sprintf "%x\r\n%s\r\n", length, $_ } @_), "0\r\n\r\n" }

sub over_sockets {
    ok $server->start, 'starts' or diag $server->output, $server->error_log;
    my $chunked = "Transfer-Encoding: chunked\r\n";
    like post('/r.lua', $chunked, chunked('abc', 'defg', 'h' x 20)), qr/abcdefgh{20}\z/, 'a body in chunks';
    like post('/echo.lua', $chunked, chunked(('x' x 10_000) x 30)), qr/\r\n\r\n300000 /, 'a longer one';
    like post('/r.lua', $chunked, "0\r\n\r\n"), qr/none\z/, 'no chunk at all';
    like post('/r.lua', $chunked, "zz\r\nabc\r\n"), qr/^HTTP\S+ 400/, 'a broken chunk is a 400';

    my $limit = '/small/echo.lua';
    like post($limit, "Content-Length: 1000\r\n", 'x' x 1000), qr/^HTTP\S+ 200.*\r\n\r\n1000\z/s, 'a body at the limit';
    like post($limit, "Content-Length: 1001\r\n", 'x' x 1001), qr/^HTTP\S+ 413/, 'a body over the limit is a 413';
    like post($limit, $chunked, chunked('x' x 1000)), qr/^HTTP\S+ 200.*1000/s, 'at the limit, in chunks';
    like post($limit, $chunked, chunked(('x' x 500) x 3)), qr/^HTTP\S+ 413/, 'over the limit, in chunks';
    unlike post($limit, $chunked, chunked(('x' x 500) x 3)), qr/\r\n\r\n\d+\z/, 'and the script does not go on';

    my $socket = connected();
    print $socket "POST /echo.lua HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n";
    sysread $socket, my $first, 4096;
    like $first, qr{^HTTP/1\.1 100 Continue\r\n\r\n\z}, 'who waits for "continue" gets it when the script reads';
    print $socket 'hello';
    local $/;
    like <$socket>, qr/^HTTP\S+ 200.*5 5d41402a/s, 'and then the answer';

    $socket = connected();
    print $socket "POST /unread.lua HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n";
    sysread $socket, $first, 4096;
    like $first, qr{^HTTP/1\.1 200}, 'not when it does not';

    my $big = 'b' x (8 << 20);
    like post('/echo.lua', "Content-Length: @{[8 << 20]}\r\n", $big), qr/\r\n\r\n8388608 /, 'eight megabytes';

    $socket = connected();
    print $socket "POST /echo.lua HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc";
    shutdown $socket, 1;
    unlike <$socket> // '', qr/^HTTP\S+ 200/, 'a body that breaks off is no body';

    like $server->raw("POST /unread.lua HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /unread.lua HTTP/1.1\r\nHost: a\r\n"
        . "Connection: close\r\n\r\n"), qr/(HTTP\S+ 200.*){2}/s, 'a body nobody reads does not disturb the next request';
    like $server->raw("POST /r.lua HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc"), qr/abc\z/, 'HTTP/1.0';
    $server->stop;
    unlike $server->error_log, qr/exit signal/, 'no crash';
}

over_sockets();
run_blocks;
__DATA__
=== read_body and get_body_data
--- lua
ngx.say(ngx.req.get_body_data())
ngx.say(select("#", ngx.req.read_body()))
ngx.say(ngx.req.get_body_data())
--- request
POST main.lua
a=1&b=2
--- body
nil
0
a=1&b=2

=== twice
--- lua
ngx.req.read_body()
ngx.req.read_body()
ngx.say(ngx.req.get_body_data(), ngx.req.get_body_data())
--- request
POST main.lua
x
--- body
xx

=== no body
--- lua
ngx.req.read_body()
ngx.say(ngx.req.get_body_data())
--- body
nil

=== a NUL
--- lua
ngx.req.read_body()
ngx.say(#ngx.req.get_body_data(), " ", ngx.md5(ngx.req.get_body_data()))
--- request eval
"POST main.lua\na\0b"
--- body
3 70350f6027bce3713f6b76473084309b

=== read in a hook, used in the content
--- htaccess
<CoralHook access>
ngx.req.read_body()
ngx.ctx.length = #ngx.req.get_body_data()
</CoralHook>
--- lua
ngx.req.read_body()
ngx.say(ngx.ctx.length, " ", ngx.req.get_body_data())
--- request
POST main.lua
hello
--- body
5 hello

=== read in a hook, used by a handler that is not ours
--- file echo.lua
ngx.req.read_body()
ngx.say("proxied ", ngx.req.get_body_data())
--- htaccess
RewriteEngine on
RewriteRule ^page$ http://127.0.0.1:%{SERVER_PORT}@URL@/echo.lua [P]
<CoralHook fixup late>
if ngx.req.get_method() == "POST" and ngx.var.uri:find "page$" then ngx.req.read_body() end
</CoralHook>
--- request
POST page
hello
--- body
proxied hello

=== get_post_args
--- lua
ngx.req.read_body()
local a, err = ngx.req.get_post_args()
ngx.say(a.a, "|", a.b, "|", a.c, "|", table.concat(a.d, "+"), "|", err)
local some, more = ngx.req.get_post_args(1)
ngx.say(some.a, some.b, more)
--- request
POST main.lua
a=1&b=x+y%21&c&d=1&d=2
--- body
1|x y!|true|1+2|nil
1niltruncated

=== get_post_args of nothing
--- lua
ngx.req.read_body()
ngx.say(next((ngx.req.get_post_args())))
--- body
nil

=== get_post_args before read_body is a mistake, and said to be one
--- lua
local ok, err = pcall(ngx.req.get_post_args)
ngx.say(ok, " ", err)
--- request
POST main.lua
a=1
--- body_like ^false .*no request body found

=== discard_body
--- lua
ngx.req.discard_body()
ngx.req.read_body()
ngx.say(ngx.req.get_body_data())
--- request
POST main.lua
a=1
--- body
nil

=== a body over the limit ends the script, whoever catches errors
--- htaccess
LimitRequestBody 5
--- lua
pcall(ngx.req.read_body)
ngx.say("never")
--- request
POST main.lua
123456
--- code 413
--- body_like \A(?!.*never)

=== in the log phase there is no time to wait for it
--- htaccess
<CoralHook log>
ngx.log(ngx.WARN, "body in log: ", ngx.req.get_body_data())
</CoralHook>
--- lua
ngx.req.read_body()
ngx.say("x")
--- request
POST main.lua
abc
--- error_log
body in log: abc

=== read_body in a coroutine
--- lua
local read = coroutine.wrap(function()
  ngx.req.read_body()
  coroutine.yield(ngx.req.get_body_data())
end)
ngx.say(read())
--- request
POST main.lua
abc
--- body
abc

=== through HTTP/2
--- lua
ngx.req.read_body()
ngx.say(#ngx.req.get_body_data())
--- vhost h2
--- request eval
"POST main.lua\n" . 'x' x 100_000
--- body
100000
