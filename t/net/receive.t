# SPDX-License-Identifier: Apache-2.0
# sock:receive by size, by line, to the end; receiveany; receiveuntil. What arrives whole and what arrives byte by byte.
use strict;
use warnings;
use Coral::Blocks;
use Coral::Upstream;
my $servers = Coral::Upstream->start(PLAY => 'tcp');
run_blocks($servers->words);
__DATA__
=== sizes
--- lua
@LUA@
local s = open("digits:30 close")
show(s:receive(1))
show(s:receive(9))
show(s:receive("5"))
show(s:receive(0))
show(s:receive(20))
show(s:receive(1))
--- body
0
123456789
01234
""
nil|closed|567890123456789
nil|closed

=== sizes, dribbled
--- lua
@LUA@
local s = open("drip:abcdefghij close")
show(s:receive(3))
show(s:receive(4))
show(s:receive(4))
--- body
abc
defg
nil|closed|hij

=== lines
--- lua
@LUA@
local s = open("say:one%0atwo%0d%0a%0a%0d%0athr%0dee%0alast close")
for i = 1, 6 do show(s:receive()) end
--- body
one
two
""
""
three
nil|closed|last

=== lines, dribbled
--- lua
@LUA@
local s = open("drip:one%0atwo%0d%0a%0a%0d%0athr%0dee%0alast close")
for i = 1, 6 do show(s:receive("*l")) end
--- body
one
two
""
""
three
nil|closed|last

=== carriage returns alone
--- lua
@LUA@
local s = open("say:%0d%0d%0d%0a%0da%0d%0d%0ab%0d close")
for i = 1, 2 do show(s:receive()) end
local line, err, partial = s:receive()
show(line, err, (partial:gsub("\r", "")))
--- body
""
a
nil|closed|b

=== to the end
--- lua
@LUA@
local s = open("say:one%0atwo%0d%0a wait:20 say:three close")
show(s:receive("*a"))
local again = s:receive("*a")
show(again == nil or again == "")
--- body
one\ntwo\r\nthree
true

=== to the end of nothing
--- lua
@LUA@
local s = open("close")
show(s:receive("*a"))
--- body
""

=== patterns that are none
--- lua
@LUA@
local s = open("say:one%0atwo%0athree close")
for _, pattern in ipairs { "*x", "", "*", "*la", " *l", "**l", "x", "line" } do
  local ok, err = pcall(function() s:receive(pattern) end)
  ngx.say(ok, " ", (err:match("bad argument #1 to 'receive' %(bad pattern argument")))
end
show(s:receive("*a"))
--- body
false bad argument #1 to 'receive' (bad pattern argument
false bad argument #1 to 'receive' (bad pattern argument
false bad argument #1 to 'receive' (bad pattern argument
false bad argument #1 to 'receive' (bad pattern argument
false bad argument #1 to 'receive' (bad pattern argument
false bad argument #1 to 'receive' (bad pattern argument
false bad argument #1 to 'receive' (bad pattern argument
false bad argument #1 to 'receive' (bad pattern argument
one\ntwo\nthree

=== without the star, as Lua's own files have it, if at all
--- lua
@LUA@
local s = open("say:one%0atwo%0athree close")
local ok, line = pcall(s.receive, s, "l")
if ok then
  show(line, (s:receive("a")))
else
  assert(line:find("bad pattern argument", 1, true), line)
  show("one", "two\nthree")
end
--- body
one|two\nthree

=== other types
--- lua
@LUA@
local s = open("say:one%0atwo%0athree%0afour%0a close")
for _, what in ipairs { true, false, {}, print, -1, "-1" } do
  local ok, err = pcall(function() s:receive(what) end)
  ngx.say(ok, " ", (err:match("bad argument #1 to 'receive'")))
end
show(s:receive("3"))
show(s:receive(2.0))
show(s:receive())
--- body
false bad argument #1 to 'receive'
false bad argument #1 to 'receive'
false bad argument #1 to 'receive'
false bad argument #1 to 'receive'
false bad argument #1 to 'receive'
false bad argument #1 to 'receive'
one
\nt
wo

=== mixed
--- lua
@LUA@
local s = open("say:HEAD%2012%0d%0a0123456789abTAIL%0d%0arest%20of%20it close")
local line = s:receive()
show(line)
show(s:receive(tonumber(line:match("%d+"))))
show(s:receive("*l"))
show(s:receive(1))
show(s:receive("*a"))
--- body
HEAD 12
0123456789ab
TAIL
r
est of it

