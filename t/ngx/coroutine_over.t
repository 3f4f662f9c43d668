# SPDX-License-Identifier: Apache-2.0
# Coroutines that wait for one request, in the hands of another: errors, no crashes, no lines for the wrong client.
use strict;
use warnings;
use Coral::Server;
use IO::Socket::INET;
use Test::More;
use Time::HiRes 'sleep';

plan skip_all => 'prefork serves one request at a time' if Apache::Test::vars()->{coral_mpm} eq 'prefork';

my $server = Coral::Server->new(
    config => "CoralStates 1 1\nCoralPackagePath \"\@ROOT\@/lib/?.lua\"\n"
        . "<IfModule !mpm_prefork_module>\n  ServerLimit 1\n  MaxRequestWorkers 8\n</IfModule>\n",
    files => {
        'lib/kept.lua'      => "return {}\n",
        'htdocs/main.lua'   => "local k = require 'kept' k.main = coroutine.running() ngx.say('one') ngx.sleep(0.6) ngx.say('two')\n",
        'htdocs/inner.lua'  => <<'LUA',
local k = require "kept"
k.main = coroutine.running()
k.inner = coroutine.create(function() ngx.say("one") ngx.sleep(0.6) ngx.flush() ngx.say("two") end)
ngx.say((coroutine.resume(k.inner)))
LUA
        'htdocs/wrap.lua'   => <<'LUA',
local k = require "kept"
k.wrap = coroutine.wrap(function() while true do ngx.sleep(0.6) coroutine.yield("item") end end)
ngx.say(k.wrap())
LUA
        'htdocs/body.lua'   => <<'LUA',
local k = require "kept"
k.inner = coroutine.create(function() ngx.req.read_body() ngx.say("body ", ngx.req.get_body_data()) end)
ngx.say((coroutine.resume(k.inner)))
LUA
        'htdocs/resume_main.lua'  => "ngx.say('mine ', (coroutine.resume(require('kept').main)))\n",
        'htdocs/resume_inner.lua' => "ngx.say('mine ', (coroutine.resume(require('kept').inner)))\n",
        'htdocs/close_main.lua'   => "ngx.say('mine ', (coroutine.close(require('kept').main)))\n",
        'htdocs/close_inner.lua'  => "ngx.say('mine ', (coroutine.close(require('kept').inner)))\n",
        'htdocs/call_wrap.lua'    => "ngx.say('mine ', (pcall(require('kept').wrap)))\n",
        'htdocs/fine.lua'         => "ngx.sleep(0.01) ngx.say('fine')\n",
    },
);
ok $server->start, 'starts' or diag $server->output, $server->error_log;

# While the first path's script waits, the others are asked for; their answers.
sub meanwhile {
    my ($waits, @paths) = @_;
    my $socket = IO::Socket::INET->new('127.0.0.1:' . $server->port);
    my $body   = $waits =~ /body/ ? "Content-Length: 3\r\n" : '';
    print $socket "POST $waits HTTP/1.0\r\n$body\r\n";
    sleep 0.2;
    my @answers = map { $server->get($_)->content } @paths;
    print $socket 'abc' if $body;
    local $/;
    <$socket>;
    return @answers;
}

is_deeply [meanwhile('/main.lua', '/resume_main.lua')], ["mine false\n"], 'the main coroutine of a request is not resumed by another';
is $server->get('/fine.lua')->content, "fine\n", 'all is well after that';
is_deeply [meanwhile('/inner.lua', '/resume_inner.lua')], ["mine false\n"], 'nor one that waits in it';
is_deeply [meanwhile('/wrap.lua', '/call_wrap.lua')], ["mine false\n"], 'nor a generator';
is_deeply [meanwhile('/body.lua', '/resume_inner.lua')], ["mine false\n"], 'nor one that waits for a body';
is_deeply [meanwhile('/main.lua',  '/close_main.lua')],  ["mine true\n"], 'closed they can be';
is_deeply [meanwhile('/inner.lua', '/close_inner.lua')], ["mine true\n"], 'both';
meanwhile('/inner.lua', '/close_main.lua');
is $server->get('/resume_inner.lua')->content, "mine false\n", 'what waited for a request that is over waits for ever';
is $server->get('/fine.lua')->content, "fine\n", 'all is well' for 1 .. 3;
$server->stop;
unlike $server->error_log, qr/exit signal/, 'no crash';

done_testing;
