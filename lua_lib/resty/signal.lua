-- SPDX-License-Identifier: Apache-2.0
-- resty.signal: signals by name, sent to any process. On coral.pipe.
local pipe = require "coral.pipe"

local signal = { version = "0.04" }

-- signum(name): a signal's number on this system ("TERM"); a number is one already. nil and why
function signal.signum(name)
  if type(name) == "number" then return name end
  local number = pipe.signals[name]
  if not number then return nil, "unknown signal name" end
  return number
end

-- kill(pid, name or number): true; or nil and why
function signal.kill(pid, name)
  local number, err = signal.signum(assert(name))
  if not number then return nil, err end
  return pipe.signal(assert(pid), number)
end

return signal
