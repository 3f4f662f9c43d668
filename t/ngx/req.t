# SPDX-License-Identifier: Apache-2.0
# ngx.req: method, version, headers. The body is in body.t, arguments in args.t.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== method, version, time, internal
--- lua
local req = ngx.req
ngx.say(req.get_method(), " ", req.http_version(), " ", math.type(req.http_version()), " ", req.is_internal(), " ", ngx.is_subrequest)
ngx.say(ngx.now() - req.start_time() < 5, " ", ngx.now() - req.start_time() >= -0.001, " ", math.type(req.start_time()))
--- body
GET 1.1 float false false
true true float

=== HTTP/1.0
--- lua
ngx.say(ngx.req.http_version() == 1.0)
--- request GET main.lua HTTP/1.0
--- body
true

=== HTTP/2
--- lua
ngx.say(ngx.req.http_version() == 2)
--- vhost h2
--- body
true

=== any method
--- lua
ngx.say(ngx.req.get_method())
--- request REPORT
--- body
REPORT

=== HEAD
--- lua
ngx.header["X-Method"] = ngx.req.get_method()
--- request HEAD
--- header X-Method: HEAD

=== set_method
--- htaccess
<CoralHook fixup>
ngx.req.set_method(ngx.HTTP_PUT)
</CoralHook>
--- lua
ngx.say(ngx.req.get_method(), " ", ngx.var.request_method)
--- body
PUT PUT

=== set_method: GET for a HEAD, HEAD for a GET
--- htaccess
<CoralHook fixup>
ngx.req.set_method(ngx.req.get_method() == "HEAD" and ngx.HTTP_GET or ngx.HTTP_HEAD)
</CoralHook>
--- lua
ngx.header["X-Method"] = ngx.req.get_method()
ngx.say("body")
--- header X-Method: HEAD
--- body eval
''

=== set_method: every name
--- lua
for _, name in ipairs { "GET", "HEAD", "POST", "PUT", "DELETE", "MKCOL", "COPY", "MOVE", "OPTIONS", "PROPFIND", "PROPPATCH",
  "LOCK", "UNLOCK", "PATCH", "TRACE" } do
  ngx.req.set_method(ngx["HTTP_" .. name])
  assert(ngx.req.get_method() == name, name)
end
ngx.req.set_method(ngx.HTTP_GET)
ngx.say("fine")
--- body
fine

=== set_method: no others
--- lua
for _, bad in ipairs { 3, 0, "POST", {}, true } do ngx.say((pcall(ngx.req.set_method, bad))) end
ngx.say((pcall(ngx.req.set_method)))
ngx.say(select(2, pcall(ngx.req.set_method, 3)))
--- body_like ^(false\n){6}.*unsupported HTTP method: 3$

=== headers
--- lua
local h, err = ngx.req.get_headers()
ngx.say(h["x-one"], " ", h.x_one, " ", h["X-One"], " ", h.X_ONE, " ", h.nothing, " ", err)
ngx.say(rawget(h, "x-one"), " ", rawget(h, "X-One"))
--- more_headers X-One: 1
--- body
1 1 1 1 nil nil
1 nil

