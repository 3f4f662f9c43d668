# SPDX-License-Identifier: Apache-2.0
# CoralCompat off: states without what Lua 5.1 had, beside others that have it.
use strict;
use warnings;
use Coral::Server;
use Test::More;

my $script = <<'LUA';
for _, name in ipairs { "unpack", "loadstring", "setfenv", "getfenv", "module", "bit", "jit", "newproxy" } do ngx.print(type(_G[name]), " ") end
ngx.print(type(table.getn), " ", type(table.clear), " ", select("#", require "more"), " ")
ngx.print(require "bit".band(7, 3), " ", type(require "table.new"), " ", type(require "resty.sha256"))
LUA
my $server = Coral::Server->new(
    config => <<'CONF',
CoralPackagePath @ROOT@/lua/?.lua
<Location /plain>
    CoralCompat off
</Location>
<Location /plain/again>
    CoralCompat on
</Location>
CONF
    files => { 'htdocs/a.lua' => $script, 'htdocs/plain/a.lua' => $script, 'htdocs/plain/again/a.lua' => $script,
        'lua/more.lua' => 'return 1' },
);
ok $server->start, 'starts' or diag $server->output;
my $with    = 'function function function function function table table function function function 1 3 function table';
my $without = 'nil nil nil nil nil nil nil nil nil nil 2 3 function table';
for (1 .. 3) {
    is $server->get('/a.lua')->content,             $with,    'by default it is there';
    is $server->get('/plain/a.lua')->content,       $without, 'off: it is not';
    is $server->get('/plain/again/a.lua')->content, $with,    'on again';
}
$server->stop;

my $wrong = Coral::Server->new(config => "CoralCompat maybe\n");
ok !$wrong->start, 'another word stops the start';
like $wrong->output . $wrong->error_log, qr/CoralCompat must be On or Off/, '… and is told';

done_testing;
