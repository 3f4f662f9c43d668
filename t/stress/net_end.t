# SPDX-License-Identifier: Apache-2.0
# Whatever a script waits for, and however that ends before it has come: nothing is left behind, and the server is well.
use strict;
use warnings;
use Coral::Server;
use Coral::Upstream;
use IO::Select;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep time);

my $servers = Coral::Upstream->start(PLAY => 'tcp', FULL => 'full', LOCAL => 'unix', UDP => 'udp', TLS => 'tls:right');
my %words = $servers->words;

# What never comes.
my %waits = (
    line => 'open("wait:20000"):receive()',
    size => 'open("say:abc wait:20000"):receive(1000)',
    rest => 'open("digits:100000 wait:20000"):receive("*a")',
    until_ => 'open("say:abc wait:20000"):receiveuntil("--")()',
    any => 'open("wait:20000"):receiveany(10)',
    send => 'open("wait:1500"):send(("x"):rep(20000000))',
    connect => 'ngx.socket.connect("127.0.0.1", FULL)',
    line_of_pool => 'local o = { pool = "ends" .. math.random(1e9), pool_size = 1, backlog = 5 } '
        . 'local a = ngx.socket.tcp() a:connect("127.0.0.1", PLAY, o) local b = ngx.socket.tcp() b:connect("127.0.0.1", PLAY, o)',
    name => 'ngx.socket.connect("never.found.invalid", 80) ngx.sleep(20)',
    unix => 'local s = ngx.socket.connect("unix:LOCAL") s:receive()',
    handshake => 'open(nil, PLAY):sslhandshake(nil, "localhost", false)',
    tls => 'local s = open(nil, TLS) s:sslhandshake(nil, "localhost", false) s:receive()',
    udp => 'local s = ngx.socket.udp() s:setpeername("127.0.0.1", UDP) s:send("wait:1") s:receive()',
    sleep => 'ngx.sleep(20)',
    thread => 'ngx.thread.wait(ngx.thread.spawn(function() open("wait:20000"):receive() end))',
    threads => 'local t = {} for i = 1, 5 do t[i] = ngx.thread.spawn(function() ngx.sleep(20) end) end ngx.thread.wait(t[1], t[2], t[5])',
    semaphore => 'require "ngx.semaphore".new():wait(20)',
    both => 'local s = open("wait:1500") ngx.thread.spawn(function() s:receive() end) s:send(("x"):rep(20000000))',
    coroutine => 'coroutine.wrap(function() coroutine.wrap(function() open("wait:20000"):receive() end)() end)()',
    pcall => 'pcall(pcall, function() open("wait:20000"):receive() end)',
);

# Who ends it.
my %ends = (
    kill => 'local t = ngx.thread.spawn(wait) ngx.sleep(0.03) ngx.thread.kill(t) ngx.say("ended") ngx.exit(200)',    # the threads of a killed one go on
    exit => 'ngx.thread.spawn(wait) ngx.sleep(0.03) ngx.say("ended") ngx.exit(200)',
    exit_of_thread => 'ngx.thread.spawn(function() ngx.sleep(0.03) ngx.say("ended") ngx.exit(200) end) wait()',
    error => 'ngx.thread.spawn(wait) ngx.sleep(0.03) error("on purpose")',
    collect => 'ngx.thread.spawn(wait) for i = 1, 4 do ngx.sleep(0.01) collectgarbage() end ngx.say("ended") ngx.exit(200)',
    timer_exit => 'local over ngx.timer.at(0, function() ngx.thread.spawn(wait) ngx.sleep(0.03) over = true ngx.exit(0) end) '
        . 'while not over do ngx.sleep(0.01) end ngx.say("ended")',
    timer_error => 'local over ngx.timer.at(0, function() ngx.thread.spawn(wait) ngx.sleep(0.03) over = true error("on purpose") end) '
        . 'while not over do ngx.sleep(0.01) end ngx.say("ended")',
    timer_kill => 'local over ngx.timer.at(0, function() local t = ngx.thread.spawn(wait) ngx.sleep(0.03) ngx.thread.kill(t) over = true ngx.exit(0) end) '
        . 'while not over do ngx.sleep(0.01) end ngx.say("ended")',
    gone => 'wait()',    # the client
);

