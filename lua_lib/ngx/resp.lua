-- SPDX-License-Identifier: Apache-2.0
-- ngx.resp as a module: what is not in the table ngx.resp.
local response = require "coral.response"

local resp = { version = require "resty.core.base".version }

-- add_header(name, value or list): beside those of that name that are there; of Content-Type there is one
function resp.add_header(name, value)
  if value == nil or type(value) == "table" and #value == 0 then error("invalid header value", 2) end
  name = tostring(name)
  if type(value) ~= "table" then value = { value } end
  local had = name:lower():gsub("_", "-") ~= "content-type" and response.header(name)
  local all = type(had) == "table" and had or { had or nil }
  for _, one in ipairs(value) do all[#all + 1] = tostring(one) end
  response.set_header(name, all)
end

-- set_status(status, reason): reason is what stands beside it on HTTP/1, httpd's words without one
function resp.set_status(status, reason)
  response.set_status(tonumber(status), reason)
end

-- bypass_if_checks(): what If-Modified-Since and its kind say is not looked at
function resp.bypass_if_checks()
  for _, name in ipairs { "If-Modified-Since", "If-None-Match", "If-Match", "If-Unmodified-Since", "If-Range" } do
    require "coral.request".set_header(name, nil)
  end
end

return resp
