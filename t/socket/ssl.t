# SPDX-License-Identifier: Apache-2.0
# LuaSec's names: ssl.wrap, contexts, the handshake, and what a connection tells of itself.
use strict;
use warnings;
use Coral::Blocks;
use Coral::Upstream;

my $servers = Coral::Upstream->start(
    PLAY => 'tcp', MUTE => 'tcp wait:20000', RIGHT => 'tls:right', OLD => 'tls:right,old', SNI => 'tls:right,sni', SELF => 'tls:self',
    ECHO => 'tls:right echo', CLIENT => 'tls:right,client', HANGUP => 'tcp read:5 close', TEXT => 'tcp say:220%20hi%0d%0a',
);
my %words = $servers->words;
my $dir = $servers->dir;
run_blocks(%words, X509 => -e '/usr/lib/x86_64-linux-gnu/lua/5.4/ssl.so' ? '' : 'no LuaSec', S => <<~"LUA" =~ s/\s*\n\s*/ /gr);
    local socket, ssl = require "socket", require "ssl"
    local CA, CERT, KEY = "$dir/ca.pem", "$dir/client.pem", "$dir/client.key"
    local function wrap(port, params, name)
      local s = socket.tcp()
      s:settimeout(10)
      assert(s:connect("127.0.0.1", port))
      params = params or {}
      params.mode, params.protocol = params.mode or "client", params.protocol or "any"
      local c = assert(ssl.wrap(s, params))
      c:settimeout(10)
      if name then c:sni(name) end
      return c, s
    end
    local function tls(...)
      local c = wrap(...)
      assert(c:dohandshake())
      return c
    end
    LUA
__DATA__
=== lines over TLS
--- lua
@LUA@ @S@
local c, s = wrap(@RIGHT@)
show(tostring(c):match "^SSL:Connection", s:getfd(), c:getfd() > 2)
show(c:send("x"))
show(c:dohandshake())
show(c:send("say:a%0d%0ab close\n"))
show(c:receive())
show(c:receive("*a"))
show(c:receive())
show(c:getstats())
show(c:close(), c:send("x"))
--- body_like
\ASSL:Connection\|-1\|true
nil\|closed\|0
true
19
a
b
nil\|closed\|""
4\|19\|[\d.e-]+
1\|nil\|closed\|0
\z

