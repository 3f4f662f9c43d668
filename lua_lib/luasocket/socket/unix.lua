-- SPDX-License-Identifier: Apache-2.0
-- require "socket.unix": LuaSocket's objects for UNIX-domain sockets, on coral.plug: stream (tcp) and dgram (udp); the module can be called
-- as stream, which it was once.
local base = require "coral.luasocket.base"
local names = require "coral.names"
local plugs = require "coral.plug"
local stream = require "coral.luasocket.stream"
local go_on = require "coral.luasocket.udp".go_on
local setmetatable, tonumber = setmetatable, tonumber

local streams, dgrams = base.methods_with(), base.methods_with()
local master, client, server =
  base.class("unixstream{master}", streams), base.class("unixstream{client}", streams), base.class("unixstream{server}", streams)
local unconnected, connected = base.class("unixdgram{unconnected}", dgrams), base.class("unixdgram{connected}", dgrams)

-- Calls plugs.connect or plugs.bind with a path.
local function with_path(self, what, path, name)
  local address, err = names.path(base.text(path, 1, name))
  if not address then return nil, err end
  local ok
  ok, err = what(self.plug, address)
  if ok == false then
    ok, err = base.wait(self, base.WRITE)
    if ok then ok, err = plugs.connected(self.plug) end
  end
  if not ok then return nil, err end
  return 1
end

-- connect(path), bind(path): 1, or nil and why
function streams:connect(path)
  local ok, err = with_path(self, plugs.connect, path, "connect")
  if not ok then return nil, err end
  setmetatable(self, client)
  return 1
end

function streams:bind(path)
  base.of_class(self, master, "bind")
  return with_path(self, plugs.bind, path, "bind")
end

streams.setpeername, streams.setsockname = streams.connect, streams.bind

-- listen(backlog), accept(), shutdown(how), send, receive: as those of TCP
function streams:listen(backlog)
  base.of_class(self, master, "listen")
  local ok, err = plugs.listen(self.plug, backlog)
  if not ok then return nil, err end
  setmetatable(self, server)
  return 1
end

function streams:accept()
  base.of_class(self, server, "accept")
  local plug, err = go_on(self, plugs.accept)
  if not plug then return nil, err end
  return base.new(client, "unix", { plug = plug, family = "unix" })
end

function streams:shutdown(how)
  plugs.shutdown(self.plug, how)
  return 1
end

function streams:send(...)
  base.of_class(self, client, "send")
  return stream.send(self, ...)
end

function streams:receive(...)
  base.of_class(self, client, "receive")
  return stream.receive(self, ...)
end

function dgrams:connect(path)
  local ok, err = with_path(self, plugs.connect, path, "connect")
  if not ok then return nil, err end
  setmetatable(self, connected)
  return 1
end

function dgrams:bind(path)
  return with_path(self, plugs.bind, path, "bind")
end

dgrams.setpeername, dgrams.setsockname = dgrams.connect, dgrams.bind

-- send(datagram), sendto(datagram, path)
function dgrams:send(data)
  base.of_class(self, connected, "send")
  return go_on(self, plugs.sendto, base.text(data, 1, "send"))
end

function dgrams:sendto(data, path)
  base.of_class(self, unconnected, "sendto")
  data = base.text(data, 1, "sendto")
  local address, err = names.path(base.text(path, 2, "sendto"))
  if not address then return nil, err end
  return go_on(self, plugs.sendto, data, address)
end

-- receive(size), receivefrom(size): the second with the path it is from
function dgrams:receive(size)
  local data, err = go_on(self, plugs.receivefrom, tonumber(size) or 8192)
  if not data then return nil, err end
  return data
end

function dgrams:receivefrom(size)
  return go_on(self, plugs.receivefrom, tonumber(size) or 8192)
end

local function create(class, type)
  local self = base.new(class, "unix")
  local plug, err = base.plug(self, "unix", type)
  if not plug then return nil, err end
  return self
end

local unix = {}

-- stream(), dgram(): sockets that are connected to nothing yet
function unix.stream() return create(master, "stream") end
function unix.dgram() return create(unconnected, "dgram") end

unix.tcp, unix.udp = unix.stream, unix.dgram

return setmetatable(unix, { __call = function() return unix.stream() end })
