# SPDX-License-Identifier: Apache-2.0
# lua-resty-redis as it is, against a redis-server.
use strict;
use warnings;
use Coral::Blocks;
use Coral::Library;
use Coral::Service;
use Coral::Upstream;
use Test::More;

my $library = Coral::Library->need('resty.redis');
my $redis   = Coral::Service->need('redis', tls => 1);
my $refused = Coral::Upstream->start(REFUSED => 'refused');
my $old     = $library->debian('resty.redis') ? "this lua-resty-redis has no TLS" : '';
my %words   = ($redis->words, OLD => $old, $refused->words, LUA => Coral::Library::lua(), REDIS => <<~LUA =~ s/\s*\n\s*/ /gr);
    local redis = require "resty.redis"
    local function open(host, port, options)
      local r = redis:new()
      r:set_timeouts(5000, 5000, 5000)
      assert(r:connect(host or "127.0.0.1", port or @{[$redis->port]}, options))
      return r
    end
    LUA
my $server = $library->server(\%words, crowd => <<'LUA');
local n, redis = ngx.var.arg_n, require "resty.redis"
local r = redis:new()
r:set_timeouts(10000, 10000, 10000)
assert(r:connect("127.0.0.1", @PORT@, { pool = "crowd", pool_size = 20, backlog = 200 }))
for i = 1, 5 do
  local value = (n .. ":" .. i .. ";"):rep(50)
  assert(r:set("crowd " .. n, value))
  assert(r:get("crowd " .. n) == value)
  assert(r:incr("crowd"))
end
assert(r:set_keepalive(10000))
ngx.print("fine ", n)
LUA

run_blocks(%words, server => $server);
__DATA__
=== the hundred clients have counted right, on no more connections than their pool has
--- lua
@LUA@ @REDIS@
local r = open()
show(r:get("crowd"))
local most = tonumber(r:info("stats"):match "total_connections_received:(%d+)")
show(most > 10 and most <= 45)
--- body
500
true

