# SPDX-License-Identifier: Apache-2.0
# table.new, clear, isempty, isarray, nkeys, clone: what LuaJIT's table has more.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== as modules and as fields
--- lua
for _, name in ipairs { "new", "clear", "isempty", "isarray", "nkeys", "clone" } do
  ngx.print(type(require("table." .. name)), " ", require("table." .. name) == table[name], "; ")
end
ngx.say()
--- body_like: ^(function true; ){6}$

=== new
--- lua
local t = table.new(100, 20)
ngx.say(type(t), " ", next(t), " ", #t, " ", getmetatable(t))
ngx.say(type(table.new(0, 0)), " ", type(table.new(-1, 1.5)))
for i = 1, 1000 do t[i] = i end
ngx.say(#t)
ngx.say((pcall(table.new)), " ", (pcall(table.new, 1)), " ", (pcall(table.new, "x", 1)), " ", (pcall(table.new, {}, 1)))
--- body
table nil 0 nil
table table
1000
false false false false

=== clear
--- lua
local t = setmetatable({ 1, 2, 3, a = 1, [{}] = 2, [2.5] = 3 }, { __newindex = error, __pairs = error })
local kept = getmetatable(t)
ngx.say(select("#", table.clear(t)), " ", next(t), " ", #t, " ", getmetatable(t) == kept)
ngx.say(next(t) == nil and table.isempty(t))
--- body
0 nil 0 true
true

=== isempty, isarray, nkeys: the answers are LuaJIT's
--- lua
for _, t in ipairs { {}, { 1, 2 }, { 1, nil, 3 }, { [3] = 1 }, { a = 1 }, { 1, a = 2 }, { [0] = 1 }, { [-1] = 1 }, { [1.5] = 1 }, { false } } do
  ngx.print(table.isempty(t), " ", table.isarray(t), " ", table.nkeys(t), "; ")
end
ngx.say(table.isempty(setmetatable({}, { __index = function() return 1 end, __pairs = error })))
--- body
true true 0; false true 2; false true 2; false true 1; false false 1; false false 2; false true 1; false true 1; false false 1; false true 1; true

=== clone: shallow, without the metatable
--- lua
local inner = {}
local t = setmetatable({ 1, inner, a = "b" }, { __index = error })
local copy = table.clone(t)
ngx.say(copy ~= t, " ", copy[1], " ", copy[2] == inner, " ", copy.a, " ", getmetatable(copy))
--- body
true 1 true b nil

=== wrong arguments
--- lua
for _, name in ipairs { "clear", "isempty", "isarray", "nkeys", "clone" } do
  ngx.say(select(2, pcall(table[name])), "; ", select(2, pcall(table[name], 1)), "; ", select(2, pcall(table[name], "x")))
end
--- body
bad argument #1 to 'clear' (table expected, got no value); bad argument #1 to 'clear' (table expected, got number); bad argument #1 to 'clear' (table expected, got string)
bad argument #1 to 'isempty' (table expected, got no value); bad argument #1 to 'isempty' (table expected, got number); bad argument #1 to 'isempty' (table expected, got string)
bad argument #1 to 'isarray' (table expected, got no value); bad argument #1 to 'isarray' (table expected, got number); bad argument #1 to 'isarray' (table expected, got string)
bad argument #1 to 'nkeys' (table expected, got no value); bad argument #1 to 'nkeys' (table expected, got number); bad argument #1 to 'nkeys' (table expected, got string)
bad argument #1 to 'clone' (table expected, got no value); bad argument #1 to 'clone' (table expected, got number); bad argument #1 to 'clone' (table expected, got string)
