-- SPDX-License-Identifier: Apache-2.0
-- require "socket.smtp" where LuaSocket is not installed.
error("socket.smtp is LuaSocket's own, which is not installed (Debian: lua-socket; LuaRocks: luasocket); with its files it runs here", 0)
