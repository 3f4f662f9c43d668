# SPDX-License-Identifier: Apache-2.0
#
# A name server on 127.0.0.1:53, which only a network of our own can have. "use
# Coral::Resolver" runs the test file again in one (user, network and mount namespaces:
# Linux, util-linux), where /etc/resolv.conf names our server and /etc/hosts is ours,
# too; where that is not allowed the test is skipped. Then
#
#   my $dns = Coral::Resolver->start('one.test' => ['127.0.0.1'], 'slow.test' => [1.5, '127.0.0.1'], …);
#   $dns->asked('one.test')       how often that was, for all types
#   $dns->change('one.test' => ['127.0.0.2'])
#
# A list is addresses of both kinds, "name." for an alias, a number for seconds to wait,
# ttl=N (default 1); the words nxdomain, servfail, refused, silent say the rest.
package Coral::Resolver;

use strict;
use warnings;
use Coral::Upstream;
use File::Temp ();
use IO::Socket::IP;
use Socket qw(inet_pton AF_INET AF_INET6);
use Test::More;
use Time::HiRes 'sleep';

my @inside = qw(unshare --user --map-root-user --net --mount);
my @user   = qw(unshare --user --map-user=65534 --map-group=65534);

# Into the namespaces: first as the root of them, to make things ready, then as an ordinary user again.
sub import {
    my $stage = $ENV{CORAL_NAMESPACE} // '';
    if ($stage eq '') {
        plan skip_all => 'namespaces are not allowed here'
            if system "@inside true 2>/dev/null" or system "@inside @user true 2>/dev/null";
        $ENV{CORAL_NAMESPACE} = 'root';
        again(@inside);
    }
    return if $stage ne 'root';
    network_up();
    mount_file('/etc/resolv.conf', "nameserver 127.0.0.1\noptions timeout:1 attempts:2\n");
    mount_file('/etc/hosts', "127.0.0.1 localhost\n::1 localhost\n127.0.0.1 hosted.test\n");
    mount_file('/etc/nsswitch.conf', "hosts: files dns\n");
    my $socket = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 53, Proto => 'udp') or die "port 53: $@\n";
    $^F = 255;    # it goes along
    open my $kept, '>&', $socket or die "dup: $!\n";
    @ENV{qw(CORAL_NAMESPACE CORAL_DNS_SOCKET)} = ('user', fileno $kept);
    again(@user);
}

sub again { exec @_, $^X, (map { "-I$_" } @INC), $0; die "exec: $!\n" }

# What "ip link set lo up" does.
sub network_up {
    socket my $any, Socket::AF_INET, Socket::SOCK_DGRAM, 0 or die "socket: $!\n";
    my $request = pack 'a16 s x14', 'lo', 0x41;    # IFF_UP | IFF_RUNNING
    ioctl $any, 0x8914, $request or die "SIOCSIFFLAGS: $!\n";
}

sub mount_file {
    my ($where, $text) = @_;
    my $file = File::Temp->new(UNLINK => 0);
    print $file $text;
    close $file;
    chmod 0644, $file->filename;
    system('mount', '--bind', $file->filename, $where) == 0 or die "mount $where\n" if -e $where;
    unlink $file->filename;
}

sub start {
    my ($class, %zone) = @_;
    open my $socket, '+<&=', $ENV{CORAL_DNS_SOCKET} or die "the name server's socket: $!\n";
    my $self = bless { dir => File::Temp->newdir, socket => $socket }, $class;
    $self->change(%zone);
    pipe my $watch, $self->{life} or die "pipe: $!\n";
    $self->{pid} = Coral::Upstream::apart(sub {
        close $self->{life};
        my $select = IO::Select->new($socket, $watch);
        while (my @ready = $select->can_read) {
            last if grep { $_ == $watch } @ready;
            my $from = recv $socket, my $query, 4096, 0;
            Coral::Upstream::apart(sub { alarm 30; $self->answer($query, $from) });
        }
    });
    return $self;
}

# A name as it is sent.
sub wire { join('', map { pack 'C/a', $_ } split /\./, shift) . "\0" }

# The zone is a file, so that the server sees what the test changes.
sub change {
    my ($self, %zone) = @_;
    %{ $self->{zone} } = (%{ $self->{zone} || {} }, %zone);
    open my $out, '>', "$self->{dir}/new" or die;
    print $out map { "$_ @{ $self->{zone}{$_} }\n" } keys %{ $self->{zone} };
    close $out;
    rename "$self->{dir}/new", "$self->{dir}/zone";
}

sub read_lines { open my $in, '<', "$_[0]{dir}/$_[1]" or return; return <$in> }
sub asked { my ($self, $name) = @_; return scalar grep { /^\Q$name\E\n/ } $self->read_lines('asked') }

sub answer {
    my ($self, $query, $from) = @_;
    my ($id, $rest) = unpack 'n x10 a*', $query;
    my ($labels) = $rest =~ /^([^\0]*\0)/;
    my ($type) = unpack 'n', substr $rest, length $labels, 2;
    my $name = join '.', unpack '(C/a)*', substr $labels, 0, -1;
    open my $log, '>>', "$self->{dir}/asked";
    syswrite $log, lc($name) . "\n";
    my %zone = map { my ($who, @what) = split; ($who => \@what) } $self->read_lines('zone');
    my ($code, $ttl, @records) = (0, 1);
    for (@{ $zone{ lc $name } || ['nxdomain'] }) {
        if    (/^ttl=(\d+)$/)   { $ttl = $1 }
        elsif ($_ eq 'silent')  { return }
        elsif ($_ eq 'nxdomain') { $code = 3 }
        elsif ($_ eq 'servfail') { $code = 2 }
        elsif ($_ eq 'refused')  { $code = 5 }
        elsif (/^[\d.]*\d$/ && !/\..*\./) { sleep $_ }
        elsif (/:/)             { push @records, [28, inet_pton(AF_INET6, $_)] if $type == 28 }
        elsif (s/\.$//) {
            my $owner = wire($_);
            push @records, [5, $owner];
            push @records, map { [1, inet_pton(AF_INET, $_), $owner] } grep { /^\d/ } @{ $zone{$_} || [] } if $type == 1;
        }
        else                    { push @records, [1, inet_pton(AF_INET, $_)] if $type == 1 }
    }
    my $text = pack('n6', $id, 0x8180 | $code, 1, scalar @records, 0, 0) . $labels . pack('nn', $type, 1);
    for (@records) {
        my ($kind, $data, $owner) = @$_;
        $text .= ($owner // pack 'n', 0xc00c) . pack 'n n N n/a', $kind, 1, $ttl, $data;
    }
    send $self->{socket}, $text, 0, $from;
}

sub DESTROY { my $self = shift; local $?; if (my $life = delete $self->{life}) { close $life; waitpid $self->{pid}, 0 } }

1;
