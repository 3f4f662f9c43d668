-- SPDX-License-Identifier: Apache-2.0
local Flow = require "lapis.flow".Flow
local yield_error = require "lapis.application".yield_error

return Flow:extend {
  expose_assigns = true,

  add = function(self)
    local count = tonumber(self.params.count)
    if not count then yield_error "count: a number is wanted" end
    local items = self.session.items or 0
    self.session.items = items + count
    return items + count
  end,
}
