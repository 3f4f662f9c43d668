# SPDX-License-Identifier: Apache-2.0
# Connections that are stayed on are served by the loop, whatever their clients do with them. A long stay, so that what has to be seen is there to
# be seen.
use strict;
use warnings;
use Apache::Test ();
use Coral::Process qw(seconds);
use Coral::Server;
use Coral::Wire;
use Test::More;
use Time::HiRes qw(sleep time);

plan skip_all => 'only the event MPM takes a connection from its thread' if Apache::Test::vars()->{coral_mpm} ne 'event';

my $server = Coral::Server->new(
    config => <<'CONF',
ServerLimit 2
StartServers 1
ThreadsPerChild 12
MaxRequestWorkers 12
MinSpareThreads 1
MaxSpareThreads 12
AsyncRequestWorkerFactor 50
CoralKeepAliveStay 1000
KeepAliveTimeout 20
MaxKeepAliveRequests 0
LogLevel coral:info
<Location "/status">
    CoralHook content "@ROOT@/lua/status.lua"
</Location>
CONF
    files => {
        'lua/status.lua'    => 'local s = require("coral").status() ngx.print(s.staying, " ", s.parked, " ", s.pid)',
        'htdocs/hello.lua'  => 'ngx.print("hello ", ngx.var.arg_n or "")',
        'htdocs/block.lua'  => 'os.execute("sleep 1") ngx.print("blocked")',
        'htdocs/work.lua'   => 'local e = os.clock() + 0.02 while os.clock() < e do end ngx.print("worked")',
        'htdocs/nap.lua'    => 'ngx.sleep(0.3) ngx.print("slept ", ngx.var.arg_n)',
        'htdocs/blink.lua'  => 'ngx.sleep(tonumber(ngx.var.arg_s)) ngx.print("blinked ", ngx.var.arg_n)',
        'htdocs/late.lua'   => 'ngx.sleep(0.01) ngx.req.read_body() ngx.sleep(0.01) ngx.print(#(ngx.req.get_body_data() or ""))',
        'htdocs/refuse.lua' => 'ngx.sleep(0.005) ngx.exit(403)',
        'htdocs/exec.lua'   => 'ngx.sleep(0.005) ngx.exec("/hello.lua?n=there")',
        'htdocs/body.lua'   => 'ngx.req.read_body() ngx.print(#(ngx.req.get_body_data() or ""))',
        'htdocs/fail.lua'   => 'ngx.exit(403)',
        'htdocs/large.lua'  => 'for i = 1, 20000 do ngx.print(("%49d\n"):format(i)) end',
        'htdocs/plain.txt'  => "plain\n",
    });
ok $server->start, 'starts' or diag $server->output, $server->error_log;

sub wire { return Coral::Wire->new($server->port) || die "no connection\n" }
sub status { my $wire = wire(); $wire->get('/status', 'Connection: close'); return split / /, $wire->answer->{body} }

# Whether so many stay, in time.
sub stay {
    my $wanted = shift;
    for (1 .. 300) { return 1 if (status())[0] == $wanted; sleep 0.01 }
    diag "staying: ", (status())[0], ", not $wanted";
    return 0;
}

