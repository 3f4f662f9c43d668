# SPDX-License-Identifier: Apache-2.0
# Eight processes hammer the same dictionaries, and are killed over it, one after the other: no value may be torn, no count lost, no
# memory; and nobody may wait for a dead one. CORAL_STRESS_SECONDS says for how long (15).
use strict;
use warnings;
use Apache::Test ();
use Coral::Server;
use IO::Select;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep time);

my $seconds = $ENV{CORAL_STRESS_SECONDS} || 15;
my $prefork = Apache::Test::vars()->{coral_mpm} eq 'prefork';
my $width   = 8;    # requests at a time
my $server  = Coral::Server->new(config => ($prefork
    ? "StartServers 10\nMinSpareServers 2\nMaxSpareServers 10\nServerLimit 10\nMaxRequestWorkers 10\n"
    : "StartServers 8\nServerLimit 8\nThreadsPerChild 2\nMaxRequestWorkers 16\nMinSpareThreads 2\nMaxSpareThreads 16\n") . <<'CONF', files => {
CoralSharedDict counts 2m
CoralSharedDict values 256k
CoralSharedDict blobs  1m
CoralSharedDict lists  8m
CoralSharedDict tiny   12k
CONF
    'htdocs/ready.lua' => 'ngx.print("ready")',
    'htdocs/hammer.lua' => <<'LUA',
-- Works for a while, with counters of its own and common ones; answers how often, and its pid.
local id, seconds = ngx.var.arg_id, tonumber(ngx.var.arg_s)
local counts, values, blobs, lists, tiny = ngx.shared.counts, ngx.shared.values, ngx.shared.blobs, ngx.shared.lists, ngx.shared.tiny
local random, ends, n = math.random, ngx.now() + seconds, 0
local function broken(...) ngx.log(ngx.ERR, "BROKEN ", ...) error("broken") end
-- A value is one letter many times, and tells its length.
local function value()
  local size = random(1, 20) == 1 and random(1, 4000) or random(1, 200)
  return ("%d:%s"):format(size, string.char(random(97, 122)):rep(size))
end
local function check(v)
  local size, letters = v:match "^(%d+):(%l*)$"
  if not size or #letters ~= tonumber(size) or letters:find("[^" .. letters:sub(1, 1) .. "]") then broken("value ", v:sub(1, 100)) end
end
local big = { ("x"):rep(50000), ("y"):rep(50000), ("z"):rep(50000) }
local queue, pushed, popped = "queue " .. id, 0, 0
repeat
  n = n + 1
  if counts:incr("own " .. id, 1, 0) ~= n then broken("own count") end
  counts:incr("all", 1, 0)
  local key = "k" .. random(1, 300)
  local dict = random(1, 4) == 1 and tiny or values
  local what = random(1, 8)
  if what <= 3 then dict:set(key, value(), random(1, 4) == 1 and 0.01 or 0)
  elseif what <= 6 then
    local v = dict:get(key)
    if v then check(v) end
  elseif what == 7 then dict:delete(key)
  else dict:add(key, value()) end
  pushed = pushed + 1
  lists:rpush(queue, pushed)
  lists:lpush("common", id)
  if n % 2 == 0 then
    for _ = 1, 2 do
      popped = popped + 1
      if lists:lpop(queue) ~= popped then broken("queue out of order") end
    end
    if lists:llen(queue) ~= 0 then broken("length of a queue") end
    lists:rpop("common") lists:rpop("common")
  end
  -- What takes long, with the lock.
  if n % 20 == 0 then
    values:get_keys(0)
    blobs:set("b" .. random(1, 40), ("%d:%s"):format(50000, big[random(1, #big)]))
    local v = blobs:get("b" .. random(1, 40))
    if v then check(v) end
    for i = 1, 100 do lists:rpush("bulk " .. id, i) end
    if lists:lpop("bulk " .. id) ~= 1 then broken("bulk") end
    lists:delete("bulk " .. id)
  end
  if n % 100 == 0 then
    -- Who has the lock is alone.
    if tiny:add("lock", id, 0.5) then
      values:set("owner", id)
      local owner = values:get("owner")
      if owner and owner ~= id and tiny:get("lock") == id then broken("two owners") end
      if tiny:get("lock") == id then tiny:delete("lock") end
    end
    tiny:flush_expired(3)
    tiny:get_keys(5)
  end
  if n % 2000 == 0 then values:flush_all() end
until ngx.now() > ends
ngx.print("done ", id, " ", n)
LUA
    'htdocs/report.lua' => <<'LUA',
local shared, own = require "coral.shared", 0
local counts = ngx.shared.counts
for _, key in ipairs(counts:get_keys(0)) do if key:match "^own " then own = own + counts:get(key) end end
for name, dict in pairs(ngx.shared) do
  local ok, wrong = shared.check(dict)
  if not ok then ngx.print(name, " ", wrong) return end
end
ngx.print("sound ", own, " ", counts:get("all"), " ", #counts:get_keys(0))
LUA
    'htdocs/own.lua' => 'ngx.print(tostring(ngx.shared.counts:get("own " .. ngx.var.arg_id)))',
});
ok $server->start, 'starts' or diag $server->output, $server->error_log;

# The children of the server, as the kernel has them; those with a thread that runs just now, if there are any.
sub stat_of { Coral::File->follow("/proc/$_[0]/stat", 0)->text =~ /^\d+ \(.*\) (\S) (\d+)/ }

sub children {
    my @children = grep { ((stat_of($_))[1] // 0) == $server->pid } map { m{(\d+)\z} } glob '/proc/[0-9]*';
    my @running  = grep { my $pid = $_; grep { ((stat_of($_))[0] // '') eq 'R' } map { m{^/proc/(.*)} } glob "/proc/$pid/task/*" } @children;
    return @running ? @running : @children;
}

sub mends { scalar(() = $server->error_log =~ /a process died over it; what it had not finished is undone/g) }

# Hammers, and kills a child a few times a second until the time is over; longer, if none had a lock yet when it was killed.
sub hammer {
    my ($for, $kill) = @_;
    my ($select, $end, $last, $id, %open, %got) = (IO::Select->new, time + $for, time + 5 * $for, 0);
    my $next = time + 1;
    %got = (done => 0, lost => 0, killed => 0, wrong => 0, late => 0);
    while (time < $end || %open) {
        if (time > $end + 30) { $got{late} = keys %open; last }
        if (time < $end && keys %open < $width) {
            my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1:' . $server->port, Timeout => 20) or next;
            printf $socket "GET /hammer.lua?id=%d&s=%.2f HTTP/1.0\r\n\r\n", ++$id + $kill * 1_000_000, 0.2 + rand 0.6;
            $open{$socket} = [$id + $kill * 1_000_000, ''];
            $select->add($socket);
        }
        if ($kill && time > $next && time < $end) {
            my @children = children();
            $got{killed} += kill KILL => $children[rand @children] if @children;
            $next = time + 0.15 + rand 0.2;
            $end  = time + 2 if time > $end - 1 && time < $last && !mends();
        }
        for my $socket ($select->can_read(0.02)) {
            my $one = $open{$socket};
            next if sysread $socket, $one->[1], 65536, length $one->[1];
            if ($one->[1] =~ /\r\n\r\ndone $one->[0] (\d+)\z/) { $got{done}++; $got{count}{ $one->[0] } = $1 }
            elsif ($one->[1] !~ /\S/) { $got{lost}++ }    # a child was killed
            else                      { $got{wrong}++; $got{sample} = $one->[1] }
            $select->remove($socket);
            delete $open{$socket};
            close $socket;
        }
    }
    return \%got;
}

SKIP: {
    skip 'there is no /proc here', 1 unless children();
    my $got = hammer(4, 0);
    is $got->{wrong} + $got->{lost} + $got->{late}, 0, 'nobody is killed: all answers are right' or diag $got->{sample} // '';
    my ($state, $own, $all) = split ' ', $server->get('/report.lua')->content;
    is $state, 'sound', 'the dictionaries are in order';
    my $sum = 0;
    $sum += $_ for values %{ $got->{count} };
    is "$own $all", "$sum $sum", 'the counts are exact';
    cmp_ok $sum, '>', 1000, "$sum rounds";

    $got = hammer($seconds, 1);
    is $got->{wrong}, 0, "children are killed: all answers are right" or diag $got->{sample};
    is $got->{late}, 0, 'and none waits for ever';
    cmp_ok $got->{killed}, '>', $seconds, "$got->{killed} children were killed";
    cmp_ok $got->{done}, '>', $seconds, "$got->{done} answers, $got->{lost} lost with a child";
    my $keys;
    ($state, $own, $all, $keys) = split ' ', $server->get('/report.lua')->content;
    is $state, 'sound', 'the dictionaries are in order' or diag "$own $all";

    # Between its own count and the common one a script may have died: once for each request that was lost.
    cmp_ok $own - $all, '>=', 0, 'no common count without an own one';
    cmp_ok $own - $all, '<=', $got->{lost}, "$own counts, and as many in common but for the dying";
    my @off = grep { $server->get("/own.lua?id=$_")->content ne $got->{count}{$_} } (keys %{ $got->{count} })[0 .. 30];
    is "@off", '', 'who lived has counted right';
    my $log = $server->error_log;
    ok $log !~ /BROKEN|it has been emptied/, 'nothing was broken' or diag grep { /BROKEN|emptied/ } split /^/, $log;
    ok $log !~ /exit signal (?!Killed)/, 'nobody crashed';
    cmp_ok mends(), '>', 0, mends() . ' times a child died with the lock of a dictionary';
    is $server->get('/ready.lua')->content, 'ready', 'and the server serves';
}
$server->stop;

done_testing;
