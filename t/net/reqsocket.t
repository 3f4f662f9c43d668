# SPDX-License-Identifier: Apache-2.0
# ngx.req.socket: the body of the request in pieces; the connection itself.
use strict;
use warnings;
use Coral::Server;
use Coral::Upstream;
use IO::Select;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep time);

my $servers = Coral::Upstream->start(PLAY => 'tcp', ECHO => 'tcp echo');
my %words = $servers->words;
my (@cases, %files);

# case NAME => what is sent (texts, and numbers: seconds of silence), Lua, the whole body of the answer (or a pattern)
sub case {
    my ($name, $send, $lua, $want, %more) = @_;
    my $file = @cases . '.lua';
    $files{"htdocs/$file"} = $words{LUA} . "\n" . $lua;
    push @cases, { name => $name, send => ref $send ? $send : [$send], file => $file, want => $want, %more };
}

sub post {
    my ($body, @headers) = @_;
    return join '', "POST FILE HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", (map { "$_\r\n" } @headers),
        'Content-Length: ' . length($body) . "\r\n\r\n", $body;
}

sub head { join '', "POST FILE HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", (map { "$_\r\n" } @_), "\r\n" }
sub chunks { my $text = join '', map { sprintf "%x\r\n%s\r\n", length, $_ } @_; return "${text}0\r\n\r\n" }

# --- the body --------------------------------------------------------------------------

my $sock = "local s, err = ngx.req.socket()\nif not s then return show(s, err) end\n";

case 'a size, a line, the rest', post("hello\nworld and more"), $sock . <<'LUA', <<'END';
show(s:receive(3))
show(s:receive())
show(s:receive("*l"))
two(s:receive("*l"))
LUA
hel
lo
nil|closed|world and more
nil|closed
END

case 'all of it',
    post("hello\nworld"), $sock . 'show(s:receive("*a")) show(s:receive("*a")) two(s:receive(1))',
    "hello\\nworld\n\"\"\nnil|closed\n";

case 'exactly its length, no more', post('12345'), $sock . 'show(s:receive(5)) show(s:receive(1))', "12345\nnil|closed|\"\"\n";

case 'too much wanted', post('12345'), $sock . 'show(s:receive(10))', "nil|closed|12345\n";

case 'receiveuntil', post("part one--b--part two--b--rest"), $sock . <<'LUA', "part one\npart two\nnil|closed|rest\n";
local read = s:receiveuntil("--b--")
for i = 1, 3 do show(read()) end
LUA

case 'receiveany',
    post('hello'), $sock . 'show(s:receiveany(3)) show(s:receiveany(10)) two(s:receiveany(10))', "hel\nlo\nnil|closed\n";

case 'what comes slowly', [head('Content-Length: 10'), 0.1, 'abc', 0.1, 'defg', 0.1, 'hij'], $sock . <<'LUA', "abc\ndefghij\n";
show(s:receiveany(100))
show(s:receive(7))
LUA

