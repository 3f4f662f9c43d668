# SPDX-License-Identifier: Apache-2.0
# Every phase, as chunk and as function, from a file and inline, wherever it may stand.
# Each hook says in the log that it ran, in which phase, for which request, on which line.
use strict;
use warnings;
use Coral::Server;
use Test::More;

my @server_only = qw(init init_worker exit_worker quick server_rewrite map_to_storage);
my @anywhere = qw(rewrite access authn authz type fixup precontent insert_filter content
    header_filter body_filter log);
my %outside = map { $_ => 1 } @server_only, 'translate_name';    # of requests' directories
my @kinds = map { my $form = $_; map { "$form-$_" } qw(file inline) } qw(chunk function);
my %requestless = map { $_ => 1 } qw(init init_worker exit_worker);

# set is written one way only, the others in four.
sub cases {
    my ($context, @phases) = @_;
    return map { my $phase = $_; map { "$phase-$_-$context" } $phase eq 'set' ? 'chunk-inline' : @kinds } @phases;
}

# The hook answers OK when its case is the one asked for and the phase wants an answer.
sub lua {
    my ($case, $phase, $form) = ($_[0], split /-/, $_[0]);
    my $say = "ngx.log(ngx.WARN, 'ran $case phase=', ngx.get_phase(), ' uri=', r and r.uri or 'none')";
    my $answer = {
        authn   => "if ngx.var.arg_case == '$case' then r.user = 'lua' return 0 end",
        authz   => "if ngx.var.arg_case == '$case' then return 0 end",
        content => "if ngx.var.arg_case == '$case' then ngx.say('made by $case') else return -1 end",
        set     => "return '$case'",
    }->{$phase} // '';
    return "local r = ... $say $answer\n" if $form eq 'chunk';
    return "function hook(r) $say $answer end\n";
}

# The directive, and the file it names, if it does.
sub hook {
    my ($case, $folder, $path) = @_;
    my ($phase, $form, $source) = split /-/, $case;
    my $function = $form eq 'function' ? ' hook' : '';
    return ("CoralHook $phase $path$case.lua$function\n", "$folder/$case.lua" => lua($case)) if $source eq 'file';
    my $words = $phase eq 'set' ? ' $RESULT' : $function;
    return "<CoralHook $phase$words>\n" . lua($case) . "</CoralHook>\n";
}

# What the phases of authentication need to be reached at all.
sub guard {
    my $phase = shift;
    return "AuthType Lua\nAuthName test\nRequire valid-user\n" if $phase eq 'authn';
    return "AuthType Basic\nAuthName test\nAuthUserFile \@CONF\@/htpasswd\nRequire valid-user\n" if $phase eq 'authz';
    return '';
}

my $conf = Apache::Test::vars('t_conf');
my $log;

sub server {
    my ($config, %files) = @_;
    s/\@CONF\@/$conf/g for $config, values %files;
    my $server = Coral::Server->new(config => $config, files => \%files);
    ok $server->start, 'the server starts' or die $server->output . $server->error_log;
    return $server;
}

# Every case has a page of its own, which says so.
sub page { ("htdocs/$_[0]/index.html" => "page of $_[0]\n") }

my @alice = (Authorization => 'Basic YWxpY2U6c2VjcmV0');

sub ask_for {
    my ($server, $case, $uri, @headers) = @_;
    my $answer = $server->get("$uri?case=$case", $case =~ /^authz/ ? @alice : (), @headers);
    my $want = $case =~ /^content/ ? "made by $case\n" : $server->{page} // "page of $case\n";
    is $answer->code . ' ' . $answer->content, "200 $want", "$case: the answer";
}

# The line of the log: place, phase and uri are true, and there is one of it.
sub check_log {
    my ($case, $uri, $text, $where, $times) = @_;
    my ($phase, $form, $source) = split /-/, $case;
    my $told = $requestless{$phase} ? 'none' : $uri;
    my @lines = $text =~ /^.*\bran \Q$case\E .*$/mg;
    ok @lines && $times->(scalar @lines), "$case ran (@{[scalar @lines]} times)" or return;
    my @right = grep m{ phase=$phase uri=\Q$told\E(?:,|$)}, @lines;
    ok $times->(scalar @right), "$case knows phase and request" or diag @lines;
    like $lines[0], qr{\Q$where\E: ran}, "$case knows its line";
}

