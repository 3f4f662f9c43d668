# SPDX-License-Identifier: Apache-2.0
# Waiting in every place of httpd that runs Lua, under every MPM: where a request can be parked and where its thread has to wait with it.
use strict;
use warnings;
use Apache::Test ();
use Coral::Echo;
use Coral::Server;
use Coral::Wire;
use Test::More;
use Time::HiRes qw(sleep time);

my $mpm = Apache::Test::vars()->{coral_mpm};

my $echo = Coral::Echo->new(0.03);

my @phases = qw(server_rewrite translate_name map_to_storage rewrite access authn authz type fixup precontent insert_filter header_filter body_filter log);
my $hooks  = join "\n    ", map { "CoralHook $_ lua/phase.lua" } @phases;
my $config = ($mpm eq 'prefork' ? "StartServers 6\nMinSpareServers 6\nMaxSpareServers 10\nServerLimit 12\nMaxRequestWorkers 12\n"
    : "StartServers 1\nServerLimit 1\nThreadsPerChild 12\nMaxRequestWorkers 12\n") . <<'CONF' =~ s/\@HOOKS\@/$hooks/r;
Timeout 1
CoralPackagePath "@ROOT@/lua/?.lua"
CoralOutputFilter SLOW lua/filters.lua out
CoralInputFilter SLOWIN lua/filters.lua input
DirectoryIndex index.lua
Options +Includes
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
ProxyPass /proxy/ http://127.0.0.1:@PORT@/
ProxyTimeout 10
RequestReadTimeout body=1,MinRate=500
ErrorDocument 404 /missing.lua
ErrorDocument 410 /missing.lua
<Location /chain>
    CoralHook content lua/decline.lua
    CoralHook content lua/second.lua
</Location>
<Location /tofile.txt>
    CoralHook content lua/decline.lua
</Location>
<Location /filtered>
    SetOutputFilter SLOW
</Location>
<Location /in>
    SetInputFilter SLOWIN
</Location>
Alias /filtered @ROOT@/htdocs
Alias /in @ROOT@/htdocs
CoralApp /app @ROOT@/lua/app.lua handler
<VirtualHost *:@PORT@>
    ServerName base.test
    RewriteEngine on
    RewriteRule ^/pretty$ /wait.lua [PT]
</VirtualHost>
<VirtualHost *:@PORT@>
    ServerName short.test
    Timeout 1
    KeepAliveTimeout 1
</VirtualHost>
<VirtualHost *:@PORT@>
    ServerName long.test
    Timeout 30
    KeepAliveTimeout 3
    RequestReadTimeout body=0
</VirtualHost>
<VirtualHost *:@PORT@>
    ServerName longer.test
    Timeout 30
</VirtualHost>
<VirtualHost *:@PORT@>
    ServerName phases.test
    <Location />
        AuthType coral
        AuthName x
        Require valid-user
    </Location>
    @HOOKS@
</VirtualHost>
CONF
my $server = Coral::Server->new(config => $config, files => {
    'lua/phase.lua'   => <<'LUA',
local phase = ngx.get_phase()
if phase == "body_filter" and not ngx.arg[2] then return end
local line = require("talk")(ngx.var.arg_p, phase)
ngx.log(ngx.WARN, "WAITED ", line, " ", ngx.var.arg_n or "")
if phase == "authn" then local r = ... r.user = "u" return require("coral").OK end
if phase == "authz" then return require("coral").OK end
LUA
    'lua/talk.lua'    => <<'LUA',
return function(port, text)
  ngx.sleep(0.01)
  local s = ngx.socket.tcp()
  assert(s:connect("127.0.0.1", tonumber(port)))
  assert(s:send(text .. "\n"))
  local line = assert(s:receive())
  assert(s:setkeepalive())
  return line
end
LUA
    'lua/filters.lua' => <<'LUA',
local talk = require "talk"
function out()
  coroutine.yield("<")
  while bucket do
    ngx.sleep(0.01)
    coroutine.yield(talk(ngx.var.arg_p, bucket:gsub("\n", "")))
  end
  ngx.sleep(0.01)
  coroutine.yield(">")
end
function input()
  ngx.sleep(0.01)
  coroutine.yield("[")
  while bucket do coroutine.yield(talk(ngx.var.arg_p, bucket)) end
  coroutine.yield("]")
end
LUA
    'lua/decline.lua' => 'require("talk")(ngx.var.arg_p, "x") return require("coral").DECLINED',
    'lua/second.lua' => 'ngx.print("second ", require("talk")(ngx.var.arg_p, "x"))',
    'lua/app.lua'     => 'return function(r) ngx.sleep(0.01) r:puts("app ", require("talk")(ngx.var.arg_p, "y")) end',
    'htdocs/wait.lua' => 'ngx.print(require("talk")(ngx.var.arg_p, "waited ")) ngx.sleep(0.01) ngx.print("and slept")',
    'htdocs/sleep.lua' => 'ngx.sleep(tonumber(ngx.var.arg_t)) ngx.print("slept")',
    'htdocs/stream.lua' => 'for i = 1, 4 do ngx.print(i, " ") ngx.flush(true) ngx.sleep(0.8) end',
    'htdocs/d/index.lua' => 'ngx.sleep(0.01) ngx.print("index")',
    'htdocs/go.lua'   => 'ngx.sleep(0.01) ngx.exec("/wait.lua?p=" .. ngx.var.arg_p)',
    'htdocs/gone.lua' => 'ngx.sleep(0.01) ngx.exit(410)',
    'htdocs/first.lua' => 'ngx.status = 404 ngx.sleep(0.01) ngx.exit(410)',
    'htdocs/not_mine.lua' => 'ngx.status = 410 if ngx.var.arg_wait then ngx.sleep(0.01) end return require("coral").DECLINED',
    'htdocs/missing.lua' => 'ngx.sleep(0.01) ngx.print("missing ", ngx.status)',
    'htdocs/page.shtml' => 'a <!--#include virtual="/wait.lua?$QUERY_STRING" --> b <!--#include virtual="/sleep.lua?t=0.01" --> c',
    'htdocs/body.lua' => 'ngx.req.read_body() ngx.sleep(0.01) ngx.print(ngx.req.get_body_data())',
    'htdocs/tofile.txt' => "a file\n", 'htdocs/plain.txt' => "plain\n",
});
ok $server->start, "starts under $mpm" or diag $server->output, $server->error_log;
my $p = $echo->port;

