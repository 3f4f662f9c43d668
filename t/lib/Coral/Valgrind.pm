# SPDX-License-Identifier: Apache-2.0
#
# A Coral::Server under valgrind's memcheck.
#
#   my $valgrind = Coral::Valgrind->new;                   # skips all where that cannot be
#   $valgrind->start($server, log => 'valgrind.log', options => '--vgdb=no', httpd => '-X');
package Coral::Valgrind;

use strict;
use warnings;
use Apache::Test ();
use Coral::File;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep);

sub new {
    my $class = shift;
    my ($program) = grep { -x } map { "$_/valgrind" } split /:/, $ENV{PATH};
    plan skip_all => 'no valgrind (Debian: valgrind)'        unless $program;
    plan skip_all => 'the sanitizers and valgrind do not mix' if $ENV{CORAL_SANITIZED};
    plan skip_all => 'under event only'                      if Apache::Test::vars()->{coral_mpm} ne 'event';
    return bless { program => $program }, $class;
}

# log: in the server's root, what valgrind says; options: of valgrind; httpd: its option.
sub start {
    my ($self, $server, %with) = @_;
    my ($root, $vars) = ($server->root, Apache::Test::vars());
    # What libevent keeps once for the process looks lost when httpd has unloaded it.
    Coral::File::write_file("$root/suppressions", "{\n  libevent\n  Memcheck:Leak\n  ...\n  fun:coral_poller_start\n}\n");
    Coral::File::write_file("$root/httpd", "#!/bin/sh\nexec '$self->{program}' --log-file='$root/$with{log}' --leak-check=full"
        . " --suppressions='$root/suppressions' --show-leak-kinds=definite --keep-debuginfo=yes --num-callers=25 $with{options} '$vars->{httpd}' \"\$@\"\n");
    chmod 0755, "$root/httpd";
    $server->{vars} = { %$vars, httpd => "$root/httpd" };
    $server->{pid}  = $server->httpd($with{httpd});
    my $up = 0;
    for (1 .. 300) {
        last if $server->gone || ($up = defined IO::Socket::INET->new('127.0.0.1:' . $server->port));
        sleep 0.2;
    }
    ok $up, "httpd $with{httpd} runs under valgrind" or BAIL_OUT($server->output . $server->error_log);
}

1;