case 'byte by byte', [head('Content-Length: 12'), map { (0.005, $_) } split //, 'abcabcabd!xy'], $sock . <<'LUA', "abc\n!xy\n";
show(s:receiveuntil("abcabd")())
show(s:receive(3))
LUA

case 'a timeout, and on', [head('Content-Length: 6'), 'abc', 0.6, 'def'], $sock . <<'LUA', "nil|timeout|abc\ndef\n";
s:settimeout(150)
show(s:receive(6))
s:settimeout(5000)
show(s:receive(3))
LUA

case 'settimeouts', [head('Content-Length: 6'), 'abc', 0.6, 'def'], $sock . <<'LUA', "nil|timeout|abc\n";
s:settimeouts(5000, 5000, 150)
show(s:receive(6))
LUA

case 'much', [head('Content-Length: 3000000'), map { (('0123456789' x 10000), 0.001) } 1 .. 30], $sock . <<'LUA', "3000000|true\n";
local got = {}
while true do
  local data, err, partial = s:receive(70000)
  got[#got + 1] = data or partial
  if not data then break end
end
got = table.concat(got)
show(#got, got == ("0123456789"):rep(300000))
LUA

case 'on its way to another server',
    [head('Content-Length: 3000000'), map { ('0123456789' x 10000) } 1 .. 30], $sock . <<'LUA', "true\n";
local up = open("swallow:3000000")
while true do
  local data = s:receiveany(8192)
  if not data then break end
  up:send(data)
end
show(up:receive() == "3000000 " .. ngx.md5(("0123456789"):rep(300000)))
LUA

case 'not read to its end', post('hello' x 1000), $sock . 'show(s:receive(5))', "hello\n";
case 'not read at all', post('hello' x 1000), $sock . 'show("untouched")', "untouched\n";

case 'a body of several lines', post("a\r\nb\n\nc"), $sock . 'for i = 1, 4 do show(s:receive()) end', "a\nb\n\"\"\nnil|closed|c\n";

case 'it can not be written to',
    post('x'), $sock . 'show((pcall(function() s:send("x") end)), (pcall(function() s:setkeepalive() end)))',
    "false|false\n";

case 'no body', head(), 'show(ngx.req.socket())', "nil|no body\n";
case 'a body of nothing', head('Content-Length: 0'), 'show(ngx.req.socket())', "nil|no body\n";
case 'GET', "GET FILE HTTP/1.0\r\n\r\n", 'show(ngx.req.socket())', "nil|no body\n";
case 'the body was read', post('x'), 'ngx.req.read_body() show(ngx.req.socket())', "nil|request body already exists\n";
case 'the body was discarded',
    post('x'), 'ngx.req.discard_body() show(ngx.req.socket())', qr/^nil\|(?:request body discarded|request body already exists|no body)$/;
case 'twice', post('x'), $sock . 'show(ngx.req.socket())', qr/^nil\|(?:duplicate call|request body already exists)$/;
case 'HTTP/1.0', "POST FILE HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello", $sock . 'show(s:receive(5))', "hello\n";

case 'an answer first, then the body', [head('Content-Length: 5'), 0.3, 'hello'], $sock . <<'LUA', qr/^first\nhello$/;
ngx.say("first")
ngx.flush(true)
show(s:receive(5))
LUA

case 'the client has gone in the middle',
    [head('Content-Length: 10'), 'abc', 'END'], $sock . <<'LUA', undef, log => qr/gone: nil (?:client aborted|closed) abc/;
local data, err, partial = s:receive(10)
ngx.log(ngx.WARN, "gone: ", data, " ", err, " ", partial)
LUA

case 'a thread reads, another one works', [head('Content-Length: 5'), 0.2, 'hello'], $sock . <<'LUA', "worked\ntrue|hello\n";
local t = ngx.thread.spawn(function() return s:receive(5) end)
show("worked")
show(ngx.thread.wait(t))
LUA

case 'two threads read', [head('Content-Length: 5'), 0.2, 'hello'], $sock . <<'LUA', "nil|socket busy reading\ntrue|hello\n";
local t = ngx.thread.spawn(function() return s:receive(5) end)
show(s:receive(5))
show(ngx.thread.wait(t))
LUA

case 'in an access hook', post('hello'), 'ngx.say(ngx.ctx.got)', "hello\n", hook => <<'LUA';
ngx.ctx.got = assert(ngx.req.socket()):receive(5)
LUA

# --- chunked: OpenResty does not -------------------------------------------------------

case 'chunked', [head('Transfer-Encoding: chunked'), chunks('hello ', 'wor', 'ld')], $sock . <<'LUA', "hello wo\nrld\nnil|closed\n";
show(s:receive(8))
show(s:receive("*a"))
two(s:receive(1))
LUA

case 'chunked, slowly', [head('Transfer-Encoding: chunked'), "3\r\nab", 0.1, "c\r\n", 0.1, "5", "\r\ndefgh\r\n0\r\n", 0.05, "\r\n"],
    $sock . 'show(s:receive("*a"))', "abcdefgh\n";

case 'chunked, broken',
    [head('Transfer-Encoding: chunked'), "3\r\nabc\r\nzzz\r\n"], $sock . <<'LUA', undef, whole => qr/^HTTP\S+ 400|nil\|\w/;
two(s:receive(100))
LUA

case 'chunked, with nothing', [head('Transfer-Encoding: chunked'), "0\r\n\r\n"], <<'LUA', qr/^(?:nil\|no body|nil\|closed)$/;
local s, err = ngx.req.socket()
if not s then show(s, err) else two(s:receive(1)) end
LUA

# --- raw -------------------------------------------------------------------------------

my $upgrade = "GET FILE HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: coral-test\r\n\r\n";
my $switch = <<'LUA';
ngx.status = 101
ngx.header["Upgrade"] = "coral-test"
ngx.header["Connection"] = "Upgrade"
ngx.send_headers()
ngx.flush(true)
local s, err = ngx.req.socket(true)
if not s then ngx.log(ngx.ERR, "no raw socket: ", err) return end
s:settimeout(5000)
LUA

case 'raw, after 101',
    [$upgrade, 0.3, "hello\n", 0.1, "again\n"], $switch .
    <<'LUA', undef, whole => qr{^HTTP/1\.1 101 .*\r\n\r\nyou said hello\nyou said again\n\z}s;
for i = 1, 2 do s:send({ "you said ", s:receive(), "\n" }) end
LUA

case 'raw, what came with the request', [$upgrade . "hello\n"], $switch . <<'LUA', undef, whole => qr{\r\n\r\nyou said hello\n\z}s;
s:send({ "you said ", s:receive(), "\n" })
LUA

case 'raw, both ways at a time',
    [$upgrade, 0.2, (map { ('x' x 100000) } 1 .. 10), "\n"], $switch . <<'LUA', undef, whole => qr{\r\n\r\n(?:yy)+got 1000000\n\z}s;
local reader = ngx.thread.spawn(function()
  local line = s:receive()
  return #line
end)
for i = 1, 100 do assert(s:send(("yy"):rep(1000))) end
local ok, size = ngx.thread.wait(reader)
s:send("got " .. size .. "\n")
LUA

case 'raw: a response by hand',
    ["GET FILE HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"],
    <<'LUA', undef, whole => qr{^HTTP/1\.1 200 By Hand\r\nContent-Length: 3\r\n\r\nabc\z}s;
local s, err = ngx.req.socket(true)
if not s then return show(s, err) end
s:send("HTTP/1.1 200 By Hand\r\nContent-Length: 3\r\n\r\nabc")
LUA

case 'raw: the body by hand', post("hello\nworld"), <<'LUA', undef, whole => qr{^got hello and world\n\z}s;
local s, err = ngx.req.socket(true)
if not s then return show(s, err) end
s:send({ "got ", s:receive(), " and ", s:receive(5), "\n" })
LUA

case 'raw: the client closes',
    [$upgrade, 0.2, 'abc', 'END'], $switch . <<'LUA', undef, log => qr/raw end: nil (?:closed|client aborted) abc/;
local data, err, partial = s:receive(10)
ngx.log(ngx.WARN, "raw end: ", data, " ", err, " ", partial)
LUA

case 'raw: a timeout',
    [$upgrade, 0.2, 'abc', 0.6, "def\n"], $switch . <<'LUA', undef, whole => qr{\r\n\r\nnil timeout abc\ndef\n\z}s;
s:settimeout(300)
local data, err, partial = s:receive(10)
s:send({ tostring(data), " ", err, " ", partial, "\n" })
s:settimeout(5000)
s:send(s:receive() .. "\n")
LUA

case 'raw: between the client and another server',
    [$upgrade, 0.2, 'ping', 0.2, 'pong', 0.2], $switch . <<'LUA', undef, whole => qr{\r\n\r\npingpong\z}s;
local up = ngx.socket.tcp()
up:connect("127.0.0.1", ngx.var.arg_port or PORT)
local down = ngx.thread.spawn(function()
  while true do
    local data = up:receiveany(4096)
    if not data then return end
    s:send(data)
  end
end)
local all = 0
while all < 8 do
  local data = s:receiveany(4096)
  if not data then break end
  all = all + #data
  up:send(data)
end
ngx.sleep(0.1)
LUA

case 'raw: what was said and not sent',
    head('Content-Length: 0'), <<'LUA', undef, log => qr/raw: (?:nil pending data to write|a socket)/;
ngx.say("waits")
local s, err = ngx.req.socket(true)
ngx.log(ngx.WARN, "raw: ", s and "a socket" or "nil " .. err)
LUA

case 'raw, twice', [$upgrade], $switch . <<'LUA', undef, log => qr/second: nil duplicate call/;
local again, err = ngx.req.socket(true)
ngx.log(ngx.WARN, "second: ", again, " ", err)
s:send("x")
LUA

case 'raw: the connection is not kept', [$upgrade, 0.1, "x\n"], $switch . 's:send(s:receive())', undef, whole => qr{\r\n\r\nx\z}s;

# --- run them --------------------------------------------------------------------------

my $config = '';
for my $case (grep { $_->{hook} } @cases) {
    $files{"htdocs/hooked/$case->{file}"} = delete $files{"htdocs/$case->{file}"};
    $files{'htdocs/hooked/.htaccess'} = "<CoralHook access>\n$case->{hook}</CoralHook>\n";
    $case->{file} = "hooked/$case->{file}";
}
s/\bPORT\b/$words{ECHO}/ for values %files;
my $server = Coral::Server->new(config => $config, files => \%files);
ok $server->start, 'the server starts' or die $server->output . $server->error_log;

sub talk {
    my ($case) = @_;
    my $socket = IO::Socket::INET->new('127.0.0.1:' . $server->port) or return 'no connection';
    local $SIG{PIPE} = 'IGNORE';
    my ($answer, $select, $gone) = ('', IO::Select->new($socket));
    for my $piece (map { s{FILE}{/$case->{file}}r } @{ $case->{send} }) {
        if    ($piece eq 'END')           { close $socket; return '' }
        elsif ($piece =~ /^\d*\.\d+$/)    { sleep $piece }
        else                              { print $socket $piece; $socket->flush }
        sysread $socket, $answer, 65536, length $answer if $select->can_read(0);
    }
    1 while $select->can_read(8) && sysread $socket, $answer, 65536, length $answer;
    return $answer;
}

# Of HTTP/1.1, chunked or not.
sub body_of {
    my ($head, $body) = split /\r\n\r\n/, shift, 2;
    return $body // '' unless ($head // '') =~ /^Transfer-Encoding: chunked/mi;
    my $whole = '';
    while ($body =~ s/^([0-9a-fA-F]+)\r\n//) { my $size = hex $1 or last; $whole .= substr $body, 0, $size, ''; $body =~ s/^\r\n// }
    return $whole;
}

for my $case (grep { $_->{name} =~ ($ENV{CORAL_BLOCK} // '.') } @cases) {
    my $log = $server->log;
    my $answer = talk($case);
    if ($case->{log}) { ok $log->wait($case->{log}, 5), $case->{name} or diag $log->text }
    elsif ($case->{whole}) { ok scalar($answer =~ $case->{whole}), $case->{name} or diag substr($answer, 0, 300), $log->text }
    elsif (ref $case->{want}) { like body_of($answer), $case->{want}, $case->{name} or diag $log->text }
    else { is body_of($answer), $case->{want}, $case->{name} or diag $log->text }
}

is $server->get('/0.lua')->code, 200, 'the server is well';
unlike $server->error_log, qr/exit signal/, 'and was all the time';

done_testing;
