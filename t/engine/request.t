# SPDX-License-Identifier: Apache-2.0
# One request and the Lua that runs for it: from its first hook to its last.
use strict;
use warnings;
use Apache::Test ();
use Coral::Blocks;
use Coral::Server;
use Time::HiRes 'sleep';
use Test::More;

my $note   = 'ngx.ctx.way = (ngx.ctx.way or "") .. ngx.get_phase() .. " "';
my @server = qw(server_rewrite translate_name map_to_storage);
my @dir    = qw(rewrite access type fixup precontent insert_filter header_filter log);
my $server = Coral::Server->new(config => join('', map("CoralHook $_ lua/note.lua\n", 'quick', @server, @dir)) . <<'CONF', files => {
CoralHook body_filter lua/body.lua
LimitRequestBody 1000
CoralStates 0 2
LogLevel coral:info
Alias /other/ @ROOT@/htdocs/
<Location /other/>
    CoralGroup other
</Location>
<Location /unlimited/>
    LimitRequestBody 0
</Location>
Alias /unlimited/ @ROOT@/htdocs/
<Location /body/>
    CoralHook access lua/read.lua
</Location>
Alias /body/ @ROOT@/htdocs/
<Location /logged/>
    CoralHook log lua/log.lua
</Location>
Alias /logged/ @ROOT@/htdocs/
CONF
    'lua/note.lua' => "$note if ngx.get_phase() == 'log' then ngx.log(ngx.INFO, 'WAY ', ngx.ctx.way) end",
    'lua/body.lua' => 'if ngx.arg[2] then ngx.ctx.way = ngx.ctx.way .. "body_filter " end',
    'lua/read.lua' => 'ngx.req.read_body() ngx.ctx.length = #(ngx.req.get_body_data() or "")',
    'lua/log.lua'  => 'local r = ... ngx.log(ngx.INFO, "LOGGED ", ngx.status, " ", ngx.var.bytes_sent or "-", " ", ngx.var.body_bytes_sent or "-", " ", r.uri)',
    'htdocs/way.lua'  => "$note ngx.print(ngx.ctx.way)",
    'htdocs/plain.txt' => "plain\n",
    'htdocs/there.lua' => "$note ngx.print(ngx.ctx.way, ngx.ctx.mark or 'unmarked')",
    'htdocs/exec.lua'  => 'ngx.ctx.mark = "marked" ngx.exec("/there.lua")',
    'htdocs/exec_other.lua' => 'ngx.ctx.mark = "marked" ngx.exec("/other/there.lua")',
    'htdocs/body.lua'  => 'local r = ... ngx.req.read_body() local a = ngx.req.get_body_data() or "" ngx.print(#a, " ", #(r:requestbody() or ""), " ", ngx.ctx.length or "-", " ", ngx.ctx.way and "way")',
    'htdocs/late.lua'  => 'ngx.print("x") ngx.flush(true) ngx.req.read_body() ngx.print(#ngx.req.get_body_data())',
    'htdocs/large.lua' => 'ngx.print(("y"):rep(50000000))',
    'htdocs/self.lua'  => 'local r = ... package.loaded.seen = package.loaded.seen or setmetatable({}, { __mode = "k" }) package.loaded.seen[r] = true collectgarbage() collectgarbage() local n = 0 for _ in pairs(package.loaded.seen) do n = n + 1 end ngx.print(n)',
});
ok $server->start, 'starts' or diag $server->output, $server->error_log;

# One ngx.ctx, one state, all phases in order.
my $log = $server->log;
my $before = 'quick server_rewrite translate_name rewrite map_to_storage access type fixup precontent insert_filter ';
my $seen = $server->get('/way.lua')->content;
for my $phase ('server_rewrite', 'translate_name', 'map_to_storage', 'access', 'type', 'fixup', 'precontent', 'insert_filter', 'content') {
    like $seen, qr/\b$phase\b/, "ngx.ctx has been in $phase";
    is scalar(() = $seen =~ /\b$phase\b/g), 1, "once";
}
like $seen, qr/server_rewrite .*translate_name .*map_to_storage .*access .*type .*fixup .*precontent .*insert_filter content/, 'in order';
ok $log->wait(qr/WAY .*content .*log /), 'and is there in the log phase';
like $log->text, qr/WAY .*header_filter .*body_filter |WAY .*body_filter .*header_filter /, 'the filters had it too';
$log = $server->log;
$server->get('/plain.txt');
ok $log->wait(qr/WAY .*fixup .*(?:header|body)_filter .*log /), 'for a static file as well';
$log = $server->log;
$server->get('/nothing');
ok $log->wait(qr/WAY .*log /), 'and for one that is not found';

