# SPDX-License-Identifier: Apache-2.0
# ngx.log, print, r:warn … and which levels the log takes.
use strict;
use warnings;
use Coral::Blocks;
use Coral::Server;
use Test::More;

my $lua = <<'LUA';
local r = ...
for _, name in ipairs { "EMERG", "ALERT", "CRIT", "ERR", "WARN", "NOTICE", "INFO", "DEBUG" } do ngx.log(ngx[name], "ngx ", name, ".") end
for _, name in ipairs { "emerg", "alert", "crit", "err", "warn", "notice", "info", "debug", "trace1", "trace4", "trace8" } do
  r[name](r, "r " .. name .. ".")
end
print("print.")
ngx.say("done")
LUA

my $server = Coral::Server->new(
    config => <<'CONF',
LogLevel warn coral:info
<Directory "@ROOT@/htdocs/quiet">
    LogLevel coral:crit
</Directory>
<Directory "@ROOT@/htdocs/loud">
    LogLevel coral:trace8
</Directory>
<Location /other>
    LogLevel crit http:debug
</Location>
CONF
    files => { map { ("htdocs/$_/log.lua" => $lua) } qw(plain quiet loud) },
);

# The words of the log that a request leaves.
sub logged {
    my $log = $server->log;
    is $server->get("/$_[0]/log.lua")->content, "done\n", "$_[0]: runs";
    $log->wait(qr/r emerg\./);
    return $log->text;
}

sub over_sockets {
    ok $server->start, 'starts' or diag $server->output, $server->error_log;
    my $plain = logged('plain');
    like $plain, qr/\[coral:\Q$_->[0]\E\] .*ngx $_->[1]\./, "ngx.$_->[1] is httpd's $_->[0]"
        for [qw(emerg EMERG)], [qw(alert ALERT)], [qw(crit CRIT)], [qw(error ERR)], [qw(warn WARN)],
        [qw(notice NOTICE)], [qw(info INFO)];
    unlike $plain, qr/ngx DEBUG\.|r debug\.|r trace/, 'below the level nothing is logged';
    like $plain, qr/\[coral:\Q$_->[0]\E\] .*r $_->[1]\./, "r:$_->[1] is httpd's $_->[0]"
        for [qw(emerg emerg)], [qw(error err)], [qw(warn warn)], [qw(notice notice)], [qw(info info)];
    like $plain, qr/\[coral:notice\] .*print\./, 'print is a notice';
    like $plain, qr/htdocs\/plain\/log\.lua:2: ngx ERR\./, 'with file and line';
    like $plain, qr/log\.lua:4: r err\./,  'of the caller of r:err';
    like $plain, qr/log\.lua:6: print\./,  'of the caller of print';
    like $plain, qr/\[client 127\.0\.0\.1:\d+\] .*ngx ERR\./, 'and the client';

    my $quiet = logged('quiet');
    like $quiet, qr/ngx CRIT\..*r crit\./s, 'LogLevel of a directory';
    unlike $quiet, qr/ngx ERR\.|r err\.|ngx WARN\./, 'is less, if it says so';
    my $loud = logged('loud');
    like $loud, qr/\[coral:debug\] .*ngx DEBUG\./, 'or more';
    like $loud, qr/\[coral:trace$_\] .*r trace$_\./, "trace$_" for 1, 4, 8;
    $server->stop;
}

over_sockets();
run_blocks;
__DATA__
=== all arguments, one after the other
--- lua
ngx.log(ngx.WARN, "a", 1, " ", 2.5, " ", nil, " ", true, " ", false, " ", ngx.null, " ", setmetatable({}, { __tostring = function() return "T!" end }), nil)
ngx.say("x")
--- error_log
a1 2.5 nil true false 
 T!nil

=== ngx.null by name
--- lua
ngx.log(ngx.WARN, "<", ngx.null, ">")
ngx.say("x")
--- error_log
<null>

=== only the level
--- lua
ngx.log(ngx.WARN)
ngx.say(select("#", ngx.log(ngx.WARN, "x")))
--- body
0
--- error_log
[lua]

=== bad levels
--- lua
for _, bad in ipairs { 9, -1, 100 } do
  local ok, err = pcall(ngx.log, bad, "x")
  ngx.say(ok, " ", err:match "bad log level: %-?%d+")
