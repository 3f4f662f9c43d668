-- SPDX-License-Identifier: Apache-2.0
-- resty.lock, with the API of lua-resty-lock: a lock is a key of a ngx.shared dictionary.
local min, max = math.min, math.max

local lock = { _VERSION = "0.09" }

-- A lock that is collected is opened.
local mt = { __index = lock, __gc = function(self)
  if self.key ~= nil then self.dict:delete(self.key) end
end }

-- lock:new(dictionary's name, { timeout = 5, exptime = 30, step = 0.001, ratio = 2, max_step = 0.5 }); nil and why
function lock.new(_, name, opts)
  local dict = ngx.shared[name]
  if not dict then return nil, "dictionary not found" end
  opts = opts or {}
  local exptime = opts.exptime or 30
  local timeout = opts.timeout and min(opts.timeout, exptime)
  return setmetatable({
    dict = dict, exptime = exptime, timeout = timeout or 5, ratio = opts.ratio or 2, max_step = opts.max_step or 0.5,
    step = opts.step and min(opts.step, timeout or opts.step) or 0.001,
  }, mt)
end

-- lock(key): waits until it has it; the seconds it waited, or nil and why
function lock:lock(key)
  if not key then return nil, "nil key" end
  if self.key ~= nil then return nil, "locked" end
  local step, left, waited = self.step, self.timeout, 0
  while true do
    local ok, err = self.dict:add(key, true, self.exptime)
    if ok then
      self.key = key
      return waited
    end
    if err ~= "exists" then return nil, err end
    if left <= 0 then return nil, "timeout" end
    ngx.sleep(step)
    waited, left = waited + step, left - step
    step = min(max(0.001, step * self.ratio), max(left, 0.001), self.max_step)
  end
end

-- unlock(): 1; nil and why
function lock:unlock()
  if self.key == nil then return nil, "unlocked" end
  local key = self.key
  self.key = nil
  local ok, err = self.dict:delete(key)
  if not ok then return nil, err end
  return 1
end

-- expire(seconds): the lock holds so long from now; true; nil and why
function lock:expire(seconds)
  if self.key == nil then return nil, "unlocked" end
  local ok, err = self.dict:replace(self.key, true, seconds or self.exptime)
  if not ok then return nil, err end
  return true
end

return lock
