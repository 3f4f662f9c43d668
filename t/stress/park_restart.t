# SPDX-License-Identifier: Apache-2.0
# Graceful restarts under load of all sorts: no response fails or is cut, no child stays. TEST_STRESS_RESTARTS=500 for more than 100.
use strict;
use warnings;
use Apache::Test ();
use Coral::Echo;
use Coral::Load;
use Coral::Process qw(children);
use Coral::Server;
use Test::More;
use Time::HiRes qw(sleep time);

plan skip_all => 'only the event MPM takes a request from its thread' if Apache::Test::vars()->{coral_mpm} ne 'event';

my $echo = Coral::Echo->new(0.002);

my $restarts = $ENV{TEST_STRESS_RESTARTS} || 100;
my $server   = Coral::Server->new(config => <<'CONF', files => { Coral::Load::files() });
StartServers 2
ServerLimit 16
ThreadsPerChild 12
MaxRequestWorkers 48
MaxSpareThreads 48
AsyncRequestWorkerFactor 50
MaxKeepAliveRequests 0
SendBufferSize 32768
Timeout 40
CONF
ok $server->start, 'starts' or diag $server->output, $server->error_log;
my $load = Coral::Load->new(port => $server->port, upstream => $echo->port);
$load->run(1);
my ($done, $late, %seen) = (0, 0);
while ($done < $restarts) {
    my $log = $server->log;
    $seen{$_} = 1 for children($server->pid);
    kill USR1 => $server->pid;
    my ($again, $begun) = (0, time);
    $load->run(15, sub { return $again = $log->text =~ /resuming normal operations/ });
    $late++ if !$again;
    $load->run(0.1 + rand 0.3);
    $done++;
    last if $load->{bad} > 20 || $late > 3;
}
$load->drain;
is $load->{bad}, 0, 'no response failed' or diag $load->{sample};
is $late, 0, 'every restart came';
is $done, $restarts, "$done restarts: $load->{good} answers, $load->{closed} connections closed between two, the slowest took " . sprintf '%.1f s', $load->{slowest};
cmp_ok scalar keys %seen, '>', $restarts, 'children came and went';
cmp_ok $load->{slowest}, '<', 20, 'no call was lost: after half of Timeout a tick brings back what nobody has called';
my $end = time + 20;
my @old;
do { sleep 0.2; my %now = map { $_ => 1 } children($server->pid); @old = grep { $now{$_} } keys %seen } while (@old && time < $end);
is "@old", '', 'no child has stayed';
$server->stop;
my $log = $server->error_log;
unlike $log, qr/must not be|exit signal|still did not exit|cannot be woken|is lost/, 'nothing odd'
    or diag join '', grep { /must not be|exit signal|still did not|woken|lost/ } split /^/, $log;
is scalar(() = $log =~ /coral:error/g), scalar(() = $log =~ /coral:error.*fails\.lua/g), 'no errors but those of the script that fails';

done_testing;
