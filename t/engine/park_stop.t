# SPDX-License-Identifier: Apache-2.0
# Requests that wait while their server is restarted or stopped: gracefully they come to their end, else they end at once.
use strict;
use warnings;
use Apache::Test ();
use Coral::File;
use Coral::Process qw(children);
use Coral::Server;
use Coral::Wire;
use Digest::MD5 'md5_hex';
use Test::More;
use Time::HiRes qw(sleep time);

my $vars  = Apache::Test::vars();
my $mpm   = $vars->{coral_mpm};
my $event = $mpm eq 'event';
my %files = (
    'lua/log.lua'      => 'if ngx.var.arg_mark then ngx.log(ngx.WARN, "MARK ", ngx.var.arg_mark, " ", ngx.status) end',
    'lua/nap.lua'      => 'ngx.sleep(tonumber(ngx.var.arg_t))',
    'htdocs/sleep.lua' => 'ngx.sleep(tonumber(ngx.var.arg_t)) ngx.print("slept ", ngx.var.arg_n or "")',
    'htdocs/stream.lua' => 'for i = 1, 20 do ngx.print(i, " ") ngx.flush(true) ngx.sleep(0.05) end',
    'htdocs/body.lua'  => 'ngx.req.read_body() ngx.sleep(0.2) ngx.print(ngx.md5((...):requestbody()))',
    'htdocs/thread.lua' => 'local t = ngx.thread.spawn(function() ngx.sleep(1) return "joined" end) local ok, v = ngx.thread.wait(t) ngx.print(v)',
    'htdocs/socket.lua' => 'local s = ngx.socket.tcp() s:connect("127.0.0.1", ngx.var.server_port) s:send("GET /sleep.lua?t=0.8 HTTP/1.0\r\n\r\n") ngx.print(#s:receive("*a") > 100 and "got" or "cut")',
    'htdocs/long.lua'  => 'local c <close> = setmetatable({}, { __close = function() ngx.log(ngx.WARN, "CLOSED") end }) ngx.log(ngx.WARN, "BEGUN") ngx.sleep(60) ngx.print("late")',
    'htdocs/busy.lua'  => 'local e = ngx.now() + 1 while ngx.now() < e do end ngx.print("busy")',
    'htdocs/spin.lua'  => 'ngx.sleep(0.05) ngx.log(ngx.WARN, "SPINS") local e = os.time() + 3 while os.time() < e do end',
    'htdocs/lines.lua' => 'for i = 1, 60000 do ngx.print(("%49d\n"):format(i)) end',
    'htdocs/hello.lua' => 'ngx.print("hello")',
    'htdocs/pid.lua'   => 'ngx.print(ngx.worker.pid())',
);
my $config = ($mpm eq 'prefork' ? "StartServers 10\nMinSpareServers 10\nMaxSpareServers 20\nServerLimit 40\nMaxRequestWorkers 40\n"
    : "StartServers 1\nServerLimit 4\nThreadsPerChild " . ($event ? 4 : 12) . "\nMaxRequestWorkers " . ($event ? 8 : 24) . "\nMaxSpareThreads 24\n") . <<'CONF';
<IfModule mpm_event_module>
    AsyncRequestWorkerFactor 50
</IfModule>
SendBufferSize 32768
Timeout 10
<Location /held>
    CoralHook access lua/nap.lua
</Location>
<Location /spin.lua>
    CoralGroup spinning
</Location>
CoralHook log lua/log.lua
CONF
# What another module logs.
my ($modules) = split ' ', qx($vars->{apxs} -q LIBEXECDIR);
my $others_log = -e "$modules/mod_log_debug.so"
    ? "<IfModule !log_debug_module>\nLoadModule log_debug_module $modules/mod_log_debug.so\n</IfModule>\nLogMessage LOGGED hook=log_transaction\nLogLevel log_debug:info\n" : '';
