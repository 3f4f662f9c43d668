-- SPDX-License-Identifier: Apache-2.0
-- lapis.http for applications in httpd, in place of lapis.nginx.http, which needs a location that proxies: requests of socket.http,
-- which wait without a thread. As that location does, it follows no redirects; certificates are verified (CoralSslTrustedCertificate).
local ltn12 = require "ltn12"
local config = require "lapis.config"
local increment_perf = require "lapis.nginx.context".increment_perf
local encode_query_string = require "lapis.util".encode_query_string

local FORM <const> = "application/x-www-form-urlencoded"
local http = {}

-- http.methods.get is ngx.HTTP_GET.
http.methods = setmetatable({}, {
  __index = function(self, name)
    self[name] = ngx["HTTP_" .. name:upper()]
    return rawget(self, name)
  end
})

-- As LuaSocket's sockets are asked for: a cosocket that shakes hands when it connects.
local Verified = {}
Verified.__index = Verified

function Verified:connect(host, port)
  local ok, err = self.sock:connect(host, tonumber(port))
  if ok then ok, err = self.sock:sslhandshake(nil, host, true) end
  return ok and 1, err
end

function Verified:settimeout(seconds)
  self.sock:settimeout(seconds * 1000)
  return 1
end

function Verified:send(data) return self.sock:send(data) end
function Verified:close() return self.sock:close() end

-- before: what has been received already, and is put before it
function Verified:receive(pattern, before)
  local data, err, partial = self.sock:receive(pattern or "*l")
  if before then
    data, partial = data and before .. data, partial and before .. partial
  end
  return data, err, partial
end

local function verified()
  return setmetatable({ sock = ngx.socket.tcp() }, Verified)
end

-- The fields of an answer, whose names socket.http gives in lower case, by any name.
local any_case = { __index = function(self, name) return type(name) == "string" and rawget(self, name:lower()) or nil end }

local function ask(request)
  local scheme = (request.url:match "^(%a[%w+.-]*):" or ""):lower()
  if scheme ~= "http" and scheme ~= "https" then return nil, "unknown scheme in " .. request.url end
  if scheme == "https" then request.create = verified end
  request.redirect = false
  local start
  if config.get().measure_performance then
    ngx.update_time()
    start = ngx.now()
  end
  local ok, status, headers = require "socket.http".request(request)
  if start then
    ngx.update_time()
    increment_perf("http_count", 1)
    increment_perf("http_time", ngx.now() - start)
  end
  if not ok then return nil, status end
  return ok, status, setmetatable(headers, any_case)
end

-- The same with the body as a text.
local function ask_for_text(request)
  local parts = {}
  request.sink = ltn12.sink.table(parts)
  local ok, status, headers = ask(request)
  if not ok then return nil, status end
  return table.concat(parts), status, headers
end

-- Gives a request this body, of this type unless it names one.
local function add_body(request, body, content_type)
  local headers = { ["content-type"] = content_type }
  for name, value in pairs(request.headers or {}) do headers[name:lower()] = value end
  headers["content-length"] = #body
  request.headers, request.source = headers, ltn12.source.string(body)
end

local function copy_of(request)
  local copy = {}
  for name, value in pairs(request) do copy[name] = value end
  return copy
end

-- request(url, body): the answer's body, status and headers; request { url, method, headers, source, sink }: the same, with 1 for the
-- body. Or nil and why.
function http.request(url, body)
  if type(url) == "table" then
    local request = copy_of(url)
    request.method = request.method or request.source and "POST" or "GET"
    return ask(request)
  end
  local request = { url = url, method = body and "POST" or "GET" }
  if body then add_body(request, body, FORM) end
  return ask_for_text(request)
end

-- simple(url or { url, method, headers, body }, body): without ltn12; a body that is a table is sent as a form
function http.simple(given, body)
  local request = type(given) == "string" and { url = given } or copy_of(given)
  if body then request.method, request.body = "POST", body end
  request.method = request.method or "GET"
  body, request.body = request.body, nil
  if type(body) == "table" then
    add_body(request, encode_query_string(body), FORM)
  elseif body then
    add_body(request, body)
  end
  return ask_for_text(request)
end

-- set_proxy_location(path): nothing is proxied
function http.set_proxy_location() end

-- ngx_replace_headers(headers): of the request that is being answered, all but its length; headers nil: those in ngx.ctx
function http.ngx_replace_headers(headers)
  for name in pairs(ngx.req.get_headers()) do
    if name ~= "content-length" then ngx.req.clear_header(name) end
  end
  for name, value in pairs(headers or ngx.ctx.headers or {}) do ngx.req.set_header(name, value) end
end

return http
