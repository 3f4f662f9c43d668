# SPDX-License-Identifier: Apache-2.0
# What a chunk and a function see: globals of their own, r as `...`, ngx.ctx.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== a chunk's globals are its own
--- lua
counter = (counter or 0) + 1
ngx.say(counter)
--- body
1

=== and new for each request
--- again
--- body
1

=== nor do they leak into _G
--- lua
leak_of_phase_state = 1
ngx.say(rawget(_G, "leak_of_phase_state"), " ", leak_of_phase_state, " ", _G.print == print)
--- body
nil 1 true

=== nor into the next script
--- lua
ngx.say(leak_of_phase_state)
--- body
nil

=== the hooks of a request do not share globals
--- htaccess
<CoralHook access>
mine = "access"
</CoralHook>
<CoralHook fixup>
ngx.ctx.seen = tostring(mine)
mine = "fixup"
</CoralHook>
--- lua
ngx.say(ngx.ctx.seen, " ", mine)
--- body
nil nil

=== a hook that is there twice has two sets of globals
--- htaccess
CoralHook fixup count.lua
CoralHook fixup count.lua
--- file count.lua
n = (n or 0) + 1
ngx.ctx.seen = (ngx.ctx.seen or "") .. n
--- lua
ngx.say(ngx.ctx.seen)
--- body
11

=== what a chunk overwrites stays as it is for others
--- lua
local before = tostring
tostring = function() return "mine" end
ngx.say(tostring(1), " ", _G.tostring == before)
--- body
mine true

=== the next script finds the standard library
--- lua
ngx.say(tostring(1))
--- body
1

=== locals are new each time too
--- lua
local n = 0
n = n + 1
ngx.say(n)
--- body
1

=== but a module is loaded once per state
--- file count_in_state.lua
return { n = 0 }
--- lua
package.path = package.path .. ";@DIR@/?.lua"
local count = require "count_in_state"
count.n = count.n + 1
ngx.say(count.n > 0)
--- body
true

=== a function's file is loaded once per state, its globals stay
--- htaccess
CoralHook fixup lib.lua count
--- file lib.lua
loaded = (loaded or 0) + 1
calls = 0
function count(r)
  calls = calls + 1
  ngx.ctx.seen = loaded
end
--- lua
ngx.say(ngx.ctx.seen)
--- body
1

=== still
--- again
--- body
1

=== its globals are not those of other files
--- lua
ngx.say(loaded, " ", calls, " ", count)
--- body
nil nil nil

=== functions of one file share its globals
--- htaccess
CoralHook access two.lua first
CoralHook fixup two.lua second
--- file two.lua
function first(r) r.notes.first = "1" end
function second(r) r.notes.second = tostring(first ~= nil) end
--- lua
local r = ...
ngx.say(r.notes.first, r.notes.second)
--- body
1true

=== r is what a chunk gets, and a function
--- htaccess
<CoralHook access>
local r, nothing = ...
r.notes.seen = r.uri .. " " .. tostring(nothing) .. " " .. select("#", ...)
</CoralHook>
<CoralHook fixup check>
function check(...)
  (...).notes.more = tostring(select("#", ...))
end
</CoralHook>
--- lua
local r = ...
ngx.say(r.notes.seen, " ", r.notes.more, " ", rawequal(r, (...)))
--- body
@URL@/main.lua nil 1 1 true

=== it is the same object in all phases
--- htaccess
<CoralHook access>
ngx.ctx.r = ...
</CoralHook>
--- lua
ngx.say(ngx.ctx.r == ...)
--- body
true

=== a script may define mod_lua's handle(r)
--- lua
function handle(r)
  r:puts("handled ", r.method, "\n")
  return apache2.OK
end
--- body
handled GET

=== or return a function
--- lua
return function(r) r:puts("returned\n") end
--- body
returned

