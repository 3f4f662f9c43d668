# SPDX-License-Identifier: Apache-2.0
# sslhandshake: what is verified, names, sessions, certificates of the client; bytes over TLS.
use strict;
use warnings;
use Coral::Blocks;
use Coral::Server;
use Coral::Upstream;
use Test::More;

my $servers = Coral::Upstream->start(
    PLAY => 'tcp', MUTE => 'tcp wait:20000', HI => 'tcp say:220%20hi%0d%0a', HANGUP => 'tcp read:5 close',
    RIGHT => 'tls:right', OLD => 'tls:right,old', SNI => 'tls:right,sni', CHAIN => 'tls:chain', LONG => 'tls:long', BROKEN => 'tls:broken',
    EXPIRED => 'tls:expired', LATE => 'tls:late', SELF => 'tls:self', CN => 'tls:cn', ECHO => 'tls:right echo',
    CLIENT => 'tls:right,client', CLIENT_OLD => 'tls:right,old,client',
);
my $dir = $servers->dir;
my $server = Coral::Server->new(config => "CoralTrustedCertificate $dir/ca.pem\nCoralVerifyDepth 1\n");
ok $server->start, 'the server starts' or die $server->output . $server->error_log;

# Other directives, a server for each.
my %port = $servers->words;
my $ask = <<'LUA';
local s = ngx.socket.tcp()
assert(s:connect("127.0.0.1", ngx.var.arg_port))
local session, err = s:sslhandshake(false, "localhost", true)
ngx.print(session, " ", err)
LUA

sub asked {
    my ($config, $port) = @_;
    my $server = Coral::Server->new(config => $config, files => { 'htdocs/ask.lua' => $ask });
    ok $server->start, 'the server starts' or return $server->output . $server->error_log;
    return $server->get("/ask.lua?port=$port")->content;
}

like asked("CoralTrustedCertificate $dir/ca.pem\nCoralVerifyDepth 1\n", $port{LONG}), qr/^nil 2[0-2]: /, 'depth 1, and two between';
is asked("CoralTrustedCertificate $dir/ca.pem\nCoralVerifyDepth 1\n", $port{CHAIN}), 'true nil', 'depth 1, and one between';
is asked("CoralTrustedCertificate $dir/ca.pem\nCoralVerifyDepth 2\n", $port{LONG}), 'true nil', 'depth 2, and two between';
like asked("CoralTrustedCertificate $dir/other.pem\n", $port{RIGHT}), qr/^nil 2[01]: unable to/, 'another CA';
like asked('', $port{RIGHT}), qr/^nil (?:19|2[01]): /, 'no CA of ours';
is asked("CoralTrustedCertificate $dir/self.pem\n", $port{SELF}), 'true nil', 'the certificate itself';

for my $bad ('CoralTrustedCertificate nothing.pem', "CoralTrustedCertificate $dir/ca.key", 'CoralTrustedCertificate',
    'CoralVerifyDepth -1', 'CoralVerifyDepth x') {
    my ($status, $output) = Coral::Server->new(config => "$bad\n")->configtest;
    isnt $status, 0, "$bad: is refused";
    like $output, qr/line 1 of \S*httpd\.conf/, "$bad: with its line";
}

run_blocks($servers->words, server => $server, TLS => <<~'LUA' =~ s/\s*\n\s*/ /gr);
    local function plain(port)
      local s = ngx.socket.tcp()
      s:settimeout(10000)
      assert(s:connect("127.0.0.1", port))
      return s
    end
    local function tls(port, name, verify)
      local s = plain(port)
      assert(s:sslhandshake(nil, name or "localhost", verify ~= false))
      return s
    end
    local function shake(port, ...)
      local session, err = plain(port):sslhandshake(...)
      ngx.say(session and true, " ", err)
    end
    local function ask(s, words) assert(s:send(words .. "\n")) return (s:receive()) end
    LUA
