# SPDX-License-Identifier: Apache-2.0
# `r`, mod_lua's request object: fields and functions.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== r is what the chunk is given
--- lua
local r = ...
ngx.say(type(r), " ", r == ..., " ", select("#", ...))
--- body
userdata true 1

=== fields: the request
--- lua
local r = ...
r:puts(r.method, " ", r.uri, " ", r.unparsed_uri, " ", r.args, " ", r.protocol, " ", r.the_request, "\n")
r:puts(r.hostname, " ", r.server_name, " ", r.useragent_ip, " ", math.type(r.port), " ", tostring(r.is_https), " ", tostring(r.assbackwards), "\n")
r:puts(tostring(r.range), " ", tostring(r.user), " ", tostring(r.ap_auth_type), " ", tostring(r.path_info), "|", tostring(r.content_encoding), "\n")
--- request GET main.lua?a=%20b
--- more_headers Range: bytes=0-1000
--- code 206
--- body_like
GET @URL@/main\.lua @URL@/main\.lua\?a=%20b a=%20b HTTP/1\.1 GET @URL@/main\.lua\?a=%20b HTTP/1\.1
127\.0\.0\.1 127\.0\.0\.1 127\.0\.0\.1 integer false false
bytes=0-1000 nil nil |nil

=== fields: the server
--- lua
local r = ...
ngx.say(r.filename == "@DIR@/main.lua", " ", r.canonical_filename == r.filename, " ", ("@DIR@"):sub(1, #r.document_root) == r.document_root,
  " ", r.handler, " ", r.is_initial_req, " ", math.type(r.started), " ", math.abs(r.started / 1e6 - ngx.now()) < 5)
ngx.say(type(r.banner), " ", type(r.server_built), " ", type(r.limit_req_body), " ", type(r.context_prefix), " ", type(r.context_document_root),
  " ", r.some_auth_required, " ", math.type(r.remaining), " ", r.status)
--- body
true true true coral true integer true
string string number string string false integer 200

=== path_info
--- lua
local r = ...
ngx.say(r.path_info, " ", r.uri)
--- htaccess
AcceptPathInfo on
--- request GET main.lua/more/of/it
--- body
/more/of/it @URL@/main.lua/more/of/it

=== TLS
--- lua
local r = ...
ngx.say(r.is_https, " ", r:construct_url("/x"):match "^https://")
--- vhost tls
--- body
true https://

=== no such field
--- lua
local r = ...
ngx.say(r.no_such_field, r[1], r[true], r[print])
--- body
nilnilnilnil

=== fields that can be set
--- htaccess
<CoralHook fixup>
local r = ...
r.args = "x=1"
r.user = "bob"
r.ap_auth_type = "Own"
r.content_type = "text/css"
r.status = 201
</CoralHook>
--- lua
local r = ...
r:puts(r.args, " ", r.user, " ", r.ap_auth_type)
--- code 201
--- body x=1 bob Own
--- access_log user=bob

=== nil takes away, where that can be
--- lua
local r = ...
r.user = "bob"
r.user = nil
r.args = nil
r.content_type = nil
ngx.say(r.user, r.args, r.content_type)
--- request GET ?a=1
--- body
nilnilnil

=== fields that can only be read
--- lua
local r = ...
for _, name in ipairs { "method", "protocol", "the_request", "useragent_ip", "port", "started", "hostname", "document_root", "is_https", "path_info" } do
  local ok, err = pcall(function() r[name] = "x" end)
  if ok or not err:find("r." .. name .. " can only be read", 1, true) then ngx.say(name, " ", err) end
end
local ok, err = pcall(function() r.no_such_field = 1 end)
ngx.say(ok, " ", err:match "r has no field 'no_such_field'")
ngx.say((pcall(function() r[1] = 1 end)), (pcall(function() r.puts = 1 end)), (pcall(function() r.notes = {} end)))
--- body
false r has no field 'no_such_field'
falsefalsefalse

=== values of the wrong type, with line feeds, with a NUL
--- lua
local r = ...
local function try(name, value) ngx.print((pcall(function() r[name] = value end)) and name .. "! " or "") end
for _, name in ipairs { "args", "user", "uri", "filename", "handler", "ap_auth_type", "content_type" } do
  try(name, {}) try(name, print) try(name, true) try(name, "a\0b")
end
for _, bad in ipairs { "x", 99, 600, 200.5, true, {} } do try("status", bad) end
try("content_type", "a\r\nX-Evil: 1")
ngx.say("done")
--- header_absent X-Evil
--- body
done

=== handler set in a hook takes effect
--- file text.txt
not lua
--- file script.txt
ngx.say("a script")
--- htaccess
<CoralHook fixup>
local r = ...
if r.filename:find "script" then r.handler = "coral" end
</CoralHook>
--- request GET script.txt
--- body
a script

=== filename set in a hook takes effect
--- file one.html
one
--- file two.html
two
--- htaccess
<CoralHook fixup>
local r = ...
r.filename = r.filename:gsub("one", "two")
</CoralHook>
--- request GET one.html
--- body_like ^(one|two)$

=== uri and translate_name are for the server's context; here it is only seen
--- lua
local r = ...
r.uri = "/other"
ngx.say(r.uri, " ", ngx.var.uri)
--- body
/other /other

=== puts and write
--- lua
local r = ...
r:puts("a", 1, " ", 2.5, "\n")
r:write("b\0c\n")
ngx.say(r:puts(""), " ", r:write("x"))
ngx.say((pcall(r.puts, r, print)))
--- body eval
"a1 2.5\nb\0c\nxtrue true\nfalse\n"

=== flush
--- lua
local r = ...
r:puts("x")
ngx.say(r:flush())
--- body
xtrue

=== functions want their r
--- lua
local r = ...
ngx.say((pcall(r.puts)), " ", (pcall(function() return r.escape("x") end)))
ngx.say((pcall(getmetatable(r).__index, nil, "uri")), (pcall(getmetatable(r).__index, {}, "uri")), (pcall(getmetatable(r).__index, io.stdout, "uri")))
--- body_like ^(true|false) (true|false)\nfalsefalsefalse$

=== requestbody
--- lua
local r = ...
ngx.say(r:requestbody(), " ", r:requestbody())
--- request
POST main.lua
a=1
--- body
a=1 a=1

=== requestbody of nothing
--- lua
local r = ...
ngx.say(r:requestbody())
--- body
nil

=== parseargs: the last value, and a list of all
--- lua
local r = ...
local args, lists = r:parseargs()
ngx.say(args.a, " ", args.b, " [", args.c, "] ", args["d e"], " ", args.nothing)
ngx.say(table.concat(lists.a, "+"), " ", lists.b[1], " ", #lists.c)
--- request GET ?a=1&a=2&b&c=&d+e=%26
--- body
2 1 [] & nil
1+2 1 1

=== parseargs of nothing
--- lua
local r = ...
local args, lists = r:parseargs()
ngx.say(next(args), next(lists))
--- body
nilnil

=== parsebody: the first value, and a list of all
--- lua
local r = ...
local args, lists = r:parsebody()
ngx.say(args.a, " ", table.concat(lists.a, "+"), " ", args.b)
--- request
POST main.lua
a=1&b=x+y&a=2
--- body
1 1+2 x y

=== parsebody with a limit
--- lua
local r = ...
ngx.say(next((r:parsebody(3))), " ", (r:parsebody(100)).a)
--- request
POST main.lua
a=12345
--- body
nil 12345

=== escapes
--- lua
local r = ...
ngx.say(r:escape_html("<a href=\"x\">'&amp;</a>"))
ngx.say(r:escape("http://foo.bar/1 2 3 & 4 + 5"))
ngx.say(r:unescape("http%3a%2f%2ffoo.bar%2f1+2+3+%26+4+%2b+5"))
ngx.say(r:unescape(r:escape("ä/\1\255 x")) == "ä/\1\255 x")
--- body
&lt;a href=&quot;x&quot;&gt;'&amp;amp;&lt;/a&gt;
http%3a%2f%2ffoo.bar%2f1+2+3+%26+4+%2b+5
http://foo.bar/1 2 3 & 4 + 5
true

=== base64 and digests, as the manual of mod_lua has them
--- lua
local r = ...
ngx.say(r:base64_encode("This is a test"), " ", r:base64_decode("VGhpcyBpcyBhIHRlc3Q="), " ", r:base64_decode("@@"))
ngx.say(r:md5("This is a test"))
ngx.say(r:base64_encode("a\0b"), " ", #r:base64_decode("YQBi"))
--- body
VGhpcyBpcyBhIHRlc3Q= This is a test nil
ce114e4501d2f4e2dcea3e17b546f339
YQBi 3

=== wrong types
--- lua
local r = ...
for _, name in ipairs { "escape", "unescape", "escape_html", "base64_decode", "expr", "construct_url", "add_output_filter", "add_input_filter" } do
  local f = r[name]
  if pcall(f, r, {}) or pcall(f, r, print) then ngx.say(name) end
end
ngx.say((pcall(r.custom_response, r, 99, "x")), (pcall(r.custom_response, r, "x", "x")), (pcall(r.custom_response, r, 404)))
--- body
falsefalsefalse

=== expr
--- lua
local r = ...
ngx.say(r:expr("%{REQUEST_METHOD} == 'GET'"), " ", r:expr("%{HTTP_HOST} =~ /^www/"), " ", r:expr("true"))
local ok, err = r:expr("what is this")
ngx.say(ok, " ", type(err))
--- body
true false true
false string

=== construct_url
--- lua
local r = ...
ngx.say(r:construct_url("/x/y") == "http://127.0.0.1:" .. r.port .. "/x/y")
--- body
true

=== custom_response: a text
--- lua
local r = ...
r:custom_response(404, "own words\n")
return 404
--- code 404
--- body
own words

=== custom_response: another uri
--- file error.html
the error page
--- lua
local r = ...
r:custom_response(403, "@URL@/error.html")
ngx.exit(403)
--- code 403
--- body
the error page

=== add_output_filter
--- htaccess
Substitute "s/plain/changed/"
--- lua
local r = ...
r.content_type = "text/html"
r:add_output_filter("SUBSTITUTE")
r:puts("plain text\n")
--- body
changed text

=== add_output_filter: no such filter
--- lua
local r = ...
ngx.say((pcall(r.add_output_filter, r, "no such filter")))
--- body_like ^(true|false)$

=== the tables as plain ones
--- lua
local r = ...
r.notes.coral = "n"
r.subprocess_env.CORAL = "e"
ngx.say(r:headers_in_table()["X-One"], " ", type(r:headers_out_table()), " ", type(r:err_headers_out_table()), " ", r:notes_table().coral, " ",
  r:subprocess_env_table().CORAL)
--- more_headers X-One: 1
--- body
1 table table n e
--- access_log note=n env=e$

=== r and ngx are two faces of one request
--- lua
local r = ...
r.status = 202
ngx.header["X-A"] = "1"
r.headers_out["X-B"] = "2"
ngx.say(ngx.status, " ", r.headers_out["X-A"], " ", ngx.header.x_b, " ", r.headers_in.host == ngx.var.http_host)
r:puts("more\n")
--- code 202
--- header
X-A: 1
X-B: 2
--- body
202 1 2 true
more

=== apache2
--- lua
ngx.say(apache2.OK, apache2.DECLINED, apache2.DONE, " ", apache2.HTTP_MOVED_TEMPORARILY, " ", apache2.PROXYREQ_NONE, apache2.PROXYREQ_PROXY,
  apache2.PROXYREQ_REVERSE, apache2.PROXYREQ_RESPONSE, " ", apache2.AUTHZ_DENIED, apache2.AUTHZ_GRANTED, apache2.AUTHZ_NEUTRAL,
  apache2.AUTHZ_GENERAL_ERROR, apache2.AUTHZ_DENIED_NO_USER, " ", apache2.version:match "^Apache")
--- body
0-1-2 302 0123 01234 Apache
