-- SPDX-License-Identifier: Apache-2.0
-- require "coral": what neither ngx nor mod_lua's r has, and what a hook may return.
local worker = require "coral.worker"

local coral = {
  version = worker.version(),
  OK = 0, DECLINED = -1, DONE = -2,
}

-- coral.HTTP_NOT_FOUND and so on: the same numbers as ngx.HTTP_*
for name, value in pairs(require "coral.ngx.const") do
  if name:match "^HTTP_" and value >= 100 and value < 600 and not name:match "^HTTP_%u+$" or name == "HTTP_OK" then
    coral[name] = value
  end
end

-- status(): { pid, threads, states, memory }: this child process and this Lua state (bytes)
function coral.status()
  return { pid = worker.pid(), threads = worker.threads(), states = worker.states(), memory = worker.bytes() }
end

return coral
