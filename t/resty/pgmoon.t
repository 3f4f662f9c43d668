# SPDX-License-Identifier: Apache-2.0
# pgmoon as it is, against a PostgreSQL.
use strict;
use warnings;
use Coral::Blocks;
use Coral::Library;
use Coral::Service;
use Coral::Upstream;
use Test::More;

my $library  = Coral::Library->need('pgmoon', '?cjson', '?lpeg');
my $postgres = Coral::Service->need('postgres');
my $refused  = Coral::Upstream->start(REFUSED => 'refused');
my %without  = map { (uc "no_$_" => $library->has($_) ? '' : "there is no $_") } qw(cjson lpeg);
my %words    = ($postgres->words, $refused->words, %without, LUA => Coral::Library::lua(), PGMOON => <<~LUA =~ s/\s*\n\s*/ /gr);
    local pgmoon = require "pgmoon"
    local function open(more)
      local options = { host = "127.0.0.1", port = @{[$postgres->port]}, database = "postgres", user = "app", password = "secret" }
      for k, v in pairs(more or {}) do options[k] = v end
      local pg = pgmoon.new(options)
      pg:settimeout(10000)
      local ok, err = pg:connect()
      if not ok then return nil, err end
      return pg
    end
    LUA
my $server = $library->server(\%words, crowd => <<'LUA', prepare => <<'LUA');
local n = ngx.var.arg_n
@PGMOON@
local pg = assert(open { pool_name = "crowd", pool_size = 20, backlog = 200 })
assert(pg:query "begin")
local rows = assert(pg:query "select n from counter for update")
assert(pg:query("update counter set n = $1", rows[1].n + 1))
assert(pg:query("insert into visits (who) values ($1)", "it's " .. n))
assert(pg:query "commit")
assert(pg:keepalive(10000))
ngx.print("fine ", n)
LUA
@PGMOON@
local pg = assert(open())
assert(pg:query "create table counter (n int); insert into counter values (0); create table visits (id serial primary key, who text)")
ngx.print("prepared")
LUA

run_blocks(%words, server => $server);
__DATA__
=== a hundred transactions are a hundred, and took no more connections than their pool has
--- lua
@LUA@ @PGMOON@
local pg = open()
show(pg:query("select n from counter")[1].n)
local r = pg:query("select count(*) as v, count(distinct who) as w from visits")[1]
show(r.v, r.w)
show(pg:query("select count(*) as n from pg_stat_activity where usename = 'app'")[1].n <= 22)
--- body
100
100|100
true

=== types
--- lua
@LUA@ @PGMOON@
local pg = open()
local r = assert(pg:query [[select 1 as one, 1.5 as half, 'text' as t, null as nothing, true as yes, false as no, 9223372036854775807 as most,
  '\x00ff0d0a'::bytea as b, '' as empty, timestamp '2024-02-29 01:02:03' as d, 'Grüße, 😀' as u]])[1]
