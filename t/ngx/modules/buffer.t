# SPDX-License-Identifier: Apache-2.0
# string.buffer: what is expected is what LuaJIT's does.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== put, putf, get, skip, set, reset
--- lua
local buffer = require "string.buffer"
local b = buffer.new()
ngx.say(b:put("a", 1, 2.5, "b"):putf("%d-%s", 5, "x") == b, " ", tostring(b), " ", #b)
ngx.say(b:get(2), " ", b:get(1), " ", #b, " ", b:get(), " [", b:get(), "] ", #b)
b:put("hello world")
ngx.say(b:get(5, 1, 2))
ngx.say(b:skip(1):tostring(), " ", b .. "!", " ", "!" .. b, " ", b .. b)
ngx.say(b:reset() == b, " ", #b, " [", b:tostring(), "]")
b:set("xyz"):put("123")
ngx.say(b:get(100), " [", b:get(1), "] [", b:get(0), "]")
local other = buffer.new(100):put("other")
ngx.say(tostring(b:put(other, setmetatable({}, { __tostring = function() return "T" end }))), " ", #other)
ngx.say(b:get(nil), " ", #b:put("12"):free())
--- body
true a12.5b5-x 9
a1 2 6 .5b5-x [] 0
hello wo
ld ld! !ld ldld
true 0 []
xyz123 [] []
otherT 5
otherT 0

=== byte by byte, and much
--- lua
local b = require "string.buffer".new()
for i = 1, 2000 do b:put(i % 10) end
local out = {}
for i = 1, 2000 do out[i] = b:get(1) end
ngx.say(table.concat(out) == ("1234567890"):rep(200), " ", #b)
b:put(("x"):rep(1000000)):put("y")
ngx.say(#b:get(999999), " ", b:get(1), b:get(1), " ", #b)
for _ = 1, 100 do b:put("ab"):get(1) end
ngx.say(#b, " ", b:tostring() == ("ab"):rep(50))
--- body
true 0
999999 xy 0
100 true

=== wrong arguments, and what needs pointers
--- lua
local b = require "string.buffer".new()
ngx.say(select(2, pcall(b.put, b, {})))
for _, bad in ipairs { true, print, {} } do ngx.print((pcall(b.put, b, bad)), " ") end
ngx.say((pcall(b.put, b, nil)), " ", #b, " ", (pcall(b.set, b)))
ngx.say((select(2, pcall(b.reserve, b, 5)):gsub("^.-:%d+: ", "")))
--- body_like
bad argument #1 to 'put' \(string/number/__tostring expected, got table\)
false false false false 0 false
buffer:reserve needs pointers, which there are none of in mod_coral

=== encode: the bytes are LuaJIT's
--- lua
local buffer = require "string.buffer"
local hex = require "resty.string".to_hex
for _, v in ipairs { "", "a", true, false, 1.5, -0.1, ngx.null, 5, -1, 2^40 | 0 } do ngx.print(hex(buffer.encode(v)), " ") end
ngx.say(hex(buffer.encode(nil)))
for _, n in ipairs { 191, 192, 8127, 8128, 9000 } do
  local e = buffer.encode(("x"):rep(n))
  ngx.print(hex(e:sub(1, 5)), " ", #e, " ", buffer.decode(e) == ("x"):rep(n), "; ")
end
ngx.say()
for _, t in ipairs { {}, { a = true }, { b = { c = false } }, { "x", "y" }, { "x", k = 1.5 } } do ngx.print(hex(buffer.encode(t)), " ") end
--- body_like
^20 2161 02 01 07000000000000f83f 079a9999999999b9bf 03 0605000000 06ffffffff 070000000000007042 00
df78787878 192 true; e000787878 194 true; ffa01f0000 8132 true; ffa01f0000 8133 true; .* true; $
08 09012161 02|.

=== decode of what LuaJIT wrote, and of nonsense
--- lua
local buffer = require "string.buffer"
local function bytes(text) return (text:gsub("..", function(x) return string.char(tonumber(x, 16)) end)) end
local function show(v)
  if type(v) ~= "table" then return v == ngx.null and "null" or tostring(v) end
  local list = {}
  for a, b in pairs(v) do list[#list + 1] = show(a) .. "=" .. show(b) end
  table.sort(list)
  return "{" .. table.concat(list, ",") .. "}"
end
for _, h in ipairs { "00", "01", "02", "03", "06ffffffff", "07000000000000f03f", "07000000000000f83f", "08", "0c0321612162", "0a0221612162",
  "090121612162", "0b01012161" .. "21622163", "0d02012161" .. "21622163", "10ffffffffffffffff", "2161" } do
  ngx.print(show(buffer.decode(bytes(h))), " ")
end
ngx.say()
for _, h in ipairs { "", "07", "0c", "21", "ff", "0d", "20ff", "1f", "09010000", "0c03", "06ff" } do
  ngx.print((pcall(buffer.decode, bytes(h))), " ")
end
--- body_like
^nil false true null -1 1 1.5 \{} \{1=a,2=b} \{0=a,1=b} \{a=b} \{0=a,b=c} \{1=a,b=c} -1 a 
(false ){11}$

=== there and back; too deep; not to be written
--- lua
local buffer = require "string.buffer"
local t = { 1, 2.5, "x", { nested = { deep = true } }, [10] = "ten", [-1] = false, [2.5] = "half", [true] = 1, big = math.maxinteger, s = "\0\255" }
local u = buffer.decode(buffer.encode(t))
ngx.say(u[1], " ", u[2], " ", u[3], " ", u[4].nested.deep, " ", u[10], " ", u[-1], " ", u[2.5], " ", u[true], " ", u.big == math.maxinteger, " ", u.s == "\0\255", " ", math.type(u[1]))
local deep = {}
for _ = 1, 98 do deep = { deep } end
ngx.say(type(buffer.decode(buffer.encode(deep))))
for _ = 1, 5 do deep = { deep } end
ngx.say((pcall(buffer.encode, deep)), " ", (pcall(buffer.encode, print)), " ", (pcall(buffer.encode, { print })), " ", (pcall(buffer.decode, ("\12\2"):rep(200))))
local loop = {}
loop[1] = loop
ngx.say((pcall(buffer.encode, loop)))
local b = buffer.new()
b:encode("one"):encode({ 2 }):put("rest")
ngx.say(b:decode(), " ", b:decode()[1], " ", b:get())
--- body
1 2.5 x true ten false half 1 true true integer
table
false false false false
false
one 2 rest
