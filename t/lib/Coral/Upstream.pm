# SPDX-License-Identifier: Apache-2.0
#
# Servers for sockets to talk to, on free ports of 127.0.0.1, for as long as the object
# lives (and never longer than the test: they hang on a pipe of its process).
#
#   my $servers = Coral::Upstream->start(PLAY => 'tcp', GREETS => 'tcp say:220%20hi%0a', UDP => 'udp');
#   run_blocks($servers->words);                  # @PLAY@ in the text is the port
#
# A kind is where to listen, and what the server does before it reads anything:
#
#   tcp  tcp6  unix  udp  udpunix                 TCP6 is '' where there is no ::1; @X@ of unix is a path
#   tls:CERT,…                                    Coral::UpstreamTLS has the certificates and the options
#   full                                          connections to it hang;  refused: they are refused
#
# All servers play what they are told: each line they receive (each datagram, for udp)
# is a row of words:
#
#   say:TEXT  drip:TEXT      writes it, whole or byte by byte (TEXT as in URLs: %0a is a line feed)
#   digits:N                 writes 0123456789… , N bytes
#   wait:MS                  and goes on then
#   read:N  swallow:N  sip:N N bytes away from what follows; swallow and sip (slowly) answer "N MD5\n"
#   echo                     all that comes from now on goes back
#   close  reset  shut       both ways, hard, only the way out;  cut: TLS without its goodbye
#   conn  open  peer         "N\n": the how manieth connection this is; how many are open; its address
#   count                    "N\n": the bytes of the datagram, or what is read and not used yet
package Coral::Upstream;

use strict;
use warnings;
use Digest::MD5 'md5_hex';
use File::Temp ();
use IO::Handle;
use IO::Select;
use IO::Socket::IP;
use IO::Socket::UNIX;
use POSIX ();
use Socket qw(:DEFAULT IPPROTO_TCP TCP_NODELAY MSG_PEEK);
use Time::HiRes qw(sleep time);

