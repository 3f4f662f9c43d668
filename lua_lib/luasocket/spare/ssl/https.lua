-- SPDX-License-Identifier: Apache-2.0
-- require "ssl.https" where LuaSec is not installed: its request and tcp. As there, nothing is verified unless the request says
-- verify = "peer" and cafile.
local ltn12 = require "ltn12"
local socket = require "socket"
local ssl = require "ssl"
local url = require "socket.url"

local https = { PORT = 443, TIMEOUT = 60, _VERSION = ssl._VERSION }
local default = { protocol = "any", options = { "all", "no_sslv2", "no_sslv3", "no_tlsv1" }, verify = "none" }

-- tcp(params): what makes sockets whose connect shakes hands, too
function https.tcp(params)
  params = params or {}
  for name, value in pairs(default) do params[name] = params[name] or value end
  params.mode = "client"
  return function()
    local conn = setmetatable({ sock = socket.try(socket.tcp()) }, {
      __index = function(_, name)
        return function(self, ...) return self.sock[name](self.sock, ...) end
      end
    })
    function conn:settimeout() return self.sock:settimeout(https.TIMEOUT) end
    function conn:connect(host, port)
      socket.try(self.sock:connect(host, port))
      self.sock = socket.try(ssl.wrap(self.sock, params))
      self.sock:sni(host)
      self.sock:settimeout(https.TIMEOUT)
      socket.try(self.sock:dohandshake())
      return 1
    end
    return conn
  end
end

local function with_port(text)
  return url.build(url.parse(text, { port = https.PORT }))
end

-- request(url, body), request { … }: as socket.http's, which may also hold what ssl.newcontext takes; no redirects
function https.request(request, body)
  local http = require "socket.http"
  local target = {}
  local given = request
  if type(request) == "string" then
    request = { url = with_port(request), sink = ltn12.sink.table(target), method = body and "POST" or "GET" }
    if body then
      request.source = ltn12.source.string(body)
      request.headers = { ["content-length"] = #body, ["content-type"] = "application/x-www-form-urlencoded" }
    end
  else
    request.url = with_port(request.url)
  end
  if request.redirect then return nil, "redirect not supported" end
  if request.create then return nil, "create function not permitted" end
  request.create = https.tcp(request)
  local ok, code, headers, status = http.request(request)
  if ok and given ~= request then return table.concat(target), code, headers, status end
  return ok, code, headers, status
end

return https
