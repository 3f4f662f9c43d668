# SPDX-License-Identifier: Apache-2.0
# ngx.re: what the tables of re_cases.t do not have. What the configuration says is in re_conf.t, the module "ngx.re" in re_split.t.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== match
--- lua
local m, err = ngx.re.match("hello, 1234", "([0-9])(?<rest>[0-9]+)")
ngx.say(m[0], " ", m[1], " ", m[2], " ", m.rest, " ", #m, " ", err)
ngx.say(ngx.re.match("hello", "[0-9]"))
ngx.say(select("#", ngx.re.match("hello", "l")), select("#", ngx.re.match("hello", "x")))
local m = ngx.re.match("hello, world", "(world)|(hello)|(?<named>howdy)")
ngx.say(m[0], m[1], m[2], m[3], m.named)
--- body
1234 1 234 234 2 nil
nil
11
hellofalsehellofalsefalse

=== the subject is any value, the regex a text
--- lua
ngx.say(ngx.re.match(12345, "3(.)")[1], ngx.re.match(nil, "^nil$")[0], ngx.re.match(true, "r")[0], ngx.re.match("a5b", 5)[0])
ngx.say(ngx.re.match(setmetatable({}, { __tostring = function() return "me" end }), "^me$")[0], ngx.re.match({}, "^table")[0])
for _, name in ipairs { "match", "find", "gmatch", "sub", "gsub" } do
  for _, bad in ipairs { false, {}, print } do
    local ok, err = pcall(ngx.re[name], "a", bad, "")
    assert(not ok and err:find("string expected, got " .. type(bad), 1, true), err)
  end
  assert(not pcall(ngx.re[name]))
end
--- body
4nilr5
metable

=== options
--- lua
local function try(...) local m, err = ngx.re.match(...) ngx.say(m and m[0] or m, " ", err) end
try("HELLO", "hello", "i")
try("a\nb", "^b", "m")
try("a\nb", "a.b", "s")
try("hello", "hel lo # what", "x")
try("xab", "ab", "a")
try("foobar", "foo|foobar", "d")
try("abc", "b", "jjooii")
try("abc", "b", nil)
try("abc", "b", false)
for _, bad in ipairs { "q", "joq", "O", " ", "j o", "\0" } do
  local ok, err = pcall(ngx.re.match, "a", "a", bad)
  ngx.say(ok, " ", (err:gsub("%z", "0")))
end
ngx.say((pcall(ngx.re.find, "a", "a", "?")), (pcall(ngx.re.gmatch, "a", "a", "?")), (pcall(ngx.re.gsub, "a", "a", "", "?")))
ngx.say(pcall(ngx.re.match, "a", "a", {}))
--- body_like eval
'\AHELLO nil
b nil
a
b nil
hello nil
nil nil
foobar nil
b nil
b nil
b nil
false unknown flag "q" \(flags "q"\)
false unknown flag "q" \(flags "joq"\)
false unknown flag "O" \(flags "O"\)
false unknown flag " " \(flags " "\)
false unknown flag " " \(flags "j o"\)
false unknown flag ".*
falsefalsefalse
false.*string expected, got table.*\z'

=== mistakes in a regex
--- lua
ngx.say(ngx.re.match("a", "(abc"))
ngx.say(ngx.re.match("a", "ab)c"))
ngx.say(ngx.re.find("a", "(abc", "jo"))
ngx.say(ngx.re.gmatch("a", "(abc"))
ngx.say(ngx.re.sub("a", "(abc", "x"))
ngx.say(ngx.re.gsub("a", "[", function() end))
ngx.say((select(2, ngx.re.match("a", "\0(")):gsub("%z", "NUL")))
ngx.say(ngx.re.match("a", "(?<n>a)(?<n>b)"))
ngx.say(#select(2, ngx.re.match("a", ("("):rep(300))) > 300, #select(2, ngx.re.match("a", ("x"):rep(200000) .. "(")) < 2000)
--- body
nilpcre_compile() failed: missing closing parenthesis in "(abc"
nilpcre_compile() failed: unmatched closing parenthesis in "ab)c" at ")c"
nilnilpcre_compile() failed: missing closing parenthesis in "(abc"
nilpcre_compile() failed: missing closing parenthesis in "(abc"
nilnilpcre_compile() failed: missing closing parenthesis in "(abc"
nilnilpcre_compile() failed: missing terminating ] for character class in "["
pcre_compile() failed: missing closing parenthesis in "NUL("
nilpcre_compile() failed: two named subpatterns have the same name (PCRE2_DUPNAMES not set) in "(?<n>a)(?<n>b)" at "b)"
truetrue

=== ctx
--- lua
local ctx = {}
ngx.say(ngx.re.match("1234, hello", "[0-9]+", "", ctx)[0], " ", ctx.pos)
ctx = { pos = 2 }
ngx.say(ngx.re.match("1234, hello", "[0-9]+", "", ctx)[0], " ", ctx.pos)
ngx.say(ngx.re.match("1234, hello", "[0-9]+", "", ctx), " ", ctx.pos)
ctx = { pos = 3 }
ngx.say(ngx.re.find("1234", "4", "jo", ctx))
ngx.say(ctx.pos)
for _, pos in ipairs { -5, 0, 1, 1.9, 2.0, -math.huge, 0/0 } do ngx.print(ngx.re.match("abc", "[abc]", "", { pos = pos })[0]) end
ngx.say()
ngx.say(ngx.re.match("abc", "$", "", { pos = 4 })[0] == "", ngx.re.match("abc", "a", "", { pos = 4 }))
for _, pos in ipairs { 5, 2^53, 2^70, math.huge, math.maxinteger } do ngx.say(ngx.re.match("abc", "$", "", { pos = pos })) end
for _, bad in ipairs { "x", 5, true, { pos = "2" }, { pos = {} } } do ngx.print(pcall(ngx.re.match, "abc", "a", "", bad) and 1 or 0) end
ngx.say(ngx.re.match("abc", "a", "", false)[0])
--- body
1234 5
234 5
nil 5
44
5
aaaabaa
truenil
nilpcre_exec() failed: -24
nilpcre_exec() failed: -24
nilpcre_exec() failed: -24
nilpcre_exec() failed: -24
nilpcre_exec() failed: -24
00000a

=== a lexer
--- lua
local text, ctx, tokens = "let x1 = 42", { pos = 1 }, {}
while ctx.pos <= #text do
  local m = ngx.re.match(text, [[\s*(?:(?<word>[a-z]\w*)|(?<number>\d+)|(?<other>.))]], "ajo", ctx)
  tokens[#tokens + 1] = m.word and "w:" .. m.word or m.number and "n:" .. m.number or "o:" .. m.other
end
ngx.say(table.concat(tokens, " "))
--- body
w:let w:x1 o:= n:42

=== the table for the result
--- lua
local mine = { [3] = "old", x = "kept" }
local m = ngx.re.match("ab", "(a)(?<n>b)", "jo", nil, mine)
ngx.say(m == mine, m[0], m[1], m[2], m[3], m.n, m.x)
ngx.say(ngx.re.match("ab", "z", "", nil, mine), mine[0])
ngx.say((pcall(ngx.re.match, "ab", "a", "", nil, "x")), ngx.re.match("ab", "a", "", nil, false)[0])
--- body
trueababoldbkept
nilab
falsea

=== names that come again: lists with D
--- lua
local m = ngx.re.match("hello, world", "(?<n>\\w+), (?<n>\\w+)", "D")
ngx.say(#m.n, m.n[1], m.n[2], m[1], m[2])
m = ngx.re.match("b", "(?<n>a)|(?<n>b)", "Djo")
ngx.say(#m.n, m.n[1], m[1], m[2])
m = ngx.re.match("c", "(?<n>a)|(?<n>b)|c", "D")
ngx.say(m.n)
m = ngx.re.match("b", "(?J)(?<n>a)|(?<n>b)")
ngx.say(m.n)
m = ngx.re.match("ab", "(?<n>a)(?<n>b)", "D", nil, { n = "old" })
ngx.say(m.n[1], m.n[2])
--- body
2helloworldhelloworld
1bfalseb
nil
b
ab

=== find
--- lua
ngx.say(ngx.re.find("hello, 1234", "[0-9]+", "jo"))
ngx.say(ngx.re.find("hello", "[0-9]+"))
ngx.say(ngx.re.find("hello, 1234", "([0-9])([0-9]+)", "jo", nil, 2))
ngx.say(ngx.re.find("hello, 1234", "([0-9])([0-9]+)", "jo", nil, 0))
ngx.say(ngx.re.find("hello, 1234", "([0-9])([0-9]+)", "jo", nil, -7))
ngx.say(ngx.re.find("hello, 1234", "([0-9])|(x)", "jo", nil, 2))
ngx.say(ngx.re.find("hello, 1234", "([0-9])", "jo", nil, 2))
ngx.say(ngx.re.find("hello, 1234", "([0-9])", "d", nil, 1))
ngx.say(ngx.re.find("hello, 1234", "([0-9])", "", nil, math.maxinteger))
ngx.say(ngx.re.find("abc", "(?=b)"))
ngx.say(select("#", ngx.re.find("a", "x")), select("#", ngx.re.find("a", "a|(b)", "", nil, 1)), select("#", ngx.re.find("a", "(")))
ngx.say((pcall(ngx.re.find, "a", "a", "", nil, "x")), (pcall(ngx.re.find, "a", "a", "", nil, 1.5)))
--- body
811
nil
911
811
811
nilnil
nilnilnth out of bound
nilnilnth out of bound
nilnilnth out of bound
21
123
falsefalse

=== gmatch
--- lua
for m, err in ngx.re.gmatch("a1b22c333", "([a-z])(\\d+)", "jo") do ngx.print(m[0], ":", m[2], " ", err, ";") end
ngx.say()
local it = ngx.re.gmatch("ab", "x*")
for _ = 1, 5 do
  local m, err = it()
  ngx.print(m and "[" .. m[0] .. "]", err, " ")
end
ngx.say()
it = ngx.re.gmatch("a\255", ".", "u")
ngx.say(it())
ngx.say(it())
-- two at once, one in a coroutine, one given up
local one, two = ngx.re.gmatch("1234", "\\d", "o"), ngx.re.gmatch("1234", "\\d", "o")
local three = coroutine.wrap(function() for m in ngx.re.gmatch("12", "\\d", "o") do ngx.sleep(0.001) coroutine.yield(m[0]) end end)
one()
ngx.say(one()[0], two()[0], three(), one()[0], two()[0], three())
one = nil
collectgarbage()
collectgarbage()
ngx.say(two()[0], ngx.re.match("7", "\\d", "o")[0])
--- body
a1:1 nil;b22:22 nil;c333:333 nil;
[]nil []nil []nil nilnil nilnil 
nilpcre_exec() failed: -10
nil
211322
37

=== templates
--- lua
for _, with in ipairs { "[$0]", "$1$2", "${1}0$10", "$$1", "$$$$", "$&!", "", "\0$0\0", "$3", "${00}", "$99999999999999999999" } do
  ngx.print(((ngx.re.gsub("hello, 1234", "([0-9])([0-9])", with):gsub("%z", "NUL"))), ";")
end
ngx.say()
for _, bad in ipairs { "$", "a$", "$x", "${", "${}", "${1", "${1a}", "${x}", "$-1", "${ 1}", "$ 1", "$\0" } do
  assert(select(3, ngx.re.sub("a", "a", bad)) == "failed to compile the replacement template", bad)
  assert(select(3, ngx.re.gsub("z", "a", bad, "jo")) == "failed to compile the replacement template", bad)
end
ngx.say(ngx.re.sub("hello, 1234", "[0-9]", "${0}00"))
ngx.say(ngx.re.sub("a", "z", "y"))
ngx.say(ngx.re.sub(12, "1", 5), ngx.re.sub("a", "a", nil), ngx.re.sub("a", "a", true))
ngx.say(ngx.re.gsub("a\0b\0", "\0", "<$0>$$"):byte(1, -1))
--- body
hello, [12][34];hello, 1234;hello, 1030;hello, $1$1;hello, $$$$;hello, 12!34!;hello, ;hello, NUL12NULNUL34NUL;hello, ;hello, 1234;hello, ;
hello, 1002341
a0
52niltrue1
976006236986006236

=== a function replaces
--- lua
local function square(m) return m[1] * m[1] end
ngx.say(ngx.re.gsub("1 2 3", "(\\d)", square, "jo"))
ngx.say(ngx.re.sub("1 2 3", "([23])", square))
ngx.say(ngx.re.gsub("abc", "[ab]", function(m) return "$0" end), ngx.re.gsub("abc", "b", function() end), ngx.re.gsub("b", "b", function() return false end))
ngx.say(ngx.re.gsub("abc", "z", error), ngx.re.gsub("abc", "", function(m) return "-" .. m[0] end))
ngx.say(ngx.re.gsub("k=v", "(?<key>\\w)=(?<value>\\w)", function(m) return m.value .. "=" .. m.key end))
ngx.say(pcall(ngx.re.gsub, "abc", "b", function() error("mine", 0) end, "o"))
ngx.say((pcall(ngx.re.gsub, "abc", "b", function() return setmetatable({}, { __tostring = function() error "x" end }) end, "o")))
ngx.say((ngx.re.gsub("abc", "b", function() return setmetatable({}, { __tostring = function() return "T" end }) end)))
ngx.say(ngx.re.gsub("ab cd", "\\w+", function(m) return (ngx.re.gsub(m[0], "\\w", function(n) return n[0]:upper() .. "." end, "jo")) end, "jo"))
--- body
1 4 93
1 4 31
$0$0canilcfalse1
abc-a-b-c-4
v=k1
falsemine
false
aTc
A.B. C.D.2

=== a function may wait
--- lua
local order = {}
local function slow(m)
  order[#order + 1] = m[0]
  ngx.sleep(0.002)
  ngx.re.match("other", "(o)(t)(h)", "jo") -- between two matches of this one
  collectgarbage()
  return "<" .. m[1] .. ">"
end
ngx.say(ngx.re.gsub("a1b2c3", "[a-z](\\d)", slow, "jo"))
ngx.say(ngx.re.sub("a1b2c3", "[b-z](\\d)", slow))
local f = coroutine.wrap(function() return ngx.re.gsub("xyz", "(.)", function(m) coroutine.yield(m[1]) return m[1] .. m[1] end) end)
ngx.say(f(), f(), f(), f())
ngx.say(table.concat(order, " "))
--- body
<1><2><3>3
a1<2>c31
xyzxxyyzz3
a1 b2 c3 b2

=== a function may end the script
--- lua
ngx.say("begun")
ngx.re.gsub("abc", "b", function() ngx.exit(200) end)
ngx.say("never")
--- body
begun

=== UTF-8
--- lua
ngx.say(ngx.re.match("hello, 美好生活", "HELLO, (.{2})", "iu")[1], ngx.re.find("你好", "好", "u"))
ngx.say(ngx.re.gsub("你好", "", "-", "u"))
ngx.say(ngx.re.gsub("你x好", "x*", "-", "uj"))
ngx.say(ngx.re.gsub("你好", "(?<=你)", "-", "U"))
for m in ngx.re.gmatch("é€", "", "ujo") do ngx.print("[", m[0], "]") end
ngx.say()
ngx.say(ngx.re.gsub("你好", "(*UTF)", "-"))
for _, options in ipairs { "u", "uj", "ujo", "ud", "Ud" } do ngx.say(ngx.re.gsub("ok\xe4\xbd", "o", "x", options)) end
ngx.say(ngx.re.match("你好", ".", "u", { pos = 2 }))
--- body
美好46
-你-好-3
-你--好-4
你-好1
[][][]
-你-好-3
nilnilpcre_exec() failed: -10
nilnilpcre_exec() failed: -10
nilnilpcre_exec() failed: -10
nilnilpcre_exec() failed: -10
nilnilpcre_exec() failed: -10
nilpcre_exec() failed: -11

=== U: bad UTF-8 matches nothing
--- lua
for _, options in ipairs { "U", "Uo", "Uj", "uU", "Ujo" } do
  local s, n, err = ngx.re.gsub("a\xff你\xe4\xbd.\xc0\x80z\xed\xa0\x80", ".", "<$0>", options)
  assert(n == 4 and s == "<a>\xff<你>\xe4\xbd<.>\xc0\x80<z>\xed\xa0\x80" and not err, options)
  for cut = 1, 12 do -- wherever it begins and ends
    ngx.re.gsub(("a\xff你\xe4\xbd."):sub(cut), "", "-", options)
    ngx.re.match("你\xe4好\xffx", "(?<=.)x|\\b.$", options, { pos = cut })
  end
end
ngx.say("fine")
--- body
fine

=== a match that tries too long, too much, too deep
--- lua
local as = ("a"):rep(40)
for _, options in ipairs { "", "j", "jo" } do
  ngx.say(ngx.re.match(as .. "b", "(a+)+$", options))
  ngx.say(ngx.re.gsub(as .. "b", "(a+)+$", "", options))
  ngx.say(ngx.re.gmatch(as .. "b", "(a+)+$", options)())
end
ngx.say(ngx.re.match(("a"):rep(1000000), "^(?:a|b)*$"))
ngx.say(ngx.re.match(("a"):rep(1000000), "^(?:a|b)*$", "jo"))
ngx.say(ngx.re.match(("("):rep(100000) .. ")", "\\((?:[^()]|(?R))*\\)", "d"))
ngx.say(ngx.re.match(as, "(*LIMIT_MATCH=4000000000)(a+)+$b")) -- a regex can not raise it
ngx.say(ngx.re.match(("a"):rep(20000), "^(?:a|b)*$")[0] == ("a"):rep(20000), ngx.re.match(("a"):rep(20000), "^(?:a|b)*$", "j")[0] == ("a"):rep(20000))
ngx.say((select(2, ngx.re.match("a", "(((a{1,1000}){1,1000}){1,1000})"))))
ngx.say(#ngx.re.match("", ("(a?)"):rep(1000), "jo"))
--- body
nilpcre_exec() failed: -8
nilnilpcre_exec() failed: -8
nilpcre_exec() failed: -8
nilpcre_exec() failed: -8
nilnilpcre_exec() failed: -8
nilpcre_exec() failed: -8
nilpcre_exec() failed: -8
nilnilpcre_exec() failed: -8
nilpcre_exec() failed: -8
nilpcre_exec() failed: -21
nilpcre_exec() failed: -27
nilpcre_exec() failed: -21
nil
truetrue
pcre_compile() failed: regular expression is too large in "(((a{1,1000}){1,1000}){1,1000})"
1000

=== ten megabytes
--- lua
local big = ("0123456789"):rep(1000000) .. "x"
ngx.say(ngx.re.find(big, "x", "jo"))
ngx.say(#ngx.re.match(big, ".*", "s")[0])
local s, n = ngx.re.gsub(big, "9", "ab", "jo")
ngx.say(#s, " ", n, " ", s:sub(-12))
s, n = ngx.re.gsub(big, "9", function(m) return "" end)
ngx.say(#s, " ", n)
s, n = ngx.re.gsub(big:sub(1, 2000000), "[0-5]", "$0", "uo") -- the text is looked through for bad UTF-8 once, not with each match
ngx.say(#s, " ", n)
n = 0
for _ in ngx.re.gmatch(big, "5", "u") do n = n + 1 end
ngx.say(n)
--- body
1000000110000001
10000001
11000001 1000000 012345678abx
9000001 1000000
2000000 1200000
1000000

=== where a match and its end are turned round (\K)
--- lua
ngx.say(ngx.re.gsub("foobar foobar", "foo\\Kbar", "<$0>"))
for _, regex in ipairs { "(?=(?1))(?:(ab\\K)){0}a", "(?<=(?1))(?:(a\\K)){0}b" } do
  for _, options in ipairs { "", "jo" } do
    local s, n, err = ngx.re.gsub("ab ab", regex, "<$0>", options)
    assert(s or err, regex)
    ngx.re.match("ab ab", regex, options)
    ngx.re.find("ab ab", regex, options)
  end
end
ngx.say((ngx.re.gsub("你", "\\C", "<>", "u")):byte(1, -1)) -- \C is a byte
--- body
foo<bar> foo<bar>2
6062189160

=== a finalizer that matches does not get in the way
--- lua
local function litter()
  setmetatable({}, { __gc = function() ngx.re.match("XYZ", "(X)(Y)(Z)", "jo") ngx.re.gsub("q", "q", "w", "o") end })
end
for round = 1, 300 do
  litter()
  local m = ngx.re.match("a-b-c", "(a)-(b)-(c)", "jo")
  assert(m[0] .. m[1] .. m[2] .. m[3] == "a-b-cabc")
  assert(ngx.re.gsub("abcabc", "(a)(b)(c)", function(n) litter() return n[3] .. n[2] .. n[1] end, "o") == "cbacba")
  for n in ngx.re.gmatch(("ab"):rep(20), "(a)(b)", "o") do litter() assert(n[1] .. n[2] == "ab") end
  if round % 50 == 0 then collectgarbage() end
end
ngx.say("fine")
--- body
fine
