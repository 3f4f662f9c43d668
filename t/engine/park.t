# SPDX-License-Identifier: Apache-2.0
# Requests that wait: they cost no thread, and everything that belongs to a connection goes on as ever: keep-alive, pipelining, bodies.
use strict;
use warnings;
use Apache::Test ();
use Coral::Process qw(threads);
use Coral::Server;
use Coral::Wire;
use Test::More;
use Time::HiRes qw(sleep time);

my $mpm    = Apache::Test::vars()->{coral_mpm};
my $event  = $mpm eq 'event';
my $server = Coral::Server->new(config => ($mpm eq 'prefork' ? "StartServers 4\nMinSpareServers 4\nMaxSpareServers 8\n"
    : "StartServers 1\nServerLimit 1\nThreadsPerChild 4\nMaxRequestWorkers 4\n") . <<'CONF', files => {
<IfModule mpm_event_module>
    AsyncRequestWorkerFactor 50
</IfModule>
MaxKeepAliveRequests 0
Timeout 10
<Location /limit>
    LimitRequestBody 1000
</Location>
Alias /limit @ROOT@/htdocs
LimitRequestFields 300
<Location /lean>
    <CoralHook content>
        if ngx.var.arg_sleep then ngx.sleep(ngx.var.arg_sleep) end
        ngx.req.read_body()
        ngx.print(ngx.var.arg_n or require "coral".status().parked, " ", ngx.req.get_body_data() or "")
    </CoralHook>
</Location>
CONF
    'htdocs/sleep.lua'  => 'local t = tonumber(ngx.var.arg_t) or 0 if t >= 0 then ngx.sleep(t) end ngx.print("slept ", ngx.var.arg_n or "")',
    'htdocs/many.lua'   => 'for i = 1, 20 do ngx.sleep(0) ngx.print(i, " ") end',
    'htdocs/parts.lua'  => 'for i = 1, 3 do ngx.print("part ", i, " ") ngx.flush(true) ngx.sleep(0.01) end',
    'htdocs/echo.lua'   => 'ngx.req.read_body() ngx.print(ngx.req.get_body_data() or "none")',
    'htdocs/late.lua'   => 'ngx.sleep(0.05) ngx.req.read_body() ngx.sleep(0.05) ngx.print(ngx.req.get_body_data() or "none")',
    'htdocs/early.lua'  => 'ngx.req.read_body() ngx.sleep(0.05) ngx.req.read_body() ngx.print(ngx.req.get_body_data() or "none")',
    'htdocs/stream.lua' => <<'LUA',
local s, err = ngx.req.socket()
if not s then return ngx.print("no socket: ", err) end
local size, pieces = 0, 0
s:settimeout(3000)
while true do
  local piece, why, rest = s:receive(7)
  size = size + #(piece or rest or "")
  if not piece then break end
  pieces = pieces + 1
end
ngx.print(size, " in ", pieces)
LUA
    'htdocs/unread.lua' => 'ngx.sleep(0.02) ngx.print("unread")',
    'htdocs/pid.lua'    => 'ngx.print(ngx.worker.pid())',
    'htdocs/fails.lua'  => 'ngx.sleep(0.001) error("EXPECTED")',
    'htdocs/exit.lua'   => 'ngx.sleep(0.001) ngx.exit(403)',
    'htdocs/go.lua'     => 'ngx.sleep(0.001) ngx.exec("/sleep.lua?n=exec")',
    'htdocs/away.lua'   => 'ngx.sleep(0.001) ngx.redirect("/elsewhere")',
    'htdocs/empty.lua'  => 'ngx.sleep(0.001)',
    'htdocs/plain.txt'  => "plain\n",
});
ok $server->start, "starts under $mpm" or diag $server->output, $server->error_log;
sub wire { return Coral::Wire->new($server->port) || die "no connection\n" }
sub asked { my $wire = wire(); $wire->get(@_); return $wire }

# Many at once: more than there are threads, under event.
my $pid    = $server->get('/pid.lua')->content;
my $width  = $event ? 60 : 4;
my $before = threads($pid);
my $begun  = time;
my @wires  = map { asked("/sleep.lua?t=0.6&n=$_") } 1 .. $width;
if ($event) {
    sleep 0.1;
    is $server->get('/plain.txt')->content, "plain\n", 'others are served meanwhile';
    cmp_ok time - $begun, '<', 0.6, 'at once' unless $ENV{CORAL_SANITIZED};
    cmp_ok threads($pid), '<=', $before + 4, 'and there are hardly more threads';
}
is_deeply [map { $_->answer->{body} } @wires], [map { "slept $_" } 1 .. $width], "$width requests sleep and get their own answers";
cmp_ok time - $begun, '<', $event ? 5 : 8, 'at the same time';

@wires = ();

