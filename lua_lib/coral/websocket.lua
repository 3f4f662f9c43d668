-- SPDX-License-Identifier: Apache-2.0
-- What resty.websocket.server and resty.websocket.client have in common: class(forced) gives the methods of a peer, which insists
-- on masks of the other (forced) or not. Its objects have sock, max_send_len, max_recv_len, send_masked.
local protocol = require "resty.websocket.protocol"

local function ready(self)
  if self.fatal then return nil, "fatal error already happened" end
  if not self.sock then return nil, "not initialized yet" end
  return self.sock
end

-- The payload of a close frame; nil and why
local function close_payload(code, message)
  if not code then return "" end
  if type(code) ~= "number" or code > 0x7fff or code < 0 then return nil, "bad status code" end
  return string.pack(">I2", code) .. (message or "")
end

-- fill(object, opts): what both take: max_payload_len (65535), max_recv_len, max_send_len, timeout
local function fill(self, opts)
  local most = opts.max_payload_len or 65535
  self.max_recv_len, self.max_send_len = opts.max_recv_len or most, opts.max_send_len or most
  if opts.timeout then self.sock:settimeout(opts.timeout) end
  return self
end

local function class(forced)
  local peer = { _VERSION = "0.13" }

  -- set_timeout(milliseconds)
  function peer:set_timeout(timeout)
    if not self.sock then return nil, nil, "not initialized yet" end
    return self.sock:settimeout(timeout)
  end

  -- recv_frame(): payload, type, "again" or code; nil, nil and why, after which all but a timeout is final
  function peer:recv_frame()
    local sock, err = ready(self)
    if not sock then return nil, nil, err end
    local data, kind
    data, kind, err = protocol.recv_frame(sock, self.max_recv_len, forced)
    if not data and not err:find(": timeout", 1, true) then self.fatal = true end
    return data, kind, err
  end

  -- send_frame(fin, opcode, payload): the number of bytes sent; nil and why
  function peer:send_frame(fin, opcode, payload)
    local sock, err = ready(self)
    if not sock then return nil, err end
    if self.closed then return nil, "already closed" end
    local bytes
    bytes, err = protocol.send_frame(sock, fin, opcode, payload, self.max_send_len, self.send_masked)
    if not bytes then self.fatal = true end
    return bytes, err
  end

  for name, opcode in pairs { continue = 0, text = 1, binary = 2, ping = 9, pong = 10 } do
    peer["send_" .. name] = function(self, data) return self:send_frame(true, opcode, data) end
  end

  -- send_close(code, message)
  function peer:send_close(code, message)
    local payload, err = close_payload(code, message)
    if not payload then return nil, err end
    return self:send_frame(true, 8, payload)
  end

  return peer
end

return { class = class, fill = fill }
