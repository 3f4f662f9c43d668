# SPDX-License-Identifier: Apache-2.0
# Waiting behind TLS and HTTP/2, and clients there that are slow, or leave.
use strict;
use warnings;
use Apache::Test ();
use Coral::Process qw(kilobytes);
use Coral::Server;
use Digest::MD5 'md5_hex';
use IPC::Open2;
use Test::More;
use Time::HiRes qw(sleep time);

my $vars = Apache::Test::vars();
my $mpm  = $vars->{coral_mpm};
plan skip_all => 'the same as without parking' if $mpm eq 'prefork';
sub tool { my $name = shift; return (grep { -x } map { "$_/$name" } split /:/, $ENV{PATH})[0] }

my $server = Coral::Server->new(config => <<'CONF', files => {
StartServers 1
ServerLimit 1
ThreadsPerChild 6
MaxRequestWorkers 6
<IfModule mpm_event_module>
    AsyncRequestWorkerFactor 50
</IfModule>
Timeout 2
MaxKeepAliveRequests 0
SSLEngine on
SSLCertificateFile    "${CONF}/tls/cert.pem"
SSLCertificateKeyFile "${CONF}/tls/key.pem"
Protocols h2 http/1.1
H2MaxSessionStreams 200
SendBufferSize 32768
CONF
    'htdocs/sleep.lua' => 'ngx.sleep(tonumber(ngx.var.arg_t)) ngx.print("slept ", ngx.var.arg_n or "")',
    'htdocs/body.lua'  => 'ngx.sleep(0.01) ngx.req.read_body() ngx.sleep(0.01) local b = (...):requestbody() ngx.print(#b, " ", ngx.md5(b))',
    'htdocs/lines.lua' => 'for i = 1, 60000 do ngx.print(("%49d\n"):format(i)) if i % 10000 == 0 then ngx.flush(true) ngx.sleep(0.01) end end',
    'htdocs/stream.lua' => 'for i = 1, 5 do ngx.print(i, " ") ngx.flush(true) ngx.sleep(0.05) end',
    'htdocs/mark.lua'  => 'local c <close> = setmetatable({}, { __close = function() ngx.log(ngx.WARN, "CLOSED") end }) ngx.log(ngx.WARN, "BEGIN") ngx.sleep(5) ngx.log(ngx.WARN, "AFTER")',
    'htdocs/facts.lua' => 'ngx.print(ngx.worker.pid())',
});
ok $server->start, "starts under $mpm" or diag $server->output, $server->error_log;
my $url = 'https://127.0.0.1:' . $server->port;
sub curl { my $text = join ' ', map { "'$_'" } @_; return qx(curl -sk --max-time 20 $text 2>&1) }
my $lines = join '', map { sprintf "%49d\n", $_ } 1 .. 60000;
my $big   = $server->root . '/big';
$server->write('big', join '', map { chr(65 + $_ % 26) x 1000 } 1 .. 1000);
my $sum = '1000000 ' . md5_hex(Coral::File->follow($big, 0)->text);
my $pid = curl('--http1.1', "$url/facts.lua");
like $pid, qr/^\d+$/, 'TLS';

# One after the other and at the same time, with both protocols.
for my $http ('--http1.1', '--http2') {
    is curl($http, map { "$url/sleep.lua?t=0.0$_&n=$_" } 1 .. 5), join('', map { "slept $_" } 1 .. 5), "$http: five on one connection";
    is curl($http, "$url/sleep.lua?t=2.6"), 'slept ', "$http: longer than Timeout" if $http =~ /1/;
    is curl($http, "$url/stream.lua"), '1 2 3 4 5 ', "$http: a stream";
    is md5_hex(curl($http, "$url/lines.lua")), md5_hex($lines), "$http: 3 MB, every byte";
    is md5_hex(curl($http, '--limit-rate', '6M', "$url/lines.lua")), md5_hex($lines), "$http: to a slow client";
    is curl($http, '--data-binary', "\@$big", "$url/body.lua"), $sum, "$http: an upload";
    is curl($http, '--limit-rate', '3M', '--data-binary', "\@$big", '-H', 'Expect: 100-continue', "$url/body.lua"), $sum, "$http: a slow one, which asks first";
    is curl($http, '--data-binary', "\@$big", '-H', 'Transfer-Encoding: chunked', "$url/body.lua"), $sum, "$http: in chunks" if $http =~ /1/;
}

# Clients that wait at the same time: more than there are threads, under event.
my $width = $mpm eq 'event' ? 30 : 6;
my $begun = time;
my @pipes = map { open my $pipe, '-|', qw(curl -sk --http1.1 --max-time 20), "$url/sleep.lua?t=1&n=$_" or die "curl: $!\n"; $pipe } 1 .. $width;
is_deeply [map { my $pipe = $_; local $/; scalar <$pipe> } @pipes], [map { "slept $_" } 1 .. $width], "$width wait over TLS";
cmp_ok time - $begun, '<', 6, 'at the same time';
close $_ for @pipes;

# The pipeline, by hand.
SKIP: {
    skip 'no openssl', 3 unless tool('openssl');
    my $child = open2(my $out, my $in, 'openssl', 's_client', '-quiet', '-connect', '127.0.0.1:' . $server->port) or die "openssl: $!\n";
    print $in map { "GET /sleep.lua?t=0.001&n=$_ HTTP/1.1\r\nHost: x\r\n" . ($_ == 50 ? "Connection: close\r\n" : '') . "\r\n" } 1 .. 50;
    $in->flush;
    my $text = do { local $SIG{ALRM} = sub { kill KILL => $child }; alarm 10; local $/; my $t = <$out>; alarm 0; $t };
    is join(' ', $text =~ /slept (\d+)/g), join(' ', 1 .. 50), '50 in a pipeline, in order';
    waitpid $child, 0;

    skip 'only event', 2 if $mpm ne 'event';
    my $log = $server->log;
    $child = open2($out, $in, 'openssl', 's_client', '-quiet', '-connect', '127.0.0.1:' . $server->port);
    print $in "GET /mark.lua HTTP/1.1\r\nHost: x\r\n\r\n";
    $in->flush;
    $log->wait(qr/BEGIN/, 5);
    sleep 0.2;
    kill KILL => $child;
    waitpid $child, 0;
    ok $log->wait(qr/CLOSED/, 3), 'a client that leaves: the script is ended';
    unlike $log->text, qr/AFTER/, 'and does not go on';
}

# 100 streams of one HTTP/2 connection.
SKIP: {
    my $h2load = tool('h2load') or skip 'no h2load (Debian: nghttp2-client)', 2;
    my $text = qx($h2load -n 100 -c 1 -m 100 '$url/sleep.lua?t=0.1' 2>&1);
    like $text, qr/100 succeeded, 0 failed, 0 errored/, '100 streams wait' or diag $text;
    like $text, qr/status codes: 100 2xx/, 'and are answered';
    $text = qx($h2load -n 60 -c 6 -m 10 '$url/stream.lua' 2>&1);
    like $text, qr/60 succeeded, 0 failed, 0 errored/, '6 connections with 10 streams each' or diag $text;
}
is curl('--http1.1', "$url/facts.lua"), $pid, 'the child is there';
$server->stop;
unlike $server->error_log, qr/must not be|exit signal|still did not exit|cannot be woken|is lost|coral:error/, 'nothing odd';

done_testing;
