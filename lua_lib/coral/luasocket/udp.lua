-- SPDX-License-Identifier: Apache-2.0
-- LuaSocket's udp objects: udp{unconnected}, which becomes a udp{connected} by setpeername.
local base = require "coral.luasocket.base"
local dns = require "coral.luasocket.dns"
local names = require "coral.names"
local plugs = require "coral.plug"
local setmetatable, tonumber = setmetatable, tonumber

local udp = { SIZE = 8192 }
local methods = base.methods_with()
local unconnected, connected = base.class("udp{unconnected}", methods), base.class("udp{connected}", methods)

-- Datagrams are refused, not closed.
local function fail(err) return nil, err == "closed" and "refused" or err end

-- Calls `what` with the plug until it does not have to wait.
function udp.go_on(self, what, ...)
  local start
  while true do
    local results = table.pack(what(self.plug, ...))
    if results[1] ~= false then return table.unpack(results, 1, results.n) end
    local err
    start, err = base.wait(self, results[2], start)
    if not start then return nil, err end
  end
end

-- setpeername(host, port): from here on it talks to this one only; "*": to everybody again
function methods:setpeername(host, port)
  host = base.text(host, 1, "setpeername")
  if host == "*" then
    if self.plug then plugs.disconnect(self.plug) end
    setmetatable(self, unconnected)
    return 1
  end
  local list, err = dns.resolve(host, base.text(port, 2, "setpeername"), self.only or "unspec", "dgram")
  if not list then return nil, err end
  local ok
  ok, err = base.with_one(self, list, "dgram", plugs.connect)
  if not ok then return nil, err end
  setmetatable(self, connected)
  return 1
end

-- setsockname(host, port): where it receives
function methods:setsockname(host, port)
  base.of_class(self, unconnected, "setsockname")
  host, port = base.text(host, 1, "setsockname"), base.text(port, 2, "setsockname")
  local list, err = dns.resolve(host, port, self.only or "unspec", "dgram")
  if not list then return nil, err end
  return base.with_one(self, list, "dgram", plugs.bind)
end

-- send(datagram): 1 … its bytes, or nil and why
function methods:send(data)
  base.of_class(self, connected, "send")
  local n, err = udp.go_on(self, plugs.sendto, base.text(data, 1, "send"))
  if not n then return fail(err) end
  return n
end

-- sendto(datagram, address, port)
function methods:sendto(data, host, port)
  base.of_class(self, unconnected, "sendto")
  data, host, port = base.text(data, 1, "sendto"), base.text(host, 2, "sendto"), base.text(port, 3, "sendto")
  local list, err = names.numeric(host, port, "dgram", self.only or "unspec")
  if not list then return nil, err end
  if not self.plug then
    local _, _, family = names.text(list[1])
    local plug
    plug, err = base.plug(self, family, "dgram")
    if not plug then return nil, err end
    self.only = family
  end
  local n
  n, err = udp.go_on(self, plugs.sendto, data, list[1])
  if not n then return fail(err) end
  return n
end

local function size_of(size, name)
  if size == nil then return udp.SIZE end
  return tonumber(size) and math.floor(size) or base.wrong(1, name, "number", size, 3)
end

-- receive(size): one datagram, cut at size (8192)
function methods:receive(size)
  size = size_of(size, "receive")
  if not self.plug then return nil, "refused" end
  local data, err = udp.go_on(self, plugs.receivefrom, size)
  if not data then return fail(err) end
  return data
end

-- receivefrom(size): the same, and whom it is from: address and port
function methods:receivefrom(size)
  base.of_class(self, unconnected, "receivefrom")
  size = size_of(size, "receivefrom")
  if not self.plug then return nil, "refused" end
  local data, host, port = udp.go_on(self, plugs.receivefrom, size)
  if not data then return fail(host) end
  return data, host, port
end

local function create(family) return base.create(unconnected, "udp", "dgram", family) end

-- udp(), udp4(), udp6()
function udp.udp() return create() end
function udp.udp4() return create "inet" end
function udp.udp6() return create "inet6" end

return udp
