# SPDX-License-Identifier: Apache-2.0
# ngx.exit: which statuses, and from how deep.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== an error status
--- lua
ngx.exit(403)
ngx.say("never")
--- code 403
--- body_like \A(?!.*never).*Forbidden

=== a named one
--- lua
ngx.exit(ngx.HTTP_NOT_FOUND)
--- code 404

=== a status httpd does not know
--- lua
ngx.exit(499)
--- code 499

=== one of its own words
--- lua
ngx.exit(ngx.HTTP_ILLEGAL)
--- code 451

=== ngx.OK in content: the response is complete
--- lua
ngx.say("a")
ngx.exit(ngx.OK)
ngx.say("never")
--- body
a

=== ngx.HTTP_OK
--- lua
ngx.say("a")
ngx.exit(ngx.HTTP_OK)
ngx.say("never")
--- body
a

=== a status set before and a body of the script's own
--- lua
ngx.status = ngx.HTTP_GONE
ngx.say("gone, see elsewhere")
ngx.exit(ngx.HTTP_OK)
--- code 410
--- body
gone, see elsewhere

=== the same, with the status again
--- lua
ngx.status = 410
ngx.say("gone, see elsewhere")
ngx.exit(410)
--- code 410
--- body
gone, see elsewhere

=== a success status without a body
--- lua
ngx.exit(204)
--- code 204
--- body eval
''

=== a redirect by hand
--- lua
ngx.header.location = "/there"
ngx.exit(302)
--- code 302
--- header_like Location: /there$

=== ngx.ERROR
--- lua
ngx.exit(ngx.ERROR)
--- code 500

=== what is no status
--- lua
for _, bad in ipairs { 1, 99, 600, -6, 200.5, "x", true, {} } do
  ngx.say((pcall(ngx.exit, bad)))
end
ngx.say((pcall(ngx.exit)))
ngx.say((pcall(ngx.exit, nil)))
--- body
false
false
false
false
false
false
false
false
false
false

=== in a hook ngx.OK and ngx.DECLINED go on
--- file index.html
the file
--- htaccess
<CoralHook access>
ngx.exit(ngx.OK)
</CoralHook>
<CoralHook fixup>
ngx.exit(ngx.DECLINED)
</CoralHook>
--- request GET index.html
--- body
the file

=== in a hook a status ends the request
--- file index.html
the file
--- htaccess
<CoralHook fixup>
ngx.exit(410)
</CoralHook>
--- request GET index.html
--- code 410

=== through pcall
--- lua
pcall(function() pcall(ngx.exit, 403) end)
ngx.say("never")
--- code 403
--- body_like \A(?!.*never)

=== through xpcall, and in its handler
--- lua
xpcall(function() error("x") end, function() ngx.exit(403) end)
ngx.say("never")
--- code 403
--- body_like \A(?!.*never)

=== through error handlers that swallow everything
--- lua
local ok = pcall(function()
  local ok = pcall(function() ngx.exit(403) end)
  ngx.say("never ", ok)
end)
ngx.say("never ", ok)
--- code 403
--- body_like \A(?!.*never)

=== from a function deep down
--- lua
local function down(n) if n == 0 then ngx.exit(404) end return 1 + down(n - 1) end
down(1000)
--- code 404

=== from a coroutine
--- lua
local co = coroutine.create(function() ngx.exit(403) end)
coroutine.resume(co)
ngx.say("never")
--- code 403
--- body_like \A(?!.*never)

=== from an iterator in a coroutine in a coroutine
--- lua
local outer = coroutine.wrap(function()
  for x in coroutine.wrap(function() coroutine.yield(1) ngx.exit(403) end) do coroutine.yield(x) end
end)
outer()
outer()
ngx.say("never")
--- code 403
--- body_like \A(?!.*never)

=== from a comparator
--- lua
table.sort({ 3, 1, 2 }, function() ngx.exit(403) end)
ngx.say("never")
--- code 403
--- body_like \A(?!.*never)
--- no_error_log failed

=== from a comparator inside a pcall
--- lua
pcall(table.sort, { 3, 1, 2 }, function() ngx.exit(403) end)
ngx.say("never")
--- code 403
--- body_like \A(?!.*never)

