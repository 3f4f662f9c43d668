# SPDX-License-Identifier: Apache-2.0
# Lua between handler and client, and between client and handler.
use strict;
use warnings;
use Apache::Test ();
use Coral::Blocks;
use Coral::File qw(write_file);
use Coral::Server;
use IO::Uncompress::Gunzip qw(gunzip);
use Test::More;

my $vars = Apache::Test::vars();
my %lua  = (
    'lua/out.lua' => <<'LUA',
function upper(r)
  coroutine.yield("<begin>")
  while bucket do coroutine.yield(bucket:upper()) end
  coroutine.yield("<end>")
end
function wrap(r)
  coroutine.yield("(")
  while bucket do coroutine.yield(bucket) end
  coroutine.yield(")")
end
function maybe(r)
  if r.headers_in["X-Skip"] then return end
  coroutine.yield("filtered: ")
  while bucket do coroutine.yield(bucket) end
end
function first_only(r)
  coroutine.yield()
  coroutine.yield("[" .. bucket .. "]")
end
function keep_till_end(r)
  local all = {}
  coroutine.yield()
  while bucket do
    all[#all + 1] = bucket
    coroutine.yield()
  end
  coroutine.yield(table.concat(all):reverse())
end
function waits(r)
  ngx.sleep(0.01)
  coroutine.yield("a")
  while bucket do ngx.sleep(0.01) coroutine.yield("b") end
  ngx.sleep(0.01)
  coroutine.yield("c")
end
function wrong(r)
  coroutine.yield()
  while bucket do coroutine.yield({}) end
end
function fails_first(r) error("fails at once") end
function fails_later(r)
  coroutine.yield()
  coroutine.yield(bucket)
  error("fails in the middle")
end
LUA
    'lua/chunk.lua' => 'ngx.arg[1] = ngx.arg[1]:gsub("%d", "#")',
    'lua/chunk_in.lua' => 'ngx.arg[1] = ngx.arg[1]:upper() if ngx.arg[2] then ngx.arg[1] = ngx.arg[1] .. "&LAST=1" end',
    'lua/in.lua' => <<'LUA',
function swap(r)
  coroutine.yield("first=1&")
  while bucket do coroutine.yield((bucket:gsub("cat", "mouse"))) end
  coroutine.yield("&last=2")
end
function maybe(r)
  if r.headers_in["X-Skip"] then return end
  coroutine.yield()
  while bucket do coroutine.yield("x" .. bucket) end
end
function hold(r)
  local all = ""
  coroutine.yield()
  while bucket do all = all .. bucket coroutine.yield() end
  coroutine.yield(all:reverse())
end
function fails(r)
  coroutine.yield()
  error("the input filter fails")
end
LUA
    'lua/a.lua' => 'if ngx.arg[2] then ngx.arg[1] = ngx.arg[1] .. "from a" end',
    'lua/b.lua' => 'if ngx.arg[2] then ngx.arg[1] = ngx.arg[1] .. "from b" end',
    'htdocs/text.txt'   => "text 123\n",
    'htdocs/big.txt'    => join('', map { sprintf "%07d\n", $_ } 1 .. 200_000),
    'htdocs/empty.txt'  => '',
    'htdocs/say.lua'    => 'ngx.say("said") ngx.flush(true) ngx.say("more 4")',
    'htdocs/parts.lua'  => 'for i = 1, 3 do ngx.print("part", i, " ") ngx.flush(true) end',
    'htdocs/echo.lua'   => 'local r = ... ngx.print(ngx.req.get_method(), " ", r:requestbody() or "nothing")',
    'htdocs/form.lua'   => <<'LUA',
ngx.req.read_body()
local args, names = ngx.req.get_post_args(), {}
for name in pairs(args) do names[#names + 1] = name end
table.sort(names)
for _, name in ipairs(names) do ngx.say(name, "=", args[name]) end
LUA
);
my $config = '';
for (qw(upper wrap maybe first_only keep_till_end waits wrong fails_first fails_later)) {
    $config .= "CoralOutputFilter OUT_$_ lua/out.lua $_\n<Location /$_/>\nSetOutputFilter OUT_$_\n</Location>\nAlias /$_/ \@ROOT\@/htdocs/\n";
}
for (qw(swap maybe hold fails)) {
    $config .= "CoralInputFilter IN_$_ lua/in.lua $_\n<Location /in_$_/>\nSetInputFilter IN_$_\n</Location>\nAlias /in_$_/ \@ROOT\@/htdocs/\n";
}
my $server = Coral::Server->new(files => \%lua, config => $config . <<'CONF');
CoralOutputFilter DIGITS lua/chunk.lua
CoralInputFilter UPPER_IN lua/chunk_in.lua
Alias /chunk/ @ROOT@/htdocs/
Alias /two/ @ROOT@/htdocs/
Alias /gzip/ @ROOT@/htdocs/
Alias /in_chunk/ @ROOT@/htdocs/
ProxyPass /proxied/ http://127.0.0.1:@PORT@/
ProxyPass /in_proxied/ http://127.0.0.1:@PORT@/
<Location /chunk/>
    SetOutputFilter DIGITS
</Location>
<Location /two/>
    SetOutputFilter DIGITS;OUT_wrap
</Location>
<Location /gzip/>
    SetOutputFilter OUT_upper;DEFLATE
</Location>
<Location /proxied/>
    SetOutputFilter OUT_upper
</Location>
<Location /in_chunk/>
    SetInputFilter UPPER_IN
</Location>
<Location /in_proxied/>
    SetInputFilter IN_swap
</Location>
<Location /gzip_hook/>
    SetOutputFilter DEFLATE
    CoralHook body_filter lua/chunk.lua
</Location>
Alias /gzip_hook/ @ROOT@/htdocs/
<VirtualHost *:@PORT@>
    ServerName main.test
</VirtualHost>
<VirtualHost *:@PORT@>
    ServerName a.test
    CoralOutputFilter SAME lua/a.lua
    AddOutputFilter SAME txt
</VirtualHost>
<VirtualHost *:@PORT@>
    ServerName b.test
    CoralOutputFilter SAME lua/b.lua
    AddOutputFilter SAME txt
</VirtualHost>
<VirtualHost *:@PORT@>
    ServerName neither.test
    AddOutputFilter SAME txt
</VirtualHost>
CONF
ok $server->start, 'a server with filters starts' or diag $server->output, $server->error_log;

# Like is(), but does not print a megabyte.
sub same {
    my ($got, $want, $name) = @_;
    length $want < 500 ? is $got, $want, $name : ok $got eq $want, $name or diag length $got, ' bytes for ', length $want, ': ', substr $got, 0, 60;
}

sub says {
    my ($path, $want, $name, @headers) = @_;
    my $response = $server->get($path, @headers);
    is $response->code, 200, "$name: code";
    same $response->content, $want, $name;
    return $response;
}

# Output, mod_lua's way.
says '/upper/text.txt', "<begin>TEXT 123\n<end>", 'prefix, pieces, suffix';
says '/upper/say.lua', "<begin>SAID\nMORE 4\n<end>", 'on a script';
says '/upper/empty.txt', '<begin><end>', 'on nothing at all';
is $server->get('/upper/missing.txt')->code, 404, 'an error page is sent as ever';
my $big = says '/upper/big.txt', "<begin>$lua{'htdocs/big.txt'}<end>", 'on a big file';
is $big->header('Content-Length') // length $big->content, length $big->content, 'no length that is not true';
says '/maybe/text.txt', "filtered: text 123\n", 'a filter that wants to';
says '/maybe/text.txt', "text 123\n", 'one that returns lets everything pass', 'X-Skip' => 1;
says '/first_only/parts.lua', '[part1 ]part2 part3 ', 'one that returns early lets the rest pass';
says '/keep_till_end/parts.lua', ' 3trap 2trap 1trap', 'all kept to the end';
says '/keep_till_end/big.txt', scalar reverse($lua{'htdocs/big.txt'}), 'also of a big file';
like $server->get('/waits/parts.lua')->content, qr/^ab+c$/, 'a filter may sleep';
says '/proxied/text.txt', "<begin>TEXT 123\n<end>", 'on what comes from a proxy';
says '/proxied/big.txt', "<begin>$lua{'htdocs/big.txt'}<end>", 'also much of it';
my $zipped = $server->get('/gzip/big.txt', 'Accept-Encoding' => 'gzip');
my $text;
gunzip \$zipped->content => \$text;
is $zipped->header('Content-Encoding'), 'gzip', 'mod_deflate comes after';
same $text, "<begin>$lua{'htdocs/big.txt'}<end>", 'and packs what the filter made';
$zipped = $server->get('/gzip_hook/text.txt', 'Accept-Encoding' => 'gzip');
gunzip \$zipped->content => \$text;
is $text, "text ###\n", 'body_filter comes before mod_deflate';
my $head = $server->ask(HEAD => '/upper/text.txt');
is $head->code, 200, 'HEAD';
isnt $head->header('Content-Length') // '', 9, 'HEAD tells no old length';

# Output, as a chunk.
says '/chunk/text.txt', "text ###\n", 'a chunk';
says '/chunk/big.txt', $lua{'htdocs/big.txt'} =~ tr/0-9/#/r, 'a chunk on a big file';
says '/two/text.txt', "(text ###\n)", 'two filters';

# The same name in two virtual hosts.
says '/text.txt', "text 123\nfrom a", 'the filter of one host', Host => 'a.test';
says '/text.txt', "text 123\nfrom b", 'the filter of the other', Host => 'b.test';
says '/text.txt', "text 123\n", 'a host that has no filter of that name', Host => 'neither.test';

# Input.
sub posted {
    my ($path, $body, $want, $name, @headers) = @_;
    my $response = $server->ask(POST => $path, body => $body, headers => \@headers);
    is $response->code, 200, "$name: code";
    same $response->content, $want, $name;
}
posted '/in_swap/form.lua', 'pet=cat', "first=1\nlast=2\npet=mouse\n", 'a form through an input filter';
posted '/in_swap/echo.lua', 'pet=cat', 'POST first=1&pet=mouse&last=2', 'prefix, pieces, suffix of a body';
posted '/in_hold/echo.lua', 'abc', 'POST cba', 'a filter that holds all to the end';
posted '/in_maybe/echo.lua', 'abc', 'POST xabc', 'an input filter that wants to';
posted '/in_maybe/echo.lua', 'abc', 'POST abc', 'one that returns lets the body pass', 'X-Skip' => 1;
posted '/in_chunk/echo.lua', 'a=b', 'POST A=B&LAST=1', 'a chunk as input filter';
posted '/in_proxied/echo.lua', 'pet=cat', 'POST first=1&pet=mouse&last=2', 'a body on its way through a proxy';
posted '/in_maybe/echo.lua', 'a' x 500_000, 'POST ' . 'a' x 500_000, 'a big body', 'X-Skip' => 1;
posted '/in_hold/echo.lua', 'ab' x 250_000, 'POST ' . 'ba' x 250_000, 'a big body, held to the end';
is $server->get('/in_swap/text.txt')->code, 200, 'an input filter does no harm to a GET';

# What fails.
sub fails {
    my ($path, $code, $words, $name, %ask) = @_;
    my $log = $server->log;
    my $response = $server->ask($ask{method} || 'GET', $path, %ask);
    is $response->code, $code, "$name: code";
    ok $log->wait(qr/filter \S+ \S+ .*\Q$words\E/), "$name: logged" or diag $log->text;
    unlike $response->content, qr/out\.lua|\Q$words\E|traceback/, "$name: the client sees nothing of it";
    is $server->get('/text.txt')->content, "text 123\n", "$name: the server goes on";
    return $response;
}
fails '/fails_first/text.txt', 500, 'fails at once', 'a filter that fails before the headers';
fails '/wrong/text.txt', 500, 'table', 'a filter that yields a table';
fails '/in_fails/echo.lua', 500, 'the input filter fails', 'an input filter that fails', method => 'POST', body => 'abc';

sub cut {
    my ($path, $name) = @_;
    my $log = $server->log;
    my $raw = $server->raw("GET $path HTTP/1.1\r\nHost: x\r\n\r\nGET /text.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    like $raw, qr/^HTTP\/1\.1 200 /, "$name: it had begun";
    unlike $raw, qr/\r\n0\r\n/, "$name: no last chunk";
    is scalar(() = $raw =~ m{HTTP/1\.1 }g), 1, "$name: the connection is closed";
    unlike $raw, qr/500|Internal|traceback/, "$name: no error page in the middle of it";
    return $raw;
}
like cut('/fails_later/parts.lua', 'a filter that fails later'), qr/part1/, 'what was good has been sent';

$server->stop;

# What httpd has already is not taken from it.
my ($status, $output) = Coral::Server->new(files => \%lua, config => "CoralOutputFilter CHUNK lua/chunk.lua\n")->configtest;
isnt $status, 0, 'the name of a filter of httpd is refused';
like $output, qr/line 1 .*CHUNK/s, 'and that is explained';

# HTTP/2 has another way to say it.
SKIP: {
    skip 'no HTTP/2 under prefork', 2 if $vars->{coral_mpm} eq 'prefork';
    my $dir = "$vars->{documentroot}/engine-filter-cut";
    write_file("$dir/.htaccess", "CoralHook body_filter fail.lua\n");
    write_file("$dir/fail.lua", 'ngx.ctx.n = (ngx.ctx.n or 0) + 1 if ngx.ctx.n == 2 then error("cut here") end');
    write_file("$dir/main.lua", 'for i = 1, 3 do ngx.print(("x"):rep(1000)) ngx.flush(true) ngx.sleep(0.2) end');
    local $Apache::TestRequest::Module = 'tls';
    my $url = 'https://' . Apache::TestRequest::hostport() . '/engine-filter-cut/main.lua';
    my $said = qx(curl -sk --http2 --noproxy '*' --max-time 20 -o /dev/null -w '%{http_code}' '$url');
    isnt $? >> 8, 0, 'HTTP/2: the stream is reset';
    is $said, '200', 'HTTP/2: after it had begun';
}

run_blocks;
__DATA__
=== header_filter adds, changes and takes away
--- htaccess
CoralHook header_filter filter.lua
--- file filter.lua
ngx.header["X-Added"] = "yes"
ngx.header["X-Old"] = "changed"
ngx.header["X-Gone"] = nil
ngx.header.content_type = "text/x-test"
--- lua
ngx.header["X-Old"] = "1"
ngx.header["X-Gone"] = "1"
ngx.say("body")
--- body
body
--- header
X-Added: yes
X-Old: changed
Content-Type: text/x-test
--- header_absent X-Gone

=== header_filter runs once, however often the script flushes
--- htaccess
CoralHook header_filter filter.lua
--- file filter.lua
ngx.ctx.times = (ngx.ctx.times or 0) + 1
ngx.header["X-Times"] = tostring(ngx.ctx.times)
--- lua
for i = 1, 3 do ngx.print(i) ngx.flush(true) end
ngx.print(ngx.ctx.times)
--- header X-Times: 1
--- body: 1231

=== header_filter as a function of a file, with r
--- htaccess
CoralHook header_filter filter.lua mark
--- file filter.lua
function mark(r) r.headers_out["X-Uri"] = r.uri:match("[^/]+$") end
--- lua
ngx.print("x")
--- header X-Uri: main.lua

=== header_filter sees the status and may change it
--- htaccess
CoralHook header_filter filter.lua
--- file filter.lua
if ngx.status == 201 then ngx.status = 202 end
--- lua
ngx.status = 201
ngx.print("x")
--- code 202
--- body: x

=== header_filter of a static file
--- htaccess
CoralHook header_filter filter.lua
--- file filter.lua
ngx.header["X-Length"] = ngx.header["Content-Length"]
--- file a.txt
static
--- request GET a.txt
--- header
X-Length: 7
Content-Length: 7
--- body
static

=== header_filter of an error page
--- htaccess
CoralHook header_filter filter.lua
--- file filter.lua
ngx.header["X-Status"] = tostring(ngx.status)
--- request GET missing.txt
--- code 404
--- header X-Status: 404

=== header_filter of a HEAD request
--- htaccess
CoralHook header_filter filter.lua
--- file filter.lua
ngx.header["X-Added"] = "yes"
--- lua
ngx.say("x")
--- request HEAD
--- header X-Added: yes
--- body eval
''

=== header_filter of an answer without a body
--- htaccess
CoralHook header_filter filter.lua
--- file filter.lua
ngx.header["X-Added"] = "yes"
--- lua
ngx.exit(204)
--- code 204
--- header X-Added: yes

=== header_filter of a redirect
--- htaccess
CoralHook header_filter filter.lua
--- file filter.lua
ngx.header["X-Added"] = "yes"
--- lua
ngx.redirect("/elsewhere")
--- code 302
--- header X-Added: yes
--- header_like Location: /elsewhere$

=== header_filter can not write
--- htaccess
CoralHook header_filter filter.lua
--- file filter.lua
ngx.say("no")
--- lua
ngx.say("x")
--- code 500
--- error_log
hook header_filter
cannot be written in phase header_filter

=== header_filter that fails
--- htaccess
CoralHook header_filter filter.lua
--- file filter.lua
error("broken header_filter")
--- lua
ngx.say("secret")
--- code 500
--- body_like ^(?!.*(?:secret|broken header_filter)).*Internal Server Error
--- error_log
hook header_filter
filter.lua:1: broken header_filter

=== body_filter
--- htaccess
CoralHook body_filter filter.lua
--- file filter.lua
ngx.arg[1] = ngx.arg[1]:upper()
--- lua
ngx.say("small")
--- body
SMALL

=== body_filter sees the content piece by piece, the last one marked
--- htaccess
CoralHook body_filter filter.lua
--- file filter.lua
ngx.arg[1] = ("[%s %s]"):format(ngx.arg[1], ngx.arg[2])
--- lua
for i = 1, 3 do ngx.print("p", i) ngx.flush(true) end
--- body: [p1 false][p2 false][p3 false][ true]

=== body_filter drops a piece
--- htaccess
CoralHook body_filter filter.lua
--- file filter.lua
if ngx.arg[1]:find("2") then ngx.arg[1] = nil end
--- lua
for i = 1, 3 do ngx.print("p", i) ngx.flush(true) end
--- body: p1p3

=== body_filter drops everything
--- htaccess
CoralHook body_filter filter.lua
--- file filter.lua
ngx.arg[1] = ""
--- lua
for i = 1, 3 do ngx.print("p", i) ngx.flush(true) end
--- body eval
''

=== body_filter ends the response early
--- htaccess
CoralHook body_filter filter.lua
--- file filter.lua
if ngx.arg[1]:find("2") then ngx.arg[2] = true end
--- lua
for i = 1, 3 do ngx.print("p", i) ngx.flush(true) end
--- body: p1p2

=== body_filter makes much of little
--- htaccess
CoralHook body_filter filter.lua
--- file filter.lua
ngx.arg[1] = ngx.arg[1]:rep(100000)
--- lua
ngx.print("0123456789")
--- body eval
'0123456789' x 100_000

=== body_filter takes a list of strings
--- htaccess
CoralHook body_filter filter.lua
--- file filter.lua
if ngx.arg[1] ~= "" then ngx.arg[1] = { "a", "b", "c" } end
--- lua
ngx.print("x")
--- body: abc

=== body_filter: ngx.ctx lasts from the content to the end, globals do not
--- htaccess
CoralHook body_filter filter.lua
--- file filter.lua
count = (count or 0) + 1
ngx.ctx.calls = (ngx.ctx.calls or 0) + 1
if ngx.arg[2] then ngx.arg[1] = ngx.arg[1] .. ngx.ctx.calls .. count .. ngx.ctx.said end
--- lua
ngx.ctx.said = "!"
for i = 1, 3 do ngx.print(".") ngx.flush(true) end
--- body: ...41!

=== body_filter may wait
--- htaccess
CoralHook body_filter filter.lua
--- file filter.lua
ngx.sleep(0.01)
ngx.arg[1] = ngx.arg[1]:upper()
--- lua
for i = 1, 3 do ngx.print("p", i) ngx.flush(true) end
--- body: P1P2P3

=== body_filter as a function
--- htaccess
CoralHook body_filter filter.lua shout
--- file filter.lua
function shout(r) ngx.arg[1] = ngx.arg[1]:upper() end
--- lua
ngx.print("quiet")
--- body: QUIET

=== body_filter inline
--- htaccess
<CoralHook body_filter>
  ngx.arg[1] = ngx.arg[1]:upper()
</CoralHook>
--- lua
ngx.print("quiet")
--- body: QUIET

=== body_filter on a big file, in pieces that are not big
--- htaccess
CoralHook body_filter filter.lua
--- file filter.lua
local ctx, piece = ngx.ctx, ngx.arg[1]
ctx.sum, ctx.most = (ctx.sum or 0) + #piece, math.max(ctx.most or 0, #piece)
ngx.arg[1] = ngx.arg[2] and ("%d in pieces of at most 100000: %s"):format(ctx.sum, ctx.most <= 100000) or nil
--- file big.txt eval
'0123456789' x 300_000
--- request GET big.txt
--- body: 3000000 in pieces of at most 100000: true

=== body_filter and a range: never the length of what was before
--- htaccess
CoralHook body_filter filter.lua
--- file filter.lua
ngx.arg[1] = ngx.arg[1]:upper()
--- file a.txt
0123456789abcdefghij
--- request GET a.txt
--- more_headers
Range: bytes=10-12
--- code 206
--- body: ABC

=== body_filter and HEAD
--- htaccess
CoralHook body_filter filter.lua
--- file filter.lua
ngx.arg[1] = ngx.arg[1] .. "more"
--- file a.txt
0123
--- request HEAD a.txt
--- body eval
''

=== body_filter with a page put together by SSI, which asks for a script
--- htaccess
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
CoralHook header_filter header.lua
<Files page.shtml>
    CoralHook body_filter filter.lua
</Files>
--- file header.lua
ngx.header["X-Seen"] = (ngx.header["X-Seen"] or "") .. "x"
--- file filter.lua
if ngx.arg[2] then ngx.arg[1] = ngx.arg[1] .. "!" end
--- file page.shtml
a <!--#include virtual="part.lua?n=2" --> c
--- file part.lua
ngx.print("b", ngx.var.arg_n, ngx.is_subrequest and " sub" or "")
--- request GET page.shtml
--- body eval
"a b2 sub c\n!"
--- header X-Seen: x

=== body_filter of an ErrorDocument
--- htaccess
ErrorDocument 404 @URL@/sorry.txt
CoralHook body_filter filter.lua
--- file filter.lua
ngx.arg[1] = ngx.arg[1]:upper()
--- file sorry.txt
sorry
--- request GET missing.txt
--- code 404
--- body
SORRY

=== body_filter that fails before anything is out
--- htaccess
CoralHook body_filter filter.lua
--- file filter.lua
error("broken body_filter")
--- lua
ngx.say("secret")
--- code 500
--- body_like ^(?!.*(?:secret|broken body_filter)).*Internal Server Error
--- error_log
hook body_filter
filter.lua:1: broken body_filter

=== body_filter that leaves what no client can read
--- htaccess
CoralHook body_filter filter.lua
--- file filter.lua
ngx.arg[1] = print
--- lua
ngx.say("x")
--- code 500
--- error_log
ngx.arg[1] is a function

=== body_filter: a file that does not compile
--- htaccess
CoralHook body_filter filter.lua
--- file filter.lua
this is not Lua
--- lua
ngx.say("x")
--- code 500
--- error_log
filter.lua:1: syntax error

=== two body_filters, from above and from here
--- htaccess
CoralHook body_filter above.lua
--- file above.lua
ngx.arg[1] = ngx.arg[1]:gsub("b", "c")
--- file deep/.htaccess
CoralInherit before
CoralHook body_filter here.lua
--- file deep/here.lua
ngx.arg[1] = ngx.arg[1]:gsub("c", "d")
--- file deep/main.lua
ngx.print("abc")
--- request GET deep/main.lua
--- body: add

=== a filter of a directory takes the place of the one above
--- again
--- file deep/.htaccess
CoralHook body_filter here.lua
--- request GET deep/main.lua
--- body: abd

=== insert_filter adds a filter
--- htaccess
CoralHook insert_filter add.lua
--- file add.lua
local r = ...
r:add_output_filter("DEFLATE")
--- lua
ngx.print(("a"):rep(1000))
--- more_headers
Accept-Encoding: gzip
--- header Content-Encoding: gzip

=== insert_filter that fails
--- htaccess
CoralHook insert_filter add.lua
--- file add.lua
error("broken insert_filter")
--- lua
ngx.print("secret")
--- code 500
--- body_like ^(?!.*(?:secret|broken insert_filter)).*Internal Server Error
--- error_log
add.lua:1: broken insert_filter
