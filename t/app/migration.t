# SPDX-License-Identifier: Apache-2.0
# The guide for those who come from OpenResty: docs/migration has one service for nginx and for httpd. Both give the same answers;
# without nginx and its Lua module httpd's are still the right ones.
use strict;
use warnings;
use Apache::Test ();
use Coral::Client 'ask';
use Coral::File 'write_file';
use Coral::Server;
use File::Temp ();
use IO::Socket::INET;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

my $here = Apache::Test::vars()->{top_dir} . '/docs/migration';
sub text { Coral::File->follow("$here/$_[0]", 0)->text =~ s/\@HERE\@/$here/gr }

my $httpd = Coral::Server->new(config => text('httpd.conf'));
ok $httpd->start, 'httpd starts' or BAIL_OUT($httpd->output . $httpd->error_log);
my ($url, $nginx) = ($httpd->url);

# nginx as an ordinary user: its files, its modules and its port are said around the guide's configuration.
sub start_nginx {
    my ($program) = grep { -x } map { "$_/nginx" } split(/:/, $ENV{PATH}), '/usr/sbin';
    my ($folder)  = grep { -e "$_/ngx_http_lua_module.so" } '/usr/lib/nginx/modules', '/usr/lib64/nginx/modules';
    return 'there is no nginx with Lua' unless $program && $folder;
    my $dir  = File::Temp->newdir('coral-XXXXXX', TMPDIR => 1);
    my $port = do { IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)->sockport };
    my $load = join '', map { -e "$folder/$_" ? "load_module $folder/$_;\n" : () } qw(ndk_http_module.so ngx_http_lua_module.so);
    my $temp = join '', map { "${_}_temp_path $dir/$_;\n" } qw(client_body proxy fastcgi uwsgi scgi);
    write_file("$dir/nginx.conf", "${load}daemon off;\npid $dir/pid;\nerror_log $dir/log;\n"
        . text('nginx.conf') =~ s/127\.0\.0\.1:8081/127.0.0.1:$port/r =~ s/^http \{\n/http {\naccess_log off;\n$temp/mr);
    defined(my $pid = fork) or die "fork: $!\n";
    if (!$pid) {
        open STDERR, '>', "$dir/output";
        { exec 'setpriv', '--pdeathsig', 'TERM', $program, '-p', "$dir", '-e', "$dir/log", '-c', "$dir/nginx.conf" }
        POSIX::_exit(127);
    }
    $nginx = { pid => $pid, dir => $dir, url => "http://127.0.0.1:$port" };
    for (my $end = time + 10; time < $end; sleep 0.02) { return '' if IO::Socket::INET->new("127.0.0.1:$port") }
    my $said = join '', map { Coral::File->follow("$dir/$_", 0)->text } qw(output log);
    return "nginx does not start: $said";
}

my @asked = (
    [ 'plain',            GET => '/hello',           200, "Hello, world!\n", 'Content-Type' => 'text/plain' ],
    [ 'set',              GET => '/hello?name=J%C3%B6rg+W', 200, "Hello, J\xc3\xb6rg W!\n" ],
    [ 'refused',          GET => '/member',          403, undef ],
    [ 'let in',           GET => '/member',          200, "welcome, alice\n", undef, undef, headers => [ 'X-Token' => 'secret' ] ],
    [ 'redirected',       GET => '/old?name=x',      301, undef, Location => qr{/hello\?name=x$} ],
    [ 'exec',             GET => '/jump',            200, "Hello, jumper!\n" ],
    [ 'filtered',         GET => '/shout',           200, "ALL OF THIS\n", 'X-Filtered' => 'yes' ],
    [ 'a form',           POST => '/form',           200, "a = 1 2\nb = x\n", undef, undef, body => 'b=x&a=1+2' ],
    [ 'another',          POST => '/form',           200, "q = \n", undef, undef, body => 'q=' ],
    [ 'a status',         GET => '/missing',         404, "nothing here\n" ],
    [ 'a match',          GET => '/match/dog/7',     200, "dog 7\n" ],
    [ 'no match',         GET => '/match/dog/x',     404, undef ],
    [ 'nobody there',     GET => '/nobody',          404, undef ],
    [ 'counted',          GET => '/hits',            200, qq({"form":2,"started":true}\n), 'Content-Type' => 'application/json' ],
);

sub try {
    my ($name, $at) = @_;
    for (@asked) {
        my ($what, $method, $path, $code, $body, $header, $value, %with) = @$_;
        sleep 0.2 if $what eq 'counted';    # the log phase of those before
        my $answer = ask($method, "$at$path", %with);
        is $answer->code, $code, "$name: $what";
        is $answer->content, $body, "$name: $what: body" if defined $body;
        like $answer->header($header) // '', ref $value ? $value : qr/^\Q$value\E$/, "$name: $what: $header" if $header;
    }
}

try(httpd => $url);
SKIP: {
    my $why = start_nginx();
    skip $why, 1 if $why && !$nginx;
    is $why, '', 'nginx starts' or last SKIP;
    try(nginx => $nginx->{url});
}
if ($nginx) { kill TERM => $nginx->{pid}; waitpid $nginx->{pid}, 0 }
$httpd->stop;

done_testing;
