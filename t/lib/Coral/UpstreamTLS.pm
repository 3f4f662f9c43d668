# SPDX-License-Identifier: Apache-2.0
#
# What Coral::Upstream needs for TLS: certificates, made anew each time, and the
# handshake of a server. Files in its folder: NAME.pem (with what stands between it and
# the CA), NAME.key, for
#
#   right     localhost, right.test, *.wild.test, 127.0.0.1;  a, b: a.test, b.test
#   expired   late     localhost, not valid any more, not yet
#   chain     localhost, of an intermediate that is sent along;  broken: that is not;  long: of two
#   self      localhost, signed by itself
#   cn        localhost as the common name only
#   client    stranger a client's, of our CA and of another
#   ca        other    the CAs
#
# Options of a kind (tls:right,old): the server's NAME first; then
#
#   sni       a and b for those who ask for them by name
#   old       TLS 1.2, not 1.3
#   client    demands a certificate of our CA
#
# Words for the servers: sni version reused client status  "VALUE\n": the name that was
# asked for; the protocol; whether the session was an old one; the client's common name;
# whether the client wants the certificate's status.  cut: closes without goodbye.
package Coral::UpstreamTLS;

use strict;
use warnings;
use Coral::Upstream;
use IO::Socket::SSL;
use IO::Socket::SSL::Utils;
use Socket 'MSG_PEEK';

my $day = 24 * 3600;

sub new {
    my ($class, $dir) = @_;
    my $self = bless { dir => $dir }, $class;
    my @local = (names => [[DNS => 'localhost']], by => 'ca');
    $self->make($_, CA => 1) for qw(ca other);
    $self->make('between', CA => 1, by => 'ca');
    $self->make('right', by => 'ca', names => [[IP => '127.0.0.1'], map { [DNS => $_] } qw(localhost right.test *.wild.test)]);
    $self->make($_, by => 'ca', names => [[DNS => "$_.test"]]) for qw(a b);
    $self->make('expired', @local, not_before => time - 3 * $day, not_after => time - 2 * $day);
    $self->make('late', @local, not_before => time + 2 * $day, not_after => time + 3 * $day);
    $self->make('chain', @local, by => 'between', send => ['between']);
    $self->make('further', CA => 1, by => 'between');
    $self->make('long', @local, by => 'further', send => ['further', 'between']);
    $self->make('broken', @local, by => 'between');
    $self->make('self', names => [[DNS => 'localhost']]);
    $self->make('cn', by => 'ca', common => 'localhost');
    $self->make('client', by => 'ca', purpose => 'client');
    $self->make('stranger', by => 'other', purpose => 'client');
    return $self;
}

sub make {
    my ($self, $name, %want) = @_;
    my ($names, $by, $common, $send) = delete @want{qw(names by common send)};
    my $key = KEY_create_ec('prime256v1');
    my ($cert) = CERT_create(
        not_before => time - $day, not_after => time + $day, $want{CA} ? () : (purpose => 'server'), %want,
        key => $key, digest => 'sha256',
        subject => { commonName => $common || "coral test $name" },
        $names ? (subjectAltNames => $names) : (), $by ? (issuer => $self->{made}{$by}) : (),
    );
    $self->{made}{$name} = [$cert, $key];
    my @chain = map { PEM_cert2string($self->{made}{$_}[0]) } $name, @{ $send || [] };
    $self->write("$name.pem", @chain);
    $self->write("$name.key", PEM_key2string($key));
}

sub write {
    my ($self, $name, @text) = @_;
    open my $out, '>', "$self->{dir}/$name" or die "$name: $!\n";
    print $out @text;
    close $out or die "$name: $!\n";
}

# The handshake of a server, to be done in each connection.
sub server {
    my ($self, $name, @options) = @_;
    my %is = map { $_ => 1 } @options;
    my $files = sub {
        my $end = shift;
        return { '' => "$self->{dir}/$name.$end", $is{sni} ? map { ("$_.test" => "$self->{dir}/$_.$end") } qw(a b) : () };
    };
    my %context = (
        SSL_server => 1, SSL_cert_file => $files->('pem'), SSL_key_file => $files->('key'),
        SSL_version => $is{old} ? 'TLSv12' : 'SSLv23:!SSLv3:!SSLv2', SSL_session_id_context => 'coral',
        SSL_verify_mode => $is{client} ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT : SSL_VERIFY_NONE,
        $is{client} ? (SSL_ca_file => "$self->{dir}/ca.pem") : (),
    );
    my $context = IO::Socket::SSL::SSL_Context->new(%context) or die "tls: $SSL_ERROR\n";
    return sub {
        my $c = shift;
        $c->{hello} = peek($c->{socket});
        return IO::Socket::SSL->start_SSL($c->{socket}, SSL_server => 1, SSL_reuse_ctx => $context);
    };
}

# The client's hello, left where it is.
sub peek {
    my $socket = shift;
    my $data = '';
    for (1 .. 100) {
        recv $socket, $data, 16384, MSG_PEEK;
        return '' unless length $data;
        last if length $data >= 5 && length $data >= 5 + unpack 'x3 n', $data;
        select undef, undef, undef, 0.01;
    }
    return $data;
}

# The types of the hello's extensions.
sub extensions {
    my ($session, $suites, $methods, $all) = unpack 'x43 C/a n/a C/a n/a', shift;
    my %seen;
    while (length($all // '') >= 4) {
        my ($type) = unpack 'n n/a', $all;
        $seen{$type} = 1;
        $all = substr $all, 4 + unpack 'x2 n', $all;
    }
    return \%seen;
}

sub answer { my $give = shift; return sub { Coral::Upstream::put($_[0], ($give->($_[0]) // 'none') . "\n") } }

Coral::Upstream->teach(
    sni     => answer(sub { $_[0]{socket}->get_servername }),
    version => answer(sub { $_[0]{socket}->get_sslversion }),
    reused  => answer(sub { $_[0]{socket}->get_session_reused ? 'yes' : 'no' }),
    client  => answer(sub { $_[0]{socket}->peer_certificate('commonName') }),
    status  => answer(sub { extensions($_[0]{hello})->{5} ? 'wanted' : 'not wanted' }),
    cut     => sub { Coral::Upstream::done($_[0], sub { $_[0]->close(SSL_no_shutdown => 1) }) },
);

1;
