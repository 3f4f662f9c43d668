# SPDX-License-Identifier: Apache-2.0
# Which hooks of a phase run, and in which order: CoralInherit, none, early and late,
# beside httpd's own modules. Each leaves its letter in a header of the response.
use strict;
use warnings;
use Coral::Server;
use Test::More;

# hook(PHASE, LETTER, early or late)
sub hook {
    my ($phase, $letter, $order) = (@_, '');
    return "<CoralHook $phase $order>\nngx.ctx.trace = (ngx.ctx.trace or '') .. '$letter'\n</CoralHook>\n";
}
sub hooks { my ($phase, @letters) = @_; return join '', map { hook($phase, $_) } @letters }

my $show = <<'CONF';
<CoralHook header_filter>
ngx.header["X-Trace"] = ngx.ctx.trace or "none"
</CoralHook>
<CoralHook log>
ngx.log(ngx.WARN, "trace ", ngx.var.uri, " ", ngx.ctx.trace or "none")
</CoralHook>
CONF

sub server {
    my ($config, @urls) = @_;
    my %files = map { ref $_ ? @$_ : ("htdocs/$_" => "page\n") } @urls;
    my $server = Coral::Server->new(config => $show . $config, files => \%files);
    ok $server->start, 'the server starts' or die $server->output . $server->error_log;
    return $server;
}

