# SPDX-License-Identifier: Apache-2.0
# The body of a request, whole.
use strict;
use warnings;
use Coral::Blocks;
use Coral::Server;
use IO::Socket::INET;
use Test::More;

my $server = Coral::Server->new(
    config => "CoralBodyBufferSize 16m\n<Directory \"\@ROOT\@/htdocs/small\">\n  LimitRequestBody 1000\n</Directory>\n",
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
"POST main.lua\n" . 'x' x 60_000
--- body
60000

=== at most so many bytes
--- lua
ngx.req.read_body()
for _, max in ipairs { 3, 6, 100, 0, 2.5 } do ngx.say(ngx.req.get_body_data(max)) end
--- request
POST main.lua
abcdef
--- body
abc
abcdef
abcdef
abcdef
ab

=== what they say of wrong arguments, and out of order
--- lua
local req = ngx.req
local function say(f, ...) ngx.say((select(2, pcall(f, ...)):gsub("^.-:%d+: ", ""))) end
say(req.set_body_data, "x")
say(req.set_body_file, "/x")
say(req.init_body)
say(req.append_body, "x")
say(req.finish_body)
say(req.read_body, 1)
say(req.discard_body, 1)
say(req.get_body_data, 1, 2)
say(req.get_body_file, 1)
req.read_body()
say(req.append_body, "x")
say(req.init_body, -1)
say(req.init_body, 1, 2)
say(req.set_body_data)
say(req.get_post_args, 1, 2)
for _, bad in ipairs { true, {}, print } do ngx.say((pcall(req.set_body_data, bad))) end
ngx.say(req.get_body_data())
--- request
POST main.lua
abc
--- body
request body not read yet
request body not read yet
request body not read yet
request_body not initialized
request_body not initialized
expecting 0 arguments but seen 1
expecting 0 arguments but seen 1
expecting 0 or 1 arguments but seen 2
expecting 0 arguments but seen 1
request_body not initialized
bad size argument: -1
expecting 0 or 1 argument but seen 2
expecting 1 arguments but seen 0
expecting 0 or 1 arguments but seen 2
false
false
false
abc

=== after discard_body
--- lua
ngx.req.discard_body()
for _, name in ipairs { "set_body_data", "set_body_file", "init_body" } do
  ngx.say((select(2, pcall(ngx.req[name], name ~= "init_body" and "x" or 1)):gsub("^.-:%d+: ", "")))
end
ngx.say(ngx.req.get_body_data(), " ", ngx.req.get_body_file(), " ", next((ngx.req.get_post_args())), " ", select(2, ngx.req.socket()))
--- request
POST main.lua
a=1
--- body
request body already discarded asynchronously
request body already discarded asynchronously
request body already discarded asynchronously
nil nil nil request body discarded

=== discard_body of one that was read does nothing
--- lua
ngx.req.read_body()
ngx.req.discard_body()
ngx.req.set_body_data(ngx.req.get_body_data() .. "d\0e")
ngx.say(#ngx.req.get_body_data(), " ", ngx.var.content_length, " ", ngx.req.get_headers()["content-length"])
ngx.say(select(2, ngx.req.socket()))
--- request
POST main.lua
abc
--- body
6 6 6
request body already exists

=== init_body, append_body, finish_body
--- lua
local r = ...
ngx.req.read_body()
ngx.req.init_body()
ngx.req.append_body("")
ngx.req.append_body("a")
ngx.req.append_body(1)
ngx.req.append_body("\0")
ngx.req.finish_body()
ngx.say(#ngx.req.get_body_data(), " ", ngx.req.get_body_file(), " ", ngx.var.content_length, " ", #r:requestbody())
ngx.req.init_body(0)
ngx.req.finish_body()
ngx.say(ngx.req.get_body_data(), " ", ngx.req.get_body_file(), " ", ngx.var.content_length)
ngx.req.init_body(0)
ngx.req.append_body("abc")
ngx.req.finish_body()
ngx.say(ngx.req.get_body_data(), " ", io.open(ngx.req.get_body_file()):read "a", " ", r:requestbody())
ngx.say((pcall(ngx.req.finish_body)), " ", (pcall(ngx.req.append_body, "x")))
--- body
3 nil 3 3
nil nil 0
nil abc abc
false false

=== in the log phase it cannot be read any more
--- htaccess
<CoralHook log>
ngx.log(ngx.WARN, "in log: ", select(2, pcall(ngx.req.read_body)), ", ", select(2, pcall(ngx.req.discard_body)))
</CoralHook>
--- lua
ngx.say("x")
--- request
POST main.lua
abc
--- error_log
in log: API disabled in the context of log, API disabled in the context of log

=== two threads read
--- lua
local function read() ngx.req.read_body() return ngx.req.get_body_data() end
local a, b = ngx.thread.spawn(read), ngx.thread.spawn(read)
ngx.say(select(2, ngx.thread.wait(a)), select(2, ngx.thread.wait(b)))
--- request
POST main.lua
abc
--- body
abcabc

=== CoralNeedRequestBody
--- htaccess
CoralNeedRequestBody on
<CoralHook set $body_length>
return 0
</CoralHook>
<CoralHook log>
ngx.log(ngx.WARN, "it was ", ngx.req.get_body_data())
</CoralHook>
--- lua
ngx.say(ngx.req.get_body_data(), " ", ngx.req.get_post_args().a)
--- request
POST main.lua
a=1
--- body
a=1 1
--- error_log
it was a=1

=== resty.upload, unread and read
--- lua
local upload = require "resty.upload"
local form, err = upload:new(10)
for _ = 1, 5 do
  local kind, what = form:read()
  ngx.say(kind, " ", type(what) == "table" and what[1] .. ": " .. what[2] or what)
end
--- more_headers Content-Type: multipart/form-data; boundary=xyz
--- request eval
"POST main.lua\n--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n0123456789abc\r\n--xyz--\r\n"
--- body
header Content-Disposition: form-data; name="a"
body 0123456789
body abc
part_end nil
eof nil

=== resty.upload of a body that was read
--- lua
ngx.req.read_body()
ngx.say(select(2, require "resty.upload":new(10)))
--- more_headers Content-Type: multipart/form-data; boundary=xyz
--- request
POST main.lua
--xyz--
--- body
request body already exists

=== a larger one through HTTP/2
--- lua
local r = ...
ngx.req.read_body()
ngx.say(ngx.req.get_body_data(), " ", ngx.req.get_body_file() and "in a file", " ", #r:requestbody())
ngx.req.set_body_data("abc")
ngx.say(ngx.req.get_body_data(), " ", ngx.var.content_length)
--- vhost h2
--- request eval
"POST main.lua\n" . 'x' x 200_000
--- body
nil in a file 200000
abc 3

=== as variables
--- lua
ngx.say(ngx.var.request_body, " ", ngx.var.request_body_file)
ngx.req.read_body()
ngx.say(ngx.var.request_body, " ", ngx.var.request_body_file)
ngx.req.init_body(0)
ngx.req.append_body("x")
ngx.req.finish_body()
ngx.say(ngx.var.request_body, " ", ngx.var.request_body_file == ngx.req.get_body_file())
ngx.say((select(2, pcall(function() ngx.var.request_body = "y" end)):gsub("^.-:%d+: ", "")))
--- request
POST main.lua
abc
--- body
nil nil
abc nil
nil true
variable "request_body" not changeable
