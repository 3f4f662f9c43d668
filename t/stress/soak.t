# SPDX-License-Identifier: Apache-2.0
# A minute, or TEST_STRESS_SECONDS, of everything that waits at once, on one child: its memory and its descriptors stay as they are.
use strict;
use warnings;
use Apache::Test ();
use Coral::Echo;
use Coral::Load;
use Coral::Process qw(descriptors kilobytes proportional threads);
use Coral::Server;
use Coral::Wire;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

plan skip_all => 'only the event MPM takes a request from its thread' if Apache::Test::vars()->{coral_mpm} ne 'event';
sub tool { my $name = shift; return (grep { -x } map { "$_/$name" } split /:/, $ENV{PATH})[0] }

my $seconds = $ENV{TEST_STRESS_SECONDS} || 60;
my $echo    = Coral::Echo->new(0.002);
my $dying   = Coral::Echo->new(0.002);
my $secure  = Coral::Server::free_port(Apache::Test::vars()->{port});
my $server  = Coral::Server->new(config => <<'CONF' =~ s/\@SECURE\@/$secure/gr, files => {
StartServers 1
ServerLimit 1
ThreadsPerChild 6
MaxRequestWorkers 6
AsyncRequestWorkerFactor 50
MaxKeepAliveRequests 0
SendBufferSize 32768
Timeout 4
LogLevel coral:warn
CoralSharedDict load 2m
H2MaxSessionStreams 100
Listen 127.0.0.1:@SECURE@
<VirtualHost *:@SECURE@>
    SSLEngine on
    SSLCertificateFile    "${CONF}/tls/cert.pem"
    SSLCertificateKeyFile "${CONF}/tls/key.pem"
    Protocols h2 http/1.1
</VirtualHost>
CONF
    Coral::Load::files(),
    'htdocs/long.lua' => 'ngx.sleep(9) ngx.print("long")',    # longer than Timeout
    'htdocs/pid.lua'  => 'ngx.print(ngx.worker.pid())',
});
ok $server->start, 'starts' or diag $server->output, $server->error_log;
my $pid = $server->get('/pid.lua')->content;

# TLS and HTTP/2, in a process of their own; its exit status says whether all was well.
sub encrypted {
    my ($end, $url) = (shift, "https://127.0.0.1:$secure");
    my $h2load = tool('h2load');
    while (time < $end) {
        my $text = qx(curl -sk --http1.1 --max-time 20 '$url/sleep.lua?t=0.01&n=1' '$url/lines.lua?n=2' 2>&1);
        return "curl: " . substr $text, 0, 300 unless $text =~ /^slept 1.*lines 2\z/s;
        next unless $h2load;
        $text = qx($h2load -n 60 -c 3 -m 20 '$url/sleep.lua?t=0.01&n=1' 2>&1);
        return $text unless $text =~ /60 succeeded, 0 failed, 0 errored/;
        qx(timeout 0.05 $h2load -n 200 -c 2 -m 50 '$url/lines.lua?n=3' 2>&1);    # leaves in the middle
    }
    return '';
}
my $end = time + $seconds;
defined(my $child = fork) or die "fork: $!\n";
if (!$child) {
    my $trouble = encrypted($end);
    $server->write('trouble', $trouble);
    POSIX::_exit($trouble ? 1 : 0);
}

my $load = Coral::Load->new(port => $server->port, upstream => $echo->port, dying => $dying->port, width => 30, kinds => [Coral::Load->kinds]);
my (@memory, @pss, @open, @long);
my ($kill, $rounds) = (time + 1, 8);
for my $round (1 .. $rounds) {
    push @long, map { my $wire = Coral::Wire->new($server->port); $wire->get('/long.lua'); $wire } 1 .. 5;
    my $until = $end - $seconds * ($rounds - $round) / $rounds;
    while (time < $until) {
        $load->run(0.5);
        next if $kill > time;
        $kill = time + 1 + rand 2;
        undef $dying;
        $load->run(0.1);
        $dying = Coral::Echo->new(0.002);
        $load->{dying} = $dying->port;
    }
    $load->drain;    # what is there at rest
    push @memory, kilobytes($pid);
    push @pss, proportional($pid);
    push @open, descriptors($pid);
}
is_deeply [grep { $_ ne 'long' } map { $_->answer->{body} } @long], [], scalar(@long) . ' slept longer than Timeout';
@long = ();
waitpid $child, 0;
is $?, 0, 'TLS and HTTP/2' or diag Coral::File->follow($server->root . '/trouble', 0)->text;
is $load->{bad}, 0, "no response failed of $load->{good}" or diag $load->{sample};
cmp_ok $load->{left}, '>', 0, "$load->{left} clients left";
sleep 3;
is $server->get('/pid.lua')->content, $pid, 'the same child';
note "RSS kB: @memory; PSS kB: @pss; descriptors: @open; threads: ", threads($pid);
my ($early, $late) = map { (sort { $a <=> $b } @memory[@$_])[1] } [2 .. 4], [5 .. 7];
SKIP: {
    skip 'the sanitizers keep memory back', 1 if $ENV{CORAL_SANITIZED};
    cmp_ok $late - $early, '<', 8000, "memory is flat: $early kB, then $late kB" or diag "@memory";
}
cmp_ok descriptors($pid), '<', 300, 'descriptors: ' . descriptors($pid) or diag "@open";    # up to 256 of them are kept for the next
$server->stop;
my $log = $server->error_log;
unlike $log, qr/must not be|exit signal|still did not exit|cannot be woken|is lost/, 'nothing odd' or diag join '', grep { /must not|exit signal|still did|woken|lost/ } split /^/, $log;

done_testing;
