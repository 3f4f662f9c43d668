# SPDX-License-Identifier: Apache-2.0
# The settings: their defaults, where they may be said, which one holds; and a restart
# with other ones. Wrong ones are in mistakes.t.
use strict;
use warnings;
use Coral::Server;
use Test::More;

sub serve {
    my ($config, %files) = @_;
    my $server = Coral::Server->new(config => $config, files => \%files);
    ok $server->start, 'the server starts' or die $server->output . $server->error_log;
    return $server;
}

# A child of the generation before may still take a request right after a restart.
sub soon {
    my ($wanted, $answer) = (shift);
    for (1 .. 100) { return $answer if $wanted->($answer = $_[0]->()); select undef, undef, undef, 0.02 }
    return $answer;
}

# A hook comes and goes with a restart.
{
    my $server = Coral::Server->new(config => "CoralHook access lua/deny.lua\n", files => { 'lua/deny.lua' => "ngx.exit(403)\n" });
    my ($status, $output) = $server->configtest;
    is $status, 0, 'a good configuration is taken' or diag $output;
    ok $server->start, 'and starts' or die $server->output . $server->error_log;
    is $server->get('/')->code, 403, 'the hook runs';
    like $server->raw("GET / HTTP/1.0\r\n\r\n"), qr{^HTTP/1\.1 403 }, 'whoever asks';
    $server->write('httpd.conf', "# without the hook\n");
    ok $server->graceful, 'a graceful restart';
    is soon(sub { shift eq "ready\n" }, sub { $server->get('/')->content }), "ready\n", 'and the hook is gone';
    $server->write('httpd.conf', "CoralHook access lua/deny.lua\n");
    ok $server->restart, 'a hard restart';
    is soon(sub { shift == 403 }, sub { $server->get('/')->code }), 403, 'and it is back';
}

# Every directive where it may stand: all of them at once, in sections and in .htaccess.
{
    my $settings = <<'CONF';
CoralInherit before
CoralSet $x y
CoralReload stat 0
CoralDefaultType text/html
CoralPackagePath "@ROOT@/lib/?.lua"
CoralPackageCPath "@ROOT@/lib/?.so"
CoralMapHandler ^/mapped$ "@ROOT@/lua/app.lua"
CoralHook fixup "@ROOT@/lua/hook.lua"
CORALHOOK fixup "@ROOT@/lua/hook.lua" f LATE
CONF
    my $more = "CoralGroup g\nCoralErrorPage off\nCoralMapToStorage on\nCoralApp /app \"\@ROOT\@/lua/app.lua\"\n";
    my $server_only = "CoralInputFilter a \"\@ROOT\@/lua/hook.lua\"\nCoralOutputFilter b \"\@ROOT\@/lua/hook.lua\" f\n";
    my $global = "CoralStates 1 8 requests=1000 memory=64m\nCoralStates 0 0\n<CoralGroup g>\nCoralStates 0 1 memory=1G\n</CoralGroup>\n<coralgroup \"h\">\ncoralstates 1 1\n</coralgroup>\n";
    my $server = serve("$global$server_only$more$settings<VirtualHost *:\@PORT\@>\n$server_only$more$settings</VirtualHost>\n"
        . join('', map { my ($n) = /(\w+)/; "<$_>\n$more$settings</$n>\n" } 'Directory "@ROOT@/htdocs/d"', 'Location /l', 'Files a.html', 'If "true"'),
        'lua/app.lua' => "return function(r) r:puts('app') end\n", 'lua/hook.lua' => "function f() end\n",
        'htdocs/h/.htaccess' => $settings, 'htdocs/h/a.html' => "page\n", 'htdocs/d/a.html' => "page\n");
    is $server->get($_)->content, "page\n", "$_ is served" for '/h/a.html', '/d/a.html';
    is $server->get('/app/x')->content, 'app', 'the app too';
    my $log = $server->log;
    $server->write('htdocs/bad/a.html', "page\n");
    for my $line (split /\n/, $more) {
        my ($name) = $line =~ /(\w+)/;
        $server->write('htdocs/bad/.htaccess', "$line\n");
        is $server->get('/bad/a.html')->code, 500, "$name is not for .htaccess";
        ok $log->wait(qr{/bad/\.htaccess: $name not allowed here}), "$name: told";
    }
}

