# SPDX-License-Identifier: Apache-2.0
# Wrong configurations: each is refused by configtest, with the line and what to do.
# Then wrong scripts: each is told in the log, and the server goes on.
use strict;
use warnings;
use Coral::Server;
use Test::More;

my %good = (
    'hook.lua' => "return nil\n", 'app.lua' => "return function(r) r:puts('app') end\n",
    'bad.lua' => "local a = 1\nlocal b = = 2\n", 'dir/x.lua' => '', 'html' => "not lua\n",
);
my $long = 'x' x 5000;

# Each row: the configuration (the mistake on line 2), and what is said of it.
my @config = (
    # CoralHook
    ['CoralHook', qr/CoralHook takes a phase, a file/],
    ['CoralHook access', qr/CoralHook takes a phase, a file/],
    ['CoralHook access hook.lua f early more', qr/CoralHook takes a phase, a file/],
    ['CoralHook acess hook.lua', qr/no phase "acess"; the phases are init, .*body_filter, log/],
    ['CoralHook Access hook.lua', qr/no phase "Access"/],
    ['CoralHook "" hook.lua', qr/no phase ""/],
    ['CoralHook access missing.lua', qr{cannot read \S*/missing\.lua: .*No such file}],
    ['CoralHook access ""', qr/CoralHook takes a phase, a file/],
    ['CoralHook access dir', qr{\S*/dir is a directory, not a Lua file}],
    ['CoralHook access hook.lua/x', qr{cannot read \S*/hook\.lua/x: .*Not a directory}],
    ["CoralHook access $long.lua", qr/name too long|not a usable path/i],
    ['CoralHook access bad.lua', qr{CoralHook: \S*bad\.lua:2: .*near '='}],
    ['CoralHook access html', qr{CoralHook: \S*html:1: }],
    ['CoralHook access /dev/null', qr{/dev/null is not a .*file}],
    ['CoralHook access hook.lua f soon', qr/"soon" is neither early nor late/],
    ['CoralHook content hook.lua early', qr/early and late mean nothing in the phase content/],
    ['CoralHook log none more', qr/cannot read|none/],
    ['CoralHook set hook.lua', qr/the phase set is written as a block/],
    ['CoralHok access hook.lua', qr/Invalid command 'CoralHok'/],
    # <CoralHook>
    ["<CoralHook access>\nlocal = 1\n</CoralHook>", qr/httpd\.conf:3: .*near '='/],
    ["<CoralHook access>\nlocal a", qr/has no <\/CoralHook> alone on a line/],
    ["<CoralHook nowhere>\n</CoralHook>", qr/no phase "nowhere"/],
    ["<CoralHook>\n</CoralHook>", qr/phase/],
    ["<CoralHook access f late more>\n</CoralHook>", qr/"more" is neither early nor late/],
    ["<CoralHook body_filter late>\n</CoralHook>", qr/early and late mean nothing in the phase body_filter/],
    ["<CoralHook set>\n</CoralHook>", qr/the variable that takes the result is missing/],
    ["<CoralHook set result>\n</CoralHook>", qr/first word is the variable that takes the result/],
    ["<CoralHook set \$>\n</CoralHook>", qr/first word is the variable that takes the result|"\$" is not a variable/],
    ["<CoralHook set \$a \"\$\">\n</CoralHook>", qr/no variable's name after "\$" in "\$".*write "\$\$"/],
    ["<CoralHook set \$uri>\nreturn 1\n</CoralHook>", qr/"uri" not changeable|uri.*can(?:not| not) be/],
    # CoralInherit
    ['CoralInherit', qr/CoralInherit takes one argument/],
    ['CoralInherit parent-first', qr/CoralInherit is none, before or after/],
    ['CoralInherit before after', qr/CoralInherit takes one argument/],
    # CoralApp
    ['CoralApp', qr/CoralApp takes a url prefix, a path and an adapter/],
    ['CoralApp /a app.lua handler more', qr/CoralApp takes a url prefix, a path and an adapter/],
    ['CoralApp /a missing.lua', qr{cannot read \S*/missing\.lua}],
    ['CoralApp app app.lua handler', qr/url prefix "app" does not begin with a slash/],
    ['CoralApp /a app.lua django', qr/no adapter "django": mod_coral has handler\b.*CoralPackagePath/],
    ['CoralApp app.lua django', qr/no adapter "django"/],
    ["<Location /a>\nCoralApp ./app.lua django\n</Location>", qr{no adapter "django".* coral/adapter/django\.lua}, 3],
    ['CoralApp /a app.lua ../handler', qr{"\.\./handler" is no name of an adapter}],
    ['CoralApp /a missing django', qr{cannot read \S*/missing}],
    ['CoralApp /a missing/', qr{cannot read \S*/missing}],
    ['CoralApp /a bad.lua', qr{bad\.lua:2: }],
    ['CoralApp /a ./dir', qr{/dir .*(?:app\.lua|init\.lua|handler\.lua)}],
    # CoralMapHandler
    ['CoralMapHandler', qr/CoralMapHandler takes two or three arguments/],
    ['CoralMapHandler ^/a', qr/CoralMapHandler takes two or three arguments/],
    ['CoralMapHandler ^/a hook.lua f more', qr/CoralMapHandler takes two or three arguments/],
    ['CoralMapHandler ^/(a hook.lua', qr/"\^\/\(a" is not a regular expression/],
    ['CoralMapHandler ^/[z-a] hook.lua', qr/"\^\/\[z-a\]" is not a regular expression/],
    ['CoralMapHandler ^/a missing.lua', qr/cannot read \S*missing\.lua/],
    ['CoralMapHandler ^/a bad.lua f', qr/bad\.lua:2: /],
    # Filters
    ['CoralInputFilter up', qr/CoralInputFilter takes two or three arguments/],
    ['CoralInputFilter up missing.lua', qr/cannot read \S*missing\.lua/],
    ['CoralOutputFilter up bad.lua', qr/bad\.lua:2: /],
    ['CoralOutputFilter up hook.lua f more', qr/CoralOutputFilter takes two or three arguments/],
    ["<Location />\nCoralOutputFilter up hook.lua\n</Location>", qr/CoralOutputFilter (?:not allowed|cannot occur)/, 3],
    ["<Directory />\nCoralInputFilter up hook.lua\n</Directory>", qr/CoralInputFilter (?:not allowed|cannot occur)/, 3],
    # CoralSet
    ['CoralSet $a', qr/CoralSet takes two arguments/],
    ['CoralSet $a b c', qr/CoralSet takes two arguments/],
    ['CoralSet a b', qr/"a" is not a variable; write \$a/],
    ['CoralSet $ b', qr/"\$" is not a variable/],
    ['CoralSet $a "100$"', qr/no variable's name after "\$" in "100\$".*write "\$\$"/],
    ['CoralSet $a "$ b"', qr/no variable's name after "\$"/],
    ['CoralSet $a "$\{b"', qr/no variable's name after "\$"/],
    ['CoralSet $a "%{nothing"', qr/CoralSet: .*(?:syntax error|Cannot parse|unterminated)/i],
    ['CoralSet $a "%{nofunction:x}"', qr/CoralSet: .*nofunction/],
    ['CoralSet $uri /x', qr/"uri" not changeable|uri.*can(?:not| not) be/],
    ['CoralSet $http_host x', qr/"http_host" not changeable|http_host.*can(?:not| not) be/],
    ['CoralSet $a-b x', qr/"\$a-b" is not a variable/],
    # Words and numbers
    ['CoralReload', qr/CoralReload takes 1-2 arguments/],
    ['CoralReload sometimes', qr/CoralReload is stat, off or always/],
    ['CoralReload stat -1', qr/CoralReload: "-1" is not a whole number/],
    ['CoralReload stat 1.5', qr/CoralReload: "1\.5" is not a whole number/],
    ['CoralReload stat soon', qr/CoralReload: "soon" is not a whole number/],
    ['CoralReload stat 99999999999999999999', qr/CoralReload: "9+" is not a whole number/],
    ['CoralErrorPage', qr/CoralErrorPage must be On or Off|CoralErrorPage takes/],
    ['CoralErrorPage maybe', qr/CoralErrorPage must be On or Off/],
    ['CoralMapToStorage yes', qr/CoralMapToStorage must be On or Off/],
    ['CoralDefaultType', qr/CoralDefaultType takes one argument/],
    ['CoralDefaultType text/html charset=utf-8', qr/CoralDefaultType takes one argument/],
    ['CoralGroup', qr/CoralGroup takes one argument/],
    ['CoralGroup a b', qr/CoralGroup takes one argument/],
    ['CoralPackagePath', qr/CoralPackagePath takes one argument/],
    ['CoralPackageCPath a b', qr/CoralPackageCPath takes one argument/],
    ['CoralLibraryPath', qr/CoralLibraryPath takes one argument/],
    ['CoralLibraryPath nowhere', qr{CoralLibraryPath: nowhere does not hold mod_coral's Lua files}],
    # CoralStates, <CoralGroup>
    ['CoralStates', qr/CoralStates takes the least and the largest/],
    ['CoralStates 1', qr/CoralStates takes the least and the largest/],
    ['CoralStates few many', qr/CoralStates: "few" is not a whole number/],
    ['CoralStates 1 -1', qr/CoralStates: "-1" is not a whole number/],
    ['CoralStates 5 2', qr/least number of states is larger than the largest/],
    ['CoralStates 1 2 hours=3', qr/"hours=3" is neither requests=N nor memory=SIZE/],
    ['CoralStates 1 2 requests=many', qr/"many" is not a whole number/],
    ['CoralStates 1 2 requests=', qr/"" is not a whole number/],
    ['CoralStates 1 2 memory=big', qr/"big" is not a size; write 500k, 64m, 1g or bytes/],
    ['CoralStates 1 2 memory=', qr/"" is not a size/],
    ['CoralStates 1 2 memory=-1m', qr/"-1m" is not a size/],
    ['CoralStates 1 2 memory=5mb', qr/"5mb" is not a size/],
    ['CoralStates 1 2 memory=m', qr/"m" is not a size/],
    ['CoralStates 1 2 memory=99999999999999999999', qr/"9+" is not a size/],
    ["<VirtualHost *:\@PORT\@>\nCoralStates 1 2\n</VirtualHost>", qr/CoralStates (?:not allowed|cannot occur) (?:here|within)/, 3],
    ["<Location />\nCoralStates 1 2\n</Location>", qr/CoralStates (?:not allowed|cannot occur)/, 3],
    ["<Location />\nCoralLibraryPath lua\n</Location>", qr/CoralLibraryPath (?:not allowed|cannot occur)/, 3],
    ['<CoralGroup>', qr/<CoralGroup> takes one name|was not closed/],
    ["<CoralGroup>\n</CoralGroup>", qr/<CoralGroup> takes one name/],
    ["<CoralGroup a b>\n</CoralGroup>", qr/<CoralGroup> takes one name/],
    ["<CoralGroup a\n</CoralGroup>", qr/<CoralGroup is not closed by a >/],
    ["<CoralGroup a>", qr/<CoralGroup> was not closed/],
    ["<CoralGroup a>\nCoralStates 1 x\n</CoralGroup>", qr/"x" is not a whole number/, 3],
    ["<CoralGroup a>\nCoralHook access hook.lua\n</CoralGroup>", qr/CoralHook may not stand in a <CoralGroup>/, 3],
    ["<VirtualHost *:\@PORT\@>\n<CoralGroup a>\nCoralStates 1 2\n</CoralGroup>\n</VirtualHost>", qr/<CoralGroup> (?:not allowed|cannot occur)/, 3],
    # Sections
    ["<Directory />\nCoralHook init hook.lua\n</Directory>", qr/the phase init may not stand here/, 3],
    ["<Files x>\nCoralHook quick hook.lua\n</Files>", qr/the phase quick may not stand here/, 3],
);

for my $row (@config) {
    my ($config, $pattern, $line) = (@$row, 2);
    $line = $row->[2] // 2;
    my $server = Coral::Server->new(config => "# first\n$config\n", files => \%good);
    my ($status, $output) = $server->configtest;
    my $name = substr $config =~ s/\n/ | /gr, 0, 80;
    is $status, 1, "refused: $name" or diag $output;
    like $output, qr/$pattern/s, "explained: $name";
    like $output, qr{line $line of \S*/httpd\.conf|/httpd\.conf:[23]: |line 2 has no|<CoralHook> of line 2}, "where: $name";
}

# Scripts. One server; each row: the file, its text, and what the log says of it.
my %lua = (
    'syntax'        => ["ngx.say('x')\nlocal 1\n", qr{/syntax\.lua:2: .*near '1'}],
    'runtime'       => ["\n\nlocal t\nt.x = 1\n", qr{/runtime\.lua:4: attempt to index a nil value \(local 't'\).*GET /runtime\.lua}],
    'unknown-name'  => ["nosuch()\n", qr{/unknown-name\.lua:1: .*global 'nosuch'}],
    'bytecode'      => ["\eLua", qr{bytecode\.lua.*(?:binary|precompiled)}],
    'bytecode-real' => [scalar(qx(luac5.4 -o - - </dev/null 2>/dev/null) || "\eLuaT"), qr{bytecode-real\.lua.*(?:binary|precompiled)}],
    'html'          => ["<html>\n", qr{/html\.lua:1: .*near '<'}],
    'image'         => ["\x89PNG\r\n\x1a\n\0\0", qr{/image\.lua:1: }],
    'unfinished'    => ["local s = [[\nabc\n", qr{/unfinished\.lua:\d+: unfinished long string}],
    'end-early'     => ["end\nngx.say('x')\n", qr{/end-early\.lua:1: .*near 'end'}],
    'end-late'      => ["if true then\n", qr{/end-late\.lua:\d+: 'end' expected}],
    'goto'          => ["goto nowhere\n", qr{/goto\.lua:\d+: no visible label 'nowhere'}],
    'no-module'     => ["require 'no.such.module'\n", qr{/no-module\.lua:1: module 'no\.such\.module' not found:.*no file}],
    'bad-module'    => ["require 'mod_bad'\n", qr{mod_bad\.lua:2: .*near '='}],
    'loop'          => ["require 'mod_loop_a'\n", qr{loop of modules: .*mod_loop_a requires mod_loop_b requires mod_loop_a}],
    'self-loop'     => ["require 'mod_self'\n", qr{loop of modules: mod_self requires mod_self}],
    'raise-module'  => ["require 'mod_raise'\n", qr{mod_raise\.lua:3: not today}],
    'odd-module'    => ["require({})\n", qr{bad argument #1 to 'require' \(string expected, got table\)}],
    'load-bytecode' => ["assert(load(string.dump(function() end) .. 'x'))\n", qr{attempt to load a binary chunk}],
    'returns-text'  => ["return 'text'\n", qr{hook returned a string: it may return nothing, coral\.OK}],
    'returns-table' => ["return {}\n", qr{hook returned a table}],
    'returns-true'  => ["return true\n", qr{hook returned a boolean}],
    'returns-text-number' => ["return '403'\n", qr{hook returned a string}],
    'returns-half'  => ["return 403.5\n", qr{hook returned a number: it may|hook returned 403\.5}],
    'returns-42'    => ["return 42\n", qr{hook returned 42: it may}],
    'returns-600'   => ["return 600\n", qr{hook returned 600: it may}],
    'returns-minus' => ["return -7\n", qr{hook returned -7: it may}],
    'returns-huge'  => ["return 2^53\n", qr{hook returned \S+: it may}],
    'returns-nan'   => ["return 0/0\n", qr{hook returned \S+ ?\S*: it may}],
    'returns-co'    => ["return coroutine.create(print)\n", qr{hook returned a thread}],
    'exit-text'     => ["ngx.exit('forbidden')\n", qr{bad argument #1 to '\S*exit' \(number expected, got string\)}],
    'exit-99'       => ["ngx.exit(99)\n", qr{bad argument #1 to '\S*exit' \(not a status\)}],
    'exit-nothing'  => ["ngx.exit()\n", qr{bad argument #1 to '\S*exit'}],
    'status-text'   => ["ngx.status = 'bad'\n", qr{status-text\.lua:1: .*number expected, got string}],
    'status-99'     => ["ngx.status = 99\n", qr{an HTTP status is a number from 100 to 599}],
    'header-lines'  => ["ngx.header['X-A'] = 'a\\r\\nX-B: b'\n", qr{/header-lines\.lua:1: }],
    'redirect-lines' => ["ngx.redirect('/a\\r\\nX-B: b')\n", qr{/redirect-lines\.lua:1: }],
    'redirect-200'  => ["ngx.redirect('/a', 200)\n", qr{only ngx\.HTTP_MOVED_TEMPORARILY, .*are allowed}],
    'say-function'  => ["ngx.say(print)\n", qr{say-function\.lua:1: bad argument #1 to '\S*say'.*got function}],
    'var-uri'       => ["ngx.var.uri = '/x'\n", qr{variable "uri" not changeable}],
    'r-field'       => ["local r = ... r.nosuch = 1\n", qr{r has no field 'nosuch'}],
    'r-read-only'   => ["local r = ... r.method = 'PUT'\n", qr{r\.method can only be read}],
    'ctx-text'      => ["ngx.ctx = 'x'\n", qr{table expected, got string}],
    'exec-relative' => ["ngx.exec('index.html')\n", qr{the uri must begin with a slash}],
);

# What looks odd and is fine.
my %fine = (
    'bom'          => ["\xEF\xBB\xBFngx.say('fine')\n"],
    'shebang'      => ["#!/usr/bin/lua\nngx.say('fine')\n"],
    'bom-shebang'  => ["\xEF\xBB\xBF#!/usr/bin/lua\nngx.say('fine')\n"],
    'shebang-crlf' => ["#!/usr/bin/lua\r\nngx.say('fine')\r\n"],
    'crlf'         => ["local a = 'fine'\r\n-- comment\r\nngx.say(a)\r\n"],
    'no-line-feed' => ["ngx.say('fine') -- the end"],
    'only-shebang' => ["#!/usr/bin/lua", ''],
    'empty'        => ['', ''],
    'blank'        => ["\n\n", ''],
    'comment'      => ["-- nothing", ''],
    'large'        => [("local x = 1\n" . "x = x + 1\n" x 60_000) . "ngx.say(x == 60001 and 'fine')\n"],
    'long-text'    => ["local s = '" . ('x' x 2_000_000) . "'\nngx.say(#s == 2000000 and 'fine')\n"],
    'locals'       => [join('', map { "local v$_ = $_\n" } 1 .. 199) . "ngx.say(v199 == 199 and 'fine')\n"],
    'nul'          => ["local s = 'a\0b'\nngx.say(#s == 3 and 'fine')\n"],
    'own-env'      => ["local say = ngx.say\nlocal _ENV = {}\nx = 'fine'\nsay(x)\n"],
    'close'        => ["do local c <close> = setmetatable({}, { __close = function() ngx.say('fine') end }) end\n"],
    'true-module'  => ["ngx.say(require 'mod_true' == true and require 'mod_false' == false and 'fine')\n"],
    'bom-module'   => ["ngx.say((require 'mod_bom'))\n"],
    'space in name'=> ["ngx.say('fine')\n"],
);
my %modules = (
    bad => "local a = 1\nlocal = 2\n", loop_a => "require 'mod_loop_b'\n", loop_b => "require 'mod_loop_a'\n",
    self => "return require 'mod_self'\n", raise => "\n\nerror('not today')\n", true => "x = nil\n", false => "return false\n",
    bom => "\xEF\xBB\xBF#!/usr/bin/lua\nreturn 'fine'\n",
);

# Hooks whose file is there but has not what is asked for; each in a <Location>.
my @hooks = (
    ['hook.lua nofunction', qr{hook\.lua defines no function 'nofunction'}],
    ['table.lua missing', qr{table\.lua defines no function 'missing'}],
    ['text.lua notfunction', qr{text\.lua defines no function 'notfunction'}],
    ['raises.lua f', qr{raises\.lua:1: while loading}],
    ['empty.lua f', qr{empty\.lua defines no function 'f'}],
    ['hook.lua print', qr{hook\.lua defines no function 'print'}],
);
my %hook_files = (
    'hook.lua' => "return nil\n", 'table.lua' => "return { f = function() end }\n", 'text.lua' => "notfunction = 'text'\n",
    'raises.lua' => "error('while loading')\nfunction f() end\n", 'empty.lua' => '',
    'noapp.lua' => "x = 1\n", 'appraises.lua' => "error('app does not load')\n", 'oddapp.lua' => "return 'app'\n",
);

my $i = 0;
my $config = "CoralPackagePath \"\@ROOT\@/lib/?.lua\"\n" . join '', map { "<Location /hook-@{[$i++]}>\nCoralHook access $_->[0]\n</Location>\n" } @hooks;
$config .= "CoralApp /noapp ./noapp.lua\nCoralApp /nohandler ./noapp.lua handler\nCoralApp /appraises ./appraises.lua\nCoralApp /oddapp ./oddapp.lua\n";
my $server = Coral::Server->new(config => $config, files => {
    %hook_files,
    (map { ("lib/mod_$_.lua" => $modules{$_}) } keys %modules),
    (map { ("htdocs/$_.lua" => $lua{$_}[0]) } keys %lua),
    (map { ("htdocs/$_.lua" => $fine{$_}[0]) } keys %fine),
    'htdocs/closed.lua' => "ngx.say('x')\n",
});
chmod 0, $server->root . '/htdocs/closed.lua';
ok $server->start, 'the server starts' or diag $server->output, $server->error_log;

sub wrong {
    my ($path, $pattern, $name) = @_;
    my $log = $server->log;
    my $answer = $server->get($path);
    is $answer->code, 500, "$name: 500";
    unlike $answer->content, qr/\.lua:|traceback/, "$name: the client sees nothing of it";
    ok $log->wait(qr/$pattern/s), "$name: $pattern" or diag $log->text;
    return unless $name =~ /^(?:exit|status|header|redirect|say|var|r|ctx|exec)-/;
    like $log->text =~ s/; request: .*//sr, qr{failed: \S*/$name\.lua:1: }, "$name: the script's own line";
}
wrong("/$_.lua", $lua{$_}[1], $_) for sort keys %lua;
wrong("/hook-$_/", $hooks[$_][1], $hooks[$_][0]) for 0 .. $#hooks;
wrong('/noapp', qr{noapp\.lua is no app: no adapter \([^)]*handler[^)]*\) knows it by what it returns \(nil\)}, 'no app');
wrong('/nohandler', qr{noapp\.lua is no app: it returns neither a function nor a table with `handle`}, 'no app of a handler');
wrong('/oddapp', qr{oddapp\.lua is no app}, 'an app that is a string');
wrong('/appraises', qr{appraises\.lua:1: app does not load}, 'an app that does not load');
for my $name (sort keys %fine) {
    my $answer = $server->get('/' . ($name =~ s/ /%20/gr) . '.lua');
    is $answer->code . ' ' . $answer->content, '200 ' . ($fine{$name}[1] // "fine\n"), "fine: $name";
}
SKIP: {
    skip 'root reads every file', 2 if $> == 0;
    my $log = $server->log;
    like $server->get('/closed.lua')->code, qr/^(?:403|500)$/, 'a file nobody may read';
    ok $log->wait(qr/closed\.lua.*Permission denied/), 'is told' or diag $log->text;
}
wrong('/syntax.lua', $lua{syntax}[1], 'the same mistake is told each time');
$server->write('htdocs/syntax.lua', "ngx.say('mended')\n");
is $server->get('/syntax.lua')->content, "mended\n", 'a mended script is read at once';

# A mistake that comes with a restart is told, and does not take the server down.
{
    my $inline = sub { "<VirtualHost *:\@PORT\@>\nServerName b.test\n<CoralHook access>\n$_[0]\n</CoralHook>\n</VirtualHost>\n" };
    my $hook = "<VirtualHost *:\@PORT\@>\nServerName a.test\nCoralHook access hook.lua\n</VirtualHost>\n";
    my $rest = "<VirtualHost *:\@PORT\@>\nServerName c.test\n</VirtualHost>\n";
    my $server = Coral::Server->new(config => $rest . $hook . $inline->('return 403'), files => { 'hook.lua' => "return 403\n" });
    ok $server->start, 'it starts' or diag $server->output, $server->error_log;
    is $server->get('/index.html', Host => 'a.test')->code, 403, 'its hook runs';
    for my $how (qw(graceful restart)) {
        my $log = $server->log;
        $server->write('hook.lua', "return = 403\n");
        $server->write('httpd.conf', $rest . $hook . $inline->('return = 403'));
        ok $server->$how, "$how with broken code: the server goes on" or last;
        for (1 .. 100) {    # a child of the generation before may still take a request
            last if $server->get('/index.html', Host => 'a.test')->code == 500;
            select undef, undef, undef, 0.02;
        }
        is $server->get('/index.html', Host => 'c.test')->code, 200, "$how: others are served";
        is $server->get('/index.html', Host => 'a.test')->code, 500, "$how: who needs the file is not";
        is $server->get('/index.html', Host => 'b.test')->code, 500, "$how: nor who needs the block";
        like $log->text, qr{coral:error.*httpd\.conf line \d+: CoralHook: \S*hook\.lua:1: .*near '='}, "$how: the file is named";
        like $log->text, qr{coral:error.*httpd\.conf line \d+: <CoralHook>: \S*httpd\.conf:\d+: .*near '='}, "$how: and the block";
        isnt +($server->configtest)[0], 0, "$how: configtest refuses it";
        unlink $server->root . '/hook.lua';
        ok $server->$how, "$how without the file: the server goes on" or last;
        is $server->get('/index.html', Host => 'a.test')->code, 500, "$how: closed without the file";
        $server->write('hook.lua', "return 403\n");
        is $server->get('/index.html', Host => 'a.test')->code, 403, "$how: the file is back, without a restart";
    }
}

done_testing;
