# SPDX-License-Identifier: Apache-2.0
# Escapes, base64, digests. Arguments are in args.t.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== escape_uri
--- lua
ngx.say(ngx.escape_uri("a 你&b=/?#[]@!$'()*+,;%-._~"))
ngx.say(ngx.escape_uri("\0\1\127\128\255"))
ngx.say("[", ngx.escape_uri(""), "]")
--- body
a%20%E4%BD%A0%26b%3D%2F%3F%23%5B%5D%40!%24'()*%2B%2C%3B%25-._~
%00%01%7F%80%FF
[]

=== escape_uri of a whole uri
--- lua
ngx.say(ngx.escape_uri("/a b/c?d=e#f%&+~:@!\127\200\0", 0))
ngx.say(ngx.escape_uri("a b", 2))
--- body
/a%20b/c%3Fd=e%23f%25&+~:@!%7F%C8%00
a%20b

=== escape_uri: other types of escapes
--- lua
for _, bad in ipairs { 9, -1, "x", {} } do ngx.say((pcall(ngx.escape_uri, "a", bad))) end
--- body
false
false
false
false

=== unescape_uri
--- lua
ngx.say(ngx.unescape_uri("a%20b+c%2Fd%2fe"))
ngx.say(ngx.unescape_uri("%"), ngx.unescape_uri("%4"), ngx.unescape_uri("%zz"), ngx.unescape_uri("100%"), ngx.unescape_uri("%41%"))
ngx.say(ngx.unescape_uri("%00%ff"):byte(1, -1))
--- body
a b c/d/e
%%4%zz100%A%
0255