end
for _, bad in ipairs { "warn", {}, true, 1.5 } do ngx.say((pcall(ngx.log, bad, "x"))) end
ngx.say((pcall(ngx.log)))
--- body
false bad log level: 9
false bad log level: -1
false bad log level: 100
false
false
false
false
false

=== STDERR goes somewhere too
--- lua
ngx.log(ngx.STDERR, "to stderr")
ngx.say("x")
--- error_log
to stderr

=== a line stays one line: nobody writes lines of his own into the log
--- lua
ngx.log(ngx.WARN, "one\n[Sat Nov 21 00:00:00 2026] [core:emerg] forged\r\ntwo\27[31m")
ngx.say("x")
--- error_log
one\n[Sat Nov 21

=== a NUL does not end the message
--- lua
ngx.log(ngx.WARN, "before\0", "after")
ngx.say("x")
--- error_log
after

=== long messages are cut by httpd, nothing worse
--- lua
ngx.log(ngx.WARN, "long ", ("x"):rep(100000))
ngx.say("x")
--- body
x
--- error_log
long xxxxxxxxxx

=== per cent signs are plain text
--- lua
ngx.log(ngx.WARN, "100%s %d %n %p %%")
ngx.say("x")
--- error_log
100%s %d %n %p %%

=== print takes what ngx.log takes
--- lua
print("p", 1, nil, true)
print()
ngx.say("x")
--- error_log
main.lua:1: p1niltrue

=== a __tostring that fails
--- lua
local t = setmetatable({}, { __tostring = function() error("no text") end })
ngx.say((pcall(ngx.log, ngx.WARN, t)))
ngx.say((pcall(ngx.log, ngx.WARN, setmetatable({}, { __tostring = function() return {} end }))))
--- body
false
false

=== arguments below the level are not even looked at
--- lua
local r = ...
r:trace1(setmetatable({}, { __tostring = function() error("called") end }))
ngx.say("x")
--- body
x

=== the place is that of the caller, in functions, in coroutines, in inline hooks
--- htaccess
# one
# two
<CoralHook fixup>
local function f()
  ngx.log(ngx.WARN, "inline")
end
f()
</CoralHook>
--- lua
local function f()
  ngx.log(ngx.WARN, "in a function")
end
f()
coroutine.wrap(function()
  ngx.log(ngx.WARN, "in a coroutine")
end)()
ngx.say("x")
--- error_log
.htaccess:5: inline
main.lua:2: in a function
main.lua:6: in a coroutine

=== in a module
--- file log_mod.lua
local mod = {}
function mod.tell(what)
  ngx.log(ngx.WARN, what)
end
return mod
--- lua
package.path = "@DIR@/?.lua;" .. package.path
require("log_mod").tell("from the module")
ngx.say("x")
--- error_log
mod.lua:3: from the module

=== r:warn with several arguments, with wrong ones
--- lua
local r = ...
r:warn("a", 1, nil)
ngx.say((pcall(r.warn)))
r:warn()
--- body_like ^(true|false)$
--- error_log
main.lua:2: a1nil

=== errors of a script: file, line, message, traceback, phase, request
--- lua
local function deep()
  error("it went wrong")
end
deep()
--- request GET main.lua?x=1
--- code 500
--- error_log
hook content
main.lua:2: it went wrong
main.lua:4:
GET @URL@/main.lua?x=1 HTTP/1.1

=== an error with an object
--- lua
error({ code = 5 })
--- code 500
--- error_log
error object is a table value

=== an error with an object that has a text
--- lua
error(setmetatable({}, { __tostring = function() return "text of the object" end }))
--- code 500
--- error_log
text of the object

=== an error with nil
--- lua
error(nil)
--- code 500
--- error_log
nil value

=== a huge error
--- lua
error(("x"):rep(10000000))
--- code 500
--- error_log
xxxxxxxxxx
request: GET

=== a syntax error
--- lua
local x = = 1
--- code 500
--- error_log
main.lua:1: unexpected symbol near '='

=== recursion without end
--- lua
local function f() return 1 + f() end
f()
--- code 500
--- error_log
stack overflow

=== recursion through a metamethod
--- lua
local t = setmetatable({}, {})
getmetatable(t).__index = function(_, k) return t[k] end
local x = t.x
--- code 500
--- error_log
main.lua:2:
