# SPDX-License-Identifier: Apache-2.0
# ngx.redirect and ngx.exec.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== 302 is the default
--- lua
ngx.redirect("/there?a=1")
ngx.say("never")
--- code 302
--- header_like Location: /there\?a=1$
--- body_like \A(?!.*never)

=== what was written is thrown away
--- lua
ngx.say("secret")
ngx.redirect("/there")
--- code 302
--- body_like \A(?!.*secret)

=== 301, to another host
--- lua
ngx.redirect("https://example.org/x#y", 301)
--- code 301
--- header Location: https://example.org/x#y

=== 303
--- lua
ngx.redirect("/there", ngx.HTTP_SEE_OTHER)
--- code 303

=== 307
--- lua
ngx.redirect("/there", ngx.HTTP_TEMPORARY_REDIRECT)
--- code 307

=== 308
--- lua
ngx.redirect("/there", ngx.HTTP_PERMANENT_REDIRECT)
--- code 308

=== no others
--- lua
for _, status in ipairs { 200, 300, 304, 305, 404, 0, -1 } do
  local ok, err = pcall(ngx.redirect, "/there", status)
  ngx.say(ok, " ", err:match("allowed"))
end
--- body
false allowed
false allowed
false allowed
false allowed
false allowed
false allowed
false allowed

=== wrong types
--- lua
for _, bad in ipairs { true, {}, print } do ngx.say((pcall(ngx.redirect, bad))) end
ngx.say((pcall(ngx.redirect)))
ngx.say((pcall(ngx.redirect, "/x", "y")))
--- body
false
false
false
false
false

=== no line feed, carriage return or NUL in the target
--- lua
for _, bad in ipairs { "/x\r\nX-Evil: 1", "/x\nX-Evil: 1", "/x\rX-Evil: 1", "/x\0y" } do
  ngx.say((pcall(ngx.redirect, bad)))
end
ngx.say(ngx.header.location)
--- header_absent
X-Evil
Location
--- body
false
false
false
false
nil

=== after the headers it is an error
--- lua
ngx.say("a")
ngx.flush()
local ok, err = pcall(ngx.redirect, "/there")
ngx.say(ok, " ", err)
--- body_like ^a\nfalse .*attempt to call ngx\.redirect after sending out the headers$

=== from a hook
--- file index.html
the file
--- htaccess
<CoralHook rewrite>
ngx.redirect("/login")
</CoralHook>
--- request GET index.html
--- code 302
--- header_like Location: /login$

=== headers and cookies go along
--- lua
ngx.header["Set-Cookie"] = "a=1"
ngx.header["X-A"] = "1"
ngx.redirect("/there")
--- code 302
--- header
Set-Cookie: a=1
X-A: 1

=== exec serves another uri in place of this one
--- file other.lua
ngx.say("other ", ngx.var.uri, " args ", ngx.var.args, " internal ", ngx.req.is_internal(), " ", ngx.var.request_uri)
--- lua
ngx.say("thrown away")
ngx.exec("@URL@/other.lua")
ngx.say("never")
--- body
other @URL@/other.lua args nil internal true @URL@/main.lua

=== exec with arguments in the uri
--- file other.lua
ngx.say(ngx.var.args)
--- lua
ngx.exec("@URL@/other.lua?a=1&b=2")
--- request GET ?lost=1
--- body
a=1&b=2

=== exec with a string
--- file other.lua
ngx.say(ngx.var.args)
--- lua
ngx.exec("@URL@/other.lua", "a=3&b=hello%20world")
--- body
a=3&b=hello%20world

=== exec with both
--- file other.lua
ngx.say(ngx.var.args)
--- lua
ngx.exec("@URL@/other.lua?a=1", "b=2")
--- body
a=1&b=2

=== exec with a table
--- file other.lua
local args = ngx.req.get_uri_args()
ngx.say(args.a, " ", args.b, " ", args.c)
--- lua
ngx.exec("@URL@/other.lua", { a = 3, b = "hello world&c=x", c = true })
--- body
3 hello world&c=x true

=== exec with the arguments of this request
--- file other.lua
ngx.say(ngx.var.arg_q)
--- lua
ngx.exec("@URL@/other.lua", ngx.var.args)
--- request GET ?q=7
--- body
7

=== exec keeps ngx.ctx
--- file other.lua
ngx.say(ngx.ctx.who, " ", ngx.ctx.list[2])
ngx.ctx.who = "other"
--- htaccess
<CoralHook log>
ngx.log(ngx.WARN, "ctx in log: ", ngx.ctx.who)
</CoralHook>
--- lua
ngx.ctx.who = "main"
ngx.ctx.list = { 1, 2 }
ngx.exec("@URL@/other.lua")
--- body
main 2
--- error_log
ctx in log: other

=== exec keeps method and body
--- file other.lua
ngx.req.read_body()
ngx.say(ngx.req.get_method(), " ", ngx.req.get_body_data())
--- lua
ngx.exec("@URL@/other.lua")
--- request
POST main.lua
a=1
--- body
POST a=1

=== exec after the body was read here
--- file other.lua
ngx.req.read_body()
ngx.say(ngx.req.get_body_data())
--- lua
ngx.req.read_body()
ngx.exec("@URL@/other.lua")
--- request
POST main.lua
a=1
--- body
a=1

=== exec to what is not there
--- lua
ngx.exec("@URL@/missing.lua")
--- code 404

=== exec to what is forbidden
--- file deep/.htaccess
Require all denied
--- file deep/index.html
secret
--- lua
ngx.exec("@URL@/deep/index.html")
--- code 403

=== exec out of the tree
--- lua
ngx.exec("/%2e%2e/%2e%2e/%2e%2e/etc/passwd")
--- code 400

