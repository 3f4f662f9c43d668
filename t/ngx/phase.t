# SPDX-License-Identifier: Apache-2.0
# ngx.get_phase, constants, ngx.worker, ngx.config, and what each phase can do.
use strict;
use warnings;
use Coral::Blocks;
use Coral::Server;
use Test::More;

sub over_sockets {
    my $server = Coral::Server->new(config => <<'CONF', files => { 'htdocs/a.lua' => "ngx.say('content ', ngx.get_phase())\n" });
<CoralHook init>
init_phase = ngx.get_phase()
init_ngx = pcall(function() return ngx.var.uri end)
init_r = pcall(ngx.say, "x")
ngx.log(ngx.WARN, "log in init")
</CoralHook>
<CoralHook init_worker>
ngx.log(ngx.WARN, "worker begins in ", ngx.get_phase(), " ", ngx.worker.pid())
local ok, err = pcall(ngx.say, "x")
ngx.log(ngx.WARN, "say there: ", ok, " ", err)
</CoralHook>
<CoralHook exit_worker>
ngx.log(ngx.WARN, "worker ends in ", ngx.get_phase())
</CoralHook>
<CoralHook server_rewrite>
ngx.ctx.phases = { ngx.get_phase() }
</CoralHook>
<CoralHook quick>
table.insert(ngx.ctx.phases, ngx.get_phase())
</CoralHook>
<CoralHook translate_name>
table.insert(ngx.ctx.phases, ngx.get_phase())
</CoralHook>
<CoralHook map_to_storage>
table.insert(ngx.ctx.phases, ngx.get_phase())
</CoralHook>
<CoralHook type>
table.insert(ngx.ctx.phases, ngx.get_phase())
</CoralHook>
<CoralHook log>
table.insert(ngx.ctx.phases, ngx.get_phase())
ngx.log(ngx.WARN, "phases: ", table.concat(ngx.ctx.phases, " "), "; init: ", init_phase, init_ngx, init_r)
</CoralHook>
CONF
    ok $server->start, 'starts' or diag $server->output, $server->error_log;
    my $log = $server->log;
    is $server->get('/a.lua')->content, "content content\n", 'content';
    like $log->wait(qr/phases: .*/), qr/phases: server_rewrite quick translate_name map_to_storage type log; init: initfalsefalse/, 'phases of the server';
    like $server->error_log, qr/worker begins in init_worker \d+/, 'init_worker';
    like $server->error_log, qr/say there: false .*no request/, 'there is no request there';
    like $server->error_log, qr/log in init/, 'init can log';
    $server->stop;
    like $server->error_log, qr/worker ends in exit_worker/, 'exit_worker';
}

over_sockets();
run_blocks;
__DATA__
=== names of the phases
--- htaccess
<CoralHook rewrite>
ngx.ctx.p = { ngx.get_phase() }
</CoralHook>
<CoralHook access>
table.insert(ngx.ctx.p, ngx.get_phase())
</CoralHook>
<CoralHook fixup>
table.insert(ngx.ctx.p, ngx.get_phase())
</CoralHook>
<CoralHook precontent>
table.insert(ngx.ctx.p, ngx.get_phase())
</CoralHook>
<CoralHook insert_filter>
table.insert(ngx.ctx.p, ngx.get_phase())
</CoralHook>
<CoralHook header_filter>
table.insert(ngx.ctx.p, ngx.get_phase())
</CoralHook>
<CoralHook body_filter>
table.insert(ngx.ctx.p, ngx.get_phase())
</CoralHook>
<CoralHook log>
table.insert(ngx.ctx.p, ngx.get_phase())
ngx.log(ngx.WARN, table.concat(ngx.ctx.p, " "))
</CoralHook>
<CoralHook set $phase>
return ngx.get_phase()
</CoralHook>
--- lua
table.insert(ngx.ctx.p, ngx.get_phase())
ngx.say(ngx.var.phase)
--- body
set
--- error_log
rewrite access fixup precontent insert_filter content header_filter body_filter log

=== constants
--- lua
ngx.say(ngx.OK, " ", ngx.ERROR, " ", ngx.AGAIN, " ", ngx.DONE, " ", ngx.DECLINED)
ngx.say(ngx.HTTP_GET, " ", ngx.HTTP_HEAD, " ", ngx.HTTP_POST, " ", ngx.HTTP_PUT, " ", ngx.HTTP_DELETE, " ", ngx.HTTP_OPTIONS, " ", ngx.HTTP_MKCOL,
  " ", ngx.HTTP_COPY, " ", ngx.HTTP_MOVE, " ", ngx.HTTP_PROPFIND, " ", ngx.HTTP_PROPPATCH, " ", ngx.HTTP_LOCK, " ", ngx.HTTP_UNLOCK, " ",
  ngx.HTTP_PATCH, " ", ngx.HTTP_TRACE)
ngx.say(ngx.STDERR, ngx.EMERG, ngx.ALERT, ngx.CRIT, ngx.ERR, ngx.WARN, ngx.NOTICE, ngx.INFO, ngx.DEBUG)
--- body
0 -1 -2 -4 -5
2 4 8 16 32 512 64 128 256 1024 2048 4096 8192 16384 32768
012345678

