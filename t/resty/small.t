# SPDX-License-Identifier: Apache-2.0
# Small libraries of OpenResty's as they are: locks, limits, caches, strings, tokens.
use strict;
use warnings;
use Coral::Blocks;
use Coral::Library;
use Coral::Server;
use Test::More;

my @names   = map { "?$_" } qw(resty.lock resty.limit.req resty.lrucache resty.string resty.jwt resty.openidc cjson resty.http resty.session);
my $library = Coral::Library->need(@names);
my %without = map { my $name = s/^\?(?:resty\.)?//r =~ tr/./_/r; ("NO_\U$name" => $library->has(s/^\?//r) ? '' : 'there is no ' . s/^\?//r) } @names;
plan(skip_all => 'there is none of them (CORAL_LIBRARIES)') unless grep { $_ eq '' } @without{qw(NO_LOCK NO_LIMIT_REQ NO_LRUCACHE NO_STRING NO_JWT)};
$without{NO_OPENIDC} ||= $without{NO_HTTP} || $without{NO_SESSION} || $without{NO_JWT} || $without{NO_CJSON};
my $server = Coral::Server->new(config => $library->config . <<'CONF', files => { 'htdocs/locked.lua' => <<'LUA', 'htdocs/limited.lua' => <<'LUA2' });
AsyncRequestWorkerFactor 100
CoralSharedDict locks 1m
CoralSharedDict limits 1m
CONF
local lock = assert(require "resty.lock":new("locks", { timeout = 20, exptime = 20, step = 0.002, max_step = 0.01 }))
assert(lock:lock("one"))
local n = ngx.shared.limits:get("locked") or 0
ngx.sleep(0.001)
ngx.shared.limits:set("locked", n + 1)
assert(lock:unlock())
ngx.print "fine"
LUA
local limit = assert(require "resty.limit.req".new("limits", 1000, 20))
local delay, err = limit:incoming("all", true)
ngx.print(delay and "in" or err)
LUA2
ok $server->start, 'starts' or diag $server->output, $server->error_log;
SKIP: {
    skip $without{NO_LOCK}, 1 if $without{NO_LOCK};
    is join(' ', $server->crowd('/locked.lua', 100)), join(' ', ('fine') x 100), 'a hundred want one lock';
    $server->write('htdocs/n.lua', 'ngx.print(ngx.shared.limits:get("locked"))');
    is $server->get('/n.lua')->content, 100, 'and count right under it';
}
run_blocks(%without, LUA => Coral::Library::lua(), server => $server);
__DATA__
=== lock
--- skip: @NO_LOCK@
--- lua
@LUA@
local resty_lock = require "resty.lock"
local a, b = resty_lock:new("locks", { timeout = 0.05 }), resty_lock:new("locks", { timeout = 0 })
show(a:lock "k")
show(b:lock "k")
show(a:expire(10), a:unlock(), a:unlock())
show(b:lock "k", b:unlock())
local c = resty_lock:new("locks", { exptime = 0.05 })
c:lock "k" ngx.sleep(0.1)
show(b:lock "k", b:unlock())
show(resty_lock:new "nowhere")
--- body_like
\A0
nil\|timeout
true\|1\|nil\|unlocked
0\|1
0\|1
nil\|dictionary not found
\z

=== limit: requests, connections, counts, all together
--- skip: @NO_LIMIT_REQ@
--- lua
@LUA@
local req, conn, count, traffic = require "resty.limit.req", require "resty.limit.conn", require "resty.limit.count", require "resty.limit.traffic"
local r = assert(req.new("limits", 2, 2))
for i = 1, 4 do local delay, err = r:incoming("r", true) show(delay and delay >= 0.4 * (i - 1) and delay <= 0.5 * (i - 1) or err) end
local c = assert(conn.new("limits", 1, 1, 0.5))
show(c:incoming("c", true)) show(c:incoming("c", true)) show(c:incoming("c", true))
show(c:leaving("c")) show(c:leaving("c", 0.2))
local n = assert(count.new("limits", 2, 10))
show(n:incoming("n", true)) show(n:incoming("n", true)) show(n:incoming("n", true))
local states = {}
show(traffic.combine({ count.new("limits", 5, 10), conn.new("limits", 5, 5, 0.1) }, { "ta", "tb" }, states))
show(#states, states[1], states[2])
show(req.new("nowhere", 1, 1))
--- body
true
true
true
rejected
0|1
0.5|2
nil|rejected
1
0
0|1
0|0
nil|rejected
0
2|4|1
nil|shared dict not found

=== lrucache
--- skip: @NO_LRUCACHE@
--- lua
@LUA@
local cache = assert(require "resty.lrucache".new(3))
cache:set("a", 1) cache:set("b", { 2 }) cache:set("c", "three", 0.05, 7)
show(cache:get "a", cache:get("b")[1], cache:count(), cache:capacity())
show(select(3, cache:get "c"))
cache:get "a"
cache:set("d", 4)
show(cache:get "a", cache:get "d", (cache:get "b"))
ngx.sleep(0.1)
show(cache:get "c")
cache:delete "d" show((cache:get "d"))
cache:flush_all() show(cache:count())
for i = 1, 10000 do cache:set(i, i) end
show(cache:get(10000), cache:get(9997))
show(require "resty.lrucache".new(0))
--- body_like
\A1\|2\|3\|3
7
1\|4
nil\|three\|7
nil
0
10000
.*

=== strings, digests, AES
--- skip: @NO_STRING@
--- lua
@LUA@
local str, random, aes = require "resty.string", require "resty.random", require "resty.aes"
show(str.to_hex "\0\255", str.atoi "42", #random.bytes(16), #random.bytes(16, true))
for _, name in ipairs { "md5", "sha1", "sha224", "sha256", "sha384", "sha512" } do
  local d = require("resty." .. name):new()
  d:update "he" d:update "llo"
  show(name, str.to_hex(d:final()):sub(1, 16))
end
local box = aes:new("a password", "8 bytes!")
show(str.to_hex(box:encrypt "hello"), box:decrypt(box:encrypt "hello"))
box = aes:new("0123456789abcdef", nil, aes.cipher(128, "cbc"), { iv = "fedcba9876543210" })
show(str.to_hex(box:encrypt "hello"), box:decrypt(box:encrypt(("x"):rep(100000))) == ("x"):rep(100000), box:decrypt "nonsense")
--- body_like
\A00ff\|42\|16\|16
md5\|5d41402abc4b2a76
sha1\|aaf4c61ddcc5e8a2
sha224\|ea09ae9cc6768c50
sha256\|2cf24dba5fb0a30e
sha384\|59e1748777448c69
sha512\|9b71d224bd62f378
[0-9a-f]{32}\|hello
[0-9a-f]{32}\|true\|nil.*

=== JSON Web Tokens
--- skip: @NO_JWT@
--- lua
@LUA@
local jwt = require "resty.jwt"
local token = jwt:sign("secret", { header = { typ = "JWT", alg = "HS256" }, payload = { foo = "bar", exp = ngx.time() + 60 } })
local got = jwt:verify("secret", token)
show(got.verified, got.valid, got.payload.foo, got.reason)
show(jwt:verify("wrong", token).verified, jwt:verify("wrong", token).reason:match "^signature mismatch")
show((jwt:verify("secret", token:sub(1, -4) .. "xxx").verified), not jwt:verify("secret", "no.token").valid)
local old = jwt:sign("secret", { header = { typ = "JWT", alg = "HS512" }, payload = { exp = ngx.time() - 60 } })
show(jwt:verify("secret", old).verified, jwt:verify("secret", old).reason:match "expired" )
--- body
true|true|bar|everything is awesome~ :p
false|signature mismatch
false|true
false|expired

=== openidc: where it sends who is not known
--- skip: @NO_OPENIDC@
--- lua
@LUA@
local openidc = require "resty.openidc"
local res, err = openidc.authenticate({
  redirect_uri = "http://localhost/back", client_id = "me", client_secret = "secret", scope = "openid",
  discovery = { issuer = "https://op", authorization_endpoint = "https://op/auth", token_endpoint = "https://op/token", jwks_uri = "https://op/jwks" },
}, nil, nil, { secret = "a secret of the test's own" })
show(res, err)
--- code: 302
--- header_like
Location: ^https://op/auth\?.*client_id=me
Set-Cookie: ^session=
