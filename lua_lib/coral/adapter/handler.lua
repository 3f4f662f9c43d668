-- SPDX-License-Identifier: Apache-2.0
-- The plain adapter: an app is a function of `r`. The file returns it, or a table with `handle` or `handler`, or defines mod_lua's
-- global handle(r). An adapter's load(path) returns the function that answers a request and the file whose change means a new app.
local handler = { name = "handler" }

local names = { "app.lua", "init.lua", "handler.lua" }

local function main_file(path)
  local code = require "coral.code"
  if code.version(path, 0) then return path end
  for _, name in ipairs(names) do
    if io.open(path .. "/" .. name) then return path .. "/" .. name end
  end
  return path
end

local function callable(value)
  return type(value) == "function" and value
end

function handler.load(path)
  local code = require "coral.code"
  local file = main_file(path)
  local version, err = code.version(file, 0)
  if not version then
    error(file == path and err or ("%s holds none of %s"):format(path, table.concat(names, ", ")), 0)
  end
  local globals = setmetatable({}, { __index = _G })
  local result = assert(load((code.text(file)), "@" .. file, "t", globals))()
  local run = callable(result)
    or type(result) == "table" and (callable(result.handle) or callable(result.handler))
    or callable(rawget(globals, "handle"))
  if not run then
    error(file .. " is no app: it returns neither a function nor a table with `handle`, and defines no function handle(r)", 0)
  end
  return run, file
end

return handler
