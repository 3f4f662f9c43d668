# SPDX-License-Identifier: Apache-2.0
# lua-resty-mysql as it is, against a MariaDB.
use strict;
use warnings;
use Coral::Blocks;
use Coral::Library;
use Coral::Service;
use Coral::Upstream;
use Test::More;

my $library = Coral::Library->need('resty.mysql');
my $mariadb = Coral::Service->need('mariadb');
my $refused = Coral::Upstream->start(REFUSED => 'refused');
my %words   = ($mariadb->words, $refused->words, LUA => Coral::Library::lua(), MYSQL => <<~LUA =~ s/\s*\n\s*/ /gr);
    local mysql = require "resty.mysql"
    local function open(more)
      local db = assert(mysql:new())
      db:set_timeout(10000)
      local options = { host = "127.0.0.1", port = @{[$mariadb->port]}, database = "test", user = "app", password = "secret",
        charset = "utf8mb4", max_packet_size = 64 * 1024 * 1024 }
      for k, v in pairs(more or {}) do options[k] = v end
      if options.path then options.host = nil end
      local ok, err, code, state = db:connect(options)
      if not ok then return nil, err, code, state end
      return db
    end
    LUA
my $server = $library->server(\%words, crowd => <<'LUA', prepare => <<'LUA');
local n = ngx.var.arg_n
@MYSQL@
local db = open { pool = "crowd", pool_size = 20, backlog = 200 }
assert(db:query("start transaction"))
local rows = assert(db:query("select n from counter where id = 1 for update"))
assert(db:query("update counter set n = " .. rows[1].n + 1 .. " where id = 1"))
assert(db:query("insert into visits (who) values (" .. ngx.quote_sql_str("it's " .. n) .. ")"))
assert(db:query("commit"))
assert(db:set_keepalive(10000))
ngx.print("fine ", n)
LUA
@MYSQL@
local db = assert(open())
assert(db:query "create table counter (id int primary key, n int) engine=innodb")
assert(db:query "insert into counter values (1, 0)")
assert(db:query "create table visits (id int auto_increment primary key, who varchar(100)) engine=innodb")
ngx.print("prepared")
LUA

run_blocks(%words, server => $server);
__DATA__
=== a hundred transactions are a hundred, and took no more connections than their pool has
--- lua
@LUA@ @MYSQL@
local db = open()
show(db:query("select n, (select count(*) from visits) as v, (select count(distinct who) from visits) as w from counter")[1].n)
local r = db:query("select count(*) as v, count(distinct who) as w from visits")[1]
show(r.v, r.w)
show(tonumber(db:query("show status like 'connections'")[1].Value) <= 40)
--- body
100
100|100
true

=== types
--- lua
@LUA@ @MYSQL@
local db = open()
show(db:server_ver():match "^%d+%.%d+" ~= nil)
local r = assert(db:query [[select 1 as one, 1.5 as half, 2.5e0 as dbl, 'text' as t, null as nothing, -9223372036854775808 as least,
  cast('2024-02-29 01:02:03' as datetime) as d, x'00ff0d0a' as b, '' as empty, true as yes]])[1]
