-- SPDX-License-Identifier: Apache-2.0
-- The links, in SQLite. Each Lua state has a connection of its own, and there are many, in several processes: so
-- readers do not wait for the writer (WAL), writers queue for a while (busy timeout), and one statement is one change.
local sqlite = require "luasql.sqlite3".sqlite3()

local store = {}
local connection

local schema = [[
CREATE TABLE IF NOT EXISTS links (
  id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, url TEXT NOT NULL, title TEXT NOT NULL, created INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS follows (
  code TEXT REFERENCES links (code) ON DELETE CASCADE, day TEXT, count INTEGER NOT NULL, PRIMARY KEY (code, day)) WITHOUT ROWID;
]]

local function open()
  local opened = assert(sqlite:connect(ngx.var.links_db, 5000)) -- ms to wait for another writer
  opened:execute "PRAGMA journal_mode = WAL" -- fails when somebody else is just doing it, which is as good
  assert(opened:execute "PRAGMA synchronous = NORMAL")
  assert(opened:execute "PRAGMA foreign_keys = ON")
  for statement in schema:gmatch "[^;]+;" do assert(opened:execute(statement)) end
  return opened
end

-- A value as SQL. Text in quotes is only ended by a quote, so doubling those is all it takes; a zero byte would cut it.
local function literal(value)
  if math.type(value) == "integer" then return tostring(value) end
  assert(type(value) == "string" and not value:find("\0", 1, true), "neither text nor a whole number")
  return "'" .. value:gsub("'", "''") .. "'"
end

-- Executes a statement, with a value for each ?; how many rows changed, or a cursor.
local function execute(statement, ...)
  local values, i = { ... }, 0
  statement = statement:gsub("%?", function()
    i = i + 1
    return literal(values[i])
  end)
  connection = connection or open()
  return assert(connection:execute(statement))
end

-- All rows of a query.
local function rows(query, ...)
  local cursor, found = execute(query, ...), {}
  local row = cursor:fetch({}, "a")
  while row do
    found[#found + 1] = row
    row = cursor:fetch({}, "a")
  end
  return found
end

local links = "SELECT *, (SELECT total(count) FROM follows WHERE follows.code = links.code) AS follows FROM links "

-- newest(max): a list, and how many there are in all
function store.newest(max)
  return rows(links .. "ORDER BY id DESC LIMIT ?", max), rows("SELECT count(*) AS total FROM links")[1].total
end

function store.find(code)
  return rows(links .. "WHERE code = ?", code)[1]
end

-- 32 of them, so that each is as likely; without those that look like others.
local alphabet = "abcdefghijkmnpqrstuvwxyz23456789"

local function random_code()
  local random <close> = assert(io.open("/dev/urandom", "rb"))
  return (random:read(6):gsub(".", function(byte)
    local i = byte:byte() % #alphabet + 1
    return alphabet:sub(i, i)
  end))
end

local function insert(code, link)
  return execute("INSERT INTO links (code, url, title, created) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
    code, link.url, link.title, ngx.time()) == 1
end

-- create(link): the link as it is kept, or nil and what is wrong: field -> message
function store.create(link)
  local code = link.code or random_code()
  if insert(code, link) then return store.find(code) end
  if link.code then return nil, { code = "This name is taken, choose another." } end
  return store.create(link)
end

-- delete(code): whether there was one
function store.delete(code)
  return execute("DELETE FROM links WHERE code = ?", code) == 1
end

-- count(code): one more followed it today. Nobody's link any more is nobody's count.
function store.count(code)
  execute("INSERT INTO follows SELECT code, date('now'), 1 FROM links WHERE code = ? " ..
    "ON CONFLICT DO UPDATE SET count = count + 1", code)
end

-- statistics(): { links, follows, days = two weeks of { day, count }, top = the ten most followed }
function store.statistics()
  local days, counts = {}, {}
  for _, row in ipairs(rows "SELECT day, sum(count) AS count FROM follows WHERE day > date('now', '-14 days') GROUP BY day") do
    counts[row.day] = row.count
  end
  for ago = 13, 0, -1 do
    local day = os.date("!%Y-%m-%d", ngx.time() - ago * 86400)
    days[#days + 1] = { day = day, count = counts[day] or 0 }
  end
  local sums = rows("SELECT (SELECT count(*) FROM links) AS links, (SELECT total(count) FROM follows) AS follows")[1]
  return { links = sums.links, follows = sums.follows, days = days,
    top = rows("SELECT * FROM (" .. links .. ") WHERE follows > 0 ORDER BY follows DESC, code LIMIT 10") }
end

return store
