-- SPDX-License-Identifier: Apache-2.0
-- Workload (b) as a function: the same file runs in coral (CoralHook content FILE handle) and in mod_lua.

local json = require "cjson"

function handle(r)
  local headers = r.headers_in
  local name = r:parseargs().name or ""
  r.content_type = "application/json"
  r.headers_out["Cache-Control"] = "no-store"
  r.headers_out["X-Bench-Name"] = name
  r:puts(json.encode {
    agent = headers["User-Agent"], accept = headers["Accept"], language = headers["Accept-Language"],
    name = name, length = #name, ok = true,
  })
  return apache2.OK
end
