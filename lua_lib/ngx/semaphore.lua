-- SPDX-License-Identifier: Apache-2.0
-- ngx.semaphore: between light threads, requests and timers of one Lua state.
local thread = require "coral.thread"

local semaphore = { version = "0.1" }
local mt = { __index = semaphore }

local function check(s)
  return getmetatable(s) == mt and s[1] or error("not a semaphore instance", 3)
end

-- new(n): with n resources, 0 if not said
function semaphore.new(n)
  n = tonumber(n) or 0
  if n < 0 then error("no negative number", 2) end
  return setmetatable({ thread.semaphore(math.floor(n)) }, mt)
end

-- wait(s, seconds): true, or nil and "timeout"
function semaphore.wait(s, seconds)
  local inner = check(s)
  seconds = tonumber(seconds)
  if not seconds or seconds < 0 then error("no negative number", 2) end
  return inner:wait(seconds)
end

-- post(s, n): n more resources, 1 if not said; true
function semaphore.post(s, n)
  local inner = check(s)
  n = n == nil and 1 or tonumber(n)
  if not n or n < 1 then error("positive number required", 2) end
  return inner:post(math.floor(n))
end

-- count(s): resources; negative: so many wait
function semaphore.count(s)
  return check(s):count()
end

return semaphore