=== values: texts, numbers, bytes, none
--- lua
@LUA@ @REDIS@
local r = open()
show(r:set("k", "value"))
show(r:get("k"))
show(r:get("nothing") == ngx.null)
show(r:set("k", ""), r:get("k"))
local bytes = {}
for i = 0, 255 do bytes[#bytes + 1] = string.char(i) end
bytes = table.concat(bytes) .. "\r\n$-1\r\n"
show(r:set("k", bytes), r:get("k") == bytes)
show(r:set("n", 41), r:incr("n"), math.type(r:incr("n")), r:get("n"))
show(r:set("f", 0.5), r:incrbyfloat("f", 1.25))
show(r:set("b", true), r:get("b"))
show(r:del("k", "n", "f", "b", "nothing"))
show(r:exists("k"))
--- body
OK
value
true
OK|
OK|true
OK|42|integer|43
OK|1.75
OK|true
4
0

=== lists, hashes, sets
--- lua
@LUA@ @REDIS@
local r = open()
r:del("l", "h", "s")
show(r:rpush("l", "a", "b", "c"), table.concat(r:lrange("l", 0, -1), ","))
show(r:hmset("h", { name = "alice", age = 7 }))
show(r:hmset("h", "city", "here", "code", "x"))
local h = r:array_to_hash(r:hgetall("h"))
show(h.name, h.age, h.city, h.code)
show(table.concat(r:hmget("h", "name", "age"), ","), r:hmget("h", "none")[1] == ngx.null)
show(r:sadd("s", 1, 2, 3, 2), #r:smembers("s"))
show(#r:mget("a", "b", "c"), #r:lrange("none", 0, -1))
local reply = r:command("info", "get", "nosuch")
show(type(reply[1]), reply[1][1], reply[2] == ngx.null)
--- body
3|a,b,c
OK
OK
alice|7|here|x
alice,7|true
3|3
3|0
table|get|true

=== errors of the server, which leave the connection usable
--- lua
@LUA@ @REDIS@
local r = open()
r:set("k", "text")
show(r:incr("k"))
show(r:lpush("k", 1))
show(r:nonsense("x"))
show((select(2, r:get())))
show(r:get("k"))
--- body
false|ERR value is not an integer or out of range
false|WRONGTYPE Operation against a key holding the wrong kind of value
false|ERR unknown command 'nonsense', with args beginning with: 'x' 
ERR wrong number of arguments for 'get' command
text

=== pipelines
--- lua
@LUA@ @REDIS@
local r = open()
r:init_pipeline(4)
r:set("k", "v") r:get("k") r:incr("k") r:get("none")
local results, err = r:commit_pipeline()
show(err, #results, results[1], results[2], results[3][1], results[3][2], results[4] == ngx.null)
r:init_pipeline()
for i = 1, 2000 do r:set("p" .. i, ("x"):rep(i % 100) .. i) end
for i = 1, 2000 do r:get("p" .. i) end
results = r:commit_pipeline()
local wrong = 0
for i = 1, 2000 do
  if results[i] ~= "OK" or results[2000 + i] ~= ("x"):rep(i % 100) .. i then wrong = wrong + 1 end
end
show(#results, wrong)
r:init_pipeline() r:set("k", "not done") r:cancel_pipeline()
show(r:get("k"))
show(r:commit_pipeline())
--- body
nil|4|OK|v|false|ERR value is not an integer or out of range|true
4000|0
v
nil|no pipeline

=== transactions
--- lua
@LUA@ @REDIS@
local r, other = open(), open()
r:set("n", 1) r:set("t", "text")
show(r:multi(), r:incr("n"), r:incr("t"), r:get("n"))
local results = r:exec()
show(results[1], results[2][1], results[2][2], results[3])
show(r:multi(), r:set("n", 100), r:discard(), r:get("n"))
show(r:watch("n"), other:set("n", 7), r:multi(), r:incr("n"), r:exec() == ngx.null, r:get("n"))
show(r:exec())
r:multi() r:nonsense()
show(r:exec())
--- body
OK|QUEUED|QUEUED|QUEUED
2|false|ERR value is not an integer or out of range|2
OK|QUEUED|OK|2
OK|OK|OK|QUEUED|true|7
false|ERR EXEC without MULTI
false|EXECABORT Transaction discarded because of previous errors.

=== big values
--- lua
@LUA@ @REDIS@
for _, where in ipairs { { "127.0.0.1", @PORT@ }, { "unix:@SOCKET@" } } do
  local r = redis:new()
  r:set_timeouts(5000, 5000, 5000)
  assert(r:connect(table.unpack(where)))
  local value = ("0123456789abcdef\r\n"):rep(300000)
  show(r:set("big", value), r:strlen("big"), r:get("big") == value, r:getrange("big", 5399998, -1) == "\r\n")
  show(#r:lrange("none", 0, -1), r:del("big"))
end
--- body
OK|5400000|true|true
0|1
OK|5400000|true|true
0|1

=== subscribe: messages, a timeout, unsubscribe
--- lua
@LUA@ @REDIS@
local r, other = open(), open()
local function reply() local t, err = r:read_reply() return t and table.concat(t, ",") or err end
show(table.concat(r:subscribe("dogs"), ","), table.concat(r:psubscribe("c*"), ","))
show(other:publish("dogs", "bark"), other:publish("cats", "meow"), other:publish("birds", "tweet"))
show(reply()) show(reply())
r:set_timeout(50)
show(reply())
r:set_timeout(5000)
show(r:get("k") and "an answer" or "no answer")
local thread = ngx.thread.spawn(function() ngx.sleep(0.05) return other:publish("dogs", ("late"):rep(50000)) end)
show(#reply())
show((select(2, ngx.thread.wait(thread))))
local left = r:unsubscribe("dogs")
show(table.concat(left, ","), table.concat(r:punsubscribe("c*"), ","))
show(r:set("k", "after"), r:get("k"))
show(r:read_reply())
--- body
subscribe,dogs,1|psubscribe,c*,2
1|1|0
message,dogs,bark
pmessage,c*,cats,meow
timeout
no answer
200013
1
unsubscribe,dogs,1|punsubscribe,c*,0
OK|after
nil|not subscribed

=== one waits for what another one brings
--- lua
@LUA@ @REDIS@
local r, other = open(), open()
r:del("queue")
local from = ngx.now()
local thread = ngx.thread.spawn(function() return table.concat(r:blpop("queue", 5), ",") end)
ngx.sleep(0.1)
show(other:rpush("queue", "work"))
show((select(2, ngx.thread.wait(thread))), ngx.now() - from > 0.09)
r:set_timeout(100)
show(r:blpop("queue", 5))
--- body
1
queue,work|true
nil|timeout

=== scripts of the server
--- lua
@LUA@ @REDIS@
local r = open()
show(table.concat(r:eval("return {KEYS[1],ARGV[1],ARGV[2]}", 1, "key", "first", 2), ","))
local sha = r:script("load", "return redis.call('incrby', KEYS[1], ARGV[1])")
r:del("n") show(#sha, r:evalsha(sha, 1, "n", 5), r:evalsha(sha, 1, "n", 5))
show(r:eval("return redis.error_reply('MINE that is mine')", 0))
show(r:evalsha(("0"):rep(40), 0))
--- body
key,first,2
40|5|10
false|MINE that is mine
false|NOSCRIPT No matching script. Please use EVAL.

=== passwords
--- lua
@LUA@ @REDIS@
local r = open()
show(r:acl("setuser", "app", "on", ">secret", "~app:*", "+@all"))
show(r:auth("app", "wrong"))
show(r:auth("app", "secret"), r:set("app:x", 1))
show(r:set("theirs", 1))
--- body
OK
false|WRONGPASS invalid username-password pair or user is disabled.
OK|OK
false|NOPERM this user has no permissions to access one of the keys used as arguments

=== kept connections
--- lua
@LUA@ @REDIS@
local ids = {}
for i = 1, 4 do
  local r = open(nil, nil, { pool = "kept" })
  show(r:get_reused_times(), r:client("id") == (ids[1] or r:client("id")))
  ids[i] = r:client("id")
  show(r:set_keepalive(10000, 5))
  show(r:get("k"))
end
local r = open(nil, nil, { pool = "kept" })
r:subscribe("dogs")
show(r:set_keepalive())
show(r:close())
--- body
0|true
1
nil|closed
1|true
1
nil|closed
2|true
1
nil|closed
3|true
1
nil|closed
nil|subscribed state
1

=== and over requests
--- again
--- file over.lua
@LUA@ @REDIS@
local r = open(nil, nil, { pool = "over" })
ngx.print(r:get_reused_times() > 0 and "used before" or "new") r:set_keepalive()
--- request: GET over.lua
--- body: new

=== the next one
--- again
--- request: GET over.lua
--- body: used before

=== a UNIX socket
--- lua
@LUA@ @REDIS@
local r = redis:new()
show(r:connect("unix:@SOCKET@"))
show(r:ping(), r:client("info"):match "addr=(%S+)" == "@SOCKET@:0")
show(r:set_keepalive())
show(r:connect("unix:@SOCKET@"), r:get_reused_times())
show(redis:new():connect("unix:@SOCKET@.none"))
--- body
1
PONG|true
1
1|1
nil|no such file or directory

=== TLS
--- skip: @OLD@
--- lua
@LUA@ @REDIS@
local r = open("127.0.0.1", @TLS@, { ssl = true, ssl_verify = true, server_name = "localhost" })
show(r:ping(), r:get_reused_times(), r:set_keepalive())
r = open("127.0.0.1", @TLS@, { ssl = true, ssl_verify = true, server_name = "localhost" })
local value = ("0123456789abcdef\r\n"):rep(300000)
show(r:set("big", value), r:get("big") == value, r:get_reused_times(), r:close())
r = redis:new()
show(r:connect("127.0.0.1", @TLS@, { ssl = true, ssl_verify = true, server_name = "elsewhere" }))
show(open("127.0.0.1", @TLS@, { ssl = true, ssl_verify = false, server_name = "elsewhere" }):ping())
local r = redis:new()
r:set_timeout(100)
show(r:connect("127.0.0.1", @PORT@, { ssl = true }))
--- body_like
\APONG\|0\|1
OK\|true\|1\|1
nil\|failed to do ssl handshake: [^|\n]*host[^|\n]*
PONG
nil\|failed to do ssl handshake: timeout\n\z

=== nobody there; a connection that the server closes
--- lua
@LUA@ @REDIS@
show(redis:new():connect("127.0.0.1", @REFUSED@))
local r, other = open(), open()
show(other:client("kill", "id", r:client("id")))
show(r:get("k"))
show((r:get("k")))
show(r:connect("127.0.0.1", @PORT@), r:ping())
--- body
nil|connection refused
1
nil|closed
nil
1|PONG
