-- SPDX-License-Identifier: Apache-2.0
-- Workload (b) as a chunk, run once per request, in the manner of content_by_lua.

local json = require "cjson"

local headers = ngx.req.get_headers()
local name = ngx.var.arg_name or ""
ngx.header.content_type = "application/json"
ngx.header["Cache-Control"] = "no-store"
ngx.header["X-Bench-Name"] = name
ngx.print(json.encode {
  agent = headers["User-Agent"], accept = headers["Accept"], language = headers["Accept-Language"],
  name = name, length = #name, ok = true,
})
