# SPDX-License-Identifier: Apache-2.0
# require "ngx.re": split and opt. More of split in the tables of re_cases.t.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== split
--- lua
local re = require "ngx.re"
local function show(list, err) ngx.say(list and #list .. ": " .. table.concat(list, "|") or tostring(err)) end
show(re.split("a,b,c,d", ","))
show(re.split("a,b,c,d", "(,)", "jo"))
show(re.split("a;,b;c", "(;),|;"))
show(re.split("abcd", ""))
show(re.split("abcd", "x"))
show(re.split(",a,,b,,", ","))
show(re.split(",,,", ","))
show(re.split("", ","))
show(re.split("你好吗", "", "u"))
show(re.split("a\0b\0c", "\0"))
show(re.split(1234512345, "23", "jo"))
show(re.split(nil, "i"))
show(re.split("a,b", "("))
show(re.split("a\xff", "a", "u"))
show(re.split("ab\xff", "b", "u", { pos = 2 }))
--- body
4: a|b|c|d
7: a|,|b|,|c|,|d
4: a|;|b|c
4: a|b|c|d
1: abcd
4: |a||b
0: 
0: 
3: 你|好|吗
3: a|b|c
3: 1|451|45
2: n|l
pcre_compile() failed: missing closing parenthesis in "("
pcre_exec() failed: -10
pcre_exec() failed: -10

=== split where empty matches and others come together, and where the first group takes no part
--- lua
-- OpenResty cuts these wrongly.
local split = require "ngx.re".split
for _, case in ipairs { { "axbc", "x*" }, { "axxbcxd", "x*" }, { "a1b2c", "(\\d)?" }, { "aXbXc", "X(?=b)|" }, { "cab", "(a)|(b)" },
  { "a,b;c", "(;)|(,)" }, { "yx", "(x)?(y)?" } } do
  ngx.say(table.concat(split(case[1], case[2], "jo"), "|"))
end
--- body
a|b|c
a|b|c|d
a|1|b|2|c
a|b|X|c
c|a
a|b|;|c
||x

=== split from ctx.pos on, at most max parts
--- lua
local split = require "ngx.re".split
local function show(...) ngx.print(table.concat(split(...), "|"), " ; ") end
for pos = -1, 7 do show("a,b,c", ",", nil, { pos = pos }) end
ngx.say()
for max = -1, 5 do show("a,b,c", ",", "jo", nil, max) end
ngx.say()
for max = 0, 5 do show("abc", "", "", { pos = 2 }, max) end
ngx.say()
show("a,", ",", nil, nil, 5)
show("a,b,c,d", "(,)", nil, {}, 3)
local ctx = { pos = 3 }
show("a,b,c", ",", nil, ctx)
ngx.say(ctx.pos)
--- body
a|b|c ; a|b|c ; a|b|c ; |b|c ; b|c ; |c ; c ;  ;  ; 
a|b|c ; a|b|c ; a,b,c ; a|b,c ; a|b|c ; a|b|c ; a|b|c ; 
b|c ; bc ; b|c ; b|c| ; b|c| ; b|c| ; 
a| ; a|,|b|,|c,d ; b|c ; 3

=== split into a table
--- lua
local split = require "ngx.re".split
local mine = { "W", "X", "Y", "Z" }
ngx.say(split("a,b", ",", nil, nil, nil, mine) == mine, mine[1], mine[2], mine[3], mine[4])
mine = { "W", "X", "Y", "Z" }
ngx.say(split(",,", ",", nil, nil, nil, mine) == mine, mine[1], mine[2], mine[3], mine[4])
mine = { "W", "X" }
ngx.say(split("", ",", nil, nil, nil, mine) == mine, mine[1], mine[2])
ngx.say(select(2, pcall(split, "a", "b", nil, nil, nil, 5)):match "res is not a table")
--- body
trueabnilZ
truenilnilYZ
truenilX
res is not a table

=== split: wrong arguments
--- lua
local split = require "ngx.re".split
ngx.say(pcall(split, "a"), pcall(split, "a", {}), pcall(split, "a", "b", nil, nil, "x"), pcall(split, "a", "b", nil, { pos = "x" }))
ngx.say(select(2, pcall(split, "a", "b", "q")):match 'unknown flag "q" %(flags "q"%)')
--- body_like ^false.*false.*false.*false.*\nunknown flag "q" \(flags "q"\)$

=== a thousand lines of a megabyte
--- lua
local split = require "ngx.re".split
local list = split((("x"):rep(999) .. "\n"):rep(1000), "\n", "jo")
ngx.say(#list, " ", #list[1], " ", #list[1000])
--- body
1000 999 999

=== opt
--- lua
local re = require "ngx.re"
local deep = ("a"):rep(300000)
ngx.say(ngx.re.match(deep, "^(?:a|b)*$", "jo"))
ngx.say(select("#", re.opt("jit_stack_size", 64 * 1024 * 1024)))
ngx.say(#ngx.re.match(deep, "^(?:a|b)*$", "jo")[0])
re.opt("jit_stack_size", -1)
ngx.say(ngx.re.match(deep, "^(?:a|b)*$", "jo"))
re.opt("jit_stack_size", 1024 * 1024)
ngx.say(select(2, pcall(re.opt, "stack", 1)):match "unrecognized option name$", " ", select(2, pcall(re.opt)):match "unrecognized option name$")
ngx.say(pcall(re.opt, "jit_stack_size"), pcall(re.opt, "jit_stack_size", "x"), pcall(re.opt, "jit_stack_size", 1.5))
ngx.say(select(2, pcall(re.opt, "jit_stack_size", 2^40)):match "pcre jit stack allocation failed$")
--- body_like eval
'\Anilpcre_exec\(\) failed: -27
0
300000
nilpcre_exec\(\) failed: -27
unrecognized option name unrecognized option name
false.*false.*false.*
pcre jit stack allocation failed\n\z'
