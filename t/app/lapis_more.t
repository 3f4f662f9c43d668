# SPDX-License-Identifier: Apache-2.0
# Lapis's other databases, MySQL and SQLite, and its lapis.http: for requests that wait at the same time.
use strict;
use warnings;
use Coral::Library;
use Coral::Server;
use Coral::Service;
use Coral::Wire;
use Test::More;

plan skip_all => 'only the event MPM parks' unless Apache::Test::vars()->{coral_mpm} eq 'event';
my @lapis   = qw(lapis cjson lpeg socket.core _openssl ansicolors date etlua loadkit);
my $library = Coral::Library->need(@lapis, qw(?resty.mysql ?lsqlite3));
my $many    = 100;

# What all applications here begin with. gather(): waits until so many requests are there; whether they are.
my $head = <<'LUA';
local lapis, db = require "lapis", package.loaded["lapis.config"].get().no_database or require "lapis.db"
local app = lapis.Application()
local function plain(text) return { layout = false, content_type = "text/plain", tostring(text) } end
app.handle_error = function(_, err) return { layout = false, status = 500, (tostring(err):gsub("\nstack.*", "")) } end
local function gather(name, count)
  ngx.shared.count:incr(name, 1, 0)
  for _ = 1, 1200 do
    if ngx.shared.count:get(name) >= count then return "all here" end
    ngx.sleep(0.02)
  end
  return "only " .. ngx.shared.count:get(name)
end
LUA

