# SPDX-License-Identifier: Apache-2.0
# A minute of everything at once: code that changes, states that end, clients that leave, scripts that fail; nothing
# may be mixed up, nothing may pile up.
use strict;
use warnings;
use Apache::Test ();
use Coral::File qw(write_file);
use Coral::Server;
use IO::Select;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep time);

my $prefork = Apache::Test::vars()->{coral_mpm} eq 'prefork';
my $server  = Coral::Server->new(config => ($prefork
    ? "StartServers 4\nMinSpareServers 4\nMaxSpareServers 4\nServerLimit 4\nMaxRequestWorkers 4\n"
    : "StartServers 1\nServerLimit 1\nThreadsPerChild 16\nMaxRequestWorkers 16\n") . <<'CONF', files => {
CoralReload stat 0
CoralHttp10Buffering off
CoralPackagePath "@ROOT@/lua/?.lua"
CoralStates 0 4
<CoralGroup few>
    CoralStates 0 2 requests=50
</CoralGroup>
CoralOutputFilter WRAP lua/wrap.lua wrap
CoralHook fixup lua/fix.lua
CoralHook log lua/log.lua
Alias /few/ @ROOT@/htdocs/
<Location /few/>
    CoralGroup few
</Location>
Alias /wrapped/ @ROOT@/htdocs/
<Location /wrapped/>
    SetOutputFilter WRAP
</Location>
CONF
    'lua/mod.lua'  => 'return { v = 1 }',
    'lua/fix.lua'  => 'ngx.ctx.n = ngx.var.arg_n',
    'lua/log.lua'  => 'if ngx.ctx.n ~= ngx.var.arg_n then ngx.log(ngx.ERR, "MIXED UP") end',
    'lua/wrap.lua' => 'function wrap() coroutine.yield("(") while bucket do coroutine.yield(bucket) end coroutine.yield(")") end',
    'htdocs/echo.lua'  => 'ngx.sleep(math.random(0, 3) / 1000) ngx.print(ngx.var.arg_n, " ", ngx.ctx.n, " ", require("mod").v)',
    'htdocs/parts.lua' => 'for i = 1, 3 do ngx.print(ngx.ctx.n, ".") ngx.flush(true) end',
    'htdocs/body.lua'  => 'local r = ... ngx.print(r:requestbody())',
    'htdocs/fails.lua' => 'ngx.sleep(0.001) error({})',
    'htdocs/late.lua'  => 'ngx.print("x") ngx.flush(true) error("late")',
    'htdocs/big.lua'   => 'for i = 1, 50 do ngx.print(("x"):rep(10000)) end',
    'htdocs/facts.lua' => 'collectgarbage() collectgarbage() local s = require("coral").status() ngx.print(s.pid, " ", s.states, " ", s.memory)',
});
ok $server->start, 'starts' or diag $server->output, $server->error_log;

# What is asked, and what must come; nothing: the client leaves without waiting for it.
my @kinds = (
    ['/echo.lua?n=%d',         qr/^(\d+) \g1 \d+$/],
    ['/few/echo.lua?n=%d',     qr/^(\d+) \g1 \d+$/],
    ['/wrapped/parts.lua?n=%d', qr/^\((\d+)\.(?:\g1\.){2}\)$/],
    ['/parts.lua?n=%d',        qr/^(\d+)\.(?:\g1\.){2}$/],
    ['/fails.lua?n=%d',        qr/Internal Server Error/],
    ['/late.lua?n=%d',         qr/^x$/],
    ['/big.lua?n=%d',          qr/^(?:x{10000}){50}\z/],
    ['/big.lua?n=%d',          undef],
    ['/echo.lua?n=%d',         undef],
    ['/body.lua?n=%d',         qr/^y{5000}$/, 'y' x 5000],
);

sub load {
    my ($seconds, $also) = @_;
    my ($select, $end, $n, %open, %count) = (IO::Select->new, time + $seconds, 0);
    my $width = $prefork ? 4 : 20;
    while (time < $end || %open) {
        last if time > $end + 20;
        if (time < $end && keys %open < $width) {
            my $kind = $kinds[++$n % @kinds];
            my $socket = IO::Socket::INET->new('127.0.0.1:' . $server->port) or next;
            my $body = $kind->[2] // '';
            print $socket sprintf("%s $kind->[0] HTTP/1.0\r\n", $body ? 'POST' : 'GET', $n), $body ? 'Content-Length: ' . length($body) . "\r\n" : '', "\r\n$body";
            if (!$kind->[1]) { $count{left}++; close $socket; next }
            $open{$socket} = [$kind, $n, ''];
            $select->add($socket);
            $also->($n) if $also;
        }
        for my $socket ($select->can_read(0.005)) {
            my $one = $open{$socket};
            next if sysread $socket, $one->[2], 65536, length $one->[2];
            my $text = (split /\r\n\r\n/, $one->[2], 2)[1] // '';
            my ($seen) = $text =~ $one->[0][1];    # the number, where there is one
            my $good = defined $seen && ($one->[0][0] !~ /echo|parts/ || $seen == $one->[1]);
            $count{ $good ? 'good' : 'bad' }++;
            $count{sample} = "$one->[0][0]: " . substr $one->[2], 0, 300 if !$good;
            $select->remove($socket);
            delete $open{$socket};
            close $socket;
        }
    }
    $count{open} = keys %open;
    return \%count;
}

sub facts { my ($pid, $states, $memory) = split ' ', $server->get('/facts.lua')->content; return { pid => $pid, states => $states, memory => $memory } }
sub rss { my $status = Coral::File->follow("/proc/$_[0]/status", 0)->text; return $status =~ /VmRSS:\s*(\d+)/ ? $1 : 0 }

my $version = 1;
my $change  = sub {
    my $n = shift;
    return if $n % 40;
    my $broken = $n % 120 == 0;
    my $file   = $server->root . '/lua/mod.lua';
    write_file("$file.new", $broken ? 'return {' : 'return { v = ' . ++$version . ' }');
    rename "$file.new", $file;
};
my $first = load(10, $change);
is $first->{bad} // 0, 0, 'all answers are right' or diag $first->{sample};
is $first->{open}, 0, 'none is missing';
cmp_ok $first->{good}, '>', 500, "$first->{good} answers, $first->{left} clients that left";
sleep 1;
my $before = facts();
my $rss    = rss($before->{pid});
for my $round (1 .. 3) {
    my $got = load(10, $change);
    is $got->{bad} // 0, 0, "round $round: all right" or diag $got->{sample};
    is $got->{open}, 0, "round $round: none missing";
}
sleep 1;
my $after = facts();
SKIP: {
    skip 'other children answer', 3 if $prefork;
    is $after->{pid}, $before->{pid}, 'the same child';
    cmp_ok $after->{states}, '<=', 6, 'no more states than allowed';
    skip 'the sanitizers keep memory back', 1 if $ENV{CORAL_SANITIZED};
    cmp_ok rss($after->{pid}) - $rss, '<', 8192, 'the process does not grow' or diag "$rss kB before, " . rss($after->{pid}) . ' after';
}
my $log = $server->error_log;
ok $log !~ /MIXED UP/, 'nothing is mixed up in the log phase';
ok $log !~ /exit signal/, 'nothing crashes';
$server->stop;
ok $server->error_log !~ /exit signal|Segmentation/, 'nor at the end';

done_testing;
