# SPDX-License-Identifier: Apache-2.0
#
# Servers that are not ours, for libraries to talk to: each in a folder of its own, on free
# ports of 127.0.0.1 and a UNIX socket, without root, and never longer than the test.
#
#   my $redis = Coral::Service->need('redis', tls => 1);    # or the test is skipped
#   run_blocks($redis->words, server => $server);           # @PORT@ @TLS@ @SOCKET@
#
# A service is a row of %services: its program, what makes its folder ready, its command line, and what is asked to see that
# it serves. Passwords of all are "secret".
package Coral::Service;

use strict;
use warnings;
use Apache::Test ();
use Coral::File 'write_file';
use File::Temp ();
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX ':sys_wait_h';
use Test::More ();
use Time::HiRes qw(sleep time);

my $certificates = Apache::Test::vars()->{t_conf} . '/tls';

my %services = (
    redis => {
        program => 'redis-server',
        command => sub {
            my $s = shift;
            my @tls = map { ("--tls-$_", { port => $s->{tls}, 'auth-clients' => 'no', 'cert-file' => "$certificates/cert.pem",
                'key-file' => "$certificates/key.pem", 'ca-cert-file' => "$certificates/cert.pem" }->{$_}) }
                qw(port cert-file key-file ca-cert-file auth-clients);
            return ('--bind', '127.0.0.1', '--port', $s->{port}, '--unixsocket', $s->{socket}, '--dir', $s->{dir}, '--save', '',
                '--appendonly', 'no', $s->{want}{tls} ? @tls : ());
        },
    },
    memcached => {
        program => 'memcached',
        command => sub {
            my $s = shift;
            my @tls = ('-l', "127.0.0.1:$s->{tls}", '-Z', '-o', "ssl_chain_cert=$certificates/cert.pem,ssl_key=$certificates/key.pem");
            my $plain = $s->{want}{tls} ? 'notls:' : '';
            return ('-l', "${plain}127.0.0.1:$s->{port}", '-U', 0, '-m', 32, '-c', 256, '-t', 1, $s->{want}{tls} ? @tls : ());
        },
    },
    mariadb => {
        program => 'mariadbd',
        also    => ['mariadb-install-db'],
        prepare => sub {
            my $s = shift;
            my @common = ('--no-defaults', "--datadir=$s->{dir}/data");
            $s->tool('mariadb-install-db', @common, qw(--auth-root-authentication-method=normal --skip-test-db --innodb-log-file-size=4M));
            write_file("$s->{dir}/init.sql", <<'SQL');
create database test character set utf8mb4;
create user 'app'@'%' identified by 'secret';
grant all on test.* to 'app'@'%';
create user 'only_tls'@'%' identified by 'secret' require ssl;
grant all on test.* to 'only_tls'@'%';
SQL
        },
        command => sub {
            my $s = shift;
            return ('--no-defaults', "--datadir=$s->{dir}/data", "--socket=$s->{socket}", '--bind-address=127.0.0.1', "--port=$s->{port}",
                "--init-file=$s->{dir}/init.sql", "--pid-file=$s->{dir}/pid", '--skip-name-resolve', '--skip-log-bin', '--max-connections=200',
                '--max-allowed-packet=64M', '--innodb-log-file-size=4M', '--innodb-buffer-pool-size=16M', '--innodb-flush-log-at-trx-commit=0',
                "--ssl-cert=$certificates/cert.pem", "--ssl-key=$certificates/key.pem", "--ssl-ca=$certificates/cert.pem");
        },
    },
    postgres => {
        program => 'postgres',
        also    => ['initdb'],
        prepare => sub {
            my $s = shift;
            write_file("$s->{dir}/password", "secret\n");
            $s->tool('initdb', '-D', "$s->{dir}/data", '-U', 'app', '-A', 'scram-sha-256', "--pwfile=$s->{dir}/password", '-E', 'UTF8',
                '--no-locale', '--no-sync', '--no-instructions');
            write_file("$s->{dir}/data/pg_hba.conf", "host all old 127.0.0.1/32 md5\n" . Coral::File->follow("$s->{dir}/data/pg_hba.conf", 0)->text);
            for my $name (qw(key cert)) {    # a key of the server's own, that nobody else can read
                write_file("$s->{dir}/$name.pem", Coral::File->follow("$certificates/$name.pem", 0)->text);
                chmod 0600, "$s->{dir}/$name.pem";
            }
        },
        command => sub {
            my $s = shift;
            return ('-D', "$s->{dir}/data", '-p', $s->{port}, '-k', $s->{dir}, map { ('-c', $_) } 'listen_addresses=127.0.0.1', 'fsync=off',
                'max_connections=150', 'shared_buffers=16MB', 'ssl=on', "ssl_cert_file=$s->{dir}/cert.pem", "ssl_key_file=$s->{dir}/key.pem");
        },
        socket => sub { my $s = shift; return "$s->{dir}/.s.PGSQL.$s->{port}" },
    },
    # With ngx_http_lua, to compare with; http => what its http { } has, @PORT@ in it.
    nginx => {
        program => 'nginx',
        files   => [qw(ndk_http_module.so ngx_http_lua_module.so)],
        prepare => sub {
            my $s = shift;
            my @folders = map { "${_}_temp_path $s->{dir}/$_;" } qw(client_body proxy fastcgi uwsgi scgi);
            my @modules = map { "load_module @{[file($_)]};" } @{ $s->{files} };
            write_file("$s->{dir}/nginx.conf", join "\n", @modules, 'daemon off;', 'master_process off;', "pid $s->{dir}/pid;",
                "error_log $s->{dir}/log notice;", 'events { worker_connections 512; }', $s->{want}{main} // '', 'http {', 'access_log off;',
                @folders, $s->{want}{http} =~ s/\@PORT\@/$s->{port}/gr, "}\n");
        },
        command => sub { my $s = shift; return ('-p', $s->{dir}, '-c', "$s->{dir}/nginx.conf", '-e', "$s->{dir}/log") },
    },
);

