# SPDX-License-Identifier: Apache-2.0
# ngx.ssl, stores of trusted certificates, sessions that are asked for later, and the small methods of sockets: bind, getfd.
use strict;
use warnings;
use Coral::Blocks;
use Coral::Upstream;

my $servers = Coral::Upstream->start(PLAY => 'tcp', RIGHT => 'tls:right', OLD => 'tls:right,old', CHAIN => 'tls:chain', CLIENT => 'tls:right,client',
    UDP => 'udp');
my $dir = $servers->dir;
run_blocks($servers->words, TLS => <<~'LUA' =~ s/\s*\n\s*/ /gr =~ s/DIR/$dir/r);
    local ssl, store = require "ngx.ssl", require "resty.openssl.x509.store"
    local function read(name) local f = assert(io.open("DIR/" .. name, "rb")) local text = f:read("a") f:close() return text end
    local function plain(port)
      local s = ngx.socket.tcp()
      s:settimeout(10000)
      assert(s:connect("127.0.0.1", port))
      return s
    end
    local function ask(s, words) assert(s:send(words .. "\n")) return (s:receive()) end
    LUA
__DATA__
=== a store of one's own
--- lua
@LUA@ @TLS@
local ours = store.new()
local s = plain(@RIGHT@)
show(s:settrustedstore(ours.ctx))
show((s:sslhandshake(false, "localhost", true)))
show(ours:add(assert(ssl.parse_pem_cert(read("ca.pem")))))
for _, port in ipairs { @RIGHT@, @CHAIN@ } do
  s = plain(port)
  s:settrustedstore(ours.ctx)
  show(s:sslhandshake(false, "localhost", true))
end
s = plain(@RIGHT@)
s:settrustedstore(ours.ctx)
show((s:sslhandshake(false, "example.com", true)))
--- body
1
nil
true
true
true
nil

=== from a file; the system's; another's
--- lua
@LUA@ @TLS@
local file, other, system = store.new(), store.new(), store.new()
show(file:load_file("@DIR_TLS@/ca.pem"), other:load_file("@DIR_TLS@/other.pem"), system:use_default())
for _, one in ipairs { file, other, system } do
  local s = plain(@RIGHT@)
  s:settrustedstore(one.ctx)
  show((s:sslhandshake(false, "localhost", true)))
end
--- body
true|true|true
true
nil
nil

=== it holds for one handshake, and can be taken back
--- lua
@LUA@ @TLS@
local ours = store.new()
ours:load_file("@DIR_TLS@/ca.pem")
local s = plain(@RIGHT@)
s:settrustedstore(ours.ctx)
show(s:sslhandshake(false, "localhost", true))
show(s:settrustedstore(ours.ctx))
s:close()
show(s:settrustedstore(ours.ctx))
assert(s:connect("127.0.0.1", @RIGHT@))
show((s:sslhandshake(false, "localhost", true)))
s = plain(@RIGHT@)
s:settrustedstore(ours.ctx)
show(s:settrustedstore(nil))
show((s:sslhandshake(false, "localhost", true)))
ours = nil
s = plain(@RIGHT@)
s:settrustedstore((function() local x = store.new() x:load_file("@DIR_TLS@/ca.pem") return x.ctx end)())
collectgarbage() collectgarbage()
show(s:sslhandshake(false, "localhost", true))
--- body
true
nil|ssl handshake already done; trusted store cannot be changed on an established TLS connection
nil|closed
nil
1
nil
true

=== what is no store
--- lua
@LUA@ @TLS@
local s = plain(@RIGHT@)
show(s:settrustedstore("x"))
show(s:settrustedstore(io.stdout))
local ours = store.new()
show(ours:add("x"))
show((ours:add(ssl.parse_pem_priv_key(read("client.key"))) == nil))
show(ours:load_file())
show((ours:load_file("/no/such/file")))
show(store.istype(ours), store.istype({}), store.istype(nil))
--- body
nil|bad store arg: the ctx of a resty.openssl.x509.store expected, got string
nil|bad store arg: the ctx of a resty.openssl.x509.store expected, got userdata
nil|x509.store:add: a certificate of ngx.ssl.parse_pem_cert is expected at #1
true
nil|x509.store:load_file: expect a string at #1
nil
true|false|false

=== a session that is asked for later
--- lua
@LUA@ @TLS@
local s = plain(@OLD@)
show(s:getsslsession())
s:sslhandshake(false, "localhost", false)
ask(s, "say:x%0a")
local session = s:getsslsession()
show(type(session))
s:close()
show(s:getsslsession())
s = plain(@OLD@)
s:sslhandshake(session, "localhost", false)
show(s:getsslreused())
for _, name in ipairs { "getsslpointer", "getsslctx" } do show((select(2, pcall(s[name], s)):match("no FFI"))) end
--- body
nil|not an SSL connection
userdata
nil|closed
true
no FFI
no FFI

