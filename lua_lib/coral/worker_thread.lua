-- SPDX-License-Identifier: Apache-2.0
-- ngx.run_worker_thread: a function of a module runs in another Lua state while the caller waits. On coral.job.
local job = require "coral.job"
local serialize = require "coral.serialize"

local worker_thread = {}
local MOST <const> = 100 -- tables in tables
local plain = { string = true, number = true, boolean = true, ["nil"] = true }

-- What is wrong with a value that is to go to another state, nil if nothing is.
local function refused(value, depth)
  local kind = type(value)
  if plain[kind] or value == ngx.null then return end
  if kind ~= "table" then return "unsupported Lua type: LUA_T" .. kind:upper() end
  if depth > MOST then return "suspicious circular references, table depth exceed max depth: " .. MOST end
  for key, inner in next, value do
    local why = refused(key, depth + 1) or refused(inner, depth + 1)
    if why then return why end
  end
end

local function encode(list, where)
  local why = refused(list, 0)
  if why then return nil, why .. " in the " .. where end
  return serialize.encode(list)
end

-- In the other state: calls a function of a module with the values in bytes. True and bytes, or false and why
function worker_thread.work(name, field, bytes)
  local found, module = pcall(require, name)
  if not found then return false, tostring(module) end
  if type(module) ~= "table" then return false, "invalid lua module" end
  if type(module[field]) ~= "function" then return false, "invalid function" end
  local arguments = serialize.decode(bytes)
  local results = table.pack(pcall(module[field], table.unpack(arguments, 1, arguments.n)))
  if not results[1] then return false, tostring(results[2]) end
  local output, why = encode(results, "return value")
  return output ~= nil, output or why
end

-- run(pool, module, function, ...): true and what it returns, or false and why. The pool is a name for OpenResty's sake.
function worker_thread.run(pool, name, field, ...)
  if field == nil then return false, "expecting at least 3 arguments" end
  if type(pool) ~= "string" then return false, "threadpool should be a string" end
  if type(name) ~= "string" then return false, "module name should be a string" end
  if type(field) ~= "string" then return false, "function name should be a string" end
  local input, why = encode(table.pack(...), "argument")
  if not input then return false, why end
  local ok, output = job.run(name, field, input)
  if not ok then return false, output end
  local results = serialize.decode(output)
  return table.unpack(results, 1, results.n)
end

return worker_thread
