# SPDX-License-Identifier: Apache-2.0
# socket.http, ssl.https and socket.url, of an installed LuaSocket and LuaSec, and ours for those who have none: the same requests to this
# very server.
use strict;
use warnings;
use Coral::Blocks;
use Coral::Server;
use Coral::Upstream;
use Test::More;

my $servers = Coral::Upstream->start(REFUSED => 'refused');
my %words = $servers->words;
my $script = "$words{LUA}\n" . <<'LUA';
local http, https, ltn12, url = require "socket.http", require "ssl.https", require "ltn12", require "socket.url"
local base = "http://127.0.0.1:" .. ngx.var.server_port
show(http.request(base .. "/hello.txt"))
local body, code, headers, status = http.request(base .. "/echo.lua?a=b", "some body")
show(body, code, headers["content-type"], status)
show(http.request(base .. "/moved"), select(2, http.request(base .. "/moved")))
show(select(2, http.request { url = base .. "/moved", redirect = false }))
local parts = {}
show(http.request {
  url = base .. "/echo.lua", method = "PUT", headers = { ["X-Own"] = "y" },
  source = ltn12.source.table { "in ", "pie", "ces" }, sink = ltn12.sink.table(parts),
})
show(table.concat(parts))
show(http.request { url = base .. "/hello.txt", method = "HEAD" })
show(#http.request(base .. "/long.lua"))
show(http.request("http://127.0.0.1:REFUSED/"))
show(http.request("http://no.such.host.invalid./") == nil)
local u = url.parse "http://user:pass@host:81/a/b;p?q=1#f"
show(u.scheme, u.user, u.password, u.host, u.port, u.path, u.params, u.query, u.fragment, url.build(u))
show(url.absolute("http://a/b/c/d;p?q", "../g"), url.absolute("http://a/b/c/d;p?q", "g;x?y#s"), url.absolute("http://a/b", "//x/y"))
show(url.escape "a b/c", url.unescape "a%20b", url.build_path(url.parse_path "/a/b%20c/"))
local tls = "https://127.0.0.1:" .. ngx.var.arg_tls
show(https.request(tls .. "/hello.txt"))
show(https.request(tls .. "/echo.lua", "secret"))
parts = {}
show((https.request { url = tls .. "/hello.txt", sink = ltn12.sink.table(parts) }), table.concat(parts))
show(https.request { url = tls .. "/hello.txt", verify = "peer" })
show((http.request(tls .. "/hello.txt")))
LUA
$script =~ s{show\(select\(2, http.request\("http://127.0.0.1:\d+/"\)\)\)\n}{};

$script =~ s/\bREFUSED\b/$words{REFUSED}/;
my $expected = qr{\Ahello, world\|200\|table: \w+\|HTTP/1.1 200 OK
POST some body\|200\|text/plain\|HTTP/1.1 200 OK
hello, world\|200\|table: \w+\|HTTP/1.1 200 OK
302\|table: \w+\|HTTP/1.1 302 Found
1\|200\|table: \w+\|HTTP/1.1 200 OK
PUT in pieces y
1\|200\|table: \w+\|HTTP/1.1 200 OK
200000
nil\|connection refused
true
http\|user\|pass\|host\|81\|/a/b\|p\|q=1\|f\|http://user:pass\@host:81/a/b;p\?q=1#f
http://a/b/g\|http://a/b/c/g;x\?y#s\|http://x/y
a%20b%2fc\|a b\|/a/b%20c/
hello, world\|200\|table: \w+\|HTTP/1.1 200 OK
POST secret\|200\|table: \w+\|HTTP/1.1 200 OK
1\|hello, world
nil\|certificate verify failed(?:\|nil)*
hello, world
\z};

# A letter, to a mail server that is a light thread of the same script.
my $letter = <<'LUA';
local socket = require "socket"
local smtp = require "socket.smtp"
local server = socket.bind("127.0.0.1", 0)
local _, port = server:getsockname()
local heard = {}
local thread = ngx.thread.spawn(function()
  local c = server:accept()
  c:send("220 hello\r\n")
  while true do
    local line = assert(c:receive())
    heard[#heard + 1] = line
    if line:find "^EHLO" then c:send("250-mail\r\n250 SIZE\r\n")
    elseif line == "DATA" then c:send("354 go on\r\n")
    elseif line == "." then c:send("250 good\r\n")
    elseif line == "QUIT" then c:send("221 bye\r\n") break
    elseif line:find "^MAIL" or line:find "^RCPT" then c:send("250 good\r\n") end
  end
end)
local ok, err = smtp.send { from = "<a@a.test>", rcpt = "<b@b.test>", server = "127.0.0.1", port = port,
  source = smtp.message { headers = { subject = "news" }, body = "first\r\n.second\r\n" } }
ngx.thread.wait(thread)
local text = table.concat(heard, "/")
ngx.print(ok, " ", err, " ", text:match "MAIL.-DATA", " ", text:match "/first/.*")
LUA

my %files = (
    'htdocs/letter.lua' => $letter,
    'htdocs/main.lua' => $script,
    'htdocs/hello.txt' => 'hello, world',
    'htdocs/echo.lua' => "ngx.header.content_type = 'text/plain' ngx.req.read_body() "
        . "ngx.print(ngx.req.get_method(), ' ', ngx.req.get_body_data(), ngx.var.http_x_own and ' ' .. ngx.var.http_x_own or '')",
    'htdocs/long.lua' => "for i = 1, 200 do ngx.print(('x'):rep(1000)) ngx.flush(true) end",
);
my $tls = Apache::Test::vars('t_conf') . '/tls';

sub answers {
    my ($name, $letters) = @_;
    my $spare = Coral::Server->new;
    my $port = $spare->port;
    my $server = Coral::Server->new(files => \%files, config => <<CONFIG);
RedirectMatch 302 ^/moved\$ /hello.txt
Listen 127.0.0.1:$port
<VirtualHost 127.0.0.1:$port>
    SSLEngine on
    SSLCertificateFile $tls/cert.pem
    SSLCertificateKeyFile $tls/key.pem
</VirtualHost>
CONFIG
    ok $server->start, 'the server starts' or die $server->output . $server->error_log;
    my $response = $server->get("/main.lua?tls=$port");
    like $response->content, $expected, $name or diag $server->error_log;
    is $server->get('/letter.lua')->content,
        '1 nil MAIL FROM:<a@a.test>/RCPT TO:<b@b.test>/DATA /first/..second//./QUIT', "$name: a letter" if $letters;
    unlike $server->error_log, qr/\[coral:(?:error|crit)\]/, "$name: no errors";
    $server->stop;
}

SKIP: {
    my $there = qx(lua5.4 -e 'print(package.searchpath("socket.http", package.path) and package.searchpath("ssl.https", package.path))' 2>&1);
    skip 'no LuaSocket and LuaSec for Lua 5.4 (Debian: lua-socket, lua-sec)', 4 unless $there =~ m{^/};
    answers('installed', 1);
}

# As if there were none.
$files{'htdocs/main.lua'} = <<'LUA' . $script;
for _, name in ipairs { "socket", "ltn12", "mime", "socket.url", "socket.headers", "socket.http", "ssl.https" } do
  local file = package.searchpath(name, (package.path:match "[^;]*/luasocket/spare/%?%.lua"))
  package.preload[name] = function() return dofile(file) end
end
LUA
answers('our own');

run_blocks(%words);
__DATA__
=== what our own has not says what to install
--- lua
@LUA@
local spare = package.path:match "[^;]*/luasocket/spare/%?%.lua"
for _, name in ipairs { "smtp", "ftp", "tp" } do fails(dofile, package.searchpath("socket." .. name, spare)) end
--- body
socket.smtp is LuaSocket's own, which is not installed (Debian: lua-socket; LuaRocks: luasocket); with its files it runs here
socket.ftp is LuaSocket's own, which is not installed (Debian: lua-socket; LuaRocks: luasocket); with its files it runs here
socket.tp is LuaSocket's own, which is not installed (Debian: lua-socket; LuaRocks: luasocket); with its files it runs here
