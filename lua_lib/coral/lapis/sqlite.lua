-- SPDX-License-Identifier: Apache-2.0
-- lapis.db.sqlite has one connection for all that runs in a Lua state. In httpd requests that wait would share it, and be in each other's
-- transactions. So the lsqlite3 it finds is this: each request has a connection of its own, from a pool of the state, and waits
-- without a thread where another has locked the database.
local after_dispatch = require "lapis.nginx.context".after_dispatch

local BUSY <const> = 5 -- SQLITE_BUSY
local MOST_IDLE <const> = 8

-- Pragmas of a connection, which an application sets once and means for all.
local lasting = {}
for name in ([[analysis_limit automatic_index cache_size cache_spill case_sensitive_like cell_size_check checkpoint_fullfsync foreign_keys
  fullfsync ignore_check_constraints journal_mode journal_size_limit legacy_alter_table mmap_size query_only read_uncommitted
  recursive_triggers reverse_unordered_selects secure_delete synchronous temp_store threads trusted_schema
  wal_autocheckpoint]]):gmatch "%S+" do lasting[name] = true end

-- What stands for lsqlite3's connection in lapis.db.sqlite. patience: for how many seconds it waits where the database is locked
local Shared = {}
local methods = { patience = 5 }

-- open(sqlite3, name, flags): as its open
local function open(sqlite3, name, flags)
  local first, code, err = sqlite3.open(name, flags)
  if not first or name == "" or name:find ":memory:" or name:find "mode=memory" then return first, code, err end -- not to be had twice
  return setmetatable({ open = function() return assert(sqlite3.open(name, flags)) end, idle = { first }, settings = {}, known = setmetatable({},
    { __mode = "k" }) }, Shared)
end

-- A connection, which knows what has been set.
function methods:take()
  local own = table.remove(self.idle) or self.open()
  for i = (self.known[own] or 0) + 1, #self.settings do own:exec(self.settings[i]) end
  self.known[own] = #self.settings
  return own
end

-- A transaction nobody has ended ends with its request.
function methods:give(own)
  own:exec "rollback"
  if self.closed or #self.idle >= MOST_IDLE then
    own:close()
  else
    table.insert(self.idle, own)
  end
end

-- The connection of the request (or timer) that runs.
function methods:own()
  local ctx = ngx.ctx
  local own = ctx[self]
  if own then return own end
  own = self:take()
  ctx[self] = own
  after_dispatch(function()
    ctx[self] = nil
    self:give(own)
  end)
  return own
end

-- Remembers what is to hold for all connections; true if SQLite is not to know. It would wait with the thread, and the state: we do.
function methods:note(sql)
  local name, value = sql:lower():match "^%s*pragma%s+([%w_]+)%s*[=(]%s*([^%s;)]+)"
  if name == "busy_timeout" and tonumber(value) then
    self.patience = tonumber(value) / 1000
    return true
  end
  if lasting[name] or sql:lower():find "^%s*attach%s" then
    for _, known in ipairs(self.settings) do
      if known == sql then return end
    end
    table.insert(self.settings, sql)
  end
end

local function each(rows)
  local i = 0
  return function()
    i = i + 1
    return rows[i]
  end
end

local function collect(own, sql)
  local rows = {}
  for row in own:nrows(sql) do rows[#rows + 1] = row end
  return rows
end

-- nrows(sql): the rows, or an error
function methods:nrows(sql)
  if self:note(sql) then return each {} end
  local own, pause, waited = self:own(), 0.001, 0
  while true do
    local ok, rows = pcall(collect, own, sql)
    if ok then return each(rows) end
    if own:errcode() ~= BUSY or waited >= self.patience or not pcall(ngx.sleep, pause) then error(rows, 0) end
    waited, pause = waited + pause, math.min(2 * pause, 0.05)
  end
end

function methods:close()
  self.closed = true
  while self.idle[1] do table.remove(self.idle):close() end
end

-- All others are asked of the request's connection.
function Shared:__index(name)
  return methods[name] or function(_, ...)
    local own = self:own()
    return own[name](own, ...)
  end
end

-- What lapis.db.sqlite's require gives.
local function require_shared(name)
  local module = require(name)
  if name ~= "lsqlite3" then return module end
  return setmetatable({ open = function(...) return open(module, ...) end }, { __index = module })
end

-- load(name): Lapis's own module, which finds this
local function load_module(name)
  local file = assert(package.searchpath(name, package.path))
  return assert(loadfile(file, "bt", setmetatable({ require = require_shared }, { __index = _G })))(name, file)
end

return { load = load_module }
