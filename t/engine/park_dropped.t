# SPDX-License-Identifier: Apache-2.0
# The MPM cannot keep a connection whose request has just been parked: its pollset takes it no more. It is made to believe that by a
# library that is loaded before APR.
use strict;
use warnings;
use Apache::Test ();
use Coral::Process qw(children);
use Coral::Server;
use Coral::Wire;
use Test::More;
use Time::HiRes qw(sleep time);

my $vars = Apache::Test::vars();
plan skip_all => 'only the event MPM takes a request from its thread' if $vars->{coral_mpm} ne 'event';
plan skip_all => 'the sanitizers have to be loaded first' if $ENV{CORAL_SANITIZED};

my $server = Coral::Server->new(config => <<'CONF', files => {
StartServers 1
ServerLimit 4
ThreadsPerChild 4
MaxRequestWorkers 8
MaxSpareThreads 8
AsyncRequestWorkerFactor 50
CoralHook log lua/log.lua
CONF
    'lua/log.lua'     => 'if ngx.var.arg_mark then ngx.log(ngx.WARN, "MARK ", ngx.var.arg_mark, " ", ngx.status) end',
    'htdocs/long.lua' => <<'LUA',
local c <close> = setmetatable({}, { __close = function() ngx.log(ngx.WARN, "CLOSED ", ngx.var.arg_mark) end })
for i = 1, 500 do ngx.sleep(0.001) end
ngx.print("late")
LUA
    'htdocs/early.lua' => 'for i = 1, 300 do ngx.sleep(0.05) local f = io.open("@ROOT@/over") if f then f:close() break end end ngx.print("slept")',
    'htdocs/pid.lua'   => 'ngx.print(ngx.worker.pid())',
    'full.c'           => <<'C',
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct descriptor { void *pool; int type; short wanted, returned; void *socket; void *data; };

/* apr_socket_t begins with its pool and the descriptor. */
int apr_pollset_add(void *pollset, const struct descriptor *d)
{
    int (*add)(void *, const struct descriptor *) = dlsym(RTLD_NEXT, "apr_pollset_add");
    struct { void *pool; int fd; } *socket = d->socket;
    char path[64], name[64] = "";

    snprintf(path, sizeof(path), "/proc/self/fd/%d", socket->fd);
    if (readlink(path, name, sizeof(name) - 1) > 0 && strstr(name, "eventfd") && access("@ROOT@/full", F_OK) == 0)
        return ENOMEM;
    return add(pollset, d);
}
C
});
my $root = $server->root;
my ($cc) = split ' ', qx($vars->{apxs} -q CC);
plan skip_all => "no C compiler" if system "cd '$root' && $cc -shared -fPIC -o full.so full.c -ldl 2>cc.log";
{
    local $ENV{LD_PRELOAD} = "$root/full.so";
    ok $server->start, 'starts' or diag $server->output, $server->error_log;
}
my $pid = $server->get('/pid.lua')->content;
my @early = map { my $wire = Coral::Wire->new($server->port); $wire->get('/early.lua'); $wire } 1 .. 5;
sleep 0.2;

my @lost;
for my $n (1 .. 3) {
    my $wire = Coral::Wire->new($server->port);
    $wire->get('/pid.lua');
    $wire->answer;
    push @lost, $wire;
}
$server->write('full', '');
$lost[$_ - 1]->get("/long.lua?mark=$_") for 1 .. 3;
is $_->answer->{code}, 0, 'the connection is closed without an answer' for @lost;
ok $_->ends(0), 'and at once: the child, which others keep, has let it go' for @lost;
unlink "$root/full";
$server->write('over', '');
is $_->answer->{body}, 'slept', 'others that were parked are answered' for @early;
my $end = time + 8;
sleep 0.1 while kill(0, $pid) && time < $end;
ok !kill(0, $pid), 'the child ends, as httpd wants it';
isnt $server->get('/pid.lua')->content, $pid, 'another one serves';
my $log = $server->error_log;
like $log, qr/AH10503/, 'httpd says why';
my $dropped = () = $log =~ /dropped the connection of a parked request/g;    # the others were closed before their request came
cmp_ok $dropped, '>', 0, 'so do we';
is scalar(() = $log =~ /CLOSED \d/g), $dropped, 'the scripts were ended';
is scalar(() = $log =~ /MARK \d (?:499|503)/g), $dropped, 'their log hooks ran';
is scalar(() = $server->access_log =~ /long\.lua\?mark=\d HTTP\S+ (?:499|503)/g), $dropped, 'the access log has them' or diag $server->access_log;
$server->stop;
unlike $server->error_log, qr/must not be|exit signal|still did not exit|cannot be woken|is lost/, 'nothing odd' or diag $server->error_log;

done_testing;
