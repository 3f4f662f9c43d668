-- SPDX-License-Identifier: Apache-2.0
-- Sends n bytes, as fast as they are read.

ngx.header.content_type = "text/plain"
local piece = ("x"):rep(16384)
for _ = 1, tonumber(ngx.var.arg_n) / 16384 do
  assert(ngx.print(piece))
  assert(ngx.flush(true))
end
