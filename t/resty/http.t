# SPDX-License-Identifier: Apache-2.0
# lua-resty-http as it is, against this httpd, plain and with TLS.
use strict;
use warnings;
use Coral::Blocks;
use Coral::Library;
use Coral::Server;
use Coral::Upstream;
use Test::More;

my $library = Coral::Library->need('resty.http');
my $others  = Coral::Upstream->start(REFUSED => 'refused', PLAY => 'tcp');
my %files   = (
    'echo.lua' => <<'LUA',
ngx.req.read_body()
local body, file = ngx.req.get_body_data() or "", ngx.req.get_body_file and ngx.req.get_body_file()
if file then body = assert(io.open(file, "rb")):read "a" end
ngx.header["X-Method"] = ngx.req.get_method()
ngx.header["X-Agent"] = ngx.var.http_user_agent
ngx.header["X-Test"] = ngx.var.http_x_test
ngx.header["Set-Cookie"] = { "a=1", "b=2" }
ngx.say(#body, " ", ngx.md5(body), " ", ngx.var.args)
LUA
    'stream.lua' => 'for i = 1, 20 do ngx.print(("x"):rep(10000)) ngx.flush(true) end',
    'slow.lua'   => 'ngx.sleep(2)',
    'status.lua' => 'ngx.status = tonumber(ngx.var.arg_s) ngx.header["Content-Length"] = 0',
    # Not kept: an httpd whose threads are all busy closes such connections.
    'crowd.lua'  => <<'LUA',
local n, http = ngx.var.arg_n, require "resty.http"
local client = http.new()
for i = 1, 3 do
  local res, err = client:request_uri("http://127.0.0.1:" .. ngx.var.server_port .. "/echo.lua?n=" .. n, { method = "POST", body = ("y"):rep(n * 100), keepalive = false })
  assert(res, err)
  assert(res.body == n * 100 .. " " .. ngx.md5(("y"):rep(n * 100)) .. " n=" .. n .. "\n", res.body)
end
ngx.print("fine ", n)
LUA
);
my $server = Coral::Server->new(config => $library->config . <<'CONF', files => { map { ("htdocs/$_" => $files{$_}) } keys %files });
AsyncRequestWorkerFactor 100
CoralSslTrustedCertificate "${CONF}/tls/cert.pem"
Listen 127.0.0.1:@TLS@
<VirtualHost 127.0.0.1:@TLS@>
    SSLEngine on
    SSLCertificateFile "${CONF}/tls/cert.pem"
    SSLCertificateKeyFile "${CONF}/tls/key.pem"
</VirtualHost>
CONF
my $tls = Coral::Server::free_port(Apache::Test::vars()->{port});
$server->write('httpd.conf', Coral::File->follow($server->root . '/httpd.conf', 0)->text =~ s/\@TLS\@/$tls/gr);
ok $server->start, 'starts' or diag $server->output, $server->error_log;
is join(' ', $server->crowd('/crowd.lua?n=N', 100)), join(' ', map { "fine $_" } 1 .. 100), 'a hundred clients at the same time';

run_blocks($others->words, HERE => 'http://127.0.0.1:' . $server->port, PORT => $server->port, TLS => $tls, LUA => Coral::Library::lua(), server => $server);
__DATA__
=== requests
--- lua
@LUA@
local http = require "resty.http"
local client = http.new()
local res, err = client:request_uri("@HERE@/echo.lua", { query = { a = "1 2", b = "ä" }, headers = { ["X-Test"] = "here" } })
show(res.status, res.reason, res.headers["X-Method"], res.headers["x-test"], res.has_body)
show(table.concat(res.headers["Set-Cookie"], ","))
show((res.body:gsub("\n", "")):match "^0 d41d8cd98f00b204e9800998ecf8427e (.*)" ~= nil)
for _, method in ipairs { "POST", "PUT", "DELETE", "PATCH", "OPTIONS" } do
  res = assert(client:request_uri("@HERE@/echo.lua", { method = method, body = "hello" }))
  show(res.headers["X-Method"], (res.body:gsub("\n", "")))
end
res = assert(client:request_uri("@HERE@/echo.lua", { method = "HEAD" }))
show(res.status, res.body == "", res.headers["X-Method"])
for _, status in ipairs { 204, 304, 404, 503 } do show(client:request_uri("@HERE@/status.lua?s=" .. status).status) end
--- body
200|OK|GET|here|true
a=1,b=2
true
POST|5 5d41402abc4b2a76b9719d911017c592 nil
PUT|5 5d41402abc4b2a76b9719d911017c592 nil
DELETE|5 5d41402abc4b2a76b9719d911017c592 nil
PATCH|5 5d41402abc4b2a76b9719d911017c592 nil
OPTIONS|5 5d41402abc4b2a76b9719d911017c592 nil
200|true|HEAD
204
304
404
503

=== bodies: large, as a function, in pieces
--- lua
@LUA@
local http = require "resty.http"
local client = http.new()
local big = ("0123456789abcdef"):rep(200000)
local res = assert(client:request_uri("@HERE@/echo.lua?x", { method = "POST", body = big }))
show(res.body == #big .. " " .. ngx.md5(big) .. " x\n")
local n = 0
local function pieces() n = n + 1 if n <= 10 then return big:sub(1, 10000) end end
res = assert(client:request_uri("@HERE@/echo.lua?x", { method = "POST", body = pieces, headers = { ["Content-Length"] = 100000 } }))
show(res.body == "100000 " .. ngx.md5(big:sub(1, 10000):rep(10)) .. " x\n")
assert(client:connect { scheme = "http", host = "127.0.0.1", port = @PORT@ })
res = assert(client:request { path = "/stream.lua", headers = { Host = "x" } })
local total, pieces, reader = 0, 0, res.body_reader
repeat
  local piece, err = reader(8192)
  assert(not err, err)
  if piece then total, pieces = total + #piece, pieces + 1 assert(#piece <= 8192) end
until not piece
show(res.headers["Transfer-Encoding"], total, pieces >= 25)
show(client:set_keepalive())
--- body
true
true
chunked|200000|true
1

=== pipelines
--- lua
@LUA@
local client = require "resty.http".new()
assert(client:connect { scheme = "http", host = "127.0.0.1", port = @PORT@ })
local all = assert(client:request_pipeline { { path = "/echo.lua?1" }, { path = "/echo.lua?2" }, { path = "/status.lua?s=404" } })
for i, res in ipairs(all) do show(i, res.status, res.has_body and (res:read_body():match "(%S+)\n" or "none")) end
--- body
1|200|1
2|200|2
3|404|none

=== kept connections
--- lua
@LUA@
local http = require "resty.http"
for i = 1, 3 do
  local client = http.new()
  assert(client:connect { scheme = "http", host = "127.0.0.1", port = @PORT@, pool = "kept" })
  local res = assert(client:request { path = "/echo.lua", headers = { Connection = "keep-alive" } })
  res:read_body()
  show(client:get_reused_times(), client:set_keepalive(1000, 5))
end
local client = http.new()
assert(client:connect { scheme = "http", host = "127.0.0.1", port = @PORT@, pool = "kept" })
client:request { path = "/echo.lua", headers = { Connection = "close" } }:read_body()
show(client:set_keepalive())
--- body
0|1
1|1
2|1
2|connection must be closed

=== TLS
--- lua
@LUA@
local http = require "resty.http"
local client = http.new()
show(client:request_uri("https://localhost:@TLS@/echo.lua?x", { method = "POST", body = "hello", ssl_verify = true }).body)
local big = ("0123456789abcdef"):rep(100000)
show(client:request_uri("https://localhost:@TLS@/echo.lua?x", { method = "POST", body = big }).body == #big .. " " .. ngx.md5(big) .. " x\n")
show(client:request_uri("https://localhost:@TLS@/echo.lua", { ssl_server_name = "elsewhere" }))
show(client:request_uri("https://localhost:@TLS@/echo.lua", { ssl_server_name = "elsewhere", ssl_verify = false }).status)
show((client:request_uri("https://127.0.0.1:@PORT@/echo.lua")))
--- body
5 5d41402abc4b2a76b9719d911017c592 x

true
nil|certificate host mismatch
200
nil

=== mistakes and time-outs
--- lua
@LUA@
local http = require "resty.http"
local client = http.new()
show(client:request_uri("http://127.0.0.1:@REFUSED@/"))
show((client:request_uri "nonsense"))
client:set_timeouts(1000, 1000, 100)
show(client:request_uri("@HERE@/slow.lua"))
assert(client:connect { scheme = "http", host = "127.0.0.1", port = @PLAY@ })
client.sock:send "say:HTTP/1.1%20200%20OK%0d%0aContent-Length:%20100%0d%0a%0d%0ashort close\n"
show((client:request { path = "/" } or { status = "?" }).status)
show(table.concat(http:parse_uri "https://example.com/a?b=c", " "))
--- body_like
\Anil\|connection refused
nil
nil\|timeout
200
https example.com 443 /a\?b=c

=== a proxy of the request at hand
--- lua
@LUA@
local client = require "resty.http".new()
assert(client:connect { scheme = "http", host = "127.0.0.1", port = @PORT@ })
ngx.req.set_uri "/echo.lua"
client:proxy_response(assert(client:proxy_request()))
client:set_keepalive()
--- request
POST main.lua?z
hello
--- body
5 5d41402abc4b2a76b9719d911017c592 z
--- header
X-Method: POST