# They ask, each for its own, and all are answered.
sub all_ask {
    my ($what, @wires) = @_;
    $wires[$_]->get("/hello.lua?n=$_") for 0 .. $#wires;
    is_deeply [map { $_->answer->{body} } @wires], [map { "hello $_" } 0 .. $#wires], $what;
}

my @wires;

# So many others, all of whom stay.
sub guests {
    @wires = ();
    ok stay(0), 'those before are gone';
    @wires = map { wire() } 1 .. $_[0];
    all_ask('others', @wires);
    ok stay($_[0]), 'they stay';
}

guests(6);
all_ask("again, $_", @wires) for 1 .. 5;

# Whoever holds a thread up holds nobody else up.
$wires[0]->get('/block.lua');
all_ask("while one blocks, $_", @wires[1 .. 5]) for 1 .. 10;
ok !defined $wires[0]->more(0), 'it still does';
is $wires[0]->answer->{body}, 'blocked', 'and then is answered';
my $child = (status())[2];
my $spent = seconds($child);
$wires[0]->get('/block.lua');
sleep 0.1;
$wires[0]->get('/hello.lua?n=early');
is $wires[0]->answer->{body}, 'blocked', 'one that blocks, and the next request is there before it ends';
cmp_ok seconds($child) - $spent, '<', 0.4, 'the loop does not turn round meanwhile';
is $wires[0]->answer->{body}, 'hello early', 'then that is answered';
$_->get('/block.lua') for @wires[1 .. 3];
my $begun = time;
is_deeply [map { $_->answer->{body} } @wires[1 .. 3]], [('blocked') x 3], 'three that block';
cmp_ok time - $begun, '<', 2, 'do so at the same time';
$_->get('/work.lua') for @wires;
is_deeply [map { $_->answer->{body} } @wires], [('worked') x 6], 'requests that compute';

# Clients that are slow: on connections of their own, which are sure to be guests.
guests(6);
$wires[0]->send("GET /hello.lua?n=half HT");
all_ask("beside half a request, $_", @wires[1 .. 5]) for 1 .. 5;
$wires[0]->send("TP/1.1\r\nHost: x\r\n\r\n");
is $wires[0]->answer->{body}, 'hello half', 'the other half';
$wires[1]->say('POST /body.lua HTTP/1.1', 'Host: x', 'Content-Length: 10000', '');
$wires[1]->send('x' x 6000);
all_ask("beside half a body, $_", @wires[2 .. 5]) for 1 .. 5;
$wires[1]->send('x' x 4000);
is $wires[1]->answer->{body}, 10000, 'the other half of the body';

# What waits a little stays: the loop goes on with it.
sub all_blink {
    my ($seconds, @wires) = @_;
    $wires[$_]->get("/blink.lua?n=$_&s=$seconds") for 0 .. $#wires;
    is_deeply [map { $_->answer->{body} } @wires], [map { "blinked $_" } 0 .. $#wires], "who waits $seconds s";
}
my $stayed = 0;
for (1 .. 5) { # a busy machine may make a little longer
    guests(6);
    all_blink(0.02, @wires);
    last if $stayed = (status())[0] == 6;
}
ok $stayed, 'they stay still';
all_blink($_, @wires) for (0) x 20, (0.001) x 10;
$wires[0]->send(join '', map { "GET /blink.lua?n=$_&s=0.001 HTTP/1.1\r\nHost: x\r\n\r\n" } 1 .. 100);
$wires[1]->say('POST /late.lua HTTP/1.1', 'Host: x', 'Content-Length: 10000', '');
$wires[1]->send('x' x 6000);
$wires[2]->send(join '', map { "GET /$_.lua HTTP/1.1\r\nHost: x\r\n\r\n" } ('refuse', 'exec') x 5);
is_deeply [map { $wires[0]->answer->{body} } 1 .. 100], [map { "blinked $_" } 1 .. 100], '100 in one go, each of which waits';
$wires[1]->send('x' x 4000);
is $wires[1]->answer->{body}, 10000, 'a body that comes while its request waits';
is_deeply [map { my $answer = $wires[2]->answer; $answer->{code} == 200 ? $answer->{body} : $answer->{code} } 1 .. 10], [(403, 'hello there') x 5],
    'what ends otherwise';
$_->get('/blink.lua?n=0&s=0.05') for @wires[3, 4, 5];
$wires[3]->close;
$wires[4]->reset;
is $wires[5]->answer->{body}, 'blinked 0', 'beside those who are gone';
ok stay(0), 'they leave';

# What waits longer leaves, and the thread with it.
guests(6);
$wires[$_]->get("/nap.lua?n=$_") for 0 .. 5;
sleep 0.1;
is((status())[1], 6, 'all are parked');
is_deeply [map { $_->answer->{body} } @wires], [map { "slept $_" } 0 .. 5], 'and come back';
all_ask("and go on, $_", @wires) for 1 .. 20;

# Many at a time, of all sorts.
guests(4);
$wires[0]->send(join '', map { "GET /hello.lua?n=$_ HTTP/1.1\r\nHost: x\r\n\r\n" } 1 .. 200);
$wires[1]->send(join '', map { ("GET /hello.lua?n=$_ HTTP/1.1\r\nHost: x\r\n\r\n", "GET /plain.txt HTTP/1.1\r\nHost: x\r\n\r\n") } 1 .. 20);
$wires[2]->send(join '', map { ("GET /fail.lua HTTP/1.1\r\nHost: x\r\n\r\n", "GET /none HTTP/1.1\r\nHost: x\r\n\r\n") } 1 .. 5);
$wires[3]->get('/large.lua');
is_deeply [map { $wires[0]->answer->{body} } 1 .. 200], [map { "hello $_" } 1 .. 200], '200 in one go';
is_deeply [map { $wires[1]->answer->{body} } 1 .. 40], [map { ("hello $_", "plain\n") } 1 .. 20], 'files in between';
is_deeply [map { $wires[2]->answer->{code} } 1 .. 10], [(403, 404) x 5], 'errors';
is length $wires[3]->answer->{body}, 1_000_000, 'a large answer';
all_ask('and they go on', @wires);

# Who leaves.
ok stay(0), 'nobody stays for ever';
all_ask('they come back by way of httpd', @wires);
guests(4);
$wires[0]->close;
$wires[1]->reset;
$wires[2]->get('/hello.lua', 'Connection: close');
is $wires[2]->answer->{code}, 200, 'one that says it is the last';
ok $wires[2]->ends(5), 'the connection ends';
ok stay(1), 'one that was closed, one that was reset';

# As many as there is room for.
@wires = map { wire() } 1 .. 30;
all_ask('thirty', @wires);
@wires = map { wire() } 1 .. 30;
all_blink(0.02, @wires);
cmp_ok((status())[0], '<=', 9, 'a quarter of the threads is free');
ok stay(0), 'and they leave';

# Stops.
@wires = map { wire() } 1 .. 6;
my $pid = (status())[2];
all_ask('before a restart', @wires);
$wires[0]->get('/nap.lua?n=0');
$wires[1]->get('/blink.lua?n=1&s=0.05');
ok $server->graceful, 'a graceful restart';
is $wires[1]->answer->{body}, 'blinked 1', 'what waits a little';
is $wires[0]->answer->{body}, 'slept 0', 'what has begun ends';
for (1 .. 200) { last unless kill 0, $pid; sleep 0.02 }
ok !kill(0, $pid), 'the child ends';
@wires = map { wire() } 1 .. 6;
all_ask('the next generation', @wires);
$_->get('/blink.lua?n=0&s=0.05') for @wires;
$begun = time;
$server->stop;
cmp_ok time - $begun, '<', 4, 'a stop with guests';
my $log = $server->error_log;
unlike $log, qr/must not be|exit signal|still did not exit|cannot be woken|is lost/, 'nothing odd';

done_testing;