=== certificates and keys, from PEM and DER
--- lua
@LUA@ @TLS@
local cert, key = ssl.cert_pem_to_der(read("client.pem")), ssl.priv_key_pem_to_der(read("client.key"))
show(cert:byte(1) == 0x30, key:byte(1) == 0x30)
local s = plain(@CLIENT@)
show(s:setclientcert(ssl.parse_der_cert(cert), ssl.parse_der_priv_key(key)))
show(s:sslhandshake(false, "localhost", false))
show(ask(s, "client"))
local two = ssl.cert_pem_to_der(read("client.pem") .. read("ca.pem"))
show(#two > #cert, two:sub(1, #cert) == cert, type(ssl.parse_der_cert(two)))
for _, name in ipairs { "parse_pem_cert", "parse_der_cert", "parse_pem_priv_key", "parse_der_priv_key", "cert_pem_to_der", "priv_key_pem_to_der" } do
  local a, err = ssl[name]("x")
  local b = ssl[name]("")
  show(a, err, b, (pcall(ssl[name])))
end
show((ssl.parse_der_cert(cert .. "x")))
--- body
true|true
true
true
coral test client
true|true|userdata
nil|PEM_read_bio_X509_AUX() failed|nil|false
nil|d2i_X509_bio() failed|nil|false
nil|PEM_read_bio_PrivateKey() failed|nil|false
nil|d2i_PrivateKey_bio() failed|nil|false
nil|PEM_read_bio_X509_AUX() failed|nil|false
nil|PEM_read_bio_PrivateKey() failed|nil|false
nil

=== a key with a password
--- lua
@LUA@ @TLS@
local pipe = require "ngx.pipe"
local proc = pipe.spawn { "openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024", "-aes128", "-pass", "pass:secret" }
local pem = proc:stdout_read_all()
local err = proc:stderr_read_all()
if #pem == 0 then pem = pipe.spawn("openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -aes128 -pass pass:secret 2>/dev/null"):stdout_read_all() end
show(type(ssl.priv_key_pem_to_der(pem, "secret")), (ssl.priv_key_pem_to_der(pem, "wrong")), (ssl.priv_key_pem_to_der(pem)), (ssl.parse_pem_priv_key(pem)))
--- body
string|nil|nil|nil

=== what the client of the request speaks
--- vhost tls
--- lua
local ssl = require "ngx.ssl"
ngx.say((ssl.get_tls1_version_str():gsub("%.%d", "")), " ", ssl.get_tls1_version() >= ssl.TLS1_2_VERSION, " ", ssl.server_port() == tonumber(ngx.var.server_port))
ngx.say((select(2, pcall(ssl.set_cert)):match("mod_ssl's")))
--- body
TLSv1 true true
mod_ssl's

=== … and without TLS
--- lua
local ssl = require "ngx.ssl"
ngx.say(ssl.get_tls1_version())
ngx.say(ssl.get_tls1_version_str())
ngx.say(ssl.server_name())
--- body
nilbad ssl conn
nilbad ssl conn
nilbad ssl conn

=== getfd
--- lua
@LUA@ @TLS@
local s = ngx.socket.tcp()
show(s:getfd())
s:connect("127.0.0.1", @PLAY@)
show(s:getfd() > 2)
s:close()
show(s:getfd())
--- body
nil|closed
true
nil|closed

=== bind: an address, and a port
--- lua
@LUA@ @TLS@
local s = ngx.socket.tcp()
local port = 20000 + ngx.worker.pid() % 10000
show(s:bind("127.0.0.2", port))
local ok, err = s:connect("127.0.0.1", @PLAY@)
show((ok or err == "address already in use") and true)
show(s:bind("localhost"))
show(s:bind("127.0.0.1", 70000))
show(s:bind("127.0.0.1", -1))
show((pcall(s.bind, s)))
s = ngx.socket.tcp()
show(s:bind("::1"))
show((s:connect("127.0.0.1", @PLAY@)))
--- body
1
true
nil|bad address
nil|bad port number
nil|bad port number
false
1
1

=== bind: datagrams
--- lua
@LUA@ @TLS@
local s = ngx.socket.udp()
show(s:bind("127.0.0.3"))
show(s:setpeername("127.0.0.1", @UDP@))
show(s:send("x"))
show(s:bind("nowhere"))
s = ngx.socket.udp()
show(s:bind("192.0.2.1"))
show((s:setpeername("127.0.0.1", @UDP@)))
--- body
1
1
1
nil|bad address
1
nil
