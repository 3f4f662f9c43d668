-- SPDX-License-Identifier: Apache-2.0
-- Waits: n times, s seconds each.

local count, seconds = tonumber(ngx.var.arg_n), tonumber(ngx.var.arg_s)
for _ = 1, count do
  ngx.sleep(seconds)
end
ngx.header.content_type = "text/plain"
ngx.print("Hello, world")
