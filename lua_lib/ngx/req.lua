-- SPDX-License-Identifier: Apache-2.0
-- ngx.req as a module: what is not in the table ngx.req.
local request = require "coral.request"
local tables = require "coral.table"

local req = { version = require "resty.core.base".version }

-- add_header(name, value or list): beside those of that name that are there
function req.add_header(name, value)
  if name == nil then error("bad 'name' argument: string expected, got nil", 2) end
  if value == nil then error("bad 'value' argument: string or table expected, got nil", 2) end
  if type(value) ~= "table" then value = { value } end
  if #value == 0 then error("bad 'value' argument: non-empty table expected", 2) end
  name = tostring(name)
  local had = tables.headers("headers_in", 0)[(name:lower():gsub("_", "-"))]
  local all = type(had) == "table" and had or { had }
  for _, one in ipairs(value) do all[#all + 1] = tostring(one) end
  request.set_header(name, all)
end

return req
