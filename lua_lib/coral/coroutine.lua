-- SPDX-License-Identifier: Apache-2.0
-- Waiting inside coroutines of the user's own: a coroutine that waits yields a mark, which resume and wrap pass on upwards, so the
-- user's code only ever sees its own yields.
local mark = require "coral.code".mark()
local create, resume, yield, close = coroutine.create, coroutine.resume, coroutine.yield, coroutine.close

local function pass(co, ok, first, ...)
  if ok and first == mark then
    yield(mark)
    return pass(co, resume(co))
  end
  return ok, first, ...
end

function coroutine.resume(co, ...)
  return pass(co, resume(co, ...))
end

local function unwrap(co, ok, ...)
  if ok then return ... end
  close(co)
  error((...), 0)
end

function coroutine.wrap(f)
  local co = create(f)
  return function(...)
    return unwrap(co, pass(co, resume(co, ...)))
  end
end
