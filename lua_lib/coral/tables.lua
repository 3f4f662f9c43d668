-- SPDX-License-Identifier: Apache-2.0
-- What OpenResty's LuaJIT adds to `table`. As modules: table/new.lua …
local next, type, error = next, type, error
local math_type = math.type

local function check(t, name)
  if type(t) ~= "table" then
    error(("bad argument #1 to '%s' (table expected, got %s)"):format(name, t == nil and "no value" or type(t)), 3)
  end
  return t
end

local tables = { new = require("coral.jit").table }

-- clear(t): takes all out
function tables.clear(t)
  for key in next, check(t, "clear") do t[key] = nil end
end

-- isempty(t)
function tables.isempty(t)
  return next(check(t, "isempty")) == nil
end

-- isarray(t): whether all keys are integers
function tables.isarray(t)
  for key in next, check(t, "isarray") do
    if math_type(key) ~= "integer" then return false end
  end
  return true
end

-- nkeys(t): how many there are
function tables.nkeys(t)
  local count = 0
  for _ in next, check(t, "nkeys") do count = count + 1 end
  return count
end

-- clone(t): a copy, not of tables in it, without the metatable
function tables.clone(t)
  local copy = {}
  for key, value in next, check(t, "clone") do copy[key] = value end
  return copy
end

return tables
