-- SPDX-License-Identifier: Apache-2.0
-- Takes a body of n bytes.

ngx.req.read_body()
local body = ngx.req.get_body_data() or io.open(ngx.req.get_body_file(), "rb"):read "*a"
assert(#body == tonumber(ngx.var.arg_n))
ngx.header.content_type = "text/plain"
ngx.print("Hello, world")
