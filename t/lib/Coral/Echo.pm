# SPDX-License-Identifier: Apache-2.0
#
# Somebody to talk to: sends back what comes, a moment later, to any number of
# connections; one process, which ends with the object, or with the test.
#
#   my $echo = Coral::Echo->new(0.05);
#   … $echo->port …
package Coral::Echo;

use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Time::HiRes 'sleep';

sub new {
    my ($class, $pause) = @_;
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 128, ReuseAddr => 1) or die "echo: $!\n";
    my $parent   = $$;
    defined(my $pid = fork) or die "fork: $!\n";
    if (!$pid) {
        serve($listener, $pause || 0, $parent);
        POSIX::_exit(0);
    }
    return bless { port => $listener->sockport, pid => $pid, owner => $parent }, $class;
}

sub port    { $_[0]{port} }
sub DESTROY { local $?; if ($$ == $_[0]{owner}) { kill KILL => $_[0]{pid}; waitpid $_[0]{pid}, 0 } }

sub serve {
    my ($listener, $pause, $parent) = @_;
    my $select = IO::Select->new($listener);
    $SIG{PIPE} = 'IGNORE';
    while (getppid == $parent) {
        my @ready = $select->can_read(1);
        sleep $pause if @ready;
        for my $socket (@ready) {
            if ($socket == $listener) {
                my $new = $listener->accept;
                $select->add($new) if $new;
            }
            elsif (sysread $socket, my $line, 65536) { syswrite $socket, $line }
            else { $select->remove($socket); close $socket }
        }
    }
}

1;
