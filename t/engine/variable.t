# SPDX-License-Identifier: Apache-2.0
# Variables: ngx.var both ways, CoralSet, set hooks, and what others see of them.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== fields of the request
--- lua
for _, name in ipairs { "uri", "document_uri", "args", "query_string", "is_args", "request_uri", "request_method", "request",
  "server_protocol", "scheme", "https", "host", "remote_addr", "status", "content_length", "content_type", "remote_user" } do
  ngx.say(name, "=", ngx.var[name])
end
--- request GET main.lua?a=b&c=%20d
--- more_headers Host: Some.Test
--- body
uri=@URL@/main.lua
document_uri=@URL@/main.lua
args=a=b&c=%20d
query_string=a=b&c=%20d
is_args=?
request_uri=@URL@/main.lua?a=b&c=%20d
request_method=GET
request=GET @URL@/main.lua?a=b&c=%20d HTTP/1.1
server_protocol=HTTP/1.1
scheme=http
https=
host=some.test
remote_addr=127.0.0.1
status=200
content_length=nil
content_type=nil
remote_user=nil

=== uri is decoded, request_uri is not
--- lua
ngx.say(ngx.var.uri, " ", ngx.var.request_uri)
--- request GET main.lua/%41%20b
--- body
@URL@/main.lua/A b @URL@/main.lua/%41%20b

=== no query
--- lua
ngx.say(tostring(ngx.var.args), "|", ngx.var.is_args, "|", tostring(ngx.var.query_string))
--- body
nil||nil

=== of the body
--- lua
ngx.say(ngx.var.content_length, " ", ngx.var.content_type, " ", ngx.var.request_method)
--- request
POST main.lua
a=12345
--- body
7 application/x-www-form-urlencoded POST

