-- SPDX-License-Identifier: Apache-2.0
-- require "socket" where LuaSocket is not installed: socket.core, and what its socket.lua adds.
local socket = require "socket.core"
local ipairs, setmetatable, type = ipairs, setmetatable, type

socket.BLOCKSIZE = 2048
socket.try = socket.newtry()

-- connect4, connect6(host, port, local host, local port): by IPv4, by IPv6 only
function socket.connect4(host, port, localhost, localport)
  return socket.connect(host, port, localhost, localport, "inet")
end

function socket.connect6(host, port, localhost, localport)
  return socket.connect(host, port, localhost, localport, "inet6")
end

-- bind(host, port, backlog): a tcp{server}; or nil and why
function socket.bind(host, port, backlog)
  local found, err = socket.dns.getaddrinfo(host == "*" and "0.0.0.0" or host)
  for _, one in ipairs(found or {}) do
    local server, ok
    server, err = (one.family == "inet" and socket.tcp4 or socket.tcp6)()
    if not server then return nil, err end
    server:setoption("reuseaddr", true)
    ok, err = server:bind(one.addr, port)
    if ok then ok, err = server:listen(backlog) end
    if ok then return server end
    server:close()
  end
  return nil, err
end

-- choose(t): a function that calls the one of t named by its first argument, or t.default
function socket.choose(t)
  return function(name, ...)
    if type(name) ~= "string" then return t.default(name, ...) end
    local f = t[name] or error("unknown key (" .. name .. ")", 2)
    return f(...)
  end
end

-- Something that can be called, and selected as its socket can.
local function end_of(sock, call)
  local methods = { getfd = function() return sock:getfd() end, dirty = function() return sock:dirty() end }
  return setmetatable(methods, { __call = function(_, ...) return call(...) end })
end

local sinks, sources = {}, {}
socket.sinkt, socket.sourcet = sinks, sources

sinks["keep-open"] = function(sock)
  return end_of(sock, function(chunk)
    if chunk then return sock:send(chunk) end
    return 1
  end)
end

sinks["close-when-done"] = function(sock)
  return end_of(sock, function(chunk)
    if chunk then return sock:send(chunk) end
    sock:close()
    return 1
  end)
end

sources["by-length"] = function(sock, length)
  return end_of(sock, function()
    if length <= 0 then return nil end
    local chunk, err = sock:receive(math.min(socket.BLOCKSIZE, length))
    if not chunk then return nil, err end
    length = length - #chunk
    return chunk
  end)
end

sources["until-closed"] = function(sock)
  local done
  return end_of(sock, function()
    if done then return nil end
    local chunk, err, part = sock:receive(socket.BLOCKSIZE)
    if chunk then return chunk end
    if err ~= "closed" then return nil, err end
    sock:close()
    done = true
    return part
  end)
end

sinks.default, sources.default = sinks["keep-open"], sources["until-closed"]

-- sink(kind, socket), source(kind, socket, length): for ltn12
socket.sink, socket.source = socket.choose(sinks), socket.choose(sources)

return socket
