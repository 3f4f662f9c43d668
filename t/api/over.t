# SPDX-License-Identifier: Apache-2.0
# What was kept from a request, when that request is over.
use strict;
use warnings;
use Coral::Server;
use Test::More;

# -X: one process, one request after the other, so always the same Lua state.
my $server = Coral::Server->new(
    config => "CoralStates 1 1\nCoralPackagePath \"\@ROOT\@/lib/?.lua\"\n",
    files  => {
        'lib/kept.lua'       => "return {}\n",
        'htdocs/keep.lua'    => <<'LUA',
local kept, r = require "kept", ...
kept.r, kept.headers, kept.notes, kept.ctx = r, r.headers_in, r.notes, ngx.ctx
kept.ctx.mine = "still here"
r.notes.a = "x"
kept.iterate = { pairs(r.headers_in) }
kept.method, kept.index = r.puts, getmetatable(r).__index
kept.co = coroutine.wrap(function() local mine = r while true do coroutine.yield(pcall(function() return mine.uri end)) end end)
kept.co()
kept.waiting = coroutine.create(function() ngx.say("first half") ngx.exit(200) ngx.say("second half") end)
coroutine.resume(kept.waiting)
LUA
        'htdocs/use.lua' => <<'LUA',
local kept = require "kept"
local function try(name, f)
  local ok, err = pcall(f)
  ngx.say(name, ": ", ok, " ", tostring(err):match "request is over" or err)
end
try("field", function() return kept.r.uri end)
try("set", function() kept.r.user = "evil" end)
try("method", function() return kept.r.puts end)
try("call", function() return kept.r:puts("x") end)
try("kept method, own r", function() return kept.index(kept.r, "uri") end)
try("table", function() return kept.headers.host end)
try("table set", function() kept.headers.host = "x" end)
try("table pairs", function() for _ in pairs(kept.notes) do end end)
try("table again", function() return kept.notes.a end)
ngx.say("ctx: ", kept.ctx.mine, " ", kept.ctx == ngx.ctx, " ", ngx.ctx.mine)
ngx.say("coroutine: ", (kept.co()))
ngx.say("resumed: ", (coroutine.resume(kept.waiting)))
LUA
        'htdocs/gc.lua' => <<'LUA',
local kept, r = require "kept", ...
kept.later = setmetatable({}, { __gc = function()
  ngx.log(ngx.WARN, "gc sees ", tostring(select(2, pcall(function() return r.uri end))):match "request is over" or "a uri")
end })
ngx.say("x")
LUA
        'htdocs/collect.lua' => "require('kept').later = nil collectgarbage() collectgarbage() ngx.say('collected')\n",
        'htdocs/fail.lua'    => "local kept, r = require 'kept', ... kept.failed = r error('x')\n",
        'htdocs/failed.lua'  => "ngx.say(pcall(function() return require('kept').failed.uri end))\n",
        'htdocs/reuse.lua'   => "local r = ... ngx.say(r.uri, ' ', type(r))\n",
    },
);
ok $server->start('-X'), 'starts' or diag $server->output, $server->error_log;

like $server->get('/keep.lua')->content, qr/^first half\n\z/, 'one request keeps';
is $server->get('/use.lua')->content, <<'ANSWER', 'the next one can do nothing with it';
field: false request is over
set: false request is over
method: false request is over
call: false request is over
kept method, own r: false request is over
table: false request is over
table set: false request is over
table pairs: false request is over
table again: false request is over
ctx: still here false nil
coroutine: false
resumed: false
ANSWER
is $server->get('/gc.lua')->content, "x\n", 'a finalizer holds an r';
my $log = $server->log;
is $server->get('/collect.lua')->content, "collected\n", 'it runs in another request';
like $log->wait(qr/gc sees .*/), qr/gc sees request is over/, 'and sees nothing of it';
is $server->get('/fail.lua')->code, 500, 'a request that fails';
like $server->get('/failed.lua')->content, qr/^false.*request is over/, 'is over as well';
is $server->get('/reuse.lua')->content, "/reuse.lua userdata\n", 'the state is fit for more' for 1 .. 3;
$server->stop;
unlike $server->error_log, qr/exit signal/, 'no crash';

done_testing;