sub body { my ($path, $host, @more) = @_; return $server->get($path . ($path =~ /\?/ ? '&' : '?') . "p=$p", Host => $host // 'base.test', @more)->content }

# Longer than Timeout, of the server and of virtual hosts with others; on their way while the rest goes on.
my @long;
for my $host (qw(base short long longer)) {
    for my $path ('/sleep.lua?t=3.5', '/stream.lua') {
        last if $mpm eq 'prefork' && $path =~ /stream/;
        my $wire = Coral::Wire->new($server->port);
        $wire->say("GET $path HTTP/1.1", "Host: $host.test", '');
        push @long, ["$host $path", $wire];
    }
}

# Where it waits.
is body('/wait.lua'), 'waited and slept', 'a script';
is body('/pretty'), 'waited and slept', 'by mod_rewrite';
is body('/d/'), 'index', 'by DirectoryIndex';
is body('/app/x'), 'app y', 'an application';
is body('/go.lua'), 'waited and slept', 'ngx.exec to one';
is body('/nothing'), 'missing 404', 'an ErrorDocument';
is body('/gone.lua'), 'missing 410', 'an ErrorDocument of a script that waits';
is body('/first.lua'), 'missing 410', 'which had another status in mind before';
is body("/not_mine.lua$_"), 'missing 404', "or had one in mind and declined $_" for '', '?wait=1';
is body('/chain'), 'second x', 'a content hook that declines after waiting: the next one answers';
is body('/tofile.txt'), "a file\n", 'or the file';
like body('/page.shtml'), qr/^a waited and slept b slept c/, 'subrequests';
is body('/proxy/wait.lua'), 'waited and slept', 'behind mod_proxy';
is body('/proxy/proxy/go.lua'), 'waited and slept', 'twice';
is body('/filtered/wait.lua') =~ s/\n//gr, '<waited and slept>', 'an output filter that waits, too';
is body('/filtered/plain.txt') =~ s/\n//gr, '<plain>', 'and on a file';
is $server->ask(POST => "/in/body.lua?p=$p", body => 'abc')->content =~ s/\n//gr, '[abc]', 'an input filter that waits';
my $log = $server->log;
is $server->get("/wait.lua?p=$p&n=17", Host => 'phases.test')->content, 'waited and slept', 'hooks of all phases wait';
for my $phase (@phases) { ok $log->wait(qr/WAITED $phase 17/), "$phase has waited" }

# mod_reqtimeout: who stalls gets 408, who sends steadily does not.
sub upload {
    my ($host, $path) = @_;
    my $wire = Coral::Wire->new($server->port);
    $wire->say("POST $path HTTP/1.1", "Host: $host.test", 'Content-Length: 2000', '');
    $wire->send('x' x 500);
    return $wire;
}
my $begun   = time;
my $stalled = upload('long', '/body.lua');
my $timed   = upload('base', '/body.lua');
my $steady  = upload('base', '/body.lua');
for (1 .. 3) { sleep 0.5; $steady->send('y' x 500) }
is length $steady->answer->{body}, 2000, 'a steady upload, longer than the timeout for its body, comes through';
is $timed->answer->{code}, 408, 'one that stalls: 408 by mod_reqtimeout';
cmp_ok time - $begun, '<', 8, 'in time';
$stalled->send('z' x 1500);
is length $stalled->answer->{body}, 2000, 'not where it is off';

for (@long) {
    my ($name, $wire) = @$_;
    my $got = $wire->answer(seconds => 10);
    is "$got->{code} $got->{body}", $name =~ /sleep/ ? '200 slept' : '200 1 2 3 4 ', "$name: longer than Timeout";
}
@long = ();
unlike $server->error_log, qr/coral:error|must not be|exit signal|cannot be woken|is lost/, 'no errors' or diag grep { /coral:error|must not|exit/ } split /^/, $server->error_log;
$server->stop;
unlike $server->error_log, qr/must not be|exit signal|still did not exit/, 'and ends well';

done_testing;