# Internal redirects.
like $server->get('/exec.lua')->content, qr/marked\z/, 'ngx.exec keeps ngx.ctx';
like $server->get('/exec_other.lua')->content, qr/unmarked\z/, 'not into another group, whose states are its own';

# The body.
is $server->ask(POST => '/body.lua', body => 'x' x 1000)->content, '1000 1000 - way', 'a body, read twice';
is $server->ask(POST => '/body/body.lua', body => 'x' x 500)->content, '500 500 500 way', 'read in an earlier phase';
is $server->ask(POST => '/body.lua', body => 'x' x 1001)->code, 413, 'over LimitRequestBody';
is $server->ask(POST => '/body/body.lua', body => 'x' x 1001)->code, 413, 'in an earlier phase';
like $server->raw("POST /body.lua HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" . 'x' x 1001 . "\r\n0\r\n\r\n"),
    qr{^HTTP/1\.1 413 }, 'chunked';
is $server->ask(POST => '/unlimited/body.lua', body => 'x' x 3_000_000)->content, '0 3000000 - way', 'LimitRequestBody 0: three megabytes, which are in a file';
is $server->ask(POST => '/late.lua', body => 'x' x 700)->content, 'x700', 'read after the response has begun';
is $server->get('/body.lua')->content, '0 0 - way', 'no body';

# The response.
is length $server->get('/large.lua')->content, 50_000_000, 'fifty megabytes in one print';
for (1 .. 3) {
    my $count;
    for (1 .. 50) { # the request before may not be logged yet
        last if ($count = $server->get('/self.lua')->content) == 1;
        sleep 0.1;
    }
    is $count, 1, 'an r that is not kept goes away';
}
$log = $server->log;
$server->get('/logged/plain.txt');
ok $log->wait(qr{LOGGED 200 \S+ \S+ /logged/plain\.txt}), 'the log phase knows the status' or diag $log->text;
$log = $server->log;
$server->get('/logged/none');
ok $log->wait(qr{LOGGED 404 }), 'whatever it is';
ok $server->error_log !~ /coral:error|exit signal/, 'no errors' or diag $server->error_log;
$server->stop;

run_blocks;
__DATA__
=== ngx.ctx is empty at first, and the request's own
--- lua
ngx.print(next(ngx.ctx) == nil, " ")
ngx.ctx.a = 1
ngx.print(ngx.ctx.a)
--- body: true 1

=== also the next time
--- again
--- body: true 1

=== r is the same in every hook
--- htaccess
CoralHook fixup fix.lua
--- file fix.lua
local r = ...
ngx.ctx.r = r
--- lua
local r = ...
ngx.print(ngx.ctx.r == r)
--- body: true

=== globals of a script are for one run
--- htaccess
CoralHook fixup fix.lua
--- file fix.lua
mine = (mine or 0) + 1
ngx.ctx.fix = mine
--- lua
ngx.print(tostring(mine), " ", ngx.ctx.fix)
--- body: nil 1

=== still
--- again
--- body: nil 1

=== a function's globals are its file's
--- htaccess
CoralHook fixup fix.lua count
--- file fix.lua
function count() calls = (calls or 0) + 1 ngx.ctx.calls = calls end
--- lua
ngx.print(tostring(calls), " ", ngx.ctx.calls > 0)
--- body: nil true

=== libraries can not be broken by a plain assignment
--- lua
string = 5
ngx.print(string, " ", ("x"):upper())
--- body: 5 X

=== the next script does not see it
--- again
--- file two.lua
ngx.print(type(string))
--- request GET two.lua
--- body: table

=== ngx.eof, then more work
--- lua
ngx.print("answer")
ngx.eof()
ngx.sleep(0.05)
ngx.log(ngx.WARN, "worked on")
--- body: answer
--- error_log
worked on

=== a script that writes nothing answers with nothing
--- lua
local x = 1
--- body eval
''
--- header Content-Length: 0

=== a subrequest has a ctx of its own, and r of its own
--- htaccess
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
CoralHook fixup fix.lua
--- file fix.lua
ngx.ctx.mark = (ngx.ctx.mark or "") .. (ngx.is_subrequest and "sub" or "main")
--- file page.shtml
<!--#include virtual="part.lua" -->
--- file part.lua
local r = ...
ngx.print(ngx.ctx.mark, " ", r.uri:match("[^/]+$"))
--- request GET page.shtml
--- body
sub part.lua
