# SPDX-License-Identifier: Apache-2.0
# Many requests wait in one Lua state at the same time, in every place of Lua where one can wait: nothing is mixed up.
use strict;
use warnings;
use Apache::Test ();
use Coral::Echo;
use Coral::Server;
use Coral::Wire;
use Test::More;
use Time::HiRes qw(sleep time);

my $mpm = Apache::Test::vars()->{coral_mpm};
my $echo = Coral::Echo->new();

# Each gets n and wait(), and must give n again.
my %bodies = (
    plain    => 'wait() return n',
    wrap     => 'local s = 0 for i in coroutine.wrap(function() for i = 1, 5 do wait() coroutine.yield(i) end end) do s = s + i wait() end return n + s - 15',
    nested   => 'local function deep(k) if k == 0 then wait() return n end return coroutine.wrap(function() wait() return deep(k - 1) end)() end return deep(6)',
    resume   => 'local co = coroutine.create(function(a) while true do wait() a = coroutine.yield(a) end end) local r for i = 1, 3 do local ok, v = coroutine.resume(co, n) r = v end return r',
    pcall    => 'local ok, e = pcall(function() wait() error({ n }) end) return e[1]',
    xpcall   => 'local _, e = xpcall(function() wait() error("x") end, function(m) return n end) return e',
    index    => 'local t = setmetatable({}, { __index = function(_, k) wait() return k end }) return t[n]',
    metas    => <<'LUA',
local m = {}
local function make(v) return setmetatable({ v = v }, m) end
m.__add = function(a, b) wait() return make(a.v + b.v) end
m.__concat = function(a, b) wait() return a.v .. b.v end
m.__lt = function(a, b) wait() return a.v < b.v end
m.__eq = function(a, b) wait() return a.v == b.v end
m.__call = function(self, x) wait() return self.v + x end
m.__len = function(self) wait() return self.v end
m.__unm = function(self) wait() return make(-self.v) end
m.__newindex = function(t, k, v) wait() rawset(t, k, v) end
local a, b = make(n), make(1)
a.x = n
assert((a + b).v == n + 1 and a .. b == n .. 1 and (b < a) == (n > 1) and a(2) == n + 2 and #a == n and (-a).v == -n and (a == make(n)))
return a.x
LUA
    closing  => 'local r do local c <close> = setmetatable({}, { __close = function() wait() r = n end }) wait() end return r',
    forclose => 'local r for i in (function() return nil end), nil, nil, setmetatable({}, { __close = function() wait() r = n end }) do end return r',
    module   => 'return require("slow_" .. n % 7)(n)',
    sort     => 'local ok, e = pcall(table.sort, { 3, 2, 1 }, function(a, b) wait() return a < b end) assert(not ok and e:find("cannot wait here"), e) wait() return n',
    gsub     => 'local ok, e = pcall(string.gsub, "abc", ".", function() wait() end) assert(not ok and e:find("cannot wait here"), e) wait() return n',
    load     => 'local f = load("local n, wait = ... wait() return n") return f(n, wait)',
    loader   => 'local parts, i = { "return ", "7" }, 0 local ok, f, e = pcall(load, function() i = i + 1 wait() return parts[i] end) assert(not (ok and f)) return n',
    varargs  => 'local function f(...) wait() return select("#", ...), ... end local c, a = f(n, nil, nil) assert(c == 3) return a',
    thread   => 'local t = {} for i = 1, 5 do t[i] = ngx.thread.spawn(function() wait() return i + n end) end local s = 0 for i = 1, 5 do local ok, v = ngx.thread.wait(t[i]) s = s + v end return (s - 15) // 5',
    race     => 'local a = ngx.thread.spawn(function() ngx.sleep(5) end) local b = ngx.thread.spawn(function() wait() return n end) local ok, v = ngx.thread.wait(a, b) ngx.thread.kill(a) return v',
    inside   => 'local t = ngx.thread.spawn(function() return coroutine.wrap(function() wait() coroutine.yield(1) end)() + n end) local ok, v = ngx.thread.wait(t) return v - 1',
    ctx      => 'ngx.ctx.n = n wait() return ngx.ctx.n',
    global   => 'mine = n wait() return mine',
    var      => 'ngx.var.coral_n = n wait() return ngx.var.coral_n',
    header   => 'ngx.header["X-N"] = n wait() return ngx.header["X-N"]',
    goto_    => 'local i = 0 ::again:: wait() i = i + 1 if i < 5 then goto again end return n',
    string   => 'local s = ("%d"):rep(10):format(n, n, n, n, n, n, n, n, n, n) wait() return s:sub(1, #s // 10)',
    upvalue  => 'local a, f = n f = function() wait() a = a + 1 wait() return a - 1 end return f()',
    tail     => 'local function f(k) if k == 0 then wait() return n end return f(k - 1) end return f(1000)',
    timer    => 'local s, got = require("ngx.semaphore").new(), nil ngx.timer.at(0.001, function(_, v) got = v s:post() end, n) s:wait(5) return got',
    error_   => 'wait() local ok, e = pcall(error) wait() assert(not ok) return n',
);
my $before = <<'LUA';
local n = tonumber(ngx.var.arg_n)
local function wait()
  if ngx.var.arg_how == "sleep" then return ngx.sleep((n % 5) / 1000) end
  local s = ngx.socket.tcp()
  assert(s:connect("127.0.0.1", tonumber(ngx.var.arg_p)))
  assert(s:send(n .. "\n"))
  assert(s:receive() == tostring(n))
  assert(s:setkeepalive(2000, 50))
end
local function body()
LUA
my $after = "\nend\nngx.print(tostring(body()))\n";
my $server = Coral::Server->new(config => ($mpm eq 'prefork' ? "StartServers 4\nMinSpareServers 4\nMaxSpareServers 8\n"
    : "StartServers 1\nServerLimit 1\nThreadsPerChild 8\nMaxRequestWorkers 8\n") . <<'CONF', files => {
<IfModule mpm_event_module>
    AsyncRequestWorkerFactor 50
</IfModule>
MaxKeepAliveRequests 0
CoralStates 1 1
CoralPackagePath "@ROOT@/lua/?.lua"
CONF
    (map { ("lua/slow_$_.lua" => 'ngx.sleep(0.05) local own = ... return function(n) ngx.sleep(0.001) return n end') } 0 .. 6),
    (map { ("htdocs/$_.lua" => $before . $bodies{$_} . $after) } keys %bodies),
    'htdocs/facts.lua' => 'collectgarbage() collectgarbage() ngx.print(require("coral").status().states)',
});
ok $server->start, "starts under $mpm" or diag $server->output, $server->error_log;

# All of them at once, on some connections.
my ($width, $rounds) = $mpm eq 'event' ? (40, 3) : (4, 1);
my ($p, $n, @asked) = ($echo->port, 0);
for my $how (qw(sleep socket)) {
    my @queue = map { my $name = $_; map { [$name, $how, ++$n] } 1 .. $rounds } sort keys %bodies;
    my @order = sort { ($a->[2] * 7919) % 1009 <=> ($b->[2] * 7919) % 1009 } @queue;
    my (%bad, @wires);
    while (@order) {
        my @now = splice @order, 0, $width;
        @wires = map { Coral::Wire->new($server->port) } @now if @wires < @now;
        $wires[$_]->get("/$now[$_][0].lua?n=$now[$_][2]&how=$how&p=$p") for 0 .. $#now;
        for my $i (0 .. $#now) {
            my $got = $wires[$i]->answer;
            push @{ $bad{ $now[$i][0] } }, "$got->{code} " . substr $got->{body}, 0, 100 if $got->{body} ne $now[$i][2];
        }
        @wires = ();
    }
    ok !$bad{$_}, "$_, $how" or diag "@{ $bad{$_} }" for sort keys %bodies;
}
is $server->get('/facts.lua')->content, 1, 'in one state' unless $mpm eq 'prefork';
unlike $server->error_log, qr/coral:error|must not be|exit signal|cannot be woken|is lost/, 'no errors' or diag grep { /coral:error|must not|exit/ } split /^/, $server->error_log;
$server->stop;
unlike $server->error_log, qr/must not be|exit signal|still did not exit/, 'and ends well';

done_testing;
