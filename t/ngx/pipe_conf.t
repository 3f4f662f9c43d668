# SPDX-License-Identifier: Apache-2.0
# ngx.pipe under CoralMaxProcesses, and when the server stops.
use strict;
use warnings;
use Coral::Server;
use Coral::Wire;
use Test::More;
use Time::HiRes 'sleep';

my ($status, $output) = Coral::Server->new(config => "CoralMaxProcesses -1\n")->configtest;
ok $status && $output =~ /CoralMaxProcesses: "-1" is not a whole number/, 'not below none' or diag $output;

my $server = Coral::Server->new(
    config => "CoralMaxProcesses 2\n<IfModule mpm_event_module>\nStartServers 1\nServerLimit 1\nThreadsPerChild 4\nMaxRequestWorkers 4\n</IfModule>\n",
    files  => {
        'htdocs/limit.lua' => <<'LUA',
local pipe = require "ngx.pipe"
local first, second = assert(pipe.spawn { "cat" }), assert(pipe.spawn { "cat" })
ngx.say(select(2, pipe.spawn { "cat" }))
first:kill(9)
ngx.say((select(2, first:wait())))
local third = assert(pipe.spawn { "cat" })
third:write("third\n")
ngx.say(third:stdout_read_line())
LUA
        'htdocs/stay.lua' => <<'LUA',
local proc = require "ngx.pipe".spawn { "sleep", 1000 }
ngx.say(proc:pid())
ngx.flush()
proc:set_timeouts(0, 0, 0, 0)
proc:stdout_read_all()
LUA
    });
ok $server->start, 'the server starts' or diag $server->output, $server->error_log;

is $server->get('/limit.lua')->content, "too many processes\nsignal\nthird\n", 'no more than there may be' for 1, 2;

# What a request leaves undone ends with the server, at the latest.
my $wire = Coral::Wire->new($server->port);
$wire->get('/stay.lua');
my ($pid) = $wire->until(qr/\r\n\r\n\w+\r\n\d+\n/) =~ /(\d+)\n\z/;
ok $pid && kill(0, $pid), 'a program runs';
$server->stop;
for (1 .. 100) { last unless kill 0, $pid; sleep 0.05 }
ok !kill(0, $pid), 'it ends with the server';
done_testing;
