# SPDX-License-Identifier: Apache-2.0
# Clients that leave while their request waits: at every stage, with a FIN, a RST, and with a request in the pipeline.
use strict;
use warnings;
use Apache::Test ();
use Coral::Process qw(sockets seconds);
use Coral::Server;
use Coral::Wire;
use IO::Select;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep time);

plan skip_all => 'only the event MPM takes a request from its thread' if Apache::Test::vars()->{coral_mpm} ne 'event';

# Each script says BEGIN, waits for something, and would say AFTER; what is to be closed says CLOSED.
my $head   = 'local n = ngx.var.arg_n ngx.log(ngx.WARN, "BEGIN ", n) local c <close> = require("mark")(n) ';
my $tail   = ' ngx.log(ngx.WARN, "AFTER ", n) ngx.print("after")';
my %stages = (
    sleep  => 'ngx.sleep(3)',
    many   => 'for i = 1, 1500 do ngx.sleep(0.002) end',
    begun  => 'ngx.say("begun") ngx.flush(true) ngx.sleep(3)',
    socket => 'local s = ngx.socket.tcp() assert(s:connect("127.0.0.1", tonumber(ngx.var.arg_p))) s:send(n .. "\n") s:receive()',
    thread => 'local t = ngx.thread.spawn(function() local d <close> = require("mark")("thread-" .. n) ngx.sleep(3) end) ngx.thread.wait(t)',
    wrap   => 'local f = coroutine.wrap(function() local d <close> = require("mark")("wrap-" .. n) pcall(ngx.sleep, 3) end) f()',
    body   => 'ngx.req.read_body()',
    pieces => 'local s = ngx.req.socket() s:settimeout(3000) while s:receive(1000) do end ngx.sleep(3)',
    flush  => 'for i = 1, 400 do ngx.print(("x"):rep(50000)) ngx.flush(true) end',
    print  => 'for i = 1, 400 do ngx.print(("x"):rep(50000)) end',
    stream => 'for i = 1, 300 do ngx.print("x") ngx.flush(true) ngx.sleep(0.01) end',
    busy   => 'local e = ngx.now() + 0.3 while ngx.now() < e do end ngx.sleep(3)',
);
my $server = Coral::Server->new(config => <<'CONF', files => {
StartServers 1
ServerLimit 1
ThreadsPerChild 4
MaxRequestWorkers 4
AsyncRequestWorkerFactor 50
Timeout 10
CoralPackagePath "@ROOT@/lua/?.lua"
CustomLog status_log "%{n}e %>s"
CoralSet $n $arg_n
Alias /stay @ROOT@/htdocs
<Location /stay>
    CoralCheckClientAbort off
</Location>
CONF
    'lua/mark.lua' => 'return function(n) return setmetatable({}, { __close = function() ngx.log(ngx.WARN, "CLOSED ", n) end }) end',
    (map { ("htdocs/$_.lua" => "$head$stages{$_}$tail") } keys %stages),
    'htdocs/abort.lua' => $head . 'ngx.on_abort(function() ngx.log(ngx.WARN, "ABORTED ", n) ngx.sleep(0.01) ngx.log(ngx.WARN, "LATER ", n) end) ngx.sleep(2)' . $tail,
    'htdocs/ended.lua' => $head . 'ngx.on_abort(function() ngx.log(ngx.WARN, "ABORTED ", n) ngx.sleep(0.01) ngx.exit(499) end) ngx.sleep(3)' . $tail,
    'htdocs/early.lua' => $head . 'local e = ngx.now() + 0.5 while ngx.now() < e do end ' . $stages{flush} . $tail,
    'htdocs/eof.lua'   => $head . 'ngx.print("all") ngx.eof() ngx.sleep(0.8)' . $tail,
    'htdocs/facts.lua' => 'collectgarbage() collectgarbage() ngx.print(ngx.worker.pid())',
});
ok $server->start, 'starts' or diag $server->output, $server->error_log;
my $pid      = $server->get('/facts.lua')->content;
my $upstream = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 50) or die "upstream: $!\n";
my %upstream;    # connections by name
my ($log, $status) = map { Coral::File->follow($server->root . "/$_", 0) } qw(error_log status_log);

