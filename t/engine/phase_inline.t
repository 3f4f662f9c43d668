# SPDX-License-Identifier: Apache-2.0
# Inline blocks: taken raw, with true line numbers, in httpd.conf and in .htaccess.
use strict;
use warnings;
use Coral::Server;
use Test::More;

# Lua that would mean something else to httpd.
my $raw = <<'LUA';
local text = "one \
two"
local long = [[
<Directory "/srv">
    Include nothing.conf
# not a comment \
</Directory>
<CoralHook access>
  ${PATH} %{HTTP_HOST} "quotes' \\
LoadModule x y
    </CoralHook> is not alone on this line
</CoralHooks>
]]

if text == "one \ntwo" then -- a comment </CoralHook>
  ngx.ctx.long = long
end
LUA
my ($long) = $raw =~ /\[\[\n(.*?)\]\]/s;

my $show = "<CoralHook content>\nngx.print(ngx.ctx.long or 'nothing')\n</CoralHook>\n";

my %block = (
    'plain'        => "<CoralHook fixup>\n$raw</CoralHook>\n",
    'end-upper'    => "<CoralHook fixup>\n$raw</CORALHOOK>\n",
    'end-lower'    => "<coralhook fixup>\n$raw</coralhook>\n",
    'end-indented' => "   <CoralHook fixup>\n$raw\t  </CoralHook>  \t\n",
    'space'        => "<CoralHook   fixup  >\n$raw</CoralHook>\n",
    'quoted'       => "<CoralHook \"fixup\" \"f\" early>\nfunction f()\n$raw\nend\n</CoralHook>\n",
    'crlf'         => "<CoralHook fixup>\n$raw</CoralHook>\n" =~ s/\n/\r\n/gr,
);

# Where a block may be written: each text has one %s.
my %place = (
    server    => '%s',
    vhost     => "<VirtualHost *:\@PORT\@>\n%s</VirtualHost>\n",
    location  => "<Location /raw>\n%s</Location>\n",
    directory => "<Directory \"\@ROOT\@/htdocs\">\n%s</Directory>\n",
    ifmodule  => "<IfModule coral_module>\n<IfDefine ROOT>\n<IfModule !nothing_module>\n%s</IfModule>\n</IfDefine>\n</IfModule>\n",
    nested    => "<IfModule coral_module>\n<VirtualHost *:\@PORT\@>\n<Location /raw>\n<IfModule coral_module>\n%s</IfModule>\n</Location>\n</VirtualHost>\n</IfModule>\n",
    files     => "<Files \"index.html\">\n%s</Files>\n",
    if        => "<If \"true\">\n%s</If>\n",
    continued => "ServerSignature \\\n off\n# a comment\n\n%s",
);

sub serve {
    my ($config, %files) = @_;
    my $server = Coral::Server->new(config => $config, files => { 'htdocs/raw/index.html' => "static\n", %files });
    ok $server->start, 'the server starts' or die $server->output . $server->error_log;
    return $server;
}

for my $kind (sort keys %block) {
    my $want = $kind eq 'crlf' ? $long =~ s/\r\n/\n/gr : $long;
    is serve($block{$kind} . $show)->get('/raw/index.html')->content, $want, "raw: $kind";
}
for my $place (sort keys %place) {
    my $text = sprintf $place{$place}, $block{plain} . $show;
    is serve($text)->get('/raw/index.html')->content, $long, "raw in $place";
}

