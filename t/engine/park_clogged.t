# SPDX-License-Identifier: Apache-2.0
# A module that keeps input of the connection to itself (clogging_input_filters): httpd does not let such a connection wait in the middle of
# a request, so its requests keep their threads. No module of httpd's does that any more; one of the test's own says it.
use strict;
use warnings;
use Apache::Test ();
use Coral::Module;
use Coral::Server;
use Coral::Wire;
use Test::More;
use Time::HiRes 'time';

plan skip_all => 'only the event MPM takes a request from its thread' if Apache::Test::vars()->{coral_mpm} ne 'event';

my $server = Coral::Server->new(config => <<'CONF', files => {
LoadModule clog_module @ROOT@/mod_clog.so
StartServers 1
ServerLimit 1
ThreadsPerChild 4
MaxRequestWorkers 4
AsyncRequestWorkerFactor 50
MaxKeepAliveRequests 0
Timeout 1
CONF
    'htdocs/sleep.lua' => 'ngx.sleep(tonumber(ngx.var.arg_t)) ngx.print("slept ", ngx.var.arg_n, " ", require("coral").status().parked)',
    'htdocs/body.lua'  => 'ngx.sleep(0.01) ngx.req.read_body() ngx.sleep(0.01) ngx.print(ngx.req.get_body_data())',
    'htdocs/stream.lua' => 'for i = 1, 3 do ngx.print(i, " ") ngx.flush(true) ngx.sleep(0.01) end',
    Coral::Module->source('clog', <<'C', 'ap_hook_pre_connection(on_connection, NULL, NULL, APR_HOOK_MIDDLE);'),
static int on_connection(conn_rec *c, void *socket)
{
    (void)socket;
    c->clogging_input_filters = 1;
    return OK;
}
C
});
plan skip_all => 'no C compiler' unless Coral::Module->build($server, 'clog');
ok $server->start, 'starts' or diag $server->output, $server->error_log;

my $wire = Coral::Wire->new($server->port);
is_deeply [map { $wire->get($_); $wire->answer->{body} } '/sleep.lua?t=0.01&n=a', '/stream.lua', '/sleep.lua?t=0.01&n=b'],
    ['slept a 0', '1 2 3 ', 'slept b 0'], 'requests wait on their thread, one after the other';
$wire->get('/sleep.lua?t=2.5&n=c');
is $wire->answer->{body}, 'slept c 0', 'longer than Timeout';
my $begun = time;
my @wires = map { my $one = Coral::Wire->new($server->port); $one->get("/sleep.lua?t=0.5&n=$_"); $one } 1 .. 8;
is_deeply [map { $_->answer->{body} } @wires], [map { "slept $_ 0" } 1 .. 8], 'more of them than there are threads: the others wait for one';
cmp_ok time - $begun, '>', 0.9, 'for that long';
$wire = Coral::Wire->new($server->port);
$wire->say('POST /body.lua HTTP/1.1', 'Host: x', 'Content-Length: 6', '');
$wire->send($_) for qw(ab cd ef);
is $wire->answer->{code}, 200, 'a body';
$wire = Coral::Wire->new($server->port);
$wire->send(join '', map { "GET /sleep.lua?t=0.001&n=$_ HTTP/1.1\r\nHost: x\r\n\r\n" } 1 .. 50);
is_deeply [map { $wire->answer->{body} } 1 .. 50], [map { "slept $_ 0" } 1 .. 50], 'a pipeline';
$server->stop;
unlike $server->error_log, qr/must not be|exit signal|still did not exit|cannot be woken|is lost|coral:error/, 'nothing odd';

done_testing;
