# SPDX-License-Identifier: Apache-2.0
# Waiting where threads are scarce: all of them busy when the MPM is to be reminded, all requests to go on at the same moment, Lua that
# computes in the threads of the loop; and a process that was stopped for longer than Timeout.
use strict;
use warnings;
use Apache::Test ();
use Coral::Server;
use Coral::Wire;
use Test::More;
use Time::HiRes qw(sleep time);

plan skip_all => 'only the event MPM takes a request from its thread' if Apache::Test::vars()->{coral_mpm} ne 'event';

my $server = Coral::Server->new(config => <<'CONF', files => {
StartServers 1
ServerLimit 1
ThreadsPerChild 4
MaxRequestWorkers 4
AsyncRequestWorkerFactor 50
MaxKeepAliveRequests 0
Timeout 2
CoralKeepAliveStay 0
CoralStates 0 16
<Location /late.lua>
    CoralGroup late
</Location>
CoralHook log lua/log.lua
CONF
    'lua/log.lua'      => 'if ngx.var.arg_mark then ngx.log(ngx.WARN, "MARK ", ngx.var.arg_mark, " ", ngx.status) end',
    'htdocs/sleep.lua' => <<'LUA',
local mark <close> = setmetatable({}, { __close = function() if ngx.var.arg_mark then ngx.log(ngx.WARN, "CLOSED ", ngx.var.arg_mark) end end })
ngx.sleep(tonumber(ngx.var.arg_t)) ngx.print("slept")
LUA
    'htdocs/spin.lua'  => 'local e = ngx.now() + 1.3 repeat ngx.update_time() until ngx.now() > e ngx.print("spun")',
    'htdocs/late.lua'  => 'ngx.sleep(0.01) ngx.log(ngx.WARN, "LATE") local e = ngx.now() + 1.5 repeat ngx.update_time() until ngx.now() > e ngx.print("spun")',
    'htdocs/until.lua' => 'ngx.sleep(tonumber(ngx.var.arg_at) - ngx.now()) ngx.print(("x"):rep(20000)) ngx.flush(true) ngx.print("y")',
    'htdocs/hello.lua' => 'ngx.print("hello")',
    'htdocs/facts.lua' => 'ngx.print(ngx.worker.pid(), " ", require("coral").status().parked)',
});
ok $server->start, 'starts' or diag $server->output, $server->error_log;
sub asked { my $wire = Coral::Wire->new($server->port) or die "no connection\n"; $wire->get(@_); return $wire }
# All go on at the same moment.
my $at = time + 0.5;
my @parked = map { asked("/until.lua?at=$at") } 1 .. 60;
is_deeply [grep { $_ != 20001 } map { length $_->answer->{body} } @parked], [], '60 go on at the same moment, on 4 threads';

my ($pid) = split ' ', $server->get('/facts.lua')->content;

# The tick of a parked connection, when all threads are busy.
@parked = map { asked('/sleep.lua?t=3') } 1 .. 8;
sleep 0.1;
my @busy = map { asked('/spin.lua') } 1 .. 4;
is_deeply [map { $_->answer->{body} } @busy], [('spun') x 4], 'all threads compute';
my @slept = map { $_->answer->{body} } @parked;
is_deeply \@slept, [('slept') x 8], 'what is parked meanwhile, for longer than Timeout in all, is not given up' unless $ENV{CORAL_SANITIZED};    # which are slow

# Lua that computes after a wait does so in a thread of the loop; another one takes over.
my $log  = $server->log;
my $late = asked('/late.lua');
ok $log->wait(qr/LATE/, 5), 'one computes in the loop';
@parked = map { asked('/sleep.lua?t=0.02') } 1 .. 4;
is_deeply [map { $_->answer->{body} } @parked], [('slept') x 4], 'others wait';
ok !defined $late->more(0), 'and go on before it has done';
is $late->answer->{body}, 'spun', 'it comes, too';

# The process was stopped for longer than Timeout: the MPM gives up what it finds first. Whatever becomes of a request, it does so once.
$log    = $server->log;
@parked = map { asked("/sleep.lua?t=3&mark=$_") } 1 .. 30;
sleep 0.3;
kill STOP => $pid;
sleep 2.3;
kill CONT => $pid;
my @codes = map { $_->answer->{code} } @parked;
is scalar(grep { $_ != 0 && $_ != 200 } @codes), 0, 'answered, or closed' or diag "@codes";
my $cut = grep { !$_ } @codes;
note "$cut of 30 were closed";
$log->wait(qr/(?:MARK.*?){30}/s, 5);
my $text = $log->text;
is scalar(() = $text =~ /CLOSED \d/g), 30, 'every script has ended';
is scalar(() = $text =~ /MARK \d+ 200/g), 30 - $cut, 'with its answer';
is scalar(() = $text =~ /MARK \d+ 499/g), $cut, 'or without one';
is $server->get('/facts.lua')->content, "$pid 0", 'and nothing is parked any more';
$server->stop;
unlike $server->error_log, qr/must not be|exit signal|still did not exit|cannot be woken|is lost|coral:error/, 'nothing odd' or diag $server->error_log;

done_testing;