=== what is escaped is unescaped again
--- lua
local all = {}
for i = 0, 255 do all[#all + 1] = string.char(i) end
local text = table.concat(all):rep(100)
ngx.say(ngx.unescape_uri(ngx.escape_uri(text)) == text)
--- body
true

=== base64
--- lua
for _, text in ipairs { "", "a", "ab", "abc", "hello world", "\0\255\254" } do
  local code = ngx.encode_base64(text)
  ngx.say(code, " ", ngx.encode_base64(text, true), " ", ngx.decode_base64(code) == text)
end
--- body
  true
YQ== YQ true
YWI= YWI true
YWJj YWJj true
aGVsbG8gd29ybGQ= aGVsbG8gd29ybGQ true
AP/+ AP/+ true

=== decode_base64: without padding, and of what is none
--- lua
ngx.say(ngx.decode_base64("YQ"), " ", ngx.decode_base64("YWI"))
for _, bad in ipairs { "Y", "Y=", "Y Q=", "Y\nQ=", "@@@@", "YQ\0=", "YWJjZ" } do ngx.print(ngx.decode_base64(bad), " ") end
ngx.say()
for _, text in ipairs { "YQ=x", "YQ==YQ==", "YR", "YWK", "====", "" } do ngx.print("[", ngx.decode_base64(text), "] ") end
ngx.say()
--- body
a ab
nil nil nil nil nil nil nil 
[a] [a] [a] [ab] [] [] 

=== decode_base64mime
--- lua
for _, text in ipairs { "aGVsbG8gd29ybGQ=", "aGVs\r\nbG8g\n d29y-bGQ", "YQ", "YWI", "YWJj", "YR==", "YWK=", "", "=YWJj", "Y", "YWJjZ", "  ", "\0YQ\255", "YQ==YQ==" } do
  ngx.print("[", ngx.decode_base64mime(text), "] ")
end
ngx.say()
for _, bad in ipairs { 12, true, {} } do ngx.print((select(2, pcall(ngx.decode_base64mime, bad)):gsub("^.-: ", "")), " ") end
ngx.say((select(2, pcall(ngx.decode_base64mime)):gsub("^.-: ", "")))
local bytes = {}
for i = 1, 3000 do bytes[i] = string.char(i % 256) end
bytes = table.concat(bytes)
ngx.say(ngx.decode_base64mime((ngx.encode_base64(bytes):gsub(("."):rep(76), "%0\r\n"))) == bytes)
--- body
[hello world] [hello world] [a] [ab] [abc] [a] [ab] [] [] [nil] [nil] [] [a] [a] 
string argument only string argument only string argument only string argument only
true

=== base64: wrong arguments
--- lua
for _, args in ipairs { { "a", 1 }, { "a", "true" } } do ngx.say((select(2, pcall(ngx.encode_base64, args[1], args[2])):gsub("^/.-: ", ""))) end
for _, bad in ipairs { 12, true, {} } do ngx.say((select(2, pcall(ngx.decode_base64, bad)):gsub("^/.-: ", ""))) end
ngx.say(ngx.encode_base64(12), ngx.encode_base64(nil), ngx.encode_base64(true, false))
--- body
bad no_padding: boolean expected, got number
bad no_padding: boolean expected, got string
string argument only
string argument only
string argument only
MTI=dHJ1ZQ==

=== a megabyte of base64
--- lua
local text = ("\0\1\2\3\254"):rep(200000)
ngx.say(ngx.decode_base64(ngx.encode_base64(text)) == text)
--- body
true

=== digests
--- lua
local function hex(s) return (s:gsub(".", function(c) return ("%02x"):format(c:byte()) end)) end
ngx.say(ngx.md5("hello"), " ", ngx.md5(""))
ngx.say(hex(ngx.md5_bin("hello")), " ", #ngx.md5_bin(""))
ngx.say(hex(ngx.sha1_bin("hello")))
ngx.say(hex(ngx.sha1_bin("")))
ngx.say(ngx.encode_base64(ngx.hmac_sha1("thisisverysecretstuff", "some string we want to sign")))
ngx.say(hex(ngx.hmac_sha1("", "")))
ngx.say(ngx.md5("a\0b") ~= ngx.md5("a"), " ", ngx.md5(("x"):rep(1000000)))
--- body
5d41402abc4b2a76b9719d911017c592 d41d8cd98f00b204e9800998ecf8427e
5d41402abc4b2a76b9719d911017c592 16
aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d
da39a3ee5e6b4b0d3255bfef95601890afd80709
R/pvxzHC4NLtj7S+kXFg/NePTmk=
fbdb1d1b18aa6c08324b7d64b71fb76370690e1d
true ec78dbd963d2fc01e51176ed4dec299e

=== nil is the empty text, numbers and booleans are what tostring says
--- lua
ngx.say(ngx.escape_uri(nil), ngx.unescape_uri(nil), ngx.encode_base64(nil), "|", ngx.md5(nil) == ngx.md5(""), ngx.md5_bin(nil) == ngx.md5_bin(""),
  ngx.sha1_bin(nil) == ngx.sha1_bin(""))
ngx.say(ngx.escape_uri(12.5), " ", ngx.unescape_uri(7), " ", ngx.encode_base64(12), " ", ngx.md5(1) == ngx.md5("1"), " ", ngx.escape_uri(true))
--- body
|truetruetrue
12.5 7 MTI= true true

=== quote_sql_str
--- lua
ngx.say(ngx.quote_sql_str("it's \"x\" \\ \n\r\t\b\26\0end"))
ngx.say(ngx.quote_sql_str(""), ngx.quote_sql_str(5), ngx.quote_sql_str("你"))
ngx.say(select("#", ngx.quote_sql_str("x")))
--- body
'it\'s \"x\" \\ \n\r\t\b\Z\0end'
'''5''你'
1

=== wrong types
--- lua
for _, name in ipairs { "decode_base64", "quote_sql_str", "hmac_sha1" } do
  ngx.say(name, " ", (pcall(ngx[name])), " ", (pcall(ngx[name], {})), " ", (pcall(ngx[name], print)))
end
ngx.say((pcall(ngx.hmac_sha1, "key")), (pcall(ngx.encode_base64, "x", {})))
--- body_like \Adecode_base64 false false false\nquote_sql_str false false false\nhmac_sha1 false false false\nfalse(true|false)\n\z