=== much, both ways
--- lua
@LUA@ @S@
local data = ("0123456789"):rep(50000)
local c = tls(@ECHO@)
local t = ngx.thread.spawn(function() return c:send(data) end)
show(c:receive(#data) == data)
show(select(2, ngx.thread.wait(t)) == #data)
show(c:send(data, 3, 6), c:receive(4))
--- body
true
true
6|2345

=== what is verified: the chain, if that is asked for
--- lua
@LUA@ @S@
show(tls(@SELF@):getpeerverification())
local c = tls(@RIGHT@, { verify = "peer", cafile = CA })
show(c:getpeerverification())
show(wrap(@SELF@, { verify = { "peer", "fail_if_no_peer_cert" }, cafile = CA }):dohandshake())
show(wrap(@RIGHT@, { verify = "peer" }):dohandshake())
show(wrap(@RIGHT@, { verify = "none" }):dohandshake())
--- body_like
\Afalse\|self[- ]signed certificate
true\|nil
false\|certificate verify failed
false\|certificate verify failed
true
\z

=== names, protocols, ciphers
--- lua
@LUA@ @S@
local c = tls(@SNI@, nil, "a.test")
c:send("sni\n")
show(c:receive())
show(c:info("protocol") == c:info().protocol, c:info("protocol"):match "^TLSv1" ~= nil, c:info("bits") >= 128, c:info("compression"))
c = tls(@RIGHT@, { protocol = "tlsv1_2" })
show(c:info("protocol"), c:info().cipher ~= nil, c:info().encryption ~= nil)
c = tls(@OLD@)
show(c:info("protocol"))
show(wrap(@OLD@, { protocol = "tlsv1_3" }):dohandshake())
c = tls(@RIGHT@, { options = { "all", "no_tlsv1_3" }, ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384", curve = "P-256" })
show(c:info("cipher"))
show(c:getalpn())
show(#c:getpeerfinished() > 0, #c:getfinished() > 0)
--- body_like
\Aa.test
true\|true\|true\|nil
TLSv1.2\|true\|true
TLSv1.2
false\|.*(?:protocol version|unsupported protocol|closed|alert).*
ECDHE-ECDSA-AES256-GCM-SHA384
nil
true\|true
\z

=== this side's certificate
--- lua
@LUA@ @S@
local c = tls(@CLIENT@, { certificate = CERT, key = KEY })
c:send("client\n")
show(c:receive())
local other = tls(@CLIENT@, { certificates = { { certificate = CERT, key = KEY, password = function() return "unused" end } } })
other:send("client\n")
show(other:receive())
--- body
coral test client
coral test client

=== the other side's certificate
--- lua
@LUA@ @S@
local c = tls(@RIGHT@)
show(c:getpeerpem():match "^%-+BEGIN CERTIFICATE" ~= nil, c:getpeerpem(9))
show(c:getpeerpem(0))
local certificate, err = c:getpeercertificate()
show(certificate and type(certificate:digest()) or err:match "need LuaSec" and "string")
show(certificate and #c:getpeerchain() or 1)
--- body
true|nil
nil|invalid certificate index
string
1

=== contexts that cannot be
--- lua
@LUA@ @S@
local function try(params) show(ssl.newcontext(params)) end
try { mode = "server", protocol = "any" }
try { mode = "x", protocol = "any" }
try { mode = "client", protocol = "tlsv9" }
try { mode = "client" }
try { mode = "client", protocol = "any", cafile = "/nowhere.pem" }
try { mode = "client", protocol = "any", certificate = "/nowhere.pem" }
try { mode = "client", protocol = "any", key = "/nowhere.pem" }
try { mode = "client", protocol = "any", key = KEY, password = 1 }
try { mode = "client", protocol = "any", key = KEY, certificate = CA }
try { mode = "client", protocol = "any", verify = "maybe" }
try { mode = "client", protocol = "any", options = "perhaps" }
try { mode = "client", protocol = "any", ciphers = "NONSENSE" }
try { mode = "client", protocol = "any", curve = "nonsense" }
try { mode = "client", protocol = "any", alpn = { "" } }
try { mode = "client", protocol = "any", dane = true }
fails(ssl.wrap, socket.tcp(), "x")
show(ssl.wrap(socket.tcp(), { mode = "client", protocol = "any" }))
local context = assert(ssl.newcontext { mode = "client", protocol = "any", alpn = { "h2", "http/1.1" } })
show(getmetatable(context).__name)
--- body_like
\Anil\|mode "server" is not there in mod_coral: httpd \(mod_ssl\) is who serves TLS
nil\|invalid mode \(x\)
nil\|invalid protocol \(tlsv9\)
nil\|invalid protocol \(nil\)
nil\|error loading CA locations \(.*\)
nil\|error loading certificate \(.*\)
nil\|error loading private key \(.*\)
nil\|invalid password type
nil\|(?:private key does not match public key|error loading certificate \(key values mismatch\))
nil\|invalid verify option \(maybe\)
nil\|invalid option \(perhaps\)
nil\|error setting cipher list \(.*\)
nil\|unknown elliptic curve in "nonsense"
nil\|invalid ALPN name \(empty string\)
nil\|dane is not there in mod_coral
bad argument #2 to 'wrap' \(table expected, got string\)
nil\|closed
SSL:Context
\z

=== handshakes that fail, or take too long; without waiting
--- lua
@LUA@ @S@
local c = wrap(@MUTE@)
c:settimeout(0.1)
local from = ngx.now()
show(c:dohandshake())
show(took(from), c:want())
c:settimeout(0)
show(c:dohandshake())
show(wrap(@HANGUP@):dohandshake())
show(wrap(@TEXT@):dohandshake())
c = wrap(@RIGHT@)
c:settimeout(0)
while true do
  local ok, err = c:dohandshake()
  if ok then break end
  if err == "wantread" then socket.select({ c }, nil, 5)
  elseif err == "wantwrite" then socket.select(nil, { c }, 5)
  else show(err) break end
end
show(c:want())
show(c:receive())
c:settimeout(5)
c:send("say:abcdef\n")
show(c:receive(3))
show(c:dirty())
show(#socket.select({ c }, nil, 5))
show(c:receive(3))
--- body_like
\Afalse\|wantread
true\|read
false\|wantread
false\|(?:closed|unexpected eof while reading)
false\|(?:wrong version number|packet length too long|record layer failure)
nothing
nil\|wantread\|""
abc
true
1
def
\z