=== the connection ends too early
--- lua
@LUA@
show(open("say:abc close"):receive(4))
show(open("say:abc close"):receive())
show(open("say:abc close"):receiveuntil("--")())
show(open("say:abc close"):receiveany(10))
two(open("close"):receiveany(10))
--- body
nil|closed|abc
nil|closed|abc
nil|closed|abc
abc
nil|closed

=== the beginning of a pattern may be left out of what was read till then, or not
--- lua
@LUA@
local data, err, partial = open("say:abc- close"):receiveuntil("--")()
show(data, err, (partial:gsub("-$", "")))
--- body
nil|closed|abc

=== large
--- lua
@LUA@
local s = open("digits:10000000 close")
local first = s:receive(3)
local most = s:receive(9000000)
local rest = s:receive("*a")
show(first, #most, #rest)
local all = first .. most .. rest
show(all == ("0123456789"):rep(1000000))
--- body
012|9000000|999997
true

=== a very long line
--- lua
@LUA@
local s = open("digits:2000000 say:%0anext%0a")
local line = s:receive()
show(#line, line == ("0123456789"):rep(200000), (s:receive()))
--- body
2000000|true|next

=== many short lines
--- lua
@LUA@
local s = open(nil)
local lines = {}
for i = 1, 500 do lines[i] = "line%20" .. i .. "%0a" end
s:send("say:" .. table.concat(lines) .. " close\n")
for i = 1, 500 do assert(s:receive() == "line " .. i) end
show(s:receive())
--- body
nil|closed|""

=== bytes of all kinds
--- lua
@LUA@
local all = {}
for i = 0, 255 do all[#all + 1] = ("%%%02x"):format(i) end
local s = open("say:" .. table.concat(all) .. " close")
local got = s:receive(256)
for i = 0, 255 do assert(got:byte(i + 1) == i) end
local s = open("say:a%00b%0ac%00%0a close")
show((s:receive():gsub("%z", "0")))
show((s:receive():gsub("%z", "0")))
--- body
a0b
c0

=== receiveany: what is there
--- lua
@LUA@
local s = open("say:hello wait:300 say:world close")
show(s:receiveany(100))
show(s:receiveany(3))
show(s:receiveany(3))
two(s:receiveany(3))
--- body
hello
wor
ld
nil|closed

=== receiveany: the rest stays for others
--- lua
@LUA@
local s = open("say:ab%0acd%0aef close")
show(s:receiveany(1))
show(s:receive())
show(s:receiveany(2))
show(s:receive("*a"))
--- body
a
b
cd
\nef

=== receiveany: bad sizes
--- lua
@LUA@
local s = open("say:abc")
for _, max in ipairs { 0, -1, "x", true, {} } do
  local ok, err = pcall(function() s:receiveany(max) end)
  ngx.say(ok, " ", (err:match("bad argument #1 to 'receiveany'")))
end
show(s:receiveany("2"))
show(s:receiveany(1.0))
--- body
false bad argument #1 to 'receiveany'
false bad argument #1 to 'receiveany'
false bad argument #1 to 'receiveany'
false bad argument #1 to 'receiveany'
false bad argument #1 to 'receiveany'
ab
c

=== receiveany of much
--- lua
@LUA@
local s = open("digits:1000000 close")
local total, most = 0, 0
while true do
  local data, err = s:receiveany(5000)
  if not data then show(err) break end
  total, most = total + #data, math.max(most, #data)
end
show(total, most <= 5000)
--- body
closed
1000000|true

=== receiveuntil
--- lua
@LUA@
local s = open("say:hello,%20world--rest--%0alast close")
local read = s:receiveuntil("--")
show(type(read))
show(read())
show(read())
show(s:receive())
show(read())
show(read())
--- body
function
hello, world
rest
""
nil|closed|last
nil|closed

=== receiveuntil, dribbled
--- lua
@LUA@
local s = open("drip:hello--rest--%0alast close")
local read = s:receiveuntil("--")
show(read())
show(read())
show(s:receive())
show(read())
--- body
hello
rest
""
nil|closed|last

=== receiveuntil: a pattern of one byte, and a long one
--- lua
@LUA@
local s = open("say:a;b;;c close")
local read = s:receiveuntil(";")
for i = 1, 4 do show(read()) end
local long = ("0123456789"):rep(1000)
local s = open("digits:9999 digits:10000 say:x close")
local data, err, partial = s:receiveuntil(long)()
show(data and #data, err, partial and #partial)
show(s:receive("*a"))
--- body
a
b
""
nil|closed|c
9999|nil|nil
x

=== receiveuntil: patterns that begin again in themselves
--- lua
@LUA@
local cases = {
  { "abcabd", "abcabcabd" }, { "abcabd", "ababcabcabd!" }, { "aab", "aaab" }, { "aaaab", "aaaaaaaaaaab" }, { "--a", "---a-----a" },
  { "\r\n--x", "\r\r\n-\r\n--\r\n--x" }, { "abab", "abaabab" }, { "abacabad", "abacabacabad" }, { "aa", "aaa" },
  { "aba", "abababa" },
  { "abcabcabd", "abcabcabcabcabd" }, { "xyxyxz", "xyxyxyxyxz" }, { "aabaaab", "aabaabaaab" },
}
local function escape(text) return (text:gsub(".", function(c) return ("%%%02x"):format(c:byte()) end)) end
for _, how in ipairs { "say:", "drip:" } do
  for _, case in ipairs(cases) do
    local s = open(how .. escape(case[2]) .. " close")
    local read = s:receiveuntil(case[1])
    show(case[1], "[" .. read() .. "]", (s:receive("*a")))
  end
end
--- body
abcabd|[abc]|""
abcabd|[ababc]|!
aab|[a]|""
aaaab|[aaaaaaa]|""
--a|[-]|-----a
\r\n--x|[\r\r\n-\r\n--]|""
abab|[aba]|""
abacabad|[abac]|""
aa|[]|a
aba|[]|baba
abcabcabd|[abcabc]|""
xyxyxz|[xyxy]|""
aabaaab|[aab]|""
abcabd|[abc]|""
abcabd|[ababc]|!
aab|[a]|""
aaaab|[aaaaaaa]|""
--a|[-]|-----a
\r\n--x|[\r\r\n-\r\n--]|""
abab|[aba]|""
abacabad|[abac]|""
aa|[]|a
aba|[]|baba
abcabcabd|[abcabc]|""
xyxyxz|[xyxy]|""
aabaaab|[aab]|""

=== receiveuntil agrees with plain find, in pieces of all sizes
--- lua
@LUA@
math.randomseed(42)
local function text(n) local t = {} for i = 1, n do t[i] = ("ab"):sub(math.random(2)):sub(1, 1) end return table.concat(t) end
local wrong = 0
for round = 1, 150 do
  local pattern, data = text(math.random(6)), text(math.random(40))
  local first, last = data:find(pattern, 1, true)
  local words = { (round % 3 == 0 and "drip:" or "say:") .. data }
  if round % 3 == 1 then
    local cut = math.random(#data)
    words = { "say:" .. data:sub(1, cut) .. " wait:5 say:" .. data:sub(cut + 1) }
  end
  local s = open(words[1] .. " close")
  local before, err, partial = s:receiveuntil(pattern)()
  if first then
    local rest = s:receive("*a")
    if before ~= data:sub(1, first - 1) or rest ~= data:sub(last + 1) then
      wrong = wrong + 1
      show(pattern, data, before, rest)
    end
  elseif before or err ~= "closed" or data:sub(1, #partial) ~= partial or #data - #partial >= #pattern then
    wrong = wrong + 1
    show(pattern, data, before, err, partial)
  end
end
show(wrong)
--- body
0

=== receiveuntil in pieces of a size
--- lua
@LUA@
local s = open("say:hello,%20world!%20-agentzh%0d%0a--abcedhb%20blah%20blah close")
local read = s:receiveuntil("\r\n--abcedhb")
for i = 1, 8 do show(read(4)) end
--- body
hell
o, w
orld
! -a
gent
zh
nil|nil|nil
 bla

=== in pieces: what can not be the pattern is given at once
--- lua
@LUA@
local s = open("say:hello!x wait:3000 say:-- close")
local read = s:receiveuntil("xyz-abcdefghijklmnop")
s:settimeout(1000)
show(read(4))
show(read(2))
two(read(2))
--- body
hell
o!
nil|timeout

=== in pieces, dribbled
--- lua
@LUA@
local s = open("drip:hello,%20world!%0d%0a--abcedhb%20blah close")
local read = s:receiveuntil("\r\n--abcedhb")
local all, data, err = ""
repeat
  data, err = read(4)
  all = all .. (data or "")
until not data
show(all, err)
show(s:receive("*a"))
--- body
hello, world!|nil
 blah

=== in pieces: the iterator begins again after its end
--- lua
@LUA@
local s = open("say:abc--defg----h close")
local read = s:receiveuntil("--")
for i = 1, 4 do
  local all, data, err = ""
  repeat
    data, err = read(2)
    assert(not data or #data <= 4)
    all = all .. (data or "")
  until not data
  show(all, err)
end
--- body
abc|nil
defg|nil
""|nil
""|closed

=== in pieces, sizes that change
--- lua
@LUA@
local s = open("say:abcdefghij--klm-- close")
local read = s:receiveuntil("--")
show(read(1))
show(read(3))
show(read())
show(read())
show(read())
--- body
a
bcd
efghij
klm
nil|closed|""

=== in pieces: bad sizes
--- lua
@LUA@
local s = open("say:abc-- close")
local read = s:receiveuntil("--")
for _, size in ipairs { "x", {}, true } do fails(function() show(read(size)) end) end
fails(function() show(read(1, 2)) end)
show(read("2"))
--- body
bad argument #1 to 'read' (number expected, got string)
bad argument #1 to 'read' (number expected, got table)
bad argument #1 to 'read' (number expected, got boolean)
expecting 0 or 1 arguments, but seen 2
ab

=== receiveuntil, inclusive
--- lua
@LUA@
local s = open("say:hello%20_END_%20blah_END_%20rest close")
local read = s:receiveuntil("_END_", { inclusive = true })
show(read())
show(read())
show(read())
local s = open("drip:abcabcabdx close")
show(s:receiveuntil("abcabd", { inclusive = true })())
local s = open("say:abc--def close")
local read = s:receiveuntil("--", { inclusive = true })
for i = 1, 5 do show(read(2)) end
local s = open("say:abc--def close")
show(s:receiveuntil("--", { inclusive = false })())
--- body
hello _END_
 blah_END_
nil|closed| rest
abcabcabd
ab
c--
nil|nil|nil
de
nil|closed|f
abc

=== receiveuntil: bad arguments
--- lua
@LUA@
local s = open("say:abc--d12ef close")
show(s:receiveuntil(""))
for _, pattern in ipairs { true, {}, print } do fails(function() s:receiveuntil(pattern) end) end
fails(function() s:receiveuntil(nil) end)
fails(function() s:receiveuntil("-", 1) end)
fails(function() s:receiveuntil("-", { inclusive = 1 }) end)
fails(function() s:receiveuntil("-", { inclusive = "yes" }) end)
show(s:receiveuntil(12)())
--- body
nil|pattern is empty
bad argument #1 to 'receiveuntil' (string expected, got boolean)
bad argument #1 to 'receiveuntil' (string expected, got table)
bad argument #1 to 'receiveuntil' (string expected, got function)
bad argument #1 to 'receiveuntil' (string expected, got nil)
bad argument #2 to 'receiveuntil' (table expected, got number)
bad "inclusive" option value type: number
bad "inclusive" option value type: string
abc--d

=== two iterators and receive in turn
--- lua
@LUA@
local s = open("say:a,b;c,d;e%0af,g close")
local comma, semicolon = s:receiveuntil(","), s:receiveuntil(";")
show(comma(), semicolon(), comma(), semicolon(), s:receive(), comma(), (s:receive("*a")))
--- body
a|b|c|d|e|f|g

=== a boundary of a multipart body
--- lua
@LUA@
local s = open("say:--b%0d%0aX:%201%0d%0a%0d%0apart%0d%0aone%0d%0a--b%0d%0a%0d%0atwo%0d%0a-%0d%0a--b--%0d%0a close")
show(s:receiveuntil("--b\r\n")())
show(s:receiveuntil("\r\n\r\n")())
show(s:receiveuntil("\r\n--b")())
show(s:receive(2))
show(s:receive())
show(s:receiveuntil("\r\n--b")())
show(s:receive(2))
--- body
""
X: 1
part\r\none
\r\n
""
two\r\n-
--

=== a pattern that never comes, in much data
--- lua
@LUA@
local s = open("digits:3000000 close")
local data, err, partial = s:receiveuntil("0123456780")()
show(data, err, #partial)
local s = open("digits:3000000 say:END%0anext close")
local data, err = s:receiveuntil("END\n")()
show(#data, err, s:receive("*a"))
--- body
nil|closed|3000000
3000000|nil|next

=== much data in pieces up to a pattern
--- lua
@LUA@
local s = open("digits:3000000 say:END%0anext close")
local read, total = s:receiveuntil("END\n"), 0
while true do
  local data, err = read(4096)
  if not data then show(data, err) break end
  total = total + #data
end
show(total, (s:receive("*a")))
--- body
nil|nil
3000000|next

