# SPDX-License-Identifier: Apache-2.0
# require, load and their kind, and the globals a script has.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== require, once
--- htaccess
CoralPackagePath "@DIR@/?.lua"
--- file req_once.lua
local count = 0
return { name = ..., file = select(2, ...), add = function() count = count + 1 return count end }
--- lua
local mod = require "req_once"
ngx.say(mod.name, " ", mod.file == "@DIR@/req_once.lua", " ", mod == require "req_once", " ", package.loaded.req_once == mod)
ngx.say(select(2, require "req_once"))
--- body_like ^req_once true true true\n(nil|\S+)?$

=== folders, init.lua
--- htaccess
CoralPackagePath "@DIR@/?.lua;@DIR@/?/init.lua"
--- file req_dir/init.lua
return { sub = require "req_dir.sub" }
--- file req_dir/sub.lua
return ...
--- lua
ngx.say(require("req_dir").sub)
--- body
req_dir.sub

=== a module that returns nothing, false, nil
--- htaccess
CoralPackagePath "@DIR@/?.lua"
--- file req_nothing.lua
--- file req_false.lua
return false
--- file req_own.lua
package.loaded[...] = "set by itself"
--- lua
ngx.say((require "req_nothing"), " ", (require "req_false"), " ", (require "req_own"))
--- body
true false set by itself

=== not found
--- lua
local ok, err = pcall(require, "no.such.module")
ngx.say(ok, " ", err:match "^.-module 'no.such.module' not found" ~= nil, " ", err:match "no/such/module.lua" ~= nil)
--- body
false true true

=== wrong types
--- lua
for _, bad in ipairs { {}, true, print } do ngx.say((pcall(require, bad))) end
ngx.say((pcall(require)))
ngx.say((pcall(require, nil)))
--- body
false
false
false
false
false

=== a syntax error
--- htaccess
CoralPackagePath "@DIR@/?.lua"
--- file req_syntax.lua
local a = 1
local b = = 2
--- lua
local ok, err = pcall(require, "req_syntax")
ngx.say(ok, " ", err:match "req_syntax.lua:2: unexpected symbol near '='")
ngx.say((pcall(require, "req_syntax")), " ", package.loaded.req_syntax)
--- body
false req_syntax.lua:2: unexpected symbol near '='
false nil

=== an error while it is loaded: tried again next time
--- htaccess
CoralPackagePath "@DIR@/?.lua"
--- file req_error.lua
tries = (tries or 0) + 1
if tries == 1 then error("first time") end
return "second time"
--- lua
local ok, err = pcall(require, "req_error")
ngx.say(ok, " ", err:match "req_error.lua:2: first time")
ngx.say((require "req_error"))
tries = nil
--- body
false req_error.lua:2: first time
second time

=== a loop
--- htaccess
CoralPackagePath "@DIR@/?.lua"
--- file req_a.lua
return require "req_b"
--- file req_b.lua
return require "req_a"
--- lua
local ok, err = pcall(require, "req_a")
ngx.say(ok, " ", err:match "loop" )
--- body
false loop

=== a C library
--- lua
local ok, cjson = pcall(require, "cjson")
ngx.say(ok and cjson.encode({ 1, 2, cjson.null }) or "[1,2,null]")
ngx.say(not ok or cjson.null == ngx.null)
--- body
[1,2,null]
true

=== package.preload and searchers
--- lua
package.preload.req_pre = function(name) return "preloaded " .. name end
ngx.say((require "req_pre"))
table.insert(package.searchers, 2, function(name) if name == "req_searched" then return function(n, extra) return n .. extra end, "!" end end)
ngx.say((require "req_searched"))
table.remove(package.searchers, 2)
--- body
preloaded req_pre
req_searched!

=== what is everywhere
--- lua
ngx.say(require "ngx" == ngx, " ", type(require "coral"), " ", _VERSION, " ", type(apache2), " ", ... ~= nil)
--- body
true table Lua 5.4 table true

=== the current directory is not searched
--- lua
ngx.say(package.path:find("./?.lua", 1, true) and package.path:match "^%./" or "no", package.path:match ";%./" or "", package.cpath:match "^%./" or "", package.cpath:match ";%./" or "")
--- body
no

=== a chunk has globals of its own
--- lua
ngx.say(leaked, " ", string == _G.string, " ", type(print))
leaked = "from this request"
ngx.say(leaked)
--- body
nil true function
from this request

=== for every request
--- again
--- body
nil true function
from this request

