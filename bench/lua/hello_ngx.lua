-- SPDX-License-Identifier: Apache-2.0
-- Workload (a) as a chunk, run once per request, in the manner of content_by_lua.

ngx.header.content_type = "text/plain"
ngx.print("Hello, world")
