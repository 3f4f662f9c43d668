-- SPDX-License-Identifier: Apache-2.0
-- Takes a body of n bytes.

ngx.req.read_body()
assert(#ngx.req.get_body_data() == tonumber(ngx.var.arg_n))
ngx.header.content_type = "text/plain"
ngx.print("Hello, world")
