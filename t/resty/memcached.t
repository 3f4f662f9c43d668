# SPDX-License-Identifier: Apache-2.0
# lua-resty-memcached as it is, against a memcached.
use strict;
use warnings;
use Coral::Blocks;
use Coral::Library;
use Coral::Service;
use Coral::Upstream;
use Test::More;

my $library   = Coral::Library->need('resty.memcached');
my $memcached = Coral::Service->need('memcached', tls => 1);
my $refused   = Coral::Upstream->start(REFUSED => 'refused');
my $old       = $library->debian('resty.memcached') ? 'this lua-resty-memcached has none of that' : '';
my %words     = ($memcached->words, $refused->words, OLD => $old, LUA => Coral::Library::lua(), MEMCACHED => <<~LUA =~ s/\s*\n\s*/ /gr);
    local memcached = require "resty.memcached"
    local function open(port, options)
      local m = assert(memcached:new())
      m:set_timeout(5000)
      assert(m:connect("127.0.0.1", port or @{[$memcached->port]}, options))
      return m
    end
    LUA
my $server = $library->server(\%words, crowd => <<'LUA');
local n = ngx.var.arg_n
@MEMCACHED@
local m = open(nil, { pool = "crowd", pool_size = 20, backlog = 200 })
m:add("crowd", 0)
for i = 1, 5 do
  local value = (n .. ":" .. i .. ";"):rep(50)
  assert(m:set("crowd " .. n, value))
  assert(m:get("crowd " .. n) == value)
  assert(m:incr("crowd", 1))
end
assert(m:set_keepalive(10000))
ngx.print("fine ", n)
LUA

run_blocks(%words, server => $server);
__DATA__
=== the hundred clients have counted right, on no more connections than their pool has
--- lua
@LUA@ @MEMCACHED@
local m = open()
show((m:get("crowd")))
local connections
for _, line in ipairs(m:stats()) do connections = connections or line:match "total_connections (%d+)" end
show(tonumber(connections) > 10 and tonumber(connections) <= 50)
--- body
500
true

=== values
--- lua
@LUA@ @MEMCACHED@
local m = open()
show(m:flush_all())
show(m:set("k", "value", 0, 7))
show(m:get("k"))
show(m:get("nothing"))
local bytes = {}
for i = 0, 255 do bytes[#bytes + 1] = string.char(i) end
bytes = table.concat(bytes) .. "\r\nEND\r\n"
show(m:set("bytes", bytes), (m:get("bytes")) == bytes)
show(m:set("a key with blanks \0 and ä", ""), (m:get("a key with blanks \0 and ä")) == "")
show(m:set("n", 41), m:incr("n", 1), m:decr("n", 2))
show(m:incr("none", 1))
show(m:set("list", { "one ", { "and ", "two" } }), (m:get("list")))
local all = m:get({ "k", "none", "n" })
show(all.k[1], all.k[2], all.n[1], all.none)
show(m:delete("k"), m:delete("k"))
--- body_like
\A1
1
value\|7
nil
1\|true
1\|true
1\|42\|40
nil\|NOT_FOUND
1\|one and two
value\|7\|40
1\|nil\|NOT_FOUND
\z

=== add, replace, append, prepend, cas, touch
--- lua
@LUA@ @MEMCACHED@
local m = open()
m:delete("k")
show(m:replace("k", "x")) show(m:append("k", "x")) show(m:add("k", "b")) show(m:add("k", "c"))
show(m:append("k", "c"), m:prepend("k", "a"), (m:get("k")))
local value, flags, unique = m:gets("k")
show(value, flags, #unique > 0)
show(m:cas("k", "changed", unique)) show(m:cas("k", "again", unique)) show(m:cas("none", "again", unique))
show((m:get("k")))
show(m:touch("k", 100)) show(m:touch("none", 100))
show(m:set("short", 1, -1), (m:get("short")))
--- body
nil|NOT_STORED
nil|NOT_STORED
1
nil|NOT_STORED
1|1|abc
abc|0|true
1
nil|EXISTS
nil|NOT_FOUND
changed
1
nil|NOT_FOUND
1

=== big values, up to what the server takes
--- lua
@LUA@ @MEMCACHED@
local m = open()
local value = ("0123456789abcdef\r\n"):rep(50000)
show(m:set("big", value), (m:get("big")) == value)
show(m:set("too big", value .. value))
show(m:version())
--- body_like
\A1\|true
nil\|SERVER_ERROR object too large for cache
1\.\d+\.\d+
\z

=== pipelines
--- skip: @OLD@
--- lua
@LUA@ @MEMCACHED@
local m = open()
m:init_pipeline(3)
m:set("p", "v") m:get("p") m:incr("p", 1) m:get("none")
local results, err = m:commit_pipeline()
show(err, #results, results[1][1], results[2][1], results[3][2], #results[4])
m:init_pipeline()
for i = 1, 1000 do m:set("p" .. i, i) end
for i = 1, 1000 do m:get("p" .. i) end
results = m:commit_pipeline()
local wrong = 0
for i = 1, 1000 do if results[i][1] ~= 1 or results[1000 + i][1] ~= tostring(i) then wrong = wrong + 1 end end
show(#results, wrong)
show(m:commit_pipeline())
--- body
nil|4|1|v|CLIENT_ERROR cannot increment or decrement non-numeric value|0
2000|0
nil|no pipeline

=== kept connections
--- lua
@LUA@ @MEMCACHED@
for i = 1, 3 do
  local m = open(nil, { pool = "kept" })
  show(m:get_reused_times(), (m:set("k" .. i, i)), m:set_keepalive(10000, 5), m:get("k"))
end
--- body
0|1|1|nil|nil|closed
1|1|1|nil|nil|closed
2|1|1|nil|nil|closed

=== TLS
--- skip: @OLD@
--- lua
@LUA@ @MEMCACHED@
local m = open(@TLS@, { pool = "tls" })
show(m:sslhandshake(false, "localhost", true), m:set("k", "secret"), (m:get("k")))
local value = ("0123456789abcdef\r\n"):rep(50000)
show(m:set("big", value), (m:get("big")) == value)
show(m:set_keepalive())
m = open(@TLS@, { pool = "tls" })
show(m:get_reused_times(), (m:get("k")))
show(open(@TLS@, { pool = "other" }):sslhandshake(false, "elsewhere", true))
--- body
true|1|secret
1|true
1
1|secret
nil|certificate host mismatch

=== nobody there; a time-out
--- lua
@LUA@ @MEMCACHED@
local m = memcached:new()
show(m:connect("127.0.0.1", @REFUSED@))
m = open()
m:set_timeout(50)
show(m:verbosity(1))
show(m:quit())
show((m:get("k")))
--- body
nil|connection refused
1
1
nil
