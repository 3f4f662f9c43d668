# SPDX-License-Identifier: Apache-2.0
#
# Many clients of all sorts at the same time, in one process: those that wait, upload,
# read slowly, use a connection again and again, send several requests at once, leave.
#
#   my $load = Coral::Load->new(port => $port, upstream => $port, width => 40);
#   … kinds => [Coral::Load->kinds], dying => $port: with clients that leave, an upstream that dies, and ngx.shared.load
#   $load->run(10, sub { … now and then … });
#   $load->drain;                 # nothing new; until all is answered
#   is $load->{bad}, 0; diag $load->{sample}; … $load->{good}, $load->{left}, $load->{closed}
#
# The server has the scripts that files() gives; they keep to one another's answers.
package Coral::Load;

use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_LINGER SO_RCVBUF);
use Time::HiRes qw(sleep time);

$SIG{PIPE} = 'IGNORE';

sub files {
    return (
        'htdocs/sleep.lua'  => 'ngx.sleep(tonumber(ngx.var.arg_t)) ngx.print("slept ", ngx.var.arg_n)',
        'htdocs/quick.lua'  => 'ngx.print("quick ", ngx.var.arg_n)',
        'htdocs/many.lua'   => 'for i = 1, 10 do ngx.sleep(0.001) end ngx.print("many ", ngx.var.arg_n)',
        'htdocs/talk.lua'   => <<'LUA',
local s = ngx.socket.tcp()
s:settimeout(10000)
assert(s:connect("127.0.0.1", tonumber(ngx.var.arg_p)))
assert(s:send(ngx.var.arg_n .. "\n"))
local line = assert(s:receive())
if ngx.var.arg_n % 2 == 0 then s:setkeepalive() else s:close() end
ngx.print("talk ", line)
LUA
        'htdocs/stream.lua' => 'for i = 1, 5 do ngx.print("part ", ngx.var.arg_n, " ") ngx.flush(true) ngx.sleep(0.005) end',
        'htdocs/body.lua'   => 'ngx.req.read_body() ngx.sleep(0.002) ngx.print("body ", #(...):requestbody(), " ", ngx.var.arg_n)',
        'htdocs/lines.lua'  => 'for i = 1, 4000 do ngx.print(("%49d\n"):format(i)) end ngx.print("lines ", ngx.var.arg_n)',
        'htdocs/thread.lua' => <<'LUA',
local n, t = ngx.var.arg_n, {}
for i = 1, 3 do t[i] = ngx.thread.spawn(function() ngx.sleep(i / 1000) return n end) end
for i = 1, 3 do local ok, v = ngx.thread.wait(t[i]) assert(ok and v == n) end
ngx.print("thread ", n)
LUA
        'htdocs/broken.lua' => <<'LUA',
local s = ngx.socket.tcp()
s:settimeout(3000)
if s:connect("127.0.0.1", tonumber(ngx.var.arg_p)) then
  for i = 1, 5 do if not s:send("x\n") or not s:receive() then break end end
  s:setkeepalive(50, 4)
end
ngx.print("broken ", ngx.var.arg_n)
LUA
        'htdocs/timer.lua'  => <<'LUA',
local d, n = ngx.shared.load, ngx.var.arg_n
assert(ngx.timer.at(0.002, function(early, n) if not early then d:set("t" .. n, n, 1) end end, n))
for i = 1, 500 do if d:get("t" .. n) then break end ngx.sleep(0.01) end
ngx.print("timer ", d:get("t" .. n))
LUA
        'htdocs/dict.lua'   => <<'LUA',
local d, n = ngx.shared.load, ngx.var.arg_n
d:set("k" .. n % 500, ("v"):rep(n % 3000), 0.5)
d:incr("count", 1, 0)
d:lpush("list" .. n, n)
ngx.sleep(0.001)
ngx.print("dict ", d:rpop("list" .. n))
LUA
        'htdocs/fails.lua'  => 'ngx.sleep(0.001) error({})',
    );
}

my $get = sub { my ($path, $n, @more) = @_; return join "\r\n", "GET $path" . ($path =~ /\?/ ? '&' : '?') . "n=$n HTTP/1.1", 'Host: x', @more, '', '' };
my $close = 'Connection: close';

