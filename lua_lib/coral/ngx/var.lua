-- SPDX-License-Identifier: Apache-2.0
-- ngx.var: variables, by OpenResty's names and httpd's. On coral.env.
local body = require "coral.body"
local env = require "coral.env"

local of_body = { request_body = body.data, request_body_file = body.file }

return setmetatable({}, {
  __index = function(_, name)
    if type(name) == "number" then return nil end
    local get = of_body[name]
    if get then return get() end
    return env.get(name)
  end,
  __newindex = function(_, name, value)
    if of_body[name] then error('variable "' .. name .. '" not changeable', 2) end
    env.set(name, value)
  end
})