my $script = "$words{LUA}\nmath.randomseed(math.floor(ngx.now() * 1000) % 2 ^ 31)\nlocal waits, ends = {}, {}\n";
$script .= "waits.$_ = function() $waits{$_} end\n" =~ s/\b(PLAY|FULL|LOCAL|UDP|TLS)\b/$words{$1}/gr for sort keys %waits;
$script .= "local wait = waits[ngx.var.arg_wait]\n";
$script .= "ends.$_ = function() $ends{$_} end\n" for sort keys %ends;
my $server = Coral::Server->new(
    config => "<IfModule !mpm_prefork_module>\nServerLimit 2\nMaxRequestWorkers 8\n</IfModule>\n",
    files => {
        'htdocs/wait.lua' => "${script}ends[ngx.var.arg_end]()\n",
        'htdocs/status.lua' => 'collectgarbage() collectgarbage() local s = require "coral".status() '
            . 'local n = 0 for _ in io.popen("ls /proc/" .. s.pid .. "/fd"):lines() do n = n + 1 end ngx.print(s.memory, " ", s.states, " ", n)',
    });
ok $server->start, 'the server starts' or die $server->output . $server->error_log;

sub request { my ($wait, $end) = @_; return "GET /wait.lua?wait=$wait&end=$end HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" }

sub connected { return IO::Socket::INET->new('127.0.0.1:' . $server->port) || die "connect: $!\n" }

sub one {
    my ($wait, $end) = @_;
    my $socket = connected();
    print $socket request($wait, $end);
    $socket->flush;
    if ($end eq 'gone') { sleep 0.04; return 'gone' }
    my ($answer, $select) = ('', IO::Select->new($socket));
    1 while $select->can_read(10) && sysread $socket, $answer, 65536, length $answer;
    return $answer;
}

# Until nothing changes any more, or it takes too long.
sub settled {
    my $fine = shift;
    for (1 .. 100) { return 1 if $fine->(); sleep 0.05 }
    return 0;
}

sub status { return split ' ', $server->get('/status.lua')->content }

my $one_child = $ENV{CORAL_MPM} ne 'prefork';
my @round;
one($_, 'kill') for sort keys %waits;    # so that all is loaded
for my $round (1, 2) {
    my (undef, undef, $descriptors) = status();
    for my $end (sort keys %ends) {
        my @bad;
        for my $wait (sort keys %waits) {
            my $answer = one($wait, $end);
            my $good = $end eq 'gone' ? 1 : $end eq 'error' ? $answer =~ m{^HTTP/1\.1 500 } : $answer =~ /\bended\n/;
            push @bad, $wait unless $good;
        }
        is "@bad", '', "$end ends whatever is waited for, round $round";
        for my $name (qw(PLAY LOCAL TLS)) {
            ok settled(sub { $servers->open($name) == 0 }), "$end: no connections are left ($name)" or diag $servers->open($name);
        }
    }
    my ($memory, $states, $now);
    settled(sub { ($memory, $states, $now) = status(); $now <= $descriptors + 6 }) if $one_child;
    next unless $one_child;
    cmp_ok $now, '<=', $descriptors + 6, "descriptors, round $round" unless $round == 1 && $ENV{CORAL_SANITIZED};    # more wait at a time: wake descriptors are kept
    push @round, $memory;
}
cmp_ok $round[1], '<', $round[0] + 300_000, 'memory is given back' if $one_child;

# All together.
for my $end (sort keys %ends) {
    my %socket = map { ($_ => connected()) } keys %waits;
    for my $wait (keys %waits) { my $socket = $socket{$wait}; print $socket request($wait, $end); $socket->flush }
    sleep 0.1;
    %socket = () if $end eq 'gone';
    for my $socket (values %socket) { my $select = IO::Select->new($socket); 1 while $select->can_read(10) && sysread $socket, my $answer, 65536 }
    ok settled(sub { !grep { $servers->open($_) } qw(PLAY LOCAL TLS) }), "many at a time: $end";
}

# The server stops while they wait.
my @sockets = map { my $socket = connected(); print $socket request($_, 'gone'); $socket->flush; $socket } sort keys %waits;
sleep 0.2;
my $from = time;
ok $server->graceful, 'a restart while they wait';
is $server->get('/status.lua')->code, 200, 'the new process serves';
@sockets = ();
ok settled(sub { $server->get('/status.lua'); !grep { $servers->open($_) } qw(PLAY LOCAL TLS) }), 'the old one ends with its clients';
@sockets = map { my $socket = connected(); print $socket request($_, 'gone'); $socket->flush; $socket } sort keys %waits;
sleep 0.2;
$from = time;
$server->stop;
cmp_ok time - $from, '<', 8, 'the server stops while they wait';
unlike $server->error_log, qr/exit signal|still did not exit|corruption|\[coral:(?:crit|alert|emerg)\]/, 'nobody crashed';

done_testing;
