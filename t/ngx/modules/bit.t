# SPDX-License-Identifier: Apache-2.0
# require "bit": the expected values are LuaJIT's.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== tobit, bnot, bswap, tohex of numbers in and out of range, fractions, texts
--- lua
local bit = require "bit"
local numbers = { 0, 1, -1, 255, 0x7fffffff, 0x80000000, 0xffffffff, 2^32, 2^40 + 5, -2^40 - 7, 3.5, 2.5, -3.5, -0.5, 1/0, 0/0, "12", "0x10" }
for _, name in ipairs { "tobit", "bnot", "bswap", "tohex" } do
  local out = {}
  for i, x in ipairs(numbers) do out[i] = tostring(bit[name](x)) end
  ngx.say(table.concat(out, " "))
end
--- body
0 1 -1 255 2147483647 -2147483648 -1 0 5 -7 4 2 -4 0 0 0 12 16
-1 -2 0 -256 -2147483648 2147483647 0 -1 -6 6 -5 -3 3 -1 -1 -1 -13 -17
0 16777216 -1 -16777216 -129 128 -1 0 83886080 -100663297 67108864 33554432 -50331649 0 0 0 201326592 268435456
00000000 00000001 ffffffff 000000ff 7fffffff 80000000 ffffffff 00000000 00000005 fffffff9 00000004 00000002 fffffffc 00000000 00000000 00000000 0000000c 00000010

=== band, bor, bxor of one, two and more
--- lua
local bit = require "bit"
ngx.say(bit.band(0x12345678, 0xff), " ", bit.bor(1, 2, 4, 8), " ", bit.bxor(0xa5a5f0f0, 0xaa55ff00))
ngx.say(bit.band(-1), " ", bit.band(0xffffffff, 0x80000000), " ", bit.bor(1, 0x80000000), " ", bit.bxor(7, 6, 12))
--- body
120 15 267390960
-1 -2147483648 -2147483647 13

=== shifts: of the distance five bits count
--- lua
local bit = require "bit"
for _, name in ipairs { "lshift", "rshift", "arshift", "rol", "ror" } do
  local out = {}
  for i, n in ipairs { 0, 1, 4, 31, 32, 33, -1 } do out[i] = tostring(bit[name](0x87654321, n)) end
  ngx.say(name, " ", table.concat(out, " "))
end
--- body
lshift -2023406815 248153666 1985229328 -2147483648 -2023406815 248153666 -2147483648
rshift -2023406815 1135780240 141972530 1 -2023406815 1135780240 1
arshift -2023406815 -1011703408 -126462926 -1 -2023406815 -1011703408 -1
rol -2023406815 248153667 1985229336 -1011703408 -2023406815 248153667 -1011703408
ror -2023406815 -1011703408 410407986 248153667 -2023406815 -1011703408 248153667

=== digits of tohex
--- lua
local bit = require "bit"
for i = -8, 8 do ngx.print(bit.tohex(0xdeadbeef, i), " ") end
ngx.say(bit.tohex(0xdeadbeef))
--- body
DEADBEEF EADBEEF ADBEEF DBEEF BEEF EEF EF F  f ef eef beef dbeef adbeef eadbeef deadbeef deadbeef

=== wrong arguments
--- lua
local bit = require "bit"
local function why(f, ...) return (select(2, pcall(f, ...)):gsub("'.-'", "F")) end
for _, name in ipairs { "tobit", "bnot", "bswap", "tohex", "band", "lshift" } do
  ngx.say(name, " ", why(bit[name]), "; ", why(bit[name], nil), "; ", why(bit[name], {}), "; ", why(bit[name], "x"))
end
ngx.say(why(bit.band, 1, nil), "; ", why(bit.rol, 1), "; ", why(bit.bor, 1, 2, print))
--- body
tobit bad argument #1 to F (number expected, got no value); bad argument #1 to F (number expected, got nil); bad argument #1 to F (number expected, got table); bad argument #1 to F (number expected, got string)
bnot bad argument #1 to F (number expected, got no value); bad argument #1 to F (number expected, got nil); bad argument #1 to F (number expected, got table); bad argument #1 to F (number expected, got string)
bswap bad argument #1 to F (number expected, got no value); bad argument #1 to F (number expected, got nil); bad argument #1 to F (number expected, got table); bad argument #1 to F (number expected, got string)
tohex bad argument #1 to F (number expected, got no value); bad argument #1 to F (number expected, got nil); bad argument #1 to F (number expected, got table); bad argument #1 to F (number expected, got string)
band bad argument #1 to F (number expected, got no value); bad argument #1 to F (number expected, got nil); bad argument #1 to F (number expected, got table); bad argument #1 to F (number expected, got string)
lshift bad argument #1 to F (number expected, got no value); bad argument #1 to F (number expected, got nil); bad argument #1 to F (number expected, got table); bad argument #1 to F (number expected, got string)
bad argument #2 to F (number expected, got nil); bad argument #2 to F (number expected, got no value); bad argument #3 to F (number expected, got function)

=== the results are integers, and bit is there without require
--- lua
ngx.say(math.type(bit.band(3.0, 1)), " ", bit == require "bit", " ", bit.lshift(1, 8))
--- body
integer true 256
