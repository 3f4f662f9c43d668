# SPDX-License-Identifier: Apache-2.0
# What is quicker here than Lua's own: type, table.concat, string.gsub of a set of characters, getfenv. The same results and errors.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== type
--- lua
ngx.say(type(nil), " ", type(true), " ", type(1), " ", type(1.5), " ", type "a", " ", type {}, " ", type(print), " ", type(coroutine.create(print)),
  " ", type(io.stdout), " ", type(ngx.null), " ", type(nil, 1))
local ok, err = pcall(function() type() end)
ngx.say(ok, " ", err)
for _, f in ipairs { type, table.concat, string.gsub } do ngx.say((select(2, pcall(f)))) end
--- body_like
^nil boolean number number string table function thread userdata (?:light)?userdata nil
false \S+/\S+:3: bad argument #1 to 'type' \(value expected\)
bad argument #1 to 'type' \(value expected\)
bad argument #1 to 'table.concat' \(table expected, got no value\)
bad argument #1 to 'string.gsub' \(string expected, got no value\)$

=== table.concat
--- lua
local concat = table.concat
ngx.say("[", concat {}, "] [", concat { "a" }, "] ", concat({ "a", 1, 2.5, "\0" .. "b" }):byte(1, -1))
ngx.say(concat({ "a", "b", 3 }, ", "), " ", concat({ "a", "b" }, 0), " ", concat({ "a" }, ", "), " [", concat({}, ","), "]")
ngx.say(concat({ "a", "b", "c", "d" }, "-", 2), " ", concat({ "a", "b", "c", "d" }, "-", 2, 3), " [", concat({ "a" }, "-", 2), "] [", concat({ "a" }, "", 1, 0), "]")
ngx.say(concat({ [-1] = "x", [0] = "y", "z" }, "", -1), " ", concat({ [math.maxinteger] = "last" }, "", math.maxinteger, math.maxinteger))
--- body
[] [a] 9749504653098
a, b, 3 a0b a []
b-c-d b-c [] []
xyz last

=== table.concat of many
--- lua
local function slowly(t, separator)
  local text = t[1]
  for i = 2, #t do text = text .. separator .. t[i] end
  return text
end
local pieces, wrong = {}, 0
for i = 1, 1000 do
  pieces[i] = i % 7 == 0 and i or ("piece"):rep(i % 40)
  if table.concat(pieces) ~= slowly(pieces, "") then wrong = wrong + 1 end
  if table.concat(pieces, ",") ~= slowly(pieces, ",") then wrong = wrong + 1 end
end
local large = {}
for i = 1, 100000 do large[i] = "0123456789" end
ngx.say(wrong, " ", #table.concat(large), " ", #table.concat(large, "\n"), " ", #table.concat { ("x"):rep(2 ^ 20), ("y"):rep(2 ^ 20) })
--- body
0 1000000 1099999 2097152

=== table.concat of what reads like a table
--- lua
local letters = setmetatable({}, { __index = function(_, i) return i < 4 and ("abc"):sub(i, i) or nil end, __len = function() return 3 end })
ngx.say(table.concat(letters, "-"), " ", table.concat(setmetatable({ "a" }, {})), " ", table.concat(setmetatable({}, { __index = { "x", "y" } }), "", 1, 2))
debug.setmetatable(true, getmetatable(letters))
local ok, text = pcall(table.concat, true, "+")
debug.setmetatable(true, nil)
ngx.say(ok, " ", text)
--- body
a-b-c a xy
true a+b+c

=== table.concat: mistakes
--- lua
local function why(...)
  local arguments = { ... }
  return (select(2, pcall(function() local text = table.concat(table.unpack(arguments, 1, 4)) return text end)))
end
ngx.say(why({ "a", {}, "c" }))
ngx.say(why({ "a" }, "", 1, 3))
ngx.say(why(setmetatable({ "a", true }, {})))
ngx.say(why(nil))
ngx.say(why("text"))
ngx.say(why({}, {}))
ngx.say(why({}, "", "x"))
ngx.say(why({}, "", math.maxinteger, math.maxinteger))
local many = {}
for i = 1, 1000 do many[i] = i end
many[777] = false
ngx.say(why(many, " "))
--- body_like
^\S+:3: invalid value \(at index 2\) in table for 'concat'
\S+:3: invalid value \(at index 2\) in table for 'concat'
\S+:3: invalid value \(at index 2\) in table for 'concat'
\S+:3: bad argument #1 to 'concat' \(table expected, got nil\)
\S+:3: bad argument #1 to 'concat' \(table expected, got string\)
\S+:3: bad argument #2 to 'concat' \(string expected, got table\)
\S+:3: bad argument #3 to 'concat' \(number expected, got string\)
\S+:3: invalid value \(at index 9223372036854775807\) in table for 'concat'
\S+:3: invalid value \(at index 777\) in table for 'concat'$

=== gsub of a set of characters: as Lua's own
--- lua
local _, own = debug.getupvalue(string.gsub, 1)
local wrong, tried = 0, 0
local function try(...)
  local text, count = string.gsub(...)
  local as, often = own(...)
  tried = tried + 1
  if text ~= as or count ~= often then
    wrong = wrong + 1
    ngx.say(table.concat({ ... }, " ", 1, 2), ": ", text, " ", count, ", not ", as, " ", often)
  end
end
local entities = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;", a = 1, b = 2.5, c = false, ["]"] = "", ["-"] = "minus", ["%"] = "%1",
  ["\0"] = "NUL", ["\255"] = "last", ["^"] = "hat" }
