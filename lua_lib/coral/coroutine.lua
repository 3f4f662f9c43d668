-- SPDX-License-Identifier: Apache-2.0
-- Waiting and exiting inside coroutines and protected calls of the user's own.
--
-- A coroutine that waits yields a mark, which resume and wrap pass on upwards, so the user's code only ever sees its own yields. A
-- run that is ended (ngx.exit) takes the same way; where Lua cannot yield, the mark goes up as an error, which no pcall keeps.
local code = require "coral.code"
local exiting, exit = code.exiting, code.exit
local mark, refusal = code.marks()
local create, resume, yield, close = coroutine.create, coroutine.resume, coroutine.yield, coroutine.close

local function pass(co, ok, first, ...)
  if first == refusal then return false, "cannot resume a coroutine that waits for something" end
  if first ~= mark then return ok, first, ... end
  if exiting() then
    close(co)
    exit()
  end
  yield(mark)
  return pass(co, resume(co))
end

function coroutine.resume(co, ...)
  return pass(co, resume(co, ...))
end

-- As Lua's own: the error of a wrapped coroutine is told where it was called.
local function unwrap(co, ok, ...)
  if ok then return ... end
  if coroutine.status(co) == "dead" then close(co) end
  error((...), 2)
end

function coroutine.wrap(f)
  local co = create(f)
  return function(...)
    return unwrap(co, pass(co, resume(co, ...)))
  end
end

local function stop(...)
  if not (...) and exiting() then exit() end
  return ...
end

local pcall0, xpcall0, load0 = pcall, xpcall, load

function _G.pcall(...)
  return stop(pcall0(...))
end

function _G.xpcall(...)
  return stop(xpcall0(...))
end

function _G.load(...)
  return stop(load0(...))
end
