-- SPDX-License-Identifier: Apache-2.0
-- ngx.var: variables, by OpenResty's names and httpd's. On coral.env.
local env = require "coral.env"

return setmetatable({}, {
  __index = function(_, name)
    if type(name) == "number" then return nil end
    return env.get(name)
  end,
  __newindex = function(_, name, value)
    env.set(name, value)
  end
})