=== statuses
--- lua
local statuses = { CONTINUE = 100, SWITCHING_PROTOCOLS = 101, OK = 200, CREATED = 201, ACCEPTED = 202, NO_CONTENT = 204,
  PARTIAL_CONTENT = 206, SPECIAL_RESPONSE = 300, MOVED_PERMANENTLY = 301, MOVED_TEMPORARILY = 302, SEE_OTHER = 303, NOT_MODIFIED = 304,
  TEMPORARY_REDIRECT = 307, PERMANENT_REDIRECT = 308, BAD_REQUEST = 400, UNAUTHORIZED = 401, PAYMENT_REQUIRED = 402, FORBIDDEN = 403,
  NOT_FOUND = 404, NOT_ALLOWED = 405, NOT_ACCEPTABLE = 406, REQUEST_TIMEOUT = 408, CONFLICT = 409, GONE = 410, UPGRADE_REQUIRED = 426,
  TOO_MANY_REQUESTS = 429, CLOSE = 444, ILLEGAL = 451, INTERNAL_SERVER_ERROR = 500, METHOD_NOT_IMPLEMENTED = 501, NOT_IMPLEMENTED = 501,
  BAD_GATEWAY = 502, SERVICE_UNAVAILABLE = 503, GATEWAY_TIMEOUT = 504, VERSION_NOT_SUPPORTED = 505, INSUFFICIENT_STORAGE = 507 }
local wrong = {}
for name, value in pairs(statuses) do if ngx["HTTP_" .. name] ~= value then wrong[#wrong + 1] = name end end
ngx.say("wrong: ", table.concat(wrong, " "))
--- body
wrong: 

=== null
--- lua
ngx.say(type(ngx.null), " ", ngx.null == ngx.null, " ", ngx.null ~= nil)
--- body
userdata true true

=== worker
--- lua
ngx.say(math.type(ngx.worker.pid()), " ", ngx.worker.pid() > 1, " ", ngx.worker.count() >= 1, " ", ngx.worker.exiting(), " ", ngx.worker.id() >= 0)
--- body
integer true true false true

=== worker: all of them
--- htaccess
<CoralHook access>
    ngx.ctx.id = ngx.worker.id()
</CoralHook>
--- lua
local pids, mine = ngx.worker.pids(), 0
for _, pid in ipairs(pids) do if pid == ngx.worker.pid() then mine = mine + 1 end end
ngx.say(mine, " ", math.type(pids[1]), " ", #pids >= 1, " ", math.type(ngx.worker.id()), " ", ngx.worker.id() == ngx.ctx.id)
--- body
1 integer true integer true

=== config
--- lua
ngx.say(ngx.config.subsystem, " ", ngx.config.debug, " ", ngx.config.ngx_lua_version >= 10000, " ", ngx.config.nginx_version >= 1000000, " ",
  ngx.config.prefix(), " ", ngx.config.nginx_configure())
--- body_like ^http false true true /.*/t/ $

=== ngx.say in any hook before content ends the request there
--- file index.html
the file
--- htaccess
<CoralHook rewrite>
if ngx.var.args == "rewrite" then ngx.say("rewrite") end
</CoralHook>
<CoralHook fixup>
if ngx.var.args == "fixup" then ngx.say("fixup") end
</CoralHook>
<CoralHook precontent>
if ngx.var.args == "precontent" then ngx.say("precontent") end
</CoralHook>
--- request GET index.html?rewrite
--- body
rewrite

=== fixup
--- again
--- request GET index.html?fixup
--- body
fixup

=== precontent
--- again
--- request GET index.html?precontent
--- body
precontent

=== none of them
--- again
--- request GET index.html
--- body
the file

=== the content is still guarded when a hook before it waits
--- file index.html
the file
--- htaccess
Require all denied
<CoralHook rewrite>
ngx.sleep(0.01)
</CoralHook>
--- request GET index.html
--- code 403

=== header_filter: redirect, exec, exit are too late
--- htaccess
<CoralHook header_filter>
ngx.log(ngx.WARN, "exec ", (pcall(ngx.exec, "/x")), ", redirect ", (pcall(ngx.redirect, "/x")), ", flush ", (pcall(ngx.flush)), ", eof ", (pcall(ngx.eof)))
</CoralHook>
--- lua
ngx.say("x")
--- body
x
--- error_log
exec false, redirect false, flush false, eof false

=== log: too
--- htaccess
<CoralHook log>
for _, name in ipairs { "exec", "redirect" } do ngx.log(ngx.WARN, name, " in log ", (pcall(ngx[name], "/x"))) end
for _, name in ipairs { "flush", "eof", "say", "print", "send_headers" } do ngx.log(ngx.WARN, name, " in log ", (pcall(ngx[name]))) end
</CoralHook>
--- lua
ngx.say("x")
--- body
x
--- error_log
exec in log false
redirect in log false
flush in log false
eof in log false
say in log false
print in log false
send_headers in log false

=== log: an error or an exit there changes nothing
--- htaccess
<CoralHook log>
if ngx.var.args == "exit" then ngx.exit(500) end
error("in the log phase")
</CoralHook>
--- lua
ngx.say("x")
--- request GET ?error
--- body
x
--- access_log " 200 2
--- error_log
in the log phase

=== exit
--- again
--- request GET ?exit
--- body
x
--- access_log " 200 2