__DATA__
=== lines over TLS
--- lua
@LUA@ @TLS@
local s = plain(@RIGHT@)
local session, err = s:sslhandshake(nil, "localhost", true)
show(type(session) == "userdata" or type(session) == "cdata" or type(session), err)
show(s:send("say:hello%0a\n"))
show(s:receive())
show(ask(s, "version"):match("^TLSv1_[23]$") ~= nil)
show(s:close())
--- body
true|nil
13
hello
true
1

=== false for the session: no session comes back
--- lua
@LUA@ @TLS@
show(plain(@RIGHT@):sslhandshake(false, "localhost", true))
show(plain(@RIGHT@):sslhandshake(false, "localhost", false))
--- body
true
true

=== names that the certificate has
--- lua
@LUA@ @TLS@
for _, name in ipairs { "localhost", "right.test", "RIGHT.test", "x.wild.test" } do shake(@RIGHT@, nil, name, true) end
--- body
true nil
true nil
true nil
true nil

=== names it has not
--- lua
@LUA@ @TLS@
for _, name in ipairs { "elsewhere.test", "wild.test", "x.y.wild.test", "test", "xright.test", "right.test.x", "*.test" } do
  shake(@RIGHT@, nil, name, true)
end
--- body
nil certificate host mismatch
nil certificate host mismatch
nil certificate host mismatch
nil certificate host mismatch
nil certificate host mismatch
nil certificate host mismatch
nil certificate host mismatch

=== no name to verify
--- lua
@LUA@ @TLS@
shake(@RIGHT@, nil, nil, true)
shake(@SELF@, nil, nil, true)
--- body
true nil
nil 18: self-signed certificate

=== not verified
--- lua
@LUA@ @TLS@
for _, port in ipairs { @RIGHT@, @EXPIRED@, @LATE@, @SELF@, @BROKEN@, @CHAIN@, @CN@ } do
  shake(port, nil, "elsewhere.test", false)
end
--- body
true nil
true nil
true nil
true nil
true nil
true nil
true nil

=== nobody knows who has signed it
--- lua
@LUA@ @TLS@
shake(@SELF@, nil, "localhost", true)
local session, err = plain(@BROKEN@):sslhandshake(nil, "localhost", true)
show(session, (err:gsub("21: unable to verify the first certificate", "20: unable to get local issuer certificate")))
--- body
nil 18: self-signed certificate
nil|20: unable to get local issuer certificate

=== not valid any more, not yet
--- lua
@LUA@ @TLS@
shake(@EXPIRED@, nil, "localhost", true)
shake(@LATE@, nil, "localhost", true)
--- body
nil 10: certificate has expired
nil 9: certificate is not yet valid

=== a certificate between it and the CA
--- lua
@LUA@ @TLS@
shake(@CHAIN@, nil, "localhost", true)
--- body
true nil

=== a name in the subject only
--- lua
@LUA@ @TLS@
shake(@CN@, nil, "localhost", true)
shake(@CN@, nil, "elsewhere.test", true)
--- body
true nil
nil certificate host mismatch

=== after a failure the connection is closed
--- lua
@LUA@ @TLS@
local s = plain(@SELF@)
local session, err = s:sslhandshake(nil, "localhost", true)
show(session)
show(s:send("x"))
two(s:receive())
show(s:setkeepalive())
--- body
nil
nil|closed
nil|closed
nil|closed

=== it can be connected again
--- lua
@LUA@ @TLS@
local s = plain(@SELF@)
show((s:sslhandshake(nil, "localhost", true)))
show(s:connect("127.0.0.1", @RIGHT@))
show(s:sslhandshake(false, "localhost", true))
show(ask(s, "say:fine%0a"))
--- body
nil
1
true
fine

=== verified unless the call says false
--- lua
@LUA@ @TLS@
shake(@RIGHT@, nil, "localhost")
shake(@SELF@, nil, "localhost")
shake(@EXPIRED@, nil, "localhost", nil)
shake(@RIGHT@, nil, "elsewhere.test")
shake(@SELF@)
shake(@SELF@, nil, "localhost", false)
--- body
true nil
nil 18: self-signed certificate
nil 10: certificate has expired
nil certificate host mismatch
nil 18: self-signed certificate
true nil

