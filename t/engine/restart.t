# SPDX-License-Identifier: Apache-2.0
# The life of the server: start, configtest, graceful and hard restart under load, the end of a child; init_worker and exit_worker.
use strict;
use warnings;
use Apache::Test ();
use Coral::Server;
use IO::Select;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep time);

my $mpm    = Apache::Test::vars()->{coral_mpm};
my %files  = (
    'htdocs/hello.lua' => 'ngx.print("hello ", VERSION or "none")',
    'htdocs/slow.lua'  => 'ngx.print("be") ngx.flush(true) ngx.sleep(0.4) ngx.print("gun")',
    'htdocs/pid.lua'   => 'ngx.print(ngx.worker.pid(), " ", WORKER or "none", " ", tostring(ngx.worker.exiting()))',
    'lua/init.lua'     => 'VERSION = "one"',
    'lua/worker.lua'   => 'WORKER = "worker" .. ngx.worker.pid() ngx.log(ngx.WARN, "BEGIN ", ngx.worker.pid(), " ", ngx.get_phase(), " ", VERSION)',
    'lua/exit.lua'     => 'ngx.log(ngx.WARN, "END ", ngx.worker.pid(), " ", ngx.get_phase(), " ", WORKER)',
    'lua/fun.lua'      => 'function begin() ngx.log(ngx.WARN, "FUNCTION ", ngx.worker.pid()) end',
);
my $config = <<'CONF';
CoralHook init lua/init.lua
CoralHook init_worker lua/worker.lua
CoralHook exit_worker lua/exit.lua
CoralHook init_worker lua/fun.lua begin
CoralStates 1 4
GracefulShutdownTimeout 10
<VirtualHost *:@PORT@>
    ServerName a.test
</VirtualHost>
<VirtualHost *:@PORT@>
    ServerName b.test
    <CoralHook init_worker>
        ngx.log(ngx.WARN, "HOST ", ngx.worker.pid())
    </CoralHook>
</VirtualHost>
CONF
my $server = Coral::Server->new(config => $config, files => \%files);
my ($status, $output) = $server->configtest;
is $status, 0, 'configtest' or diag $output;
like $output, qr/Syntax OK/, 'says so';
ok $server->error_log !~ /BEGIN/, 'and runs no hook';
ok $server->start, 'starts' or diag $server->output, $server->error_log;
is $server->get('/hello.lua')->content, 'hello one', 'serves';

# The hooks of a child.
my ($pid, $worker) = split ' ', $server->get('/pid.lua')->content;
like $server->error_log, qr/BEGIN $pid init_worker one/, 'init_worker, after init';
is scalar(() = $server->error_log =~ /BEGIN $pid /g), 1, 'once per child, not per virtual host';
is scalar(() = $server->error_log =~ /FUNCTION $pid/g), 1, 'a function, once';
is scalar(() = $server->error_log =~ /HOST $pid/g), 1, 'a virtual host has one of its own';
isnt $pid, $server->pid, 'in the child';
ok $server->error_log !~ /BEGIN @{[$server->pid]} /, 'and not in the parent';

# Requests without end on many connections, until told to stop.
sub load {
    my ($for, $do) = @_;
    my ($end, $select, %open, %got) = (time + $for, IO::Select->new);
    my $done = 0;
    while (time < $end || %open) {
        if (time < $end && keys %open < 4) {
            my $uri = keys(%open) % 2 ? '/slow.lua' : '/hello.lua';
            my $socket = IO::Socket::INET->new('127.0.0.1:' . $server->port) or next;
            print $socket "GET $uri HTTP/1.0\r\n\r\n";
            $open{$socket} = { uri => $uri, text => '', socket => $socket };
            $select->add($socket);
        }
        $do->(), $done = 1 if !$done && time > $end - $for + 0.5;
        for my $socket ($select->can_read(0.01)) {
            next if sysread $socket, $open{$socket}{text}, 65536, length $open{$socket}{text};
            my $one = delete $open{$socket};
            my $want = $one->{uri} eq '/slow.lua' ? 'begun' : 'hello \w+';
            $got{ $one->{text} =~ m{^HTTP/1\.1 200 .*\r\n\r\n$want\z}s ? 'good' : 'bad' }++;
            $got{sample} = $one->{text} if $one->{text} !~ m{^HTTP/1\.1 200 };
            $select->remove($socket);
            close $socket;
        }
        last if time > $end + 15;
    }
    return \%got;
}

