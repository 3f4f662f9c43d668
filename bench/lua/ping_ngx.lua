-- SPDX-License-Identifier: Apache-2.0
-- Asks Redis n times whether it is there, over a connection that is kept.

local sock = ngx.socket.tcp()
sock:settimeout(30000)
assert(sock:connect("127.0.0.1", tonumber(ngx.var.arg_port)))
for _ = 1, tonumber(ngx.var.arg_n) do
  assert(sock:send("PING\r\n"))
  assert(sock:receive() == "+PONG")
end
assert(sock:setkeepalive(60000, 1000))
ngx.header.content_type = "text/plain"
ngx.print("Hello, world")
