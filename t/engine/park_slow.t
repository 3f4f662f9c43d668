# SPDX-License-Identifier: Apache-2.0
# Slow clients: they cost neither threads nor memory, get what they asked for, and those who stall are dropped.
use strict;
use warnings;
use Apache::Test ();
use Coral::Process qw(kilobytes);
use Coral::Server;
use Coral::Wire;
use Digest::MD5 'md5_hex';
use Test::More;
use Time::HiRes qw(sleep time);

plan skip_all => 'only the event MPM takes a request from its thread' if Apache::Test::vars()->{coral_mpm} ne 'event';

my $server = Coral::Server->new(config => <<'CONF', files => {
StartServers 1
ServerLimit 1
ThreadsPerChild 4
MaxRequestWorkers 4
AsyncRequestWorkerFactor 100
Timeout 3
SendBufferSize 32768
ReceiveBufferSize 32768
CoralReload off
Alias /deflated @ROOT@/htdocs
<Location /deflated>
    SetOutputFilter DEFLATE
</Location>
CONF
    # Line n of 50 bytes says n.
    'htdocs/lines.lua'  => 'local from, to = 1, tonumber(ngx.var.arg_n) for i = 1, to, 1000 do local t = {} for k = i, math.min(i + 999, to) do t[#t + 1] = ("%49d\n"):format(k) end ngx.print(t) end',
    'htdocs/flush.lua'  => 'local to = tonumber(ngx.var.arg_n) for i = 1, to do ngx.print(("%49d\n"):format(i)) if i % 100 == 0 then ngx.flush(true) end end',
    'htdocs/whole.lua'  => 'local t = {} for i = 1, tonumber(ngx.var.arg_n) do t[i] = ("%49d\n"):format(i) end ngx.print(t)',
    'htdocs/endless.lua' => <<'LUA',
local piece, n = ("x"):rep(16384), 0
local c <close> = setmetatable({}, { __close = function() ngx.log(ngx.WARN, "ENDLESS ", n) end })
for i = 1, 65536 do
  if not ngx.print(piece) then return end
  n = i
  if ngx.var.arg_flush then ngx.flush(true) end
end
LUA
    'htdocs/upload.lua' => 'ngx.req.read_body() local b = (...):requestbody() ngx.print(#b, " ", ngx.md5(b))',
    'htdocs/hello.lua'  => 'ngx.print("hello")',
    'htdocs/facts.lua'  => 'collectgarbage() collectgarbage() ngx.print(ngx.worker.pid())',
});
ok $server->start, 'starts' or diag $server->output, $server->error_log;
my $pid = $server->get('/facts.lua')->content;
sub wire { return Coral::Wire->new($server->port, @_) || die "no connection\n" }
sub asked { my $wire = wire(buffer => 8192); $wire->get(@_); return $wire }
sub served {
    my ($why, $begun) = (shift, time);
    is $server->get('/hello.lua')->content, 'hello', $why for 1 .. 8;
    cmp_ok time - $begun, '<', 2, 'at once';
}
# The sanitizers keep what is freed.
my $before = 0;
sub small { my $why = shift; cmp_ok kilobytes($pid) - $before, '<', 30_000, $why unless $ENV{CORAL_SANITIZED} }
my $lines = join '', map { sprintf "%49d\n", $_ } 1 .. 200_000;

# Warm, so that what comes after it is growth.
for my $path (qw(lines flush whole)) { asked("/$path.lua?n=20000")->answer }
$server->get('/facts.lua') for 1 .. 4;
$before = kilobytes($pid);

# 10 MB each to readers that hardly read.
my @wires = map { asked("/lines.lua?n=200000"), asked("/flush.lua?n=200000") } 1 .. 10;
$_->more(5) for @wires;
served('with 20 slow readers on 4 threads: others are served');
small('200 MB on their way are not in memory');
sleep 0.3;
small('nor a little later');
is md5_hex($_->answer->{body}), md5_hex($lines), 'one that begins to read gets all of it' for @wires[0, 1];
@wires = ();

