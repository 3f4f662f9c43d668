-- SPDX-License-Identifier: Apache-2.0
-- socket.dns, and what connect and bind make of a host and a port.
local names = require "coral.names"
local text = require "coral.luasocket.base".text
local ipairs, tostring = ipairs, tostring

local dns = {}
local NONE = "host or service not provided, or not known"

-- The addresses of a host and a service (its number or name); family "inet", "inet6" or "unspec", type "stream" or "dgram"; "*": any address
-- of this machine. Or nil and why.
function dns.resolve(host, service, family, type)
  if host == "*" then host = nil end
  local list, err = names.numeric(host, service, type, family)
  if list or not host or err == "service not supported for socket type" then return list, err end
  local any = names.numeric(nil, service, type, "inet")
  if not any or host == "" or host:find "[%z\1-\32]" then return nil, any and NONE or "service not supported for socket type" end
  local _, port = names.text(any[1])
  list, err = names.ask(host, port, type)
  if not list then return nil, err end
  local fits = {}
  for _, address in ipairs(list) do
    local _, _, its = names.text(address)
    if family == "unspec" or family == its then fits[#fits + 1] = address end
  end
  if #fits == 0 then return nil, NONE end
  return fits
end

local function all(host)
  local list, err = dns.resolve(host, "0", "unspec", "stream")
  if not list then return nil, err end
  local found = {}
  for i, address in ipairs(list) do
    local addr, _, family = names.text(address)
    found[i] = { family = family, addr = addr }
  end
  return found
end

dns.functions = {}

-- getaddrinfo(host): a list of { family = "inet" or "inet6", addr = address }
function dns.functions.getaddrinfo(host)
  return all(text(host, 1, "getaddrinfo"))
end

-- toip(host): its first IPv4 address, and { name, alias = {}, ip = all of them }
function dns.functions.toip(host)
  host = text(host, 1, "toip")
  local found, err = all(host)
  if not found then return nil, err == NONE and "host not found" or err end
  local ip = {}
  for _, one in ipairs(found) do
    if one.family == "inet" then ip[#ip + 1] = one.addr end
  end
  if #ip == 0 then return nil, "host not found" end
  return ip[1], { name = host, alias = {}, ip = ip }
end

-- The names /etc/hosts has for an address.
local function in_hosts(address)
  local file = io.open "/etc/hosts"
  if not file then return {} end
  local found = {}
  for line in file:lines() do
    local addr, its = line:gsub("#.*", ""):match "^%s*(%S+)%s+(.*)$"
    if addr == address then
      for name in its:gmatch "%S+" do found[#found + 1] = name end
    end
  end
  file:close()
  return found
end

-- What an address is called: a list of names.
local function called(address)
  local found = in_hosts(address)
  if #found > 0 then return found end
  local name, err = names.reverse(address)
  if not name then return nil, err end
  return { name }
end

-- tohostname(host): its name, and the same table as toip()
function dns.functions.tohostname(host)
  host = text(host, 1, "tohostname")
  if not names.numeric(host, "0", "stream", "inet") then
    local _, resolved = dns.functions.toip(host)
    if not resolved then return nil, "host not found" end
    return host, resolved
  end
  local its, err = called(host)
  if not its then return nil, err == NONE and "host not found" or err end
  local name = table.remove(its, 1)
  return name, { name = name, alias = its, ip = { host } }
end

-- getnameinfo(host, service): a list of names of the host, nil: without one; and the service
function dns.functions.getnameinfo(host, service)
  if host == nil and service == nil then error("host and serv cannot be both nil", 2) end
  if host == nil then
    local list, err = names.numeric(nil, tostring(service), "stream")
    if not list then return nil, err end
    return {}, tostring(service)
  end
  local found, err = all(tostring(host))
  if not found then return nil, err end
  local its = {}
  for i, one in ipairs(found) do
    its[i] = (called(one.addr) or { one.addr })[1]
  end
  return its, service and tostring(service)
end

-- gethostname(): this machine's
dns.functions.gethostname = names.hostname

return dns
