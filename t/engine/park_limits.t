# SPDX-License-Identifier: Apache-2.0
# Limits: how many requests are parked, how many sockets there are, how few descriptors; and what the loop waits with.
use strict;
use warnings;
use Apache::Test ();
use Coral::File;
use Coral::Process qw(descriptors);
use Coral::Server;
use Coral::Wire;
use Digest::MD5 'md5_hex';
use Test::More;
use Time::HiRes qw(sleep time);

my $vars = Apache::Test::vars();
plan skip_all => 'only the event MPM takes a request from its thread' if $vars->{coral_mpm} ne 'event';

my %files = (
    'htdocs/sleep.lua'  => 'ngx.sleep(tonumber(ngx.var.arg_t)) ngx.print("slept ", ngx.var.arg_n or "")',
    'htdocs/parked.lua' => 'ngx.print(require("coral").status().parked)',
    'lua/nap.lua'       => 'ngx.sleep(0.3) ngx.print("slept ", ngx.var.arg_n)',
    'htdocs/hello.lua'  => 'ngx.print("hello")',
    'htdocs/pid.lua'    => 'ngx.print(ngx.worker.pid())',
    'htdocs/upload.lua' => 'ngx.req.read_body() local b = (...):requestbody() ngx.print(#b, " ", ngx.md5(b))',
    'htdocs/both.lua'   => 'local t = ngx.thread.spawn(function() for i = 1, 3 do ngx.sleep(0.05) end end) ngx.req.read_body() ngx.print(#(...):requestbody())',
    'htdocs/lines.lua'  => 'for i = 1, 60000 do ngx.print(("%49d\n"):format(i)) end',
    'htdocs/mark.lua'   => 'local n = ngx.var.arg_n local c <close> = setmetatable({}, { __close = function() ngx.log(ngx.WARN, "CLOSED ", n) end }) ngx.log(ngx.WARN, "BEGIN ", n) ngx.sleep(5) ngx.log(ngx.WARN, "AFTER ", n)',
    'htdocs/timer.lua'  => 'local s = require("ngx.semaphore").new() ngx.timer.at(0.01, function() s:post() end) ngx.print(tostring(s:wait(3)))',
    'htdocs/socket.lua' => <<'LUA',
local s = ngx.socket.tcp()
local ok, err = s:connect("127.0.0.1", tonumber(ngx.var.arg_p))
if not ok then return ngx.print(err) end
s:send("GET /hello.lua HTTP/1.0\r\n\r\n")
ngx.sleep(tonumber(ngx.var.arg_t or 0))
local all, err = s:receive("*a")
ngx.print(all and all:match("hello$") or err)
LUA
);
my $config = <<'CONF';
StartServers 1
ServerLimit 1
ThreadsPerChild 8
MaxRequestWorkers 8
AsyncRequestWorkerFactor 500
Timeout 5
SendBufferSize 32768
CONF
my $server;
sub begin {
    my ($more, $nofile) = @_;
    undef $server;
    $server = Coral::Server->new(config => $config . $more, files => \%files);
    if ($nofile) {
        my $httpd = $server->root . '/httpd';
        Coral::File::write_file($httpd, "#!/bin/sh\nulimit -n $nofile || exit 1\nexec '$vars->{httpd}' \"\$@\"\n");
        chmod 0755, $httpd;
        $server->{vars} = { %$vars, httpd => $httpd };
    }
    ok $server->start, "starts with $more" =~ s/\n//gr or diag $server->output, $server->error_log;
}
sub asked { my $wire = Coral::Wire->new($server->port) or die "no connection\n"; $wire->get(@_); return $wire }
sub finish {
    my @more = @_;
    $server->stop;
    my $log = $server->error_log;
    unlike $log, qr/must not be|exit signal|still did not exit|cannot be woken|is lost/, 'nothing odd';
    is_deeply [grep { my $line = $_; $line =~ /coral:(?:error|crit)/ && !grep { $line =~ $_ } @more } split /^/, $log], [], 'no errors';
}

# CoralMaxParked: the rest keep their threads, and one line says so.
begin("CoralMaxParked 5\n");
my $begun = time;
my @wires = map { asked("/sleep.lua?t=0.6&n=$_") } 1 .. 18;
is_deeply [map { $_->answer->{body} } @wires], [map { "slept $_" } 1 .. 18], 'more than CoralMaxParked: all are served';
cmp_ok time - $begun, '>', 1.1, 'but not at the same time';
is scalar(() = $server->error_log =~ /keeps its thread: .*CoralMaxParked/g), 1, 'it is logged, once';
@wires = map { asked('/sleep.lua?t=1.5') } 1 .. 5;
sleep 0.2;
my $over = asked('/sleep.lua?t=0.3');
sleep 0.1;
is $server->get('/parked.lua')->content, 5, 'so many are parked, and no more';
is $over->answer->{body}, 'slept ', 'the sixth is served all the same';
for (1 .. 3) {
    my $wire = Coral::Wire->new($server->port);
    $wire->say('POST /both.lua HTTP/1.1', 'Host: x', 'Content-Length: 10', 'Connection: close', '');
    sleep 0.1;
    $wire->send('0123456789');
    is $wire->answer->{body}, 10, 'one that waits for its client and something else on its thread';
}
is_deeply [map { $_->answer->{code} } @wires], [(200) x 5], 'those that are parked are none the worse';
@wires = map { asked("/sleep.lua?t=0.3&n=$_") } 1 .. 5;
is_deeply [map { $_->answer->{body} } @wires], [map { "slept $_" } 1 .. 5], 'and there is room again';
@wires = ();
finish();

