# SPDX-License-Identifier: Apache-2.0
# Bodies that are in a file, or that a script has put in the place of the client's, and who reads them afterwards.
use strict;
use warnings;
use Coral::Server;
use Digest::MD5 'md5_hex';
use IO::Socket::INET;
use Test::More;
use Time::HiRes 'sleep';

chomp(my $modules = qx($ENV{APXS} -q LIBEXECDIR));
my $cgi = "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n%s %s ' \"\$REQUEST_METHOD\" \"\${CONTENT_LENGTH-none}\"\nmd5sum | cut -c1-32\n";

# What a hook does with the body before others get it.
my %hooks = (
    read    => 'ngx.req.read_body()',
    data    => 'ngx.req.read_body() ngx.req.set_body_data("put by lua")',
    empty   => 'ngx.req.read_body() ngx.req.set_body_data("")',
    file    => 'ngx.req.read_body() ngx.req.set_body_file("@ROOT@/given.txt")',
    discard => 'ngx.req.discard_body()',
    built   => 'ngx.req.read_body() ngx.req.init_body(5) for i = 1, 4 do ngx.req.append_body("piece " .. i .. "\n") end ngx.req.finish_body()',
    some    => 'ngx.req.socket():receive(3) ngx.req.init_body() ngx.req.append_body("instead") ngx.req.finish_body()',
    upper   => 'local s = ngx.req.socket() ngx.req.init_body(100) while true do local d, err, part = s:receive(1000) '
        . 'ngx.req.append_body((d or part):upper()) if not d then break end end ngx.req.finish_body()',
    post    => 'ngx.req.set_method(ngx.HTTP_POST) ngx.req.read_body() ngx.req.set_body_data("made up")',
);

sub place {
    my ($name, $lines) = @_;
    return "Alias /$name/ \@ROOT\@/htdocs/\n<Location /$name/>\n$lines\n</Location>\nProxyPass /$name-proxy/ http://127.0.0.1:\@PORT\@/\n"
        . "<Location /$name-proxy/>\n$lines\n</Location>\n";
}

