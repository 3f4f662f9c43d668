# SPDX-License-Identifier: Apache-2.0
# resty.aes. The digests of what is encrypted are those of lua-resty-string under OpenResty.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== derived keys, all modes
--- lua
local aes = require "resty.aes"
local function try(name, a)
  local text = ("0123456789"):rep(300)
  local e = assert(a:encrypt(text))
  local bytes = type(e) == "table" and e[1] .. e[2] or e
  local back = type(e) == "table" and a:decrypt(e[1], e[2]) or a:decrypt(e)
  ngx.say(name, " ", ngx.md5(bytes), " ", #bytes, " ", back == text)
end
try("default", aes:new("secret"))
try("salt", aes:new("secret", "saltsalt"))
for _, size in ipairs { 128, 192, 256 } do
  for _, mode in ipairs { "cbc", "ecb", "ctr", "ofb", "cfb1", "cfb8", "cfb128", "gcm" } do
    try(size .. mode, aes:new("secret", "saltsalt", aes.cipher(size, mode), aes.hash.sha256, 5))
  end
end
--- body
default 7ad37c582cb1ecede8f5fa420de059d3 3008 true
salt 303ea12a7f89098186c44fc6000f729d 3008 true
128cbc 3c4576941b1dfc686ca8d4114b8c086e 3008 true
128ecb 603dd99bb06688185a40a3fe1ecea3a5 3008 true
128ctr 0084c742fa7cb105076e3070fb81421e 3000 true
128ofb 60c1d55abd74cb6f4cb4f16d1fb282fe 3000 true
128cfb1 df505f181ca2785bb39e381904cdb794 3000 true
128cfb8 2e2b03ed9d8bd62905c4b873c3f9c5d7 3000 true
128cfb128 71631de9f9b538fa88b7d20c9ea7cf51 3000 true
128gcm 2dcde4b7ab8e1c85ea450fd41c7e7f9b 3016 true
192cbc cc457e7bc93d1559fb21cd437e919c01 3008 true
192ecb 96dc3de9a154853644ab9f8307aa9c3e 3008 true
192ctr bdd14bb937ecbbe8098e1edcce83dd05 3000 true
192ofb 436211ac0e1ec16f30cea732729c0848 3000 true
192cfb1 dba3cdfc5d2e41813f6642f90b6f50e9 3000 true
192cfb8 d968489f9aa198cc63ba1ae2e3ec25d8 3000 true
192cfb128 dd0f132d1739e641d5a5bee5b1d7907b 3000 true
192gcm bafa4208f08b94d8c9947660986c03d8 3016 true
256cbc b311b1b92df6058104f7d8fc0a71cd94 3008 true
256ecb a38a567d9a07a1436c1c171d2b2ce3cd 3008 true
256ctr 0e4cb6c0c65e97a44d5510af87c755a3 3000 true
256ofb a4467f8fea5aa1be8ce8a3c51fdc64af 3000 true
256cfb1 fb1beffaf494f23f3351e52290086353 3000 true
256cfb8 7ce7fff7f41fa5e04cb745392aa26a18 3000 true
256cfb128 3646a5958f42163525a7a61699699c27 3000 true
256gcm b2b085f9dae2be1fad089ab6c166fbcc 3016 true

=== NIST's vectors (SP 800-38A, GCM's test case 4)
--- lua
local aes, hex = require "resty.aes", require "resty.string".to_hex
local function bytes(text) return (text:gsub("%s", ""):gsub("..", function(x) return string.char(tonumber(x, 16)) end)) end
local key = bytes "2b7e151628aed2a6abf7158809cf4f3c"
local block = bytes "6bc1bee22e409f96e93d7e117393172a"
local iv = bytes "000102030405060708090a0b0c0d0e0f"
local function none(mode, vector) return aes:new(key, nil, aes.cipher(128, mode), { iv = vector or iv }, nil, nil, false) end
ngx.say(hex(none("ecb"):encrypt(block)))
ngx.say(hex(none("cbc"):encrypt(block)))
ngx.say(hex(none("ctr", bytes "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"):encrypt(block)))
ngx.say(hex(none("ofb"):encrypt(block)))
ngx.say(hex(none("cfb128"):encrypt(block)))
local gcm = aes:new(bytes "feffe9928665731c6d6a8f9467308308", nil, aes.cipher(128, "gcm"), { iv = bytes "cafebabefacedbaddecaf888" })
local text = bytes [[d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39]]
local aad = bytes "feedfacedeadbeeffeedfacedeadbeefabaddad2"
local e = gcm:encrypt(text, aad)
ngx.say(hex(e[1]):sub(1, 32), " ", hex(e[2]))
ngx.say(gcm:decrypt(e[1], e[2], aad) == text, " ", gcm:decrypt(e[1], e[2], "other"), " ", gcm:decrypt(e[1], e[2]))
--- body
3ad77bb40d7a3660a89ecaf32466ef97
7649abac8119b246cee98e9b12e9197d
874d6191b620e3261bef6864990db6ce
3b3fd92eb72dad20333449f8e83cfb4a
3b3fd92eb72dad20333449f8e83cfb4a
42831ec2217774244b7221b784d0d49c 5bc94fbc3221a5db94fae95ae7121a47
true nil nilEVP_DecryptFinal_ex failed

