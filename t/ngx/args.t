# SPDX-License-Identifier: Apache-2.0
# Arguments of the query and of a form: ngx.req.get_uri_args and its relatives.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== get_uri_args
--- lua
local a, err = ngx.req.get_uri_args()
ngx.say(a.a, " ", a.b, " ", a.c, " ", a.d, " ", a["e f"], " ", err)
--- request GET ?a=1&b=&c&e+f=%26+%3D&
--- body
1  true nil & = nil

=== a name that comes more than once
--- lua
local a = ngx.req.get_uri_args().a
ngx.say(#a, " ", a[1], " ", a[2], " ", a[3])
--- request GET ?a=1&a&b=2&a=3
--- body
3 1 true 3

=== no query, an empty one
--- lua
ngx.say(next(ngx.req.get_uri_args()))
--- body
nil

=== an empty one
--- again
--- request GET ?
--- body
nil

=== odd ones
--- lua
local a = ngx.req.get_uri_args()
local keys = {}
for k, v in pairs(a) do keys[#keys + 1] = k .. "=" .. tostring(v) end
table.sort(keys)
ngx.say(table.concat(keys, "|"))
--- request GET ?=x&&&a=b=c&%&%4=%zz&=&d%3De=f
--- body
%4=%zz|%=true|a=b=c|d=e=f

=== a NUL and bytes above 127
--- lua
local v = ngx.req.get_uri_args().a
ngx.say(#v, " ", v:byte(1, -1))
--- request GET ?a=%00%ff%C3
--- body
3 0255195

=== at most a hundred, unless more are wanted
--- lua
local function count(...)
  local a, err = ngx.req.get_uri_args(...)
  local n = 0
  for _ in pairs(a) do n = n + 1 end
  return n, " ", err, "\n"
end
ngx.print(count())
ngx.print(count(0))
ngx.print(count(2))
ngx.print(count(150))
ngx.print(count(149))
--- request eval
"GET ?" . join '&', map { "a$_=$_" } 1 .. 150
--- body
100 truncated
150 nil
2 truncated
150 nil
149 truncated

=== set_uri_args
--- htaccess
<CoralHook fixup>
local how = ngx.var.args
if how == "string" then ngx.req.set_uri_args("a=3&b=%20x") end
if how == "table" then ngx.req.set_uri_args({ a = 3, b = " x", c = { 1, 2 }, d = true, e = false }) end
if how == "number" then ngx.req.set_uri_args(42) end
if how == "empty" then ngx.req.set_uri_args("") end
</CoralHook>
--- lua
local a = ngx.req.get_uri_args()
ngx.say(a.a, "|", a.b, "|", a.c, "|", a.d, "|", a.e, "|", ngx.var.is_args, "|", ngx.var.arg_a)
--- request GET ?string
--- body
3| x|nil|nil|nil|?|3

=== a table
--- again
--- request GET ?table
--- body
3| x|12|true|nil|?|3

=== a number
--- again
--- request GET ?number
--- body
nil|nil|nil|nil|nil|?|nil

=== nothing
--- again
--- request GET ?empty
--- body
nil|nil|nil|nil|nil||nil

=== set_uri_args: wrong types
--- lua
for _, bad in ipairs { true, print, { a = print }, { a = { {} } } } do ngx.say((pcall(ngx.req.set_uri_args, bad))) end
ngx.say((pcall(ngx.req.set_uri_args)))
ngx.say((pcall(ngx.req.set_uri_args, nil)))
ngx.say(ngx.var.args)
--- request GET ?kept=1
--- body
false
false
false
false
false
false
kept=1

=== set_uri_args: blanks and control characters of a string are escaped
--- lua
ngx.req.set_uri_args("a=b c\0d\r\n\127&e=%20\255")
ngx.say(ngx.var.args == "a=b%20c%00d%0D%0A%7F&e=%20\255", " ", ngx.req.get_uri_args().a == "b c\0d\r\n\127")
--- body
true true

=== get_uri_args into a table
--- lua
local t = { old = 1, a = { "x" } }
local args, err = ngx.req.get_uri_args(100, t)
ngx.say(args == t, " ", t.old, " ", t.a, " ", table.concat(t.b, "+"), " ", err)
args, err = ngx.req.get_uri_args(1, t)
ngx.say(args == t, " ", t.a, " ", t.b, " ", err)
ngx.say((pcall(ngx.req.get_uri_args, 1, "no table")), (pcall(ngx.req.get_uri_args, "x")))
args, err = ngx.req.get_uri_args(-1)
ngx.say(#args.b, " ", err)
--- request GET ?a=1&b=2&b=3
--- body
true nil 1 2+3 nil
true 1 nil truncated
falsefalse
2 nil

=== a negative number is as none: a hundred
--- lua
ngx.req.set_uri_args(("a=1&"):rep(150))
local args, err = ngx.req.get_uri_args(-1)
ngx.say(#args.a, " ", err)
args, err = ngx.decode_args(("a=1&"):rep(150), -5)
ngx.say(#args.a, " ", err)
ngx.say(#ngx.req.get_uri_args(0).a)
--- body
100 truncated
100 truncated
150

=== decode_args
--- lua
local a, err = ngx.decode_args("a=1&b=%20&c&a=2")
ngx.say(a.a[1], a.a[2], "|", a.b, "|", a.c, "|", err)
ngx.say(next(ngx.decode_args("")))
local b, more = ngx.decode_args("a=1&b=2&c=3", 2)
ngx.say(b.a, b.b, b.c, more)
ngx.say((pcall(ngx.decode_args)), (pcall(ngx.decode_args, {})), (pcall(ngx.decode_args, "a", "x")))
--- body
12| |true|nil
nil
12niltruncated
falsefalsefalse

=== encode_args
--- lua
local function sorted(t)
  local parts = {}
  for part in ngx.encode_args(t):gmatch "[^&]+" do parts[#parts + 1] = part end
  table.sort(parts)
  return table.concat(parts, "&")
end
ngx.say(sorted { a = 1, ["b&="] = "x y", c = true, d = false, e = { "1", 2, true }, f = {}, [3] = 4, g = "" })
ngx.say("[", ngx.encode_args({}), "]")
ngx.say(ngx.encode_args { a = "\0\255" })
--- body
3=4&a=1&b%26%3D=x%20y&c&e&e=1&e=2&g=
[]
a=%00%FF

=== encode_args refuses what has no text
--- lua
for _, bad in ipairs { { a = print }, { a = { {} } }, { a = { print } }, { a = ngx.null } } do
  local ok, err = pcall(ngx.encode_args, bad)
  ngx.say(ok, " ", err:match "attempt to use.*")
end
ngx.say((pcall(ngx.encode_args)), (pcall(ngx.encode_args, "a")))
--- body_like \A(false attempt to use[^\n]*\n){4}falsefalse\n\z

=== what is encoded is decoded again
--- lua
local all = {}
for i = 0, 255 do all[#all + 1] = string.char(i) end
local text = table.concat(all)
ngx.say(ngx.decode_args(ngx.encode_args { [text] = text })[text] == text)
--- body
true
