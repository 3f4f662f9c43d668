# SPDX-License-Identifier: Apache-2.0
# r.headers_in and its like: httpd's tables.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== read, in any case
--- lua
local r = ...
local h = r.headers_in
ngx.say(h["X-One"], " ", h["x-one"], " ", h["X-ONE"], " ", h.nothing, " ", type(h))
--- more_headers X-One: 1
--- body
1 1 1 nil userdata

=== write, replace, take away
--- lua
local r = ...
for _, name in ipairs { "headers_in", "headers_out", "err_headers_out", "notes", "subprocess_env" } do
  local t = r[name]
  t["X-A"] = "1"
  t["x-a"] = "2"
  t["X-B"] = 5
  t["X-C"] = "gone"
  t["X-C"] = nil
  ngx.say(name, " ", t["X-A"], " ", t["X-B"], " ", t["X-C"])
end
--- body
headers_in 2 5 nil
headers_out 2 5 nil
err_headers_out 2 5 nil
notes 2 5 nil
subprocess_env 2 5 nil

=== headers_out and err_headers_out reach the client
--- lua
local r = ...
r.headers_out["X-Out"] = "1"
r.err_headers_out["X-Err"] = "2"
ngx.say("x")
--- header
X-Out: 1
X-Err: 2

=== err_headers_out with an error
--- lua
local r = ...
r.err_headers_out["X-Err"] = "2"
return 404
--- code 404
--- header X-Err: 2

=== notes and the environment reach the log
--- lua
local r = ...
r.notes.coral = "noted"
r.subprocess_env["CORAL"] = "exported"
ngx.say("x")
--- access_log note=noted env=exported$

=== pairs
--- lua
local r = ...
r.notes.a, r.notes.b = "1", "2"
local seen = {}
for k, v in pairs(r.notes) do seen[#seen + 1] = k .. "=" .. v end
table.sort(seen)
ngx.say(table.concat(seen, " "))
--- body_like \ba=1 b=2

=== changing while going through
--- lua
local r = ...
for i = 1, 50 do r.notes["n" .. i] = tostring(i) end
local count = 0
for k in pairs(r.notes) do
  r.notes[k] = nil
  r.notes["x" .. k] = "new"
  count = count + 1
end
ngx.say(count >= 50)
--- body
true

=== no line feed, carriage return or NUL in headers, values or names
--- lua
local r = ...
for _, name in ipairs { "headers_in", "headers_out", "err_headers_out" } do
  local t = r[name]
  for _, bad in ipairs { "a\nX-Evil: 1", "a\r\nX-Evil: 1", "a\0b" } do
    if pcall(function() t["X-A"] = bad end) then ngx.say(name, " value ", bad) end
    if pcall(function() t[bad] = "x" end) then ngx.say(name, " name ", bad) end
  end
end
ngx.say("done")
--- header_absent X-Evil
--- body
done

=== no NUL in notes and environment
--- lua
local r = ...
for _, name in ipairs { "notes", "subprocess_env" } do
  local t = r[name]
  if pcall(function() t.a = "a\0b" end) then ngx.say(name, " value ", #t.a) end
  if pcall(function() t["a\0b"] = "x" end) then ngx.say(name, " name ", t.a) end
end
ngx.say("done")
--- body
done

=== line feeds may stand in notes
--- lua
local r = ...
r.notes.text = "two\nlines"
ngx.say(r.notes.text)
--- body
two
lines

=== wrong types
--- lua
local r = ...
for _, name in ipairs { "headers_in", "headers_out", "notes", "subprocess_env" } do
  local t = r[name]
  for _, bad in ipairs { {}, print, io.stdout } do
    if pcall(function() t["X-A"] = bad end) then ngx.say(name, " value ", type(bad)) end
    if pcall(function() t[bad] = "x" end) then ngx.say(name, " key ", type(bad)) end
    if pcall(function() return t[bad] end) then ngx.say(name, " read ", type(bad)) end
  end
end
ngx.say("done")
--- body
done

=== huge ones
--- lua
local r = ...
r.notes.big = ("x"):rep(1000000)
for i = 1, 2000 do r.notes["key" .. i] = "v" end
ngx.say(#r.notes.big, " ", r.notes.key2000)
--- body
1000000 v

=== the metatable is no way in
--- lua
local r = ...
local mt = getmetatable(r.notes)
if type(mt) == "table" and mt.__index then
  ngx.say((pcall(mt.__index, r, "x")), (pcall(mt.__index, {}, "x")), (pcall(mt.__newindex, r, "x", "y")), (pcall(mt.__pairs, r)))
else
  ngx.say("falsefalsefalsefalse")
end
--- body
falsefalsefalsefalse

=== headers_in of a later phase has what an earlier one wrote
--- htaccess
<CoralHook rewrite>
local r = ...
r.headers_in["X-New"] = "from rewrite"
</CoralHook>
--- lua
local r = ...
ngx.say(r.headers_in["X-New"], " ", ngx.var.http_x_new)
--- body
from rewrite from rewrite
