-- SPDX-License-Identifier: Apache-2.0
-- LuaSocket's tcp objects: tcp{master}, which becomes a tcp{client} by connect or a tcp{server} by listen.
local base = require "coral.luasocket.base"
local dns = require "coral.luasocket.dns"
local names = require "coral.names"
local plugs = require "coral.plug"
local stream = require "coral.luasocket.stream"
local ipairs, setmetatable = ipairs, setmetatable

local tcp = {}
local methods = base.methods_with()
local master, client, server =
  base.class("tcp{master}", methods), base.class("tcp{client}", methods), base.class("tcp{server}", methods)

-- A service: the number of a port, or its name.
local function service(port, n, name)
  return (base.text(port, n, name):gsub("^%s*(%d+)%.0$", "%1"))
end

-- Waits until a connect is through: true, or nil and why.
local function connected(self)
  local ok, err = base.wait(self, base.WRITE)
  if not ok then return nil, err end
  ok, err = plugs.connected(self.plug)
  if not ok and not self.bound then self:close() end -- Linux aborts the next connect of a socket whose last one failed
  return ok, err
end

-- One after the other, until one answers.
local function try_addresses(self, list)
  local ok, err
  for i, address in ipairs(list) do
    local _, _, family = names.text(address)
    ok, err = true, nil
    if not base.has_plug(self, family) or i > 1 and not self.bound then ok, err = base.plug(self, family, "stream") end
    if ok then ok, err = plugs.connect(self.plug, address) end
    if ok == false then
      if self.block == 0 then return nil, "timeout" end -- it goes on: select tells when it is through
      ok, err = connected(self)
    end
    if ok then
      self.only = family
      return 1
    end
  end
  return nil, err
end

-- connect(host, port): 1, or nil and why
function methods:connect(host, port)
  host, port = base.text(host, 1, "connect"), service(port, 2, "connect")
  local list, err = dns.resolve(host, port, self.only or "unspec", "stream")
  setmetatable(self, client)
  if not list then return nil, err end
  return try_addresses(self, list)
end
methods.setpeername = methods.connect

-- bind(host, port): "*": any address; port 0: a free one. 1, or nil and why
function methods:bind(host, port)
  base.of_class(self, master, "bind")
  host, port = base.text(host, 1, "bind"), service(port, 2, "bind")
  local list, err = dns.resolve(host, port, self.only or "unspec", "stream")
  if not list then return nil, err end
  local ok
  ok, err = base.with_one(self, list, "stream", plugs.bind)
  if not ok then return nil, err end
  self.bound = true
  return 1
end
methods.setsockname = methods.bind

-- listen(backlog): 1, or nil and why
function methods:listen(backlog)
  base.of_class(self, master, "listen")
  if not self.plug then return nil, "closed" end
  local ok, err = plugs.listen(self.plug, backlog)
  if not ok then return nil, err end
  setmetatable(self, server)
  return 1
end

-- accept(): a tcp{client}, or nil and why
function methods:accept()
  base.of_class(self, server, "accept")
  local start
  while true do
    local plug, err = plugs.accept(self.plug)
    if plug then return base.new(client, "tcp", { plug = plug, family = self.family }) end
    if plug == nil then return nil, err end
    start, err = base.wait(self, base.READ, start)
    if not start then return nil, err end
  end
end

-- shutdown(how): "receive", "send" or "both"
function methods:shutdown(how)
  base.of_class(self, client, "shutdown")
  if how ~= nil and how ~= "receive" and how ~= "send" and how ~= "both" then
    error(("bad argument #1 to 'shutdown' (invalid option '%s')"):format(how), 2)
  end
  if self.plug then plugs.shutdown(self.plug, how) end
  return 1
end

function methods:send(...)
  base.of_class(self, client, "send")
  return stream.send(self, ...)
end

function methods:receive(...)
  base.of_class(self, client, "receive")
  return stream.receive(self, ...)
end

local function create(family) return base.create(master, "tcp", "stream", family) end

-- tcp(), tcp4(), tcp6(): a socket that is connected to nothing yet
function tcp.tcp() return create() end
function tcp.tcp4() return create "inet" end
function tcp.tcp6() return create "inet6" end

-- connect(host, port, local host, local port, family): a tcp{client}, or nil and why
function tcp.connect(host, port, localhost, localport, family)
  host, port = base.text(host, 1, "connect"), service(port, 2, "connect")
  local self, ok, err = create(), true, nil
  if family ~= nil and family ~= "unspec" then self.only = family end
  if localhost ~= nil then ok, err = self:bind(localhost, localport or "0") end
  if ok then ok, err = self:connect(host, port) end
  if ok then return self end
  self:close()
  return nil, err
end

return tcp