=== from a coroutine inside a comparator inside a pcall
--- lua
pcall(table.sort, { 3, 1, 2 }, function()
  coroutine.wrap(function() ngx.exit(403) end)()
end)
ngx.say("never")
--- code 403
--- body_like \A(?!.*never)

=== from gsub, from a metamethod, from tostring, from an iterator
--- lua
local how = tonumber(ngx.var.args)
local t = setmetatable({}, { __index = function() ngx.exit(403) end, __tostring = function() ngx.exit(403) end,
  __add = function() ngx.exit(403) end, __call = function() ngx.exit(403) end, __len = function() ngx.exit(403) end,
  __eq = function() ngx.exit(403) end, __concat = function() ngx.exit(403) end, __pairs = function() ngx.exit(403) end })
local other = setmetatable({}, getmetatable(t))
local ways = {
  function() return (("abc"):gsub(".", function() ngx.exit(403) end)) end,
  function() return t.x end,
  function() return tostring(t) end,
  function() return t + 1 end,
  function() return t() end,
  function() return #t end,
  function() return t == other end,
  function() return t .. "x" end,
  function() for _ in pairs(t) do end end,
  function() for _ in function() ngx.exit(403) end do end end,
  function() return load(function() ngx.exit(403) end) end,
  function() return string.format("%s", t) end,
  function() return table.concat(setmetatable({}, { __index = function() ngx.exit(403) end, __len = function() return 1 end })) end,
}
pcall(ways[how])
ngx.say("never ", how)
--- request GET ?1
--- code 403
--- body_like \A(?!.*never)

=== a field read
--- again
--- request GET ?2
--- code 403
--- body_like \A(?!.*never)

=== tostring
--- again
--- request GET ?3
--- code 403
--- body_like \A(?!.*never)

=== an operator
--- again
--- request GET ?4
--- code 403
--- body_like \A(?!.*never)

=== a call
--- again
--- request GET ?5
--- code 403
--- body_like \A(?!.*never)

=== a length
--- again
--- request GET ?6
--- code 403
--- body_like \A(?!.*never)

=== equality
--- again
--- request GET ?7
--- code 403
--- body_like \A(?!.*never)

=== concatenation
--- again
--- request GET ?8
--- code 403
--- body_like \A(?!.*never)

=== pairs
--- again
--- request GET ?9
--- code 403
--- body_like \A(?!.*never)

=== an iterator
--- again
--- request GET ?10
--- code 403
--- body_like \A(?!.*never)

=== the reader of load
--- again
--- request GET ?11
--- code 403
--- body_like \A(?!.*never)

=== format
--- again
--- request GET ?12
--- code 403
--- body_like \A(?!.*never)

=== concat
--- again
--- request GET ?13
--- code 403
--- body_like \A(?!.*never)

=== what is to be closed is closed
--- lua
local function closing(name)
  return setmetatable({}, { __close = function(_, err) ngx.log(ngx.WARN, "closed ", name, " ", err) end })
end
local a <close> = closing "a"
pcall(function()
  local b <close> = closing "b"
  ngx.exit(204)
end)
--- code 204
--- error_log
closed a nil
closed b nil

=== in a coroutine too
--- lua
local closing = setmetatable({}, { __close = function() ngx.log(ngx.WARN, "closed in a coroutine") end })
coroutine.wrap(function()
  local c <close> = closing
  ngx.exit(204)
end)()
--- code 204
--- error_log
closed in a coroutine

=== an error in __close is logged, the answer stands
--- lua
local a <close> = setmetatable({}, { __close = function() error("close goes wrong") end })
ngx.exit(204)
--- code 204
--- error_log
close goes wrong

=== an exit in __close
--- lua
do
  local a <close> = setmetatable({}, { __close = function() ngx.exit(404) end })
end
ngx.say("never")
--- code 404

=== exit from a module while it is loaded
--- file exit_mod.lua
ngx.exit(403)
return {}
--- lua
package.path = "@DIR@/?.lua;" .. package.path
pcall(require, "exit_mod")
ngx.say("never")
--- code 403
--- body_like \A(?!.*never)

=== the state is fit for the next request after all that
--- lua
ngx.say(coroutine.wrap(function() coroutine.yield(1) end)(), select("#", pcall(error)))
--- body
12
