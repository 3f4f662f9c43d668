# SPDX-License-Identifier: Apache-2.0
# ngx.ctx and ngx.arg: what a request carries along.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== an empty table to begin with, the same one all along
--- lua
ngx.say(type(ngx.ctx), " ", next(ngx.ctx), " ", ngx.ctx == ngx.ctx)
ngx.ctx.x = 1
ngx.say(ngx.ctx.x)
--- body
table nil true
1

=== every request its own
--- lua
ngx.say(ngx.ctx.count)
ngx.ctx.count = 1
--- body
nil

=== again
--- again
--- body
nil

=== through all phases
--- htaccess
<CoralHook rewrite>
ngx.ctx.trail = { "rewrite" }
</CoralHook>
<CoralHook access>
table.insert(ngx.ctx.trail, "access")
</CoralHook>
<CoralHook fixup>
table.insert(ngx.ctx.trail, "fixup")
</CoralHook>
<CoralHook header_filter>
table.insert(ngx.ctx.trail, "header_filter")
ngx.header["X-Trail"] = table.concat(ngx.ctx.trail, " ")
</CoralHook>
<CoralHook body_filter>
ngx.ctx.pieces = (ngx.ctx.pieces or 0) + 1
</CoralHook>
<CoralHook log>
ngx.log(ngx.WARN, "trail: ", table.concat(ngx.ctx.trail, " "), " pieces: ", ngx.ctx.pieces > 0)
</CoralHook>
--- lua
table.insert(ngx.ctx.trail, "content")
ngx.say(table.concat(ngx.ctx.trail, " "))
--- body
rewrite access fixup content
--- header X-Trail: rewrite access fixup content header_filter
--- error_log
trail: rewrite access fixup content header_filter pieces: true

=== it can be replaced, by a table
--- lua
ngx.ctx = { a = 1 }
ngx.say(ngx.ctx.a)
for _, bad in ipairs { 1, "x", true, print } do ngx.say((pcall(function() ngx.ctx = bad end))) end
ngx.say((pcall(function() ngx.ctx = nil end)), ngx.ctx.a)
--- body
1
false
false
false
false
false1

=== an error page has the ctx of the request that went wrong
--- file error.lua
ngx.say("because ", ngx.ctx.why)
--- htaccess
ErrorDocument 403 @URL@/error.lua
--- lua
ngx.ctx.why = "of this"
ngx.exit(403)
--- code 403
--- body
because of this

=== a subrequest has its own
--- file part.lua
ngx.say("part: ", ngx.ctx.who, " ", ngx.is_subrequest)
ngx.ctx.who = "part"
--- file page.shtml
<!--#include virtual="part.lua" -->
<!--#include virtual="part.lua" -->
--- htaccess
AddOutputFilter INCLUDES .shtml
AddType text/html .shtml
<CoralHook fixup>
if not ngx.is_subrequest then ngx.ctx.who = "page" end
</CoralHook>
<CoralHook log>
ngx.log(ngx.WARN, "at the end ", ngx.ctx.who)
</CoralHook>
--- request GET page.shtml
--- body_like part: nil true\n\npart: nil true
--- error_log
at the end page

=== values of any type, kept until the end
--- htaccess
<CoralHook access>
ngx.ctx.f = function() return "called" end
ngx.ctx[1] = setmetatable({}, { __gc = function() end })
ngx.ctx.co = coroutine.wrap(function() coroutine.yield("one") coroutine.yield("two") end)
ngx.ctx.first = ngx.ctx.co()
collectgarbage()
</CoralHook>
--- lua
collectgarbage()
ngx.say(ngx.ctx.f(), " ", type(ngx.ctx[1]), " ", ngx.ctx.first, " ", ngx.ctx.co())
--- body
called table one two

=== ngx.arg is nil where there is none, and can not be set
--- lua
ngx.say(ngx.arg[1], " ", ngx.arg[2])
local ok, err = pcall(function() ngx.arg[1] = "x" end)
ngx.say(ok, " ", err:match "phase content")
--- body
nil nil
false phase content

=== body_filter: data and end
--- htaccess
<CoralHook body_filter>
ngx.ctx.seen = (ngx.ctx.seen or "") .. ngx.arg[1]
ngx.arg[1] = ngx.arg[1]:upper()
if ngx.arg[2] then ngx.arg[1] = ngx.arg[1] .. "[" .. #ngx.ctx.seen .. "]" end
</CoralHook>
--- lua
ngx.print("abc")
ngx.flush()
ngx.print("def")
--- body: ABCDEF[6]

=== body_filter: nil and the empty text take away, true for the end cuts
--- htaccess
<CoralHook body_filter>
local data = ngx.arg[1]
if data == "drop" then ngx.arg[1] = nil end
if data == "empty" then ngx.arg[1] = "" end
if data == "last" then ngx.arg[2] = true end
</CoralHook>
--- lua
for _, text in ipairs { "a", "drop", "b", "empty", "c", "last", "never" } do
  ngx.print(text)
  ngx.flush()
end
--- body abclast

=== body_filter: a list, a number
--- htaccess
<CoralHook body_filter>
if ngx.arg[1] == "list" then ngx.arg[1] = { "a", { "b", 1 }, "c" } end
if ngx.arg[1] == "number" then ngx.arg[1] = 42 end
</CoralHook>
--- lua
ngx.print("list")
ngx.flush()
ngx.print("number")
--- body ab1c42

=== body_filter: bytes
--- htaccess
<CoralHook body_filter>
ngx.arg[1] = ngx.arg[1]:reverse()
</CoralHook>
--- lua
ngx.print("a\0b\255")
--- body eval
"\xffb\0a"

=== body_filter: a wrong type
--- htaccess
<CoralHook body_filter>
if ngx.arg[1] ~= "" then ngx.arg[1] = print end
</CoralHook>
--- lua
ngx.say("x")
--- code 500
--- error_log
body_filter

=== a set hook gets its arguments
--- htaccess
<CoralHook set $sum $arg_a "$arg_b">
return ngx.arg[1] + ngx.arg[2]
</CoralHook>
--- lua
ngx.say(ngx.var.sum)
--- request GET ?a=32&b=56
--- body
88
