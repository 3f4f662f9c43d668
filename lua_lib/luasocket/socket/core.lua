-- SPDX-License-Identifier: Apache-2.0
-- require "socket.core": what LuaSocket has in C, on coral.plug: its calls wait without a thread. LuaSocket's own Lua files, or those of
-- spare/, make require "socket" of it.
local base = require "coral.luasocket.base"
local dns = require "coral.luasocket.dns"
local select = require "coral.luasocket.select"
local tcp = require "coral.luasocket.tcp"
local try = require "coral.luasocket.try"
local udp = require "coral.luasocket.udp"

return {
  _VERSION = "LuaSocket 3.1.0", _DATAGRAMSIZE = udp.SIZE, _SETSIZE = 100000, _SOCKETINVALID = -1,
  tcp = tcp.tcp, tcp4 = tcp.tcp4, tcp6 = tcp.tcp6, connect = tcp.connect,
  udp = udp.udp, udp4 = udp.udp4, udp6 = udp.udp6,
  select = select.select, sleep = select.sleep, gettime = base.now,
  newtry = try.newtry, protect = try.protect, skip = try.skip,
  dns = dns.functions,
  __unload = function() end,
}
