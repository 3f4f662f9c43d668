# SPDX-License-Identifier: Apache-2.0
# ngx.re and split of require "ngx.re", by tables. What is expected is what nginx with ngx_lua answers, "false" where it errs (re.t
# has those). Each case is tried alone and with the options o, j and jo.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== match, find, gmatch
--- file show.lua
local function quoted(s)
  return "<" .. s:gsub("[%c%%\127]", function(c) return ("%%%02x"):format(c:byte()) end) .. ">"
end
local function show(v)
  if type(v) == "string" then return quoted(v) end
  if type(v) ~= "table" then return tostring(v) end
  local keys, out = {}, {}
  for k in pairs(v) do keys[#keys + 1] = k end
  table.sort(keys, function(a, b)
    if type(a) == type(b) then return a < b end
    return type(a) == "number"
  end)
  for i, k in ipairs(keys) do out[i] = k .. "=" .. show(v[k]) end
  return "{" .. table.concat(out, " ") .. "}"
end
local function list(t)
  local out = {}
  for i, v in ipairs(t) do out[i] = quoted(v) end
  return table.concat(out, " ")
end
local function plain(err)
  return (err:gsub("^(pcre_compile%(%) failed).*", "%1"))
end
return quoted, show, list, plain
--- file match.lua
return {
{ "abc", "b", "", "{0=<b>} 3", "{0=<b>} 3", "2-2", "<b>" },
{ "xyz", "b", "", "nil", "nil", "nil", "" },
{ "", "b", "", "nil", "pcre_exec() failed: -24", "nil", "" },
{ "bbb", "b", "", "{0=<b>} 2", "{0=<b>} 3", "1-1", "<b> <b> <b>" },
{ "", "", "", "{0=<>} 1", "pcre_exec() failed: -24", "1-0", "<>" },
{ "abc", "", "", "{0=<>} 1", "{0=<>} 2", "1-0", "<> <> <> <>" },
{ "a\nb", "", "", "{0=<>} 1", "{0=<>} 2", "1-0", "<> <> <> <>" },
{ "abc", "x*", "", "{0=<>} 1", "{0=<>} 2", "1-0", "<> <> <> <>" },
{ "xx", "x*", "", "{0=<xx>} 3", "{0=<x>} 3", "1-2", "<xx> <>" },
{ "", "x*", "", "{0=<>} 1", "pcre_exec() failed: -24", "1-0", "<>" },
{ "cab", "(a)|(b)|(c)", "", "{0=<c> 1=false 2=false 3=<c>} 2", "{0=<a> 1=<a> 2=false 3=false} 3", "1-1", "<c> <a> <b>" },
{ "zzz", "(a)|(b)|(c)", "", "nil", "nil", "nil", "" },
{ "ac", "(a)(b)?(c)?", "", "{0=<ac> 1=<a> 2=false 3=<c>} 3", "nil", "1-2", "<ac>" },
{ "abcaba", "(a)(b)?(c)?", "", "{0=<abc> 1=<a> 2=<b> 3=<c>} 4", "{0=<ab> 1=<a> 2=<b> 3=false} 6", "1-3", "<abc> <ab> <a>" },
{ "abab", "((a)|(b))+", "", "{0=<abab> 1=<b> 2=<a> 3=<b>} 5", "{0=<bab> 1=<b> 2=<a> 3=<b>} 5", "1-4", "<abab>" },
{ "xba", "((a)|(b))+", "", "{0=<ba> 1=<a> 2=<a> 3=<b>} 4", "{0=<ba> 1=<a> 2=<a> 3=<b>} 4", "2-3", "<ba>" },
{ "ab", "(?:(a)|b)*", "", "{0=<ab> 1=<a>} 3", "{0=<b> 1=false} 3", "1-2", "<ab> <>" },
{ "ba", "(?:(a)|b)*", "", "{0=<ba> 1=<a>} 3", "{0=<a> 1=<a>} 3", "1-2", "<ba> <>" },
{ "a=1&b=&c=x", "(\\w+)=(\\w*)", "", "{0=<a=1> 1=<a> 2=<1>} 4", "{0=<b=> 1=<b> 2=<>} 7", "1-3", "<a=1> <b=> <c=x>" },
{ "=", "(\\w+)=(\\w*)", "", "nil", "nil", "nil", "" },
{ "hello, 1234", "[0-9]+", "", "{0=<1234>} 12", "{0=<1234>} 12", "8-11", "<1234>" },
{ "a1b22c333", "[0-9]+", "", "{0=<1>} 3", "{0=<1>} 3", "2-2", "<1> <22> <333>" },
{ "hello, 1234 56 7", "([0-9])([0-9]+)", "", "{0=<1234> 1=<1> 2=<234>} 12", "{0=<1234> 1=<1> 2=<234>} 12", "8-11",
  "<1234> <56>" },
{ "ab\ncd", "^", "", "{0=<>} 1", "nil", "1-0", "<>" },
{ "", "^", "", "{0=<>} 1", "pcre_exec() failed: -24", "1-0", "<>" },
{ "ab\ncd\n", "^", "m", "{0=<>} 1", "{0=<>} 4", "1-0", "<> <>" },
{ "\n", "^", "m", "{0=<>} 1", "nil", "1-0", "<>" },
{ "ab\ncd\n", "$", "", "{0=<>} 6", "{0=<>} 6", "6-5", "<> <>" },
{ "ab\ncd\n", "$", "m", "{0=<>} 3", "{0=<>} 3", "3-2", "<> <> <>" },
{ "ab", "$", "m", "{0=<>} 3", "{0=<>} 3", "3-2", "<>" },
{ "ab\ncd\nef", "^(\\w)", "m", "{0=<a> 1=<a>} 2", "{0=<c> 1=<c>} 5", "1-1", "<a> <c> <e>" },
{ "ab cd", "\\b", "", "{0=<>} 1", "{0=<>} 3", "1-0", "<> <> <> <>" },
{ "!", "\\b", "", "nil", "nil", "nil", "" },
{ "a\nc abc", "a.c", "", "{0=<abc>} 8", "{0=<abc>} 8", "5-7", "<abc>" },
{ "a\nc abc", "a.c", "s", "{0=<a%0ac>} 4", "{0=<abc>} 8", "1-3", "<a%0ac> <abc>" },
{ "hello, world", "HEL LO", "ix", "{0=<hello>} 6", "nil", "1-5", "<hello>" },
{ "hel lo", "HEL LO", "ix", "nil", "nil", "nil", "" },
{ "ab a b", "a b # c", "x", "{0=<ab>} 3", "nil", "1-2", "<ab>" },
{ "HeLLo hello", "hello", "i", "{0=<HeLLo>} 6", "{0=<hello>} 12", "1-5", "<HeLLo> <hello>" },
{ "CAFE babe xyz", "[a-f]+", "i", "{0=<CAFE>} 5", "{0=<AFE>} 5", "1-4", "<CAFE> <babe>" },
{ "ll", "l", "a", "{0=<l>} 2", "{0=<l>} 3", "1-1", "<l> <l>" },
{ "hello", "l", "a", "nil", "nil", "nil", "" },
{ "12a3", "\\d", "a", "{0=<1>} 2", "{0=<2>} 3", "1-1", "<1> <2>" },
{ "foobar", "foo|foobar", "", "{0=<foo>} 4", "nil", "1-3", "<foo>" },
{ "foobar", "foo|foobar", "d", "{0=<foobar>} 7", "nil", "1-6", "<foobar>" },
{ "foofoobar", "foo|foobar", "d", "{0=<foo>} 4", "{0=<foobar>} 10", "1-3", "<foo> <foobar>" },
{ "10-20 30-4", "(\\d+)-(\\d+)", "d", "{0=<10-20>} 6", "{0=<0-20>} 6", "1-5", "<10-20> <30-4>" },
{ "aaa", "a*?", "d", "{0=<aaa>} 4", "{0=<aa>} 4", "1-3", "<aaa> <>" },
{ "2024-05 2025-06", "(?<year>\\d{4})-(?<month>\\d\\d)", "", "{0=<2024-05> 1=<2024> 2=<05> month=<05> year=<2024>} 8",
  "{0=<2025-06> 1=<2025> 2=<06> month=<06> year=<2025>} 16", "1-7", "<2024-05> <2025-06>" },
{ "24-05", "(?<year>\\d{4})-(?<month>\\d\\d)", "", "nil", "nil", "nil", "" },
{ "hello, world", "(world)|(hello)|(?<named>howdy)", "", "{0=<hello> 1=false 2=<hello> 3=false named=false} 6",
  "{0=<world> 1=<world> 2=false 3=false named=false} 13", "1-5", "<hello> <world>" },
{ "howdy", "(world)|(hello)|(?<named>howdy)", "", "{0=<howdy> 1=false 2=false 3=<howdy> named=<howdy>} 6", "nil", "1-5",
  "<howdy>" },
{ "hello, world", "(?<n>\\w+), (?<n>\\w+)", "D", "{0=<hello, world> 1=<hello> 2=<world> n={1=<hello> 2=<world>}} 13",
  "{0=<ello, world> 1=<ello> 2=<world> n={1=<ello> 2=<world>}} 13", "1-12", "<hello, world>" },
{ "ab", "(?<n>a)|(?<n>b)", "D", "{0=<a> 1=<a> 2=false n={1=<a>}} 2", "{0=<b> 1=false 2=<b> n={1=<b>}} 3", "1-1", "<a> <b>" },
{ "ba", "(?<n>a)|(?<n>b)", "D", "{0=<b> 1=false 2=<b> n={1=<b>}} 2", "{0=<a> 1=<a> 2=false n={1=<a>}} 3", "1-1", "<b> <a>" },
{ "abc", "(?<n>a)(?<m>b)?(?<n>c)", "D", "{0=<abc> 1=<a> 2=<b> 3=<c> m={1=<b>} n={1=<a> 2=<c>}} 4", "nil", "1-3", "<abc>" },
{ "ac", "(?<n>a)(?<m>b)?(?<n>c)", "D", "{0=<ac> 1=<a> 2=false 3=<c> n={1=<a> 2=<c>}} 3", "nil", "1-2", "<ac>" },
{ "xy", "(?P<p>x)|(?'q'y)", "", "{0=<x> 1=<x> 2=false p=<x> q=false} 2", "{0=<y> 1=false 2=<y> p=false q=<y>} 3", "1-1",
  "<x> <y>" },
{ "acbc", "(?|(a)|(b))c", "", "{0=<ac> 1=<a>} 3", "{0=<bc> 1=<b>} 5", "1-2", "<ac> <bc>" },
{ "A\\u0041u0041", "\\u0041", "J", "{0=<A>} 2", "nil", "1-1", "<A>" },
{ "ab", "[]|a", "J", "{0=<a>} 2", "nil", "1-1", "<a>" },
{ "b aba ba", "(a)?b\\1", "J", "{0=<b> 1=false} 2", "{0=<aba> 1=<a>} 6", "1-1", "<b> <aba> <b>" },
{ "b aba ba", "(a)?b\\1", "", "{0=<aba> 1=<a>} 6", "{0=<aba> 1=<a>} 6", "3-5", "<aba>" },
{ "é", ".", "", "{0=<\195>} 2", "{0=<\169>} 3", "1-1", "<\195> <\169>" },
{ "a", ".", "", "{0=<a>} 2", "nil", "1-1", "<a>" },
{ "é你", ".", "u", "{0=<é>} 3", "pcre_exec() failed: -11", "1-2", "<é> <你>" },
{ "aéb", ".", "u", "{0=<a>} 2", "{0=<é>} 4", "1-1", "<a> <é> <b>" },
{ "hello, 美好生活", "(.{2})", "u", "{0=<he> 1=<he>} 3", "{0=<el> 1=<el>} 4", "1-2", "<he> <ll> <o,> < 美> <好生>" },
{ "hello, 美好生活", "HELLO, (.{2})", "iu", "{0=<hello, 美好> 1=<美好>} 14", "nil", "1-13", "<hello, 美好>" },
{ "abécdí", "[é-í]", "u", "{0=<é>} 5", "{0=<é>} 5", "3-4", "<é> <í>" },
{ "été", "É", "iu", "{0=<é>} 3", "pcre_exec() failed: -11", "1-2", "<é> <é>" },
{ "你好你", "\\x{4f60}", "u", "{0=<你>} 4", "pcre_exec() failed: -11", "1-3", "<你> <你>" },
{ "naïve 你", "\\w+", "u", "{0=<na>} 3", "{0=<a>} 3", "1-2", "<na> <ve>" },
{ "é你", ".", "U", "{0=<é>} 3", false, "1-2", "<é> <你>" },
{ "a\255", ".", "u", "pcre_exec() failed: -10", "pcre_exec() failed: -10", "pcre_exec() failed: -10",
  "pcre_exec() failed: -10" },
{ "\195", ".", "u", "pcre_exec() failed: -10", false, "pcre_exec() failed: -10", "pcre_exec() failed: -10" },
{ "ok\228\189", ".", "u", "pcre_exec() failed: -10", "pcre_exec() failed: -10", "pcre_exec() failed: -10",
  "pcre_exec() failed: -10" },
{ "你好吗", "好", "u", "{0=<好>} 7", "pcre_exec() failed: -11", "4-6", "<好>" },
{ " a  b\009c\n", "\\s+", "", "{0=< >} 2", "{0=<  >} 5", "1-1", "< > <  > <%09> <%0a>" },
{ "abc", "\\s+", "", "nil", "nil", "nil", "" },
{ "a,b,,c,,", ",", "", "{0=<,>} 3", "{0=<,>} 3", "2-2", "<,> <,> <,> <,> <,>" },
{ ",a", ",", "", "{0=<,>} 2", "nil", "1-1", "<,>" },
{ ",,,", ",", "", "{0=<,>} 2", "{0=<,>} 3", "1-1", "<,> <,> <,>" },
{ ",", ",", "", "{0=<,>} 2", "nil", "1-1", "<,>" },
{ "a", ",", "", "nil", "nil", "nil", "" },
{ "a,b,,c", "(,)", "", "{0=<,> 1=<,>} 3", "{0=<,> 1=<,>} 3", "2-2", "<,> <,> <,>" },
{ ",a", "(,)", "", "{0=<,> 1=<,>} 2", "nil", "1-1", "<,>" },
{ "a;,b;,c", "(;),", "", "{0=<;,> 1=<;>} 4", "{0=<;,> 1=<;>} 4", "2-3", "<;,> <;,>" },
{ "a;b,c", "(;)|,", "", "{0=<;> 1=<;>} 3", "{0=<;> 1=<;>} 3", "2-2", "<;> <,>" },
{ "a,b", "(;)|,", "", "{0=<,> 1=false} 3", "{0=<,> 1=false} 3", "2-2", "<,>" },
{ "abcd,erfg,ghij;hello world;aaa", ",|;", "", "{0=<,>} 6", "{0=<,>} 6", "5-5", "<,> <,> <;> <;>" },
{ "abcb", "(?=b)", "", "{0=<>} 2", "{0=<>} 2", "2-1", "<> <>" },
{ "abcb", "(?<=b)", "", "{0=<>} 3", "{0=<>} 3", "3-2", "<> <>" },
{ "aab", "(?!a)", "", "{0=<>} 3", "{0=<>} 3", "3-2", "<> <>" },
{ "abab", "a\\Kb", "", "{0=<b>} 3", "{0=<b>} 5", "2-2", "<b> <b>" },
{ "aab aabbbb", "(a+)(b+)?\\2", "", "{0=<aabbbb> 1=<aa> 2=<bb>} 11", "{0=<aabbbb> 1=<aa> 2=<bb>} 11", "5-10", "<aabbbb>" },
{ "hello bookkeeper", "(\\w)\\1", "", "{0=<ll> 1=<l>} 5", "{0=<ll> 1=<l>} 5", "3-4", "<ll> <oo> <kk> <ee>" },
{ "ABc ABC abc", "(?i)ab(?-i)c", "", "{0=<ABc>} 4", "{0=<abc>} 12", "1-3", "<ABc> <abc>" },
{ "aaaaaaa", "a{2,3}", "", "{0=<aaa>} 4", "{0=<aaa>} 5", "1-3", "<aaa> <aaa>" },
{ "aaaaaaa", "a{2,3}?", "", "{0=<aa>} 3", "{0=<aa>} 4", "1-2", "<aa> <aa> <aa>" },
{ "aaab aab", "a++b", "", "{0=<aaab>} 5", "{0=<aab>} 5", "1-4", "<aaab> <aab>" },
{ "aaab", "(?>a+)b", "", "{0=<aaab>} 5", "{0=<aab>} 5", "1-4", "<aaab>" },
{ "/usr/local/lib", "[^/]+", "", "{0=<usr>} 5", "{0=<usr>} 5", "2-4", "<usr> <local> <lib>" },
{ "///", "[^/]+", "", "nil", "nil", "nil", "" },
{ "1.2.3", "\\.", "", "{0=<.>} 3", "{0=<.>} 3", "2-2", "<.> <.>" },
{ "abCDeF", "[[:upper:]]+", "", "{0=<CD>} 5", "{0=<CD>} 5", "3-4", "<CD> <F>" },
{ "hello world", "\\Ahe|ld\\z", "", "{0=<he>} 3", "{0=<ld>} 12", "1-2", "<he> <ld>" },
{ "abc ab a x", "(a(b(c)?)?)?", "", "{0=<abc> 1=<abc> 2=<bc> 3=<c>} 4", "{0=<> 1=false 2=false 3=false} 2", "1-3",
  "<abc> <> <ab> <> <a> <> <> <>" },
{ "a\000b", "\\0", "", "{0=<%00>} 3", "{0=<%00>} 3", "2-2", "<%00>" },
{ "a\000b\000", "\000", "", false, false, false, false },
{ "a\001b\031c", "[\\x00-\\x1f]", "", "{0=<%01>} 3", "{0=<%01>} 3", "2-2", "<%01> <%1f>" },
{ "<b>x\ny</b><i></i>", "<(\\w+)>(.*?)</\\1>", "s", "{0=<<b>x%0ay</b>> 1=<b> 2=<x%0ay>} 11", "{0=<<i></i>> 1=<i> 2=<>} 18",
  "1-10", "<<b>x%0ay</b>> <<i></i>>" },
{ "say \"hi\" or 'ho'\"", "([\"'])(.*?)\\1", "", "{0=<\"hi\"> 1=<\"> 2=<hi>} 9", "{0=<\"hi\"> 1=<\"> 2=<hi>} 9", "5-8",
  "<\"hi\"> <'ho'>" },
{ "a $b \\$c $d", "(?<!\\\\)\\$(\\w+)", "", "{0=<$b> 1=<b>} 5", "{0=<$b> 1=<b>} 5", "3-4", "<$b> <$d>" },
{ "f(a(b)c)(d", "\\((?:[^()]|(?R))*\\)", "", "{0=<(a(b)c)>} 9", "{0=<(a(b)c)>} 9", "2-8", "<(a(b)c)>" },
{ "abcdad", "(?(?=a)ab|cd)", "", "{0=<ab>} 3", "{0=<cd>} 5", "1-2", "<ab> <cd>" },
{ "12\n3x\n4", "^\\d+$", "m", "{0=<12>} 3", "{0=<4>} 8", "1-2", "<12> <4>" },
{ "a\013\nb\nc", "\\R", "", "{0=<%0d%0a>} 4", "{0=<%0d%0a>} 4", "2-3", "<%0d%0a> <%0a>" },
{ "10.255", "^(\\d{1,3})\\.(\\d{1,3})$", "", "{0=<10.255> 1=<10> 2=<255>} 7", "nil", "1-6", "<10.255>" },
{ "1.2.3", "^(\\d{1,3})\\.(\\d{1,3})$", "", "nil", "nil", "nil", "" },
{ "b abb", "\\Bb", "", "{0=<b>} 5", "{0=<b>} 5", "4-4", "<b> <b>" },
{ "yx", "(x)?(y)?", "", "{0=<y> 1=false 2=<y>} 2", "{0=<x> 1=<x> 2=false} 3", "1-1", "<y> <x> <>" },
{ "a", "(", "", "pcre_compile() failed", "pcre_compile() failed", "pcre_compile() failed", "pcre_compile() failed" },
{ "a", "a)", "", "pcre_compile() failed", "pcre_compile() failed", "pcre_compile() failed", "pcre_compile() failed" },
{ "a", "[a", "", "pcre_compile() failed", "pcre_compile() failed", "pcre_compile() failed", "pcre_compile() failed" },
{ "a", "*", "", "pcre_compile() failed", "pcre_compile() failed", "pcre_compile() failed", "pcre_compile() failed" },
{ "a", "(?<n", "", "pcre_compile() failed", "pcre_compile() failed", "pcre_compile() failed", "pcre_compile() failed" },
{ "a", "a{2,1}", "", "pcre_compile() failed", "pcre_compile() failed", "pcre_compile() failed", "pcre_compile() failed" },
{ "a", "\\", "", "pcre_compile() failed", "pcre_compile() failed", "pcre_compile() failed", "pcre_compile() failed" },
}
--- lua
local here = ngx.var.request_filename:match "^.*/"
local quoted, show, list, plain = dofile(here .. "show.lua")
local try = {}
function try.match(subject, regex, options, _, ctx)
  ctx = ctx or {}
  local m, err = ngx.re.match(subject, regex, options, ctx)
  if err then return plain(err) end
  return m and show(m) .. " " .. ctx.pos or "nil"
end
function try.pos(subject, regex, options)
  return try.match(subject, regex, options, nil, { pos = 2 })
end
function try.find(subject, regex, options)
  local from, to, err = ngx.re.find(subject, regex, options)
  return err and plain(err) or from and from .. "-" .. to or "nil"
end
function try.gmatch(subject, regex, options)
  local out, it, err = {}, ngx.re.gmatch(subject, regex, options)
  if not it then return plain(err) end
  while true do
    local m, why = it()
    if why then return plain(why) end
    if not m then return list(out) end
    out[#out + 1] = m[0]
  end
end
local names = { "match", "pos", "find", "gmatch" }
local count = 0
for _, case in ipairs(dofile(here .. "match.lua")) do
  for i, name in ipairs(names) do
    local wanted = case[3 + i]
    for _, more in ipairs(wanted and { "", "o", "j", "jo" } or {}) do
      local got = try[name](case[1], case[2], case[3] .. more)
      if got ~= wanted then ngx.say(name, " ", quoted(case[1]), " ", case[2], " ", case[3], more, ": ", got, ", not ", wanted) end
      count = count + 1
    end
  end
end
ngx.say(count, " cases")
--- body
2040 cases

=== sub, gsub, split
--- again
--- file replace.lua
return {
{ "abc", "b", "", "[$0]", "<a[b]c> 1", "<a[b]c> 1", "<a(nil)c> 1", "<a> <c>", "<a> <c>" },
{ "xyz", "b", "", "<$1|${2}>", "<xyz> 0", "<xyz> 0", "<xyz> 0", "<xyz>", "<xyz>" },
{ "", "b", "", "$$", "<> 0", "<> 0", "<> 0", "", "" },
{ "bbb", "b", "", "", "<bb> 1", "<> 3", "<(nil)(nil)(nil)> 3", "", "<> <bb>" },
{ "", "", "", "$3x", "<x> 1", "<x> 1", "<(nil)> 1", "", "" },
{ "abc", "", "", "${1}0$10", "<0abc> 1", "<0a0b0c0> 4", "<(nil)a(nil)b(nil)c(nil)> 4", "<a> <b> <c>", "<a> <bc>" },
{ "a\nb", "", "", "[$0]", "<[]a%0ab> 1", "<[]a[]%0a[]b[]> 4", "<(nil)a(nil)%0a(nil)b(nil)> 4", "<a> <%0a> <b>", "<a> <%0ab>" },
{ "abc", "x*", "", "<$1|${2}>", "<<|>abc> 1", "<<|>a<|>b<|>c<|>> 4", "<(nil)a(nil)b(nil)c(nil)> 4", "<a> <b> <c>", "<a> <bc>" },
{ "xx", "x*", "", "$$", "<$> 1", "<$$> 2", "<(nil)(nil)> 2", "", "<> <>" },
{ "", "x*", "", "", "<> 1", "<> 1", "<(nil)> 1", "", "" },
{ "cab", "(a)|(b)|(c)", "", "$3x", "<cxab> 1", "<cxxx> 3", "<(false)(a)(false)> 3", false, false },
{ "zzz", "(a)|(b)|(c)", "", "${1}0$10", "<zzz> 0", "<zzz> 0", "<zzz> 0", "<zzz>", "<zzz>" },
{ "ac", "(a)(b)?(c)?", "", "[$0]", "<[ac]> 1", "<[ac]> 1", "<(a)> 1", "<> <a>", "<> <a> <>" },
{ "abcaba", "(a)(b)?(c)?", "", "<$1|${2}>", "<<a|b>aba> 1", "<<a|b><a|b><a|>> 3", "<(a)(a)(a)> 3", "<> <a> <> <a> <> <a>",
  "<> <a> <aba>" },
{ "abab", "((a)|(b))+", "", "$$", "<$> 1", "<$> 1", "<(b)> 1", "<> <b>", "<> <b> <>" },
{ "xba", "((a)|(b))+", "", "", "<x> 1", "<x> 1", "<x(a)> 1", "<x> <a>", "<x> <a> <>" },
{ "ab", "(?:(a)|b)*", "", "$3x", "<x> 1", "<xx> 2", "<(a)(false)> 2", "<> <a>", "<> <a> <>" },
{ "ba", "(?:(a)|b)*", "", "${1}0$10", "<a0> 1", "<a00> 2", "<(a)(false)> 2", "<> <a>", "<> <a> <>" },
{ "a=1&b=&c=x", "(\\w+)=(\\w*)", "", "[$0]", "<[a=1]&b=&c=x> 1", "<[a=1]&[b=]&[c=x]> 3", "<(a)&(b)&(c)> 3",
  "<> <a> <&> <b> <&> <c>", "<> <a> <&b=&c=x>" },
{ "=", "(\\w+)=(\\w*)", "", "<$1|${2}>", "<=> 0", "<=> 0", "<=> 0", "<=>", "<=>" },
{ "hello, 1234", "[0-9]+", "", "$$", "<hello, $> 1", "<hello, $> 1", "<hello, (nil)> 1", "<hello, >", "<hello, > <>" },
{ "a1b22c333", "[0-9]+", "", "", "<ab22c333> 1", "<abc> 3", "<a(nil)b(nil)c(nil)> 3", "<a> <b> <c>", "<a> <b22c333>" },
{ "hello, 1234 56 7", "([0-9])([0-9]+)", "", "$3x", "<hello, x 56 7> 1", "<hello, x x 7> 2", "<hello, (1) (5) 7> 2",
  "<hello, > <1> < > <5> < 7>", "<hello, > <1> < 56 7>" },
{ "ab\ncd", "^", "", "${1}0$10", "<0ab%0acd> 1", "<0ab%0acd> 1", "<(nil)ab%0acd> 1", "<ab%0acd>", "<ab%0acd>" },
{ "", "^", "", "[$0]", "<[]> 1", "<[]> 1", "<(nil)> 1", "", "" },
{ "ab\ncd\n", "^", "m", "<$1|${2}>", "<<|>ab%0acd%0a> 1", "<<|>ab%0a<|>cd%0a> 2", "<(nil)ab%0a(nil)cd%0a> 2",
  "<ab%0a> <cd%0a>", "<ab%0a> <cd%0a>" },
{ "\n", "^", "m", "$$", "<$%0a> 1", "<$%0a> 1", "<(nil)%0a> 1", "<%0a>", "<%0a>" },
{ "ab\ncd\n", "$", "", "", "<ab%0acd%0a> 1", "<ab%0acd%0a> 2", "<ab%0acd(nil)%0a(nil)> 2", "<ab%0acd> <%0a>",
  "<ab%0acd> <%0a>" },
{ "ab\ncd\n", "$", "m", "$3x", "<abx%0acd%0a> 1", "<abx%0acdx%0ax> 3", "<ab(nil)%0acd(nil)%0a(nil)> 3", "<ab> <%0acd> <%0a>",
  "<ab> <%0acd%0a>" },
{ "ab", "$", "m", "${1}0$10", "<ab0> 1", "<ab0> 1", "<ab(nil)> 1", "<ab>", "<ab> <>" },
{ "ab\ncd\nef", "^(\\w)", "m", "[$0]", "<[a]b%0acd%0aef> 1", "<[a]b%0a[c]d%0a[e]f> 3", "<(a)b%0a(c)d%0a(e)f> 3",
  "<> <a> <b%0a> <c> <d%0a> <e> <f>", "<> <a> <b%0acd%0aef>" },
{ "ab cd", "\\b", "", "<$1|${2}>", "<<|>ab cd> 1", "<<|>ab<|> <|>cd<|>> 4", "<(nil)ab(nil) (nil)cd(nil)> 4", "<ab> < > <cd>",
  "<ab> < cd>" },
{ "!", "\\b", "", "$$", "<!> 0", "<!> 0", "<!> 0", "<!>", "<!>" },
{ "a\nc abc", "a.c", "", "", "<a%0ac > 1", "<a%0ac > 1", "<a%0ac (nil)> 1", "<a%0ac >", "<a%0ac > <>" },
{ "a\nc abc", "a.c", "s", "$3x", "<x abc> 1", "<x x> 2", "<(nil) (nil)> 2", "<> < >", "<> < abc>" },
{ "hello, world", "HEL LO", "ix", "${1}0$10", "<0, world> 1", "<0, world> 1", "<(nil), world> 1", "<> <, world>",
  "<> <, world>" },
{ "hel lo", "HEL LO", "ix", "[$0]", "<hel lo> 0", "<hel lo> 0", "<hel lo> 0", "<hel lo>", "<hel lo>" },
{ "ab a b", "a b # c", "x", "<$1|${2}>", "<<|> a b> 1", "<<|> a b> 1", "<(nil) a b> 1", "<> < a b>", "<> < a b>" },
{ "HeLLo hello", "hello", "i", "$$", "<$ hello> 1", "<$ $> 2", "<(nil) (nil)> 2", "<> < >", "<> < hello>" },
{ "CAFE babe xyz", "[a-f]+", "i", "", "< babe xyz> 1", "<  xyz> 2", "<(nil) (nil) xyz> 2", "<> < > < xyz>", "<> < babe xyz>" },
{ "ll", "l", "a", "$3x", "<xl> 1", "<xx> 2", "<(nil)(nil)> 2", "", "<> <l>" },
{ "hello", "l", "a", "${1}0$10", "<hello> 0", "<hello> 0", "<hello> 0", "<hello>", "<hello>" },
{ "12a3", "\\d", "a", "[$0]", "<[1]2a3> 1", "<[1][2]a3> 2", "<(nil)(nil)a3> 2", "<> <> <a3>", "<> <2a3>" },
{ "foobar", "foo|foobar", "", "<$1|${2}>", "<<|>bar> 1", "<<|>bar> 1", "<(nil)bar> 1", "<> <bar>", "<> <bar>" },
{ "foobar", "foo|foobar", "d", "$$", "<$> 1", "<$> 1", "<(nil)> 1", "", "<> <>" },
{ "foofoobar", "foo|foobar", "d", "", "<foobar> 1", "<> 2", "<(nil)(nil)> 2", "", "<> <foobar>" },
{ "10-20 30-4", "(\\d+)-(\\d+)", "d", "$3x", "<x 30-4> 1", "<x x> 2", "<(nil) (nil)> 2", "<> < >", "<> < 30-4>" },
{ "aaa", "a*?", "d", "${1}0$10", "<0> 1", "<00> 2", "<(nil)(nil)> 2", "", "<> <>" },
{ "2024-05 2025-06", "(?<year>\\d{4})-(?<month>\\d\\d)", "", "[$0]", "<[2024-05] 2025-06> 1", "<[2024-05] [2025-06]> 2",
  "<(2024) (2025)> 2", "<> <2024> < > <2025>", "<> <2024> < 2025-06>" },
{ "24-05", "(?<year>\\d{4})-(?<month>\\d\\d)", "", "<$1|${2}>", "<24-05> 0", "<24-05> 0", "<24-05> 0", "<24-05>", "<24-05>" },
{ "hello, world", "(world)|(hello)|(?<named>howdy)", "", "$$", "<$, world> 1", "<$, $> 2", "<(false), (world)> 2", false,
  false },
{ "howdy", "(world)|(hello)|(?<named>howdy)", "", "", "<> 1", "<> 1", "<(false)> 1", false, false },
{ "hello, world", "(?<n>\\w+), (?<n>\\w+)", "D", "$3x", "<x> 1", "<x> 1", "<(hello)> 1", "<> <hello>", "<> <hello> <>" },
{ "ab", "(?<n>a)|(?<n>b)", "D", "${1}0$10", "<a0b> 1", "<a00> 2", "<(a)(false)> 2", false, "<> <a> <b>" },
{ "ba", "(?<n>a)|(?<n>b)", "D", "[$0]", "<[b]a> 1", "<[b][a]> 2", "<(false)(a)> 2", false, false },
{ "abc", "(?<n>a)(?<m>b)?(?<n>c)", "D", "<$1|${2}>", "<<a|b>> 1", "<<a|b>> 1", "<(a)> 1", "<> <a>", "<> <a> <>" },
{ "ac", "(?<n>a)(?<m>b)?(?<n>c)", "D", "$$", "<$> 1", "<$> 1", "<(a)> 1", "<> <a>", "<> <a> <>" },
{ "xy", "(?P<p>x)|(?'q'y)", "", "", "<y> 1", "<> 2", "<(x)(false)> 2", false, "<> <x> <y>" },
{ "acbc", "(?|(a)|(b))c", "", "$3x", "<xbc> 1", "<xx> 2", "<(a)(b)> 2", "<> <a> <> <b>", "<> <a> <bc>" },
{ "A\\u0041u0041", "\\u0041", "J", "${1}0$10", "<0\\u0041u0041> 1", "<0\\u0041u0041> 1", "<(nil)\\u0041u0041> 1",
  "<> <\\u0041u0041>", "<> <\\u0041u0041>" },
{ "ab", "[]|a", "J", "[$0]", "<[a]b> 1", "<[a]b> 1", "<(nil)b> 1", "<> <b>", "<> <b>" },
{ "b aba ba", "(a)?b\\1", "J", "<$1|${2}>", "<<|> aba ba> 1", "<<|> <a|> <|>a> 3", "<(false) (a) (false)a> 3",
  "<> < > <a> < > <a>", "<> < aba ba>" },
{ "b aba ba", "(a)?b\\1", "", "$$", "<b $ ba> 1", "<b $ ba> 1", "<b (a) ba> 1", "<b > <a> < ba>", "<b > <a> < ba>" },
{ "é", ".", "", "", "<\169> 1", "<> 2", "<(nil)(nil)> 2", "", "<> <\169>" },
{ "a", ".", "", "$3x", "<x> 1", "<x> 1", "<(nil)> 1", "", "<> <>" },
{ "é你", ".", "u", "${1}0$10", "<0你> 1", "<00> 2", "<(nil)(nil)> 2", "", "<> <你>" },
{ "aéb", ".", "u", "[$0]", "<[a]éb> 1", "<[a][é][b]> 3", "<(nil)(nil)(nil)> 3", "", "<> <éb>" },
{ "hello, 美好生活", "(.{2})", "u", "<$1|${2}>", "<<he|>llo, 美好生活> 1", "<<he|><ll|><o,|>< 美|><好生|>活> 5",
  "<(he)(ll)(o,)( 美)(好生)活> 5", "<> <he> <> <ll> <> <o,> <> < 美> <> <好生> <活>", "<> <he> <llo, 美好生活>" },
{ "hello, 美好生活", "HELLO, (.{2})", "iu", "$$", "<$生活> 1", "<$生活> 1", "<(美好)生活> 1", "<> <美好> <生活>", "<> <美好> <生活>" },
{ "abécdí", "[é-í]", "u", "", "<abcdí> 1", "<abcd> 2", "<ab(nil)cd(nil)> 2", "<ab> <cd>", "<ab> <cdí>" },
{ "été", "É", "iu", "$3x", "<xté> 1", "<xtx> 2", "<(nil)t(nil)> 2", "<> <t>", "<> <té>" },
{ "你好你", "\\x{4f60}", "u", "${1}0$10", "<0好你> 1", "<0好0> 2", "<(nil)好(nil)> 2", "<> <好>", "<> <好你>" },
{ "naïve 你", "\\w+", "u", "[$0]", "<[na]ïve 你> 1", "<[na]ï[ve] 你> 2", "<(nil)ï(nil) 你> 2", "<> <ï> < 你>", "<> <ïve 你>" },
{ "é你", ".", "U", "<$1|${2}>", "<<|>你> 1", "<<|><|>> 2", "<(nil)(nil)> 2", "", "<> <你>" },
{ "a\255", ".", "u", "$$", "pcre_exec() failed: -10", "pcre_exec() failed: -10", "pcre_exec() failed: -10",
  "pcre_exec() failed: -10", "pcre_exec() failed: -10" },
{ "\195", ".", "u", "", "pcre_exec() failed: -10", "pcre_exec() failed: -10", "pcre_exec() failed: -10",
  "pcre_exec() failed: -10", "pcre_exec() failed: -10" },
{ "ok\228\189", ".", "u", "$3x", "pcre_exec() failed: -10", "pcre_exec() failed: -10", "pcre_exec() failed: -10",
  "pcre_exec() failed: -10", "pcre_exec() failed: -10" },
{ "你好吗", "好", "u", "${1}0$10", "<你0吗> 1", "<你0吗> 1", "<你(nil)吗> 1", "<你> <吗>", "<你> <吗>" },
{ " a  b\009c\n", "\\s+", "", "[$0]", "<[ ]a  b%09c%0a> 1", "<[ ]a[  ]b[%09]c[%0a]> 4", "<(nil)a(nil)b(nil)c(nil)> 4",
  "<> <a> <b> <c>", "<> <a  b%09c%0a>" },
{ "abc", "\\s+", "", "<$1|${2}>", "<abc> 0", "<abc> 0", "<abc> 0", "<abc>", "<abc>" },
{ "a,b,,c,,", ",", "", "$$", "<a$b,,c,,> 1", "<a$b$$c$$> 5", "<a(nil)b(nil)(nil)c(nil)(nil)> 5", "<a> <b> <> <c>",
  "<a> <b,,c,,>" },
{ ",a", ",", "", "", "<a> 1", "<a> 1", "<(nil)a> 1", "<> <a>", "<> <a>" },
{ ",,,", ",", "", "$3x", "<x,,> 1", "<xxx> 3", "<(nil)(nil)(nil)> 3", "", "<> <,,>" },
{ ",", ",", "", "${1}0$10", "<0> 1", "<0> 1", "<(nil)> 1", "", "<> <>" },
{ "a", ",", "", "[$0]", "<a> 0", "<a> 0", "<a> 0", "<a>", "<a>" },
{ "a,b,,c", "(,)", "", "<$1|${2}>", "<a<,|>b,,c> 1", "<a<,|>b<,|><,|>c> 3", "<a(,)b(,)(,)c> 3", "<a> <,> <b> <,> <> <,> <c>",
  "<a> <,> <b,,c>" },
{ ",a", "(,)", "", "$$", "<$a> 1", "<$a> 1", "<(,)a> 1", "<> <,> <a>", "<> <,> <a>" },
{ "a;,b;,c", "(;),", "", "", "<ab;,c> 1", "<abc> 2", "<a(;)b(;)c> 2", "<a> <;> <b> <;> <c>", "<a> <;> <b;,c>" },
{ "a;b,c", "(;)|,", "", "$3x", "<axb,c> 1", "<axbxc> 2", "<a(;)b(false)c> 2", "<a> <;> <b> <c>", "<a> <;> <b,c>" },
{ "a,b", "(;)|,", "", "${1}0$10", "<a0b> 1", "<a0b> 1", "<a(false)b> 1", "<a> <b>", "<a> <b>" },
{ "abcd,erfg,ghij;hello world;aaa", ",|;", "", "[$0]", "<abcd[,]erfg,ghij;hello world;aaa> 1",
  "<abcd[,]erfg[,]ghij[;]hello world[;]aaa> 4", "<abcd(nil)erfg(nil)ghij(nil)hello world(nil)aaa> 4",
  "<abcd> <erfg> <ghij> <hello world> <aaa>", "<abcd> <erfg,ghij;hello world;aaa>" },
{ "abcb", "(?=b)", "", "<$1|${2}>", "<a<|>bcb> 1", "<a<|>bc<|>b> 2", "<a(nil)bc(nil)b> 2", "<a> <bc> <b>", "<a> <bcb>" },
{ "abcb", "(?<=b)", "", "$$", "<ab$cb> 1", "<ab$cb$> 2", "<ab(nil)cb(nil)> 2", "<ab> <cb>", "<ab> <cb>" },
{ "aab", "(?!a)", "", "", "<aab> 1", "<aab> 2", "<aa(nil)b(nil)> 2", "<aa> <b>", "<aa> <b>" },
{ "abab", "a\\Kb", "", "$3x", "<axab> 1", "<axax> 2", "<a(nil)a(nil)> 2", "<a> <a>", "<a> <ab>" },
{ "aab aabbbb", "(a+)(b+)?\\2", "", "${1}0$10", "<aab aa0> 1", "<aab aa0> 1", "<aab (aa)> 1", "<aab > <aa>", "<aab > <aa> <>" },
{ "hello bookkeeper", "(\\w)\\1", "", "[$0]", "<he[ll]o bookkeeper> 1", "<he[ll]o b[oo][kk][ee]per> 4",
  "<he(l)o b(o)(k)(e)per> 4", "<he> <l> <o b> <o> <> <k> <> <e> <per>", "<he> <l> <o bookkeeper>" },
{ "ABc ABC abc", "(?i)ab(?-i)c", "", "<$1|${2}>", "<<|> ABC abc> 1", "<<|> ABC <|>> 2", "<(nil) ABC (nil)> 2", "<> < ABC >",
  "<> < ABC abc>" },
{ "aaaaaaa", "a{2,3}", "", "$$", "<$aaaa> 1", "<$$a> 2", "<(nil)(nil)a> 2", "<> <> <a>", "<> <aaaa>" },
{ "aaaaaaa", "a{2,3}?", "", "", "<aaaaa> 1", "<a> 3", "<(nil)(nil)(nil)a> 3", "<> <> <> <a>", "<> <aaaaa>" },
{ "aaab aab", "a++b", "", "$3x", "<x aab> 1", "<x x> 2", "<(nil) (nil)> 2", "<> < >", "<> < aab>" },
{ "aaab", "(?>a+)b", "", "${1}0$10", "<0> 1", "<0> 1", "<(nil)> 1", "", "<> <>" },
{ "/usr/local/lib", "[^/]+", "", "[$0]", "</[usr]/local/lib> 1", "</[usr]/[local]/[lib]> 3", "</(nil)/(nil)/(nil)> 3",
  "</> </> </>", "</> </local/lib>" },
{ "///", "[^/]+", "", "<$1|${2}>", "<///> 0", "<///> 0", "<///> 0", "<///>", "<///>" },
{ "1.2.3", "\\.", "", "$$", "<1$2.3> 1", "<1$2$3> 2", "<1(nil)2(nil)3> 2", "<1> <2> <3>", "<1> <2.3>" },
{ "abCDeF", "[[:upper:]]+", "", "", "<abeF> 1", "<abe> 2", "<ab(nil)e(nil)> 2", "<ab> <e>", "<ab> <eF>" },
{ "hello world", "\\Ahe|ld\\z", "", "$3x", "<xllo world> 1", "<xllo worx> 2", "<(nil)llo wor(nil)> 2", "<> <llo wor>",
  "<> <llo world>" },
{ "abc ab a x", "(a(b(c)?)?)?", "", "${1}0$10", "<abc0 ab a x> 1", "<abc00 ab00 a00 0x0> 8",
  "<(abc)(false) (ab)(false) (a)(false) (false)x(false)> 8", false, "<> <abc> < ab a x>" },
{ "a\000b", "\\0", "", "[$0]", "<a[%00]b> 1", "<a[%00]b> 1", "<a(nil)b> 1", "<a> <b>", "<a> <b>" },
{ "a\000b\000", "\000", "", "<$1|${2}>", false, false, false, false, false },
{ "a\001b\031c", "[\\x00-\\x1f]", "", "$$", "<a$b%1fc> 1", "<a$b$c> 2", "<a(nil)b(nil)c> 2", "<a> <b> <c>", "<a> <b%1fc>" },
{ "<b>x\ny</b><i></i>", "<(\\w+)>(.*?)</\\1>", "s", "", "<<i></i>> 1", "<> 2", "<(b)(i)> 2", "<> <b> <> <i>",
  "<> <b> <<i></i>>" },
{ "say \"hi\" or 'ho'\"", "([\"'])(.*?)\\1", "", "$3x", "<say x or 'ho'\"> 1", "<say x or x\"> 2", "<say (\") or (')\"> 2",
  "<say > <\"> < or > <'> <\">", "<say > <\"> < or 'ho'\">" },
{ "a $b \\$c $d", "(?<!\\\\)\\$(\\w+)", "", "${1}0$10", "<a b0 \\$c $d> 1", "<a b0 \\$c d0> 2", "<a (b) \\$c (d)> 2",
  "<a > <b> < \\$c > <d>", "<a > <b> < \\$c $d>" },
{ "f(a(b)c)(d", "\\((?:[^()]|(?R))*\\)", "", "[$0]", "<f[(a(b)c)](d> 1", "<f[(a(b)c)](d> 1", "<f(nil)(d> 1", "<f> <(d>",
  "<f> <(d>" },
{ "abcdad", "(?(?=a)ab|cd)", "", "<$1|${2}>", "<<|>cdad> 1", "<<|><|>ad> 2", "<(nil)(nil)ad> 2", "<> <> <ad>", "<> <cdad>" },
{ "12\n3x\n4", "^\\d+$", "m", "$$", "<$%0a3x%0a4> 1", "<$%0a3x%0a$> 2", "<(nil)%0a3x%0a(nil)> 2", "<> <%0a3x%0a>",
  "<> <%0a3x%0a4>" },
{ "a\013\nb\nc", "\\R", "", "", "<ab%0ac> 1", "<abc> 2", "<a(nil)b(nil)c> 2", "<a> <b> <c>", "<a> <b%0ac>" },
{ "10.255", "^(\\d{1,3})\\.(\\d{1,3})$", "", "$3x", "<x> 1", "<x> 1", "<(10)> 1", "<> <10>", "<> <10> <>" },
{ "1.2.3", "^(\\d{1,3})\\.(\\d{1,3})$", "", "${1}0$10", "<1.2.3> 0", "<1.2.3> 0", "<1.2.3> 0", "<1.2.3>", "<1.2.3>" },
{ "b abb", "\\Bb", "", "[$0]", "<b a[b]b> 1", "<b a[b][b]> 2", "<b a(nil)(nil)> 2", "<b a>", "<b a> <b>" },
{ "yx", "(x)?(y)?", "", "<$1|${2}>", "<<|y>x> 1", "<<|y><x|><|>> 3", "<(false)(x)(false)> 3", false, false },
{ "a", "(", "", "$$", "pcre_compile() failed", "pcre_compile() failed", "pcre_compile() failed", "pcre_compile() failed",
  "pcre_compile() failed" },
{ "a", "a)", "", "", "pcre_compile() failed", "pcre_compile() failed", "pcre_compile() failed", "pcre_compile() failed",
  "pcre_compile() failed" },
{ "a", "[a", "", "$3x", "pcre_compile() failed", "pcre_compile() failed", "pcre_compile() failed", "pcre_compile() failed",
  "pcre_compile() failed" },
{ "a", "*", "", "${1}0$10", "pcre_compile() failed", "pcre_compile() failed", "pcre_compile() failed",
  "pcre_compile() failed", "pcre_compile() failed" },
{ "a", "(?<n", "", "[$0]", "pcre_compile() failed", "pcre_compile() failed", "pcre_compile() failed", "pcre_compile() failed",
  "pcre_compile() failed" },
{ "a", "a{2,1}", "", "<$1|${2}>", "pcre_compile() failed", "pcre_compile() failed", "pcre_compile() failed",
  "pcre_compile() failed", "pcre_compile() failed" },
{ "a", "\\", "", "$$", "pcre_compile() failed", "pcre_compile() failed", "pcre_compile() failed", "pcre_compile() failed",
  "pcre_compile() failed" },
}
--- request: GET sub.lua
--- file sub.lua
local here = ngx.var.request_filename:match "^.*/"
local quoted, show, list, plain = dofile(here .. "show.lua")
local split = require "ngx.re".split
local function replaced(text, n, err) return err and plain(err) or quoted(text) .. " " .. n end
local function first(m) return "(" .. tostring(m[1]) .. ")" end
local function parts(t, err) return err and plain(err) or list(t) end
local try = {}
function try.sub(subject, regex, options, with) return replaced(ngx.re.sub(subject, regex, with, options)) end
function try.gsub(subject, regex, options, with) return replaced(ngx.re.gsub(subject, regex, with, options)) end
try["function"] = function(subject, regex, options) return replaced(ngx.re.gsub(subject, regex, first, options)) end
function try.split(subject, regex, options) return parts(split(subject, regex, options)) end
function try.max(subject, regex, options) return parts(split(subject, regex, options, nil, 2)) end
local names = { "sub", "gsub", "function", "split", "max" }
local count = 0
for _, case in ipairs(dofile(here .. "replace.lua")) do
  for i, name in ipairs(names) do
    local wanted = case[4 + i]
    for _, more in ipairs(wanted and { "", "o", "j", "jo" } or {}) do
      local got = try[name](case[1], case[2], case[3] .. more, case[4])
      if got ~= wanted then ngx.say(name, " ", quoted(case[1]), " ", case[2], " ", case[3], more, ": ", got, ", not ", wanted) end
      count = count + 1
    end
  end
end
ngx.say(count, " cases")
--- body
2508 cases