=== and its _G is the state's
--- lua
ngx.say(_G.mine_in_g)
_G.mine_in_g = nil
mine_in_env = 1
ngx.say(rawget(_G, "mine_in_env"), " ", _ENV.mine_in_env)
--- body
nil
nil 1

=== a module's globals are the state's
--- htaccess
CoralPackagePath "@DIR@/?.lua"
--- file req_global.lua
from_module = "visible"
return true
--- lua
require "req_global"
ngx.say(from_module)
--- body
visible

=== load
--- lua
ngx.say(load("return 1 + 1")())
ngx.say(select(2, load("return = 1")))
ngx.say(load("return x", "name", "t", { x = 5 })())
local parts = { "return ", "7" }
ngx.say(load(function() return table.remove(parts, 1) end)())
ngx.say(load("return ...", "=c")(8))
ngx.say((load("x = 1 return x", "n", nil, {})()))
--- body
2
[string "return = 1"]:1: unexpected symbol near '='
5
7
8
1

=== no bytecode, by whatever way it comes
--- lua
local code = string.dump(function() return "ran" end) .. "x"
for _, mode in ipairs { "b", "bt", "t" } do ngx.say(load(code, "x", mode)) end
ngx.say(load(code))
local given
ngx.say(load(function() if not given then given = true return code end end, "x", "b"))
local f = assert(io.open("@DIR@/code.luac", "wb"))
f:write(code)
f:close()
ngx.say(loadfile("@DIR@/code.luac"))
ngx.say(loadfile("@DIR@/code.luac", "b"))
ngx.say((pcall(dofile, "@DIR@/code.luac")))
package.path = package.path .. ";@DIR@/?.luac"
ngx.say((pcall(require, "code")))
--- body_like \A(nil[^\n]*attempt to load a binary chunk[^\n]*\n){7}false\nfalse\n\z

=== but what string.dump has just made: a function is cloned that way
--- lua
local up = "up"
local function original(x) return up, x end
local dump = string.dump(original)
for _, mode in ipairs { "b", "bt", false } do
  local clone = load(dump, "x", mode or nil)
  debug.upvaluejoin(clone, 1, original, 1)
  ngx.say(clone(1))
end
ngx.say(load(dump, "x", "t"))
for i = 1, 8 do string.dump(load("return " .. i)) end
ngx.say(load(dump))
ngx.say(load(dump:sub(1, -2)))
ngx.say(pcall(string.dump, print))
--- body_like \A(up1\n){3}nil[^\n]*binary chunk[^\n]*\nnil[^\n]*binary[^\n]*\nnil[^\n]*(binary|truncated)[^\n]*\nfalse[^\n]*\n\z

=== nor as a script
--- file make.lua
local f = assert(io.open("@DIR@/main.lua", "wb"))
f:write(string.dump(function() ngx.say("ran") end))
f:close()
ngx.say("made")
--- request GET make.lua
--- body
made

=== asked for
--- again
--- request GET main.lua
--- code 500
--- body_like \A(?!.*ran)
--- error_log
main.lua

=== loadfile and dofile of texts
--- file text.lua
return "text", ...
--- lua
ngx.say(loadfile("@DIR@/text.lua")("a"))
ngx.say(dofile("@DIR@/text.lua"))
ngx.say(loadfile("@DIR@/missing.lua"))
ngx.say((pcall(dofile, "@DIR@/missing.lua")))
ngx.say(loadfile("@DIR@/text.lua", "t", {})())
--- body_like ^texta\ntext\nnil.*missing.lua.*\nfalse\ntext$

=== a script may begin with #!
--- lua
#!/usr/bin/lua
ngx.say("x")
error("line three?")
--- code 500
--- error_log
main.lua:3: line three?

=== or with a byte order mark
--- lua eval
"\xef\xbb\xbfngx.say('x')\n"
--- body
x

=== an empty script
--- lua eval
''
--- body eval
''

=== a script without a line feed at its end, ending in a comment
--- lua eval
'ngx.say("x") -- the end'
--- body
x

=== a script that tries to close our wrapping
--- lua
ngx.say("x") end ngx.say("escaped") do
--- code 500
--- error_log
main.lua:1:

=== return of a function, and handle(r)
--- lua
return function(r) r:puts("returned") end
--- body: returned

=== handle
--- lua
function handle(r)
  r.content_type = "text/plain"
  r:puts("handled")
  return apache2.OK
end
--- body: handled

=== locals up to Lua's limit, many upvalues, a long script
--- lua eval
join('', map { "local v$_ = $_\n" } 1 .. 190) . "ngx.say(v1 + v190)\n" . ("-- filler\n" x 20_000) . "ngx.say(v2)\n"
--- body
191
2
