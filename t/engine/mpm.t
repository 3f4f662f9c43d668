# SPDX-License-Identifier: Apache-2.0
# What depends on the MPM: how many requests a child serves at once, and that they do it right.
use strict;
use warnings;
use Apache::Test ();
use Coral::Server;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep time);

my $mpm     = Apache::Test::vars()->{coral_mpm};
my $prefork = $mpm eq 'prefork';
my $server  = Coral::Server->new(config => ($prefork
    ? "StartServers 3\nMinSpareServers 3\nMaxSpareServers 3\nServerLimit 3\nMaxRequestWorkers 3\n"
    : "StartServers 2\nServerLimit 2\nThreadsPerChild 4\nMaxRequestWorkers 8\nMinSpareThreads 1\nMaxSpareThreads 8\n")
    . "MaxConnectionsPerChild 60\nCoralHook exit_worker lua/exit.lua\nCoralHook init_worker lua/begin.lua\n", files => {
    'lua/exit.lua'      => 'ngx.log(ngx.WARN, "END ", ngx.worker.pid())',
    'lua/begin.lua'     => 'ngx.log(ngx.WARN, "BEGIN ", ngx.worker.pid(), " ID ", ngx.worker.id(), " ", select(2, ngx.worker.pids()))',
    'htdocs/facts.lua'  => 'local s = require("coral").status() ngx.print(s.threads, " ", s.pid == ngx.worker.pid() and "pid", " ", ngx.worker.count())',
    'htdocs/pid.lua'    => 'ngx.sleep(0.05) ngx.print(ngx.worker.pid())',
    'htdocs/work.lua'   => <<'LUA',
local n, t = tonumber(ngx.var.arg_n), {}
for i = 1, 2000 do t[i] = ("%d-%d"):format(n, i) end
table.sort(t)
ngx.header["X-N"] = tostring(n)
for i = 1, #t, 500 do ngx.print(t[i]:match("^%d+"), " ") ngx.flush(i % 1000 == 1) end
LUA
});
ok $server->start, "starts under $mpm" or diag $server->output, $server->error_log;
my ($threads, $pid, $count) = split ' ', $server->get('/facts.lua')->content;
is $threads, $prefork ? 1 : 4, 'threads of a child';
is $pid, 'pid', 'its process id';
is $count, $prefork ? 3 : 2, 'children at the most';
like $server->output . $server->error_log . qx($ENV{HTTPD} -V 2>&1), qr/\w/, 'httpd tells about itself';

sub asked {
    my $socket = IO::Socket::INET->new('127.0.0.1:' . $server->port) or die "no connection: $!\n";
    print $socket "GET $_[0] HTTP/1.0\r\n\r\n";
    return $socket;
}
sub answer { my $socket = shift; local $/; return <$socket> // '' }

my $width = $prefork ? 3 : 8;
my %pids  = map { (split /\r\n\r\n/, answer($_))[1] => 1 } map { asked('/pid.lua') } 1 .. $width;
ok !exists $pids{ $server->pid }, 'the parent serves nobody';
cmp_ok scalar keys %pids, '>=', $prefork ? 2 : 1, 'children serve';

# Many requests, several at a time; children end and are replaced meanwhile.
my ($good, $bad) = (0, 0);
for my $round (1 .. 200 / $width) {
    my %open = map { $_ => asked("/work.lua?n=$_") } map { $round * 100 + $_ } 1 .. $width;
    for my $n (keys %open) {
        answer($open{$n}) =~ /^HTTP\/1\.1 200 .*X-N: $n\r.*\r\n\r\n(?:$n ){4}\z/s ? $good++ : $bad++;
    }
}
is $bad, 0, 'under load each gets its own answer';
cmp_ok $good, '>', 150, 'all of them';
my $log = $server->error_log;
my ($begun, $ended) = map { scalar(() = $log =~ /$_ \d+/g) } qw(BEGIN END);
my @ids = $log =~ /BEGIN \d+ ID (\w+) API disabled in the current context/g;
is scalar @ids, $begun, 'each has an id in init_worker';
is_deeply [grep !/^[012]$/, @ids], [], 'a number below ServerLimit';
cmp_ok scalar keys %{ { map { $_ => 1 } @ids } }, '>', 1, 'not all the same';
cmp_ok $begun, '>', $prefork ? 3 : 2, 'children were replaced (MaxConnectionsPerChild)';
cmp_ok $ended, '>', 0, 'and said good bye';
ok $log !~ /exit signal|coral:error/, 'no crash, no error';
$server->stop;

done_testing;
