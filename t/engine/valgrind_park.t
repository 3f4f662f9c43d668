# SPDX-License-Identifier: Apache-2.0
# Requests that wait, in all the ways there are, clients that leave, connections that stay, and a graceful restart in the middle, under valgrind's
# memcheck: no error, and no child leaves anything behind.
use strict;
use warnings;
use Coral::Echo;
use Coral::File;
use Coral::Load;
use Coral::Server;
use Coral::Valgrind;
use Test::More;

my $valgrind = Coral::Valgrind->new;

my $echo   = Coral::Echo->new(0.002);
my $server = Coral::Server->new(config => <<'CONF', files => { Coral::Load::files() });
StartServers 1
ServerLimit 4
ThreadsPerChild 6
MaxRequestWorkers 6
MaxSpareThreads 6
AsyncRequestWorkerFactor 50
MaxKeepAliveRequests 0
SendBufferSize 32768
CoralKeepAliveStay 50
CoralSharedDict load 1m
CONF
my $root = $server->root;
$valgrind->start($server, log => 'valgrind.%p', options => '--vgdb=no --fair-sched=yes', httpd => '-DFOREGROUND');

my $load = Coral::Load->new(port => $server->port, upstream => $echo->port, dying => $echo->port, width => 8, kinds => [Coral::Load->kinds]);
my $log  = $server->log;
for my $round (1, 2) {
    my $until = $load->{good} + 100;
    $load->run(60, sub { $load->{good} >= $until });
    kill USR1 => $server->pid if $round == 1;
}
$load->drain;
ok $log->wait(qr/resuming normal operations/, 20), 'restarted in the middle';
is $load->{bad}, 0, "$load->{good} answers, none wrong" or diag $load->{sample};
cmp_ok $load->{left}, '>', 0, "$load->{left} clients left";
$server->stop;

my ($children, @bad) = 0;
for my $file (glob "$root/valgrind.*") {
    my $text = Coral::File->follow($file, 0)->text;
    my ($lost)   = $text =~ /.*definitely lost: ([\d,]+)/s;
    my ($errors) = $text =~ /.*ERROR SUMMARY: (\d+)/s;
    next unless defined $errors;
    $children++;
    push @bad, $text if $errors || $lost;
}
cmp_ok $children, '>=', 3, "$children processes have told";
is scalar @bad, 0, 'no errors, nothing lost' or diag map { substr $_, 0, 3000 } @bad;
unlike $server->error_log, qr/must not be|exit signal|still did not exit|cannot be woken|is lost/, 'nothing odd';

done_testing;