my @places = (split(/:/, $ENV{PATH}), qw(/usr/sbin /usr/local/sbin /sbin), reverse glob '/usr/lib/postgresql/*/bin');

# Modules of nginx.
sub file { my $name = shift; return (grep { -r } map { "$_/$name" } qw(/usr/lib/nginx/modules /usr/lib64/nginx/modules /etc/nginx/modules))[0] }

sub program { my $name = shift; return (grep { -x } map { "$_/$name" } @places)[0] }

sub free_port {
    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die "no free port: $!\n";
    return $socket->sockport;
}

# Starts it, or has the test file skipped where it is not installed.
sub need {
    my ($class, $name, %want) = @_;
    my $service = $services{$name};
    my @missing = (grep({ !program($_) } $service->{program}, @{ $service->{also} || [] }), grep { !file($_) } @{ $service->{files} || [] });
    Test::More::plan(skip_all => "there is no $missing[0]") if @missing;
    my $self = bless { %$service, name => $name, want => \%want, owner => $$, dir => File::Temp->newdir('coral-XXXXXX', TMPDIR => 1) }, $class;
    @$self{qw(port tls)} = (free_port(), free_port());
    $self->{socket} = $service->{socket} ? $service->{socket}->($self) : "$self->{dir}/socket";
    $service->{prepare}->($self) if $service->{prepare};
    $self->start;
    return $self;
}

# A helper program of the service, to its end.
sub tool {
    my ($self, $name, @arguments) = @_;
    defined(my $pid = fork) or die "fork: $!\n";
    $self->run($name, @arguments) unless $pid;
    waitpid $pid, 0;
    die "$name failed: " . $self->log unless $? == 0;
}

# In a process of its own that ends with the test, its words in the folder.
sub run {
    my ($self, $name, @arguments) = @_;
    chdir $self->{dir};
    open STDIN,  '<',  '/dev/null';
    open STDOUT, '>>', "$self->{dir}/log";
    open STDERR, '>&', \*STDOUT;
    { exec 'setpriv', '--pdeathsig', 'KILL', program($name), @arguments }
    POSIX::_exit(127);
}

sub start {
    my $self = shift;
    defined(my $pid = fork) or die "fork: $!\n";
    $self->run($self->{program}, $self->{command}->($self)) unless $pid;
    $self->{pid} = $pid;
    for (my $end = time + 30; time < $end; sleep 0.02) {
        return if IO::Socket::INET->new("127.0.0.1:$self->{port}");
        die "$self->{name} did not start: " . $self->log if waitpid($pid, WNOHANG) == $pid;
    }
    die "$self->{name} did not start in 30 s: " . $self->log;
}

sub log   { return Coral::File->follow("$_[0]{dir}/log", 0)->text }
sub port  { $_[0]{port} }
sub words { my $self = shift; return (PORT => $self->{port}, TLS => $self->{tls}, SOCKET => $self->{socket}) }

# stop, start: a server that goes away meanwhile, and comes back.
sub stop {
    my $self = shift;
    my $pid = delete $self->{pid} or return;
    kill KILL => $pid;    # nothing of it is to be kept
    waitpid $pid, 0;
}

sub DESTROY { my $self = shift; local $?; $self->stop if $$ == $self->{owner} }

1;