my %words = (
    say     => sub { put($_[0], text($_[1])) },
    drip    => sub { for my $byte (split //, text($_[1])) { put($_[0], $byte); sleep 0.003 } },
    digits  => sub { put($_[0], substr '0123456789' x ($_[1] / 10 + 1), 0, $_[1]) },
    wait    => \&pause,
    read    => sub { get(@_) },
    swallow => sub { put($_[0], "$_[1] " . md5_hex(get(@_)) . "\n") },
    sip     => sub { put($_[0], "$_[1] " . md5_hex(get(@_, 0.001)) . "\n") },
    echo    => sub { my $c = shift; do { put($c, $c->{read}); $c->{read} = '' } while more($c) },
    close   => sub { done($_[0], sub { close $_[0] }) },
    reset   => sub { done($_[0], sub { setsockopt $_[0], SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0; close $_[0] }) },
    shut    => sub { shutdown $_[0]{socket}, 1 },
    conn    => sub { put($_[0], "$_[0]{number}\n") },
    open    => sub { put($_[0], opened($_[0]{events}) . "\n") },
    count   => sub { put($_[0], length($_[0]{read}) . "\n") },
    peer    => sub { put($_[0], $_[0]{socket}->peerhost . ':' . $_[0]{socket}->peerport . "\n") },
);

# Others may teach the servers words: name => sub { my ($connection, $argument) = @_; … }
sub teach { shift; %words = (%words, @_) }

sub text { (my $text = $_[0] // '') =~ s/%([0-9a-fA-F]{2})/chr hex $1/ge; return $text }

# --- a connection, in a process of its own ---------------------------------------------

# The other side may go away meanwhile.
sub pause {
    my ($c, $time) = @_;
    my ($end, $select) = (time + $time / 1000, IO::Select->new($c->{socket}));
    while ((my $left = $end - time) > 0) {
        if ($c->{from}) { sleep $left; last }
        next unless $select->can_read($left);
        my $seen = recv $c->{socket}, my $data, 1, MSG_PEEK;
        done($c) unless defined $seen && length $data;
        sleep($left < 0.02 ? $left : 0.02);
    }
}

sub put {
    my ($c, $data) = @_;
    return send $c->{socket}, $data, 0, $c->{from} if $c->{from};
    my $at = 0;
    while ($at < length $data) {
        $at += syswrite($c->{socket}, $data, 65536, $at) || done($c);
    }
}

# Reads on; false at the end.
sub more {
    my $c = shift;
    return sysread $c->{socket}, $c->{read}, $c->{gulp} || 65536, length $c->{read};
}

sub get {
    my ($c, $size, $pause) = @_;
    local $c->{gulp} = $pause && 16384;
    while (length $c->{read} < $size) { more($c) or done($c); sleep $pause if $pause }
    return substr $c->{read}, 0, $size, '';
}

sub done {
    my ($c, $how) = @_;
    ($how || sub { close $_[0] })->($c->{socket}) unless $c->{from};
    event($c->{events}, '-');
    POSIX::_exit(0);
}

sub play {
    my ($c, $line) = @_;
    for my $word (split ' ', $line) {
        my ($name, $argument) = split /:/, $word, 2;
        my $do = $words{$name} or return put($c, "what is $name?\n");
        $do->($c, $argument);
    }
}

sub converse {
    my ($c, $greeting) = @_;
    play($c, $greeting);
    while (1) {
        play($c, $1) while $c->{read} =~ s/^([^\n]*)\n//;
        more($c) or done($c);
    }
}

# What happened to a server's connections: a + or - each, in a file.
sub event { open my $out, '>>', $_[0] or return; syswrite $out, $_[1] }

sub opened {
    open my $in, '<', $_[0] or return 0;
    my $events = join '', <$in>;
    return ($events =~ tr/+//) - ($events =~ tr/-//);
}

# --- a server --------------------------------------------------------------------------

# Forks what the sub does; it ends with it, or with the test.
sub apart {
    my $do = shift;
    defined(my $pid = fork) or die "fork: $!\n";
    return $pid if $pid;
    $SIG{$_} = 'DEFAULT' for qw(TERM INT ALRM __DIE__);
    $SIG{PIPE} = $SIG{CHLD} = 'IGNORE';
    eval { $do->(); 1 } or print STDERR "# Coral::Upstream: $@";
    POSIX::_exit(0);
}

sub serve {
    my ($self, $c, $greeting) = @_;
    my $select = IO::Select->new($c->{listener}, $self->{watch});
    close $self->{life};
    setpgrp;
    while (1) {
        my @ready = $select->can_read;
        last if grep { $_ == $self->{watch} } @ready;
        if ($c->{datagrams}) { datagram($c) }
        elsif (my $socket = $c->{listener}->accept) { connection($c, $socket, $greeting) }
    }
    $SIG{TERM} = 'IGNORE';
    kill TERM => -$$;
}

sub connection {
    my ($c, $socket, $greeting) = @_;
    @$c{qw(socket read)} = ($socket, '');
    $c->{number}++;
    event($c->{events}, '+');
    apart(sub {
        alarm 60;
        close $c->{listener};
        setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1 unless $socket->isa('IO::Socket::UNIX');
        $c->{wrap}->($c) or done($c) if $c->{wrap};
        converse($c, $greeting);
    });
    close $socket;
}

sub datagram {
    my $c = shift;
    $c->{from} = recv $c->{listener}, my $data, 65536, 0;
    @$c{qw(socket read)} = ($c->{listener}, $data);
    apart(sub { alarm 60; play($c, $data =~ /^([^\n]*)/) });
}

# --- all of them -----------------------------------------------------------------------

sub start {
    my ($class, %kinds) = @_;
    my $self = bless { dir => File::Temp->newdir('coral-XXXXXX', TMPDIR => 1), pids => [], keep => [], owner => $$ }, $class;
    chmod 0755, $self->{dir};
    pipe $self->{watch}, $self->{life} or die "pipe: $!\n";
    for my $name (sort keys %kinds) {
        my ($where, $greeting) = split ' ', $kinds{$name}, 2;
        my ($how, $options) = split /:/, $where, 2;
        $self->{words}{$name} = $self->can("listen_$how")->($self, $name, $greeting // '', split /,/, $options // '');
    }
    return $self;
}

# What stands in tests for ports and paths, and LUA, what their scripts begin with: open(words, port) gives a socket that
# has sent words; show(...) writes all values in a line, two(...) two, fails(f, ...) the error f raises, took(from) whether
# that is about a test's timeout.
sub words { my $self = shift; return (%{ $self->{words} }, LUA => lua($self->{words}{PLAY})) }

sub lua {
    my $port = shift // 'nil';
    return <<~'LUA' =~ s/PORT/$port/r =~ s/\s*\n\s*/ /gr;
        local function show(...)
          local t = {}
          for i = 1, select("#", ...) do
            t[i] = tostring((select(i, ...))):gsub("[\r\n]", { ["\r"] = "\\r", ["\n"] = "\\n" }):gsub("^$", '""')
          end
          ngx.say(table.concat(t, "|"))
        end
        local function two(a, b) show(a, b) end
        local function fails(f, ...)
          local ok, message = pcall(f, ...)
          ngx.say(ok and "no error" or (tostring(message):gsub("^%S*:%d+: ", "")))
        end
        local function open(words, port)
          local s = ngx.socket.tcp()
          s:settimeout(10000)
          assert(s:connect("127.0.0.1", port or PORT))
          if words then assert(s:send(words .. "\n")) end
          return s
        end
        local function took(from)
          ngx.update_time()
          local t = ngx.now() - from
          return t >= 0.09 and t < 3
        end
        LUA
}

# How many connections to a server are open.
sub open { my ($self, $name) = @_; return opened("$self->{dir}/$name.events") }

sub dir   { "$_[0]{dir}" }

sub begin {
    my ($self, $name, $listener, $greeting, %more) = @_;
    my $c = { listener => $listener, events => "$self->{dir}/$name.events", number => 0, %more };
    push @{ $self->{pids} }, apart(sub { $self->serve($c, $greeting) });
    return $listener->can('sockport') ? $listener->sockport : $listener->hostpath;
}

sub listen_tcp {
    my ($self, $name, $greeting, @more) = @_;
    my $listener = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0, Listen => 128) or die "listen: $@\n";
    return $self->begin($name, $listener, $greeting, @more);
}

sub listen_tcp6 {
    my ($self, $name, $greeting) = @_;
    my $listener = IO::Socket::IP->new(LocalHost => '::1', LocalPort => 0, Listen => 128) or return '';
    return $self->begin($name, $listener, $greeting);
}

sub listen_unix {
    my ($self, $name, $greeting) = @_;
    my $path = "$self->{dir}/$name.sock";
    my $listener = IO::Socket::UNIX->new(Local => $path, Listen => 128) or die "$path: $!\n";
    chmod 0777, $path;
    return $self->begin($name, $listener, $greeting);
}

sub listen_udp {
    my ($self, $name) = @_;
    my $socket = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0, Proto => 'udp') or die "udp: $@\n";
    return $self->begin($name, $socket, '', datagrams => 1);
}

sub listen_udpunix {
    my ($self, $name) = @_;
    my $path = "$self->{dir}/$name.sock";
    my $socket = IO::Socket::UNIX->new(Local => $path, Type => SOCK_DGRAM) or die "$path: $!\n";
    chmod 0777, $path;
    return $self->begin($name, $socket, '', datagrams => 1);
}

sub listen_tls {
    my ($self, $name, $greeting, @options) = @_;
    require Coral::UpstreamTLS;
    $self->{tls} ||= Coral::UpstreamTLS->new($self->dir);
    $self->{words}{DIR_TLS} = $self->dir;
    return $self->listen_tcp($name, $greeting, wrap => $self->{tls}->server(@options));
}

# Nobody accepts, and the queue is full: the system lets further connections wait.
sub listen_full {
    my $self = shift;
    my $listener = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0, Listen => 1) or die "listen: $@\n";
    listen $listener, 0;
    push @{ $self->{keep} }, $listener;
    for (1 .. 50) {
        my $socket = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $listener->sockport, Timeout => 0.2) or last;
        push @{ $self->{keep} }, $socket;
    }
    return $listener->sockport;
}

# The port is ours, so nobody else can listen there.
sub listen_refused {
    my $self = shift;
    my $socket = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0, Proto => 'tcp') or die "bind: $@\n";
    push @{ $self->{keep} }, $socket;
    return $socket->sockport;
}

sub stop {
    my $self = shift;
    return unless $self->{owner} == $$;
    local $?;
    close $_ for grep defined, delete @$self{qw(life watch)};
    waitpid $_, 0 for splice @{ $self->{pids} };
}

sub DESTROY { $_[0]->stop }

1;
