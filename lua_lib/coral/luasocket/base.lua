-- SPDX-License-Identifier: Apache-2.0
-- What all sockets of LuaSocket's face have in common: classes, timeouts, waiting. A socket is a table: plug (coral.plug; nil: it has
-- none yet), kind ("tcp", "udp", "unix": whose options), block and total (timeouts in seconds, negative: none).
local names = require "coral.names"
local plugs = require "coral.plug"
local select = require "coral.select"
local sockopt = require "coral.sockopt"
local error, max, min, tostring, type = error, math.max, math.min, tostring, type
local setmetatable, getmetatable = setmetatable, getmetatable

local base = { READ = 1, WRITE = 2, now = select.now } -- now(): seconds since 1970

-- class(name, methods): a metatable whose sockets call themselves `name`
function base.class(name, methods)
  return {
    __index = methods,
    __name = name,
    __tostring = function(self) return ("%s: %p"):format(name, self) end,
  }
end

-- What a wrong argument is told, as C functions tell it. level: of the user's call, seen from who calls this.
function base.wrong(n, name, wanted, value, level)
  error(("bad argument #%d to '%s' (%s expected, got %s)"):format(n, name, wanted, value == nil and "no value" or type(value)), level + 1)
end

-- A string, or a number as one.
function base.text(value, n, name)
  if type(value) == "string" then return value end
  if type(value) == "number" then return tostring(value) end
  base.wrong(n, name, "string", value, 3)
end

-- The socket is of this class, or the call is a mistake.
function base.of_class(self, class, name)
  if getmetatable(self) ~= class then
    error(("calling '%s' on bad self (%s expected)"):format(name, class.__name), 3)
  end
end

-- When a call that began at `start` is to give up; nil: never.
local function deadline(self, start)
  local block, total = self.block, self.total
  if total < 0 then return block >= 0 and start + block or nil end
  if block < 0 then return start + total end
  return min(start + total, base.now() + block)
end

-- Waits on for a call that began at `start` (nil: just now): the moment it began; or nil and why.
function base.wait(self, direction, start)
  start = start or base.now()
  local ok, err = select.wait(self.plug, direction, deadline(self, start))
  if ok then return start end
  return nil, err
end

-- Whether a socket has an open plug of this family.
function base.has_plug(self, family)
  return self.plug and self.family == family and plugs.fd(self.plug) >= 0
end

-- A new plug for a socket, with the options that were set before it had one.
function base.plug(self, family, type)
  if self.plug then plugs.close(self.plug) end
  local plug, err = plugs.new(family, type)
  self.plug = plug
  if not plug then return nil, err end
  self.family = family
  for name, value in pairs(self.options or {}) do sockopt.set(plug, self.kind, name, value) end
  return plug
end

-- new(class, kind, fields): a socket without a plug
function base.new(class, kind, fields)
  local self = fields or {}
  self.kind, self.block, self.total = kind, -1, -1
  return setmetatable(self, class)
end

-- with_one(self, list, type, what): calls what(plug, address) with each of the addresses until one is good: 1, or nil and why
function base.with_one(self, list, type, what)
  local ok, err
  for _, address in ipairs(list) do
    local _, _, family = names.text(address)
    ok, err = true, nil
    if not base.has_plug(self, family) then ok, err = base.plug(self, family, type) end
    if ok then ok, err = what(self.plug, address) end
    if ok then
      self.only = family
      return 1
    end
  end
  return nil, err
end

-- create(class, kind, type, family): a socket; of a family it has a plug already, nil: it has one when its address is known. Or nil and why.
function base.create(class, kind, type, family)
  local self = base.new(class, kind, { only = family })
  if family then
    local plug, err = base.plug(self, family, type)
    if not plug then return nil, err end
  end
  return self
end

-- The methods that are the same for all.
local methods = {}
base.methods = methods

-- settimeout(seconds, mode): nil or negative: none; mode "b": since the last step, "t": for the whole call
function methods:settimeout(seconds, mode)
  if seconds ~= nil and not tonumber(seconds) then base.wrong(1, "settimeout", "number", seconds, 2) end
  mode = mode == nil and "b" or tostring(mode):sub(1, 1)
  local value = max(tonumber(seconds) or -1, -1)
  if mode == "b" then self.block = value
  elseif mode == "t" or mode == "r" then self.total = value
  else error("bad argument #2 to 'settimeout' (invalid timeout mode)", 2) end
  return 1
end

-- gettimeout(): of both modes
function methods:gettimeout() return self.block, self.total end

-- close(): 1
function methods:close()
  if self.plug then plugs.close(self.plug) end
  return 1
end

-- getfd(): the number of its descriptor, -1: none
function methods:getfd() return self.plug and plugs.fd(self.plug) or -1 end

function methods:setfd()
  error("setfd: a socket in httpd keeps its descriptor", 2)
end

-- dirty(): whether something is read and not asked for yet
function methods:dirty() return self.plug ~= nil and plugs.dirty(self.plug) end

-- getfamily(): "inet4" or "inet6"
function methods:getfamily() return self.family == "inet6" and "inet6" or "inet4" end

-- getsockname(): address, port, family
function methods:getsockname()
  if not self.plug then return nil, "closed" end
  return plugs.name(self.plug)
end

-- getpeername(): the same of the other side
function methods:getpeername()
  if not self.plug then return nil, "closed" end
  return plugs.name(self.plug, true)
end

-- getstats(): bytes received, bytes sent, age in seconds
function methods:getstats()
  if not self.plug then return 0, 0, 0 end
  return plugs.stats(self.plug)
end

-- setstats(received, sent, age)
function methods:setstats(...)
  if self.plug then plugs.setstats(self.plug, ...) end
  return 1
end

-- setoption(name, value): also for a descriptor the socket gets later
function methods:setoption(name, value)
  local ok, err = sockopt.set(self.plug, self.kind, name, value)
  if not ok then return nil, err end
  self.options = self.options or {}
  self.options[name] = value
  return 1
end

-- getoption(name)
function methods:getoption(name)
  if not self.plug then return nil, "getsockopt failed" end
  local value, err = sockopt.get(self.plug, self.kind, name)
  if err then return nil, err end
  return value
end

-- methods_with(…): a new table of them and those of the tables given
function base.methods_with(...)
  local all = {}
  for _, some in ipairs { methods, ... } do
    for name, method in pairs(some) do all[name] = method end
  end
  return all
end

return base