my $server;    # the one at hand; others run at the same time, for most of this is waiting
sub begin {
    $server = Coral::Server->new(config => $config . ($_[0] // ''), files => \%files);
    ok $server->start, "starts under $mpm" or diag $server->output, $server->error_log;
    return $server;
}
sub wire  { return Coral::Wire->new($server->port, @_) || die "no connection\n" }
sub asked { my $wire = wire(); $wire->get(@_); return $wire }
sub alive { my $pid = shift; return kill 0, $pid }
sub ends  { my $end = time + shift; sleep 0.05 until $server->gone || time > $end; return $server->gone }
sub clean { unlike $server->error_log, qr/must not be|exit signal|still did not exit|cannot be woken|is lost|coral:(?:error|crit)/, 'nothing odd' or diag $server->error_log }
sub said  { my $word = shift; return scalar(() = $server->error_log =~ /$word/g) }
sub told  { my ($word, $count) = @_; my $end = time + 10; sleep 0.05 until said($word) >= $count || time > $end; cmp_ok said($word), '>=', $count, "$count times $word" }

# Requests of all sorts on their way, and what must become of them.
sub on_the_way {
    my @way;
    push @way, ["sleep $_", asked("/sleep.lua?t=" . 0.3 * $_ . "&n=$_"), "slept $_"] for 1 .. 4;
    push @way, ['stream', asked('/stream.lua'), join '', map { "$_ " } 1 .. 20], ['threads', asked('/thread.lua'), 'joined'];
    push @way, ['socket', asked('/socket.lua'), 'got'] if $_[0];
    my $slow = wire(buffer => 8192);
    $slow->get('/lines.lua');
    push @way, ['a slow reader', $slow, join '', map { sprintf "%49d\n", $_ } 1 .. 60000];
    my $upload = wire();
    $upload->say('POST /body.lua HTTP/1.1', 'Host: x', 'Content-Length: 3000', '');
    $upload->send('x' x 1000);
    push @way, ['an upload', $upload, md5_hex('x' x 3000), 'x' x 1000];
    my $piped = wire();
    $piped->send("GET /sleep.lua?t=0.5&n=1 HTTP/1.1\r\nHost: x\r\n\r\nGET /sleep.lua?t=0.3&n=2 HTTP/1.1\r\nHost: x\r\n\r\n");
    push @way, ['a pipeline', $piped, 'slept 1'];
    sleep 0.3;
    return @way;
}
sub arrive {
    my $what = shift;
    for (@_) {
        my ($name, $wire, $want, $rest) = @$_;
        if ($rest) { $wire->send($rest); sleep 0.05; $wire->send($rest) }
        my $got = $wire->answer;
        is $got->{body}, $want, "$what: $name" if length $want < 100;
        ok $got->{body} eq $want, "$what: $name" if length $want >= 100;
    }
}

# Gracefully: a restart and a stop, at the same time.
my ($restarted, $stopped) = (begin(), begin());
$server = $restarted;
my $pid = $server->get('/pid.lua')->content;
{
    my @first = on_the_way(0);
    $server = $stopped;
    my @second = on_the_way(0);
    $server = $restarted;
    ok $server->graceful, 'graceful restart';
    kill WINCH => $stopped->pid;
    is $server->get('/hello.lua')->content, 'hello', 'the next generation serves';
    arrive('graceful restart', @first);
    arrive('graceful stop', @second);
}
my $end = time + 6;
sleep 0.05 while alive($pid) && time < $end;
ok !alive($pid), 'the old child is gone' unless $mpm eq 'prefork';
isnt $server->get('/pid.lua')->content, $pid, 'there is a new one';
$server = $stopped;
ok ends(8), 'graceful stop: and then it is gone';
clean();

# TERM: at once, whatever is on its way: parked, on a thread, or in the middle of Lua. HUP: the same for the old generation.
my %stop;
for my $what ('/long.lua /lines.lua', '/held/hello.lua?t=60 /busy.lua') {
    $stop{$what}{server} = begin();
    $stop{$what}{open} = [map { my $wire = wire(buffer => 8192); $wire->get($_); $wire } (split ' ', $what) x ($event && $what =~ /long|lines/ ? 15 : 1)];
}
$server = $restarted;
$pid    = $server->get('/pid.lua')->content;
my @cut = map { asked('/long.lua') } 1 .. 5;
told(BEGUN => 5);
if ($event) {
    # What was parked is logged all the same: a line each in the access log, one in the error log. Scripts that run are not waited for long.
    $stop{logged}{server} = begin($others_log);
    my @open = map { asked("/long.lua?mark=$_") } 1 .. 40;
    push @open, asked('/stream.lua?mark=stream');
    my $slow = wire(buffer => 8192);
    $slow->get('/lines.lua?mark=slow');
    my $upload = wire();
    $upload->say('POST /body.lua?mark=upload HTTP/1.1', 'Host: x', 'Content-Length: 3000', '');
    $stop{logged}{open} = [@open, $slow, $upload];
    told(BEGUN => 40);
    $stop{spin}{server} = begin();
    $stop{spin}{open} = [asked('/spin.lua')];
    told(SPINS => 1);
    push @{ $stop{spin}{open} }, map { asked("/long.lua?mark=$_") } 1 .. 3;
    told(BEGUN => 3);
}
sleep 0.3;
for (values %stop) { $_->{children} = [children($_->{server}->pid)]; $_->{begun} = time; kill TERM => $_->{server}->pid }
for my $what (grep { m{/} } sort keys %stop) {
    $server = $stop{$what}{server};
    cmp_ok scalar @{ $stop{$what}{children} }, '>', 0, 'there are children';
    ok ends(10), "stop with $what: gone";
    cmp_ok time - $stop{$what}{begun}, '<', 5, 'at once';
    is_deeply [grep { alive($_) } @{ $stop{$what}{children} }], [], 'with its children';
    unlike $server->error_log, qr/exit signal (?!Terminated)|must not be|still did not exit/, 'quietly' or diag $server->error_log;
}
if ($event) {
    $server = $stop{logged}{server};
    ok ends(10), 'stopped';
    my ($access, $errors) = ($server->access_log, $server->error_log);
    is scalar(() = $access =~ m{/long\.lua\?mark=\d+ HTTP/1\.1" 503}g), 40, 'every request that slept is in the access log' or diag $access;
    like $access, qr{/lines\.lua\?mark=slow HTTP/1\.1" 503}, 'one that was written to';
    like $access, qr{/body\.lua\?mark=upload HTTP/1\.1" 503}, 'one that was read from';
    is scalar(() = $errors =~ /MARK \d+ 503/g), 40, 'their log hooks ran' or diag $errors;
    is scalar(() = $errors =~ /CLOSED/g), 40, 'after their scripts were ended';
    like $errors, qr/\[client 127\.0\.0\.1:\d+\].*$_/, "and named the client: $_" for 'MARK slow', $others_log ? 'LOGGED' : ();
    is scalar(() = $errors =~ /the child is to stop at once: \d+ parked requests/g), 1, 'one word about all of them';
    like $errors, qr/: (?:39|4\d) parked requests end without an answer, 0 of them/, 'their number, but for one that was about to be parked' or diag grep { /parked requests/ } split /^/, $errors;
    clean();
    $server = $stop{spin}{server};
    ok ends(10), 'stopped in the middle of Lua';
    like $server->error_log, qr/: 4 parked requests end without an answer, 1 of them/, 'which is said';
    is said('MARK \d+ 503'), 3, 'the others are logged';
    clean();
}
$server = $restarted;
ok $server->restart, 'a hard restart';
is $server->get('/hello.lua')->content, 'hello', 'and it serves';
is $_->answer->{code}, 0, 'what was on its way is cut' for @cut;
ok !alive($pid), 'the old child is gone' unless $mpm eq 'prefork';
clean();

# MaxConnectionsPerChild: children that go take their requests to the end.
if ($event) {
    begin("MaxConnectionsPerChild 15\nGracefulShutdownTimeout 10\n");
    my ($bad, %pids) = (0);
    for my $round (1 .. 12) {
        last if $round > 4 && keys %pids > 2;
        my @some = map { my $wire = wire(); $wire->get("/sleep.lua?t=0.15&n=$_", 'Connection: close'); $wire } 1 .. 12;
        $pids{ $server->get('/pid.lua')->content } = 1;
        $bad += grep { $some[$_ - 1]->answer->{body} ne "slept $_" } 1 .. 12;
    }
    is $bad, 0, 'MaxConnectionsPerChild: no request is lost';
    cmp_ok scalar keys %pids, '>', 2, 'though children were replaced';
    clean();
    $server->stop;
    clean();
}

done_testing;