=== keys and vectors that are given
--- lua
local aes = require "resty.aes"
local key = ("k"):rep(32)
local function try(...)
  local a, err = aes:new(...)
  if not a then return err end
  local e = a:encrypt("hello")
  return (type(e) == "table" and ngx.encode_base64(e[1] .. e[2]) or ngx.encode_base64(e)) .. " " .. (type(e) == "table" and a:decrypt(e[1], e[2]) or a:decrypt(e))
end
local cbc, gcm = aes.cipher(256, "cbc"), aes.cipher(256, "gcm")
ngx.say(try(key, nil, cbc, { iv = ("i"):rep(16) }))
ngx.say(try(key, nil, cbc, { iv = ("i"):rep(8) }) == try(key, nil, cbc, { iv = ("i"):rep(8) .. ("\0"):rep(8) }))
ngx.say(try(key, nil, cbc, { iv = ("i"):rep(32) }) == try(key, nil, cbc, { iv = ("i"):rep(16) }))
ngx.say(try(key, nil, gcm, { iv = ("i"):rep(12) }) ~= try(key, nil, gcm, { iv = ("i"):rep(16) }))
ngx.say(try("text", nil, aes.cipher(128, "cbc"), { iv = ("i"):rep(16), method = ngx.md5_bin }) == try(ngx.md5_bin("text"), nil, aes.cipher(128, "cbc"), { iv = ("i"):rep(16) }))
ngx.say(try(key, nil, cbc, { iv = ("i"):rep(33) }))
ngx.say(try(key, nil, cbc, {}))
ngx.say(try("short", nil, cbc, { iv = ("i"):rep(16) }))
ngx.say(try("text", nil, cbc, { iv = ("i"):rep(16), method = ngx.md5_bin }))
ngx.say(try("key", "salt"))
ngx.say(aes.cipher(512, "cbc"), " ", aes.cipher(128, "nonsense"))
ngx.say(aes.cipher().size, " ", aes.cipher().cipher)
--- body
aRyXOIIhJzBhh+BthfFstw== hello
true
true
true
true
bad iv length
iv is needed
bad key length
bad key length
salt must be 8 characters or nil
nil nil
128 cbc

=== what was tampered with, is too short, or has no padding
--- lua
local aes = require "resty.aes"
local a = aes:new("secret")
local e = a:encrypt("hello")
ngx.say(a:decrypt(e .. "x"))
ngx.say(a:decrypt("short"))
ngx.say(a:decrypt(""))
ngx.say(aes:new("other"):decrypt(e) ~= "hello")
local bare = aes:new("secret", nil, nil, nil, nil, nil, false)
ngx.say(bare:encrypt("hello"))
ngx.say(#bare:encrypt(("x"):rep(16)), " ", #a:encrypt(("x"):rep(16)), " ", #a:encrypt(""))
local gcm = aes:new("secret", nil, aes.cipher(256, "gcm"))
local g = gcm:encrypt("hello")
ngx.say(gcm:decrypt(g[1], ("x"):rep(16)))
ngx.say(gcm:decrypt(g[1], g[2]:sub(1, 4)))
ngx.say(gcm:decrypt("jello", g[2]))
ngx.say(gcm:decrypt(g[1], g[2]), " ", a:decrypt(a:encrypt("a\0b")) == "a\0b")
ngx.say(select(2, pcall(a.encrypt, 1)), "; ", (pcall(a.encrypt, a)), " ", (pcall(a.encrypt, a, {})))
--- body_like
^nilEVP_DecryptFinal_ex failed
nilEVP_DecryptFinal_ex failed
nilEVP_DecryptFinal_ex failed
true
nilEVP_EncryptFinal_ex failed
16 32 16
nilEVP_DecryptFinal_ex failed
nilEVP_DecryptFinal_ex failed
nilEVP_DecryptFinal_ex failed
hello true
.*bad argument #1 self: table expected, got number; false false$
