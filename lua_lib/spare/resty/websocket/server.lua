-- SPDX-License-Identifier: Apache-2.0
-- resty.websocket.server, with the API of lua-resty-websocket: the request becomes a WebSocket.
local common = require "coral.websocket"

local server = common.class(true)
local mt = { __index = server }
local GUID <const> = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

-- A header of the request, the first of several.
local function header(headers, name)
  local value = headers[name]
  return type(value) == "table" and value[1] or value
end

-- The key of the client; nil and why it may not have a WebSocket
local function client_key(headers)
  local upgrade, connection = header(headers, "upgrade"), header(headers, "connection")
  if not upgrade or upgrade:lower() ~= "websocket" then return nil, 'bad "upgrade" request header: ' .. tostring(upgrade) end
  if not connection or not connection:lower():find("upgrade", 1, true) then return nil, 'bad "connection" request header' end
  local key = header(headers, "sec-websocket-key")
  if not key then return nil, 'bad "sec-websocket-key" request header' end
  if header(headers, "sec-websocket-version") ~= "13" then return nil, 'bad "sec-websocket-version" request header' end
  return key
end

-- Sends 101; nil and why
local function upgrade(key, protocols)
  if protocols then ngx.header["Sec-WebSocket-Protocol"] = protocols end
  ngx.header.Upgrade, ngx.header.Connection = "websocket", "Upgrade" -- which nginx says by itself
  ngx.header["Sec-WebSocket-Accept"] = ngx.encode_base64(ngx.sha1_bin(key .. GUID))
  ngx.header["Content-Type"] = nil
  ngx.status = 101
  local ok, err = ngx.send_headers()
  if not ok then return nil, "failed to send response header: " .. (err or "unknown") end
  ok, err = ngx.flush(true)
  if not ok then return nil, "failed to flush response header: " .. (err or "unknown") end
  return ngx.req.socket(true)
end

-- server:new { timeout =, max_payload_len =, max_recv_len =, max_send_len =, send_masked = }; nil and why
function server.new(_, opts)
  if ngx.headers_sent then return nil, "response header already sent" end
  ngx.req.read_body()
  if ngx.req.http_version() ~= 1.1 then return nil, "bad http version" end
  local headers = ngx.req.get_headers()
  local key, err = client_key(headers)
  if not key then return nil, err end
  local sock
  sock, err = upgrade(key, header(headers, "sec-websocket-protocol"))
  if not sock then return nil, err end
  opts = opts or {}
  return common.fill(setmetatable({ sock = sock, send_masked = opts.send_masked }, mt), opts)
end

return server
