# SPDX-License-Identifier: Apache-2.0
# ngx.run_worker_thread: a function in another Lua state, while the caller waits.
use strict;
use warnings;
use Coral::Blocks;
use Coral::Server;
use Test::More;

my $server = Coral::Server->new(
    config => "CoralWorkerThreadVmPoolSize 2\nCoralPackagePath \"\@ROOT\@/lua/?.lua\"\nCoralSharedDict numbers 64k\n"
        . "<IfModule mpm_event_module>\nStartServers 1\nServerLimit 1\nThreadsPerChild 8\nMaxRequestWorkers 8\n</IfModule>\n" . <<'CONF',
<Location /own>
    CoralPackagePath "@ROOT@/own/?.lua"
    <CoralHook content>
        local numbers = ngx.shared.numbers
        if ngx.var.args == "result" then return ngx.print(numbers:get("own")) end
        ngx.timer.at(0.2, function() numbers:set("own", select(2, ngx.run_worker_thread("pool", "own", "hello"))) end)
    </CoralHook>
</Location>
CONF
    files => { 'own/own.lua' => 'return { hello = function() return "hello" end }', 'lua/broken.lua' => 'x = = 1', 'lua/text.lua' => 'return "text"', 'lua/work.lua' => <<'LUA' });
local work = { field = 1 }
N = (N or 0) + 1
function work.echo(...) return ... end
function work.count(...) return select("#", ...), ... end
function work.sum(t) local s = 0 for _, n in ipairs(t) do s = s + n end return true, s end
function work.fail() error("it failed") end
function work.fail_table() error({}) end
function work.bad() return print end
function work.sleep(s) os.execute("sleep " .. s) return "slept" end
function work.wait() return pcall(ngx.sleep, 0.01) end
function work.say() return pcall(ngx.say, "x") end
function work.loaded() return N end
function work.more() return ngx.md5("x"), ngx.encode_base64("x"), ngx.config.subsystem, ngx.shared.numbers:incr("n", 1, 0) end
return work
LUA
ok $server->start, 'the server starts' or die $server->output . $server->error_log;
# A <Location>'s paths are in the memory of the request that sets the timer; others have that when it runs.
is $server->get('/own')->code, 200, 'a timer of a request that is over';
my $result = '';
for (1 .. 200) {
    $server->get('/' . 'x' x 4000);
    last if ($result = $server->get('/own?result')->content) ne 'nil';
}
is $result, 'hello', 'its thread finds the modules of its place';

run_blocks(server => $server, LUA => <<~'LUA' =~ s/\s*\n\s*/ /gr);
    local function show(...) local t = table.pack(...) for i = 1, t.n do t[i] = tostring(t[i]) end ngx.say(table.concat(t, "|")) end
    local function run(...) show(ngx.run_worker_thread("pool", "work", ...)) end
    LUA
__DATA__
=== values there and back
--- lua
@LUA@
run("echo", 1, 2.5, "ab", true, false, nil, nil)
run("count")
run("count", nil)
run("sum", { 1, 2, 3, 4 })
local ok, t = ngx.run_worker_thread("pool", "work", "echo", { a = { b = { 1, 2, { c = "x" } } }, [1] = "one", [7] = false, [1.5] = ngx.null })
show(ok, t.a.b[3].c, t[1], t[7], t[1.5] == ngx.null, math.type(t.a.b[1]))
local big = ("x\0"):rep(500000)
show(select(2, ngx.run_worker_thread("pool", "work", "echo", big)) == big)
--- body
true|1|2.5|ab|true|false|nil|nil
true|0
true|1|nil
true|true|10
true|x|one|false|true|integer
true

=== what cannot go
--- lua
@LUA@
run("echo", print)
run("echo", { { coroutine.create(print) } })
run("echo", io.stdout)
run("echo", { [print] = 1 })
local round = {}
round[1] = round
run("echo", round)
run("bad")
--- body
false|unsupported Lua type: LUA_TFUNCTION in the argument
false|unsupported Lua type: LUA_TTHREAD in the argument
false|unsupported Lua type: LUA_TUSERDATA in the argument
false|unsupported Lua type: LUA_TFUNCTION in the argument
false|suspicious circular references, table depth exceed max depth: 100 in the argument
false|unsupported Lua type: LUA_TFUNCTION in the return value

