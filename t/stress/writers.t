# SPDX-License-Identifier: Apache-2.0
# A thousand uploads of 3 MB at the same time, from slow writers, on 16 threads: all come whole, others are served, memory stays small.
use strict;
use warnings;
use Apache::Test ();
use Coral::Process qw(kilobytes);
use Coral::Server;
use Coral::Wire;
use Test::More;
use Time::HiRes qw(sleep time);

plan skip_all => 'only the event MPM takes a request from its thread' if Apache::Test::vars()->{coral_mpm} ne 'event';
my $most = qx(sh -c 'ulimit -n');
my ($writers, $pieces, $size) = (1000, 60, 50_000);
plan skip_all => 'there may not be so many descriptors' if $most !~ /unlimited/ && $most < 3 * $writers + 400;

my $server = Coral::Server->new(config => <<'CONF', files => {
StartServers 1
ServerLimit 1
ThreadsPerChild 16
MaxRequestWorkers 16
AsyncRequestWorkerFactor 200
ListenBacklog 1024
Timeout 60
ReceiveBufferSize 65536
CONF
    'htdocs/upload.lua' => <<'LUA',
local s, sum, wrong = ngx.req.socket(), 0, 0
local want = ngx.var.arg_c
s:settimeout(60000)
while sum < 3000000 do
  local piece = s:receiveany(65536)
  if not piece then break end
  sum = sum + #piece
  if piece:find("[^" .. want .. "]") then wrong = wrong + 1 end
end
ngx.print(sum, " ", wrong)
LUA
    'htdocs/hello.lua' => 'ngx.print("hello")',
    'htdocs/pid.lua'   => 'ngx.print(ngx.worker.pid())',
});
ok $server->start, 'starts' or diag $server->output, $server->error_log;
my $pid = $server->get('/pid.lua')->content;
my @wires;
for my $n (1 .. $writers) {
    my $wire = Coral::Wire->new($server->port) or last;
    my $char = chr(97 + $n % 26);
    $wire->say("POST /upload.lua?c=$char HTTP/1.1", 'Host: x', 'Content-Length: 3000000', '');
    push @wires, [$wire, $char x $size];
}
is scalar @wires, $writers, "$writers uploads have begun";
sleep 0.5;
my $before = kilobytes($pid);
my ($slowest, $biggest, $cut) = (0, 0, 0);
for my $piece (1 .. $pieces) {
    for (@wires) { $cut++ unless $_->[0]->send_all($_->[1]) }
    next if $piece % 10;
    my $begun = time;
    is $server->get('/hello.lua')->content, 'hello', "others are served after $piece pieces";
    $slowest = time - $begun if time - $begun > $slowest;
    $biggest = kilobytes($pid) if kilobytes($pid) > $biggest;
}
is $cut, 0, 'every byte was taken';
cmp_ok $slowest, '<', 5, sprintf 'others wait %.2f s at most', $slowest;
is scalar(grep { $_->[0]->answer(seconds => 30)->{body} ne '3000000 0' } @wires), 0, 'all come whole';
cmp_ok $biggest - $before, '<', 120_000, sprintf('%d kB with all of them open, %d kB at most', $before, $biggest)
    unless $ENV{CORAL_SANITIZED};    # they keep memory back
@wires = ();
is $server->get('/pid.lua')->content, $pid, 'the child is there';
$server->stop;
unlike $server->error_log, qr/must not be|exit signal|still did not exit|cannot be woken|is lost|keeps its thread|coral:error/, 'nothing odd';

done_testing;