# Every byte of what goes in pieces, chunked or with a length, and compressed.
for my $path ('/lines.lua', '/flush.lua', '/whole.lua', '/deflated/lines.lua', '/deflated/flush.lua', '/deflated/whole.lua') {
    my $wire = wire(buffer => 8192);
    $wire->get("$path?n=60000", $path =~ /deflated/ ? 'Accept-Encoding: gzip' : ());
    sleep 0.1;
    my $got  = $wire->answer;
    my $body = $got->{body};
    if ($path =~ /deflated/) { require Compress::Zlib; $body = Compress::Zlib::memGunzip($body) // 'no gzip' }
    is md5_hex($body), md5_hex(substr $lines, 0, 50 * 60_000), "$path: 3 MB, byte by byte";
    $wire->get('/hello.lua');
    is $wire->answer->{body}, 'hello', 'and the connection goes on';
}

# 1 GB to one who reads a little: what is not read is not made either.
my $log = $server->log;
@wires = (asked('/endless.lua'), asked('/endless.lua?flush=1'), asked('/deflated/endless.lua'));
for (1 .. 10) { $_->take(10_000) for @wires[0, 1]; sleep 0.05 }
small('an endless response: what is not read is not made');
$_->close for @wires;
my @made = ();
for (1 .. 40) { @made = $log->text =~ /ENDLESS (\d+)/g; last if @made > 2; sleep 0.1 }
is scalar @made, 3, 'and ended with its client';
cmp_ok $_, '<', 400, 'when little of it was made' for @made[0, 1];

# One big string.
$before = kilobytes($pid);
my $wire = asked('/whole.lua?n=200000');
served('a reader of 10 MB in one piece: others are served');
is md5_hex($wire->answer->{body}), md5_hex($lines), 'and it comes whole';

# Whoever takes nothing any more is dropped after Timeout, however often the connection was looked at.
my @stalled = map { asked($_) } '/endless.lua', '/endless.lua?flush=1', '/lines.lua?n=200000', '/whole.lua?n=200000';
$log = $server->log;
my $begun = time;
$_->take(1000) for @stalled;
# Uploads, meanwhile: slow ones, more than there are threads.
my @uploads = map { my $n = $_; my $wire = wire(); $wire->say('POST /upload.lua HTTP/1.1', 'Host: x', 'Content-Length: 200000', ''); [$wire, chr(65 + $n % 26) x 200_000] } 1 .. 100;
for my $part (0 .. 9) {
    for (@uploads) { $_->[0]->send(substr $_->[1], $part * 20_000, 20_000) }
    served('100 slow uploads: others are served') if $part == 5;
    sleep 0.02;
}
is scalar(grep { $_->[0]->answer->{body} ne '200000 ' . md5_hex($_->[1]) } @uploads), 0, '100 slow uploads on 4 threads: all come whole';
@uploads = ();
my $late = wire();
$late->say('POST /upload.lua HTTP/1.1', 'Host: x', 'Content-Length: 1000', '', 'x' x 100);
my $got = $late->answer;
is $got->{code}, 408, 'an upload that stalls: 408 after Timeout';
cmp_ok time - $begun, '>', 2.5, 'not before';
ok $log->wait(qr/(?:ENDLESS.*){2}/s, 6), 'a reader that stalls is dropped' or diag $log->text;
cmp_ok time - $begun, '<', 9, 'in time';
cmp_ok time - $begun, '>', 2.5, 'after Timeout';
ok $_->ends(5), 'the connection is closed' for @stalled;
ok $server->access_log =~ m{GET /lines\.lua\?n=200000 .*(?:499|200) \d+}, 'it is logged';

is $server->get('/facts.lua')->content, $pid, 'the child is there' for 1 .. 4;
$server->stop;
unlike $server->error_log, qr/must not be|exit signal|still did not exit|cannot be woken|is lost|coral:error/, 'nothing odd';

done_testing;
