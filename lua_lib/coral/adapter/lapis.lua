-- SPDX-License-Identifier: Apache-2.0
-- Applications of the web framework Lapis, unchanged, in Lua and MoonScript. Lapis finds OpenResty's `ngx` here and is content.
local basics = require "coral.basics"
local coral = require "coral"
local log = require "coral.log"

-- Lapis remembers what modules have told it (configurations, models), so a change means all of them again.
local lapis = { name = "lapis", whole = true, endings = { "moon", "etlua" } }

-- detect(app): a folder or a file whose main file requires lapis
function lapis.detect(app)
  local text = app:text() or app:text "app.moon" or ""
  return text:find "require%s*%(?%s*[\"']lapis[\"']" ~= nil
end

-- A module that has to be installed.
local function need(name, app)
  local ok, result = pcall(require, name)
  if ok then return result end
  if not tostring(result):find("module '" .. name .. "' not found", 1, true) then error(result, 0) end
  local rock = name:match "^[^.]+"
  app:fail(("it needs %s, which is not on package.path: luarocks --lua-version=5.4 install %s, or CoralPackagePath"):format(rock, rock))
end

-- CoralEnvironment's word, or LAPIS_ENVIRONMENT's; and what the test server lays over its configuration (lapis.cmd.httpd).
local function set_environment()
  local environment = require "lapis.environment"
  local name, overrides = coral.environment(), package.preload["coral.lapis.overrides"]
  if name then environment.set_default_environment(name) end
  if overrides then
    environment.push(name or environment.default_environment(), require "cjson".decode(overrides()))
  end
end

-- Lapis logs with colours, which httpd's log would show as \x1b[...: they stay.
local function print_coloured(...)
  local words = { ... }
  for i = 1, select("#", ...) do words[i] = tostring(words[i]) end
  log.coloured(table.concat(words, "\t"))
end

-- MoonScript, where a module is written in it and not compiled.
local function understand(app, name)
  local file = name:gsub("%.", "/")
  if app:first(file .. ".moon", file .. "/init.moon") and not app:first(file .. ".lua", file .. "/init.lua") then need("moonscript", app) end
end

-- What of Lapis's is made for nginx's ways, or for one request at a time.
local function take_over()
  package.preload["lapis.nginx.http"] = package.preload["lapis.nginx.http"] or function() return require "coral.lapis.http" end
  package.preload["lapis.db.sqlite"] = package.preload["lapis.db.sqlite"] or function(name) return require "coral.lapis.sqlite".load(name) end
end

-- What the application's module returns: a class, or an application already.
local function load_class(app)
  if not app.folder then return app:run() end
  local config = require "lapis.config".get() -- its get_app_module() does not see what was pushed
  local name = config.default_app_module or config.app_class or "app" -- app_class: up to 1.18
  understand(app, name)
  return require(name)
end

local function instance_of(class)
  if class.__base then return class() end
  class:build_router()
  return class
end

-- Most of what the state holds is the framework's and stays, and what a page needs is soon garbage. So what is new is looked through for
-- itself, whenever there is half as much of it as there was: its memory is used again while it is in the processor's caches. Before 5.4.4
-- that mode of Lua's had mistakes; there all is looked through, but not whenever it has doubled.
local function tune()
  if basics.release >= 50404 then collectgarbage("generational", 50, 100) else collectgarbage("setpause", 400) end
end

-- load(app): what dispatch answers with
function lapis.load(app)
  if app.folder then understand(app, "config") end -- lapis asks for it while it is loaded
  need("lapis.config", app)
  set_environment()
  need("lapis", app)
  take_over()
  require "lapis.logging".set_print(print_coloured)
  tune() -- the application's own settings come later
  local class = load_class(app)
  if type(class) ~= "table" or not class.build_router then app:fail "it returns no lapis.Application" end
  return { app = instance_of(class), dispatch = require "lapis.nginx".dispatch }
end

-- Each in turn, whatever becomes of those before it.
local function call_all(callbacks, i)
  local callback = callbacks[i]
  if not callback then return end
  local rest <close> = setmetatable({}, { __close = function() call_all(callbacks, i + 1) end })
  callback()
end

-- What was to be done after the request, where Lapis did not come to it: an error it did not catch, ngx.exit, a client that left. A
-- connection in the middle of a query refuses to go back to its pool, and is closed.
local unfinished = setmetatable({}, {
  __close = function()
    local ctx = ngx.ctx
    local callbacks = ctx.after_dispatch
    ctx.after_dispatch = nil
    if callbacks ~= nil then call_all(type(callbacks) == "table" and callbacks or { callbacks }, 1) end
  end
})

-- dispatch(loaded): answers a request
function lapis.dispatch(loaded)
  local rest <close> = unfinished
  loaded.dispatch(loaded.app)
end

return lapis
