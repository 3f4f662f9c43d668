-- SPDX-License-Identifier: Apache-2.0
-- An application as its adapter sees it, and which adapter that is. docs/adapters.md is about writing one.
--
-- An adapter is a file coral/adapter/<name>.lua, here or on CoralPackagePath, that returns a table:
--   name                 as in CoralApp, for messages
--   detect(app)          whether this app is one of its kind; without it the adapter has to be named
--   load(app)            makes of it what dispatch is called with; raises what is wrong, with the remedy
--   dispatch(loaded, r)  answers a request; what it returns is as a content hook's
--   whole                true: when something changes all modules are loaded again, not only those that need it
--   endings              of files, beside .lua, that searchers of the app make modules of: changes of theirs count, too
--
-- detect is asked twice where no adapter is named: before any of the app's code has run, when app.globals is nil, and when none has
-- said yes, after its main file has.
local code = require "coral.code"
local loader = require "coral.loader"
local log = require "coral.log".log
local loaded = package.loaded
local ERR <const> = 4 -- ngx.ERR

local app = {}     -- the methods of an app
local module = {}  -- what this file returns
local mt = { __index = app }
local made = setmetatable({}, { __mode = "k" }) -- tables that apps made with module(...)

-- The base name of a path, without its ending
local function base(path)
  local name = path:match "[^/]*$"
  return name:match "^(.+)%.[^.]*$" or name
end

local function is_folder(path)
  local inside <close> = io.open(path .. "/.")
  return inside ~= nil
end

-- An app's fields:
--   path      what CoralApp names
--   folder    the same if it is a folder, else nil
--   file      the main file: path, or what it holds as app.lua, init.lua, handler.lua or <folder>.lua; nil
--   name      how its main file would be required: "app"
--   prefix    the url it is mounted at, without a slash at the end; "" for everything, and where it is not known
--   value     what the main file returned, or put under its name into package.loaded; nil before run()
--   globals   the globals it defined; nil before run()
local function new(path, prefix)
  local self = setmetatable({ path = path, prefix = (prefix or ""):gsub("/+$", "") }, mt)
  if is_folder(path) then
    self.folder = path
    self.file = self:first("app.lua", "init.lua", "handler.lua", base(path) .. ".lua")
  else
    self.file = path
  end
  self.name = base(self.file or path)
  return self
end

-- The path of a file of the folder; one that begins with a slash is whole
local function full(self, name)
  return name:sub(1, 1) == "/" and name or self.folder and self.folder .. "/" .. name
end

-- text(name): what this file of the folder holds; without a name the main file. nil if it is not there
function app:text(name)
  local path = name and full(self, name) or not name and self.file
  local file <close> = path and io.open(path)
  return file and file:read "a" or nil
end

-- has(name): the path of this file of the folder, nil if it is not there
function app:has(name)
  local path = full(self, name)
  local file <close> = path and io.open(path)
  return file and path or nil
end

-- first(name, …): the path of the first of them that is there
function app:first(...)
  for _, name in ipairs { ... } do
    local path = self:has(name)
    if path then return path end
  end
end

-- What a file that returned nothing has made of itself with module(...), as Lua 5.1's did; made again, it is the same table.
local function as_module(name, before)
  local value = loaded[name]
  if value == nil or value == before and not made[value] then return nil end
  if type(value) == "table" then made[value] = true end
  return value
end

-- The main file, once per load: as a chunk whose arguments are those of a module, with globals of its own.
local function run(self)
  local version, err = code.version(self.file, 0)
  if not version then error(err, 0) end
  local globals, before = setmetatable({}, { __index = _G }), loaded[self.name]
  local value = assert(load((code.text(self.file)), "@" .. self.file, "t", globals))(self.name, self.file)
  if value == nil then value = as_module(self.name, before) end
  self.value, self.globals = value, globals
end

-- run(): runs the main file unless it has run; what it returned
function app:run()
  if self.globals then return self.value end
  if not self.file then
    error(("%s holds none of app.lua, init.lua, handler.lua, %s.lua"):format(self.path, base(self.path)), 0)
  end
  run(self)
  return self.value
end

-- fail(what): raises that it is no app of this kind
function app:fail(what)
  error(("%s is no app: %s"):format(self.file or self.path, what), 0)
end

-- The names of all adapters: those of others first, then ours, each by the alphabet.
local function names()
  local found, order = {}, {}
  local patterns = {}
  for pattern in package.path:gmatch "[^;]+" do table.insert(patterns, pattern) end
  table.insert(patterns, table.remove(patterns, 1)) -- ours
  for _, pattern in ipairs(patterns) do
    local files = pattern:find("?.lua", 1, true) and code.files((pattern:gsub("%?%.lua", "coral/adapter/*.lua", 1))) or {}
    table.sort(files)
    for _, file in ipairs(files) do
      local name = file:match "^([%w_-]+)%.lua$"
      if name and not found[name] then
        found[name] = true
        order[#order + 1] = name
      end
    end
  end
  return order
end

local function adapter_of(name)
  local adapter = require("coral.adapter." .. name)
  if type(adapter) ~= "table" or type(adapter.load) ~= "function" or type(adapter.dispatch) ~= "function" then
    error(("the adapter %s returns no table with the functions `load` and `dispatch`"):format(name), 0)
  end
  return adapter
end

local function ask(adapters, self)
  for _, adapter in ipairs(adapters) do
    if adapter.detect and adapter.detect(self) then return adapter end
  end
end

local function detect(self)
  local adapters, all = {}, names()
  for _, name in ipairs(all) do
    local ok, adapter = pcall(adapter_of, name)
    if not ok then log(ERR, "the adapter ", name, " is not asked whether ", self.path, " is for it: ", adapter) end
    adapters[#adapters + 1] = ok and adapter or nil
  end
  local adapter = ask(adapters, self)
  if adapter then return adapter end
  self:run()
  return ask(adapters, self)
    or self:fail(("no adapter (%s) knows it by what it returns (%s) or defines; name the one that is for it: "
      .. "CoralApp PREFIX PATH ADAPTER"):format(table.concat(all, ", "), type(self.value)))
end

-- open(path, prefix, name): the function that answers its requests, its main file, and the adapter's `whole`. name: of the adapter; nil:
-- it is found out
function module.open(path, prefix, name)
  local self = new(path, prefix)
  local adapter = name and adapter_of(name) or detect(self)
  loader.endings = adapter.endings
  local it, dispatch = adapter.load(self), adapter.dispatch
  return function(r) return dispatch(it, r) end, self.file, adapter.whole
end

return module
