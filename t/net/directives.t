# SPDX-License-Identifier: Apache-2.0
# OpenResty's directives for sockets and what they change: buffers, logging, OpenSSL's commands, the log of keys; CoralCodeCache,
# CoralUseDefaultType.
use strict;
use warnings;
use Coral::File;
use Coral::Server;
use Coral::Upstream;
use Test::More;

for (
    ['CoralSocketBufferSize 0', 'is not between 1 and 1m'], ['CoralSocketBufferSize 2m', 'is not between 1 and 1m'], ['CoralSocketBufferSize x', 'not a size'],
    ['CoralSocketLogErrors maybe', 'must be On or Off'], ['CoralSslKeyLog /no/such/folder/keys', 'no folder'],
    ['CoralSslConfCommand Options', 'two arguments'], ['CoralSslConfCommand Nonsense x', 'OpenSSL refuses "Nonsense"'],
    ['CoralSslConfCommand MinProtocol TLSv9', 'OpenSSL refuses "MinProtocol" with "TLSv9"'], ['CoralCodeCache x', 'must be On or Off'],
) {
    my ($status, $output) = Coral::Server->new(config => "$_->[0]\n")->configtest;
    ok $status && $output =~ /$_->[1]/, $_->[0] or diag $output;
}

my $servers = Coral::Upstream->start(PLAY => 'tcp', RIGHT => 'tls:right', OLD => 'tls:right,old', REFUSED => 'refused');
my %port = $servers->words;
my $server = Coral::Server->new(
    config => <<'CONF',
<Location "/small">
    CoralSocketBufferSize 1
</Location>
<Location "/loud">
    CoralSocketLogErrors on
</Location>
<Location "/new">
    CoralSslConfCommand MinProtocol TLSv1.3
    CoralSslKeyLog "@ROOT@/keys"
</Location>
<Location "/typeless">
    CoralUseDefaultType off
</Location>
<Location "/cached">
    CoralCodeCache on
</Location>
<Location "/fresh">
    CoralCodeCache off
</Location>
CONF
    files => {
        (map { ("htdocs/$_/read.lua" => <<'LUA') } qw(small plain)),
local s = assert(ngx.socket.connect("127.0.0.1", ngx.var.arg_port))
s:settimeout(10000)
s:send("say:one%0atwo%0athree,%20four%0a\n")
ngx.print(s:receive(), s:receive(4), (s:receiveuntil("our")()), s:receiveany(10))
LUA
        (map { ("htdocs/$_/fail.lua" => <<'LUA') } qw(loud plain)),
local s = ngx.socket.tcp()
ngx.say(s:connect("127.0.0.1", ngx.var.arg_refused))
s:connect("127.0.0.1", ngx.var.arg_port)
s:settimeout(50)
ngx.say(s:receive())
s:send("close\n")
s:settimeout(10000)
ngx.say(s:receive())
LUA
        (map { ("htdocs/$_/tls.lua" => <<'LUA') } qw(new plain)),
local s = assert(ngx.socket.connect("127.0.0.1", ngx.var.arg_port))
ngx.say((s:sslhandshake(false, "localhost", false)))
LUA
        'htdocs/typeless/x.lua' => 'ngx.say("x")',
        'htdocs/plain/x.lua'    => 'ngx.say("x")',
        (map { ("htdocs/$_/count.lua" => 'N = 0 function handle() N = N + 1 ngx.say(N, " first") end') } qw(cached fresh)),
    });
ok $server->start, 'the server starts' or diag $server->output, $server->error_log;
chmod 0777, $server->root;

is $server->get("/$_/read.lua?port=$port{PLAY}")->content, "onetwo\nthree, f\n", "$_: read as it comes" for qw(small plain);

for my $where (qw(plain loud)) {
    my $log = $server->log;
    like $server->get("/$where/fail.lua?port=$port{PLAY}&refused=$port{REFUSED}")->content, qr/^nilconnection refused\nniltimeout\n(?:nilclosed)?/, "$where: fails";
    my $text = $log->text;
    my @lines = $text =~ /a socket failed while (.*?)(?:\n|$)/g;
    is_deeply \@lines, $where eq 'loud' ? ["connecting to 127.0.0.1, port $port{REFUSED}: connection refused", 'reading: timeout'] : [], "$where: what is logged";
}

is $server->get("/new/tls.lua?port=$port{RIGHT}")->content, "true\n", 'TLS 1.3';
is $server->get("/new/tls.lua?port=$port{OLD}")->content, "nil\n", 'CoralSslConfCommand: nothing older';
is $server->get("/plain/tls.lua?port=$port{OLD}")->content, "true\n", 'but there';
my $keys = Coral::File->follow($server->root . '/keys', 0)->text;
like $keys, qr/^CLIENT_HANDSHAKE_TRAFFIC_SECRET [0-9a-f]{64} [0-9a-f]+$/m, 'CoralSslKeyLog';

is $server->get('/plain/x.lua')->header('Content-Type'), 'text/plain', 'a type where none is named';
is $server->get('/typeless/x.lua')->header('Content-Type'), undef, 'CoralUseDefaultType off: none';

for my $where (qw(cached fresh)) {
    my $path = $server->root . "/htdocs/$where/count.lua";
    like $server->get("/$where/count.lua")->content, qr/^\d+ first$/, "$where: runs";
    Coral::File::write_file($path, 'function handle() ngx.say("0 second") end');
    utime 0, 0, $path;
    like $server->get("/$where/count.lua")->content, $where eq 'cached' ? qr/^\d+ first$/ : qr/^0 second$/, "CoralCodeCache: $where";
}
$server->stop;
unlike $server->error_log, qr/exit signal/, 'no crash';
done_testing;