sub accept_upstream {
    while (IO::Select->new($upstream)->can_read(0)) {
        my $socket = $upstream->accept or return;
        my $name = <$socket> // next;
        $upstream{ $name =~ s/\s//r } = $socket;
    }
}

# Opens one connection for each stage, in each way, lets them come to where they wait, and leaves.
my %leave = (
    fin   => sub { $_[0]->close },
    reset => sub { $_[0]->reset },
    piped => sub { $_[0]->get('/facts.lua?n=piped'); sleep 0.01; $_[0]->close },
);
sub round {
    my ($base, $round, @names) = @_;
    my @open;
    for my $stage (@names) {
        for my $how (sort keys %leave) {
            my $n = "$stage-$how-$round";
            my $wire = Coral::Wire->new($server->port, $stage =~ /flush|print/ ? (buffer => 4096) : ()) or die "no connection\n";
            my $path = "$base/$stage.lua?n=$n&p=" . $upstream->sockport;
            if ($stage =~ /body|pieces/) { $wire->say("POST $path HTTP/1.1", 'Host: x', 'Content-Length: 100000', ''); $wire->send('x' x 5000) }
            else                         { $wire->get($path) }
            push @open, [$n, $wire, $how];
        }
    }
    for (@open) { $log->wait(qr/BEGIN $_->[0]\b/, 5) or diag "$_->[0] has not begun" }
    sleep 0.2;
    accept_upstream();
    $leave{ $_->[2] }($_->[1]) for @open;
    return map { $_->[0] } @open;
}

# What has become of one.
sub told { my ($word, $n) = @_; return scalar(() = $log->text =~ /$word $n\b/g) }
sub logged { my $n = shift; return $status->wait(qr/^$n \d+$/m, 3) =~ s/.* //r }

# They are ended.
my $counted = 0;
for my $round (1, 2) {
    my @names = round('', $round, sort keys %stages);
    for my $n (@names) {
        $log->wait(qr/CLOSED $n\b/, 4);
        my $code = logged($n);
        is told(CLOSED => $n), 1, "$n: closed, once";
        is told(AFTER => $n), 0, 'it does not go on';
        like $code, $n =~ /^(?:body|pieces)/ ? qr/^(?:499|400)$/ : qr/^499$/, 'logged as 499';
        is told(CLOSED => "$1-$n"), 1, "and what is inside" if $n =~ /^(thread|wrap)/;
        next unless $n =~ /^socket/;
        ok $upstream{$n} && IO::Select->new($upstream{$n})->can_read(2) && !sysread($upstream{$n}, my $nothing, 10), 'its socket is closed';
    }
    my $used = seconds($pid);
    sleep 0.5;
    cmp_ok seconds($pid) - $used, '<', 0.3, 'nothing keeps the process busy';
    $server->get('/facts.lua') for 1 .. 4;
    my $now = sockets($pid);
    for (1 .. 30) { last if $now <= $counted; sleep 0.1; $now = sockets($pid) }
    cmp_ok $now, '<=', $counted, 'no socket is left' if $round == 2;
    $counted = $now;
}

# ngx.on_abort: the script says what happens. Whoever has all of the response has not left, in that sense.
for my $n (round('', 3, qw(abort ended eof))) {
    ok $log->wait($n =~ /ended/ ? qr/CLOSED $n\b/ : qr/AFTER $n\b/, 4), "$n: to its end";
    is told(ABORTED => $n) . told(AFTER => $n) . told(CLOSED => $n), { abort => '111', ended => '101', eof => '011' }->{ $n =~ /^(\w+)/ && $1 },
        'as the script wants it';
    like logged($n), { abort => qr/^\d+$/, ended => qr/^499$/, eof => qr/^200$/ }->{ $n =~ /^(\w+)/ && $1 }, 'and is logged';
}
is scalar(() = $log->text =~ /LATER abort/g), 3, "the function of ngx.on_abort may wait";

# CoralCheckClientAbort off: it goes on to its end.
my @stay = grep { !/begun|many|busy|stream/ } sort keys %stages;
my @names = round('/stay', 6, @stay);
for my $n (grep { /^socket/ } @names) { print { $upstream{$n} } "line\n" if $upstream{$n} }
for my $n (@names) {
    my $ended = $n =~ /^body/;    # a body that breaks off is an error
    ok $log->wait($ended ? qr/CLOSED $n\b/ : qr/AFTER $n\b/, 6), "$n: without the check it goes on";
    is told(CLOSED => $n), 1, 'to its end';
    like logged($n), qr/^\d+$/, 'and is logged';
}

# One that leaves before the request was parked for the first time.
{
    my $wire = Coral::Wire->new($server->port) or die "no connection\n";
    $wire->get('/early.lua?n=early');
    ok $log->wait(qr/BEGIN early\b/, 5), 'the script computes';
    $wire->reset;
    ok $log->wait(qr/CLOSED early\b/, 4), 'what it writes then goes to nobody: it is ended';
    is logged('early'), 499, 'logged as 499, too';
    is told(AFTER => 'early'), 0, 'it does not go on';
}

my @facts = map { $server->get('/facts.lua')->content } 1 .. 6;
is_deeply \@facts, [($pid) x 6], 'the child is there, with all its threads';
my $begun = time;
$server->stop;
cmp_ok time - $begun, '<', 5, 'and ends at once';
unlike $server->error_log, qr/must not be|exit signal|still did not exit|cannot be woken|is lost/, 'nothing odd';
unlike $server->error_log, qr/coral:error/, 'no errors' or diag grep { /coral:error/ } split /^/, $server->error_log;

done_testing;
