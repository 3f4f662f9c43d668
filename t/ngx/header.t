# SPDX-License-Identifier: Apache-2.0
# ngx.header, ngx.status, ngx.resp.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== set and read
--- lua
ngx.header["X-Made-By"] = "coral"
ngx.header.x_other_name = "yes"
ngx.header["x-number"] = 42
ngx.say(ngx.header["X-Made-By"], " ", ngx.header.x_made_by, " ", ngx.header["x-made-BY"], " ", ngx.header["X-Other-Name"])
ngx.say(ngx.header.nothing, " ", type(ngx.header["X-Number"]))
--- header
X-Made-By: coral
X-Other-Name: yes
X-Number: 42
--- body
coral coral coral yes
nil string

=== set again replaces, nil and {} take away
--- lua
ngx.header.a = "1"
ngx.header.A = "2"
ngx.header.b = "1"
ngx.header.b = nil
ngx.header.c = "1"
ngx.header.c = {}
ngx.say(ngx.header.a, " ", ngx.header.b, " ", ngx.header.c)
--- header A: 2
--- header_absent
B
C
--- body
2 nil nil

=== a list gives several headers, read back as a list
--- lua
ngx.header["Set-Cookie"] = { "a=32; path=/", "b=4; path=/" }
ngx.say(type(ngx.header.set_cookie), " ", #ngx.header.set_cookie, " ", ngx.header.set_cookie[2])
--- header Set-Cookie: a=32; path=/, b=4; path=/
--- body
table 2 b=4; path=/

=== a list of one, of numbers and of booleans
--- lua
ngx.header["X-One"] = { "a" }
ngx.header["X-Num"] = { 1, 2.5 }
ngx.header["X-Bool"] = true
ngx.say(ngx.header["X-One"])
--- header
X-One: a
X-Num: 1, 2.5
X-Bool: true
--- body
a

=== an empty value
--- lua
ngx.header["X-Empty"] = ""
ngx.say("[", ngx.header["X-Empty"], "]")
--- body
[]

=== content type
--- lua
ngx.header.content_type = "application/json; charset=utf-8"
ngx.say(ngx.header["Content-Type"])
--- header Content-Type: application/json; charset=utf-8
--- body
application/json; charset=utf-8

=== content type in a list: the last one
--- lua
ngx.header["Content-Type"] = { "text/plain", "text/css" }
ngx.say("x")
--- header Content-Type: text/css

=== content length of our own
--- lua
ngx.header["Content-Length"] = 6
ngx.print("hello\n")
--- header Content-Length: 6
--- body
hello

=== bytes above 127 pass
--- lua
ngx.header["X-Name"] = "caf\195\169"
ngx.say("x")
--- header_like X-Name: ^caf\xc3\xa9$

=== a tab may stand in a value
--- lua
ngx.header["X-Tab"] = "a\tb"
ngx.say("x")
--- header_like X-Tab: ^a\s+b$

=== nobody gets a line feed, a carriage return or a NUL into a value
--- lua
for _, bad in ipairs { "a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\rX-Evil: 1", "a\0b", "\1", { "fine", "a\r\nX-Evil: 1" } } do
  local ok, err = pcall(function() ngx.header["X-Good"] = bad end)
  ngx.say(ok, " ", (err:match("control character")))
end
--- header_absent
X-Evil
--- body
false control character
false control character
false control character
false control character
false control character
false control character

=== nor into a name
--- lua
for _, bad in ipairs { "X-Evil: 1\r\nX-Good", "X-Good\nX-Evil", "X-Good\0", "X Good", "X:Good", "" } do
  local ok, err = pcall(function() ngx.header[bad] = "x" end)
  ngx.say(ok, " ", type(err))
end
--- header_absent
X-Evil
X-Good
X
--- body
false string
false string
false string
false string
false string
false string

=== values of the wrong type
--- lua
for _, bad in ipairs { print, coroutine.create(print), io.stdout } do
  ngx.say((pcall(function() ngx.header["X-Good"] = bad end)))
end
ngx.say((pcall(function() ngx.header["X-Good"] = { {} } end)))
--- header_absent X-Good
--- body
false
false
false
false

=== names that are no strings
--- lua
ngx.header[1] = "one"
ngx.say(ngx.header[1], " ", ngx.header[2])
--- header 1: one
--- body
one nil

=== after the headers are sent they can not be set: it is logged, the script goes on
--- lua
ngx.say("a")
ngx.flush()
ngx.header["X-Late"] = "1"
ngx.status = 404
ngx.say("b")
--- header_absent X-Late
--- body
a
b
--- error_log
attempt to set ngx.header.
after sending out response headers
attempt to set ngx.status after sending out response headers

=== r.status after the headers, too
--- lua
local r = ...
ngx.say("a")
ngx.flush()
r.status = 404
ngx.say(ngx.status)
--- body
a
200
--- error_log
attempt to set

=== a hundred headers
--- lua
for i = 1, 90 do ngx.header["X-N" .. i] = i end
local h, err = ngx.resp.get_headers()
ngx.say(h["x-n1"], " ", h["x-n90"], " ", err)
--- header
X-N1: 1
X-N90: 90
--- body
1 90 nil

=== a long value
--- lua
ngx.header["X-Long"] = ("x"):rep(8000)
ngx.say("x")
--- header_like X-Long: ^x{8000}$

=== resp.get_headers
--- lua
ngx.header["X-A"] = "1"
ngx.header["X-Twice"] = { "1", "2" }
ngx.header.content_type = "text/css"
local h, err = ngx.resp.get_headers()
ngx.say(h["x-a"], " ", h.x_a, " ", h["X-A"], " ", table.concat(h["x-twice"], "+"), " ", h["content-type"], " ", err)
local raw = ngx.resp.get_headers(0, true)
ngx.say(raw["X-A"], " ", raw["x-a"], " ", raw["Content-Type"])
--- body
1 1 1 1+2 text/css nil
1 nil text/css

=== resp.get_headers with a limit
--- lua
for i = 1, 120 do ngx.header["X-N" .. i] = i end
local function count(...)
  local h, err = ngx.resp.get_headers(...)
  local n = 0
  for name in pairs(h) do if name:find("^x%-n") then n = n + 1 end end
  for i = 1, 120 do ngx.header["X-N" .. i] = i end
  return n .. " " .. tostring(err)
end
local lines = { count(), count(0), count(5) }
for i = 1, 120 do ngx.header["X-N" .. i] = nil end
ngx.say(table.concat(lines, "\n"))
--- body
100 truncated
120 nil
5 truncated

=== headers set in a hook go along with the answer of the content
--- htaccess
<CoralHook fixup>
ngx.header["X-Hook"] = "1"
</CoralHook>
--- lua
ngx.header["X-Script"] = "2"
ngx.say(ngx.header["X-Hook"])
--- header
X-Hook: 1
X-Script: 2
--- body
1

=== and with an error page, but not what describes the content
--- lua
ngx.header["X-Kept"] = "1"
ngx.header["Set-Cookie"] = { "a=1", "b=2" }
ngx.header["Content-Length"] = 5
ngx.header["ETag"] = '"x"'
ngx.exit(403)
--- code 403
--- header
X-Kept: 1
Set-Cookie: a=1, b=2
--- header_absent ETag
--- body_like Forbidden

=== header_filter sees and changes them
--- htaccess
<CoralHook header_filter>
ngx.header["X-Seen"] = ngx.header["X-Script"]
ngx.header["X-Script"] = nil
ngx.header.content_type = "text/css"
ngx.status = 202
</CoralHook>
--- lua
ngx.header["X-Script"] = "1"
ngx.say("x")
--- code 202
--- header
X-Seen: 1
Content-Type: text/css
--- header_absent X-Script

=== status
--- lua
ngx.say(ngx.status)
ngx.status = 201
ngx.say(ngx.status)
--- code 201
--- body
200
201

=== status: a string that is a number will do, as anywhere in Lua
--- lua
ngx.status = "404"
ngx.say(ngx.status)
--- code 404
--- body
404

=== status: nothing but numbers from 100 to 599
--- lua
for _, bad in ipairs { 99, 600, -1, 200.5, "x", true, {}, print } do
  ngx.say((pcall(function() ngx.status = bad end)))
end
ngx.say((pcall(function() ngx.status = nil end)))
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

=== a status httpd has no words for
--- lua
ngx.status = 299
ngx.say("odd")
--- code 299
--- body
odd

=== another
--- lua
ngx.status = 599
ngx.say("odd")
--- code 599
--- body
odd

=== an error status with a body of the script's own
--- lua
ngx.status = 404
ngx.say("nothing here")
--- code 404
--- body
nothing here

=== an error status without a body
--- lua
ngx.status = 404
--- code 404

=== 204 and 304 have no body
--- lua
ngx.status = 204
ngx.say("x")
--- code 204
--- body eval
''

=== other fields of ngx are the script's own
--- lua
ngx.my_field = 1
ngx.say(ngx.my_field, ngx.no_such_field)
ngx.my_field = nil
--- body
1nil

=== CoralTransformUnderscoresInResponseHeaders off
--- htaccess
CoralTransformUnderscoresInResponseHeaders off
--- lua
ngx.header.x_made_by = "coral"
ngx.say(ngx.header["X-Made-By"], " ", ngx.header.x_made_by, " ", ngx.header.X_Made_By)
--- header_absent X-Made-By
--- body
nil coral coral

=== HTTP/1.0: what is written is gathered, and the length told
--- lua
ngx.say(("x"):rep(100000))
local ok, err = ngx.flush(true)
ngx.say(ok, " ", err, " ", ngx.send_headers(), " ", ngx.headers_sent)
--- request GET main.lua HTTP/1.0
--- header Content-Length: 100023
--- body_like x\nnil buffering 1 false$

=== HTTP/1.0: a length of the script's own ends that
--- lua
ngx.header.content_length = 6
ngx.print("abc")
local ok, err = ngx.flush(true)
ngx.print(ngx.headers_sent and "def" or "xyz")
--- request GET main.lua HTTP/1.0
--- body eval
'abcdef'

=== HTTP/1.0: not more than a megabyte
--- lua
ngx.print(("x"):rep(1100000))
ngx.say(ngx.headers_sent)
--- request GET main.lua HTTP/1.0
--- header_absent Content-Length
--- body_like true$

=== CoralHttp10Buffering off
--- htaccess
CoralHttp10Buffering off
--- lua
ngx.say("a")
ngx.say(ngx.flush(true), " ", ngx.headers_sent)
--- request GET main.lua HTTP/1.0
--- body
a
1 true

=== send_headers
--- lua
ngx.say(ngx.headers_sent)
ngx.say(ngx.send_headers(), " ", ngx.headers_sent, " ", ngx.send_headers())
ngx.eof()
ngx.log(ngx.WARN, "after eof: ", ngx.send_headers(), " ", select(2, ngx.say("x")), " ", select(2, ngx.eof()), " ", select(2, ngx.flush()))
--- body
false
1 true 1
--- error_log
after eof: 1 seen eof seen eof seen eof

=== ngx.resp.set_status with a reason of its own
--- lua
local resp = require "ngx.resp"
resp.set_status("503", "come back later")
ngx.say(ngx.status, " ", (pcall(resp.set_status, 200, "a\r\nX-Evil: 1")), (pcall(resp.set_status, "x")))
--- code 503
--- header_absent X-Evil
--- body
503 falsefalse