# One connection, one request after the other.
my $kept = wire();
is_deeply [map { $kept->get($_); $kept->answer->{body} } '/sleep.lua?t=0.01&n=a', '/many.lua', '/parts.lua', '/sleep.lua?t=-1&n=b', '/plain.txt',
    '/sleep.lua?t=0&n=c'], ['slept a', join('', map { "$_ " } 1 .. 20), 'part 1 part 2 part 3 ', 'slept b', "plain\n", 'slept c'], 'keep-alive';
my $old = wire();
$old->say('GET /sleep.lua?t=0.01 HTTP/1.0', '');
like $old->rest, qr/\r\n\r\nslept \z/, 'HTTP/1.0';

# Pipelines: all is sent at once, the answers come in order.
sub pipeline {
    my ($name, @paths) = @_;
    my $wire = wire();
    $wire->send(join '', map { "$_->[0] HTTP/1.1\r\nHost: x\r\n" . ($_->[3] // '') . "\r\n" . ($_->[4] // '') } @paths);
    my $wrong = 0;
    for (@paths) {
        my $got = $wire->answer(head => scalar $_->[0] =~ /^HEAD/);
        next if $got->{code} == $_->[1] && $got->{body} =~ /^$_->[2]\z/s && !$got->{cut};
        diag "$_->[0]: $got->{code} $got->{body}" unless $wrong++;
    }
    is $wrong, 0, "pipeline: $name";
    $wire->get('/sleep.lua?t=0.01&n=last');
    is $wire->answer->{body}, 'slept last', 'and the connection goes on';
}
pipeline('200 without parks', map { ["GET /sleep.lua?t=-1&n=$_", 200, "slept $_"] } 1 .. 200);
pipeline('200 that park',     map { ["GET /sleep.lua?t=0.001&n=$_", 200, "slept $_"] } 1 .. 200);
pipeline('200 mixed', map { $_ % 3 ? ["GET /sleep.lua?t=" . ($_ % 2 ? -1 : 0.001) . "&n=$_", 200, "slept $_"] : ['GET /plain.txt', 200, "plain\n"] } 1 .. 200);
my $length = sub { 'Content-Length: ' . length($_[0]) . "\r\n" };
pipeline('all sorts', (
    ['GET /parts.lua', 200, '(?:part \d ){3}'], ['GET /many.lua', 200, '(?:\d+ ){20}'],
    ['HEAD /sleep.lua?t=0.01', 200, ''], ['GET /exit.lua', 403, '.*Forbidden.*'], ['GET /empty.lua', 200, ''],
    ['POST /echo.lua', 200, 'abc', $length->('abc'), 'abc'], ['POST /late.lua', 200, 'abcd', $length->('abcd'), 'abcd'],
    ['POST /early.lua', 200, 'xyz', "Transfer-Encoding: chunked\r\n", "1\r\nx\r\n2\r\nyz\r\n0\r\n\r\n"],
    ['GET /go.lua', 200, 'slept .*'], ['GET /away.lua', 302, '.*elsewhere.*'], ['GET /none.lua', 404, '.*Not Found.*'],
    ['POST /unread.lua', 200, 'unread', $length->('abc'), 'abc'], ['POST /stream.lua', 200, '10 in 1', $length->('x' x 10), 'x' x 10],
) x 4);

# Bodies, in pieces that make the script wait, and as the client's framing has it.
sub upload {
    my ($path, $head, @pieces) = @_;
    my $wire = wire();
    $wire->say("POST $path HTTP/1.1", 'Host: x', @$head, '');
    for (@pieces) { sleep 0.03; $wire->send($_) }
    my $got = $wire->answer;
    my $next = '';
    if ($got->{head} !~ /^Connection: close/mi) { $wire->get('/sleep.lua?t=0&n=next'); $next = $wire->answer->{body} }
    return "$got->{code} $got->{body}" . ($next eq 'slept next' ? ' +' : '');
}
for my $script (qw(echo late early)) {
    is upload("/$script.lua", ['Content-Length: 9'], qw(abc def ghi)), '200 abcdefghi +', "$script: a body in three pieces";
    is upload("/$script.lua", ['Content-Length: 0']), '200 none +', "$script: an empty body";
    is upload("/$script.lua", []), '200 none +', "$script: no body";
    is upload("/$script.lua", ['Transfer-Encoding: chunked'], "3\r", "\nab", "c\r\n", "4;x=y\r\ndefg\r\n0", "\r\n", "\r\n"), '200 abcdefg +', "$script: chunks, cut anywhere";
    is upload("/$script.lua", ['Transfer-Encoding: chunked', 'Trailer: X-T'], "3\r\nabc\r\n", "0\r\nX-T: ", "1\r\nX-U: 2\r\n", "\r\n"), '200 abc +', "$script: trailers";
    is upload("/limit/$script.lua", ['Content-Length: 1001'], 'x' x 1001) =~ s/ .*//sr, 413, "$script: LimitRequestBody by Content-Length";
    is upload("/limit/$script.lua", ['Transfer-Encoding: chunked'], "3e8\r\n", 'x' x 1000, "\r\n1\r\nx\r\n0\r\n\r\n") =~ s/ .*//sr, 413, "$script: LimitRequestBody by chunks";
    is upload("/limit/$script.lua", ['Transfer-Encoding: chunked'], "3e8\r\n", 'x' x 1000, "\r\n0\r\n\r\n"), '200 ' . 'x' x 1000 . ' +', "$script: just not too long";
    is upload("/$script.lua", ['Transfer-Encoding: chunked'], "3\r\nabc\r\n", "xyz\r\n") =~ s/ .*//sr, 400, "$script: a broken chunk";
}
is upload('/stream.lua', ['Content-Length: 20'], 'abc', 'x' x 10, 'y' x 7), '200 20 in 2 +', 'ngx.req.socket: pieces';
is upload('/stream.lua', ['Transfer-Encoding: chunked'], "3\r\nabc\r\n", "5\r\nabcde\r\n", "0\r\n\r\n"), '200 8 in 1 +', 'ngx.req.socket: chunks';
is upload('/unread.lua', ['Content-Length: 300000'], map { 'x' x 60000 } 1 .. 5), '200 unread +', 'a body nobody reads';

# 100-continue: when the script asks for the body, and not before.
for my $script (qw(echo late early)) {
    for my $framing (['Content-Length: 5', 'hello'], ['Transfer-Encoding: chunked', "5\r\nhello\r\n0\r\n\r\n"]) {
        my $wire = wire();
        $wire->say("POST /$script.lua HTTP/1.1", 'Host: x', $framing->[0], 'Expect: 100-continue', '');
        is $wire->answer->{code}, 100, "$script: the client is told to go on ($framing->[0])";
        sleep 0.05;
        $wire->send($framing->[1]);
        my $got = $wire->answer;
        is "$got->{code} $got->{body}", '200 hello', 'then it is answered, once';
    }
}
my $wire = wire();
$wire->say('POST /unread.lua HTTP/1.1', 'Host: x', 'Content-Length: 5', 'Expect: 100-continue', '');
is $wire->answer->{code}, 200, 'a script that does not want the body: no 100';
$wire = wire();
$wire->say('POST /limit/late.lua HTTP/1.1', 'Host: x', 'Content-Length: 2000', 'Expect: 100-continue', '');
is $wire->answer->{code}, 413, 'a body that is too long: no 100 either';
$wire = wire();
$wire->say('POST /echo.lua HTTP/1.1', 'Host: x', 'Content-Length: 5', 'Expect: 100-continue', '', 'hello');
my $first = $wire->answer;
$first = $wire->answer if $first->{code} == 100;
is "$first->{code} $first->{body}", "200 hello", 'a client that does not wait for it';

# Among many that are parked a request is looked over once more before its script runs, for memory httpd can spare: nothing of what its
# client has sent may be lost by that.
if ($event) {
    my @crowd = map { asked('/lean?sleep=60') } 1 .. 110;
    my $end = time + 20;
    sleep 0.05 until time > $end || $server->get('/lean')->content >= 110;
    is $server->get('/lean')->content, '110 ', 'a crowd';
    for my $sleep ('', '&sleep=0.01') {
        my $wire = wire();
        my @framing = (["Content-Length: 5\r\n\r\nhello"], ["\r\n"], ["Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"]);
        my $n = 0;
        $wire->send(join '', map { $n++; "POST /lean?n=$n$sleep HTTP/1.1\r\nHost: x\r\n$_->[0]" } (@framing) x 10);
        is join(',', map { $wire->answer->{body} } 1 .. 30), join(',', map { "$_ " . ($_ % 3 == 2 ? '' : 'hello') } 1 .. 30), "pipelines$sleep";
        $wire->say("POST /lean?n=1$sleep HTTP/1.1", 'Host: x', 'Content-Length: 10', '', 'one');
        sleep 0.05;
        $wire->send('other');
        is $wire->answer->{body}, "1 one\r\nother", "a body in pieces$sleep";
        $wire->say("GET /lean?n=1$sleep HTTP/1.1", 'Host: x', '');
        is $wire->answer->{body}, '1 ', "one after the other$sleep";
    }
    my $half = wire();
    $half->say('GET /lean?n=1 HTTP/1.1', 'Host: x', '');
    $half->finish;
    is $half->answer->{body}, '1 ', 'a client that has said all it has to say';
    ok $half->ends, 'and the connection ends';
    $_->close for @crowd;
}

is $server->get('/fails.lua')->code, 500, 'an error after a wait';

my $log = $server->error_log;
unlike $log, qr/must not be|exit signal|cannot be woken|is lost/, 'nothing odd';
like $log, qr/\[client 127\.0\.0\.1:\d+\] .*EXPECTED/, 'a line of a request that has waited names its client' or diag $log;
is scalar(() = $log =~ /coral:error/g), scalar(() = $log =~ /EXPECTED/g), 'no errors but those of the scripts that fail' or diag $log;
$server->stop;
unlike $server->error_log, qr/must not be|exit signal|still did not exit/, 'and ends well';

done_testing;
