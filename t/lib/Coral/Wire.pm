# SPDX-License-Identifier: Apache-2.0
#
# A connection, byte by byte: for what clients of HTTP hide. Nothing here waits for
# ever (10 seconds), and what comes is kept until it is asked for.
#
#   my $wire = Coral::Wire->new($server->port);
#   $wire->say("GET /a.lua HTTP/1.1", "Host: x", "");
#   my $answer = $wire->answer;     # { code => 200, head => text, body => text }
package Coral::Wire;

use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_LINGER SO_RCVBUF SHUT_WR);
use Time::HiRes qw(sleep time);

our $patience = 10;
$SIG{PIPE} = 'IGNORE';

# new(PORT), new(PORT, buffer => bytes): the second has so much room for what comes and is not read.
sub new {
    my ($class, $port, %with) = @_;
    my $socket = IO::Socket::INET->new(Proto => 'tcp') or die "no socket: $!\n";
    setsockopt $socket, SOL_SOCKET, SO_RCVBUF, pack 'i', $with{buffer} if $with{buffer};
    connect $socket, Socket::pack_sockaddr_in($port, Socket::inet_aton('127.0.0.1')) or return;
    return bless { socket => $socket, text => '', select => IO::Select->new($socket), eof => 0 }, $class;
}

sub socket { $_[0]{socket} }
sub send   { my ($self, $bytes) = @_; return syswrite($self->{socket}, $bytes) // 0 }
sub say    { my $self = shift; return $self->send(join '', map { "$_\r\n" } @_) }
sub get    { my ($self, $path, @lines) = @_; return $self->say("GET $path HTTP/1.1", 'Host: x', @lines, '') }

# All of it, however slowly the other side takes it.
sub send_all {
    my ($self, $bytes) = @_;
    my $sent = 0;
    while ($sent < length $bytes) {
        my $n = syswrite $self->{socket}, $bytes, 65536, $sent;
        return 0 unless $n;
        $sent += $n;
    }
    return 1;
}

# What has come so far; waits at most so long for the first of it. '' at the end, undef when nothing came.
sub more {
    my ($self, $seconds) = @_;
    return undef unless $self->{eof} || $self->{select}->can_read($seconds // $patience);
    my $n = sysread $self->{socket}, $self->{text}, 65536, length $self->{text};
    $self->{eof} = 1 unless $n;
    return $n || '';
}

# Reads on until the pattern is there, and takes what is up to its end; '' if it never comes.
sub until {
    my ($self, $pattern, $seconds) = @_;
    my $end = time + ($seconds // $patience);
    while ($self->{text} !~ $pattern) {
        return '' if $end < time || !$self->more($end - time);
    }
    return substr $self->{text}, 0, $+[0], '' if $self->{text} =~ $pattern;
}

# So many bytes, or as many as there are.
sub take {
    my ($self, $length, $seconds) = @_;
    my $end = time + ($seconds // $patience);
    while (length $self->{text} < $length) { last if $end < time || !$self->more($end - time) }
    return substr $self->{text}, 0, $length, '';
}

# The next response. Its code is 0 if none comes; cut is true if it is not whole.
sub answer {
    my ($self, %with) = @_;
    my $head = $self->until(qr/\r?\n\r?\n/, $with{seconds});
    my ($code) = $head =~ m{^HTTP/1\.\d (\d+)};
    return { code => 0, head => '', body => '', cut => 1 } unless $code;
    my ($body, $cut) = ('', 0);
    if ($with{head} || $code < 200 || $code == 204 || $code == 304) { }
    elsif ($head =~ /^Transfer-Encoding: chunked/mi) { ($body, $cut) = $self->chunks }
    elsif ($head =~ /^Content-Length: (\d+)/mi) { $body = $self->take($1); $cut = length $body < $1 }
    else { $body = $self->rest }
    return { code => $code, head => $head, body => $body, cut => $cut ? 1 : 0 };
}

sub chunks {
    my ($self, $body) = (shift, '');
    while ((my $size = $self->until(qr/^[0-9A-Fa-f]+[^\n]*\r\n/)) ne '') {
        my $length = hex(($size =~ /^(\w+)/)[0]);
        return ($body, $self->until(qr/^(?:[^\r\n]+\r\n)*\r\n/) eq '') unless $length;
        $body .= my $piece = $self->take($length);
        return ($body, 1) if length $piece < $length || $self->take(2) ne "\r\n";
    }
    return ($body, 1);
}

# Everything up to the end of the connection.
sub rest {
    my ($self, $seconds) = @_;
    my $end = time + ($seconds // $patience);
    while (!$self->{eof}) { last if $end < time || !defined $self->more($end - time) }
    return substr $self->{text}, 0, length $self->{text}, '';
}

# Whether the other side ends the connection in time; what comes before is thrown away.
sub ends { my ($self, $seconds) = @_; $self->rest($seconds); return $self->{eof} }

sub finish { shutdown $_[0]{socket}, SHUT_WR }
sub close  { CORE::close $_[0]{socket} }
sub reset  { my $self = shift; setsockopt $self->{socket}, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0; CORE::close $self->{socket} }

1;
