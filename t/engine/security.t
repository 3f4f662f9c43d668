# SPDX-License-Identifier: Apache-2.0
# What an attacker would try: a client from outside, and a script with its API from inside.
use strict;
use warnings;
use Apache::Test ();
use Coral::Server;
use Coral::Blocks;
use Test::More;

my $server = Coral::Server->new(config => <<'CONF', files => {
CoralReload stat 0
CoralApp /app @ROOT@/lua/app.lua handler
CoralMapHandler ^/map/(.+)$ lua/mapped/$1.lua
CoralMapHandler ^/call/(\w+)$ lua/calls.lua call_$1
<Location /app/secret>
    Require all denied
</Location>
<LocationMatch "^/app/.*\.key$">
    Require all denied
</LocationMatch>
<Location /hook>
    CoralHook content lua/declines.lua
</Location>
<Directory "@ROOT@/htdocs/hook/closed">
    Require all denied
</Directory>
<Files "*.inc">
    Require all denied
</Files>
<Directory "@ROOT@/htdocs/none">
    AllowOverride None
</Directory>
<Directory "@ROOT@/htdocs/indexes">
    AllowOverride Indexes
</Directory>
<Directory "@ROOT@/htdocs/auth">
    AllowOverride AuthConfig
</Directory>
<Directory "@ROOT@/htdocs/fileinfo">
    AllowOverride FileInfo
</Directory>
CONF
    'lua/app.lua'      => 'return function(r) r:puts("app ", r.uri) end',
    'lua/declines.lua' => 'return require("coral").DECLINED',
    'lua/outside.lua'  => 'ngx.print("SECRET outside")',
    'lua/mapped/in.lua' => 'ngx.print("mapped")',
    'lua/calls.lua'    => 'function call_public() ngx.print("public") end function private() ngx.print("SECRET") end',
    'htdocs/source.lua'  => "-- SECRET source\nngx.print('ran')",
    'htdocs/hook/open/page.txt'   => "open\n",
    'htdocs/hook/closed/page.txt' => "SECRET closed\n",
    'htdocs/hook/page.inc'        => "SECRET inc\n",
    (map { ("htdocs/$_/page.txt" => "page\n", "htdocs/$_/fix.lua" => 'ngx.header["X-Fix"] = "ran"') } qw(none indexes auth fileinfo)),
    'htdocs/none/.htaccess'     => "CoralHook fixup fix.lua\n",
    'htdocs/indexes/.htaccess'  => "CoralHook fixup fix.lua\n",
    'htdocs/auth/.htaccess'     => "CoralHook access fix.lua\n",
    'htdocs/fileinfo/.htaccess' => "CoralHook fixup fix.lua\n",
});
ok $server->start, 'starts' or diag $server->output, $server->error_log;
sub raw { $server->raw("GET $_[0] HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") }

# The source of a script is never sent.
for my $path ('/source.lua', '/source.lua/', '/source.lua/x', '/source%2elua', '/./source.lua', '//source.lua', '/x/../source.lua',
    '/source.lua?', '/source.lua%00', '/source.lua%00.txt', '/source.lua.', '/source.LUA', '/source.lua%20', '/source.lua::$DATA', '/source.lua;x') {
    unlike raw($path), qr/SECRET/, "no source by $path";
}
for my $method (qw(GET HEAD POST PUT DELETE OPTIONS PATCH PROPFIND MOVE ODD)) {
    unlike $server->raw("$method /source.lua HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"), qr/SECRET/, "nor with $method";
}
unlike $server->raw("GET /source.lua HTTP/1.1\r\nHost: x\r\nConnection: close\r\nRange: bytes=0-5\r\n\r\n"), qr/SECRET/, 'nor by a range';