# CoralDefaultType: the nearest one.
{
    my $page = "<CoralHook content>\nngx.print('x')\n</CoralHook>\n";
    my $server = serve("CoralDefaultType text/a\n$page<Location /b>\nCoralDefaultType \"text/b; charset=utf-8\"\n</Location>\n"
        . "<Location /b/none>\nCoralSet \$x y\n</Location>\n<VirtualHost *:\@PORT\@>\nServerName plain.test\n</VirtualHost>\n"
        . "<VirtualHost *:\@PORT\@>\nServerName c.test\nCoralDefaultType text/c\n</VirtualHost>\n");
    my $type = sub { $server->get(@_)->header('Content-Type') };
    is $type->('/'), 'text/a', 'the default type of the server';
    is $type->('/b'), 'text/b; charset=utf-8', 'of a <Location>';
    is $type->('/b/none'), 'text/b; charset=utf-8', 'below it';
    is $type->('/', Host => 'c.test'), 'text/c', 'of a virtual host';
}

# CoralErrorPage: off by default, the client sees nothing.
{
    my $fail = "<CoralHook content>\nerror('<secret> & more')\n</CoralHook>\n";
    my $server = serve("<Location /off>\n$fail</Location>\n<Location /on>\nCoralErrorPage on\n$fail</Location>\n<Location /on/off>\nCoralErrorPage off\n</Location>\n");
    unlike $server->get($_)->content, qr/secret|httpd\.conf/, "$_: the client sees nothing" for '/off', '/on/off';
    my $page = $server->get('/on')->content;
    like $page, qr/&lt;secret&gt; &amp; more/, 'CoralErrorPage on: the message, escaped';
    like $page, qr/httpd\.conf:\d+/, 'CoralErrorPage on: the place';
    like $page, qr/content/, 'CoralErrorPage on: the phase';
    is $server->get('/on')->code, 500, 'CoralErrorPage on: still a 500';
    like $server->get('/on')->header('Content-Type'), qr{^text/html}, 'CoralErrorPage on: a page of HTML';
}

# Groups and package paths: what shares a Lua state.
{
    my $who = "<CoralHook content>\npackage.loaded.mark = package.loaded.mark or ngx.var.arg_mark\nngx.print(tostring(package.loaded.mark))\n</CoralHook>\n";
    my $server = serve("CoralStates 1 1\n<Location /a>\nCoralGroup a\n$who</Location>\n<Location /b>\nCoralGroup b\n$who</Location>\n"
        . "<Location /a2>\nCoralGroup a\n$who</Location>\n<Location /p>\nCoralPackagePath \"/nowhere/?.lua\"\n$who</Location>\n<Location /n>\n$who</Location>\n"
        . "<Location /path>\nCoralPackagePath \"\@ROOT\@/one/?.lua\"\n<CoralHook content>\nngx.print(require 'which', ' ', package.path)\n</CoralHook>\n</Location>\n"
        . "<Location /path/two>\nCoralPackagePath \"\@ROOT\@/two/?.lua\"\n</Location>\n"
        . "<Location /before>\nCoralPackagePath \"\@ROOT\@/two/?.lua;;\"\n<CoralHook content>\nngx.print(package.path)\n</CoralHook>\n</Location>\n"
        . "<Location /cpath>\nCoralPackageCPath \"\@ROOT\@/c/?.so\"\n<CoralHook content>\nngx.print(package.cpath)\n</CoralHook>\n</Location>\n"
        . "<Location /plain>\n<CoralHook content>\nngx.print(package.path, ' ', package.cpath)\n</CoralHook>\n</Location>\n",
        'one/which.lua' => "return 'one'\n", 'two/which.lua' => "return 'two'\n",
        'htdocs/rel/.htaccess' => "CoralPackagePath ./lib/?.lua\n", 'htdocs/rel/lib/near.lua' => "return 'near'\n", 'htdocs/rel/a.lua' => "ngx.print((require 'near'))\n");
    SKIP: {
        skip 'one child process is asked for', 5 if Apache::Test::vars('coral_mpm') eq 'prefork';
        is $server->get('/a?mark=1')->content, '1', 'a group';
        is $server->get('/a2')->content, '1', 'who is in it shares its state';
        is $server->get('/b')->content, 'nil', 'another group does not';
        is $server->get('/n')->content, 'nil', 'nor does who is in none';
        is $server->get('/p?mark=2')->content . $server->get('/n')->content, '2nil', 'nor who has another path';
    }
    my $root = $server->root;
    my $got = $server->get('/path')->content;
    like $got, qr{^one .*;\Q$root\E/one/\?\.lua}, 'CoralPackagePath is appended';
    unlike $got, qr{(?:^| |;)\./}, 'the current directory is not looked at';
    like $server->get('/path/two')->content, qr{^one .*;\Q$root\E/one/\?\.lua;\Q$root\E/two/\?\.lua}, 'the ones above come first';
    like $server->get('/before')->content, qr{/lua_lib/\?/init\.lua;[^;]*/luasocket/\?\.lua;\Q$root\E/two/\?\.lua;.*/usr/}, ';; is the default';
    like $server->get('/cpath')->content, qr{;\Q$root\E/c/\?\.so}, 'CoralPackageCPath';
    unlike $server->get('/plain')->content, qr{(?:^| |;)\./}, 'nor for modules in C';
    is $server->get('/rel/a.lua')->content, 'near', './ is beside the .htaccess file';
}

