# SPDX-License-Identifier: Apache-2.0
# What connections leave for the next ones: it is used, it does not grow, and it is given back.
use strict;
use warnings;
use Apache::Test ();
use Coral::Server;
use Coral::Wire;
use Test::More;
use Time::HiRes qw(sleep time);

plan skip_all => 'only the event MPM takes a request from its thread' if Apache::Test::vars()->{coral_mpm} ne 'event';

my $server = Coral::Server->new(
    config => <<'CONF',
ServerLimit 1
StartServers 1
ThreadsPerChild 16
MaxRequestWorkers 16
AsyncRequestWorkerFactor 500
<Location "/status">
    CoralHook content "@ROOT@/lua/status.lua"
</Location>
CONF
    files => {
        'lua/status.lua'    => 'local s = require("coral").status() ngx.print(s.stock, " ", s.parked)',
        'htdocs/nap.lua'    => 'ngx.sleep(tonumber(ngx.var.arg_t or 0.5)) ngx.print("slept ", ngx.var.arg_n)',
        'htdocs/upload.lua' => 'ngx.req.read_body() ngx.sleep(0.2) ngx.print(#(ngx.req.get_body_data() or ""))',
        'htdocs/large.lua'  => 'ngx.sleep(0.1) for i = 1, 20000 do ngx.print(("%49d\n"):format(i)) end',
    });
ok $server->start, 'starts' or diag $server->output, $server->error_log;

sub wire { return Coral::Wire->new($server->port) || die "no connection\n" }
sub status { my $wire = wire(); $wire->get('/status', 'Connection: close'); return split / /, $wire->answer->{body} }
sub asked { my $wire = wire(); $wire->get(@_); return $wire }

use constant { PIECE => 8192, CROWD => 180 };

# A crowd; the bytes that are there afterwards.
sub crowd {
    my ($what) = @_;
    my @wires = map { asked("/nap.lua?n=$_", 'Connection: close') } 1 .. CROWD;
    my @bad = grep { $wires[$_ - 1]->answer->{body} ne "slept $_" } 1 .. CROWD;
    is "@bad", '', $what;
    @wires = ();
    my $until = time + 5;
    my @status;
    do { sleep 0.05; @status = status() } until (!$status[1] && $status[0] > CROWD / 2 * PIECE) || time > $until; # connections end a little later
    return $status[0];
}

is +(status())[0], 0, 'nothing at first';
my $first = crowd('a crowd sleeps');
cmp_ok $first, '>', CROWD / 2 * PIECE, 'it leaves something';
is $first % PIECE, 0, 'pieces of 8 KB';
cmp_ok $first, '<=', 5 * CROWD * PIECE, 'but not more than it had';
my @then = map { crowd("the next one does, too ($_)") } 1 .. 3;
cmp_ok $_, '<=', 5 * CROWD * PIECE, 'and does not leave more and more' for @then;

# Other shapes of requests.
my @wires = map { wire() } 1 .. 120;
for my $wire (@wires) {
    $wire->say('POST /upload.lua HTTP/1.1', 'Host: x', 'Connection: close', 'Content-Length: 20000', '');
    $wire->send('x' x 20000);
}
is_deeply [map { $_->answer->{body} } @wires], [(20000) x 120], 'uploads';
my $kept = wire();
for (1 .. 20) {
    $kept->get("/nap.lua?t=0.01&n=$_");
    is $kept->answer->{body}, "slept $_", 'one connection, parked again and again';
}
@wires = map { asked('/large.lua') } 1 .. 20;
is_deeply [map { length $_->answer->{body} } @wires], [(1_000_000) x 20], 'large answers';
@wires = map { asked("/nap.lua?n=$_") } 1 .. 150;
$_->reset for @wires;
is_deeply [map { asked("/nap.lua?n=$_")->answer->{body} } 1, 2], ['slept 1', 'slept 2'], 'after 150 who left';
@wires = ();
cmp_ok +(status())[0], '<=', 8 * CROWD * PIECE, 'it has not grown';

# All of it goes back, but for what those who ask use.
my ($until, $left) = time + 20;
do { sleep 0.5; $left = (status())[0] } until $left <= 8 * PIECE || time > $until;
cmp_ok $left, '<=', 8 * PIECE, 'what nobody needs is given back';
$first = crowd('and all begins again');
cmp_ok $first, '>', CROWD / 2 * PIECE, 'with something left';

$server->stop;
is_deeply [grep { /coral:(?:error|crit)/ } split /^/, $server->error_log], [], 'no errors';
done_testing;