local texts = { "", "&", "plain", "<a href=\"x\">'&'</a>", "a]b-c%d^e", ("x<y"):rep(1000), ("long "):rep(50), "\0\255\0", "&&&&", "-a-z%]" }
local sets = { "[&<>\"']", "[&]", "[%]]", "[]]", "[a%]b]", "[a-c]", "[%a]", "[^&]", "[&^]", "[%^&]", "[%%-]", "[-a]", "[a-]", "[%-a]", "[a%-c]", "[\0\255]", "[.]", "[[]", "[%[%]]", "[&]*", "[<]>",
  "[&]+", "^[<]", "[&]$", "&", "", "[%&%<]", "[%w_]", "[a]]", "[ab][&]", "[%%]" }
for _, text in ipairs(texts) do
  for _, set in ipairs(sets) do
    for _, by in ipairs { entities, "x", "[%0]", function(c) return entities[c] end, setmetatable({}, { __index = entities }), 7 } do
      try(text, set, by)
      try(text, set, by, 2)
    end
  end
end
try(12, "[1]", { ["1"] = "one" })
try("1.2", "[.]", { ["."] = 0 }, nil)
ngx.say(wrong, " of ", tried > 3000 and "many" or tried)
--- body
0 of many

=== gsub of a set of characters: a table that answers by itself
--- lua
local asked = {}
local by = setmetatable({}, { __index = function(_, c) asked[#asked + 1] = c collectgarbage() return c == "b" and "B" or nil end })
ngx.say(("a-b-c"):gsub("[abc]", by))
ngx.say(table.concat(asked, " "), " ", (pcall(string.gsub, "a", "[a]", setmetatable({}, { __index = function() error "no" end }))))
--- body
a-B-c3
a b c false

=== gsub: mistakes are told with their line
--- lua
local function why(...)
  local arguments, n = { ... }, select("#", ...)
  return (select(2, pcall(function() local text = string.gsub(table.unpack(arguments, 1, n)) return text end)))
end
ngx.say(why("a", "[a]", { a = {} }))
ngx.say(why("a", "[a", {}))
ngx.say(why("a", "[a", ""))
ngx.say(why("a", "[%", {}))
ngx.say(why("a", "[a%]", {}))
ngx.say(why("a", "a", "%9"))
ngx.say(why("a", "a", { a = print }))
ngx.say(why("a", "[a]"))
ngx.say(why("a", "[a]", true))
ngx.say(why(nil, "[a]", {}))
ngx.say(why("a", {}, {}))
ngx.say(why("a", "[a]", {}, "x"))
ngx.say(why("a", "a", function() error "mine" end))
--- body_like
^\S+:3: invalid replacement value \(a table\)
\S+:3: malformed pattern \(missing '\]'\)
\S+:3: malformed pattern \(missing '\]'\)
\S+:3: malformed pattern \(.+\)
\S+:3: malformed pattern \(missing '\]'\)
\S+:3: invalid capture index %9[^\n]*
\S+:3: invalid replacement value \(a function\)
\S+:3: bad argument #3 to 'gsub' \(string/function/table expected, got no value\)
\S+:3: bad argument #3 to 'gsub' \(string/function/table expected, got boolean\)
\S+:3: bad argument #1 to 'gsub' \(string expected, got nil\)
\S+:3: bad argument #2 to 'gsub' \(string expected, got table\)
\S+:3: bad argument #4 to 'gsub' \(number expected, got string\)
\S+:17: mine$

=== getfenv of odd levels
--- lua
local function why(level) return (select(2, pcall(getfenv, level))) end
ngx.say(getfenv(1.9) == _ENV, " ", why(math.huge), "; ", why(-math.huge), "; ", why(0 / 0))
--- body
true bad argument #1 to 'getfenv' (invalid level); bad argument #1 to 'getfenv' (level must be non-negative); bad argument #1 to 'getfenv' (level must be non-negative)
