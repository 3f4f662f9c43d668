-- SPDX-License-Identifier: Apache-2.0
-- WSAPI 1.6: an app is run(env) -> status, headers, iterator. The main file returns that function, a table that has it as `run`, or the
-- name of a module that does.
local answer = require "coral.wsapi.answer"
local env = require "coral.wsapi.env"
local home = require "coral.home"

local wsapi = { name = "wsapi" }

-- Launchers of the library look for files with this ending, too.
local function main_file(app)
  return app.file or app:first(app.path:match "[^/]*$" .. ".ws", "app.ws", "init.ws")
end

-- Code that uses the library, or Orbit, which stands on it.
local function mentions(text)
  return text and (text:find "require[%s(]*[\"']wsapi[.\"']" or text:find "require[%s(]*[\"']orbit[.\"']")
end

function wsapi.detect(app)
  local value = app.value
  if type(value) == "table" then return type(value.run) == "function" end
  if app.globals then return false end
  local file = main_file(app)
  return file and (file:find "%.ws$" or file:find "%.lua$" and mentions(app:text(file)))
end

-- The function an app is.
local function normal(app, value)
  if type(value) == "string" then return normal(app, require(value)) end
  if type(value) == "table" then value = value.run end
  if type(value) == "function" then return value end
  app:fail "it returns neither a function, nor a table with `run`, nor the name of a module that is one of these (WSAPI)"
end

function wsapi.load(app)
  app.file = main_file(app)
  app.home = app.folder or app.path:match "^(.*)/[^/]*$"
  if app.folder then home.go(app.folder) end
  if package.searchpath("wsapi", package.path) then require "wsapi".app_path = app.home end -- Orbit asks it
  return { app = app, run = normal(app, app:run()) }
end

function wsapi.dispatch(it, r)
  answer.send(it.run(env.new(it.app, r)))
end

return wsapi
