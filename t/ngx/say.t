# SPDX-License-Identifier: Apache-2.0
# ngx.say and ngx.print: which values they take and how they write them.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== say ends a line, print does not
--- lua
ngx.say("hello")
ngx.print("hello, ")
ngx.print("world")
--- body eval
"hello\nhello, world"

=== no argument
--- lua
ngx.print()
ngx.say()
ngx.say("")
--- body eval
"\n\n"

=== several arguments stand side by side
--- lua
ngx.say("a", 1, "b", true, nil, false, "c")
--- body
a1btruenilfalsec

=== nil at the end counts
--- lua
ngx.say(nil)
ngx.say(nil, nil)
--- body
nil
nilnil

=== numbers
--- lua
ngx.say(3, " ", -7, " ", 3.0, " ", 0.5, " ", 1e15, " ", 2^53, " ", math.maxinteger)
ngx.say(1/0, " ", -1/0)
--- body
3 -7 3 0.5 1e+15 9.007199254741e+15 9223372036854775807
inf -inf

=== not a number
--- lua
ngx.print(0/0)
--- body_like ^-?nan$

=== ngx.null
--- lua
ngx.say(ngx.null, { ngx.null, "x" })
--- body
nullnullx

=== bytes stay what they are, a NUL too
--- lua
ngx.print("a\0b\r\n\255\128")
--- body eval
"a\0b\r\n\xff\x80"

=== every byte
--- lua
local all = {}
for i = 0, 255 do all[#all + 1] = string.char(i) end
ngx.print(all)
--- body eval
join '', map { chr } 0 .. 255

=== a list is written item by item, lists in it as well
--- lua
ngx.say({ "a", 1, { "b", { true, "c" } }, {} }, "|", { 2.5 })
--- body
a1btruec|2.5

=== holes in a list
--- lua
ngx.say({ "hello", nil, true, false, 32.5, 56 })
--- body
helloniltruefalse32.556

=== a list that begins late
--- lua
ngx.say({ [3] = "c" }, "|", { "a", [4] = "d" })
--- body
nilnilc|anilnild

=== a table that is no list is refused, and nothing of the call is written
--- lua
ngx.say(pcall(ngx.say, "before", { a = 1 }))
ngx.say(pcall(ngx.print, "before", { "x", { a = 1 } }))
--- body_like \Afalse[^\n]*#2 [^\n]*non-array table found[^\n]*\nfalse[^\n]*#2 [^\n]*non-array table found[^\n]*\n\z

=== what can not be written is refused, and nothing of the call is written
--- lua
for _, bad in ipairs { print, coroutine.create(print), io.stdout } do
  local ok, err = pcall(ngx.print, "before", bad)
  ngx.say(ok, ": ", (err:gsub("^.-string", "string")))
end
local ok, err = pcall(ngx.print, "before", { "x", print })
ngx.say(ok, ": ", (err:gsub("^.-bad data", "bad data")))
--- body
false: string, number, boolean, nil, ngx.null, or array table expected, but got function)
false: string, number, boolean, nil, ngx.null, or array table expected, but got thread)
false: string, number, boolean, nil, ngx.null, or array table expected, but got userdata)
false: bad data type function found)

=== a list that holds itself is an error, not the end of the child
--- lua
local t = {}
t[1] = t
local ok, err = pcall(ngx.say, t)
ngx.say(ok, " ", type(err))
--- body
false string

=== deep lists
--- lua
local t = { "x" }
for i = 1, 90 do t = { t } end
ngx.say(t)
--- body
x

=== what they return
--- lua
local ok, err = ngx.say("a")
ngx.say(ok, " ", err)
ok, err = ngx.print()
ngx.say(ok, " ", err)
--- body
a
1 nil
1 nil

=== an error in a script is a 500, nothing of what was written is sent
--- lua
ngx.say("secret")
local x = nil .. "x"
--- code 500
--- body_like ^(?!.*secret)(?!.*main\.lua)
--- error_log
main.lua:2:
attempt to concatenate a nil value

=== say in a hook before content answers the request
--- file index.html
the file
--- htaccess
<CoralHook access>
ngx.say("from the hook")
</CoralHook>
--- request GET index.html
--- body
from the hook

=== the default type is text/plain, and CoralDefaultType changes it
--- htaccess
CoralDefaultType text/html
--- lua
ngx.say("x")
--- header
Content-Type: text/html

=== text/plain
--- lua
ngx.say("x")
--- header
Content-Type: text/plain

=== in phases that can not write it is an error
--- htaccess
<CoralHook header_filter>
local ok, err = pcall(ngx.say, "x")
ngx.header["X-Say"] = tostring(ok) .. ":" .. (err:match("header_filter") or err)
</CoralHook>
<CoralHook log>
ngx.log(ngx.WARN, "say in log: ", pcall(ngx.say, "x"))
</CoralHook>
--- lua
ngx.say("y")
--- header
X-Say: false:header_filter
--- body
y
--- error_log
say in log: false