my $server = Coral::Server->new(
    config => join('', <<CONF, map { place($_, "<CoralHook fixup>\n$hooks{$_}\n</CoralHook>") } sort keys %hooks),
LoadModule cgi_module $modules/mod_cgi.so
CoralBodyTempPath \@ROOT\@/bodies
CoralBodyBufferSize 1k
<Directory "\@ROOT\@/htdocs">
  AddHandler cgi-script .cgi
</Directory>
@{[ place('clean', 'CoralBodyInFileOnly clean') ]}
@{[ place('stays', 'CoralBodyInFileOnly on') ]}
@{[ place('need', "CoralNeedRequestBody on\n<CoralHook access>\nngx.ctx.had = ngx.req.get_body_data() or ngx.req.get_body_file() and 'in a file' or 'none'\n</CoralHook>") ]}
CoralInputFilter louder "\@ROOT\@/louder.lua"
@{[ place('filtered', "SetInputFilter louder\n<CoralHook access>\nngx.req.read_body()\n</CoralHook>") ]}
@{[ place('nowhere', 'CoralBodyTempPath @ROOT@/gone') ]}
CONF
    files => {
        'bodies/.keep'     => '',
        'gone/.keep'       => '',
        'louder.lua'       => 'ngx.arg[1] = ngx.arg[1]:upper()',
        'given.txt'        => 'given in a file',
        'htdocs/md5.cgi'   => $cgi,
        'htdocs/plain.txt' => 'static',
        'htdocs/exec.lua'  => 'ngx.req.read_body() ngx.exec("/md5.cgi")',
        'htdocs/execput.lua' => 'ngx.req.read_body() ngx.req.set_body_data("for the next") ngx.exec(ngx.var.arg_to)',
        'htdocs/echo.lua'  => 'ngx.req.read_body() local b, f = ngx.req.get_body_data(), ngx.req.get_body_file() '
            . 'ngx.print(b and #b or "nil", " ", f and io.open(f, "rb"):read "a":len() or "nil", " ", ngx.var.content_length or "none", " ", ngx.ctx.had)',
        'htdocs/r.lua'    => 'local r = ... local b = r:requestbody() or "" ngx.print(#b, " ", ngx.md5(b))',
        'htdocs/name.lua' => <<'LUA',
ngx.req.read_body()
local function count() local n = 0 for name in io.popen("ls @ROOT@/bodies"):lines() do n = n + 1 end return n end
local before = count()
local name = ngx.req.get_body_file()
ngx.say(before, " ", count(), " ", name:find("@ROOT@/bodies/coral_body_", 1, true) == 1, " ", name == ngx.req.get_body_file(), " ",
  ngx.req.get_body_data(), " ", io.open(name):read "a" == ("x"):rep(5000))
ngx.req.set_body_data("small")
ngx.say(count(), " ", ngx.req.get_body_file(), " ", ngx.req.get_body_data())
LUA
        'htdocs/keep.lua' => 'ngx.req.read_body() ngx.ctx.name = ngx.req.get_body_file() ngx.print(ngx.ctx.name)',
        'htdocs/kill.lua' => 'ngx.req.read_body() os.execute("kill -9 " .. ngx.worker.pid())',
        'htdocs/form.lua' => 'ngx.req.read_body() local a, err = ngx.req.get_post_args() ngx.print(a and a.k and #a.k or "none", " ", a and a.l or "nil", " ", err)',
        'htdocs/clean.lua' => <<'LUA',
local function write(name) local f = assert(io.open("@ROOT@/bodies/" .. name, "w")) f:write("from ", name) f:close() return "@ROOT@/bodies/" .. name end
local function there(name) return io.open("@ROOT@/bodies/" .. name) and "there" or "gone" end
ngx.req.read_body()
ngx.req.set_body_file(write "a", true)
ngx.say(ngx.req.get_body_file():match "[^/]+$", " ", ngx.req.get_body_data(), " ", there "a", " ", ngx.var.content_length)
ngx.req.set_body_file(write "b")
ngx.say(there "a", " ", there "b")
ngx.req.set_body_file(write "c", true)
ngx.say(there "b", " ", there "c")
for _, bad in ipairs { "@ROOT@/nothing", "@ROOT@/bodies", "a\0b", "" } do ngx.say((select(2, pcall(ngx.req.set_body_file, bad)):gsub("to '.-'", "to 'set_body_file'"))) end
for _, bad in ipairs { 1, "x", {} } do ngx.say((pcall(ngx.req.set_body_file, "@ROOT@/bodies/c", bad))) end
ngx.say((pcall(ngx.req.set_body_file)), (pcall(ngx.req.set_body_file, "a", true, 3)))
ngx.say(ngx.req.get_body_file():match "[^/]+$")
LUA
        'htdocs/large.lua' => <<'LUA',
local function resident() return tonumber(io.open("/proc/self/status"):read "a":match "VmRSS:%s*(%d+)") end
local before = resident()
ngx.req.read_body()
local grown = resident() - before
ngx.req.init_body(4096)
for i = 1, 2000 do ngx.req.append_body(("y"):rep(10000)) end
ngx.req.finish_body()
ngx.print(grown < 20000 and "small " or grown, resident() - before < 20000 and "small " or resident() - before, ngx.var.content_length)
LUA
    },
);
$server->write('htdocs/md5.cgi', $cgi);
chmod 0755, $server->root . '/htdocs/md5.cgi';
chmod 0777, $server->root . '/bodies';
ok $server->start, 'starts' or diag $server->output, $server->error_log;
my $large = 'x' x 5000;