# Nothing gets past a Require.
for my $path ('/app/secret', '/app/secret/x', '/app//secret', '/app/./secret', '/app/x/../secret', '/app/%73ecret', '//app/secret', '/app/x.key', '/app/%78.key') {
    unlike raw($path), qr/^HTTP\/1\.1 200/, "$path is guarded";
}
like raw('/app/other'), qr/app \/app\/other/, 'what is not guarded is served';
like raw('/apple'), qr/ 404 /, 'a prefix ends at a slash';
like raw('/hook/open/page.txt'), qr/^HTTP\/1\.1 200.*open/s, 'a content hook that declines: the file is served';
like raw('/hook/closed/page.txt'), qr/^HTTP\/1\.1 403/, 'unless its <Directory> is closed';
like raw('/hook/page.inc'), qr/^HTTP\/1\.1 403/, 'or its <Files>';
unlike raw('/hook/open/%2e%2e/closed/page.txt'), qr/SECRET/, 'by no way round';

# $1 of CoralMapHandler comes from the client.
like raw('/map/in'), qr/mapped/, 'CoralMapHandler with $1 in the file';
for my $path ('/map/../outside', '/map/%2e%2e/outside', '/map/..%2foutside', '/map/..%2Foutside', '/map/x/../../outside', '/map/in%00', '/map/./../outside') {
    unlike raw($path), qr/SECRET/, "$path does not leave the folder";
}
like raw('/call/public'), qr/public/, '$1 in the function';
unlike raw("/call/$_"), qr/SECRET|^HTTP\/1\.1 200/, "no function by $_" for qw(private print os _G);

# .htaccess may do what AllowOverride says.
is $server->get('/none/page.txt')->header('X-Fix'), undef, 'AllowOverride None: no hook';
is $server->get('/indexes/page.txt')->code, 500, 'AllowOverride Indexes: not allowed';
is $server->get('/indexes/page.txt')->header('X-Fix'), undef, 'and not run';
is $server->get('/auth/page.txt')->header('X-Fix'), 'ran', 'AllowOverride AuthConfig: access';
is $server->get('/fileinfo/page.txt')->header('X-Fix'), 'ran', 'AllowOverride FileInfo: fixup';
$server->write('htdocs/auth/.htaccess', "CoralHook content fix.lua\n");
is $server->get('/auth/page.txt')->code, 500, 'AuthConfig does not allow content';
$server->write('htdocs/fileinfo/.htaccess', "CoralHook access fix.lua\n");
is $server->get('/fileinfo/page.txt')->code, 500, 'FileInfo does not allow access';
for my $line ('CoralHook init fix.lua', 'CoralHook quick fix.lua', 'CoralHook server_rewrite fix.lua', 'CoralGroup other', 'CoralErrorPage on',
    'CoralApp /x fix.lua', 'CoralStates 1 1', 'CoralOutputFilter x fix.lua', 'CoralLibraryPath /tmp', 'CoralMapToStorage on') {
    $server->write('htdocs/fileinfo/.htaccess', "$line\n");
    is $server->get('/fileinfo/page.txt')->code, 500, ".htaccess may not: $line";
}

# Host and other headers that lie.
my $log = $server->log;
$server->raw("GET /source.lua HTTP/1.1\r\nHost: x\r\nX-Evil: a\x1b[31m\r\nConnection: close\r\n\r\n");
like $server->raw("GET /source.lua HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n"),
    qr/^HTTP\/1\.1 (?:200|400)/, 'Content-Length with Transfer-Encoding';
unlike $server->raw("GET /source.lua HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /app/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"),
    qr/ran.*ran.*smuggled/s, 'smuggles nothing';
ok $log->text !~ /\x1b/, 'no escape reaches the log';
ok $log->text !~ /exit signal/, 'no crash';
$server->stop;

run_blocks;
__DATA__
=== a header's value ends with its line
--- lua
ngx.print(pcall(function() ngx.header["X-A"] = "a\r\nX-Evil: 1" end))
ngx.print(pcall(function() ngx.header["X-B"] = "a\nX-Evil: 1" end))
ngx.print(pcall(function() ngx.header["X-C"] = { "a", "b\rX-Evil: 1" } end))
ngx.print(pcall(function() ngx.header["X-D"] = "a\0b" end))
--- body_like ^(?:false[^\n]*?){4}
--- header_absent X-Evil

=== nor has a name any line feeds
--- lua
for _, name in ipairs { "X-A: 1\r\nX-Evil", "X-A\nX-Evil", "X-A:", "X A", "", "X\0A", "X-\195\164" } do
  local ok = pcall(function() ngx.header[name] = "1" end)
  ngx.print(ok and "taken," or "refused,")
