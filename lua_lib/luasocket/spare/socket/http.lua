-- SPDX-License-Identifier: Apache-2.0
-- require "socket.http" where LuaSocket is not installed: its request, without proxies.
local socket = require "socket"
local ltn12 = require "ltn12"
local mime = require "mime"
local headers_of = require "socket.headers"
local url = require "socket.url"
local concat, pairs, tonumber, tostring, type = table.concat, pairs, tonumber, tostring, type

local http = { TIMEOUT = 60, USERAGENT = socket._VERSION .. " (mod_coral)", _VERSION = "1.0" }
local REDIRECTS = { [301] = true, [302] = true, [303] = true, [307] = true, [308] = true }

http.schemes = {
  http = { port = 80, create = function() return socket.tcp end },
  https = { port = 443, create = function(request) return require "ssl.https".tcp(request) end },
}

-- A chunk of a body, and the last one.
socket.sinkt["http-chunked"] = function(sock)
  return function(chunk)
    if chunk == "" then return 1 end
    return sock:send(chunk and ("%X\r\n%s\r\n"):format(#chunk, chunk) or "0\r\n\r\n")
  end
end

-- The header lines up to the empty one, names in lower case.
local function receive_headers(sock, into)
  local name
  while true do
    local line, err = sock:receive()
    if not line then return nil, err end
    if line == "" then return into end
    local its, value = line:match "^([^%s:]+):%s*(.-)%s*$"
    if its then
      name = its:lower()
      into[name] = into[name] and into[name] .. ", " .. value or value
    elseif name and line:find "^%s" then -- a folded line
      into[name] = into[name] .. " " .. line:match "^%s*(.-)%s*$"
    else
      return nil, "malformed response headers"
    end
  end
end

socket.sourcet["http-chunked"] = function(sock, trailers)
  local left = 0 -- of the chunk
  local over
  return function()
    if over then return nil end
    if left == 0 then
      local line, err = sock:receive()
      if not line then return nil, err end
      left = tonumber(line:match "^%s*(%x+)", 16)
      if not left then return nil, "invalid chunk size" end
    end
    if left == 0 then
      over = true
      local _, err = receive_headers(sock, trailers)
      return nil, err
    end
    local chunk, err = sock:receive(math.min(left, 65536))
    if not chunk then return nil, err end
    left = left - #chunk
    if left == 0 then
      local _, why = sock:receive()
      if why then return nil, why end
    end
    return chunk
  end
end

local function headers_for(request)
  local host = request.host:find(":", 1, true) and "[" .. request.host .. "]" or request.host
  if tonumber(request.port) ~= http.schemes[request.scheme].port then host = host .. ":" .. request.port end
  local headers = { ["user-agent"] = http.USERAGENT, host = host, connection = "close, TE", te = "trailers" }
  if request.user and request.password then
    headers.authorization = "Basic " .. mime.b64(url.unescape(request.user) .. ":" .. url.unescape(request.password))
  end
  for name, value in pairs(request.headers or {}) do headers[name:lower()] = value end
  if request.source and not headers["content-length"] then headers["transfer-encoding"] = "chunked" end
  return headers
end

-- The request with all it needs.
local function complete(given)
  local request = given.url and url.parse(given.url, { path = "/", scheme = "http" }) or { path = "/", scheme = "http" }
  for name, value in pairs(given) do request[name] = value end
  if http.PROXY or request.proxy then return nil, "proxies need LuaSocket to be installed (Debian: lua-socket)" end
  local scheme = http.schemes[request.scheme]
  if not scheme then return nil, "unknown scheme '" .. request.scheme .. "'" end
  if not request.host or request.host == "" then return nil, "invalid host '" .. tostring(request.host) .. "'" end
  request.create = request.create or scheme.create(request)
  request.port = request.port and request.port ~= "" and request.port or scheme.port
  request.method = request.method or "GET"
  request.uri = request.uri or url.build { path = request.path, params = request.params, query = request.query }
  request.headers = headers_for(request)
  return request
end

local function head_of(request)
  local lines = { ("%s %s HTTP/1.1\r\n"):format(request.method, request.uri) }
  for name, value in pairs(request.headers) do
    local line = headers_of.canonic[name] .. ": " .. tostring(value)
    if line:find "[\r\n]" then return nil, "line breaks in header " .. name end
    lines[#lines + 1] = line .. "\r\n"
  end
  if request.uri:find "[%s%c]" or request.method:find "[%s%c]" then return nil, "blanks in the URL or the method" end
  return concat(lines) .. "\r\n"
end

local function receive_head(sock)
  while true do
    local status, err = sock:receive()
    if not status then return nil, err end
    local code = tonumber(status:match "^HTTP/%d+%.%d+ (%d%d%d)")
    if not code then return nil, "malformed status line" end
    local headers
    headers, err = receive_headers(sock, {})
    if not headers then return nil, err end
    if code < 100 or code >= 200 or code == 101 then return code, headers, status end
  end
end

local function body_of(sock, headers)
  local coding = headers["transfer-encoding"]
  if coding and coding ~= "identity" then return socket.source("http-chunked", sock, headers) end
  local length = tonumber(headers["content-length"])
  return length and socket.source("by-length", sock, length) or socket.source("until-closed", sock)
end

local function redirects(request, code, headers)
  local scheme = headers.location and url.parse(headers.location) and url.parse(headers.location).scheme or request.scheme
  return request.redirect ~= false and REDIRECTS[code] and headers.location and http.schemes[scheme]
    and not (request.scheme == "https" and scheme ~= "https") and (request.method == "GET" or request.method == "HEAD")
    and (request.maxredirects == false or (request.nredirects or 0) < (request.maxredirects or 5))
end

local send_request

-- Once more, to where the answer points.
local function follow(given, request, location)
  local target = url.absolute(given.url or url.build(request), location)
  local same = url.parse(target).scheme == request.scheme
  local result, code, headers, status = send_request {
    url = target, sink = given.sink, headers = given.headers, method = given.method, create = same and given.create or nil,
    maxredirects = given.maxredirects, nredirects = (given.nredirects or 0) + 1,
  }
  if type(headers) == "table" then headers.location = headers.location or location end
  return result, code, headers, status
end

-- The whole of it over a socket.
local function talk(sock, request, head)
  local ok, err = sock:connect(request.host, request.port)
  if ok then ok, err = sock:send(head) end
  if ok and request.source then
    local mode = request.headers["content-length"] and "keep-open" or "http-chunked"
    ok, err = ltn12.pump.all(request.source, socket.sink(mode, sock), request.step)
  end
  if not ok then return nil, err end
  local code, headers, status = receive_head(sock)
  if not code then return nil, headers end
  local empty = request.method == "HEAD" or code == 204 or code == 304
  if not empty and not (redirects(request, code, headers) and not request.source) then
    ok, err = ltn12.pump.all(body_of(sock, headers), request.sink or ltn12.sink.null(), request.step)
    if not ok then return nil, err end
  end
  return 1, code, headers, status
end

function send_request(given)
  local request, err = complete(given)
  if not request then return nil, err end
  local head
  head, err = head_of(request)
  if not head then return nil, err end
  local sock
  sock, err = request.create()
  if not sock then return nil, err end
  sock:settimeout(http.TIMEOUT)
  local ok, code, headers, status = talk(sock, request, head)
  sock:close()
  if ok and not request.source and redirects(request, code, headers) then return follow(given, request, headers.location) end
  return ok, code, headers, status
end

-- genericform(url, body): the request of request(url, body); its answer goes to .target
function http.genericform(address, body)
  local request = { url = address, target = {} }
  request.sink = ltn12.sink.table(request.target)
  if body then
    request.method, request.source = "POST", ltn12.source.string(body)
    request.headers = { ["content-length"] = #body, ["content-type"] = "application/x-www-form-urlencoded" }
  end
  return request
end

-- request(url, body): the answer's body, its status, headers and status line; request { url, sink, method, headers, source, step, create,
-- redirect, maxredirects }: the same, with 1 for the body. Or nil and why.
http.request = socket.protect(function(request, body)
  if type(request) ~= "string" then return send_request(request) end
  local form = http.genericform(request, body)
  local ok, code, headers, status = send_request(form)
  if not ok then return nil, code end
  return concat(form.target), code, headers, status
end)

socket.http = http
return http
