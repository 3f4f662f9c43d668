# SPDX-License-Identifier: Apache-2.0
# ngx.location.capture_multi: several subrequests in one call.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== in the order of the call
--- file a.lua
ngx.print("a ", ngx.var.args)
--- file b.html
the b
--- lua
local a, b, c, d = ngx.location.capture_multi {
  { "@URL@/a.lua", { args = "n=1" } },
  { "@URL@/b.html" },
  { "@URL@/missing" },
}
ngx.say(a.status, " ", a.body)
ngx.print(b.status, " ", b.body)
ngx.say(c.status, " ", c.body, " ", d)
--- body
200 a n=1
200 the b
404  nil

=== one
--- file a.lua
ngx.print("a")
--- lua
ngx.say(select("#", ngx.location.capture_multi { { "@URL@/a.lua" } }))
--- body
1

=== the one that waits longest comes first
--- file a.lua
ngx.sleep(tonumber(ngx.var.arg_t))
ngx.print(ngx.var.arg_n)
--- lua
local all = { ngx.location.capture_multi {
  { "@URL@/a.lua?n=1&t=0.03" }, { "@URL@/a.lua?n=2&t=0.001" }, { "@URL@/a.lua?n=3&t=0" }, { "@URL@/a.lua?n=4&t=0.02" },
} }
for i, res in ipairs(all) do ngx.say(i, " ", res.body) end
--- body
1 1
2 2
3 3
4 4

=== they wait at the same time: each for another
--- file a.lua
local list, n = ngx.ctx, tonumber(ngx.var.arg_n)
list[n] = true
for _ = 1, 400 do
  if list[1] and list[2] and list[3] then return ngx.print("met ", n) end
  ngx.sleep(0.005)
end
ngx.print("alone ", n)
--- lua
local ctx = {}
local queries = {}
for i = 1, 3 do queries[i] = { "@URL@/a.lua", { args = { n = i }, ctx = ctx } } end
for _, res in ipairs { ngx.location.capture_multi(queries) } do ngx.say(res.body) end
--- body
met 1
met 2
met 3

=== … over HTTP/2
--- again
--- vhost h2
--- body
met 1
met 2
met 3

=== … in a hook
--- htaccess
<Files hook.html>
<CoralHook access>
local ctx, queries = {}, {}
for i = 1, 3 do queries[i] = { "@URL@/a.lua", { args = { n = i }, ctx = ctx } } end
for i, res in ipairs { ngx.location.capture_multi(queries) } do ngx.header["X-" .. i] = res.body end
</CoralHook>
</Files>
--- file hook.html
the page
--- file a.lua
local list, n = ngx.ctx, tonumber(ngx.var.arg_n)
list[n] = true
for _ = 1, 400 do
  if list[1] and list[2] and list[3] then return ngx.print("met ", n) end
  ngx.sleep(0.005)
end
ngx.print("alone ", n)
--- request GET hook.html
--- header
X-1: met 1
X-2: met 2
X-3: met 3
--- body
the page

=== each of them captures several that wait
--- file a.lua
local n = tonumber(ngx.var.arg_n)
ngx.sleep(0.001)
if n == 0 then return ngx.print("x") end
local a, b = ngx.location.capture_multi { { "@URL@/a.lua?n=" .. n - 1 }, { "@URL@/a.lua?n=" .. n - 1 } }
ngx.print(n, "(", a.body, b.body, ")")
--- lua
local a, b = ngx.location.capture_multi { { "@URL@/a.lua?n=2" }, { "@URL@/a.lua?n=1" } }
ngx.say(a.body, " ", b.body)
--- body
2(1(xx)1(xx)) 1(xx)

=== a failure is that one's alone
--- file a.lua
ngx.sleep(0.001)
if ngx.var.arg_fail then error("on purpose") end
ngx.sleep(0.001)
ngx.print("a")
--- lua
local a, b, c = ngx.location.capture_multi { { "@URL@/a.lua" }, { "@URL@/a.lua?fail=1" }, { "@URL@/a.lua" } }
ngx.say(a.status, a.body, " ", b.status, b.body, " ", c.status, c.body)
--- body
200a 500 200a
--- error_log
on purpose

=== bodies, contexts and variables are each one's own
--- file a.lua
ngx.req.read_body()
ngx.sleep(0.001)
ngx.ctx.n = (ngx.ctx.n or 0) + 1
ngx.print(ngx.req.get_body_data(), " ", ngx.var.dog, " ", ngx.ctx.n)
--- lua
local one, two = {}, { n = 5 }
local a, b, c = ngx.location.capture_multi {
  { "@URL@/a.lua", { method = ngx.HTTP_POST, body = "b1", vars = { dog = "d1" }, ctx = one } },
  { "@URL@/a.lua", { method = ngx.HTTP_PUT, body = "b2", ctx = two } },
  { "@URL@/a.lua" },
}
ngx.say(a.body, ", ", b.body, ", ", c.body, ", ", one.n, " ", two.n)
--- body
b1 d1 1, b2 nil 6, nil nil 1, 1 6

=== two hundred
--- file a.lua
if ngx.var.arg_n % 3 == 0 then ngx.sleep(0.002) end
ngx.print(ngx.var.arg_n)
--- lua
local queries = {}
for i = 1, 200 do queries[i] = { "@URL@/a.lua?n=" .. i } end
local sum = 0
for _, res in ipairs { ngx.location.capture_multi(queries) } do sum = sum + res.body end
ngx.say(sum)
--- body
20100

=== several calls at once
--- file a.lua
ngx.sleep(0.002)
ngx.print(ngx.var.arg_n)
--- lua
local threads = {}
for t = 1, 10 do
  threads[t] = ngx.thread.spawn(function()
    local sum = 0
    for _ = 1, 3 do
      local a, b = ngx.location.capture_multi { { "@URL@/a.lua?n=" .. t }, { "@URL@/a.lua?n=100" } }
      sum = sum + a.body + b.body
    end
    return sum
  end)
end
for t = 1, 10 do ngx.say(select(2, ngx.thread.wait(threads[t]))) end
--- body
303
306
309
312
315
318
321
324
327
330

=== other threads go on meanwhile
--- file a.lua
for _ = 1, 400 do
  if ngx.ctx.go then return ngx.print("went") end
  ngx.sleep(0.005)
end
ngx.print("stood")
--- lua
local ctx = {}
local t = ngx.thread.spawn(function() return ngx.location.capture("@URL@/a.lua", { ctx = ctx }).body end)
ngx.sleep(0.01)
ctx.go = true
ngx.say(select(2, ngx.thread.wait(t)))
--- body
went

=== wrong arguments
--- lua
local function try(...)
  local ok, err = pcall(...)
  ngx.say(ok, " ", (tostring(err):gsub("^.-:%d+: ", "")))
end
local multi = ngx.location.capture_multi
try(multi)
try(multi, {}, {})
try(multi, "/x")
try(multi, {})
try(multi, { "/x" })
try(multi, { {} })
try(multi, { { "/x", {}, 3 } })
try(multi, { { "/x" }, { "/x", 5 } })
try(multi, { { "/x" }, { true } })
try(multi, { { "/x" }, { "/x", { body = true } } })
--- body
false only one argument is expected, but got 0
false only one argument is expected, but got 2
false bad argument #1 to 'capture_multi' (table expected, got string)
false at least one subrequest should be specified
false the query argument 0 is not a table, but a string
false query argument 0 expecting one or two arguments
false query argument 0 expecting one or two arguments
false expecting table as the 2nd argument for subrequest 1, but got number
false bad argument #1 to 'capture' (string expected, got boolean)
false Bad http request body