$server->write('lua/init.lua', 'VERSION = "two"');
my $log = $server->log;
my $got = load(2.5, sub { kill USR1 => $server->pid });
is $got->{bad} // 0, 0, 'a graceful restart under load: no request fails' or diag $got->{sample} // 'cut';
cmp_ok $got->{good}, '>', 10, 'and there were some';
ok $log->wait(qr/resuming normal operations/, 10), 'the new generation is there';
is $server->get('/hello.lua')->content, 'hello two', 'and runs the new code';
ok $log->wait(qr/END $pid exit_worker /, 15), 'exit_worker in the old child' or diag $log->text;
is scalar(() = $log->text =~ /END $pid/g), 1, 'once';
ok $log->wait(qr/BEGIN \d+ init_worker two/, 5), 'init_worker in the new one';

for my $round (1 .. 3) {
    $got = load(1.5, sub { kill USR1 => $server->pid });
    is $got->{bad} // 0, 0, "again, round $round" or diag $got->{sample} // 'cut';
}
($pid) = split ' ', $server->get('/pid.lua')->content;
$log = $server->log;
$server->write('lua/init.lua', 'VERSION = "three"');
$got = load(2.5, sub { kill HUP => $server->pid });
cmp_ok $got->{good}, '>', 5, 'a hard restart under load';
is $server->get('/hello.lua')->content, 'hello three', 'runs the new code';
ok $log->text !~ /exit signal/, 'and no child crashes' or diag $log->text;

# A broken file does not take a running server down; a broken configuration never starts.
$log = $server->log;
$server->write('lua/init.lua', 'VERSION = ');
($status, $output) = $server->configtest;
isnt $status, 0, 'configtest finds the mistake';
like $output, qr/init\.lua:1: /, 'and says where';
$server->write('lua/init.lua', 'VERSION = "four"');
$server->write('httpd.conf', $config . "<CoralHook access>\nthis is broken\n</CoralHook>\n");
$server->graceful;
is $server->get('/hello.lua')->code, 200 + 300 * ($server->get('/')->code == 500), 'a restart with a broken block: the server is there';
ok $log->wait(qr/httpd\.conf:\d+: .*broken|near 'is'/), 'and it is logged';
$server->write('httpd.conf', $config);
ok $server->graceful, 'mended';
is $server->get('/hello.lua')->content, 'hello four', 'and fine again';

# The end.
($pid) = split ' ', $server->get('/pid.lua')->content;
$log = $server->log;
$server->stop;
ok $log->wait(qr/END $pid /), 'exit_worker when the server stops';
ok $log->text !~ /exit signal|coral:error/, 'a clean end' or diag $log->text;

# A graceful stop ends what has begun.
ok $server->start, 'starts again';
my $socket = IO::Socket::INET->new('127.0.0.1:' . $server->port);
print $socket "GET /slow.lua HTTP/1.0\r\n\r\n";
sleep 0.15;
kill WINCH => $server->pid;
like do { local $/; <$socket> }, qr/\r\n\r\nbegun\z/, 'a graceful stop waits for those on the way';
for (1 .. 100) { last if $server->gone; sleep 0.1 }
ok $server->gone, 'and ends';
$server->stop;

# Hooks of a child that fail.
$log = $server->log;
$server->write('lua/worker.lua', "\nerror('SECRET worker')");
$server->write('lua/exit.lua', "\nerror({})");
ok $server->start, 'a failing init_worker: the server starts';
is $server->get('/hello.lua')->content, 'hello four', 'and serves';
ok $log->wait(qr/hook init_worker failed: \S+worker\.lua:2: SECRET worker/), 'it is logged';
$server->stop;
ok $log->wait(qr/hook exit_worker failed: /), 'a failing exit_worker is logged';
ok $log->text !~ /exit signal/, 'and that is all';

# -X: one process.
my $single = Coral::Server->new(config => $config, files => \%files);
ok $single->start('-X'), 'httpd -X' or diag $single->output, $single->error_log;
is $single->get('/hello.lua')->content, 'hello one', '-X serves' for 1 .. 3;
($pid) = split ' ', $single->get('/pid.lua')->content;
is $pid, $single->pid, 'in one process';
is scalar(() = $single->error_log =~ /BEGIN $pid /g), 1, 'init_worker there';
$single->stop;
ok $single->error_log =~ /END $pid /, 'exit_worker there';
ok $single->error_log !~ /Segmentation|exit signal|coral:error/, 'no crash at the end';

done_testing;