end
--- body: refused,refused,refused,refused,refused,refused,refused,
--- header_absent X-Evil

=== the same through r
--- lua
local r = ...
for _, t in ipairs { r.headers_out, r.err_headers_out } do
  ngx.print(tostring(pcall(function() t["X-A"] = "a\r\nX-Evil: 1" end)), " ", tostring(pcall(function() t["X-A: b\r\nX-Evil"] = "1" end)), " ")
end
ngx.print(tostring(pcall(function() r.content_type = "text/plain\r\nX-Evil: 1" end)))
--- body: false false false false false
--- header_absent X-Evil

=== a redirect goes to one place
--- lua
ngx.redirect("/x\r\nX-Evil: 1")
--- code 500
--- header_absent
X-Evil
Location
--- error_log
main.lua:1:

=== a redirect to what the client said
--- lua
ngx.redirect("/to?" .. ngx.unescape_uri(ngx.var.arg_to))
--- request GET main.lua?to=x%0d%0aX-Evil:%201
--- code 500
--- header_absent X-Evil
--- error_log
main.lua:1:

=== a log line is one line
--- lua
ngx.log(ngx.WARN, "one\n[Sat] [core:emerg] FORGED\27[31m")
local r = ...
r:warn("two\r\n[Sat] [core:emerg] FORGED")
ngx.print("x")
--- error_log
one\n
two\r\n

=== no bytecode by load, loadstring or loadfile
--- lua
local code = string.dump(function() return "ran" end) .. "x"
ngx.print(tostring((load(code))), tostring((load(code, "x", "b"))), tostring((load(code, "x", "bt"))), tostring((load(function() local c = code code = nil return c end))))
local f = assert(io.open("@DIR@/code.luac", "wb"))
f:write(string.dump(function() return "ran" end)) f:close()
ngx.print(tostring((loadfile("@DIR@/code.luac"))), tostring((loadfile("@DIR@/code.luac", "b"))), tostring(pcall(dofile, "@DIR@/code.luac")))
--- body: nilnilnilnilnilnilfalse

=== no bytecode by require
--- htaccess
CoralPackagePath @DIR@/?.lua
--- file bytes.lua eval
"\eLua" . "x" x 40
--- lua
ngx.print(pcall(require, "bytes"))
--- body_like ^false.*binary

=== the debug library can not reach what is httpd's
--- lua
local r = ...
local names = {}
for k, v in pairs(debug.getregistry()) do
  if type(v) == "userdata" and io.type(v) == nil then pcall(function() names[#names + 1] = tostring(v) end) end
end
ngx.print(pcall(function() return getmetatable(r).__index(nil, "uri") end) == false, " ")
ngx.print(pcall(function() return getmetatable(r).__index(io.stdout, "uri") end) == false, " ")
ngx.print(pcall(function() return getmetatable(r.notes).__index(r, "x") end) == false)
--- body: true true true

=== methods of r on something else
--- lua
local r = ...
ngx.print(pcall(getmetatable(r).__index, {}, "uri"), pcall(getmetatable(r).__newindex, 1, "uri", "x"))
--- body_like ^false.*false

=== numbers that are too large or odd
--- lua
for _, f in ipairs {
  function() ngx.status = 1e300 end, function() ngx.status = -1 end, function() ngx.status = 0 / 0 end, function() ngx.status = "x" end,
  function() ngx.exit(2^53) end, function() ngx.sleep(-1) end, function() ngx.sleep(0 / 0) end, function() ngx.redirect("/", 200) end,
  function() ngx.log(99, "x") end, function() ngx.exec("no-slash") end,
} do ngx.print(pcall(f) and "taken," or "refused,") end
--- body: refused,refused,refused,refused,refused,refused,refused,refused,refused,refused,

=== sizes that are too large
--- lua
ngx.print(pcall(string.rep, "x", 1 << 60), pcall(ngx.encode_base64, ("x"):rep(1000)) )
--- body_like ^false

=== CoralErrorPage shows no more than the error
--- lua
error("<script>alert(1)</script>")
--- code 500
--- body_like ^(?!.*script>)
--- error_log
<script>
