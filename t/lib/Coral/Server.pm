# SPDX-License-Identifier: Apache-2.0
#
# A throw-away httpd for what the suite's own can not show: mistakes in the
# configuration, restarts, -X, directives of the server context.
#
#   my $s = Coral::Server->new(config => $text, files => { 'htdocs/a.lua' => $text });
#   ok $s->start, 'starts' or diag $s->output;
#   is $s->get('/a.lua')->content, "hello\n";
#
# It has the MPM and the module of the suite, a port and a folder of its own. In the
# texts @ROOT@ is that folder and @PORT@ the port. config becomes ROOT/httpd.conf and
# comes after conf/server.conf, where htdocs is served, .lua by coral.
package Coral::Server;

use strict;
use warnings;
use Apache::Test ();
use Coral::Client ();
use Coral::File qw(write_file test_name);
use IO::Select;
use IO::Socket::INET;
use POSIX ':sys_wait_h';
use Time::HiRes 'sleep';

my ($count, %taken) = 0;

sub new {
    my ($class, %given) = @_;
    my $vars = Apache::Test::vars();
    my $self = bless { vars => $vars, pid => 0, port => free_port($vars->{port}) }, $class;
    $self->{root} = "$vars->{t_logs}/servers/@{[test_name]}-" . ++$count;
    $self->{root} .= '_' while -e $self->{root};    # a second chance has logs of its own
    $self->write('htdocs/index.html', "ready\n");
    $self->write('httpd.conf', $given{config} // '');
    $self->write($_, $given{files}{$_}) for keys %{ $given{files} || {} };
    return $self;
}

# The suite leaves the upper half of its block of ports to us.
sub free_port {
    my $first = shift;
    for my $port ($first + 10 .. $first + 18) {
        next if $taken{$port};
        IO::Socket::INET->new(LocalAddr => "127.0.0.1:$port", Listen => 1, ReuseAddr => 1) or next;
        $taken{$port} = 1;
        return $port;
    }
    die "no free port for the server of a test\n";
}

# write(NAME, TEXT): a file below root, at any time; httpd.conf counts from the next
# (re)start on.
sub write {
    my ($self, $name, $text) = @_;
    write_file("$self->{root}/$name", $text =~ s/\@(ROOT|PORT)\@/$self->{lc $1}/gr);
}

sub pid        { $_[0]{pid} }
sub port       { $_[0]{port} }
sub root       { $_[0]{root} }
sub url        { "http://127.0.0.1:$_[0]{port}" . ($_[1] // '') }
sub log        { Coral::File->follow("$_[0]{root}/error_log") }    # from now on
sub error_log  { Coral::File->follow("$_[0]{root}/error_log", 0)->text }
sub access_log { Coral::File->follow("$_[0]{root}/access_log", 0)->text }
sub output     { Coral::File->follow("$_[0]{root}/output", 0)->text }

# Runs httpd with these flags, its words go to output; gives the pid.
sub httpd {
    my ($self, @flags) = @_;
    my ($root, $vars) = @$self{qw(root vars)};
    my %define = (ROOT => $root, PORT => $self->{port}, CONF => $vars->{t_conf}, TOP => $vars->{top_dir});
    defined(my $pid = fork) or die "fork: $!\n";
    return $pid if $pid;
    setpgrp;    # prefork ends its whole process group
    open STDOUT, '>', "$root/output";
    open STDERR, '>&', \*STDOUT;
    { exec $vars->{httpd}, '-d', $root, '-f', "$vars->{t_conf}/server.conf",
        (map { ('-C', "Define $_ \"$define{$_}\"") } keys %define), @flags }
    POSIX::_exit(127);
}

# The exit status of httpd -t (a signal, if that ended it), and what it says.
sub configtest {
    my $self = shift;
    waitpid $self->httpd('-t'), 0;
    return ($? >> 8 || $?, $self->output);
}

# start(FLAGS), perhaps -X: true when it serves; if it does not, see output and error_log.
sub start {
    my ($self, @flags) = @_;
    $self->{pid} = $self->httpd(@flags ? @flags : '-DFOREGROUND');
    for (1 .. 1000) {
        return 1 if IO::Socket::INET->new("127.0.0.1:$self->{port}") && (@flags || $self->error_log =~ /resuming normal operations/);
        return 0 if $self->gone;
        sleep 0.02;
    }
    $self->stop;
    return 0;
}

# True when httpd has ended. A crash is left in the log for t/run to find.
sub gone {
    my $self = shift;
    return 1 unless $self->{pid};
    return 0 unless waitpid($self->{pid}, WNOHANG) == $self->{pid};
    my $signal = { 6 => 'Abort', 7 => 'Bus error', 11 => 'Segmentation fault' }->{ $? & 127 };
    write_file("$self->{root}/error_log", $self->error_log . "exit signal $signal\n") if $signal;
    $self->{pid} = 0;
    return 1;
}

# The event MPM itself can crash when it is told to stop while a connection is just being freed.
sub settle { sleep 0.05 unless ($ENV{CORAL_MPM} // '') eq 'prefork' }

sub stop {
    my $self = shift;
    return if $self->gone;
    settle();
    for my $signal (('TERM') x 3, 'KILL') {
        return if $self->gone;
        kill $signal, $self->{pid};
        for (1 .. 250) { return if $self->gone; sleep 0.02 }
    }
}

sub DESTROY { local $?; $_[0]->stop; delete $taken{ $_[0]{port} } }

# True when the next generation serves.
sub graceful { $_[0]->again('USR1') }
sub restart  { $_[0]->again('HUP') }

sub again {
    my ($self, $signal) = @_;
    my $log = $self->log;
    return 0 if $self->gone;    # 0 is no process of ours, but all of them
    settle();
    kill $signal, $self->{pid};
    return $log->wait(qr/resuming normal operations/, 10) ne '';
}

# get(PATH, Name => value ...), or what Coral::Client's ask() takes, as an HTTP::Response.
sub get { my ($self, $path, @headers) = @_; $self->ask(GET => $path, headers => \@headers) }
sub ask { my ($self, $method, $path, %with) = @_; Coral::Client::ask($method, $self->url($path), %with) }

# So many requests at the same time, N in the path for the how manieth: their bodies, '' where there is none.
sub crowd {
    my ($self, $path, $count) = @_;
    my @sockets = map {
        my $socket = IO::Socket::INET->new("127.0.0.1:$self->{port}");
        $socket->send("GET @{[$path =~ s/\bN\b/$_/r]} HTTP/1.0\r\n\r\n") if $socket;
        $socket;
    } 1 .. $count;
    return map { my $socket = $_; local $/; my $text = $socket ? <$socket> // '' : ''; $text =~ /\r\n\r\n(.*)/s ? $1 : '' } @sockets;
}

# Sends these bytes; all that comes back until the server closes.
sub raw {
    my ($self, $bytes) = @_;
    my $socket = IO::Socket::INET->new("127.0.0.1:$self->{port}") or return '';
    my ($answer, $select) = ('', IO::Select->new($socket));
    $socket->send($bytes);
    1 while $select->can_read(10) && sysread $socket, $answer, 65536, length $answer;
    return $answer;
}

1;