=== arguments
--- lua
@LUA@
show(ngx.run_worker_thread())
show(ngx.run_worker_thread("pool", "work"))
show(ngx.run_worker_thread({}, "work", "echo"))
show(ngx.run_worker_thread("pool", {}, "echo"))
show(ngx.run_worker_thread("pool", "work", {}))
show((select(2, ngx.run_worker_thread("pool", "no.such.module", "echo")):match("^module 'no.such.module' not found")))
show((select(2, ngx.run_worker_thread("pool", "broken", "echo")):match("unexpected symbol")))
show(ngx.run_worker_thread("pool", "text", "echo"))
run("none")
run("field")
--- body
false|expecting at least 3 arguments
false|expecting at least 3 arguments
false|threadpool should be a string
false|module name should be a string
false|function name should be a string
module 'no.such.module' not found
unexpected symbol
false|invalid lua module
false|invalid function
false|invalid function

=== errors
--- lua
local ok, err = ngx.run_worker_thread("pool", "work", "fail")
ngx.say(ok, " ", err:match("work.lua:%d+: it failed$") ~= nil)
ok, err = ngx.run_worker_thread("pool", "work", "fail_table")
ngx.say(ok, " ", err:match("^table: ") ~= nil)
--- body
false true
false true

=== a state of its own, which stays
--- lua
@LUA@
N = 100
_G.N = 100
run("loaded")
run("loaded")
--- body
true|1
true|1

=== what can be used there
--- lua
@LUA@
local ok, md5, code, subsystem, n = ngx.run_worker_thread("pool", "work", "more")
show(ok, md5 == ngx.md5("x"), code, subsystem, n == ngx.shared.numbers:get("n"))
local _, waited, why = ngx.run_worker_thread("pool", "work", "wait")
show(waited, (why:match("cannot wait here") or why:match("no request")))
show(select(2, ngx.run_worker_thread("pool", "work", "say")))
--- body_like ^true\|true\|eA==\|http\|true\nfalse\|(?:cannot wait here|no request)\nfalse\|there is no request here\n$

=== others go on meanwhile, and no more run than may
--- lua
@LUA@
local from = ngx.now()
local a = ngx.thread.spawn(ngx.run_worker_thread, "pool", "work", "sleep", 0.4)
local b = ngx.thread.spawn(ngx.run_worker_thread, "pool", "work", "sleep", 0.4)
run("sleep", 0)
ngx.sleep(0.05)
show("here")
show(ngx.thread.wait(a))
show(ngx.thread.wait(b))
run("sleep", 0)
--- body
false|no available Lua vm
here
true|true|slept
true|true|slept
true|slept

=== a thread that is killed does not wait for it
--- lua
@LUA@
local a = ngx.thread.spawn(ngx.run_worker_thread, "pool", "work", "sleep", 0.2)
show(ngx.thread.kill(a))
ngx.sleep(0.5)
run("echo", "fine")
--- body
1
true|fine

=== a request that ends does not wait for it, either
--- lua
ngx.thread.spawn(ngx.run_worker_thread, "pool", "work", "sleep", 0.2)
ngx.say("bye")
ngx.exit(200)
--- body
bye

=== in a timer; where nothing can wait
--- lua
@LUA@
local result
ngx.timer.at(0, function() result = { ngx.run_worker_thread("pool", "work", "echo", "timer") } end)
for _ = 1, 200 do
  if result then break end
  ngx.sleep(0.02)
end
show(result[1], result[2])
show((select(2, pcall(table.sort, { 1, 2, 3 }, function() ngx.run_worker_thread("pool", "work", "echo") end)):match("cannot wait here")))
--- body
true|timer
cannot wait here