# One server for all that .htaccess can say, and for errors at run time.
{
    my $fail = "<CoralHook fixup>\n\nlocal nothing\nnothing.x = 1\n</CoralHook>\n";
    my (%files, %line) = ('htdocs/index.html' => "static\n");
    for my $kind (sort keys %block) {
        $files{"htdocs/h-$kind/.htaccess"} = $block{$kind} . $show;
        $files{"htdocs/h-$kind/index.html"} = "static\n";
    }
    my %lead = (first => '', comments => "# one\n# two\n\n", continued => "ErrorDocument 404 \\\n\"none\"\n\n", second => $block{plain},
        section => "<IfModule coral_module>\n<Files index.html>\n");
    my %tail = (section => "</Files>\n</IfModule>\n");
    my $config = '';
    for my $kind (sort keys %lead) {
        my $text = $lead{$kind} . $fail . ($tail{$kind} // '');
        $files{"htdocs/e-$kind/.htaccess"} = $text;
        $files{"htdocs/e-$kind/index.html"} = "static\n";
        $files{"htdocs/c-$kind/index.html"} = "static\n";
        $line{$kind} = 4 + ($lead{$kind} =~ tr/\n//);
        $line{"conf-$kind"} = 1 + ($config =~ tr/\n//) + $line{$kind};
        $config .= "<Location \"/c-$kind\">\n" . $text . "</Location>\n" unless $kind eq 'section';
        $config .= "<Directory \"\@ROOT\@/htdocs/c-$kind\">\n$text</Directory>\n" if $kind eq 'section';
    }
    my $server = serve($config, %files);
    is $server->get("/h-$_/index.html")->content, $long, ".htaccess: $_" for sort keys %block;
    for my $kind (sort keys %lead) {
        my $log = $server->log;
        is $server->get("/e-$kind/index.html")->code, 500, ".htaccess, $kind: an error";
        like $log->wait(qr/hook fixup .*\n/), qr{/e-$kind/\.htaccess:$line{$kind}: attempt to index}, ".htaccess, $kind: on line $line{$kind}";
        $log = $server->log;
        is $server->get("/c-$kind/index.html")->code, 500, "httpd.conf, $kind: an error";
        my $n = $line{"conf-$kind"};
        like $log->wait(qr/hook fixup .*\n/), qr{/httpd\.conf:$n: attempt to index}, "httpd.conf, $kind: on line $n";
    }
}

# Mistakes, found before the start; the line is that of the mistake.
sub refused {
    my ($config, $name, @patterns) = @_;
    my ($status, $output) = Coral::Server->new(config => $config)->configtest;
    isnt $status, 0, "$name: refused";
    like $output, $_, "$name: $_" for @patterns;
}
my $broken = "<CoralHook access>\nlocal a = 1\nlocal = 2\n</CoralHook>\n";
refused($broken, 'Lua that does not compile', qr/httpd\.conf:3: .*near '='/);
refused("# a comment\n\n<VirtualHost *:\@PORT\@>\n<Location />\n$broken</Location>\n</VirtualHost>\n", 'the same in a section', qr/httpd\.conf:7: /);
refused("<IfModule coral_module>\n$broken</IfModule>\n", 'in <IfModule>', qr/httpd\.conf:4: /);
refused("ServerSignature \\\noff\n$broken", 'after a continued line', qr/httpd\.conf:5: /);
refused("<CoralHook access>\nreturn 1\n", 'no end', qr/line 1\b/, qr{<CoralHook> of line 1 has no </CoralHook>});
refused("\n<Location />\n<CoralHook access>\nreturn 1\n</Location>\n", 'no end in a section', qr/<CoralHook> of line 3 has no/);
refused("<CoralHook access>\nif true then\n</CoralHook>\n", 'an end too few', qr/httpd\.conf:\d+: 'end' expected/);
refused("<CoralHook access>\nend\n</CoralHook>\n", 'an end too much', qr/httpd\.conf:2: .*near '?end'?/);
refused("<CoralHook access\nreturn 1\n</CoralHook>\n", 'no >', qr/line 1\b.*not closed by a >/s);
refused("<CoralHook access> return 403\n</CoralHook>\n", 'Lua on the first line', qr/line 1\b/);
refused("</CoralHook>\n", 'an end alone', qr/line 1\b.*<\/CoralHook>/s);
refused("<CoralHook>\n</CoralHook>\n", 'no phase', qr/line 1\b.*there is no phase ""|line 1\b.*phase/s);
refused("<CoralHook access one two>\n</CoralHook>\n", 'a word too much', qr/line 1\b.*"two" is neither early nor late/s);
refused("<CoralHook acess>\n</CoralHook>\n", 'an unknown phase', qr/line 1\b.*there is no phase "acess"/s);
refused("\n\n<CoralHook content early>\n</CoralHook>\n", 'early where it means nothing', qr/line 3\b.*early and late mean nothing/s);

# The same in .htaccess, when it is asked for.
{
    my %want = (
        syntax  => [$broken, qr/\.htaccess:3: .*near '='/],
        noend   => ["<CoralHook access>\nreturn 1\n", qr/\.htaccess: <CoralHook> of line 1 has no/],
        phase   => ["\n<CoralHook acess>\n</CoralHook>\n", qr/\.htaccess: CoralHook: there is no phase "acess"/],
        section => ["<IfModule coral_module>\n$broken</IfModule>\n", qr/\.htaccess:4: /],
    );
    my $server = serve('', map { ("htdocs/$_/.htaccess" => $want{$_}[0], "htdocs/$_/index.html" => "static\n") } keys %want);
    for my $kind (sort keys %want) {
        my $log = $server->log;
        is $server->get("/$kind/index.html")->code, 500, ".htaccess, $kind: refused";
        my $pattern = $want{$kind}[1];
        ok $log->wait($pattern), ".htaccess, $kind: explained" or diag $log->text;
        is $server->get('/raw/index.html')->code, 200, ".htaccess, $kind: others are served";
    }
}

# In an included file, that file is named; long lines, and no line feed at the end.
{
    my $server = serve("Include more.conf\n", 'more.conf' => "\n<CoralHook fixup>\nerror('here')\n</CoralHook>");
    my $log = $server->log;
    is $server->get('/raw/index.html')->code, 500, 'an included block';
    like $log->wait(qr/hook fixup .*\n/), qr{/more\.conf:3: here}, 'an included block: file and line';
    my $word = 'x' x 100_000;
    $server = serve("<CoralHook content>\nngx.print('$word' == ('x'):rep(100000))\n</CoralHook>");
    is $server->get('/raw/index.html')->content, 'true', 'a line of 100,000 characters';
}

# Blocks that are alike are one each; an empty one is fine.
{
    my $block = "<CoralHook fixup>\nngx.ctx.n = (ngx.ctx.n or 0) + 1\n</CoralHook>\n";
    my $server = serve("$block$block$block<CoralHook access>\n</CoralHook>\n<CoralHook content>\nngx.say(ngx.ctx.n)\n</CoralHook>\n");
    is $server->get('/raw/index.html')->content, "3\n", 'three blocks that are alike';
}

# After a graceful restart with other text on the same line, the new text runs.
{
    my $config = sub { "<CoralHook content>\nngx.say('$_[0]')\n</CoralHook>\n" };
    my $server = serve($config->('old'));
    is $server->get('/raw/index.html')->content, "old\n", 'before the restart';
    $server->write('httpd.conf', $config->('new'));
    ok $server->graceful, 'a graceful restart';
    my $answer = '';    # a child of the generation before may still take a request
    for (1 .. 100) { last if ($answer = $server->get('/raw/index.html')->content) eq "new\n"; select undef, undef, undef, 0.02 }
    is $answer, "new\n", 'the new text runs';
}

# An edited block of .htaccess runs as it is now.
{
    my $server = serve('', 'htdocs/raw/.htaccess' => "<CoralHook content>\nngx.say('old')\n</CoralHook>\n");
    is $server->get('/raw/index.html')->content, "old\n", '.htaccess';
    $server->write('htdocs/raw/.htaccess', "<CoralHook content>\nngx.say('new')\n</CoralHook>\n");
    is $server->get('/raw/index.html')->content, "new\n", '.htaccess, edited';
}

done_testing;
