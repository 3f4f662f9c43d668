# SPDX-License-Identifier: Apache-2.0
# ngx.timer: at, every, the counts, the limits, what a callback may do, the end of the process.
use strict;
use warnings;
use Coral::Blocks;
use Coral::File;
use Coral::Server;
use Coral::Upstream;
use Test::More;

my $servers = Coral::Upstream->start(PLAY => 'tcp', UDP => 'udp');

sub server {
    my %given = @_;
    my $server = Coral::Server->new(%given);
    ok $server->start, 'the server starts' or die $server->output . $server->error_log;
    return $server;
}

# --- limits ----------------------------------------------------------------------------

# What is awaited is asked for again and again, so that a machine that is busy with something else does not matter.
my $soon = 'local function soon(fine) for i = 1, 500 do if fine() then return end ngx.sleep(0.01) end end ';
my $limited = server(config => "CoralMaxPendingTimers 3\nCoralMaxRunningTimers 2\n", files => {
    'htdocs/pending.lua' => $soon . <<'LUA',
for i = 1, 5 do
  local ok, err = ngx.timer.at(0.2, function() end)
  ngx.say(not not ok, " ", err)
end
ngx.say(ngx.timer.pending_count())
soon(function() return ngx.timer.pending_count() == 0 end)
ngx.say(ngx.timer.pending_count())
ngx.say(not not ngx.timer.at(0, function() end))
LUA
    'htdocs/running.lua' => $soon . <<'LUA',
local ran, over = 0
for i = 1, 3 do assert(ngx.timer.at(0, function() ran = ran + 1 soon(function() return over end) end)) end
soon(function() return ran == 2 end)
ngx.sleep(0.15)
ngx.say(ran, " ", ngx.timer.running_count())
over = true
soon(function() return ran == 3 and ngx.timer.running_count() == 0 end)
ngx.say(ran, " ", ngx.timer.running_count())
LUA
    'htdocs/counts.lua' => $soon . <<'LUA',
local over
soon(function() return ngx.timer.pending_count() + ngx.timer.running_count() == 0 end)
for i = 1, 2 do ngx.timer.at(0.1, function() soon(function() return over end) end) end
local function counts() return ngx.timer.pending_count() .. " " .. ngx.timer.running_count() end
ngx.say(counts())
soon(function() return ngx.timer.running_count() == 2 end)
ngx.say(counts())
over = true
soon(function() return ngx.timer.running_count() == 0 end)
ngx.say(counts(), " ", math.type(ngx.timer.pending_count()), " ", math.type(ngx.timer.running_count()))
LUA
});
my $log = $limited->log;
is $limited->get('/pending.lua')->content, <<'END', 'CoralMaxPendingTimers';
true nil
true nil
true nil
false too many pending timers
false too many pending timers
3
0
true
END
my $told = $limited->get('/running.lua')->content;
is $told, "2 2\n3 0\n", 'CoralMaxRunningTimers: the third one has to wait (OpenResty drops it)';
like $limited->error_log, qr/\b2\b.*RunningTimers/i, 'which is told';
is $limited->get('/counts.lua')->content, "2 0\n0 2\n0 0 integer integer\n", 'the counts';
$limited->stop;

for my $bad ('CoralMaxPendingTimers -1', 'CoralMaxRunningTimers x', 'CoralMaxPendingTimers') {
    my ($status, $output) = Coral::Server->new(config => "$bad\n")->configtest;
    isnt $status, 0, "$bad: is refused";
    like $output, qr/line 1 of \S*httpd\.conf/, "$bad: with its line";
}

# --- from the start to the end of the process ------------------------------------------