=== the name that is sent
--- lua
@LUA@ @TLS@
for _, name in ipairs { "a.test", "b.test", "elsewhere.test" } do show(ask(tls(@SNI@, name, false), "sni")) end
local s = plain(@SNI@)
show(s:sslhandshake(false, nil, false))
show(ask(s, "sni"))
--- body
a.test
b.test
elsewhere.test
true
none

=== the certificate for the name
--- lua
@LUA@ @TLS@
shake(@SNI@, nil, "a.test", true)
shake(@SNI@, nil, "b.test", true)
shake(@SNI@, nil, "localhost", true)
shake(@SNI@, nil, "c.test", true)
--- body
true nil
true nil
true nil
nil certificate host mismatch

=== asking for the certificate's status
--- lua
@LUA@ @TLS@
local s = plain(@RIGHT@)
show(s:sslhandshake(false, "localhost", true, true))
show(ask(s, "status"))
local s = plain(@RIGHT@)
show(s:sslhandshake(false, "localhost", true, false))
show(ask(s, "status"))
--- body
true
wanted
true
not wanted

=== a session used again
--- lua
@LUA@ @TLS@
local s = plain(@OLD@)
local session = s:sslhandshake(nil, "localhost", true)
show(ask(s, "reused"))
s:close()
local s = plain(@OLD@)
local session, err = s:sslhandshake(session, "localhost", true)
show(session ~= nil, err)
show(ask(s, "reused"))
local s = plain(@OLD@)
local session, err = s:sslhandshake(session, "localhost", true)
show(ask(s, "reused"))
local s = plain(@OLD@)
show(s:sslhandshake(false, "localhost", true))
show(ask(s, "reused"))
--- body
no
true|nil
yes
yes
true
no

=== a session of TLS 1.3 does no harm
--- lua
@LUA@ @TLS@
local s = plain(@RIGHT@)
local session = s:sslhandshake(nil, "localhost", true)
ask(s, "say:x%0a")
s:close()
local s = plain(@RIGHT@)
show(s:sslhandshake(session, "localhost", true) ~= nil)
show(ask(s, "say:fine%0a"))
--- body
true
fine

=== a session of another server is not taken
--- lua
@LUA@ @TLS@
local s = plain(@OLD@)
local session = s:sslhandshake(nil, "localhost", true)
local s = plain(@CLIENT_OLD@)
show((s:sslhandshake(session, "localhost", true)))
local s = plain(@RIGHT@)
show(s:sslhandshake(session, "localhost", true) ~= nil)
show(ask(s, "reused"))
--- body
nil
true
no

=== a session that was not verified does not stand for verification
--- lua
@LUA@ @TLS@
local s = plain(@SELF@)
local session = s:sslhandshake(nil, "localhost", false)
ask(s, "say:x%0a")
s:close()
local s = plain(@SELF@)
show((s:sslhandshake(session, "localhost", true)))
--- body
nil

=== a session does not stand for another name
--- lua
@LUA@ @TLS@
local s = plain(@OLD@)
local session = s:sslhandshake(nil, "localhost", true)
s:close()
shake(@OLD@, session, "elsewhere.test", true)
shake(@OLD@, session, "right.test", true)
--- body
nil certificate host mismatch
true nil

=== sessions survive their sockets and collections
--- lua
@LUA@ @TLS@
local session
do
  local s = plain(@OLD@)
  session = s:sslhandshake(nil, "localhost", true)
end
collectgarbage() collectgarbage()
for i = 1, 5 do
  local s = plain(@OLD@)
  session = s:sslhandshake(session, "localhost", true)
  show(ask(s, "reused"))
  s = nil
  collectgarbage()
end
--- body
yes
yes
yes
yes
yes

