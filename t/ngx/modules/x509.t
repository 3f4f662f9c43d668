# SPDX-License-Identifier: Apache-2.0
# resty.openssl.x509 and resty.openssl.ssl; sock:getpeercertificate(). The certificate is the suite's own.
use strict;
use warnings;
use Apache::Test ();
use Coral::Blocks;
use Coral::Server;
use Coral::Upstream;
use Test::More;

my $servers = Coral::Upstream->start(RIGHT => 'tls:right', PLAY => 'tcp');
my $file    = Apache::Test::vars()->{t_conf} . '/tls/cert.pem';
my ($sha)   = qx(openssl x509 -in '$file' -noout -fingerprint -sha256) =~ /=([\w:]+)/;
run_blocks($servers->words, CERT => $file, SHA => lc($sha =~ tr/://dr));
__DATA__
=== read, written, told apart
--- lua
local x509 = require "resty.openssl.x509"
local file = assert(io.open("@CERT@"))
local text = file:read "a" file:close()
local cert = assert(x509.new(text))
ngx.say(require "resty.string".to_hex(cert:digest "sha256") == "@SHA@", " ", #cert:digest(), " ", cert:get_signature_name())
ngx.say(cert:to_PEM() == text, " ", tostring(cert) == text, " ", x509.new(cert:tostring "DER"):to_PEM() == text, " ", x509.istype(cert), " ", x509.istype {})
ngx.say(cert:digest "nonsense")
ngx.say(cert:tostring "JWK")
for _, bad in ipairs { "", "nonsense", 7, true } do ngx.say(x509.new(bad)) end
ngx.say(x509.new())
--- body_like
\Atrue 20 RSA-SHA256
true true true true false
nilx509:digest: invalid digest type "nonsense"
nilx509:tostring: can only write PEM or DER format, not JWK
nilx509.new: .+
nilx509.new: .+
nilx509.new: unexpected type, got number
nilx509.new: unexpected type, got boolean
nilx509.new: unexpected type, got nil
\z

=== of a socket
--- lua
local x509, ssl = require "resty.openssl.x509", require "resty.openssl.ssl"
local s = ngx.socket.tcp()
ngx.say(s:getpeercertificate(), " ", ssl.from_socket())
assert(s:connect("127.0.0.1", @PLAY@))
ngx.say(s:getpeercertificate(), " ", ssl.from_socket(s))
s:close()
assert(s:connect("127.0.0.1", @RIGHT@))
assert(s:sslhandshake(nil, nil, false))
local cert = ssl.from_socket(s):get_peer_certificate()
ngx.say(x509.istype(cert), " ", cert:tostring "DER" == s:getpeercertificate(), " ", cert:get_signature_name():match "SHA256$")
s:close()
ngx.say(s:getpeercertificate())
--- body_like
\Anil nilexpect a ngx.socket.tcp instance at #1
nil nilcosocket does not have SSL connection
true true SHA256
nil
\z