my $life = server(config => <<'CONFIG', files => { 'htdocs/start.lua' => <<'LUA' });
<CoralHook init_worker>
assert(ngx.timer.at(0, function(premature, word)
  ngx.log(ngx.WARN, "init_worker timer: ", premature, " ", word, " ", ngx.get_phase())
end, "hello"))
assert(ngx.timer.every(0.05, function(premature) ngx.log(ngx.WARN, "every: ", premature) end))
</CoralHook>
CONFIG
ngx.timer.at(1000, function(premature, word)
  local later, err = ngx.timer.at(1, function() end)
  ngx.log(ngx.WARN, "at the end: ", premature, " ", word, " ", not not later, " ", err)
end, "word")
ngx.say("started")
LUA
$log = Coral::File->follow($life->root . '/error_log', 0);
ok $log->wait(qr/init_worker timer: false hello timer/, 5), 'a timer of init_worker' or diag $log->text;
ok $log->wait(qr/(?:every: false.*){3}/s, 5), 'comes again and again';
is $life->get('/start.lua')->content, "started\n", 'a timer for later';
my $since = $life->log;
$life->graceful;
ok $since->wait(qr/at the end: true word false process exiting/, 10), 'the process ends: it runs before its time'
    or diag $since->text;
$life->get('/start.lua');
$since = $life->log;
$life->stop;
ok $since->wait(qr/at the end: true word false process exiting/, 10), 'and when the server is stopped' or diag $since->text;
unlike $life->error_log, qr/exit signal/, 'nothing crashed';

