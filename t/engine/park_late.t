# SPDX-License-Identifier: Apache-2.0
# A connection that comes when its child is told to stop: the MPM's listener has not counted it yet, and leaves. Nobody would bring it back
# to a thread, so its requests keep theirs. A module of the test's own keeps it waiting at that point.
use strict;
use warnings;
use Apache::Test ();
use Coral::Module;
use Coral::Server;
use Coral::Wire;
use Digest::MD5 'md5_hex';
use Test::More;
use Time::HiRes qw(sleep time);

plan skip_all => 'only the event MPM takes a request from its thread' if Apache::Test::vars()->{coral_mpm} ne 'event';

my $server = Coral::Server->new(config => <<'CONF', files => {
LoadModule late_module @ROOT@/mod_late.so
StartServers 1
ServerLimit 4
ThreadsPerChild 8
MaxRequestWorkers 16
MaxSpareThreads 16
AsyncRequestWorkerFactor 50
SendBufferSize 32768
Timeout 10
CONF
    'htdocs/sleep.lua' => 'ngx.sleep(0.5) ngx.print("slept")',
    'htdocs/lines.lua' => 'for i = 1, 60000 do ngx.print(("%49d\n"):format(i)) end',
    'htdocs/body.lua'  => 'ngx.sleep(0.01) ngx.req.read_body() ngx.print(ngx.md5((...):requestbody()))',
    'htdocs/pid.lua'   => 'ngx.print(ngx.worker.pid())',
    Coral::Module->source('late', <<'C', 'ap_hook_create_connection(on_create, NULL, NULL, APR_HOOK_FIRST);'),
static conn_rec *on_create(apr_pool_t *p, server_rec *s, apr_socket_t *socket, long id, void *sbh, apr_bucket_alloc_t *alloc)
{
    (void)p, (void)s, (void)socket, (void)id, (void)sbh, (void)alloc;
    if (access("@ROOT@/late", F_OK) == 0)
        usleep(1500000);
    return NULL; /* httpd makes it */
}
C
});
plan skip_all => 'no C compiler' unless Coral::Module->build($server, 'late');
ok $server->start, 'starts' or diag $server->output, $server->error_log;
my $pid = $server->get('/pid.lua', Connection => 'close')->content;
$server->write('late', '');
my @wires = map { Coral::Wire->new($server->port, buffer => 8192) } 1 .. 3;
$wires[0]->get('/sleep.lua');
$wires[1]->get('/lines.lua');
$wires[2]->say('POST /body.lua HTTP/1.1', 'Host: x', 'Content-Length: 300', '');
$wires[2]->send('x' x 100);
sleep 0.2;
my $log = $server->log;
kill USR1 => $server->pid;
ok $log->wait(qr/resuming normal operations/, 10), 'a graceful restart';
unlink $server->root . '/late';
$wires[2]->send('x' x 200);
is $wires[0]->answer->{body}, 'slept', 'one that came too late waits on its thread';
is md5_hex($wires[1]->answer->{body}), md5_hex(join '', map { sprintf "%49d\n", $_ } 1 .. 60_000), 'a slow reader gets all of it';
is $wires[2]->answer->{body}, md5_hex('x' x 300), 'a body is read';
@wires = ();
my $end = time + 8;
sleep 0.05 while kill(0, $pid) && time < $end;
ok !kill(0, $pid), 'and the old child ends';
isnt $server->get('/pid.lua')->content, $pid, 'the new one serves';
$server->stop;
unlike $server->error_log, qr/must not be|exit signal|still did not exit|cannot be woken|is lost|coral:error/, 'nothing odd' or diag $server->error_log;

done_testing;
