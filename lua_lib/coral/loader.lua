-- SPDX-License-Identifier: Apache-2.0
-- Loads scripts and modules, and loads them again when they change.
--
-- A *unit* is a script the configuration names, a *module* what `require` loaded from a Lua file. Both remember the version of their
-- file and which modules they need, so a change anywhere below a unit is seen when the unit is next looked at. What changed is
-- loaded aside; if that fails it is logged and everything stays as it was. Requests on their way keep the functions they run.
-- Texts come from the child's store (coral.code), which never hands out one that does not compile.
local own = ... .. "/?.lua" -- mod_coral's own files
local code = require "coral.code"
local log = require "coral.log".log
local running = coroutine.running
local loaded, preload = package.loaded, package.preload
local ERR = 4 -- ngx.ERR

local units = {}     -- what main is called with (a script's address or key) -> unit
local modules = {}   -- name -> module
local loading = setmetatable({}, { __mode = "k" }) -- coroutine -> the module it is loading
local loader = {}    -- what this file returns

local globals_mt = { __index = _G }
local function own_globals()
  return setmetatable({}, globals_mt)
end

-- The newest text of a file and its version, or nil and why.
local function read(file)
  local version, err = code.version(file, 0)
  if not version then return nil, err end
  return code.text(file)
end

-- A function that makes the chunk with the globals it is given. The line numbers are those of the file.
local function factory(text, file, line)
  local feeds = ("\n"):rep((line or 1) - 1)
  local chunk, err = load(feeds .. text, "@" .. file) -- by itself first: its own mistakes, in its own words
  if not chunk then error(err, 0) end
  return assert(load(feeds .. "local _ENV = ... return function(...) " .. text .. "\nend", "@" .. file))
end

-- require, in Lua: a module may wait while it is loaded.

local function note(name, module)
  local unit = units[code.key()]
  if unit then unit.needs[name] = module end
  local above = loading[running()]
  if above then above.needs[name] = module end
end

local function check_loop(name)
  local module, chain = loading[running()], name
  while module do
    chain = module.name .. " requires " .. chain
    if module.name == name then error("loop of modules: " .. chain, 0) end
    module = module.above
  end
end

local function load_module(name, file)
  local text, version = read(file)
  if not text then error(("error loading module '%s' from file '%s':\n\t%s"):format(name, file, version), 0) end
  local co = running()
  local module = { name = name, file = file, version = version, needs = {}, above = loading[co] }
  local restore <close> = setmetatable({}, { __close = function() loading[co] = module.above end })
  loading[co] = module
  local value = assert(load(text, "@" .. file))(name, file)
  if value ~= nil then loaded[name] = value end
  if loaded[name] == nil then loaded[name] = true end
  modules[name] = module
end

-- The second searcher of `package`: what it returns tells require that the file is ours to load.
package.searchers[2] = function(name)
  local file, err = name:find "^ngx%." and package.searchpath(name, own), nil -- theirs need what is not here
  if not file then file, err = package.searchpath(name, package.path) end
  if not file then return err end
  return function() return load_module(name, file) end, file
end

-- What another searcher has found in a file that is not Lua but is named like one (loader.endings: moon, etlua) is a module, too.
local function note_foreign(name)
  for _, ending in ipairs(loader.endings or {}) do
    local file = package.searchpath(name, (package.path:gsub("%.lua%f[;\0]", "." .. ending)))
    if file then
      modules[name] = { name = name, file = file, version = code.stamp(file), foreign = true, needs = {} }
      return
    end
  end
end

local function search(name)
  local tried = {}
  for _, searcher in ipairs(package.searchers) do
    local load_it, extra = searcher(name)
    if type(load_it) == "function" then return load_it, extra end
    if load_it then tried[#tried + 1] = load_it end
  end
  error(("module '%s' not found:\n\t%s"):format(name, table.concat(tried, "\n\t")), 3)
end

function _G.require(name)
  if type(name) == "number" then name = tostring(name) end
  if type(name) ~= "string" then
    error(("bad argument #1 to 'require' (string expected, got %s)"):format(type(name)), 2)
  end
  local value, extra = loaded[name], nil
  if value == nil then
    check_loop(name)
    local load_it
    load_it, extra = search(name)
    value = load_it(name, extra)
    if value ~= nil then loaded[name] = value end
    if loaded[name] == nil then loaded[name] = true end
    value = loaded[name]
    if not modules[name] then note_foreign(name) end
  end
  if modules[name] then note(name, modules[name]) end
  if loader.one_result then return value end -- set by compat.lua
  return value, extra
end

-- Units.

local build = {}

function build.chunk(unit, text)
  unit.make = factory(text, unit.file, unit.line)
end

function build.script(unit, text)
  unit.make = factory(text, unit.file, unit.line)
  unit.script = true
end

build["function"] = function(unit, text)
  local globals = own_globals()
  local result = factory(text, unit.file, unit.line)(globals)()
  local f = rawget(globals, unit.name) or type(result) == "table" and result[unit.name]
  if type(f) ~= "function" then
    error(("%s defines no function '%s'"):format(unit.file, unit.name), 0)
  end
  unit.run = f
end

function build.app(unit)
  unit.run, unit.file, unit.whole = require "coral.app".open(unit.path, unit.prefix, unit.name)
  if unit.file then unit.version = code.version(unit.file, 0) end
end

-- Builds a unit from what is on the disk now.
local function fill(unit)
  local text = unit.text
  if unit.how ~= "app" and not text then
    local version
    text, version = read(unit.file)
    if not text then error(version, 0) end
    unit.version = version
  end
  build[unit.how](unit, text)
  unit.ready = true
  return unit
end

local function new_unit(file, text, line, name, how, prefix)
  return {
    path = file, file = file, text = text, line = text and line or 1, name = name, how = how, prefix = prefix, needs = {}, checked = 0,
  }
end

local function add(key, now)
  local unit = new_unit(code.script())
  unit.searchers = { table.unpack(package.searchers) }
  units[key] = unit -- there already, so that what it requires is noted
  unit.checked = now
  local done <close> = setmetatable({}, {
    __close = function(_, err) if err ~= nil and units[key] == unit then units[key] = nil end end
  })
  return fill(unit)
end

-- Whether a unit or module, or a module below it, is not what it would be if it were loaded now; `seen` holds the answers.
local function changed(thing, age, always, seen)
  if seen[thing] ~= nil then return seen[thing] end
  seen[thing] = false
  local answer = always
  if thing.foreign then
    answer = answer or code.stamp(thing.file) ~= thing.version
  elseif thing.version then
    answer = answer or code.version(thing.file, age) ~= thing.version
  end
  for name, module in pairs(thing.needs) do
    local now = modules[name]
    if now ~= module then answer = true end
    if now and changed(now, age, always, seen) then answer = true end
  end
  seen[thing] = answer or false
  return seen[thing]
end

-- Takes the changed modules out; returns what puts them back.
local function take_out(seen)
  local kept = {}
  for thing, is_changed in pairs(seen) do
    local name = thing.path == nil and thing.name
    if is_changed and name and modules[name] == thing then
      kept[name] = { module = thing, value = loaded[name] }
      loaded[name], modules[name] = nil, nil
    end
  end
  return kept
end

-- Puts a list of searchers in the place of those that are there; returns those.
local function set_searchers(new)
  local old = table.move(package.searchers, 1, #package.searchers, 1, {})
  for i = 1, math.max(#old, #new) do package.searchers[i] = new[i] end
  return old
end

local function refresh(unit, now, age)
  local always, seen = age < 0, {}
  unit.checked = now
  if not changed(unit, always and 0 or age, always, seen) then return end
  local searchers
  if unit.whole then -- all its modules are loaded again, as if none had been: those that add searchers, too
    for thing in pairs(seen) do seen[thing] = true end
    searchers = set_searchers(unit.searchers)
  end
  local kept = take_out(seen)
  local new = new_unit(unit.path, unit.text, unit.line, unit.name, unit.how, unit.prefix)
  for name in pairs(unit.needs) do
    if not kept[name] then new.needs[name] = modules[name] end
  end
  local old_needs = unit.needs
  unit.needs = new.needs -- what is required from here on is the new one's
  local ok, err = pcall(function()
    if not unit.whole then
      for name in pairs(kept) do require(name) end
    end
    fill(new)
  end)
  if ok then
    for key, value in pairs(new) do unit[key] = value end
    unit.checked, unit.complaint = now, nil
    return
  end
  unit.needs = old_needs
  if searchers then set_searchers(searchers) end
  for name, was in pairs(kept) do
    loaded[name], modules[name] = was.value, was.module
  end
  err = tostring(err)
  if unit.complaint ~= err then
    log(ERR, unit.path, " cannot be loaded again: ", err, "; the version before it goes on serving")
  end
  unit.complaint = err
end

-- A script that has not answered itself may have defined mod_lua's handle(r), or returned a function.
local function finish_script(globals, r, result)
  if type(result) == "function" then return result(r) end
  local handle = rawget(globals, "handle")
  if result == nil and type(handle) == "function" then return handle(r) end
  return result
end

-- Runs a script for a request. now: its time in µs; every: µs between two looks at the files, nil never, -1 load always; need_body:
-- the request's body is read before.
function loader.main(key, r, now, every, need_body)
  if need_body then require "coral.body".read() end
  local unit = units[key]
  if not (unit and unit.ready) then -- a script that waits while it is loaded is loaded by the next request, too
    unit = add(key, now)
  elseif every and now - unit.checked >= every then
    refresh(unit, now, every)
  end
  local make = unit.make
  if not make then return unit.run(r) end
  local globals = own_globals()
  if unit.script then return finish_script(globals, r, make(globals)(r)) end
  return make(globals)(r)
end

-- Runs a script of init, init_worker or exit_worker: no request, and a chunk's globals are the state's.
function loader.once(phase, file, text, line, name)
  loader.phase = phase
  local unit = fill(new_unit(file, text, line, name, name and "function" or "chunk"))
  if unit.run then unit.run() else unit.make(_G)() end
  loader.phase = nil
end

preload["coral.loader"] = function() return loader end
return loader