run_blocks($servers->words);
__DATA__
=== at: later, once, with its arguments
--- lua
@LUA@
local said = {}
local function callback(premature, ...) said[#said + 1] = { premature, select("#", ...), ... } end
local ok, err = ngx.timer.at(0.05, callback, "a", nil, 3, nil)
show(not not ok, ok ~= true and ok or type(ok), err)
show(#said)
for i = 1, 300 do if #said > 0 then break end ngx.sleep(0.01) end
ngx.sleep(0.1)
show(#said)
show(said[1][1], said[1][2], said[1][3], said[1][4], said[1][5])
--- body
true|1|nil
0
1
false|4|a|nil|3

=== the delay
--- lua
@LUA@
local from, at = ngx.now()
ngx.timer.at(0.2, function() ngx.update_time() at = ngx.now() end)
for i = 1, 200 do if at then break end ngx.sleep(0.01) end
show(at - from >= 0.19, at - from < 2)
--- body
true|true

=== 0 is as soon as the script waits or ends
--- lua
@LUA@
local ran
assert(ngx.timer.at(0, function(premature) ran = premature end))
show(ran)
for i = 1, 300 do if ran ~= nil then break end ngx.sleep(0.01) end
show(ran)
--- body
nil
false

=== it runs when the request has long ended
--- lua
ngx.timer.at(0.2, function() ngx.log(ngx.WARN, "after the request") end)
ngx.say("done")
--- body
done
--- error_log
after the request

=== from every phase
--- htaccess
<CoralHook rewrite>
ngx.ctx.ran = {}
local ran = ngx.ctx.ran
assert(ngx.timer.at(0, function() ran[#ran + 1] = "rewrite" end))
</CoralHook>
<CoralHook access>
local ran = ngx.ctx.ran
assert(ngx.timer.at(0, function() ran[#ran + 1] = "access" end))
</CoralHook>
<CoralHook header_filter>
assert(ngx.timer.at(0, function() ngx.log(ngx.WARN, "ran of header_filter") end))
</CoralHook>
<CoralHook log>
assert(ngx.timer.at(0, function() ngx.log(ngx.WARN, "ran of log") end))
</CoralHook>
--- lua
for i = 1, 300 do if #ngx.ctx.ran == 2 then break end ngx.sleep(0.01) end
table.sort(ngx.ctx.ran)
ngx.say(table.concat(ngx.ctx.ran, " "))
--- body
access rewrite
--- error_log
ran of header_filter
ran of log

=== every
--- lua
@LUA@
local count, args = 0
show(not not ngx.timer.every(0.03, function(premature, a, b)
  if count < 3 then count, args = count + 1, a .. b end
end, "x", "y"))
for i = 1, 200 do if count == 3 then break end ngx.sleep(0.01) end
show(count, args)
--- body
true
3|xy

=== wrong use
--- lua
@LUA@
local function f() end
local calls = { { "at" }, { "at", 0 }, { "at", 0, 1 }, { "at", 0, {} }, { "at", "x", f }, { "at", {}, f }, { "every", 0, f },
  { "every", 1 }, { "every", "x", f } }
for i, call in ipairs(calls) do assert(not pcall(ngx.timer[call[1]], call[2], call[3]), i) end
assert(not pcall(ngx.timer.at, nil, f))
show("all raise")
--- body
all raise

=== a delay may be a string that is a number
--- lua
@LUA@
local ran
show(not not ngx.timer.at("0.01", function() ran = true end))
for i = 1, 300 do if ran then break end ngx.sleep(0.01) end
show(ran)
--- body
true
true

=== an error is logged, and that is all
--- lua
@LUA@
local after
ngx.timer.at(0, function() error("timer failed") end)
ngx.timer.at(0.05, function() after = true end)
for i = 1, 300 do if after then break end ngx.sleep(0.01) end
show(after)
--- body
true
--- error_log
timer failed

=== an error after a wait, and one that is no text
--- lua
@LUA@
ngx.timer.at(0, function() ngx.sleep(0.01) error("failed later") end)
ngx.timer.at(0, function() error({}) end)
ngx.timer.at(0, function() local x = nil; x() end)
ngx.sleep(0.2)
show("fine")
--- body
fine
--- error_log
failed later

=== the phase is timer, and there is no request
--- lua
@LUA@
local phase, failed = nil, {}
local calls = {
  say = function() ngx.say("x") end, print = function() ngx.print("x") end, flush = function() ngx.flush() end,
  eof = function() ngx.eof() end, exec = function() ngx.exec("/") end, redirect = function() ngx.redirect("/") end,
  read_body = function() ngx.req.read_body() end, get_headers = function() ngx.req.get_headers() end,
  get_uri_args = function() ngx.req.get_uri_args() end, get_method = function() ngx.req.get_method() end,
  set_header = function() ngx.req.set_header("a", "b") end, req_socket = function() ngx.req.socket() end,
}
local ended
ngx.timer.at(0, function()
  phase = ngx.get_phase()
  for name, f in pairs(calls) do
    local ok, err = pcall(f)
    if ok then ngx.log(ngx.WARN, "works in a timer: ", name) end
    failed[#failed + 1] = not ok and type(err) == "string" and name or nil
  end
  ended = true
end)
for i = 1, 100 do if ended then break end ngx.sleep(0.01) end
table.sort(failed)
show(phase)
show(table.concat(failed, " "))
--- body
timer
eof exec flush get_headers get_method get_uri_args print read_body redirect req_socket say set_header

=== what needs no request works
--- lua
@LUA@
local result
ngx.timer.at(0, function()
  local parts = { ngx.md5("x"):sub(1, 4), ngx.escape_uri("a b"), type(ngx.now()), ngx.encode_base64("x"), tostring(ngx.null ~= nil),
    tostring(ngx.worker.pid() > 0) }
  ngx.sleep(0.01)
  local co = coroutine.wrap(function() ngx.sleep(0.01) coroutine.yield("co") end)
  parts[#parts + 1] = co()
  local t = ngx.thread.spawn(function() ngx.sleep(0.01) return "thread" end)
  parts[#parts + 1] = select(2, ngx.thread.wait(t))
  parts[#parts + 1] = require("ngx.semaphore") and "module"
  result = table.concat(parts, " ")
end)
for i = 1, 100 do if result then break end ngx.sleep(0.01) end
show(result)
--- body
9dd4 a%20b number eA== true true co thread module

=== sockets in a timer
--- lua
@LUA@
local got = {}
ngx.timer.at(0, function()
  local s = ngx.socket.tcp()
  s:settimeout(5000)
  assert(s:connect("127.0.0.1", @PLAY@))
  s:send("say:one%0a wait:50 say:two%0a\n")
  got[1], got[2] = s:receive(), s:receive()
  s:setkeepalive()
  local u = ngx.socket.udp()
  u:setpeername("127.0.0.1", @UDP@)
  u:send("say:three")
  got[3] = u:receive()
end)
for i = 1, 300 do if got[3] then break end ngx.sleep(0.01) end
show(got[1], got[2], got[3])
--- body
one|two|three

=== a connection goes from a request through the pool to a timer
--- lua
@LUA@
local pool = "timer pool " .. ngx.now()
local s, times = ngx.socket.tcp()
assert(s:connect("127.0.0.1", @PLAY@, { pool = pool }))
s:setkeepalive()
ngx.timer.at(0, function()
  local s = ngx.socket.tcp()
  assert(s:connect("127.0.0.1", @PLAY@, { pool = pool }))
  times = s:getreusedtimes()
  s:setkeepalive()
end)
for i = 1, 300 do if times then break end ngx.sleep(0.01) end
assert(s:connect("127.0.0.1", @PLAY@, { pool = pool }))
show(times, s:getreusedtimes())
--- body
1|2

=== connections of a timer end with it
--- lua
@LUA@
local before, ended = tonumber((open("open"):receive()))
ngx.timer.at(0, function()
  for i = 1, 10 do open("conn"):receive() end
  ended = true
end)
for i = 1, 300 do if ended then break end ngx.sleep(0.01) end
ngx.sleep(0.3)
show(tonumber((open("open"):receive())) <= before + 1)
--- body
true

=== ngx.ctx is the timer's own
--- lua
@LUA@
ngx.ctx.who = "request"
local seen
ngx.timer.at(0, function()
  seen = { tostring(ngx.ctx.who) }
  ngx.ctx.who = "timer"
  ngx.sleep(0.01)
  seen[2] = ngx.ctx.who
end)
for i = 1, 100 do if seen and seen[2] then break end ngx.sleep(0.01) end
show(seen[1], seen[2], ngx.ctx.who)
--- body
nil|timer|request

=== exit ends the timer
--- lua
@LUA@
local said = {}
ngx.timer.at(0, function() said[#said + 1] = "before" pcall(ngx.exit, 0) said[#said + 1] = "after" end)
ngx.timer.at(0, function() ngx.sleep(0.01) said[#said + 1] = "before" ngx.exit(ngx.OK) said[#said + 1] = "after" end)
for i = 1, 300 do if #said == 2 then break end ngx.sleep(0.01) end
ngx.sleep(0.1)
show(table.concat(said, " "))
--- body
before before

=== timers of timers
--- lua
@LUA@
local count = 0
local function again(premature, left)
  count = count + 1
  if left > 0 then assert(ngx.timer.at(0.001, again, left - 1)) end
end
ngx.timer.at(0, again, 20)
for i = 1, 300 do if count == 21 then break end ngx.sleep(0.01) end
show(count)
--- body
21

=== in their order, by time
--- lua
@LUA@
local order = {}
for _, i in ipairs { 5, 1, 4, 2, 3 } do ngx.timer.at(i * 0.08, function() order[#order + 1] = i end) end
for i = 1, 300 do if #order == 5 then break end ngx.sleep(0.01) end
show(table.concat(order, " "))
--- body
1 2 3 4 5

=== many
--- lua
@LUA@
local count = 0
for i = 1, 200 do assert(ngx.timer.at(0.001 * (i % 20), function() count = count + 1 end)) end
for i = 1, 300 do if count == 200 then break end ngx.sleep(0.01) end
show(count)
--- body
200

=== many that wait at a time
--- lua
@LUA@
local count = 0
for i = 1, 100 do assert(ngx.timer.at(0, function() ngx.sleep(0.1) count = count + 1 end)) end
local from = ngx.now()
for i = 1, 300 do if count == 100 then break end ngx.sleep(0.01) end
ngx.update_time()
show(count, ngx.now() - from < 2)
--- body
100|true

=== what is kept for a callback is let go after it
--- lua
@LUA@
local seen = setmetatable({}, { __mode = "k" })
local done = 0
local function start()
  local t = {}
  seen[t] = true
  ngx.timer.at(0, function(_, x) assert(x == t) done = done + 1 end, t)
end
for i = 1, 10 do start() end
for i = 1, 100 do if done == 10 then break end ngx.sleep(0.01) end
ngx.sleep(0.05)
collectgarbage() collectgarbage()
local left = 0
for _ in pairs(seen) do left = left + 1 end
show(done, left)
--- body
10|0
