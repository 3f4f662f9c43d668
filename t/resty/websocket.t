# SPDX-License-Identifier: Apache-2.0
# lua-resty-websocket as it is: its server with the frames of another library (Protocol::WebSocket for Perl), and with its own client.
use strict;
use warnings;
use Coral::Blocks;
use Coral::Library;
use Coral::Server;
use Coral::Wire;
use Test::More;
use Time::HiRes 'sleep';

my $library = Coral::Library->need('resty.websocket.server', '?resty.websocket.client');
my $server  = Coral::Server->new(
    config => $library->config . "AsyncRequestWorkerFactor 100\n",
    files  => { 'htdocs/echo.lua' => <<'LUA' });
local ws, err = require "resty.websocket.server":new { timeout = 10000, max_payload_len = 1000000 }
if not ws then ngx.log(ngx.NOTICE, "no handshake: ", err) return ngx.exit(444) end
while true do
  local data, kind, why = ws:recv_frame()
  if not data then
    if ws.fatal then ngx.log(ngx.NOTICE, "over: ", why) return end
  elseif kind == "close" then
    ws:send_close(1000, "goodbye")
    ngx.log(ngx.NOTICE, "closed: ", why, " ", data)
    return
  elseif kind == "ping" then ws:send_pong(data)
  elseif kind == "text" then ws:send_text("you said " .. data)
  elseif kind == "binary" then ws:send_binary(data)
  end
end
LUA
ok $server->start, 'starts' or diag $server->output, $server->error_log;

# A connection after its handshake, and a frame from it: its opcode and its bytes.
sub open_socket {
    my $client = Protocol::WebSocket::Handshake::Client->new(url => 'ws://127.0.0.1:' . $server->port . '/echo.lua');
    my $wire   = Coral::Wire->new($server->port);
    $wire->send($client->to_string);
    my $head = $wire->until(qr/^.*?\r\n\r\n/s);
    return $client->parse($head) && $client->is_done ? $wire : undef;
}
sub frame { return Protocol::WebSocket::Frame->new(max_payload_size => 0, masked => 1, @_)->to_bytes }

sub next_frame {
    my $wire = shift;
    my ($first, $size) = unpack 'CC', $wire->take(2);
    $size = $size == 126 ? unpack 'n', $wire->take(2) : $size == 127 ? unpack 'Q>', $wire->take(8) : $size;
    return (($first & 15) . ':' . $wire->take($size));
}

SKIP: {
    skip 'there is no Protocol::WebSocket', 1 unless eval { require Protocol::WebSocket::Handshake::Client; require Protocol::WebSocket::Frame; 1 };
    my $log  = $server->log;
    my $wire = open_socket();
    ok $wire, 'the handshake' or last SKIP;
    $wire->send(frame(buffer => 'hello', type => 'text'));
    is next_frame($wire), '1:you said hello', 'a text';
    $wire->send(frame(buffer => '', type => 'text'));
    is next_frame($wire), '1:you said ', 'an empty one';
    my $bytes = join '', map { chr } 0 .. 255;
    for my $size (1, 125, 126, 65_535, 65_536, 900_000) {
        my $data = substr $bytes x ($size / 256 + 1), 0, $size;
        $wire->send_all(frame(buffer => $data, type => 'binary'));
        ok next_frame($wire) eq "2:$data", "$size bytes";
    }
    $wire->send(frame(buffer => 'p', type => 'ping'));
    is next_frame($wire), '10:p', 'a ping';
    $wire->send(join '', map { frame(buffer => $_, type => 'text') } 'one', 'two');
    is next_frame($wire) . next_frame($wire), '1:you said one1:you said two', 'two at once';
    $wire->send(frame(buffer => pack('n', 1000) . 'enough', type => 'close'));
    is next_frame($wire), '8:' . pack('n', 1000) . 'goodbye', 'it is closed';
    ok $wire->ends, 'and the connection, too';
    ok $log->wait(qr/closed: 1000 enough/), 'the server knows why';

    my @many = map { open_socket() } 1 .. 100;
    is scalar(grep { defined } @many), 100, 'a hundred clients at the same time';
    for my $n (0 .. $#many) { $many[$n]->send(frame(buffer => $n, type => 'text')) }
    is scalar(grep { next_frame($many[$_]) eq "1:you said $_" } 0 .. $#many), 100, 'each has its answer';
    $_->reset for @many[0 .. 49];
    $_->close for @many[50 .. 99];
    my $gone = 0;
    for (1 .. 500) { last if ($gone = () = $log->text =~ /over: /g) >= 100; sleep 0.02 }
    is $gone, 100, 'and all are seen to go';
    isnt $server->get('/echo.lua')->code, 101, 'a request that is none of its kind';
}

my $none = $library->has('resty.websocket.client') ? '' : 'there is no resty.websocket.client';
run_blocks(NONE => $none, PORT => $server->port, LUA => Coral::Library::lua(), server => $server);
__DATA__
=== its own client
--- skip: @NONE@
--- lua
@LUA@
local client = require "resty.websocket.client":new { max_payload_len = 1000000 }
show(client:connect("ws://127.0.0.1:@PORT@/echo.lua") ~= nil)
show(client:send_text "hello" > 0, client:recv_frame())
local bytes = ("\0\1\254\255"):rep(100000)
client:send_binary(bytes)
local data, kind = client:recv_frame()
show(data == bytes, kind)
client:send_ping "p"
show(client:recv_frame())
show(client:send_close())
show(client:recv_frame())
show(client:close())
--- body_like
\Atrue
true\|you said hello\|text
true\|binary
p\|pong
\d+
goodbye\|close\|1000
1
\z
