# SPDX-License-Identifier: Apache-2.0
# Adapters: the example of docs/adapters.md, word for word; which one an app gets; and wrong ones.
use strict;
use warnings;
use Coral::Server;
use FindBin;
use Test::More;

my $page = Coral::File->follow(($ENV{CORAL_SRCDIR} || "$FindBin::Bin/../..") . '/docs/adapters.md', 0)->text;
my ($example) = $page =~ /^```lua\n(local mustache = .*?)^```/ms;
ok $example, 'the example is on the page' or die;

my $tell = <<'LUA';
return { name = "tell", detect = function(app) return app:has "tell.txt" or app.value == "tell" end,
  load = function(app) return app end,
  dispatch = function(app, r)
    r:puts(table.concat({ app.path:match "[^/]*$", tostring(app.folder and true), app.file and app.file:match "[^/]*$" or "none", app.name, app.prefix,
      tostring(app:run()), tostring(app.globals and app.globals.x), tostring(app:has "tell.txt" ~= nil), tostring(app:text "tell.txt"),
      tostring(app:first("no", "tell.txt") ~= nil), tostring(app:has "no") }, "|"))
  end }
LUA
my %files = (
    'lib/coral/adapter/mustache.lua' => $example,
    'lib/coral/adapter/tell.lua'     => $tell,
    'lib/coral/adapter/raises.lua'   => "return { name = 'raises', load = function(app) app:fail 'it never is' end, dispatch = print }\n",
    'lib/coral/adapter/half.lua'     => "return { name = 'half', load = print }\n",
    'lib/coral/adapter/status.lua'   => "return { load = function() return 5 end, dispatch = function(five, r) return 400 + five end }\n",
    'lib/coral/adapter/not-lua.txt'  => "nobody reads this\n",
    'hello/index.mustache' => "<p>{{name}} &amp; {{other}}{{name}}</p>\n",
    'page.mustache'        => "a page\n",
    'told/app.lua'         => "x = 'global' return 'value'\n", 'told/tell.txt' => "told\n",
    'empty/readme'         => '',
    'tell.lua'             => "return 'tell'\n",
    'both.lua'             => "return { run = function() return 200, {}, coroutine.wrap(function() coroutine.yield 'wsapi' end) end, handle = function(r) r:puts 'handler' end }\n",
    'named/named.lua'      => "return function(r) r:puts(require 'part', ' ', r.uri) end\n", 'named/part.lua' => "return 'part of named'\n",
    'other/init.lua'       => "return function(r) r:puts(require 'part') end\n", 'other/part.lua' => "return 'part of other'\n",
    'handler/handler.lua'  => "return { handler = function(r) r:puts 'handler.lua' end }\n",
    'part.lua'             => "return function(r) r:puts(tostring((pcall(require, 'part')))) end\n",
    'state/app.lua'        => "local ctx = ngx.ctx return function(r) ngx.ctx.app = true r:puts(tostring(ngx.ctx.hook), tostring(shared)) end\n",
    'hook.lua'             => "ngx.ctx.hook = true\n",
    'broken/app.lua'       => "return function(r) r:puts 'first' end\n",
);
my $one = Apache::Test::vars('coral_mpm') eq 'prefork' ? "StartServers 1\nMinSpareServers 1\nMaxSpareServers 1\nServerLimit 1\nMaxRequestWorkers 1\n"
    : "StartServers 1\nServerLimit 1\nMaxRequestWorkers 8\n";    # another child has not seen the version before