# name => what is sent (pieces, and pauses before them), and what must come.
my %kinds = (
    sleep   => sub { my $n = shift; return { send => [$get->('/sleep.lua?t=' . rand(0.08), $n, $close)], want => ["slept $n"] } },
    quick   => sub { my $n = shift; return { send => [$get->('/quick.lua', $n, $close)], want => ["quick $n"] } },
    many    => sub { my $n = shift; return { send => [$get->('/many.lua', $n, $close)], want => ["many $n"] } },
    talk    => sub { my ($n, $self) = @_; return { send => [$get->("/talk.lua?p=$self->{upstream}", $n, $close)], want => ["talk $n"] } },
    stream  => sub { my $n = shift; return { send => [$get->('/stream.lua', $n, $close)], want => ["part $n " x 5] } },
    thread  => sub { my $n = shift; return { send => [$get->('/thread.lua', $n, $close)], want => ["thread $n"] } },
    fails   => sub { my $n = shift; return { send => [$get->('/fails.lua', $n, $close)], want => [qr/Internal Server Error/] } },
    timer   => sub { my $n = shift; return { send => [$get->('/timer.lua', $n, $close)], want => ["timer $n"] } },
    dict    => sub { my $n = shift; return { send => [$get->('/dict.lua', $n, $close)], want => ["dict $n"] } },
    broken  => sub { my ($n, $self) = @_; return { send => [$get->("/broken.lua?p=$self->{dying}", $n, $close)], want => ["broken $n"] } },    # its upstream is killed now and then
    upload  => sub {
        my $n = shift;
        return { send => [map { $_, 0.01 } "POST /body.lua?n=$n HTTP/1.1\r\nHost: x\r\n$close\r\nContent-Length: 40000\r\n\r\n", ('x' x 10_000) x 4], want => ["body 40000 $n"] };
    },
    chunks  => sub {
        my $n = shift;
        return { send => [map { $_, 0.005 } "POST /body.lua?n=$n HTTP/1.1\r\nHost: x\r\n$close\r\nTransfer-Encoding: chunked\r\n\r\n", ("5\r\nhello\r\n") x 6, "0\r\n\r\n"], want => ["body 30 $n"] };
    },
    kept    => sub {
        my $n = shift;
        return { send => [map { $_, 'answer' } map { $get->('/sleep.lua?t=0.00' . $_, $n + $_) } 1 .. 5], want => [map { 'slept ' . ($n + $_) } 1 .. 5], may_close => 1 };
    },
    varied  => sub { # one after the other, some that wait for long, some that do not
        my ($n, $self) = @_;
        my @all = (['/quick.lua', 'quick N'], ['/sleep.lua?t=0.001', 'slept N'], ['/sleep.lua?t=0.05', 'slept N'], ['/many.lua', 'many N'],
            ['/stream.lua', 'part N ' x 5], ['/thread.lua', 'thread N'], ["/talk.lua?p=$self->{upstream}", 'talk N']);
        my @some = map { $all[rand @all] } 1 .. 10;
        return { send => [map { $get->($some[$_][0], $n + $_), 'answer' } 0 .. 9], want => [map { $some[$_][1] =~ s/N/$n + $_/egr } 0 .. 9], may_close => 1 };
    },
    piped   => sub {
        my $n = shift;
        return { send => [join '', map { $get->($_ % 2 ? '/sleep.lua?t=0.001' : '/quick.lua', $n + $_) } 1 .. 6],
            want => [map { ($_ % 2 ? 'slept ' : 'quick ') . ($n + $_) } 1 .. 6], may_close => 1 };
    },
    slow    => sub { my $n = shift; return { send => [$get->('/lines.lua', $n, $close)], want => [qr/\A(?: *\d+\n){4000}lines $n\z/], slow => 1 } },
    leaves  => sub {
        my ($n, $self) = @_;
        my @path = ('/sleep.lua?t=0.05', '/lines.lua', '/stream.lua', "/talk.lua?p=$self->{upstream}");
        return { send => [$get->($path[$n % @path], $n)], want => ['never'], leaves => time + rand 0.06, reset => $n % 3 == 0 };
    },
);

my %special = map { $_ => 1 } qw(leaves broken timer dict);
sub kinds { return sort keys %kinds }

# kinds: the names of those that are wanted; without it all that need nothing but the scripts and an upstream, and stay.
sub new {
    my ($class, %with) = @_;
    my @names = @{ $with{kinds} || [grep { !$special{$_} } sort keys %kinds] };
    return bless { width => 40, n => 0, turn => 0, good => 0, bad => 0, left => 0, closed => 0, sample => '', slowest => 0, %with, names => \@names, clients => {} }, $class;
}

sub start {
    my $self = shift;
    my $name = $self->{names}[ $self->{turn}++ % @{ $self->{names} } ];
    my $n    = $self->{n} += 11;    # some take several, odd and even
    my $client = $kinds{$name}->($n, $self);
    my $socket = IO::Socket::INET->new(Proto => 'tcp') or return;
    setsockopt $socket, SOL_SOCKET, SO_RCVBUF, pack 'i', 8192 if $client->{slow};
    if (!connect $socket, Socket::pack_sockaddr_in($self->{port}, Socket::inet_aton('127.0.0.1'))) { $self->wrong("no connection: $!"); return }
    $socket->blocking(0);
    $self->{clients}{ fileno $socket } = { %$client, name => $name, n => $n, socket => $socket, in => '', got => 0, begun => time, at => 0 };
}

