# SPDX-License-Identifier: Apache-2.0
# How a response leaves: flush, eof, big ones, versions of HTTP.
use strict;
use warnings;
use Coral::Blocks;
use Coral::Server;
use IO::Socket::INET;
use Test::More;
use Time::HiRes 'sleep';

my $server = Coral::Server->new(
    config => "CoralStates 1 4\nCoralCheckClientAbort off\n", # the script is to see for itself that its client is gone
    files  => {
        'htdocs/big.lua' => <<'LUA',
local line = ("x"):rep(1023) .. "\n"
for i = 1, 10 * 1024 do
  local ok, err = ngx.print(line)
  if not ok then ngx.log(ngx.WARN, "big stops after ", i < 10 * 1024 and "some" or "all", ": ", err) return end
end
LUA
        'htdocs/steps.lua' => "ngx.say('first') ngx.flush(true) ngx.sleep(0.5) ngx.say('second')\n",
        'htdocs/after.lua' => "ngx.say('all') ngx.eof() ngx.sleep(0.5) ngx.log(ngx.WARN, 'after eof')\n",
        'htdocs/fail.lua'  => "ngx.say('begun') ngx.flush(true) error('too late')\n",
        'htdocs/small.lua' => "ngx.say('hello')\n",
        'htdocs/exit.lua'  => "ngx.say('begun') ngx.flush(true) ngx.exit(404)\n",
    },
);
sub connected { IO::Socket::INET->new('127.0.0.1:' . $server->port) }

# All that comes until a pattern matches, and how long that took.
sub read_until {
    my ($socket, $pattern) = @_;
    my $got = '';
    while ($got !~ $pattern) {
        sysread $socket, $got, 65536, length $got or last;
    }
    return $got;
}

sub rss {
    open my $in, '<', "/proc/$_[0]/status" or return 0;
    return (grep { s/^VmHWM:\s+(\d+).*\n/$1/ } <$in>)[0] || 0;
}

