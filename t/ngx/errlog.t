# SPDX-License-Identifier: Apache-2.0
# ngx.errlog with CoralCaptureErrorLog: what is kept, how much, and taking it out. Without the directive: modules/core.t.
use strict;
use warnings;
use Coral::Server;
use Test::More;

for (['x', 'not a size'], ['10', 'is not between 4k and 1g'], ['2g', 'is not between 4k and 1g'], ['4k 4k', 'one argument']) {
    my ($status, $output) = Coral::Server->new(config => "CoralCaptureErrorLog $_->[0]\n")->configtest;
    ok $status && $output =~ /$_->[1]/, "CoralCaptureErrorLog $_->[0]" or diag $output;
}
my ($status, $output) = Coral::Server->new(config => "<Location />\nCoralCaptureErrorLog 1m\n</Location>\n")->configtest;
ok $status && $output =~ /CoralCaptureErrorLog (?:cannot occur|not allowed)/, 'not in a <Location>' or diag $output;

my $take = <<'LUA';
local errlog = require "ngx.errlog"
errlog.get_logs(0)
local function show(list)
  for i = 1, #list, 3 do
    local age = ngx.now() - list[i + 1]
    ngx.say(list[i], " ", age >= 0 and age < 60, " ", (list[i + 2]:gsub("/[^ ]*/", "")))
  end
end
LUA
my $server = Coral::Server->new(
    config => <<'CONF',
LogLevel notice coral:info
CoralCaptureErrorLog 8k
StartServers 1
MaxRequestWorkers 4
<IfModule mpm_event_module>
ThreadsPerChild 4
ServerLimit 1
</IfModule>
CONF
    files => {
        'htdocs/order.lua' => $take . <<'LUA',
ngx.log(ngx.ERR, "one")
ngx.log(ngx.INFO, "two")
ngx.log(ngx.DEBUG, "not logged, not kept")
errlog.raw_log(ngx.CRIT, "three")
local list = errlog.get_logs(2)
ngx.say(#list)
show(list)
show(errlog.get_logs())
ngx.say(#errlog.get_logs())
LUA
        'htdocs/list.lua' => $take . <<'LUA',
for i = 1, 12 do ngx.log(ngx.ERR, i) end
local list = { 1, 2, 3, 4, 5, 6, 7, 8, 9 }
ngx.say(errlog.get_logs(2, list) == list, " ", list[6]:match("%d+$"), " ", list[7])
ngx.say(#errlog.get_logs(0))
for i = 1, 12 do ngx.log(ngx.ERR, i) end
ngx.say(#errlog.get_logs())
LUA
        'htdocs/full.lua' => $take . <<'LUA',
for i = 1, 200 do ngx.log(ngx.ERR, i, ":", ("x"):rep(100)) end
local list = errlog.get_logs(0)
local bytes = 0
for i = 3, #list, 3 do bytes = bytes + #list[i] end
ngx.say(#list // 3 < 80, " ", #list // 3 > 30, " ", bytes < 8192, " ", list[3]:match("%d+:"), list[#list]:match("%d+:x"))
ngx.log(ngx.ERR, ("y"):rep(20000))
list = errlog.get_logs(0)
ngx.say(#list // 3, " ", #list == 0 or #list[3] <= 8192)
LUA
        'htdocs/level.lua' => $take . <<'LUA',
ngx.say(errlog.set_filter_level(9))
ngx.say(errlog.set_filter_level(-1))
ngx.say(errlog.set_filter_level())
ngx.say(pcall(errlog.set_filter_level, "x"))
ngx.say(errlog.set_filter_level(ngx.WARN))
for _, level in ipairs { "INFO", "NOTICE", "WARN", "ERR" } do ngx.log(ngx[level], level) end
show(errlog.get_logs())
ngx.say(errlog.set_filter_level(ngx.DEBUG))
LUA
        'htdocs/wrong.lua' => 'local x = nil + 1',
        'htdocs/others.lua' => 'for i, v in ipairs(require "ngx.errlog".get_logs(0)) do if i % 3 == 0 then ngx.say(v) end end',
    });
ok $server->start, 'the server starts' or diag $server->output, $server->error_log;
my $first = $server->get('/order.lua')->content;
is $first, <<'END', 'the oldest first, as ngx.log has them';
6
4 true [lua] order.lua:9: one
7 true [lua] order.lua:10: two
3 true three
0
END
is $server->get('/list.lua')->content, "true 2 nil\n30\n30\n", 'into a list of the caller; ten if nobody says how many';
like $server->get('/full.lua')->content, qr/^true true true (?!1:)\d+:200:x\n[01] true\n$/, 'the newest are kept, up to the size';
is $server->get('/level.lua')->content =~ s/bad argument.*/bad argument/r, <<'END', 'set_filter_level';
nilbad log level: 9
nilbad log level: -1
nilmissing "level" argument
falsebad argument
true
5 true [lua] level.lua:14: WARN
4 true [lua] level.lua:14: ERR
true
END
$server->get('/wrong.lua');
like $server->get('/others.lua')->content, qr/wrong\.lua:1: attempt to perform arithmetic/, 'what others log is kept, too';
is $server->get('/others.lua')->content, '', 'and taken once';
$server->graceful;
like $server->get('/order.lua')->content, qr/^6\n/, 'after a restart';
$server->stop;
unlike $server->error_log, qr/exit signal/, 'no crash';
done_testing;
