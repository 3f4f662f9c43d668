# SPDX-License-Identifier: Apache-2.0
# ngx.var: the variables of nginx's names, of httpd's, and the script's own.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== the request
--- lua
local v = ngx.var
ngx.say(v.request_method, " ", v.uri, " ", v.document_uri, " ", v.request_uri)
ngx.say(v.args, " ", v.query_string, " ", v.is_args, " ", v.request, " ", v.server_protocol, " ", v.scheme, "|", v.https)
--- request GET main.lua?a=1&b=%202
--- body
GET @URL@/main.lua @URL@/main.lua @URL@/main.lua?a=1&b=%202
a=1&b=%202 a=1&b=%202 ? GET @URL@/main.lua?a=1&b=%202 HTTP/1.1 HTTP/1.1 http|

=== without a query
--- lua
ngx.say(ngx.var.args, "|", ngx.var.is_args, "|", ngx.var.query_string)
--- body
nil||nil

=== who talks to whom
--- lua
local v = ngx.var
ngx.say(v.remote_addr, " ", v.server_addr, " ", v.server_name, " ", tonumber(v.remote_port) ~= nil, " ", tonumber(v.server_port) ~= nil,
  " ", v.host, " ", v.remote_user, " ", #v.hostname > 0, " ", tonumber(v.connection) ~= nil)
--- body
127.0.0.1 127.0.0.1 127.0.0.1 true true 127.0.0.1 nil true true

=== TLS
--- lua
ngx.say(ngx.var.scheme, " ", ngx.var.https, " ", ngx.var.SSL_PROTOCOL ~= nil)
--- vhost tls
--- body
https on true

=== files and times
--- lua
local v = ngx.var
ngx.say(v.request_filename == "@DIR@/main.lua", " ", ("@DIR@"):sub(1, #v.document_root) == v.document_root, " ", v.pid == tostring(ngx.worker.pid()))
ngx.say(v.msec:match "^%d+%.%d%d%d$" ~= nil, " ", v.request_time:match "^%d+%.%d%d%d$" ~= nil, " ", math.abs(v.msec - ngx.now()) < 1)
ngx.say(v.time_iso8601:match "^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d[+-]%d%d:%d%d$" ~= nil, " ",
  v.time_local:match "^%d%d/%a%a%a/%d%d%d%d:%d%d:%d%d:%d%d [+-]%d%d%d%d$" ~= nil)
--- body
true true true
true true true
true true

=== headers
--- lua
ngx.say(ngx.var.http_x_one, " ", ngx.var.http_X_ONE, " ", ngx.var.http_nothing, " ", ngx.var.http_user_agent ~= nil, " ", ngx.var.http_)
--- more_headers X-One: 1 2
--- body
1 2 1 2 nil true nil

=== content type and length
--- lua
ngx.say(ngx.var.content_type, " ", ngx.var.content_length)
--- request
POST main.lua
a=1
--- body
application/x-www-form-urlencoded 3

=== arguments, as they were sent
--- lua
local v = ngx.var
ngx.say(v.arg_a, "|", v.arg_A, "|", v.arg_b, "|", v.arg_c, "|", v.arg_d, "|", v.arg_e, "|", v.arg_)
--- request GET ?xa=0&a=1%20&b=&c&d=x=y&a=2
--- body
1%20|1%20||nil|x=y|nil|nil

=== cookies
--- lua
ngx.say(ngx.var.cookie_a, "|", ngx.var.cookie_b, "|", ngx.var.cookie_nothing)
--- more_headers Cookie: a=1; b=two words; c=
--- body_like ^1\|.*\|nil$

=== headers that were sent
--- lua
ngx.header["X-A"] = "1"
ngx.header.content_type = "text/css"
ngx.say(ngx.var.sent_http_x_a, " ", ngx.var.sent_http_content_type, " ", ngx.var.sent_http_nothing)
--- body
1 text/css nil

=== what is not there is nil
--- lua
ngx.say(ngx.var.nothing, " ", ngx.var.NOTHING, " ", ngx.var[""], " ", ngx.var[1], " ", ngx.var["a-b"], " ", ngx.var["%{HTTP_HOST}"])
--- body
nil nil nil nil nil nil

=== httpd's names in capitals
--- lua
ngx.say(ngx.var.REQUEST_METHOD, " ", ngx.var.HTTP_HOST == ngx.var.http_host, " ", ngx.var.REQUEST_SCHEME, " ", ngx.var.IS_SUBREQ)
--- body
GET true http false

=== CoralSet
--- htaccess
CoralSet $who "user $arg_u of %{REQUEST_METHOD} $$5"
CoralSet $next "[$who] ${who}x"
--- lua
ngx.say(ngx.var.who)
ngx.say(ngx.var.next)
--- request GET ?u=7
--- body
user 7 of GET $5
[user 7 of GET $5] user 7 of GET $5x

=== SetEnv and RewriteRule's E are variables
--- htaccess
SetEnvIf Request_Method . from_setenvif=1
RewriteEngine on
RewriteRule . - [E=from_rewrite:2]
--- lua
ngx.say(ngx.var.from_setenvif, " ", ngx.var.from_rewrite)
--- body
1 2

=== variables of one's own reach the environment and the log
--- lua
ngx.var.CORAL = "seen"
ngx.say(ngx.var.CORAL)
--- body
seen
--- access_log env=seen$

=== from one phase to the next
--- htaccess
<CoralHook access>
ngx.var.mine = "from access"
</CoralHook>
--- lua
ngx.say(ngx.var.mine)
--- body
from access

=== numbers become texts, nil takes away, an empty text stays
--- lua
ngx.var.a = 5
ngx.var.b = 2.5
ngx.var.c = "x"
ngx.var.c = nil
ngx.var.d = ""
ngx.say(ngx.var.a, " ", type(ngx.var.a), " ", ngx.var.b, " ", ngx.var.c, " [", ngx.var.d, "]")
--- body
5 string 2.5 nil []

=== wrong types
--- lua
for _, bad in ipairs { {}, print } do ngx.say((pcall(function() ngx.var.a = bad end))) end
for _, bad in ipairs { {}, print, true } do ngx.say((pcall(function() return ngx.var[bad] end))) end
ngx.say((pcall(function() ngx.var.a = "x\0y" end)), ngx.var.a)
--- body
false
false
false
false
false
falsenil

=== args can be set
--- htaccess
<CoralHook fixup>
ngx.var.args = "a=7"
</CoralHook>
--- lua
ngx.say(ngx.var.arg_a, " ", ngx.var.query_string, " ", ngx.req.get_uri_args().a)
ngx.var.args = nil
ngx.say(ngx.var.args)
--- request GET ?a=1
--- body
7 a=7 7
nil

=== what can not be set says so
--- lua
for _, name in ipairs { "uri", "request_method", "remote_addr", "http_x", "arg_a", "cookie_a", "sent_http_x", "status", "pid" } do
  local ok, err = pcall(function() ngx.var[name] = "1" end)
  ngx.say(ok, " ", err:match 'variable ".*" not changeable')
end
--- body
false variable "uri" not changeable
false variable "request_method" not changeable
false variable "remote_addr" not changeable
false variable "http_x" not changeable
false variable "arg_a" not changeable
false variable "cookie_a" not changeable
false variable "sent_http_x" not changeable
false variable "status" not changeable
false variable "pid" not changeable

=== request_uri stays what the client asked for
--- htaccess
RewriteEngine on
RewriteRule ^old$ @URL@/main.lua?x=1 [L]
--- lua
ngx.say(ngx.var.uri, " ", ngx.var.request_uri)
--- request GET old?y=2
--- body
@URL@/main.lua @URL@/old?y=2

=== in the log phase
--- htaccess
<CoralHook log>
ngx.log(ngx.WARN, "log has ", ngx.var.status, " ", ngx.var.body_bytes_sent, " ", ngx.var.mine, " ", ngx.var.sent_http_x_a)
</CoralHook>
--- lua
ngx.var.mine = "set"
ngx.header["X-A"] = "1"
ngx.status = 201
ngx.print("12345")
--- code 201
--- error_log
log has 201 5 set 1

=== remote_user
--- htaccess
AuthType Basic
AuthName x
AuthUserFile @DIR@/users
Require valid-user
--- file users
alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=
--- lua
ngx.say(ngx.var.remote_user)
--- more_headers Authorization: Basic YWxpY2U6c2VjcmV0
--- body
alice

=== an array index is never a capture here
--- lua
ngx.say(ngx.var[0], ngx.var[1], ngx.var[99])
--- body
nilnilnil