sub over_sockets {
    ok $server->start, 'starts' or diag $server->output, $server->error_log;

    my $begin = time;
    my $big   = $server->get('/big.lua');
    is length $big->content, 10 << 20, 'ten megabytes';
    is $big->content =~ tr/\n//, 10 * 1024, 'all lines of it';

    my $slow = connected();
    print $slow "GET /big.lua HTTP/1.0\r\n\r\n";
    sleep 1;
    my $got = '';
    1 while sysread $slow, $got, 1 << 20, length $got;
    is length $got =~ s/^.*?\r\n\r\n//sr, 10 << 20, 'ten megabytes to somebody slow';

    # Who writes waits for who reads: were all ten gathered in memory, the process would show it.
    SKIP: {
        skip 'no /proc', 1 unless -r "/proc/$$/statm";
        skip 'the sanitizers keep memory back', 1 if $ENV{CORAL_SANITIZED};
        my $parent = $server->pid;
        my @pids = map { m{(\d+)} } grep { open my $stat, '<', $_; (readline($stat) // '') =~ /\) \S $parent / } glob '/proc/[0-9]*/stat';
        my ($peak) = sort { $b <=> $a } map { rss($_) } @pids;
        cmp_ok $peak, '<', 40 << 10, "the child's peak is small ($peak kB)";
    }

    my $log  = $server->log;
    my $gone = connected();
    print $gone "GET /big.lua HTTP/1.0\r\n\r\n";
    sysread $gone, $got, 1000;
    close $gone;
    like $log->wait(qr/big stops after some: .*/, 10), qr/client aborted/, 'a client that goes away ends the output';

    my $steps = connected();
    print $steps "GET /steps.lua HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    my $first = read_until($steps, qr/first/);
    unlike $first, qr/second/, 'a flush sends what is there';
    like read_until($steps, qr/0\r\n\r\n\z/), qr/second/, 'the rest comes later';

    $log = $server->log;
    my $after = connected();
    print $after "GET /after.lua HTTP/1.1\r\nHost: a\r\n\r\n";
    like read_until($after, qr/0\r\n\r\n\z|all\n\z/), qr/all\n/, 'eof ends the response';
    is $log->text =~ /after eof/ ? 1 : 0, 0, 'while the script still runs';
    ok $log->wait(qr/after eof/), 'and comes to its end';

    $log = $server->log;
    my $cut = $server->raw("GET /fail.lua HTTP/1.1\r\nHost: a\r\n\r\n");
    like $cut, qr/begun/, 'what was sent before an error stands';
    unlike $cut, qr/\r\n0\r\n\r\n\z/, 'the response is seen to be cut';
    ok $log->wait(qr/fail\.lua:1: too late/), 'and the error is logged';

    $log = $server->log;
    my $exit = $server->raw("GET /exit.lua HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    like $exit, qr{^HTTP/1\.1 200 .*begun\n\r\n0\r\n\r\n\z}s, 'exit after a flush ends the response it found';
    ok $log->wait(qr/attempt to set status 404 via ngx\.exit after sending out the response status 200/), 'and complains';

    my $hundred = connected();
    print $hundred "GET /small.lua HTTP/1.1\r\nHost: a\r\n\r\n" x 2;
    my $two = read_until($hundred, qr/hello.*hello\n/s);
    is scalar(() = $two =~ /Content-Length: 6\r\n/g), 2, 'short responses have a length and keep the connection';

    like $server->raw("GET /small.lua HTTP/1.0\r\n\r\n"), qr/^HTTP\S+ 200 .*\r\n\r\nhello\n\z/s, 'HTTP/1.0';
    unlike $server->raw("GET /steps.lua HTTP/1.0\r\n\r\n"), qr/chunked/i, 'no chunks in HTTP/1.0';
    like $server->raw("HEAD /small.lua HTTP/1.0\r\n\r\n"), qr/Content-Length: 6\r\n.*\r\n\r\n\z/s, 'HEAD has the length, not the body';
    unlike $server->raw("HEAD /steps.lua HTTP/1.0\r\n\r\n"), qr/first|second/, 'HEAD with a flush';
    $server->stop;
    unlike $server->error_log, qr/exit signal/, 'no crash';
}

over_sockets();
run_blocks;
__DATA__
=== flush returns 1 when something was sent
--- lua
ngx.say("a")
ngx.say(ngx.flush())
ngx.say(ngx.flush(true))
ngx.say(ngx.flush(false))
--- body
a
1
1
1

=== after eof nothing can be written
--- lua
ngx.say("a")
local first = ngx.eof()
local say, say_err = ngx.say("b")
local flush, flush_err = ngx.flush()
local again, again_err = ngx.eof()
ngx.log(ngx.WARN, "eof: ", first, " say: ", say, " ", say_err, " flush: ", flush, " ", flush_err, " again: ", again, " ", again_err)
--- body
a
--- error_log
eof: 1 say: nil seen eof flush: nil seen eof again: nil seen eof

=== eof of nothing is an empty response
--- lua
ngx.eof()
--- body eval
''

=== headers_sent
--- lua
ngx.say(ngx.headers_sent)
ngx.flush()
ngx.say(ngx.headers_sent)
--- body
false
true

=== headers_sent after send_headers
--- lua
ngx.header["X-A"] = "1"
local ok = ngx.send_headers()
ngx.say(ok, ngx.headers_sent)
--- header X-A: 1
--- body
1true

=== a script that writes nothing
--- lua
local x = 1
--- body eval
''
--- header Content-Length: 0

=== one big string
--- lua
ngx.print(("0123456789"):rep(1000000))
--- body_like ^(0123456789){1000}

=== many small ones over TLS
--- lua
for i = 1, 100000 do ngx.say(i) end
--- vhost tls
--- body eval
join '', map { "$_\n" } 1 .. 100000

=== HEAD
--- lua
ngx.header["X-A"] = "1"
ngx.say("body")
ngx.flush(true)
ngx.say("more")
--- request HEAD
--- header X-A: 1
--- body eval
''

=== big output through HTTP/2
--- lua
for i = 1, 100000 do ngx.say(i) end
--- vhost h2
--- body eval
join '', map { "$_\n" } 1 .. 100000
