-- SPDX-License-Identifier: Apache-2.0
-- Workload (b) as an application: the chunk runs once per state and returns the function that answers.

local json = require "cjson"

return function(r)
  local headers = r.headers_in
  local name = r:parseargs().name or ""
  r.content_type = "application/json"
  r.headers_out["Cache-Control"] = "no-store"
  r.headers_out["X-Bench-Name"] = name
  r:puts(json.encode {
    agent = headers["User-Agent"], accept = headers["Accept"], language = headers["Accept-Language"],
    name = name, length = #name, ok = true,
  })
end