=== a second handshake does nothing
--- lua
@LUA@ @TLS@
local s = tls(@RIGHT@)
show(s:sslhandshake(nil, "localhost", true) ~= nil)
show(s:sslhandshake(false, "localhost", true))
show(ask(s, "say:fine%0a"))
--- body
true
true
fine

=== no handshake on a closed socket
--- lua
@LUA@ @TLS@
local s = plain(@RIGHT@)
s:close()
show(s:sslhandshake())
--- body
nil|closed

=== after a few words in plain text
--- lua
@LUA@ @TLS@
local s = plain(@RIGHT@)
show(s:sslhandshake(false, "localhost", true))
show(ask(s, "say:STARTTLS%20is%20not%20needed%0a"))
--- body
true
STARTTLS is not needed

=== servers that do not speak TLS
--- lua
@LUA@ @TLS@
local s = plain(@HI@)
local session, err = s:sslhandshake(nil, "localhost", true)
show(session, err == "handshake failed" or err)
show(s:send("x"))
local s = plain(@HANGUP@)
local session, err = s:sslhandshake(nil, "localhost", true)
show(session, err == "handshake failed" or err == "closed" or err == "connection reset by peer" or err)
local s = plain(@MUTE@)
s:settimeout(100)
local from = ngx.now()
local session, err = s:sslhandshake(nil, "localhost", true)
show(session, err, took(from))
--- body
nil|true
nil|closed
nil|true
nil|timeout|true

=== much there and back
--- lua
@LUA@ @TLS@
local data = ("0123456789"):rep(500000)
local s = tls(@RIGHT@)
show(s:send("swallow:5000000\n"), s:send(data))
show(s:receive() == "5000000 " .. ngx.md5(data))
s:send("digits:5000000\n")
show(s:receive(5000000) == data)
--- body
16|5000000
true
true

=== byte by byte, lines, patterns
--- lua
@LUA@ @TLS@
local s = tls(@RIGHT@)
s:send("drip:one%0d%0atwo%0aabcabcabdrest close\n")
show(s:receive(), s:receive(), s:receiveuntil("abcabd")(), s:receive("*a"))
local s = tls(@RIGHT@)
s:send("say:abcdef wait:200 say:ghi close\n")
show(s:receiveany(100), s:receive(1), s:receiveany(100), s:receive())
--- body
one|two|abc|rest
abcdef|g|hi|nil|closed|""

=== receiveany gives what has been decrypted already
--- lua
@LUA@ @TLS@
local s = tls(@RIGHT@)
s:send("digits:10000\n")
local total = 0
while total < 10000 do total = total + #s:receiveany(7) end
show(total)
s:settimeout(100)
show((s:receiveany(7)))
--- body
10000
nil

=== the end, with and without goodbye
--- lua
@LUA@ @TLS@
local s = tls(@RIGHT@)
s:send("say:abc close\n")
show(s:receive(10))
local s = tls(@RIGHT@)
s:send("say:abc cut\n")
local data, err, partial = s:receive(10)
show(data, err, partial)
local s = tls(@RIGHT@)
s:send("say:abc close\n")
show(s:receive("*a"))
--- body
nil|closed|abc
nil|closed|abc
abc

=== timeouts
--- lua
@LUA@ @TLS@
local s = tls(@RIGHT@)
s:send("say:abc wait:400 say:def%0a\n")
s:settimeout(100)
local from = ngx.now()
show(s:receive(6))
show(took(from))
s:settimeout(5000)
show(s:receive())
--- body
nil|timeout|abc
true
def

