-- SPDX-License-Identifier: Apache-2.0
-- require "coral": what neither ngx nor mod_lua's r has, and what a hook may return.
local worker = require "coral.worker"

local coral = {
  version = worker.version(),
  OK = 0, DECLINED = -1, DONE = -2,
}

-- coral.HTTP_NOT_FOUND and so on: the same numbers as ngx.HTTP_*
for name, status in pairs(require "coral.ngx.const".statuses) do coral[name] = status end

-- status(): { pid, threads, states, memory }: this child process and this Lua state (bytes)
function coral.status()
  return { pid = worker.pid(), threads = worker.threads(), states = worker.states(), memory = worker.bytes() }
end

-- A misspelt status must not be nil: an access hook that returns nil lets the request through.
return setmetatable(coral, {
  __index = function(_, name) error("coral has no field '" .. tostring(name) .. "'", 2) end
})
