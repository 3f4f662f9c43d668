-- SPDX-License-Identifier: Apache-2.0
-- require "socket.ftp" where LuaSocket is not installed.
error("socket.ftp is LuaSocket's own, which is not installed (Debian: lua-socket; LuaRocks: luasocket); with its files it runs here", 0)