sub trace {
    my ($server, $url, $want, $name, @headers) = @_;
    my $answer = $server->get($url, @headers);
    is $answer->code . ' ' . ($answer->header('X-Trace') // 'nothing'), "200 $want", $name;
}

# A section's hook takes the place of the one above it; CoralInherit runs both.
{
    my ($config, @urls, @want) = (hook('fixup', 'A'));
    for my $inherit ('', 'none', 'before', 'after') {
        my $line = $inherit && "CoralInherit $inherit\n";
        my $name = $inherit || 'unsaid';
        my $want = { unsaid => 'B', none => 'B', before => 'AB', after => 'BA' }->{$name};
        $config .= "<Directory \"\@ROOT\@/htdocs/d-$name\">\n$line" . hook('fixup', 'B') . "</Directory>\n";
        $config .= "<Location \"/l-$name\">\n" . hook('fixup', 'B') . "$line</Location>\n";    # in either order
        push @urls, "d-$name/a.html", "l-$name/a.html", "h-$name/a.html",
            ["htdocs/h-$name/.htaccess" => $line . hook('fixup', 'B')];
        push @want, ["/$_-$name/a.html", $want] for qw(d l h);
        # Others' phases are not touched by it.
        $config .= "<Directory \"\@ROOT\@/htdocs/o-$name\">\n$line" . hook('access', 'B') . "</Directory>\n";
        push @urls, "o-$name/a.html";
        push @want, ["/o-$name/a.html", 'BA'];
    }
    # Three floors, and what CoralInherit says above holds below.
    $config .= <<"CONF";
<Directory "\@ROOT\@/htdocs/deep">
CoralInherit before
@{[hook('fixup', 'B')]}</Directory>
<Directory "\@ROOT\@/htdocs/deep/er">
@{[hook('fixup', 'C')]}</Directory>
<Directory "\@ROOT\@/htdocs/deep/only">
CoralInherit none
@{[hook('fixup', 'C')]}</Directory>
<Directory "\@ROOT\@/htdocs/gone">
CoralHook fixup none
</Directory>
<Directory "\@ROOT\@/htdocs/gone/back">
@{[hook('fixup', 'B')]}</Directory>
<Directory "\@ROOT\@/htdocs/deep/gone">
CoralHook fixup none
</Directory>
<Location "/gone-location">
CoralHook fixup none
</Location>
<Directory "\@ROOT\@/htdocs/merge">
CoralInherit before
@{[hook('fixup', 'B')]}<Files "x.html">
@{[hook('fixup', 'C')]}</Files>
<If "true">
@{[hook('fixup', 'E')]}</If>
</Directory>
<Location "/merge">
@{[hook('fixup', 'D')]}</Location>
<Directory "\@ROOT\@/htdocs/many">
@{[hooks('fixup', 'B' .. 'F')]}</Directory>
CONF
    push @urls, 'deep/a.html', 'deep/er/a.html', 'deep/only/a.html', 'deep/gone/a.html', 'gone/a.html', 'gone/back/a.html',
        'gone-location/a.html', 'gone-htaccess/a.html', ['htdocs/gone-htaccess/.htaccess' => "CoralHook fixup none\n"],
        'merge/a.html', 'merge/x.html', 'many/a.html';
    push @want, ['/index.html', 'A'], ['/deep/a.html', 'AB'], ['/deep/er/a.html', 'ABC'], ['/deep/only/a.html', 'C'],
        ['/deep/gone/a.html', 'none'], ['/gone/a.html', 'none'], ['/gone/back/a.html', 'B'],
        ['/gone-location/a.html', 'none'], ['/gone-htaccess/a.html', 'none'],
        ['/merge/x.html', 'ABCDE'], ['/many/a.html', 'BCDEF'];
    # Virtual hosts are below the server.
    $config .= "<VirtualHost *:\@PORT\@>\nServerName a.test\n</VirtualHost>\n";
    $config .= "<VirtualHost *:\@PORT\@>\nServerName b.test\n" . hook('fixup', 'V') . "</VirtualHost>\n";
    $config .= "<VirtualHost *:\@PORT\@>\nServerName c.test\nCoralInherit after\n" . hook('fixup', 'V') . "</VirtualHost>\n";
    my $server = server($config, @urls);
    trace($server, @$_, $_->[0]) for @want;
    trace($server, '/index.html', 'A', 'a virtual host inherits', Host => 'a.test');
    trace($server, '/index.html', 'V', 'its hook takes the place of the server\'s', Host => 'b.test');
    trace($server, '/index.html', 'VA', 'CoralInherit in a virtual host', Host => 'c.test');
}

# Early, in its place and late, however they are written down; and those of one order as they stand.
{
    my @phases = qw(server_rewrite translate_name map_to_storage rewrite access authn authz type fixup precontent insert_filter);
    my ($config, @urls, @want) = ('');
    for my $phase (@phases) {
        my $inline = hook($phase, 'l', 'late') . hook($phase, 'm') . hook($phase, 'e', 'early')
            . hook($phase, 'M') . hook($phase, 'E', 'EARLY') . hook($phase, 'L', 'Late');
        my $guard = $phase =~ /^auth/ ? "<Location />\nAuthType Basic\nAuthName a\nAuthUserFile \"@{[Apache::Test::vars('t_conf')]}/htpasswd\"\nRequire valid-user\n</Location>\n" : '';
        my $name = "$phase.test" =~ tr/_/-/r;
        $config .= "<VirtualHost *:\@PORT\@>\nServerName $name\n$guard$inline</VirtualHost>\n";
    }
    my $server = server($config);
    for my $phase (@phases) {
        my @user = (Authorization => 'Basic YWxpY2U6c2VjcmV0');
        # Where one answer is enough, mod_auth_basic and mod_authz_core have given it before late comes.
        my $want = { authn => 'eE(?:mM)?', authz => 'eEmM(?:lL)?', type => 'eEmM(?:lL)?', map_to_storage => 'eEmM(?:lL)?' }->{$phase} // 'eEmMlL';
        my $answer = $server->get('/index.html', Host => "$phase.test" =~ tr/_/-/r, @user);
        is $answer->code, 200, "$phase: answer";
        like $answer->header('X-Trace') // '', qr/^$want$/, "$phase: early, middle, late";
    }
}
{
    my $server = server(hook('log', 'l', 'late') . hook('log', 'm') . hook('log', 'e', 'early')
        . hook('quick', 'l', 'late') . hook('quick', 'm') . hook('quick', 'e', 'early')
        . "<CoralHook log late>\nngx.log(ngx.WARN, 'at last ', ngx.ctx.trace)\n</CoralHook>\n");
    my $log = $server->log;
    $server->get('/index.html');
    like $log->wait(qr/at last .*\n/), qr/at last emleml\n/, 'quick and log: early, middle, late';
}

# The same word for a hook from a file.
{
    my $server = server(
        join('', map { "CoralHook fixup $_\n" } 'late.lua late', 'f.lua mark late', 'middle.lua', 'f.lua mark early', 'early.lua early'),
        (map { ["$_.lua" => "ngx.ctx.trace = (ngx.ctx.trace or '') .. '" . substr($_, 0, 1) . "'\n"] } qw(early middle late)),
        ['f.lua' => "function mark() ngx.ctx.trace = (ngx.ctx.trace or '') .. 'f' end\n"],
    );
    trace($server, '/index.html', 'femlf', 'files and functions with early and late');
}

# Among httpd's own modules.
{
    my @see = map { my ($phase, $order, $what) = @$_; "<CoralHook $phase $order>\nlocal r = ... ngx.ctx.trace = (ngx.ctx.trace or '') .. ' $phase-$order=' .. tostring($what)\n</CoralHook>\n" }
        [translate_name => early => 'r.uri'], [translate_name => late => 'r.uri'], [rewrite => early => 'r.uri'], [rewrite => late => 'r.uri'],
        [type => early => 'r.content_type'], [fixup => '', 'r.content_type'],
        [access => early => 'r.headers_in["X-Set"]'], [fixup => early => 'r.headers_in["X-Set"]'],
        [precontent => '', 'r.headers_in["X-Set"]'],
        [access => late => 'ngx.var.FROM_SETENVIF'], [fixup => early => 'ngx.var.FROM_ENV'], [precontent => late => 'ngx.var.FROM_ENV'];
    my $server = server(join('', @see) . <<'CONF');
RewriteEngine on
RewriteRule "^/old\.html$" "/index.html" [PT]
RequestHeader set X-Set yes
SetEnvIf Request_URI "." FROM_SETENVIF=yes
SetEnv FROM_ENV yes
CONF
    my $trace = $server->get('/old.html')->header('X-Trace') // '';
    like $trace, qr{(?:^| )\Q$_\E(?: |$)}, "mod_rewrite and others: $_" for qw(translate_name-early=/old.html rewrite-early=/old.html
        translate_name-late=/index.html rewrite-late=/index.html
        type-early=nil fixup-=text/html
        access-early=nil fixup-early=nil precontent-=yes access-late=yes fixup-early=nil precontent-late=yes);
}

# rewrite runs in translate_name and again where the directory is known, each hook once.
{
    my $dir = '<Directory "@ROOT@/htdocs/';
    my $server = server(hook('rewrite', 'A') . "${dir}b\">\n" . hook('rewrite', 'B') . "</Directory>\n"
        . "${dir}c\">\nCoralInherit before\n" . hook('rewrite', 'C') . "</Directory>\n"
        . "${dir}e\">\nCoralInherit after\n" . hook('rewrite', 'E') . "</Directory>\n"
        . "${dir}n\">\nCoralHook rewrite none\n</Directory>\n"
        . "<Location /l>\n" . hook('rewrite', 'L') . "</Location>\n"
        . "<Location /x>\n<CoralHook content>\nngx.say('page')\n</CoralHook>\n</Location>\n",
        map({ "$_/a.html" } qw(b c e n l h)), ['htdocs/h/.htaccess' => hook('rewrite', 'H')]);
    trace($server, '/index.html', 'A', 'the server\'s rewrite runs once');
    trace($server, '/b/a.html', 'AB', 'and the directory\'s after it');
    trace($server, '/c/a.html', 'AC', 'with CoralInherit before too');
    trace($server, '/e/a.html', 'AE', 'with CoralInherit after too');
    trace($server, '/n/a.html', 'A', 'none in a directory comes too late');
    trace($server, '/l/a.html', 'L', 'a <Location> is known in time');
    trace($server, '/h/a.html', 'AH', '.htaccess');
    trace($server, '/x', 'A', 'what is not a file has no directory');
}

# Where one answer is enough the next is not asked; elsewhere all are, until one refuses.
{
    my $answer = sub { my ($phase, $letter, $value) = @_; return hook($phase, $letter) =~ s/(?=<\/)/return $value\n/r };
    my ($config, @want) = ('');
    for ([fixup => 0 => 'AB'], [access => 0 => 'AB'], [precontent => 0 => 'AB'], [rewrite => 0 => 'AB'], [type => 0 => 'A'],
        [fixup => -1 => 'AB'], [type => -1 => 'AB'], [translate_name => -1 => 'AB'], [fixup => 204 => 'A'], [access => 204 => 'A'], [type => 204 => 'A']) {
        my ($phase, $value, $trace) = @$_;
        my $name = "$phase$value.test" =~ tr/_-/mm/r;
        $config .= "<VirtualHost *:\@PORT\@>\nServerName $name\n" . $answer->($phase, 'A', $value) . $answer->($phase, 'B', $value) . "</VirtualHost>\n";
        push @want, [$name, $trace, "$phase that answers $value", $value > 0 ? $value : 200];
    }
    my $server = server($config);
    for (@want) {
        my ($name, $trace, $what, $code) = @$_;
        my $got = $server->get('/index.html', Host => $name);
        is $got->code . ' ' . ($got->header('X-Trace') // ''), "$code $trace", $what;
    }
}

done_testing;