=== headers that are not there, by any key
--- lua
local h = ngx.req.get_headers()
ngx.say(h[1], h[true], h.x, #h)
for i, x in ipairs(h) do ngx.say(i) end
--- body
nilnilnil0

=== raw names
--- lua
local h = ngx.req.get_headers(0, true)
ngx.say(h["X-One"], " ", h["x-one"], " ", getmetatable(h))
--- more_headers X-One: 1
--- body
1 nil nil

=== a header that comes twice: httpd has joined it
--- lua
ngx.say(ngx.req.get_headers()["x-twice"])
--- more_headers
X-Twice: 1
X-Twice: 2
--- body
1, 2

=== at most a hundred headers, unless more are wanted
--- htaccess
<CoralHook fixup>
for i = 1, 150 do ngx.req.set_header("X-N" .. i, i) end
</CoralHook>
--- lua
local function count(...)
  local h, err = ngx.req.get_headers(...)
  local n = 0
  for _ in pairs(h) do n = n + 1 end
  return n .. " " .. tostring(err)
end
ngx.say(count())
ngx.say(count(10))
ngx.say(count(100))
local all = count(0)
ngx.say(tonumber(all:match "%d+") > 150, " ", all:match " (.*)")
--- body
100 truncated
10 truncated
100 truncated
true nil

=== set_header: what later code sees
--- htaccess
<CoralHook fixup>
ngx.req.set_header("X-New", "1")
ngx.req.set_header("X-Old", "2")
ngx.req.set_header("X-Gone", nil)
ngx.req.set_header("X-Empty-List", {})
ngx.req.set_header("X-Number", 5)
ngx.req.set_header("X-List", { "a", "b" })
ngx.req.clear_header("X-Cleared")
</CoralHook>
--- lua
local h = ngx.req.get_headers()
ngx.say(h.x_new, " ", h.x_old, " ", h.x_gone, " ", h.x_empty_list, " ", h.x_number, " ", table.concat(h.x_list, "+"), " ", h.x_cleared)
ngx.say(ngx.var.http_x_new)
--- more_headers
X-Old: 1
X-Gone: 1
X-Empty-List: 1
X-Cleared: 1
--- body
1 2 nil nil 5 a+b nil
1

=== set_header: a name with "_" is the header with "-", as everywhere
--- lua
ngx.req.set_header("x_under_score", "1")
ngx.say(ngx.req.get_headers(0, true)["x-under-score"], " ", ngx.var.http_x_under_score)
ngx.req.clear_header("x_under_score")
ngx.say(ngx.var.http_x_under_score)
--- body
1 1
nil

=== set_header: no line feed, carriage return or NUL
--- lua
for _, bad in ipairs { "a\nb", "a\r\nb", "a\0b", { "a\nb" } } do ngx.say((pcall(ngx.req.set_header, "X-A", bad))) end
for _, bad in ipairs { "X-A\nX-B", "X-A\0", "", "X A" } do ngx.say((pcall(ngx.req.set_header, bad, "x"))) end
ngx.say(ngx.req.get_headers()["x-a"], ngx.req.get_headers()["x-b"])
--- body
false
false
false
false
false
false
false
false
nilnil

=== set_header: wrong types
--- lua
ngx.say((pcall(ngx.req.set_header)))
ngx.say((pcall(ngx.req.set_header, nil, "x")))
ngx.say((pcall(ngx.req.set_header, {}, "x")))
ngx.say((pcall(ngx.req.set_header, "X-A", print)))
ngx.say((pcall(ngx.req.clear_header)))
--- body
false
false
false
false
false

=== raw_header
--- lua
local with, without = ngx.req.raw_header(), ngx.req.raw_header(true)
ngx.print(with:match "^[^\r]*\r\n" or "none")
ngx.say(without:match "^X%-One: 1\r\n" or without:match "\r\nX%-One: 1\r\n" ~= nil and "found")
ngx.say(with:sub(-4) == "\r\n\r\n", without:sub(-4) == "\r\n\r\n", without:find("HTTP/1.1", 1, true))
--- request GET main.lua?x=1
--- more_headers X-One: 1
--- body_like ^GET @URL@/main\.lua\?x=1 HTTP/1\.1\r\n(found|X-One: 1\r\n)\ntruetruenil$

=== functions that take nothing do not mind more
--- lua
ngx.say(ngx.req.get_method(1, 2, 3), ngx.req.http_version({}), ngx.req.is_internal(print))
--- body
GET1.1false

=== is_internal in an error page
--- file error.lua
ngx.say("internal ", ngx.req.is_internal(), " status ", ngx.var.REDIRECT_STATUS)
--- htaccess
ErrorDocument 410 @URL@/error.lua
--- lua
ngx.exit(410)
--- code 410
--- body
internal true status 410

=== set_method, set_header: what they say of wrong arguments
--- lua
ngx.say((select(2, pcall(ngx.req.set_method, "POST")):gsub("^.-:%d+: ", "")))
ngx.say((select(2, pcall(ngx.req.set_header, nil, "x")):gsub("^.-:%d+: ", "")))
--- body
bad method number
bad 'name' argument: string expected, got nil

=== raw_header of HTTP/2
--- lua
local head = ngx.req.raw_header()
ngx.print(head:match "^[^\r]*\r\n")
ngx.say(head:lower():find("\r\nx-one: 1\r\n", 1, true) and "found", " ", head:sub(-4) == "\r\n\r\n", " ", ngx.req.raw_header(true):find "HTTP/")
--- more_headers X-One: 1
--- vhost h2
--- body_like ^GET @URL@/main\.lua HTTP/2\.0\r\nfound true nil$

=== at most a hundred headers where the number is negative
--- lua
for i = 1, 150 do ngx.req.set_header("X-N" .. i, i) end
local h, err = ngx.req.get_headers(-1)
local n = 0
for _ in pairs(h) do n = n + 1 end
ngx.say(n, " ", err)
--- body
100 truncated