sub wrong {
    my ($self, $why) = @_;
    $self->{bad}++;
    $self->{sample} .= "$why\n" if length $self->{sample} < 3000;
}

sub finish {
    my ($self, $client) = @_;
    my $took = time - $client->{begun};
    $self->{slowest} = $took if $took > $self->{slowest};
    setsockopt $client->{socket}, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0 if $client->{reset};
    delete $self->{clients}{ fileno $client->{socket} };
    close $client->{socket};
}

# The next response in what has come, if it is whole: its body.
sub parse {
    my ($client, $eof) = @_;
    return undef unless $client->{in} =~ /\r\n\r\n/;
    my ($head, $from) = (substr($client->{in}, 0, $-[0]), $+[0]);
    if ($head =~ /^Content-Length: (\d+)/mi) {
        return undef if length $client->{in} < $from + $1;
        my $body = substr $client->{in}, $from, $1;
        substr($client->{in}, 0, $from + $1) = '';
        return $body;
    }
    if ($head =~ /^Transfer-Encoding: chunked/mi) {
        my ($body, $at) = ('', $from);
        pos($client->{in}) = $at;
        while ($client->{in} =~ /\G([0-9a-f]+)\r\n/gc) {
            my ($length, $here) = (hex $1, pos $client->{in});
            return undef if length $client->{in} < $here + $length + 2;
            if (!$length) { substr($client->{in}, 0, $here + 2) = ''; return $body }
            $body .= substr $client->{in}, $here, $length;
            pos($client->{in}) = $here + $length + 2;
        }
        return undef;
    }
    return $eof ? substr $client->{in}, $from : undef;
}

sub look {
    my ($self, $client, $eof) = @_;
    while (defined(my $body = parse($client, $eof))) {
        my $want = $client->{want}[ $client->{got} ];
        if (ref $want ? $body !~ $want : $body ne $want) {
            $self->wrong("$client->{name} $client->{n}: answer $client->{got} is wrong: " . substr $body, 0, 200);
            return $self->finish($client);
        }
        $self->{good}++;
        $client->{at} = 0;
        if (++$client->{got} == @{ $client->{want} }) { return $self->finish($client) }
    }
    return unless $eof;
    if ($client->{may_close} && $client->{got} && $client->{in} eq '') { $self->{closed}++ }
    else { $self->wrong(sprintf '%s %d: cut after %.3f s, %d answers and %d bytes: %s', @$client{qw(name n)}, time - $client->{begun}, $client->{got}, length $client->{in}, substr $client->{in}, 0, 100) }
    $self->finish($client);
}

sub send_more {
    my ($self, $client, $now) = @_;
    while (@{ $client->{send} } && $client->{at} <= $now) {
        my $next = $client->{send}[0];
        if ($next eq 'answer') {
            shift @{ $client->{send} };
            $client->{at} = 1e12;    # until it has come
            return;
        }
        if ($next =~ /^[\d.]+\z/) { $client->{at} = $now + $next; shift @{ $client->{send} }; return }
        my $n = syswrite $client->{socket}, $next;
        return unless $n;
        if ($n == length $next) { shift @{ $client->{send} } }
        else                    { $client->{send}[0] = substr $next, $n; return }
    }
}

sub turn {
    my $self = shift;
    my $now  = time;
    my @read;
    for my $client (values %{ $self->{clients} }) {
        if ($client->{leaves} && $client->{leaves} < $now) { $self->{left}++; $self->finish($client); next }
        if ($now - $client->{begun} > 30) { $self->wrong("$client->{name} $client->{n}: no answer in 30 s"); $self->finish($client); next }
        $self->send_more($client, $now);
        push @read, $client unless $client->{slow} && ($client->{resting} // 0) > $now;
    }
    my %by = map { $_->{socket} => $_ } @read;
    for my $socket (IO::Select->new(map { $_->{socket} } @read)->can_read(0.002)) {
        my $client = $by{$socket};
        my $n = sysread $socket, $client->{in}, $client->{slow} ? 20_000 : 65_536, length $client->{in};
        next if !defined $n && $!{EAGAIN};
        $client->{resting} = $now + 0.005 if $client->{slow};
        if ($client->{leaves}) { $client->{in} = ''; if (!$n) { $self->{left}++; $self->finish($client) } next }
        $self->look($client, !$n);
    }
}

sub run {
    my ($self, $seconds, $also) = @_;
    my $end = time + $seconds;
    while (time < $end) {
        $self->start while keys %{ $self->{clients} } < $self->{width};
        $self->turn;
        last if $also && $also->();
    }
}

sub drain {
    my $self = shift;
    $self->turn while %{ $self->{clients} };
}

1;