=== exec in a circle ends
--- lua
ngx.exec("@URL@/main.lua")
--- code 500

=== exec from a hook
--- file index.html
the file
--- file other.html
the other
--- htaccess
<CoralHook access>
if not ngx.req.is_internal() then ngx.exec("@URL@/other.html") end
</CoralHook>
--- request GET index.html
--- body
the other

=== exec: wrong arguments
--- lua
local function try(...)
  local ok, err = pcall(ngx.exec, ...)
  ngx.say(ok, " ", (tostring(err):gsub("^.-:%d+: ", "")))
end
try()
try("/x", "y", "z")
try("")
try({})
try("no-slash")
try("/x", true)
try("/x", print)
try("/x\0y")
try("/../x")
try("/x/../y?a=1")
try("/x/..")
try("?a=1")
try("@nobody")
--- body_like
\Afalse expecting one or two arguments, but got 0
false expecting one or two arguments, but got 3
false The uri argument is empty
false bad argument #1 to 'exec' \(string expected, got table\)
false .*must begin with a slash.*
false bad argument #2 to 'exec' \(string, number, or table expected, but got boolean\)
false bad argument #2 to 'exec' \(string, number, or table expected, but got function\)
false unsafe uri
false unsafe uri
false unsafe uri
false unsafe uri
false unsafe uri
false could not find named location "@nobody"
\z

=== exec in phases where it makes no sense
--- file main.html
the page
--- htaccess
<CoralHook header_filter>
ngx.header["X-Header"] = select(2, pcall(ngx.exec, "/")):match("API.*")
</CoralHook>
<CoralHook log>
ngx.log(ngx.WARN, select(2, pcall(ngx.exec, "/")))
</CoralHook>
--- request GET main.html
--- header X-Header: API disabled in the context of header_filter
--- body
the page
--- error_log
API disabled in the context of log

=== exec keeps variables
--- htaccess
CoralSet $set one
--- file other.lua
ngx.say(ngx.var.dog, " ", ngx.var.cat, " ", ngx.var.set)
--- lua
ngx.var.dog = "rex"
ngx.var.cat = "tom"
ngx.var.cat = nil
ngx.exec("@URL@/other.lua")
--- body
rex nil one

=== exec after the headers
--- lua
ngx.say("a")
ngx.flush()
local ok, err = pcall(ngx.exec, "/")
ngx.say(ok, " ", err)
--- body_like ^a\nfalse .*attempt to call ngx\.exec after sending out response headers$

=== exec with a number as arguments
--- file other.lua
ngx.say(ngx.var.args)
--- lua
ngx.exec("@URL@/other.lua", 5)
--- body
5

=== set_uri with jump
--- file index.html
the file
--- file other.lua
ngx.say("other ", ngx.var.uri == "@URL@/other.lua", " ", ngx.var.args)
--- htaccess
<CoralHook rewrite>
if not ngx.req.is_internal() then ngx.req.set_uri("@URL@/other.lua", true) end
</CoralHook>
--- request GET index.html?a=1
--- body
other true a=1

=== set_uri: wrong arguments
--- lua
ngx.say((pcall(ngx.req.set_uri)))
ngx.say((pcall(ngx.req.set_uri, "")))
ngx.say((pcall(ngx.req.set_uri, {})))
ngx.say((pcall(ngx.req.set_uri, "/x\0y")))
ngx.say(ngx.var.uri == "@URL@/main.lua")
--- body
false
false
false
false
true

=== set_uri: what it says of wrong arguments
--- lua
local function say(...) ngx.say((select(2, pcall(ngx.req.set_uri, ...)):gsub("^.-:%d+: ", ""))) end
say()
say("/a", false, false, 1)
say("/a", 1)
say("/a", false, 1)
say("/a\tb\0\"c\\")
say("/a\127")
say("/a", true)
--- body
expecting 1, 2 or 3 arguments but seen 0
expecting 1, 2 or 3 arguments but seen 4
bad argument #2 to 'set_uri' (boolean expected, got number)
bad argument #3 to 'set_uri' (boolean expected, got number)
unsafe byte "0x00" in uri "/a\x09b\x00\x22c\x5C" (maybe you want to set the 'binary' argument?)
unsafe byte "0x7f" in uri "/a\x7F" (maybe you want to set the 'binary' argument?)
API disabled in the context of content

=== set_uri: binary
--- lua
ngx.req.set_uri("/a\1b\127c\255", false, true)
ngx.say(ngx.var.uri == "/a\1b\127c\255")
ngx.say((pcall(ngx.req.set_uri, "/a\0", false, true)))
--- body
true
false

=== set_uri with jump: the path is no url, nothing in it is an escape or begins the query
--- htaccess
<CoralHook rewrite>
if not ngx.req.is_internal() then ngx.req.set_uri("@URL@/other 1%41?.lua", true) end
</CoralHook>
--- file other 1%41?.lua
ngx.say(ngx.var.uri:match "[^/]*$", " ", ngx.var.args)
--- file index.html
the file
--- request GET index.html?a=1
--- body
other 1%41?.lua a=1

=== redirect: what it says of wrong arguments
--- lua
local function say(...) ngx.say((select(2, pcall(ngx.redirect, ...)):gsub("^.-:%d+: ", ""))) end
say()
say("/a", 302, 1)
say("/a", 200)
say("/a\r\nX-Evil: 1")
--- body
expecting one or two arguments
expecting one or two arguments
only ngx.HTTP_MOVED_TEMPORARILY, ngx.HTTP_MOVED_PERMANENTLY, ngx.HTTP_PERMANENT_REDIRECT, ngx.HTTP_SEE_OTHER, and ngx.HTTP_TEMPORARY_REDIRECT are allowed
unsafe byte "0x0d" in redirect uri "/a\x0D\x0AX-Evil: 1"
