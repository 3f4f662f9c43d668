# SPDX-License-Identifier: Apache-2.0
# resty.md5 … resty.sha512, resty.hmac, resty.string, resty.random, ngx.crc32. Vectors: RFC 1321, FIPS 180, RFC 4231, RFC 2202.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== digests
--- lua
local hex = require "resty.string".to_hex
for _, name in ipairs { "md5", "sha1", "sha224", "sha256", "sha384", "sha512" } do
  local class = require("resty." .. name)
  local d = class:new()
  ngx.say(name, " ", d:update("a"), " ", d:update("bc"), " ", hex(d:final()))
  ngx.say(d:reset(), " ", hex(d:final()))
end
--- body
md5 true true 900150983cd24fb0d6963f7d28e17f72
true d41d8cd98f00b204e9800998ecf8427e
sha1 true true a9993e364706816aba3e25717850c26c9cd0d89d
true da39a3ee5e6b4b0d3255bfef95601890afd80709
sha224 true true 23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7
true d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f
sha256 true true ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
true e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
sha384 true true cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7
true 38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b
sha512 true true ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f
true cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e

=== two at a time, a lot at a time, a NUL, the length of md5's update
--- lua
local sha256, hex = require "resty.sha256", require "resty.string".to_hex
local a, b = sha256:new(), sha256:new()
a:update("one") b:update("two")
ngx.say(a:final() ~= b:final(), " ", package.loaded["resty.sha"] == nil, " ", type(require "resty.sha"))
local big = sha256:new()
for _ = 1, 1000 do big:update(("a"):rep(1000)) end
ngx.say(hex(big:final()))
a:reset() a:update("a\0b")
b:reset() b:update("a")
ngx.say(a:final() ~= b:final())
local md5 = require "resty.md5":new()
md5:update("hello world", 5)
ngx.say(hex(md5:final()), " ", ngx.md5("hello"))
--- body
true true table
cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0
true
5d41402abc4b2a76b9719d911017c592 5d41402abc4b2a76b9719d911017c592

=== a finished digest, and what is no text
--- lua
local d = require "resty.sha1":new()
d:update("x")
d:final()
ngx.say(d:final(), " ", d:update("y"), " ", d:reset(), " ", #d:final())
ngx.say((pcall(d.update, d)), " ", (pcall(d.update, d, {})), " ", (pcall(d.update, d, nil)))
d._ctx:__gc()
ngx.say((pcall(d.update, d, "x")), " ", (pcall(d.final, d)), " ", (pcall(d.reset, d)))
--- body
nil false true 20
false false false
false false false

=== hmac
--- lua
local hmac = require "resty.hmac"
for _, name in ipairs { "SHA256", "SHA384", "SHA512" } do
  ngx.say(hmac:new(("\x0b"):rep(20), hmac.ALGOS[name]):final("Hi There", true))
end
ngx.say(hmac:new("Jefe", hmac.ALGOS.MD5):final("what do ya want for nothing?", true))
ngx.say(hmac:new("Jefe", hmac.ALGOS.SHA1):final("what do ya want for nothing?", true))
ngx.say(hmac:new(("\xaa"):rep(131), hmac.ALGOS.SHA256):final("Test Using Larger Than Block-Size Key - Hash Key First", true))
local h = hmac:new("Jefe")
ngx.say(h:update("what do ya "), " ", h:update("want for "), " ", h:final("nothing?", true))
ngx.say(h:final(), " ", h:update("x"), " ", h:reset(), " ", h:update("what do ya want for nothing?"), " ", #h:final())
ngx.say(hmac:new("", hmac.ALGOS.SHA1):final("", true))
--- body
b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7
afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6
87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854
750c783e6ab0b503eaa86e310a5db738
effcdf6ae5eb2fa2d27416d5f184df9c259a7c79
60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54
true true 750c783e6ab0b503eaa86e310a5db738
nil false true true 16
fbdb1d1b18aa6c08324b7d64b71fb76370690e1d

=== to_hex, atoi
--- lua
local str = require "resty.string"
ngx.say(str.to_hex("\0\255az"), " [", str.to_hex(""), "] ", str.to_hex(("\xab"):rep(5000)) == ("ab"):rep(5000))
for _, text in ipairs { "123", "0", "007", "12x", "", "-1", "1.5", " 1", "0x10" } do ngx.print(str.atoi(text), " ") end
ngx.say(math.type(str.atoi("5")), " ", (pcall(str.to_hex)), " ", (pcall(str.atoi)))
--- body
00ff617a [] true
123 0 7 -1 -1 -1 -1 -1 -1 integer false false

=== random
--- lua
local random = require "resty.random"
ngx.say(#random.bytes(16), " ", #random.bytes(16, true), " ", #random.bytes(16, false), " ", #random.bytes(0), " ", #random.bytes(100000))
ngx.say(random.bytes(16) ~= random.bytes(16), " ", select("#", random.bytes(4)), " ", (random.bytes(8, "hex"):find "^%x+$"), " ", #random.bytes(8, "hex"))
local low, high, seen = 10, 1, {}
for _ = 1, 1000 do
  local n = random.number(1, 6)
  low, high, seen[n] = math.min(low, n), math.max(high, n), true
end
ngx.say(low, " ", high, " ", #seen, " ", math.type(random.number(5)), " ", random.number(3, 3))
local x = random.number()
ngx.say(x >= 0 and x < 1, " ", random.number() ~= random.number())
ngx.say(#random.token(20), " ", random.token(20):find "^%w+$", " ", random.token(5, "x"), " ", random.token(3, { "ab" }, "-"), " [", random.token(0), "]")
ngx.say((pcall(random.bytes, -1)), " ", (pcall(random.bytes, "x")), " ", (pcall(random.bytes, 1e12)), " ", (pcall(random.number, 2, 1)))
--- body
16 16 16 0 100000
true 1 1 16
1 6 6 integer 3
true true
20 1 xxxxx ab-ab-ab []
false false false false

=== crc32
--- lua
ngx.say(("%08x %08x"):format(ngx.crc32_short("123456789"), ngx.crc32_long("123456789")))
ngx.say(ngx.crc32_short("hello"), " ", ngx.crc32_short(""), " ", ngx.crc32_short(nil), " ", ngx.crc32_short(12) == ngx.crc32_short("12"), " ", ngx.crc32_short(true) == ngx.crc32_short("true"))
ngx.say(ngx.crc32_long(("\0\255x"):rep(100000)) == ngx.crc32_short(("\0\255x"):rep(100000)), " ", math.type(ngx.crc32_short("a")))
--- body
cbf43926 cbf43926
907060870 0 0 true true
true integer