sub line_of {
    my ($text, $case) = @_;
    my ($before) = $text =~ /\A(.*)^.*\bran \Q$case\E /ms;
    return 1 + ($before // '') =~ tr/\n//;
}

sub once { shift == 1 }
sub some { shift > 0 }

# All cases of a server, after it has been stopped: exit_worker and log have spoken too.
sub check_all {
    my ($server, $config, $uri_of, @cases) = @_;
    $server->stop;
    my $text = $server->error_log;
    for my $case (@cases) {
        my ($phase, undef, $source, $context) = split /-/, $case;
        my $where = $source eq 'file' ? "$case.lua:1"
            : $context eq 'htaccess' ? '.htaccess:' . line_of(scalar((hook($case))[0]), $case)
            : 'httpd.conf:' . line_of($config, $case);
        my $times = $requestless{$phase} || $phase eq 'body_filter' || $context eq 'server' ? \&some : \&once;
        check_log($case, $uri_of->($case), $text, $where, $times);
    }
}

# The server: all hooks in one place, content apart since it answers everything.
for my $phases ([grep { $_ ne 'content' } @server_only, 'translate_name', 'set', @anywhere], ['content']) {
    my ($config, %files) = ('');
    my @cases = cases('server', @$phases);
    for my $case (@cases) {
        my ($text, @file) = hook($case, 'lua', 'lua/');
        $config .= $text;
        %files = (%files, @file, 'htdocs/page/index.html' => "page\n");
    }
    $config .= "<Location /page/$_>\n" . guard($_) . "</Location>\n" for qw(authn authz);
    my $uri_of = sub { $_[0] =~ /^(auth[nz])/ ? "/page/$1/index.html" : '/page/index.html' };
    $files{"htdocs/page/$_/index.html"} = "page\n" for qw(authn authz);
    my $server = server($config, %files);
    $server->{page} = "page\n";
    ask_for($server, $_, $uri_of->($_)) for @cases;
    check_all($server, $config, $uri_of, @cases);
}

# A virtual host for each case.
{
    my ($config, %files) = ('');
    my @cases = cases('vhost', @server_only, 'translate_name', 'set', @anywhere);
    for my $case (@cases) {
        my ($text, @file) = hook($case, 'lua', 'lua/');
        my $name = $case =~ tr/_/-/r;
        $text .= "<CoralHook access>\n</CoralHook>\n" if $case =~ /^init-/;    # so that there is a state
        $config .= "<VirtualHost *:\@PORT\@>\nServerName $name.test\n$text<Location />\n" . guard($case =~ s/-.*//r)
            . "</Location>\n</VirtualHost>\n";
        %files = (%files, @file, page($case));
    }
    my $uri_of = sub { "/$_[0]/index.html" };
    my $server = server($config, %files);
    ask_for($server, $_, $uri_of->($_), Host => ($_ =~ tr/_/-/r) . '.test') for @cases;
    check_all($server, $config, $uri_of, @cases);
}

# <Directory>, <Location> and .htaccess, all in one server.
{
    my ($config, %files) = ('');
    my @cases = (cases('directory', 'set', @anywhere), cases('location', 'translate_name', 'set', @anywhere),
        cases('htaccess', 'set', @anywhere));
    for my $case (@cases) {
        my ($phase, undef, undef, $context) = split /-/, $case;
        my ($text, @file) = $context eq 'location' ? hook($case, 'lua', 'lua/') : hook($case, "htdocs/$case", '');
        %files = (%files, @file, page($case));
        $text .= guard($phase);
        if    ($context eq 'directory') { $config .= "<Directory \"\@ROOT\@/htdocs/$case\">\n$text</Directory>\n" }
        elsif ($context eq 'location')  { $config .= "<Location \"/$case\">\n$text</Location>\n" }
        else                            { $files{"htdocs/$case/.htaccess"} = $text }
    }
    my $uri_of = sub { "/$_[0]/index.html" };
    my $server = server($config, %files);
    ask_for($server, $_, $uri_of->($_)) for @cases;
    check_all($server, $config, $uri_of, @cases);
}

done_testing;