# CoralMaxSockets
begin("CoralMaxSockets 5\n");
my $port = $server->port;
@wires = map { asked("/socket.lua?p=$port&t=0.4") } 1 .. 9;
my %said;
$said{ $_->answer->{body} }++ for @wires;
is_deeply \%said, { hello => 5, 'too many sockets' => 4 }, 'CoralMaxSockets: an error for the others';
is $server->get("/socket.lua?p=$port")->content, 'hello', 'and there is room again' for 1 .. 6;
@wires = ();
finish(qr/too many sockets/);

# Few descriptors: enough for the connections, not for all that wait. (httpd ends a child that can accept no more.)
begin("<Location /nap>\nCoralHook content lua/nap.lua\n</Location>\n", 100);
my $pid  = $server->get('/pid.lua')->content;
my $free = 100 - descriptors($pid);
my $most = int 0.55 * $free; # what waits takes two each, as long as three quarters are not used up
@wires = map { asked("/nap?n=$_") } 1 .. $most;
my @bad = grep { $wires[$_ - 1]->answer->{body} ne "slept $_" } 1 .. $most;
is "@bad", '', "$most wait with 100 descriptors";
like $server->error_log, qr/keeps its thread: .*descriptors/, 'some on their threads, which is logged';
is $server->get('/pid.lua')->content, $pid, 'the child goes on' for 1 .. 5;
@wires = ();
finish();

# What the loop waits with.
for my $backend (qw(auto epoll poll select)) {
    begin("CoralNetworkBackend $backend\n");
    $begun = time;
    my $slow = Coral::Wire->new($server->port, buffer => 8192);
    $slow->get('/lines.lua');
    my $upload = Coral::Wire->new($server->port);
    $upload->say('POST /upload.lua HTTP/1.1', 'Host: x', 'Content-Length: 9', '', );
    my @wires = map { asked("/sleep.lua?t=0.4&n=$_") } 1 .. 30;
    for (qw(abc def ghi)) { sleep 0.03; $upload->send($_) }
    is $upload->answer->{body}, '9 ' . md5_hex('abcdefghi'), "$backend: an upload";
    is_deeply [map { $_->answer->{body} } @wires], [map { "slept $_" } 1 .. 30], "$backend: many sleep";
    cmp_ok time - $begun, '<', 3, 'at the same time';
    @wires = map { asked('/socket.lua?p=' . $server->port) } 1 .. 30;
    is_deeply [map { $_->answer->{body} } @wires], [('hello') x 30], "$backend: many talk to somebody";
    is $server->get('/timer.lua')->content, 'true', "$backend: a timer";
    is length $slow->answer->{body}, 3_000_000, "$backend: a slow reader";
    my %leave = (fin => sub { $_[0]->close }, reset => sub { $_[0]->reset }, piped => sub { $_[0]->get('/hello.lua'); $_[0]->close });
    my $log = $server->log;
    my %open = map { $_ => asked("/mark.lua?n=$_") } keys %leave;
    $log->wait(qr/BEGIN $_/) for keys %open;
    sleep 0.2;
    $leave{$_}->($open{$_}) for keys %open;
    ok $log->wait(qr/CLOSED $_/, 3), "$backend: a client that leaves, $_" for sort keys %open;
    unlike $log->text, qr/AFTER/, 'ends its script';
    @wires = ();
    finish();
}

# select can not wait for descriptors from 1024 on.
SKIP: {
    my $hard = qx(sh -c 'ulimit -H -n');
    skip 'there may not be so many descriptors', 1 if $hard !~ /unlimited/ && $hard < 1500;
    begin("CoralNetworkBackend select\n", 1500);
    $pid = $server->get('/pid.lua')->content;
    my $here = qx(sh -c 'ulimit -n');
    skip 'the test itself may not have so many', 1 if $here !~ /unlimited/ && $here < 1200;
    my @idle = map { my $wire = asked('/hello.lua'); $wire->answer; $wire } 1 .. 1040;
    cmp_ok descriptors($pid), '>', 1030, 'more descriptors than select takes';
    my @wires = map { asked("/sleep.lua?t=0.3&n=$_") } 1 .. 4;
    is_deeply [map { $_->answer->{body} } @wires], [map { "slept $_" } 1 .. 4], 'such requests wait on their threads';
    like $server->error_log, qr/keeps its thread: the child has hardly any descriptors left/, 'which is logged';
    my $text = asked('/socket.lua?p=' . $server->port)->answer->{body};
    ok $text ne 'hello' && length $text, "a socket says what is wrong: $text";
    @idle = @wires = ();
    sleep 0.5;
    is $server->get('/sleep.lua?t=0.01')->content, 'slept ', 'afterwards all is well';
    finish();
}

done_testing;