=== both ways at a time
--- lua
@LUA@ @TLS@
local s = tls(@ECHO@)
local data = ("x"):rep(3000000)
local reader = ngx.thread.spawn(function() return s:receive(#data) end)
show(s:send(data))
local ok, got = ngx.thread.wait(reader)
show(ok, got == data)
--- body
3000000
true|true

=== kept and used again: no second handshake
--- lua
@LUA@ @TLS@
local s = ngx.socket.tcp()
show(s:connect("127.0.0.1", @RIGHT@, { pool = "kept tls" }))
show(s:sslhandshake(nil, "localhost", true) ~= nil)
local number = ask(s, "conn")
show(s:setkeepalive())
show(s:connect("127.0.0.1", @RIGHT@, { pool = "kept tls" }))
show(s:getreusedtimes())
show(s:sslhandshake(nil, "localhost", true) ~= nil)
show(ask(s, "conn") == number)
show(s:setkeepalive())
--- body
1
true
1
1
1
true
true
1

=== a client's certificate is asked for, and there is none
--- lua
@LUA@ @TLS@
local s = plain(@CLIENT_OLD@)
show((s:sslhandshake(nil, "localhost", true)))
local s = plain(@CLIENT@)
local session = s:sslhandshake(nil, "localhost", true)
local line
if session then
  s:send("say:x%0a\n")
  line = s:receive()
end
show(line)
--- body
nil
nil

=== a client's certificate
--- lua
@LUA@ @TLS@
local ssl = require "ngx.ssl"
local function read(name) local f = assert(io.open("@DIR_TLS@/" .. name)) local text = f:read("*a") f:close() return text end
local cert, key = assert(ssl.parse_pem_cert(read("client.pem"))), assert(ssl.parse_pem_priv_key(read("client.key")))
for _, port in ipairs { @CLIENT@, @CLIENT_OLD@ } do
  local s = plain(port)
  show(s:setclientcert(cert, key))
  show(s:sslhandshake(false, "localhost", true))
  show(ask(s, "client"))
end
--- body
true
true
coral test client
true
true
coral test client

=== a stranger's, and none again
--- lua
@LUA@ @TLS@
local ssl = require "ngx.ssl"
local function read(name) local f = assert(io.open("@DIR_TLS@/" .. name)) local text = f:read("*a") f:close() return text end
local cert, key = assert(ssl.parse_pem_cert(read("stranger.pem"))), assert(ssl.parse_pem_priv_key(read("stranger.key")))
local s = plain(@CLIENT_OLD@)
show(s:setclientcert(cert, key))
show((s:sslhandshake(false, "localhost", true)))
local s = plain(@CLIENT_OLD@)
show(s:setclientcert(cert, key))
show(s:setclientcert(nil, nil))
show((s:sslhandshake(false, "localhost", true)))
--- body
true
nil
true
true
nil

=== setclientcert: wrong use
--- lua
@LUA@ @TLS@
local ssl = require "ngx.ssl"
local function read(name) local f = assert(io.open("@DIR_TLS@/" .. name)) local text = f:read("*a") f:close() return text end
local cert, key = assert(ssl.parse_pem_cert(read("client.pem"))), assert(ssl.parse_pem_priv_key(read("client.key")))
local s = plain(@CLIENT_OLD@)
show((s:setclientcert(cert, nil)))
show((s:setclientcert(nil, key)))
show((s:setclientcert("x", "y")))
--- body
nil
nil
nil

=== a key that does not belong to the certificate
--- lua
@LUA@ @TLS@
local ssl = require "ngx.ssl"
local function read(name) local f = assert(io.open("@DIR_TLS@/" .. name)) local text = f:read("*a") f:close() return text end
local cert, key = assert(ssl.parse_pem_cert(read("client.pem"))), assert(ssl.parse_pem_priv_key(read("stranger.key")))
local s = plain(@CLIENT_OLD@)
local ok, err = s:setclientcert(cert, key)
if ok then ok, err = s:sslhandshake(false, "localhost", true) end
show(not ok, type(err))
--- body
true|string

=== many in a row
--- lua
@LUA@ @TLS@
for i = 1, 30 do
  local s = tls(@RIGHT@)
  assert(ask(s, "say:" .. i .. "%0a") == tostring(i))
  if i % 2 == 0 then s:close() end
end
collectgarbage()
show("fine")
--- body
fine
