# SPDX-License-Identifier: Apache-2.0
# Files that are scripts: AddHandler and SetHandler coral.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== AddHandler
--- lua
ngx.say("script")
--- body
script
--- access_log handler=coral 

=== another ending, by .htaccess
--- htaccess
AddHandler coral .page
--- file a.page
ngx.say("a page")
--- request GET a.page
--- body
a page

=== SetHandler for some files
--- htaccess
<Files "plain">
SetHandler coral
</Files>
--- file plain
ngx.say("plain")
--- request GET plain
--- body
plain

=== SetHandler none takes it back: then it is a file like any other
--- htaccess
SetHandler none
RemoveHandler .lua
--- lua
ngx.say("source")
--- body
ngx.say("source")

=== a script that is not there
--- request GET missing.lua
--- code 404
--- body_like Not Found
--- no_error_log coral:error

=== neither with a query or a path behind it
--- request GET missing.lua/a?b
--- code 404

=== a folder of that name is no script
--- file folder.lua/index.html
in the folder
--- request GET folder.lua/
--- body
in the folder

=== path_info
--- lua
local r = ...
ngx.say(r.path_info, " ", r.uri:match "[^/]+/more$", " ", ngx.var.document_uri == r.uri)
--- request GET main.lua/some/more
--- body
/some/more some/more true

=== path_info is empty where there is none
--- lua
local r = ...
ngx.say("[", r.path_info, "]")
--- body
[]

=== AcceptPathInfo off
--- htaccess
AcceptPathInfo off
--- lua
ngx.say("not reached")
--- request GET main.lua/some/more
--- code 404

=== AcceptPathInfo off, without a path
--- again
--- body
not reached

=== the file's name and the url
--- lua
local r = ...
ngx.say(r.filename == "@DIR@/main.lua", " ", r.uri, " ", r.handler)
--- body
true @URL@/main.lua coral

=== DirectoryIndex
--- file index.lua
ngx.say("index ", ngx.var.args)
--- request GET @URL@/?a=b
--- body
index a=b

=== content type: text/plain, if nothing is said
--- lua
ngx.say("x")
--- header Content-Type: text/plain

=== CoralDefaultType
--- htaccess
CoralDefaultType text/html
--- lua
ngx.say("x")
--- header Content-Type: text/html

=== what the script says holds
--- htaccess
CoralDefaultType text/html
--- lua
ngx.header.content_type = "application/json"
ngx.say("{}")
--- header Content-Type: application/json

=== the ending of a file does not say what the script answers
--- htaccess
AddHandler coral .html
--- file page.html
ngx.say("x")
--- request GET page.html
--- header Content-Type: text/plain

=== AddDefaultCharset holds too
--- htaccess
AddDefaultCharset utf-8
--- lua
ngx.say("x")
--- header Content-Type: text/plain; charset=utf-8

=== POST
--- lua
ngx.req.read_body()
ngx.say(ngx.req.get_method(), " ", ngx.req.get_post_args().a)
--- request
POST main.lua
a=1
--- body
POST 1

=== any method
--- lua
ngx.say(ngx.req.get_method())
--- request BREW
--- body
BREW

=== OPTIONS is the script's
--- again
--- request OPTIONS
--- body
OPTIONS

=== HEAD
--- again
--- request HEAD
--- body eval
''

=== Require holds for a script
--- htaccess
Require all denied
--- lua
ngx.say("not reached")
--- code 403

=== a script that was edited
--- htaccess
CoralReload stat 0
--- lua
ngx.say("first")
--- body
first

=== is read again at once
--- again
--- lua
ngx.say("second edition")
--- body
second edition

=== a script that is broken now keeps its last good version
--- mpm event worker
--- again
--- lua
ngx.say("third"
--- body
second edition
--- error_log
the version before it goes on serving

=== a broken one that never was good is a 500
--- file other.lua
ngx.say("third"
--- request GET other.lua
--- code 500
--- error_log
other.lua:

=== a script that declines is not shown: nobody else can answer
--- file declined.lua
return require "coral".DECLINED
--- request GET declined.lua
--- code 404
--- body_like Not Found

=== a script that answers OK with nothing
--- lua
return apache2.OK
--- body eval
''

=== a status without a body
--- lua
return 204
--- code 204

=== handle(r) answers a status
--- lua
function handle(r)
  return 403
end
--- code 403
--- body_like Forbidden

=== handle(r) that r:puts and returns OK
--- lua
function handle(r)
  r.content_type = "text/html"
  r:puts("<p>", "x", 1, "</p>")
  return apache2.OK
end
--- body <p>x1</p>
--- header Content-Type: text/html

=== a chunk that answered does not need handle(r) to run
--- lua
function handle(r) r:puts("again") end
ngx.print("once")
return 0
--- body once

=== symbolic names: a file with spaces and quotes
--- file a 'b" c.lua
ngx.say("odd name")
--- request GET a%20'b%22%20c.lua
--- body
odd name

=== and with letters of other alphabets
--- file grüße.lua
ngx.say("hello")
--- request GET gr%C3%BC%C3%9Fe.lua
--- body
hello

=== mod_negotiation and scripts
--- htaccess
Options +MultiViews
AddType text/x-lua .lua
--- lua
ngx.say("found as ", (...).filename:match "[^/]+$")
--- request GET main
--- body
found as main.lua

=== included by mod_include
--- htaccess
Options +Includes
AddOutputFilter INCLUDES .shtml
--- lua
ngx.print("from a script ", ngx.is_subrequest)
--- file page.shtml
[<!--#include virtual="main.lua?a" -->]
--- request GET page.shtml
--- body
[from a script true]

=== as an ErrorDocument
--- htaccess
ErrorDocument 404 @URL@/main.lua
--- lua
ngx.say("my own ", ngx.status)
--- request GET nothing-here
--- code 404
--- body
my own 404

=== If-Modified-Since means nothing to a script that says nothing about it
--- lua
ngx.say("x")
--- more_headers If-Modified-Since: Sun, 06 Nov 2033 08:49:37 GMT
--- body
x
--- header_absent Last-Modified

=== SetHandler coral where there is no file
--- request GET /coral-nowhere/x.lua
--- code 404
