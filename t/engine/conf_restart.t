# SPDX-License-Identifier: Apache-2.0
# Many starts, restarts and stops, some in the middle of a request: no child may crash
# (t/run looks for that in the logs) and what is served is what is configured.
use strict;
use warnings;
use Coral::Server;
use Test::More;
use Time::HiRes 'sleep';

# The event MPM itself may crash when it is stopped while a connection is just being
# closed; that is not what is looked for here.
my $threads = Apache::Test::vars('coral_mpm') ne 'prefork';
sub settle { sleep 0.1 if $threads }

my $config = <<'CONF';
CoralHook access lua/deny.lua
<CoralHook exit_worker>
ngx.log(ngx.WARN, "exit_worker ", ngx.worker.pid())
</CoralHook>
<Location /slow>
CoralHook access none
<CoralHook content>
ngx.say("begun") ngx.flush() ngx.sleep(0.3) ngx.say("ended")
</CoralHook>
</Location>
CONF

sub serve {
    my $server = Coral::Server->new(config => $config, files => { 'lua/deny.lua' => "ngx.exit(403)\n" });
    ok $server->start, 'the server starts' or die $server->output . $server->error_log;
    return $server;
}

# Stopped at once after a request.
for my $n (1 .. 8) {
    my $server = serve();
    is $server->get('/')->code, 403, "run $n: a request";
    settle();
    if ($n % 2) {
        ok $server->restart, "run $n: a hard restart";
        is $server->get('/')->code, 403, "run $n: a request after it";
    }
    else {
        $server->get('/') for 1 .. 20;
    }
    settle();
    $server->stop;
    unlike $server->error_log, qr/exit signal/, "run $n: no child crashed";
}

# Requests on their way when a graceful restart comes are served to their end.
{
    my $server = serve();
    is $server->get('/')->code, 403, 'it serves';
    my @clients = map { IO::Socket::INET->new('127.0.0.1:' . $server->port) } 1 .. 4;
    print $_ "GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" for @clients;
    my @begun = map { my $line = ''; sysread $_, $line, 4096; $line } @clients;
    is +(grep { m{^HTTP/1\.1 200} } @begun), 4, 'four requests are on their way';
    ok $server->graceful, 'a graceful restart';
    is $server->get('/')->code, 403, 'the next generation serves';
    for my $client (@clients) {
        my $rest = '';
        1 while sysread $client, $rest, 4096, length $rest;
        like join('', @begun) . $rest, qr/ended/, 'the request came to its end';
    }
    # And a hard stop in the middle of some.
    @clients = map { IO::Socket::INET->new('127.0.0.1:' . $server->port) } 1 .. 4;
    print $_ "GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" for @clients;
    sysread $_, my $line, 4096 for @clients;
    $server->stop;
    my $log = $server->error_log;
    unlike $log, qr/exit signal/, 'no child crashed';
    like $log, qr/exit_worker \d+/, 'exit_worker ran at the end of a child';
}

done_testing;
