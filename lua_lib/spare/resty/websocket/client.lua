-- SPDX-License-Identifier: Apache-2.0
-- resty.websocket.client, with the API of lua-resty-websocket.
local common = require "coral.websocket"
local crypto = require "coral.crypto"

local client = common.class(false)
local mt = { __index = client }

-- client:new { timeout =, max_payload_len =, max_recv_len =, max_send_len =, send_unmasked = }; nil and why
function client.new(_, opts)
  local sock, err = ngx.socket.tcp()
  if not sock then return nil, err end
  opts = opts or {}
  return common.fill(setmetatable({ sock = sock, send_masked = not opts.send_unmasked }, mt), opts)
end

-- "ws://host:port/path" or "ws://unix:/socket:/path" to { tls =, host =, port =, path =, unix = }
local function parse(uri)
  local scheme, rest = uri:match "^(wss?)://(.+)$"
  if not scheme then return nil, "bad websocket uri" end
  local to = { tls = scheme == "wss" }
  if rest:sub(1, 5) == "unix:" then
    to.unix, to.host, to.path = true, rest:match "^(unix:[^:]+):(.*)$"
  else
    to.host, to.port, to.path = rest:match "^([^:/]+):(%d+)(.*)$"
    if not to.host then to.host, to.path = rest:match "^([^:/]+)(.*)$" end
    to.port = tonumber(to.port) or to.tls and 443 or 80
  end
  if not to.host then return nil, "bad websocket uri" end
  if to.path == "" then to.path = "/" end
  return to
end

-- What is wrong with the options, if anything.
local function refused(opts)
  if opts.client_cert and not opts.client_priv_key then error("client_priv_key must be provided with client_cert", 3) end
  if opts.server_name ~= nil and type(opts.server_name) ~= "string" then return "SSL server_name must be a string" end
  if opts.headers and type(opts.headers) ~= "table" then return "custom headers must be a table" end
  if opts.host ~= nil and type(opts.host) ~= "string" then return "custom host header must be a string" end
  if opts.key ~= nil and type(opts.key) ~= "string" then return "custom Sec-WebSocket-Key must be a string" end
end

local function handshake_tls(sock, to, opts)
  if opts.client_cert then
    local ok, err = sock:setclientcert(opts.client_cert, opts.client_priv_key)
    if not ok then return nil, "failed to set TLS client certificate: " .. err end
  end
  local ok, err = sock:sslhandshake(false, opts.server_name or opts.host or to.host, opts.ssl_verify)
  if not ok then return nil, "ssl handshake failed: " .. err end
  return true
end

local function head(to, opts)
  local protocols = opts.protocols
  local lines = {
    "GET " .. to.path .. " HTTP/1.1",
    "Upgrade: websocket",
    "Host: " .. (opts.host or to.unix and "unix_sock" or to.host .. ":" .. to.port),
    "Sec-WebSocket-Key: " .. (opts.key or ngx.encode_base64(crypto.random(16))),
  }
  if protocols then
    lines[#lines + 1] = "Sec-WebSocket-Protocol: " .. (type(protocols) == "table" and table.concat(protocols, ",") or protocols)
  end
  lines[#lines + 1] = "Sec-WebSocket-Version: 13"
  if opts.origin then lines[#lines + 1] = "Origin: " .. opts.origin end
  lines[#lines + 1] = "Connection: Upgrade"
  for _, line in ipairs(opts.headers or {}) do lines[#lines + 1] = line end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

-- Asks for the WebSocket: 1, nil and the head of the answer; nil and why
local function handshake(sock, to, opts)
  local bytes, err = sock:send(head(to, opts))
  if not bytes then return nil, "failed to send the handshake request: " .. err end
  local read = sock:receiveuntil "\r\n\r\n"
  local answer
  answer, err = read()
  if not answer then return nil, "failed to receive response header: " .. err end
  if not answer:find "^%s*HTTP/1%.1%s" then return nil, "bad HTTP response status line: " .. answer end
  return 1, nil, answer
end

-- connect(uri, { protocols =, origin =, headers =, host =, key =, pool =, pool_size =, backlog =, ssl_verify =, server_name =,
-- client_cert =, client_priv_key = }): 1, nil, the head of the answer; nil and why
function client:connect(uri, opts)
  local sock = self.sock
  if not sock then return nil, "not initialized" end
  opts = opts or {}
  local to, err = parse(uri)
  err = err or refused(opts)
  if err then return nil, err end
  local pool = { pool = opts.pool, pool_size = opts.pool_size, backlog = opts.backlog }
  local ok
  if to.unix then ok, err = sock:connect(to.host, pool) else ok, err = sock:connect(to.host, to.port, pool) end
  if not ok then return nil, "failed to connect: " .. err end
  local reused
  reused, err = sock:getreusedtimes()
  if not reused then return nil, "failed to get reused times: " .. tostring(err) end
  if reused > 0 then return 1, nil, "connection reused" end
  if to.tls then
    ok, err = handshake_tls(sock, to, opts)
    if not ok then return nil, err end
  end
  return handshake(sock, to, opts)
end

local send_close = client.send_close

function client:send_close(code, message)
  local bytes, err = send_close(self, code, message)
  if err ~= "bad status code" then self.closed = true end
  return bytes, err
end

-- close(): with a close frame, if none was sent
function client:close()
  if self.fatal then return nil, "fatal error already happened" end
  if not self.sock then return nil, "not initialized" end
  if not self.closed then
    local bytes, err = self:send_close()
    if not bytes then return nil, "failed to send close frame: " .. err end
  end
  return self.sock:close()
end

-- set_keepalive(...): as of a cosocket
function client:set_keepalive(...)
  if not self.sock then return nil, "not initialized" end
  return self.sock:setkeepalive(...)
end

return client