show(r.one, r.half, r.dbl, r.t, r.nothing == ngx.null, r.least, r.d, r.b == "\0\255\r\n", r.empty, r.yes)
show(math.type(r.one), type(r.half), math.type(r.dbl))
show(db:query("select 'Grüße, 😀' as t")[1].t)
local rows = assert(db:query("select 1 as a, 2 as b union select 3, 4"))
show(#rows, rows[2].a, rows[2].b)
show(#assert(db:query("select 1 from counter where id = 99")))
local compact = open { compact_arrays = true }
rows = assert(compact:query("select 1 as a, 'x' as b"))
show(rows[1][1], rows[1][2])
--- body
true
1|1.5|2.5|text|true|-9223372036854775808|2024-02-29 01:02:03|true||1
integer|number|float
Grüße, 😀
2|3|4
0
1|x

=== insert, update, delete
--- lua
@LUA@ @MYSQL@
local db = open()
assert(db:query "create or replace table dogs (id int auto_increment primary key, name varchar(50) unique)")
local r = assert(db:query "insert into dogs (name) values ('Rex'), ('Fido'), ('Bello')")
show(r.affected_rows, r.insert_id, r.warning_count)
r = assert(db:query "update dogs set name = concat(name, '!') where id > 1")
show(r.affected_rows, r.message)
r = assert(db:query "delete from dogs")
show(r.affected_rows)
local nasty = "'; drop table dogs; -- \\ \0 \n \r \26 \" %"
assert(db:query("insert into dogs (name) values (" .. ngx.quote_sql_str(nasty) .. ")"))
show(db:query("select name from dogs")[1].name == nasty)
--- body
3|1|0
2|Rows matched: 2  Changed: 2  Warnings: 0
3
true

=== errors of the server, which leave the connection usable
--- lua
@LUA@ @MYSQL@
local db = open()
show(db:query("select * from nowhere"))
show((select(3, db:query("selct 1"))))
assert(db:query "create or replace table cats (name varchar(5) unique)")
show(db:query("insert into cats values ('a'), ('a')"))
show(db:query("select 1 as one")[1].one)
--- body
nil|Table 'test.nowhere' doesn't exist|1146|42S02
1064
nil|Duplicate entry 'a' for key 'name'|1062|23000
1

=== transactions
--- lua
@LUA@ @MYSQL@
local db, other = open(), open { pool = "other" }
assert(db:query "create or replace table birds (name varchar(20)) engine=innodb")
db:query "start transaction" db:query "insert into birds values ('owl')"
show(#db:query "select * from birds", #other:query "select * from birds")
db:query "rollback"
show(#db:query "select * from birds")
db:query "start transaction" db:query "insert into birds values ('owl')" db:query "commit"
show(#other:query "select * from birds")
-- One waits for the other's lock.
db:query "start transaction" db:query "update birds set name = 'eagle'"
local thread = ngx.thread.spawn(function() return other:query("update birds set name = concat(name, ' owl')").affected_rows end)
ngx.sleep(0.05)
show(coroutine.status(thread))
db:query "commit"
show(ngx.thread.wait(thread))
show(db:query("select name from birds")[1].name)
--- body
1|0
0
1
running
true|1
eagle owl

=== several statements, several results
--- lua
@LUA@ @MYSQL@
local db = open()
show(db:send_query("select 1 as n; select 2 as n; do 0; select * from nowhere"))
while true do
  local r, err, code = db:read_result()
  if r then show(r[1] and r[1].n, err) else show(r, err, code) end
  if err ~= "again" then break end
end
show(db:query("select 1 as one")[1].one)
assert(db:query "create or replace procedure two() begin select 1 as n; select 2 as n; end")
local r, err = db:query("call two()")
local n = 0
while err == "again" do n = n + r[1].n r, err = db:read_result() end
show(n, err, r.affected_rows)
--- body
62
1|again
2|again
nil|again
nil|Table 'test.nowhere' doesn't exist|1146
1
3|nil|0

=== big values and many rows
--- lua
@LUA@ @MYSQL@
local db = open()
assert(db:query "create or replace table big (id int, v longblob) engine=innodb")
local value = ("0123456789abcdef\r\n"):rep(200000)
assert(db:query("insert into big values (1, " .. ngx.quote_sql_str(value) .. ")"))
show(db:query("select v from big")[1].v == value)
show(#db:query("select repeat('x', 15000000) as v")[1].v)
local rows = db:query("select seq, repeat('y', seq mod 100) as v from seq_1_to_10000", 10000)
local wrong = 0
for i, row in ipairs(rows) do if tonumber(row.seq) ~= i or #row.v ~= i % 100 then wrong = wrong + 1 end end
show(#rows, wrong)
show(mysql:new():connect { host = "127.0.0.1", port = @PORT@, user = "app", password = "secret", charset = "klingon" })
local small = open { max_packet_size = 1000, pool = "small" }
show(small:query("select repeat('x', 2000) as v"))
--- body_like
\Atrue
15000000
10000\|0
nil\|charset 'klingon' is not supported
nil\|packet size too big: 200\d

=== who may come in
--- lua
@LUA@ @MYSQL@
show(open { password = "wrong" })
show(open { user = "nobody" })
show(open { database = "none" })
show(open { host = "127.0.0.1", port = @REFUSED@ })
local db = open { path = "@SOCKET@", pool = "path" }
show(db:query("select current_user() as u")[1].u)
show(mysql:new():connect { user = "app" })
--- body
nil|Access denied for user 'app'@'127.0.0.1' (using password: YES)|1045|28000
nil|Access denied for user 'nobody'@'127.0.0.1' (using password: YES)|1045|28000
nil|Access denied for user 'app'@'%' to database 'none'|1044|42000
nil|failed to connect: connection refused
app@%
nil|neither "host" nor "path" options are specified

=== TLS
--- lua
@LUA@ @MYSQL@
show((open { user = "only_tls" }))
local db = open { user = "only_tls", ssl = true, pool = "tls" }
show(db:query("show status like 'ssl_version'")[1].Value:match "^TLSv1" ~= nil)
show(#db:query("select repeat('x', 1000000) as v")[1].v)
show(db:set_keepalive())
db = open { user = "only_tls", ssl = true, pool = "tls" }
show(db:get_reused_times(), db:query("select 2 as n")[1].n)
--- body
nil
true
1000000
1
1|2

=== kept connections
--- lua
@LUA@ @MYSQL@
local first
for i = 1, 3 do
  local db = open { pool = "kept" }
  local id = db:query("select connection_id() as id")[1].id
  first = first or id
  show(db:get_reused_times(), id == first, db:set_keepalive(10000, 5))
  show(db:query("select 1"))
end
local db = open { pool = "kept" }
db:send_query("select 1")
show(db:set_keepalive())
show(db:close())
--- body
0|true|1
nil|failed to send query: cannot send query in the current context: nil
1|true|1
nil|failed to send query: cannot send query in the current context: nil
2|true|1
nil|failed to send query: cannot send query in the current context: nil
nil|cannot be reused in the current connection state: 2
1

=== a query that takes too long; a connection that is killed
--- lua
@LUA@ @MYSQL@
local db, other = open(), open { pool = "other" }
db:set_timeout(100)
show(db:query("select sleep(2)"))
local victim = open { pool = "victim" }
other:query("kill " .. victim:query("select connection_id() as id")[1].id)
show((victim:query("select 1")))
show(other:query("select 1 as n")[1].n)
--- body
nil|failed to receive packet header: timeout
nil
1
