# SPDX-License-Identifier: Apache-2.0
# resty.evp (of lua-resty-jwt) and the modules of lua-resty-openssl there are. Vectors: RFC 5869, RFC 6070, RFC 7914, RFC 3394.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== resty.openssl: digest, hmac, rand, version
--- lua
local hex = require "resty.string".to_hex
local digest, hmac, rand, version = require "resty.openssl.digest", require "resty.openssl.hmac", require "resty.openssl.rand", require "resty.openssl.version"
local d = assert(digest.new "sha256")
ngx.say(d:update("a", "b"), " ", hex(d:final "c"))
ngx.say(d:reset(), " ", hex(d:final()):sub(1, 16), " ", d:update("x"))
ngx.say(hex(digest.new():final("abc")), " ", digest.istype(d), digest.istype({}))
ngx.say(digest.new("nonsense"))
local h = hmac.new("Jefe", "sha256")
ngx.say(h:update("what do ya want "), " ", hex(h:final("for nothing?")), " ", h:reset())
ngx.say(hmac.new("key", "nonsense"))
ngx.say(#rand.bytes(12), " ", rand.bytes(12) ~= rand.bytes(12), " ", rand.bytes("x"))
ngx.say(version.version_num > 0x10101000, " ", version.version_text:match "^%a+SSL", " ", require "resty.openssl".get_fips_mode())
--- body
true ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
true e3b0c44298fc1c14 falsedigest:update: the digest is finished
a9993e364706816aba3e25717850c26c9cd0d89d truefalse
nildigest.new: invalid digest type "nonsense": no such digest
true 5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843 true
nilhmac.new: invalid digest type "nonsense"
12 true nilrand.bytes: expect a number at #1
true OpenSSL false

=== kdf
--- lua
local hex = require "resty.string".to_hex
local kdf = require "resty.openssl.kdf"
local ikm, salt, info = ("\x0b"):rep(22), "\0\1\2\3\4\5\6\7\8\9\10\11\12", "\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9"
local h = kdf.new "HKDF"
ngx.say(hex(h:derive(42, { digest = "sha256", key = ikm, salt = salt, info = info })))
local prk = h:derive(32, { digest = "sha256", mode = kdf.HKDEF_MODE_EXTRACT_ONLY, key = ikm, salt = salt })
ngx.say(hex(prk))
ngx.say(hex(h:derive(42, { digest = "sha256", mode = "EXPAND_ONLY", key = prk, info = info })):sub(1, 32), " ", h:reset())
ngx.say(hex(kdf.derive_legacy { type = kdf.HKDF, outlen = 42, md = "sha256", hkdf_key = ikm, salt = salt, hkdf_info = info, hkdf_mode = 0 }):sub(1, 32))
ngx.say(hex(kdf.new "PBKDF2":derive(20, { digest = "sha1", pass = "password", salt = "salt", iter = 4096 })))
ngx.say(hex(kdf.derive { type = kdf.PBKDF2, outlen = 20, md = "sha1", pass = "password", salt = "salt", pbkdf2_iter = 2 }))
ngx.say(hex(kdf.derive { type = kdf.SCRYPT, outlen = 64, pass = "password", salt = "NaCl", scrypt_N = 1024, scrypt_r = 8, scrypt_p = 16 }))
ngx.say(kdf.new "nonsense")
ngx.say(kdf.derive {})
ngx.say((select(2, h:derive(10, { digest = "nonsense" })):match "no such digest"))
ngx.say((kdf.derive { type = kdf.PBKDF2, outlen = -1, pass = "p", salt = "s" }), " ", (kdf.derive { type = 5, outlen = 1 }))
--- body
3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865
077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5
3cb25f25faacd57a90434f64d0362f2a true
3cb25f25faacd57a90434f64d0362f2a
4b007901b765489abead49d926f721d065a429c1
ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957
fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640
nilkdf.new: invalid kdf type "nonsense"
nilkdf.derive: "type" must be set
no such digest
nil nil

=== cipher
--- lua
local hex = require "resty.string".to_hex
local cipher = require "resty.openssl.cipher"
local function bytes(text) return (text:gsub("..", function(x) return string.char(tonumber(x, 16)) end)) end
local c = cipher.new "aes-256-gcm"
ngx.say(c.key_size, " ", c.iv_size, " ", c.block_size, " ", cipher.istype(c))
local key, iv = ("k"):rep(32), ("i"):rep(12)
local e = c:encrypt(key, iv, "hello", false, "aad")
local tag = c:get_aead_tag(16)
ngx.say(#e, " ", #tag, " ", c:decrypt(key, iv, e, false, "aad", tag), " ", (c:decrypt(key, iv, e, false, "other", tag)), " ", (c:decrypt(key, iv, e, false, "aad", ("x"):rep(16))))
local wrap = cipher.new "aes-128-wrap"
local kek, secret = bytes "000102030405060708090A0B0C0D0E0F", bytes "00112233445566778899AABBCCDDEEFF"
local wrapped = wrap:encrypt(kek, ("\xa6"):rep(8), secret)
ngx.say(hex(wrapped), " ", wrap:decrypt(kek, ("\xa6"):rep(8), wrapped) == secret)
local cbc = cipher.new "aes-128-cbc"
ngx.say(cbc:init(key))
ngx.say(cbc:init(key:sub(1, 16)))
ngx.say(cbc:update("x"))
ngx.say((cbc:init(key:sub(1, 16), ("i"):rep(16), { is_encrypt = true })))
ngx.say(#cbc:update(("x"):rep(20), "y"), " ", #cbc:final("z"))
ngx.say(cipher.new "nonsense")
ngx.say(cipher.new())
ngx.say(#cbc:derive("password", "saltsalt", 5, "sha256"), " ", #select(2, cbc:derive("password")), " ", select(3, cbc:derive(5)))
--- body
32 12 1 true
5 16 hello nil nil
1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5 true
falsecipher:init: incorrect key size, expect 16
falsecipher:init: incorrect iv size, expect 16
nilcipher:update: cipher not initalized, call cipher:init first
true
16 16
nilcipher.new: invalid cipher type "nonsense": no such cipher
nilcipher.new: expect type to be defined
16 16 cipher:derive: expect a string at #1

=== pkey
--- lua
local pkey = require "resty.openssl.pkey"
local rsa, ec, ed = pkey.new { type = "RSA", bits = 2048 }, pkey.new { type = "EC", curve = "prime256v1" }, pkey.new { type = "Ed25519" }
for _, key in ipairs { rsa, ec, ed } do
  local digest = key ~= ed and "sha256" or nil
  local public = pkey.new(key:to_PEM "public")
  local s = key:sign("message", digest)
  ngx.say(public:verify(s, "message", digest), " ", (public:verify(s, "massage", digest)), " ", (public:verify("nonsense", "message", digest)), " ",
    key:is_private(), public:is_private(), " ", (public:sign("x", digest)), " ", pkey.new(key:to_PEM "private"):is_private())
end
local raw = ec:sign("m", "sha256", nil, { ecdsa_use_raw = true })
ngx.say(#raw, " ", ec:verify(raw, "m", "sha256", nil, { ecdsa_use_raw = true }), " ", (ec:verify(raw, "m", "sha256")))
local pss = rsa:sign("m", "sha256", pkey.PADDINGS.RSA_PKCS1_PSS_PADDING)
ngx.say(rsa:verify(pss, "m", "sha256", pkey.PADDINGS.RSA_PKCS1_PSS_PADDING), " ", (rsa:verify(pss, "m", "sha256")))
local e = rsa:encrypt("secret", pkey.PADDINGS.RSA_PKCS1_OAEP_PADDING, { oaep_md = "sha256" })
ngx.say(rsa:decrypt(e, pkey.PADDINGS.RSA_PKCS1_OAEP_PADDING, { oaep_md = "sha256" }), " ", (rsa:decrypt(e, pkey.PADDINGS.RSA_PKCS1_OAEP_PADDING)), " ", rsa:decrypt(rsa:encrypt "x"))
ngx.say(pkey.istype(rsa), pkey.istype({}), " ", tostring(rsa):match "BEGIN PUBLIC KEY")
ngx.say((pkey.new "nonsense"), " ", (pkey.new(5)), " ", pkey.new '{"kty":"EC"}')
ngx.say((pkey.new { type = "EC", curve = "nonsense" }), " ", (pkey.new { type = "nonsense" }), " ", rsa:sign("x", "nonsense"))
ngx.say((pkey.new(ec:to_PEM "public", { type = "pr" })), " ", (pkey.new(ec:to_PEM "public"):to_PEM "private"))
--- body
true false false truefalse nil true
true false false truefalse nil true
true false false truefalse nil true
64 true false
true false
secret nil x
truefalse BEGIN PUBLIC KEY
nil nil nilpkey.new: JWK is not supported by mod_coral
nil nil nilpkey: invalid digest type "nonsense"
nil nil

=== resty.evp: signers and verifiers
--- lua
local evp, pkey = require "resty.evp", require "resty.openssl.pkey"
local rsa, ec = pkey.new { type = "RSA" }, pkey.new { type = "EC", curve = "secp384r1" }
local SHA256, PSS = evp.CONST.SHA256_DIGEST, evp.CONST.RSA_PKCS1_PSS_PADDING
local source = assert(evp.PublicKey:new(rsa:to_PEM "public"))
for _, padding in ipairs { false, PSS } do
  local signer = assert(evp.RSASigner:new(rsa:to_PEM "private", nil, padding or nil))
  local s = signer:sign("message", SHA256)
  local verifier = evp.RSAVerifier:new(source, padding or nil)
  ngx.say(#s, " ", verifier:verify("message", s, SHA256), " ", (verifier:verify("massage", s, SHA256)), " ", select(2, verifier:verify("message", "x", SHA256)))
end
local signer = evp.ECSigner:new(ec:to_PEM "private")
local raw = signer:get_raw_sig(signer:sign("m", "SHA384"))
local verifier = evp.ECVerifier:new(evp.PublicKey:new(ec:to_PEM "public"))
ngx.say(#raw, " ", verifier:verify("m", raw, "SHA384"), " ", (verifier:verify("n", raw, "SHA384")), " ", verifier:verify("m", "short", "SHA384"))
ngx.say((evp.RSASigner:new(ec:to_PEM "private")), " ", (evp.ECSigner:new(rsa:to_PEM "private")), " ", (evp.RSASigner:new("x")), " ", (evp.PublicKey:new("x")))
ngx.say(evp.RSAVerifier:new())
ngx.say(signer:sign("m", "nonsense"))
ngx.say(signer:get_raw_sig())
local e = evp.RSAEncryptor:new(source):encrypt("secret")
ngx.say(evp.RSADecryptor:new(rsa:to_PEM "private"):decrypt(e), " ", (evp.RSADecryptor:new(rsa:to_PEM "private", nil, nil, "SHA1"):decrypt(e)))
--- body
256 true false Verification failed
256 true false Verification failed
96 true false nilsignature length != 2 * order length
nil nil nil nil
nilYou must pass in an key_source for a public key
nilUnknown message digest
nilMust pass a signature to convert
secret nil

=== resty.evp: certificates, and a key with a password
--- file cert.pem eval
qx(cat '@{[Apache::Test::vars("t_conf")]}/tls/cert.pem')
--- file key.pem eval
my $conf = Apache::Test::vars("t_conf"); qx(openssl pkey -in '$conf/tls/key.pem' -aes256 -passout pass:secret)
--- file other.pem eval
qx(openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other -keyout /dev/null 2>/dev/null)
--- lua
local evp = require "resty.evp"
local function read(name) local f = assert(io.open("@DIR@/" .. name)) local text = f:read "a" f:close() return text end
local cert = assert(evp.Cert:new(read "cert.pem"))
local der = cert:get_der()
ngx.say(evp.Cert:new(der):get_der() == der, " ", cert:get_fingerprint "SHA256" == (require "resty.string".to_hex(require "resty.openssl.digest".new "sha256":final(der)):upper():gsub("..", "%0:"):sub(1, -2)))
ngx.say((cert:verify_trust "@DIR@/cert.pem"))
ngx.say((cert:verify_trust "@DIR@/other.pem"), " ", (cert:verify_trust "@DIR@/nothing.pem"))
ngx.say((evp.RSASigner:new(read "key.pem")), " ", (evp.RSASigner:new(read "key.pem", "wrong")))
local s = evp.RSASigner:new(read "key.pem", "secret"):sign("m", "SHA256")
ngx.say(evp.RSAVerifier:new(cert):verify("m", s, "SHA256"), " ", (evp.RSAVerifier:new(evp.Cert:new(read "other.pem")):verify("m", s, "SHA256")))
ngx.say((evp.Cert:new "x"), " ", select(2, evp.Cert:new()), " ", (evp.Cert:new("-----BEGIN CERTIFICATE-----\nx")), " ", cert:get_fingerprint "nonsense")
--- body
true true
true
false false
nil nil
true false
nil Must pass a PEM or binary DER cert nil nilUnknown message digest
