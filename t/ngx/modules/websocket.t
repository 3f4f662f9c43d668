# SPDX-License-Identifier: Apache-2.0
# resty.websocket.protocol over a socket of Lua: the answers are those of lua-resty-websocket under OpenResty. Server and client need
# cosockets; here is what they do before they have one.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== frames that come
--- htaccess
CoralPackagePath "@DIR@/?.lua"
--- file fake_sock.lua
return function(data, fail)
  local at = 1
  local sock = { sent = {} }
  function sock:receive(n)
    if fail and at >= fail then return nil, "timeout" end
    local d = data:sub(at, at + n - 1)
    if #d < n then return nil, "closed", d end
    at = at + n
    return d
  end
  function sock:send(d)
    self.sent[#self.sent + 1] = d
    return #d
  end
  return sock
end
--- lua
local sock, protocol = require "fake_sock", require "resty.websocket.protocol"
local function recv(data, max, force, fail)
  local m, t, e = protocol.recv_frame(sock(data, fail), max or 100000, force)
  if m and #m > 40 then m = #m .. ":" .. ngx.md5(m) end
  ngx.say(m and "[" .. m .. "]" or "nil", " ", tostring(t), " ", tostring(e))
end
for _, f in ipairs { "\129\5hello", "\1\3abc", "\0\1x", "\128\1y", "\130\0", "\137\0", "\138\4pong", "\136\0", "\136\2\3\232", "\136\6\3\232bye!",
  "\136\1x", "\8\0", "\9\0", "\137\126\0\200", "\193\0", "\131\0", "\139\0", "\129", "\129\5hel", "\129\126\0", "\129\127\0\0\0\0",
  "\129\127\0\0\0\1\0\0\0\0", "\129\127\0\0\0\0\128\0\0\0", "\129\127\255\0\0\0\0\0\0\1", "\129\127\0\0\0\0\0\0\0\3abc", "\129\126\0\3abc", "\129\254\0\3abcdxyz",
  "\129\133\1\2\3\4hello", "\129\128\1\2\3\4", "\136\134\1\2\3\4\2\234bye!", "\136\130\1\2\3\4\2\234", "\137\130\1\2\3\4hi",
  "\129\126\255\255" .. ("z"):rep(65535), "\129\254\255\255abcd" .. ("zyx"):rep(21845) } do recv(f) end
recv("\129\5hello", 4)
recv("\129\5hello", 100, true)
recv("\129\133\1\2\3\4hello", 100, true)
recv("\129\5hello", 100, false, 2)
recv("\129\133\1\2\3\4hello", 100, true, 3)
recv("\129\126\0\5hello", 100, false, 3)
recv("\129\127\0\0\0\0\0\0\0\1h", 100, false, 3)
recv("", 100, true)
--- body
[hello] text nil
[abc] text again
[x] continuation again
[y] continuation nil
[] binary nil
[] ping nil
[pong] pong nil
[] close nil
[] close 1000
[bye!] close 1000
nil nil close frame with a body must carry a 2-byte status code
nil nil fragmented control frame
nil nil fragmented control frame
nil nil too long payload for control frame
nil nil bad RSV1, RSV2, or RSV3 bits
nil nil reserved non-control frames
nil nil reserved control frames
nil nil failed to receive the first 2 bytes: closed
nil nil failed to read masking-len and payload: closed
nil nil failed to receive the 2 byte payload length: closed
nil nil failed to receive the 8 byte payload length: closed
nil nil payload len too large
nil nil payload len too large
nil nil payload len too large
[abc] text nil
[abc] text nil
[] text nil
[igohn] text nil
[] text nil
[a}d#] close 1000
[] close 1000
[ik] ping nil
[65535:b83b3a106e1c0ec77a380bd7b0527ee2] text nil
[65535:6c2e43d31a91b662f66cc874f5a52bc4] text nil
nil nil exceeding max payload len
nil nil frame unmasked
[igohn] text nil
nil nil failed to read masking-len and payload: timeout
nil nil failed to read masking-len and payload: timeout
nil nil failed to receive the 2 byte payload length: timeout
nil nil failed to receive the 8 byte payload length: timeout
nil nil failed to receive the first 2 bytes: closed

=== frames that go
--- htaccess
CoralPackagePath "@DIR@/../1/?.lua"
--- lua
local sock, protocol = require "fake_sock", require "resty.websocket.protocol"
local hex = require "resty.string".to_hex
local function send(...)
  local s = sock ""
  local n, e = protocol.send_frame(s, ...)
  local d = s.sent[1]
  ngx.say(tostring(n), " ", tostring(e), " ", d and (#d > 60 and #d .. ":" .. hex(d:sub(1, 12)) .. ngx.md5(d) or hex(d)) or "-")
end
send(true, 1, "hello", 100) send(false, 1, "hello", 100) send(true, 2, nil, 100) send(true, 2, 123, 100) send(true, 1, ("x"):rep(125), 1000)
send(true, 1, ("x"):rep(126), 1000) send(true, 1, ("x"):rep(65535), 100000) send(true, 1, ("x"):rep(65536), 100000) send(true, 1, "hello", 4)
send(true, 9, ("x"):rep(126), 1000) send(false, 9, "x", 1000) send(true, 8, "\3\232bye", 1000) send(true, 1, true, 100)
ngx.say(hex(protocol.build_frame(true, 1, 2, "hi", false)))
ngx.say(protocol.send_frame({ send = function() return nil, "closed" end }, true, 1, "x", 10))
--- body
7 nil 810568656c6c6f
7 nil 010568656c6c6f
2 nil 8200
5 nil 8203313233
127 nil 127:817d787878787878787878786c01a8a723e98b6f614a4bdc2909525f
130 nil 130:817e007e7878787878787878496b7667c374d3f17ae1a5438117e09a
65539 nil 65539:817effff787878787878787870ea42b04983b041e2ab7b1341d960d6
65546 nil 65546:817f00000000000100007878c14b7ef26ea25f75ab37e005ed0d395e
nil payload too big -
nil too much payload for control frame -
nil fragmented control frame -
7 nil 880503e8627965
6 nil 810474727565
81026869
nilfailed to send frame: closed

=== masked, there and back
--- htaccess
CoralPackagePath "@DIR@/../1/?.lua"
--- lua
local sock, protocol = require "fake_sock", require "resty.websocket.protocol"
for _, n in ipairs { 0, 1, 3, 4, 5, 125, 126, 255, 256, 257, 1000, 65535, 65536, 70001 } do
  local text = ("abcdefghijklmnopqrstuvwxyz0"):rep(n // 27 + 1):sub(1, n)
  local s = sock ""
  protocol.send_frame(s, true, 2, text, 1e6, true)
  local frame = s.sent[1]
  local r, t, e = protocol.recv_frame(sock(frame), 1e6, true)
  ngx.print(#frame - n, " ", r == text, " ", t, " ", tostring(e), " ", n < 5 or frame:find(text, 1, true) == nil, "; ")
end
local one, two = sock "", sock ""
protocol.send_frame(one, true, 2, "same", 100, true)
protocol.send_frame(two, true, 2, "same", 100, true)
ngx.say(one.sent[1] ~= two.sent[1])
--- body_like: ^(6 true binary nil true; ){6}(8 true binary nil true; ){6}(14 true binary nil true; ){2}true$

=== the server says what is wrong with a request
--- lua
local server = require "resty.websocket.server"
ngx.say(server:new())
ngx.req.set_header("Upgrade", "WebSocket")
ngx.req.set_header("Connection", "close")
ngx.say(server:new())
ngx.req.set_header("Connection", "keep-alive, Upgrade")
ngx.say(server:new())
ngx.req.set_header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
ngx.say(server:new { timeout = 10 })
ngx.req.set_header("Sec-WebSocket-Version", "12")
ngx.say(server:new())
--- body
nilbad "upgrade" request header: nil
nilbad "connection" request header
nilbad "sec-websocket-key" request header
nilbad "sec-websocket-version" request header
nilbad "sec-websocket-version" request header

=== and after the headers are sent
--- lua
local server = require "resty.websocket.server"
ngx.say(type(server.send_text), type(server.send_binary), type(server.send_ping), type(server.send_pong), type(server.send_close), type(server.recv_frame))
ngx.flush(true)
ngx.say(server:new())
--- body
functionfunctionfunctionfunctionfunctionfunction
nilresponse header already sent

=== a client's handshake and frames, over a socket of Lua
--- lua
local had = rawget(ngx, "socket")
local log = {}
local protocol = require "resty.websocket.protocol"
local answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket"
local function tcp()
  local sock = { data = protocol.build_frame(true, 1, 5, "hello") }
  function sock:connect(...) log[#log + 1] = "connect " .. table.concat({ ... }, " ", 1, select("#", ...) - 1) return 1 end
  function sock:settimeout(t) log[#log + 1] = "timeout " .. t end
  function sock:getreusedtimes() return 0 end
  function sock:sslhandshake(_, name, verify) log[#log + 1] = "tls " .. name .. " " .. tostring(verify) return true end
  function sock:send(d) log[#log + 1] = d return #d end
  function sock:receiveuntil() return function() return answer end end
  function sock:receive(n) local d = self.data:sub(1, n) self.data = self.data:sub(n + 1) if #d < n then return nil, "closed" end return d end
  function sock:close() log[#log + 1] = "close" return 1 end
  return sock
end
ngx.socket = { tcp = tcp }
local client = require "resty.websocket.client"
local ws = client:new { timeout = 100 }
local ok, err, head = ws:connect("ws://host:81/path?a=1", { protocols = { "a", "b" }, origin = "http://o", headers = { "X-A: 1" }, key = "KEY" })
ngx.say(ok, err, (head:gsub("\r", "")))
ngx.say(ws:recv_frame())
ngx.say(ws:send_text("hi"), " ", #log[#log], " ", ws:send_close(1000, "bye"), " ", ws:send_text("x"))
ngx.say(ws:close(), " ", log[#log])
ngx.say((table.concat({ log[1], log[2], log[3] }, "\n"):gsub("\r", "")))
local w = client:new()
ngx.say(w:connect("wss://host", { ssl_verify = true, host = "name" }), " ", log[#log]:match "Host: [^\r]*", " ", log[#log - 1], "; ", log[#log - 2])
ngx.say(w:recv_frame())
ngx.say(w:recv_frame())
ngx.say(w:recv_frame())
ngx.say(w:send_text("x"))
for _, bad in ipairs { "http://x", "ws:/x", "ws://", "" } do ngx.print(tostring((client:new():connect(bad))), " ") end
ngx.say(client:new():connect("ws://h", { headers = "x" }))
ngx.say(client:new():connect("ws://h", { host = 5 }))
ngx.say((pcall(client.connect, client:new(), "ws://h", { client_cert = 1 })))
ngx.say(client:new():connect("ws://unix:/tmp/s.sock:/p"), " ", log[#log - 1], " ", log[#log]:match "^[^\r]*", log[#log]:match "Host: [^\r]*")
answer = "HTTP/1.0 200 OK"
ngx.say(client:new():connect("ws://h"))
ngx.socket = had
--- body
1nilHTTP/1.1 101 Switching Protocols
Upgrade: websocket
hellotextnil
8 8 11 nilalready closed
1 close
timeout 100
connect host 81
GET /path?a=1 HTTP/1.1
Upgrade: websocket
Host: host:81
Sec-WebSocket-Key: KEY
Sec-WebSocket-Protocol: a,b
Sec-WebSocket-Version: 13
Origin: http://o
Connection: Upgrade
X-A: 1


1 Host: name tls name true; connect host 443
hellotextnil
nilnilfailed to receive the first 2 bytes: closed
nilnilfatal error already happened
nilfatal error already happened
nil nil nil nil nilcustom headers must be a table
nilcustom host header must be a string
false
1 connect unix:/tmp/s.sock GET /p HTTP/1.1Host: unix_sock
nilbad HTTP response status line: HTTP/1.0 200 OK