show(r.one, math.type(r.one), r.half, r.t, r.nothing, r.yes, r.no, r.most, r.b == "\0\255\r\n", r.empty, r.d, r.u)
pg.convert_null = true
show(pg:query("select null as nothing")[1].nothing == pg.NULL)
show(#pg:query("select 1 where false"))
--- body
1|integer|1.5|text|nil|true|false|9223372036854775807|true||2024-02-29 01:02:03|Grüße, 😀
true
0

=== JSON
--- skip: @NO_CJSON@
--- lua
@LUA@ @PGMOON@
local pg = open()
local r = pg:query([[select '{"a":[1,2,{"b":null}]}'::jsonb as j, '[true]'::json as k]])[1]
show(r.j.a[2] == 2, r.j.a[3].b == require "cjson".null, r.k[1])
local encode = require "pgmoon.json".encode_json
show(pg:query("select " .. encode { name = "it's" } .. "::jsonb ->> 'name' as n")[1].n)
--- body
true|true|true
it's

=== arrays
--- skip: @NO_LPEG@
--- lua
@LUA@ @PGMOON@
local pg = open()
local r = pg:query([==[select array[1,2,3] as a, array['x','y z','"'] as b, array[[1],[2]] as c, '{}'::int[] as d]==])[1]
show(#r.a, r.a[3], r.b[2], r.b[3], r.c[2][1], #r.d)
show(pg:query("select " .. require "pgmoon.arrays".encode_array { "it's", "b" } .. " as a")[1].a[1])
--- body
3|3|y z|"|2|0
it's

=== parameters, and what must be escaped
--- lua
@LUA@ @PGMOON@
local pg = open()
local nasty = "'; drop table visits; -- \\ \n \r \" % $1 {}"
local r = assert(pg:query("select $1 as a, $2 as b, $3 as c, $4::text as d", nasty, 42, true, pg.NULL))[1]
show(r.a == nasty, r.b, r.c, r.d)
show(pg:query("select " .. pg:escape_literal(nasty) .. " as a")[1].a == nasty)
show(pg:query("select 1 as " .. pg:escape_identifier 'a "name"')[1]['a "name"'])
show(pg:escape_literal(5.5), pg:escape_literal(false), pcall(pg.escape_literal, pg, print))
assert(pg:query "create table if not exists bytes (v bytea)")
assert(pg:query("insert into bytes values (" .. pg:encode_bytea "\0\1\255'\\" .. ")"))
show(pg:query("select v from bytes")[1].v == "\0\1\255'\\")
--- body_like
\Atrue\|42\|true
true
1
5\.5\|FALSE\|false\|.*
true
\z

=== insert, update, delete, several statements
--- lua
@LUA@ @PGMOON@
local pg = open()
show(pg:query("drop table if exists dogs; create table dogs (id serial primary key, name text unique)"))
show(pg:query("insert into dogs (name) values ('Rex'), ('Fido')").affected_rows)
local r = pg:query("insert into dogs (name) values ($1) returning id, name", "Bello")
show(r[1].id, r[1].name, r.affected_rows)
local all, n = pg:query("select count(*) as n from dogs; update dogs set name = name || '!'; select name from dogs order by id")
show(n, all[1][1].n, all[2].affected_rows, all[3][3].name)
show(pg:query("delete from dogs").affected_rows)
local result, err, partial, count = pg:query("select 1 as a; select * from nowhere; select 2")
show(result, err, partial and partial[1] and partial[1].a, count)
--- body_like
2
3\|Bello\|1
3\|3\|3\|Bello!
3
nil\|ERROR: relation "nowhere" does not exist \(\d+\)\|1\|1
\z

=== errors of the server, which leave the connection usable
--- lua
@LUA@ @PGMOON@
local pg = open()
show((select(2, pg:query("selct 1"))))
show((select(2, pg:query("select $1::int", "no number"))))
show((select(2, pg:query("insert into counter values ('x')"))))
assert(pg:query "begin") pg:query("select 1/0")
show((select(2, pg:query("select 1"))))
assert(pg:query "rollback")
show(pg:query("select 1 as one")[1].one)
--- body
ERROR: syntax error at or near "selct" (1)
ERROR: invalid input syntax for type integer: "no number"
ERROR: invalid input syntax for type integer: "x" (29)
ERROR: current transaction is aborted, commands ignored until end of transaction block
1

=== transactions
--- lua
@LUA@ @PGMOON@
local pg, other = open(), open { pool_name = "other" }
assert(pg:query "drop table if exists birds; create table birds (name text)")
pg:query "begin" pg:query "insert into birds values ('owl')"
show(#pg:query "select * from birds", #other:query "select * from birds")
pg:query "rollback"
show(#pg:query "select * from birds")
pg:query "begin" pg:query "insert into birds values ('owl')" pg:query "commit"
show(#other:query "select * from birds")
pg:query "begin" pg:query "update birds set name = 'eagle'"
local thread = ngx.thread.spawn(function() return other:query("update birds set name = name || ' owl'").affected_rows end)
ngx.sleep(0.05)
show(coroutine.status(thread))
show(pcall(other.query, other, "select 1"))
pg:query "commit"
show(ngx.thread.wait(thread))
show(pg:query("select name from birds")[1].name)
--- body_like
\A1\|0
0
1
running
false\|.*busy
true\|1
eagle owl
\z

=== notices and notifications
--- lua
@LUA@ @PGMOON@
local pg, other = open(), open { pool_name = "other" }
local _, _, _, notices = pg:query "drop table if exists nowhere"
show(notices[1])
assert(pg:query "listen news")
local thread = ngx.thread.spawn(function() local n = pg:wait_for_notification() return n.channel, n.payload end)
ngx.sleep(0.02)
assert(other:query "notify news, 'it rains'")
show(ngx.thread.wait(thread))
--- body
NOTICE: table "nowhere" does not exist, skipping
true|news|it rains

=== big values and many rows
--- lua
@LUA@ @PGMOON@
local pg = open()
local value = ("0123456789abcdef\n"):rep(200000)
show(pg:query("select $1 as v", value)[1].v == value)
show(#pg:query("select repeat('x', 20000000) as v")[1].v)
local rows = pg:query("select n, repeat('y', n % 100) as v from generate_series(1, 10000) n")
local wrong = 0
for i, row in ipairs(rows) do if row.n ~= i or #row.v ~= i % 100 then wrong = wrong + 1 end end
show(#rows, wrong)
--- body
true
20000000
10000|0

=== who may come in
--- lua
@LUA@ @PGMOON@
show(open { password = "wrong" })
show(open { user = "nobody" })
show(open { database = "none" })
show(open { port = @REFUSED@ })
show(open { socket_path = "@SOCKET@" }:query("select current_user as u, inet_client_addr() as a")[1].u)
--- body
nil|authentication exchange unsuccessful
nil|authentication exchange unsuccessful
nil|FATAL: database "none" does not exist
nil|connection refused
app

=== md5 passwords
--- lua
@LUA@ @PGMOON@
local pg = open()
assert(pg:query "set password_encryption = 'md5'; drop role if exists old; create role old login password 'secret'")
show(open { user = "old", pool_name = "old" }:query("select current_user as u")[1].u)
show(open { user = "old", pool_name = "wrong", password = "wrong" })
--- body
old
nil|FATAL: password authentication failed for user "old"

=== TLS
--- lua
@LUA@ @PGMOON@
local pg, err = open { ssl = true, ssl_required = true, pool_name = "tls" }
if not pg then show(pg, err) return end
show(pg:query("select ssl, version from pg_stat_ssl where pid = pg_backend_pid()")[1].ssl)
show(#pg:query("select repeat('x', 1000000) as v")[1].v)
show(pg:keepalive())
pg = open { ssl = true, pool_name = "tls" }
show(pg.sock:getreusedtimes(), pg:query("select 2 as n")[1].n)
pg:disconnect()
show(open { ssl = true, ssl_verify = true, host = "localhost", pool_name = "verified" } ~= nil)
--- body
true
1000000
1
1|2
true

=== kept connections
--- lua
@LUA@ @PGMOON@
local first
for i = 1, 3 do
  local pg = open { pool_name = "kept" }
  local id = pg:query("select pg_backend_pid() as id")[1].id
  first = first or id
  show(pg.sock:getreusedtimes(), id == first, pg:keepalive(10000, 5))
  show(pg:query("select 1"))
end
--- body_like
\A0\|true\|1
nil\|.*closed
1\|true\|1
nil\|.*closed
2\|true\|1
nil\|.*closed
\z

=== a query that takes too long; a connection that is ended
--- lua
@LUA@ @PGMOON@
local pg, other = open(), open { pool_name = "other" }
pg:settimeout(100)
show(pg:query("select pg_sleep(2)"))
local victim = open { pool_name = "victim" }
other:query("select pg_terminate_backend($1::int)", victim:query("select pg_backend_pid() as id")[1].id)
show((victim:query("select 1")))
show(other:query("select 1 as n")[1].n)
--- body
nil|receive_message: failed to get type: timeout
nil
1