=== ngx.ctx goes through the phases
--- htaccess
<CoralHook rewrite>
ngx.ctx.trace = "rewrite"
</CoralHook>
<CoralHook access>
ngx.ctx.trace = ngx.ctx.trace .. " access"
</CoralHook>
<CoralHook type early>
ngx.ctx.trace = ngx.ctx.trace .. " type"
</CoralHook>
<CoralHook fixup>
ngx.ctx.trace = ngx.ctx.trace .. " fixup"
</CoralHook>
<CoralHook header_filter>
ngx.header["X-Trace"] = ngx.ctx.trace .. " header_filter"
</CoralHook>
<CoralHook body_filter>
ngx.arg[1] = ngx.arg[1] .. (ngx.arg[2] and ngx.ctx.trace .. " body_filter\n" or "")
</CoralHook>
<CoralHook log early>
local r = ...
r.notes.coral = ngx.ctx.trace .. " log"
</CoralHook>
--- lua
ngx.ctx.trace = ngx.ctx.trace .. " content"
ngx.say("body:")
--- header
X-Trace: rewrite access type fixup content header_filter
--- body
body:
rewrite access type fixup content body_filter
--- access_log note=rewrite access type fixup content log 

=== and not from one request to the next
--- lua
ngx.say(ngx.ctx.kept)
ngx.ctx.kept = "yes"
--- body
nil

=== really
--- again
--- body
nil

=== ngx.ctx as a whole can be set
--- htaccess
<CoralHook access>
ngx.ctx.a = 1
ngx.ctx = { b = 2 }
</CoralHook>
--- lua
ngx.say(ngx.ctx.a, " ", ngx.ctx.b)
--- body
nil 2

=== ngx.ctx goes along with ngx.exec
--- file first.lua
ngx.ctx.kept = { "a table" }
ngx.exec("@URL@/main.lua", { a = 1 })
--- lua
ngx.say(ngx.ctx.kept[1], " ", ngx.var.args, " ", ngx.req.is_internal())
--- request GET first.lua
--- body
a table a=1 true

=== from an early phase
--- htaccess
<CoralHook access>
if not ngx.req.is_internal() then
  ngx.ctx.from = "access"
  ngx.exec("@URL@/main.lua")
end
</CoralHook>
--- file first.lua
ngx.say("not reached")
--- lua
ngx.say(ngx.ctx.from)
--- request GET first.lua
--- body
access

=== to an ErrorDocument
--- htaccess
ErrorDocument 404 @URL@/main.lua
<CoralHook access>
ngx.ctx.from = ngx.ctx.from or ngx.var.uri
</CoralHook>
--- lua
local r = ...
ngx.say(ngx.status, " ", ngx.ctx.from, " ", r.subprocess_env.REDIRECT_STATUS)
--- request GET nowhere.html
--- code 404
--- body
404 @URL@/nowhere.html 404

=== to what mod_dir finds
--- htaccess
DirectoryIndex main.lua
<CoralHook rewrite>
ngx.ctx.trace = (ngx.ctx.trace or "") .. "."
</CoralHook>
--- lua
ngx.say(ngx.ctx.trace:match "^%.+$" ~= nil)
--- request GET @URL@/
--- body
true

=== to where mod_rewrite goes
--- htaccess
RewriteEngine on
RewriteRule ^old$ main.lua [L]
<CoralHook rewrite early>
ngx.ctx.first = ngx.ctx.first or ngx.var.uri:match "[^/]+$"
</CoralHook>
--- lua
ngx.say(ngx.ctx.first)
--- request GET old
--- body
old

=== a subrequest has its own
--- htaccess
Options +Includes
AddOutputFilter INCLUDES .shtml
<CoralHook fixup>
local mark = ngx.is_subrequest and "sub" or "main"
ngx.ctx.seen = (ngx.ctx.seen or "") .. mark
</CoralHook>
<CoralHook log early>
local r = ...
r.notes.coral = ngx.ctx.seen
</CoralHook>
--- file page.shtml
<!--#include virtual="main.lua" -->
--- lua
ngx.print(ngx.ctx.seen)
--- request GET page.shtml
--- body_like ^sub$
--- access_log note=main 

=== a kept r of another request does nothing
--- lua
package.loaded.kept_r = package.loaded.kept_r or {}
local kept = package.loaded.kept_r
local old = kept[1]
kept[1] = ...
if old then
  local ok, err = pcall(function() return old.uri end)
  ngx.say(ok, " ", err)
else
  ngx.say("false request is over")
end
--- body_like ^false .*request is over

=== a second time
--- again
--- body_like ^false .*request is over