=== of the file
--- lua
local r = ...
ngx.say(ngx.var.request_filename, " ", ngx.var.request_filename:sub(1, #ngx.var.document_root) == ngx.var.document_root)
--- body
@DIR@/main.lua true

=== of the server
--- lua
local v = ngx.var
ngx.say(v.server_addr, " ", v.server_port:match "^%d+$" ~= nil, " ", #v.server_name > 0, " ", #v.hostname > 0, " ", v.pid == tostring(ngx.worker.pid()))
--- body
127.0.0.1 true true true true

=== of the connection
--- lua
local v = ngx.var
ngx.say(v.remote_port:match "^%d+$" ~= nil, " ", v.connection:match "^%d+$" ~= nil)
--- body
true true

=== of time
--- lua
local v = ngx.var
ngx.say(v.msec:match "^%d+%.%d%d%d$" ~= nil, " ", math.abs(tonumber(v.msec) - ngx.now()) < 5)
ngx.say(v.request_time:match "^%d+%.%d%d%d$" ~= nil, " ", tonumber(v.request_time) < 5)
ngx.say(v.time_iso8601:match "^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d[+-]%d%d:%d%d$" ~= nil)
ngx.say(v.time_local:match "^%d%d/%u%l%l/%d%d%d%d:%d%d:%d%d:%d%d [+-]%d%d%d%d$" ~= nil)
--- body
true true
true true
true
true

=== sizes, when the response is over
--- htaccess
<CoralHook log early>
local r = ...
r.notes.coral = ngx.var.bytes_sent .. "/" .. ngx.var.body_bytes_sent .. "/" .. ngx.var.status
</CoralHook>
--- lua
ngx.print("12345")
--- access_log note=\d+/5/200 

=== TLS
--- lua
ngx.say(ngx.var.https, " ", ngx.var.scheme)
--- vhost tls
--- body
on https

=== HTTP/2
--- lua
ngx.say(ngx.var.server_protocol, " ", ngx.var.request_method, " ", ngx.var.http_host ~= nil)
--- vhost h2
--- body
HTTP/2.0 GET true

=== http_*: the headers of the request
--- lua
ngx.say(ngx.var.http_x_one_two, " ", ngx.var.http_user_agent ~= nil, " ", ngx.var.http_none, " ", ngx.var.HTTP_X_ONE_TWO ~= nil)
--- more_headers X-One-Two: 12
--- body
12 true nil false

=== a header that is there twice
--- lua
ngx.say(ngx.var.http_x_a)
--- more_headers
X-A: 1
X-A: 2
--- body
1, 2

=== http_cookie and cookie_*
--- lua
ngx.say(ngx.var.cookie_a, " ", ngx.var.cookie_bb, " ", ngx.var.cookie_c, " ", ngx.var.cookie_none, " ", ngx.var.http_cookie)
--- more_headers Cookie: a=1; bb=two; c=x%20y
--- body
1 two x%20y nil a=1; bb=two; c=x%20y

=== arg_*: as they were sent, the first of a name, in any case
--- lua
ngx.say(ngx.var.arg_a, " ", ngx.var.arg_b, " [", ngx.var.arg_e, "] ", ngx.var.arg_none, " ", ngx.var.arg_flag, " ", ngx.var.arg_aa)
--- request GET main.lua?a=1&b=x%20y&a=2&e=&flag&AA=3
--- body
1 x%20y [] nil nil 3

=== sent_http_*: the headers of the response
--- lua
ngx.header.x_one = "1"
ngx.header["X-Two"] = "2"
ngx.header.content_type = "text/html"
ngx.say(ngx.var.sent_http_x_one, ngx.var.sent_http_x_two, ngx.var.sent_http_content_type, ngx.var.sent_http_none)
--- body
12text/htmlnil

=== unknown names
--- lua
ngx.say(ngx.var.none, " ", ngx.var[""], " ", ngx.var[1], " ", ngx.var["a b"], " ", ngx.var["%{x}"])
--- body
nil nil nil nil nil

=== setting one
--- lua
ngx.var.mine = "x"
ngx.say(ngx.var.mine)
ngx.var.mine = 42
ngx.say(ngx.var.mine, " ", type(ngx.var.mine))
ngx.var.mine = nil
ngx.say(ngx.var.mine)
--- body
x
42 string
nil

=== setting args
--- lua
ngx.var.args = "a=new"
ngx.say(ngx.var.arg_a, " ", ngx.var.query_string, " ", ngx.req.get_uri_args().a)
ngx.var.args = nil
ngx.say(ngx.var.args)
--- request GET main.lua?a=old
--- body
new a=new new
nil

=== what can not be set says so
--- lua
for _, name in ipairs { "uri", "host", "http_x", "arg_a", "cookie_a", "sent_http_x", "status", "remote_addr" } do
  local ok, err = pcall(function() ngx.var[name] = "x" end)
  ngx.say(ok, " ", err:match 'variable "[%w_]+" not changeable')
end
ngx.say((pcall(function() ngx.var.mine = {} end)))
--- body
false variable "uri" not changeable
false variable "host" not changeable
false variable "http_x" not changeable
false variable "arg_a" not changeable
false variable "cookie_a" not changeable
false variable "sent_http_x" not changeable
false variable "status" not changeable
false variable "remote_addr" not changeable
false

=== ngx.var lasts as long as the request, and no longer
--- htaccess
<CoralHook access>
ngx.var.mine = (ngx.var.mine or "") .. "set "
</CoralHook>
--- lua
ngx.say(ngx.var.mine)
--- body
set 

=== no longer
--- again
--- body
set 

=== the environment and the log see it
--- lua
ngx.var.CORAL = "logged"
ngx.say((...).subprocess_env.CORAL)
--- body
logged
--- access_log env=logged$

=== and the environment is seen
--- htaccess
SetEnv FROM_ENV "from SetEnv"
SetEnvIf Request_URI "main" FROM_IF=yes
RewriteEngine on
RewriteRule .* - [E=FROM_REWRITE:yes]
--- lua
ngx.say(ngx.var.FROM_ENV, " ", ngx.var.FROM_IF, " ", ngx.var.FROM_REWRITE)
--- body
from SetEnv yes yes

=== CoralSet: text
--- htaccess
CoralSet $plain text
CoralSet $quoted "two words"
CoralSet $empty ""
--- lua
ngx.say(ngx.var.plain, "|", ngx.var.quoted, "|", ngx.var.empty)
--- body
text|two words|

=== CoralSet: other variables
--- htaccess
CoralSet $a one
CoralSet $b "$a two"
CoralSet $c "${a}two $b.$none-$uri?$args $arg_x $http_x_h"
--- lua
ngx.say(ngx.var.b, "|", ngx.var.c)
--- request GET main.lua?x=y
--- more_headers X-H: header
--- body
one two|onetwo one two.-@URL@/main.lua?x=y y header

=== CoralSet: dollar signs
--- htaccess
CoralSet $a "100$$"
CoralSet $b "$$a ${a}$$"
--- lua
ngx.say(ngx.var.a, "|", ngx.var.b)
--- body
100$|$a 100$$

=== CoralSet: expressions
--- htaccess
CoralSet $a "%{REQUEST_METHOD} %{HTTP_HOST}"
CoralSet $b "$a %{tolower:%{REQUEST_METHOD}} 100%"
CoralSet $c "%{env:a}"
--- lua
ngx.say(ngx.var.a, "|", ngx.var.b, "|", ngx.var.c)
--- more_headers Host: h.test
--- body
GET h.test|GET h.test get 100%|GET h.test

=== CoralSet: args
--- htaccess
CoralSet $args "a=set"
--- lua
ngx.say(ngx.var.arg_a, " ", ngx.var.request_uri == "@URL@/main.lua?a=old")
--- request GET main.lua?a=old
--- body
set true

=== CoralSet: the last one of a name holds, in the order they stand
--- htaccess
CoralSet $a 1
CoralSet $b "$a"
CoralSet $a 2
--- lua
ngx.say(ngx.var.a, ngx.var.b)
--- body
21

=== CoralSet is visible in the first phase of its directory, to others' modules too
--- htaccess
CoralSet $CORAL "from CoralSet"
RewriteEngine on
RewriteCond %{ENV:CORAL} "^from CoralSet$"
RewriteRule ^first$ main.lua
<CoralHook rewrite early>
ngx.ctx.seen = ngx.ctx.seen or ngx.var.CORAL
</CoralHook>
--- lua
ngx.say(ngx.ctx.seen)
--- request GET first
--- body
from CoralSet
--- access_log env=from CoralSet$

=== what a hook sets afterwards stays
--- htaccess
CoralSet $a configured
<CoralHook access>
ngx.var.a = ngx.var.a .. " and changed"
</CoralHook>
--- lua
ngx.say(ngx.var.a)
--- body
configured and changed

=== mod_include, mod_headers and expressions see it
--- htaccess
Options +Includes
AddOutputFilter INCLUDES .shtml
CoralSet $seen "by all"
Header set X-Env "%{seen}e"
Header set X-Expr "expr=%{env:seen}"
--- file a.shtml
<!--#echo var="seen" -->
--- request GET a.shtml
--- body
by all
--- header
X-Env: by all
X-Expr: by all

=== a set hook: its result is the variable
--- htaccess
<CoralHook set $sum 1 2>
return ngx.arg[1] + ngx.arg[2]
</CoralHook>
--- lua
ngx.say(ngx.var.sum)
--- body
3

=== with variables and expressions as arguments
--- htaccess
CoralSet $a "one"
<CoralHook set $joined "$a-$arg_x" "%{REQUEST_METHOD}" $none>
return ngx.arg[1] .. "|" .. ngx.arg[2] .. "|" .. ngx.arg[3] .. "|" .. tostring(ngx.arg[4])
</CoralHook>
--- lua
ngx.say(ngx.var.joined)
--- request GET main.lua?x=y
--- body
one-y|GET||nil

=== one set hook sees the result of another, a nil leaves the variable alone
--- htaccess
CoralSet $b kept
<CoralHook set $a>
return "first"
</CoralHook>
<CoralHook set $b $a>
ngx.ctx.seen = ngx.arg[1]
return nil
</CoralHook>
<CoralHook set $c>
return false
</CoralHook>
--- lua
ngx.say(ngx.var.a, " ", ngx.var.b, " ", ngx.ctx.seen, " ", ngx.var.c)
--- body
first kept first false

=== a set hook sees r, its phase is set, it may set other variables
--- htaccess
<CoralHook set $a>
local r = ...
ngx.var.other = "other"
return r.method .. " " .. ngx.get_phase()
</CoralHook>
--- lua
ngx.say(ngx.var.a, " ", ngx.var.other)
--- body
GET set other

=== a set hook that fails
--- htaccess
<CoralHook set $a>
error("oops")
</CoralHook>
--- lua
ngx.say("not reached")
--- code 500
--- error_log
hook set
.htaccess:2: oops

=== a set hook does not write the response
--- htaccess
<CoralHook set $a>
ngx.say("x")
</CoralHook>
--- lua
ngx.say("not reached")
--- code 500
--- error_log
the response cannot be written in phase set

=== httpd's own names, in capitals
--- lua
for _, name in ipairs { "REQUEST_METHOD", "REQUEST_URI", "QUERY_STRING", "HTTP_HOST", "HTTP_USER_AGENT", "REQUEST_SCHEME", "SERVER_PROTOCOL",
  "REMOTE_ADDR", "SCRIPT_FILENAME", "HTTPS", "IPV6", "TIME_YEAR", "API_VERSION", "NO_SUCH_NAME" } do
  ngx.say(name, "=", ngx.var[name] and ngx.var[name]:gsub("^%d%d%d%d%d*:?%d*$", "number"))
end
--- request GET main.lua?a
--- more_headers
Host: h.test
User-Agent: tester
--- body
REQUEST_METHOD=GET
REQUEST_URI=@URL@/main.lua
QUERY_STRING=a
HTTP_HOST=h.test
HTTP_USER_AGENT=tester
REQUEST_SCHEME=http
SERVER_PROTOCOL=HTTP/1.1
REMOTE_ADDR=127.0.0.1
SCRIPT_FILENAME=@DIR@/main.lua
HTTPS=off
IPV6=off
TIME_YEAR=number
API_VERSION=number
NO_SUCH_NAME=nil

=== remote_user
--- htaccess
AuthType Basic
AuthName test
AuthUserFile conf/htpasswd
Require valid-user
--- lua
ngx.say(ngx.var.remote_user, " ", ngx.var.REMOTE_USER)
--- more_headers Authorization: Basic YWxpY2U6c2VjcmV0
--- body
alice alice

=== r:expr asks httpd
--- lua
local r = ...
ngx.var.mine = "x"
ngx.say(r:expr "%{REQUEST_METHOD} == 'GET' && env('mine') == 'x'", " ", r:expr "false", " ", (r:expr "nonsense("))
--- body
true false false

=== the values are the request's own: large ones, and bytes of any kind
--- lua
local big = ("\1\255 %$"):rep(20000)
ngx.var.big = big
ngx.say(ngx.var.big == big, " ", #ngx.var.big)
--- body
true 100000

=== a redirected request has the variables of the first, also by their REDIRECT_ names
--- file first.lua
ngx.var.mine = "kept"
ngx.exec("@URL@/main.lua")
--- lua
ngx.say(ngx.var.mine, " ", ngx.var.REDIRECT_mine)
--- request GET first.lua
--- body
kept kept