# server(CONFIG of Lapis, APP, CONFIG of httpd): of one child with 8 threads, and a TLS port.
sub server {
    my ($settings, $app, $more) = @_;
    my $server = Coral::Server->new(
        files  => { 'app/app.lua' => "$head$app\nreturn app\n", 'app/config.lua' => qq(require "lapis.config"("development", { logging = false, secret = "s", $settings })\n) },
        config => $library->config . <<"END" . ($more // ''));
StartServers 1
ServerLimit 1
AsyncRequestWorkerFactor 100
ListenBacklog 511
CoralSharedDict count 64k
CoralApp "/" "\@ROOT\@/app" lapis
END
    ok $server->start, 'starts' or diag $server->output, $server->error_log;
    return $server;
}

sub body_is { my ($server, $path, $want, $name) = @_; is $server->get($path)->content, $want, $name // $path }

subtest 'lapis.http' => sub {
    my $spare = Coral::Server->new;    # its port is for TLS
    my ($conf, $tls) = (Apache::Test::vars()->{t_conf}, $spare->port);
    my $server = server('no_database = true', <<"LUA", <<"END");
local http = require "lapis.http"
local nginx = require "lapis.nginx"
local simple = http.simple
local installed, headers = require "socket.http", require "socket.headers"
local function spare(name) return dofile(package.searchpath("spare." .. name, package.path)) end
package.loaded["socket.headers"] = spare "socket.headers"
local ours = spare "socket.http"
package.loaded["socket.headers"] = headers
local function url(self, path)
  package.loaded["socket.http"] = self.params.ours and ours or installed
  return (self.params.tls and "https://localhost:$tls" or "http://127.0.0.1:" .. ngx.var.server_port) .. path
end
app:match("/echo", function(self) return { layout = false, status = 201, content_type = "text/x", headers = { ["X-Own"] = "own" },
  table.concat({ self.req.method, self.req.headers["content-type"] or "", self.req:read_body_as_string() or "", self.req.headers["X-Asked"] or "" }, " ") } end)
app:get("/moved", function() return { redirect_to = "/echo" } end)
app:get("/gather", function() return plain(gather("gather", $many)) end)
app:get("/text", function(self)
  local body, status, headers = http.request(url(self, "/echo"))
  local answer, code = http.request(url(self, "/echo"), "a=1&b=2")
  return plain(table.concat({ body, status, headers["X-Own"], headers["x-own"], headers["Content-Type"], answer, code }, "|"))
end)
app:get("/table", function(self)
  local ltn12, parts = require "ltn12", {}
  local ok, status = http.request { url = url(self, "/echo"), method = "PUT", headers = { ["X-Asked"] = "x" }, source = ltn12.source.string "in",
    sink = ltn12.sink.table(parts) }
  return plain(table.concat({ ok, status, table.concat(parts), (select(2, http.request(url(self, "/moved")))) }, "|"))
end)
app:get("/simple", function(self)
  local body, status = simple { url = url(self, "/echo"), method = "POST", body = { a = "1 2" }, headers = { ["X-Asked"] = "x" } }
  return plain(table.concat({ body, status, (simple(url(self, "/echo"), "text")), (simple(url(self, "/echo"))) }, "|"))
end)
app:get("/wrong", function(self)
  return plain(table.concat({ tostring(select(2, http.request "https://0.0.0.0:$tls/echo")), tostring(select(2, http.request "http://127.0.0.1:1/")),
    tostring(select(2, http.request "gopher://localhost/")) }, "|"))
end)
app:get("/timer", function(self)
  local to, store = url(self, "/echo"), ngx.shared.count
  nginx.timer_at(0, function() store:set("timer", (http.request(to))) end)
  for _ = 1, 500 do if store:get "timer" then break end ngx.sleep(0.01) end
  return plain(store:get "timer")
end)
app:get("/crowd", function(self) return plain((http.request(url(self, "/gather")))) end)
LUA
CoralSslTrustedCertificate "$conf/tls/cert.pem"
Listen 127.0.0.1:$tls
<VirtualHost 127.0.0.1:$tls>
    SSLEngine on
    SSLCertificateFile $conf/tls/cert.pem
    SSLCertificateKeyFile $conf/tls/key.pem
    CoralApp "/" "\@ROOT\@/app" lapis
</VirtualHost>
END
    for my $tls ('', '?tls=1', '?ours=1', '?ours=1&tls=1') {    # the last: where no LuaSocket is installed
        body_is($server, "/text$tls", 'GET   |201|own|own|text/x|POST application/x-www-form-urlencoded a=1&b=2 |201');
        body_is($server, "/table$tls", '1|201|PUT  in x|302');
        body_is($server, "/simple$tls", 'POST application/x-www-form-urlencoded a=1%202 x|201|POST  text |GET   ');
        body_is($server, "/timer$tls", 'GET   ');
    }
    like $server->get('/wrong')->content, qr/^.*(?:certificate|mismatch|verify).*\|connection refused\|.*scheme/, 'what fails';
    is_deeply [$server->crowd('/crowd?tls=1', $many)], [('all here') x $many], "$many requests over TLS wait at the same time";
    $server->stop;
};

subtest 'MySQL' => sub {
    plan skip_all => 'there is no resty.mysql' unless $library->has('resty.mysql');
    my $mysql = Coral::Service->need('mariadb');
    my $server = server(qq(mysql = { host = "127.0.0.1", port = @{[$mysql->port]}, user = "app", password = "secret", database = "test" }), <<'LUA');
local Model = require "lapis.db.model".Model
local schema, types = require "lapis.db.schema", require "lapis.db.schema".types
local Things = Model:extend("things", { relations = { { "parts", has_many = "Parts", order = "id asc" } } })
local Parts = Model:extend("parts", { relations = { { "thing", belongs_to = "Things" } } })
package.loaded.models = { Things = Things, Parts = Parts }
app:get("/make", function()
  schema.create_table("things", { { "id", types.id }, { "name", types.varchar } })
  schema.create_table("parts", { { "id", types.id }, { "thing_id", types.integer }, { "name", types.varchar } })
  for i = 1, 5 do
    local thing = Things:create { name = "thing's " .. i }
    for j = 1, i % 3 do Parts:create { thing_id = thing.id, name = "part " .. j } end
  end
  return plain(Things:count())
end)
app:get("/things", function(self)
  local pages = Things:paginated("order by id asc", { per_page = 2 })
  local lines = { pages:total_items() .. "," .. pages:num_pages() }
  for _, thing in ipairs(pages:get_page(tonumber(self.params.page))) do lines[#lines + 1] = thing.name .. ":" .. #thing:get_parts() end
  return plain(table.concat(lines, " "))
end)
app:get("/change", function()
  local thing = Things:find { name = "thing's 1" }
  thing:update { name = "changed" }
  local gone = Things:find(5):delete()
  return plain(Things:find(1).name .. " " .. tostring(gone) .. " " .. Things:count())
end)
app:get("/connection", function() return plain(db.query "select connection_id() as id"[1].id) end)
app:get("/wrong", function() db.query "select no_such_thing" end)
app:get("/crowd/:n", function(self)
  db.query "start transaction"
  local id = db.query "select connection_id() as id"[1].id
  db.query("select sleep(0.1)")
  local all = gather("crowd", 50)
  local row = db.query("select connection_id() as id, ? as n", self.params.n)[1]
  db.query "rollback"
  return plain(("%s %s %s"):format(all, row.n, row.id == id))
end)
LUA
    body_is($server, '/make', 5, 'tables, models');
    body_is($server, '/things?page=1', "5,3 thing's 1:1 thing's 2:2", 'pages, relations');
    body_is($server, '/things?page=3', "5,3 thing's 5:2");
    body_is($server, '/change', 'changed true 4');
    my $connection = $server->get('/connection')->content;
    body_is($server, '/connection', $connection, 'a connection is used again');
    like $server->get('/wrong')->content, qr/Unknown column 'no_such_thing'/, 'an error';
    body_is($server, '/things?page=1', '4,2 changed:1 thing\'s 2:2', 'and on it goes');
    is_deeply [$server->crowd('/crowd/N', 50)], [map { "all here $_ true" } 1 .. 50], '50 requests in transactions at the same time: each its own connection';
    $server->stop;
};

subtest 'SQLite' => sub {
    plan skip_all => 'there is no lsqlite3' unless $library->has('lsqlite3');
    my $server = server('sqlite = { database = ngx and ngx.config.prefix() .. "/data.sqlite" }', <<'LUA');
local Model = require "lapis.db.model".Model
local schema, types = require "lapis.db.schema", require "lapis.db.schema".types
local Things = Model:extend "things"
db.query "PRAGMA journal_mode = WAL"
db.query "PRAGMA foreign_keys = ON"
app:get("/make", function()
  schema.create_table("things", { { "id", types.integer }, { "name", types.text }, "PRIMARY KEY (id)" })
  for i = 1, 5 do Things:create { id = i, name = "thing's " .. i } end
  return plain(Things:count())
end)
app:get("/change", function()
  local thing = Things:find { name = "thing's 1" }
  thing:update { name = "changed" }
  local deleted = db.delete("things", { id = db.list { 4, 5 } })
  return plain(Things:find(1).name .. " " .. deleted.affected_rows .. " " .. Things:count())
end)
app:get("/wrong", function() db.query "select no_such_thing" end)
-- One is in a transaction when the other comes, asks and changes; then the first takes its own back.
app:get("/first", function()
  db.query "BEGIN"
  local count = Things:count()
  ngx.shared.count:set("first", true)
  for _ = 1, 500 do if ngx.shared.count:get "second" then break end ngx.sleep(0.01) end
  local still = Things:count()
  db.query "ROLLBACK"
  return plain(count .. " " .. still .. " " .. Things:count())
end)
app:get("/second", function()
  for _ = 1, 500 do if ngx.shared.count:get "first" then break end ngx.sleep(0.01) end
  Things:create { id = 100, name = "second" }
  ngx.shared.count:set("second", true)
  return plain(Things:count())
end)
-- Transactions that write: one after the other, while all wait.
app:get("/crowd/:n", function(self)
  if self.params.n ~= "0" then gather("crowd", 30) end
  db.query "BEGIN IMMEDIATE"
  local row = Things:find(1)
  local n = tonumber(row.name) or 0
  ngx.sleep(0.01)
  row:update { name = tostring(math.tointeger(n + 1)) }
  db.query "COMMIT"
  return plain(db.query "PRAGMA foreign_keys"[1].foreign_keys)
end)
app:get("/left", function()
  db.query "BEGIN IMMEDIATE"
  Things:find(1):update { name = "left" }
  error("in the middle", 0)
end)
app:get("/hang", function()
  db.query "BEGIN IMMEDIATE"
  Things:find(1):update { name = "hung" }
  ngx.shared.count:set("hangs", true)
  ngx.sleep(60)
end)
app:get("/hangs", function()
  for _ = 1, 500 do if ngx.shared.count:get "hangs" then break end ngx.sleep(0.01) end
  return plain(ngx.shared.count:get "hangs")
end)
app:get("/name", function() return plain(Things:find(1).name) end)
app:get("/patience", function()
  db.query "PRAGMA busy_timeout = 100"
  db.query "BEGIN IMMEDIATE"
  local other = ngx.thread.spawn(function() return ngx.location.capture "/impatient".body end)
  local _, body = ngx.thread.wait(other)
  return plain(body)
end)
app:get("/impatient", function()
  local _, err = pcall(db.query, "BEGIN IMMEDIATE")
  return plain(err)
end)
LUA
    body_is($server, '/make', 5, 'tables, models');
    body_is($server, '/change', 'changed 2 3');
    like $server->get('/wrong')->content, qr/no such column: no_such_thing/, 'an error';
    is_deeply [$server->crowd('/crowd/0', 1)], ['1'], 'a pragma holds for all connections';
    my @pipes = map { my $path = $_; open(my $pipe, '-|') // die "fork: $!\n" or do { print $server->get($path)->content; close STDOUT; POSIX::_exit(0) }; $pipe } qw(/first /second);
    is join('|', map { my $pipe = $_; local $/; <$pipe> } @pipes), '3 3 4|4', 'a transaction does not see what others do meanwhile';
    is_deeply [$server->crowd('/crowd/N', 30)], [('1') x 30], '30 transactions that write';
    body_is($server, '/name', 31, 'none of them is lost');
    body_is($server, '/left', 'in the middle', 'a transaction nobody ends');
    body_is($server, '/name', 31, 'is taken back');
    my $wire = Coral::Wire->new($server->port);
    $wire->get('/hang');
    body_is($server, '/hangs', 'true', 'a client in the middle of one');
    $wire->close;
    body_is($server, '/crowd/0', 1, 'leaves: others can write');
    body_is($server, '/name', 32, 'and it is taken back');
    like $server->get('/patience')->content, qr/database is locked/, 'busy_timeout says how long one waits';
    body_is($server, '/name', 32, 'and no more');
    $server->stop;
};
done_testing;
