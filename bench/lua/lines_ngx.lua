-- SPDX-License-Identifier: Apache-2.0
-- Reads n lines of the upstream, which sends each ms milliseconds after the one before. With keep the connection is kept.

local count = tonumber(ngx.var.arg_n)
local sock = ngx.socket.tcp()
sock:settimeout(30000)
assert(sock:connect("127.0.0.1", tonumber(ngx.var.arg_port)))
if count > 0 then
  assert(sock:send(count .. " " .. ngx.var.arg_ms .. "\n"))
end
for _ = 1, count do
  assert(sock:receive() == "a line")
end
if ngx.var.arg_keep then
  assert(sock:setkeepalive(60000, 1000))
else
  sock:close()
end
ngx.header.content_type = "text/plain"
ngx.print("Hello, world")