# Where a relative FILE is looked for.
{
    my $say = sub { "ngx.print('$_[0]')\n" };
    my $server = serve("<Location /server>\nCoralHook content where.lua\n</Location>\n<Directory \"\@ROOT\@/htdocs/dir\">\nCoralHook content where.lua\n</Directory>\n"
        . "<Directory \"\@ROOT\@/htdocs/dir2\">\nCoralHook content sub/../where.lua\n</Directory>\n<Location /abs>\nCoralHook content \"\@ROOT\@/lua/where.lua\"\n</Location>\n"
        . "<VirtualHost *:\@PORT\@>\n<Location /vhost>\nCoralHook content lua/where.lua\n</Location>\n</VirtualHost>\n",
        'where.lua' => $say->('root'), 'lua/where.lua' => $say->('lua'), 'htdocs/h/.htaccess' => "CoralHook content where.lua\n",
        map { ("htdocs/$_/where.lua" => $say->($_), "htdocs/$_/a.html" => '') } qw(dir dir2 h));
    is $server->get('/server')->content, 'root', 'in the server: below ServerRoot';
    is $server->get('/abs')->content, 'lua', 'an absolute one is where it says';
    is $server->get('/vhost')->content, 'lua', 'in a virtual host: below ServerRoot';
    is $server->get('/dir/a.html')->content, 'dir', 'in <Directory>: in that folder';
    is $server->get('/dir2/a.html')->content, 'dir2', 'with .. in it';
    is $server->get('/h/a.html')->content, 'h', 'in .htaccess: beside it';
}

# init: globals of the state, before its first request; other init hooks are other states.
{
    my $init = sub { "<CoralHook init>\nshared = 'of $_[0]'\ninits = (inits or 0) + 1\n</CoralHook>\n" };
    my $show = "<CoralHook content>\nngx.print(shared, ' ', inits, ' ', ngx.get_phase())\n</CoralHook>\n";
    my $server = serve($init->('server') . $show . "<VirtualHost *:\@PORT\@>\nServerName a.test\n</VirtualHost>\n"
        . "<VirtualHost *:\@PORT\@>\nServerName b.test\n" . $init->('b') . "</VirtualHost>\n");
    is $server->get('/', Host => 'a.test')->content, 'of server 1 content', 'init of the server' for 1 .. 3;
    is $server->get('/', Host => 'b.test')->content, 'of b 1 content', 'init of a virtual host' for 1 .. 3;
}

# An init hook that fails: told, and requests fail, but httpd serves on.
{
    my $server = serve("<VirtualHost *:\@PORT\@>\nServerName ok.test\n</VirtualHost>\n<VirtualHost *:\@PORT\@>\nServerName bad.test\n<CoralHook init>\nerror('no database')\n</CoralHook>\n<CoralHook access>\n</CoralHook>\n</VirtualHost>\n");
    my $log = $server->log;
    is $server->get('/', Host => 'bad.test')->code, 500, 'a request that needs the state fails';
    ok $log->wait(qr/no database/), 'why is told' or diag $log->text;
    is $server->get('/', Host => 'ok.test')->code, 200, 'others are served';
}

done_testing;