sub post { my ($path, $body, %more) = @_; return $server->ask(POST => $path, body => $body, %more)->content =~ s/\s+\z//r }
sub chunked { my $path = shift; return $server->raw("POST $path HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n" . join('', map({ sprintf "%x\r\n%s\r\n", length, $_ } @_), "0\r\n\r\n")) }
sub left { my @names = glob $server->root . '/bodies/*'; return scalar @names }
sub all_gone { for (1 .. 250) { return 1 if !left(); sleep 0.02 } return 0 }

# --- in memory or in a file ------------------------------------------------------------

is post('/echo.lua', 'x' x 1024), '1024 nil 1024 nil', 'a body of the size of the buffer is in memory';
is post('/echo.lua', 'x' x 1025), 'nil 1025 1025 nil', 'a larger one is in a file';
like chunked('/echo.lua', 'x' x 600, 'y' x 600), qr/\r\n\r\nnil 1200 none nil\z/, 'in chunks';
is $server->get('/echo.lua')->content, 'nil nil none nil', 'none is nowhere';
is post('/r.lua', $large), '5000 ' . md5_hex($large), 'r:requestbody() has all of it';
is post('/clean/echo.lua', 'abc'), 'nil 3 3 nil', 'CoralBodyInFileOnly clean: always in a file';
is $server->get('/clean/echo.lua')->content, 'nil nil none nil', 'but for none';
is post('/name.lua', $large), "0 1 true true nil true\n0 nil small", 'a file has a name when it is asked for, until the body is replaced';
ok all_gone(), 'files are gone with their requests';
my $name = post('/keep.lua', $large);
ok all_gone(), "$name too";
$name = post('/stays/keep.lua', 'abc');
is -s $name, 3, 'CoralBodyInFileOnly on: the file stays';
is +(stat $name)[2] & 0777, 0600, 'for the eyes of its owner';
unlink $name;
is post('/need/echo.lua', 'abc'), '3 nil 3 3' =~ s/3\z/abc/r, 'CoralNeedRequestBody';
is post('/need/echo.lua', $large), 'nil 5000 5000 in a file', 'of a larger one';
is $server->get('/need/echo.lua')->content, 'nil nil none none', 'of none';
is post('/form.lua', 'k=' . 'v' x 4000 . '&l=1'), '4000 1 nil', 'a form in a file';
is post('/form.lua', 'k=' . 'v' x 8_400_000), 'none nil request body in temp file not supported', 'eight megabytes are no form';
is post('/clean.lua', 'x'), <<END . 'c', 'set_body_file';
a nil there 6
gone there
there there
open() "@{[ $server->root ]}/nothing" failed (No such file or directory)
open() "@{[ $server->root ]}/bodies" failed (Is a directory)
bad argument #1 to 'set_body_file' (the string may hold no NUL)
open() "" failed (No such file or directory)
false
false
false
falsefalse
END
for (1 .. 250) { last if left() < 2; sleep 0.02 }
is join(' ', map { s{.*/}{}r } glob $server->root . '/bodies/*'), 'b', 'one that is to be cleaned is gone, the other is not';
unlink $server->root . '/bodies/b';
SKIP: {
    skip 'the sanitizers keep memory back', 1 if $ENV{CORAL_SANITIZED};
    is post('/large.lua', 'x' x 30_000_000), 'small small 20000000', 'thirty megabytes take no memory';
}

rmdir $server->root . '/gone' if unlink $server->root . '/gone/.keep';
my $log = $server->log;
is $server->ask(POST => '/nowhere/echo.lua', body => $large)->code, 500, 'no folder for the file is a 500';
ok $log->wait(qr/cannot write a request's body to a file in \S+gone \(CoralBodyTempPath\)/), 'and is logged';

# --- for others ------------------------------------------------------------------------

my %want = (read => $large, data => 'put by lua', empty => '', file => 'given in a file', discard => '',
    built => "piece 1\npiece 2\npiece 3\npiece 4\n", some => 'instead', upper => uc $large);
for my $how (sort keys %want) {
    my ($text, $length) = ($want{$how}, $how =~ /discard/ ? 5000 : length $want{$how});
    is post("/$how/md5.cgi", $large), "POST $length " . md5_hex($text), "$how: CGI";
    next if $how eq 'discard';    # its length does not fit any more
    is post("/$how-proxy/r.lua", $large), length($text) . ' ' . md5_hex($text), "$how: mod_proxy";
    my $answer = chunked("/$how/md5.cgi", map { 'x' x 1000 } 1 .. 5);
    like $answer, qr/POST \w+ (?:\r\n21\r\n)?@{[ md5_hex($text) ]}/, "$how: CGI, of one in chunks" or diag $answer;
    like $answer, qr/POST @{[ length $text ]} /, "$how: and its length is known" if $how ne 'read';
}
is $server->get('/post/md5.cgi')->content, 'POST 7 ' . md5_hex('made up') . "\n", 'a body where there was none';
is post('/exec.lua', $large), 'POST 5000 ' . md5_hex($large), 'ngx.exec takes the body along, to a CGI script';
is post('/execput.lua?to=/md5.cgi', $large), 'POST 12 ' . md5_hex('for the next'), 'one that was put in its place, too';
is post('/execput.lua?to=/exec.lua', $large), 'POST 12 ' . md5_hex('for the next'), 'twice';
is post('/execput.lua?to=/r.lua', $large), '12 ' . md5_hex('for the next'), 'and to Lua';

is post('/filtered/md5.cgi', $large), 'POST 5000 ' . md5_hex(uc $large), 'filters that come later see it, too';
is post('/filtered/r.lua', $large), '5000 ' . md5_hex($large), 'Lua keeps what it has';

# What nobody reads is not taken for the next request.
for my $path ('/some/r.lua', '/discard/plain.txt', '/discard/md5.cgi', '/data/plain.txt', '/read/plain.txt', '/upper/plain.txt') {
    my $answer = $server->raw("POST $path HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n${large}GET /plain.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    like $answer, qr/\AHTTP\S+ [24].*HTTP\S+ 200 .*static\z/s, "$path: the next request is the next request" or diag $answer;
}

# --- who goes away, who waits ----------------------------------------------------------

for my $path ('/echo.lua', '/read/md5.cgi', '/discard/plain.txt') {
    my $socket = IO::Socket::INET->new('127.0.0.1:' . $server->port);
    print $socket "POST $path HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\n$large";
    sleep 0.1;
    close $socket;
}
my $socket = IO::Socket::INET->new('127.0.0.1:' . $server->port);
print $socket "POST /discard/plain.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\nExpect: 100-continue\r\n\r\n";
my $answer = join '', <$socket>;
like $answer, qr/\AHTTP\S+ 200/, 'who asks whether to send what will be discarded is not told to, and the connection ends';
ok all_gone(), 'nothing is left of them';

$socket = IO::Socket::INET->new('127.0.0.1:' . $server->port);
print $socket "POST /kill.lua HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\nConnection: close\r\n\r\n$large";
() = <$socket>;
is left(), 0, 'nor of a process that was killed';
is $server->get('/plain.txt')->content, 'static', 'the server goes on';
$server->stop;

# --- what the configuration says -------------------------------------------------------

for my $case (['CoralBodyBufferSize much', qr/"much" is not a size/], ['CoralBodyInFileOnly maybe', qr/CoralBodyInFileOnly is on, clean or off/],
    ['CoralBodyTempPath /no/such/folder', qr{/no/such/folder is not a folder}]) {
    my ($status, $text) = Coral::Server->new(config => "$case->[0]\n")->configtest;
    ok $status && $text =~ $case->[1], $case->[0] or diag $text;
}
unlike $server->error_log =~ s/exit signal Killed//r, qr/exit signal/, 'no crash';
done_testing;
