-- SPDX-License-Identifier: Apache-2.0
-- resty.websocket.protocol, with the API of lua-resty-websocket: frames of RFC 6455, over whatever has receive() and send().
local crypto = require "coral.crypto"
local pack, unpack = string.pack, string.unpack

local protocol = { _VERSION = "0.13", new_tab = require "coral.tables".new }

local types = { [0] = "continuation", "text", "binary", [8] = "close", [9] = "ping", [10] = "pong" }

-- Masks are laid over WORDS words of 8 bytes at a time, and over the rest byte by byte.
local WORDS <const> = 32
local words = ("<" .. ("I8"):rep(WORDS))

local function apply(mask, ...)
  local block = { ... }
  for i = 1, WORDS do block[i] = block[i] ~ mask end
  return pack(words, table.unpack(block, 1, WORDS))
end

local function masked(data, key)
  local parts, at = {}, 1
  local word = unpack("<I8", key .. key)
  while #data - at + 1 >= 8 * WORDS do
    parts[#parts + 1] = apply(word, unpack(words, data, at))
    at = at + 8 * WORDS
  end
  local rest = { data:byte(at, -1) }
  local bytes = { key:byte(1, 4) }
  for i = 1, #rest do rest[i] = rest[i] ~ bytes[(i - 1) % 4 + 1] end
  parts[#parts + 1] = string.char(table.unpack(rest))
  return table.concat(parts)
end

-- What the second byte of a frame says of its length; nil and why
local function read_length(sock, short)
  if short < 126 then return short end
  local size = short == 126 and 2 or 8
  local data, err = sock:receive(size)
  if not data then
    return nil, ("failed to receive the %d byte payload length: %s"):format(size, err or "unknown")
  end
  local length = unpack(size == 2 and ">I2" or ">i8", data)
  if length < 0 or length > 0x7fffffff then return nil, "payload len too large" end
  return length
end

-- The payload of a frame; nil and why
local function read_payload(sock, length, has_mask)
  local size = has_mask and length + 4 or length
  if size == 0 then return "" end
  local data, err = sock:receive(size)
  if not data then return nil, "failed to read masking-len and payload: " .. (err or "unknown") end
  if not has_mask then return data end
  return masked(data:sub(5), data:sub(1, 4))
end

local function close_frame(payload)
  if payload == "" then return "", "close", nil end
  return payload:sub(3), "close", (unpack(">I2", payload))
end

-- What is wrong with a frame's first two bytes, if anything.
local function refused(first, second, force_masking)
  local opcode = first & 15
  if first & 0x70 ~= 0 then return "bad RSV1, RSV2, or RSV3 bits" end
  if opcode >= 3 and opcode <= 7 then return "reserved non-control frames" end
  if opcode >= 11 then return "reserved control frames" end
  if force_masking and second & 0x80 == 0 then return "frame unmasked" end
end

local function refused_length(first, length, max_payload_len)
  if first & 8 ~= 0 then
    if length > 125 then return "too long payload for control frame" end
    if first & 0x80 == 0 then return "fragmented control frame" end
  end
  if length > max_payload_len then return "exceeding max payload len" end
  if first & 15 == 8 and length == 1 then return "close frame with a body must carry a 2-byte status code" end
end

-- recv_frame(sock, max_payload_len, force_masking): payload, type, "again" if more of it is to come; of a close frame message,
-- "close" and its code; nil, nil and why
function protocol.recv_frame(sock, max_payload_len, force_masking)
  local head, err = sock:receive(2)
  if not head then return nil, nil, "failed to receive the first 2 bytes: " .. (err or "unknown") end
  local first, second = head:byte(1, 2)
  err = refused(first, second, force_masking)
  if err then return nil, nil, err end
  local length, payload
  length, err = read_length(sock, second & 0x7f)
  err = err or refused_length(first, length, max_payload_len)
  if err then return nil, nil, err end
  payload, err = read_payload(sock, length, second & 0x80 ~= 0)
  if not payload then return nil, nil, err end
  if first & 15 == 8 then return close_frame(payload) end
  return payload, types[first & 15], first & 0x80 == 0 and "again" or nil
end

-- build_frame(fin, opcode, payload_len, payload, masking): the frame's bytes; nil and why
function protocol.build_frame(fin, opcode, payload_len, payload, masking)
  local first, mask = fin and opcode | 0x80 or opcode, masking and 0x80 or 0
  local head
  if payload_len <= 125 then
    head = string.char(first, payload_len | mask)
  elseif payload_len <= 65535 then
    head = pack(">BBI2", first, 126 | mask, payload_len)
  elseif payload_len > 0x7fffffff then
    return nil, "payload too big"
  else
    head = pack(">BBI8", first, 127 | mask, payload_len)
  end
  if not masking then return head .. payload end
  local key = crypto.random(4)
  return head .. key .. masked(payload, key)
end

-- send_frame(sock, fin, opcode, payload, max_payload_len, masking): the number of bytes sent; nil and why
function protocol.send_frame(sock, fin, opcode, payload, max_payload_len, masking)
  payload = payload and tostring(payload) or ""
  if #payload > max_payload_len then return nil, "payload too big" end
  if opcode & 8 ~= 0 then
    if #payload > 125 then return nil, "too much payload for control frame" end
    if not fin then return nil, "fragmented control frame" end
  end
  local frame, err = protocol.build_frame(fin, opcode, #payload, payload, masking)
  if not frame then return nil, "failed to build frame: " .. err end
  local bytes
  bytes, err = sock:send(frame)
  if not bytes then return nil, "failed to send frame: " .. err end
  return bytes
end

return protocol