my $server = Coral::Server->new(config => $one . <<'CONF', files => \%files);
CoralPackagePath "@ROOT@/lib/?.lua"
CoralReload stat 0
CoralApp /hello  ./hello mustache
CoralApp /found  ./hello
CoralApp /page   ./page.mustache
CoralApp /told/  ./told/
CoralApp /tell   ./tell.lua
CoralApp /empty  ./empty tell
CoralApp /raises ./tell.lua raises
CoralApp /half   ./tell.lua half
CoralApp /status ./tell.lua status
CoralApp /both   ./both.lua
CoralApp /named  ./named
CoralApp /other  ./other
CoralApp /handler ./handler
CoralApp /part   ./part.lua
CoralApp /broken ./broken handler
<Location /state>
CoralHook access hook.lua
CoralApp ./state
</Location>
CONF
is +($server->configtest)[0], 0, 'configtest finds them all' or diag $server->output;
ok $server->start, 'the server starts' or die $server->output . $server->error_log;
sub get { my ($path, $want, $name) = @_; my $answer = $server->get($path); is $answer->code . ' ' . $answer->content, $want, $name // $path; return $answer }

is get('/hello?name=%3Cb%3E&other=x', "200 <p>&lt;b&gt; &amp; x&lt;b&gt;</p>\n", 'the example')->header('Content-Type'), 'text/html', 'its type';
get('/found?name=a', "200 <p>a &amp; a</p>\n", 'finds out about itself');
get('/page', "200 a page\n", 'a file that is no Lua');
get('/told', '200 told|true|app.lua|app|/told|value|global|true|told' . "\n|true|nil", 'what an app has: a folder');
get('/tell', '200 tell.lua|nil|tell.lua|tell|/tell|tell|nil|false|nil|false|nil', 'a file, known by its value');
get('/both', '200 handler', 'the first by the alphabet');
get('/named/x', '200 part of named /named/x', 'a file named like its folder');
get('/other', '200 part of other', 'each folder has its own modules');
get('/handler', '200 handler.lua', 'handler.lua');
get('/part', '200 false', 'an app that is a file does not look beside itself');
get('/state', '200 truenil', 'the hooks of its requests share its ngx.ctx');
is $server->get('/status')->code, 405, 'what dispatch returns is an answer';
for (['/empty', qr{/empty holds none of app\.lua, init\.lua, handler\.lua, empty\.lua}], ['/raises', qr{tell\.lua is no app: it never is}],
    ['/half', qr{the adapter half returns no table with the functions `load` and `dispatch`}]) {
    my $log = $server->log;
    is $server->get($_->[0])->code, 500, $_->[0];
    ok $log->wait($_->[1]), 'is told' or diag $log->text;
}
like $server->error_log, qr/the adapter half is not asked whether .*: .*`load` and `dispatch`/, 'one that is broken does not keep others from being found';
get('/broken', '200 first');
my $log = $server->log;
$server->write('broken/app.lua', "return 7\n");
get('/broken', '200 first', 'a version that is no app: the one before it serves');
ok $log->wait(qr/broken.* cannot be loaded again: .*is no app/), 'which is told' or diag $log->text;
$server->write('broken/app.lua', "return function(r) r:puts 'second' end\n");
get('/broken', '200 second', 'the next one is taken');
$server->write('lib/coral/adapter/status.lua', "return { load = function() return 6 end, dispatch = function(six, r) return 400 + six end }\n");
is $server->get('/status')->code, 406, 'an adapter that has changed is loaded again';
$server->stop;

# What configtest finds. The mistake is on the line that is given.
for ([ "CoralApp /x ./tell.lua nobody\n", 2, qr/there is no adapter "nobody": mod_coral has handler.* wsapi.*coral\/adapter\/nobody\.lua.*CoralPackagePath/ ],
    [ "<Location /x>\nCoralApp ./tell.lua nobody\n</Location>\n", 3, qr/no adapter "nobody"/ ],
    [ "<VirtualHost *:\@PORT\@>\nServerName x.test\nCoralApp / ./tell.lua mustache\n</VirtualHost>\n", 4, qr/no adapter "mustache"/ ],
    [ "CoralApp /x ./nowhere wsapi\n", 2, qr{CoralApp: cannot read \S*/nowhere: .*No such file} ],
    [ "CoralApp /x ./nowhere.lua\n", 2, qr{cannot read \S*/nowhere\.lua} ],
    [ "CoralApp /x ./empty\n", 2, qr{/empty holds none of app\.lua, init\.lua, handler\.lua, empty\.lua} ]) {
    my ($config, $line, $pattern) = @$_;
    my $server = Coral::Server->new(config => "# first\n$config", files => { 'tell.lua' => 'return 1', 'empty/readme' => '' });
    my ($status, $output) = $server->configtest;
    is $status, 1, 'refused: ' . $config =~ s/\n/ | /gr;
    like $output, $pattern, 'explained';
    like $output, qr{line $line of \S*/httpd\.conf}, 'with its place';
}

# Where the paths are said behind it, or elsewhere, it is found.
for ("CoralApp / ./tell.lua tell\nCoralPackagePath \"\@ROOT\@/lib/?.lua\"\n",
    "<VirtualHost *:\@PORT\@>\nServerName x.test\nCoralApp / ./tell.lua tell\nCoralPackagePath \"\@ROOT\@/lib/?.lua;;\"\n</VirtualHost>\n",
    "<Location /a>\nCoralPackagePath \"\@ROOT\@/lib/?.lua\"\nCoralApp ./tell.lua tell\n</Location>\n") {
    my $server = Coral::Server->new(config => $_, files => { 'tell.lua' => 'return 1', 'lib/coral/adapter/tell.lua' => $tell });
    is +($server->configtest)[0], 0, 'found: ' . s/\n/ | /gr or diag $server->output;
}
done_testing;
