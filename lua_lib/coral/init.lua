-- SPDX-License-Identifier: Apache-2.0
-- require "coral": what neither ngx nor mod_lua's r has, and what a hook may return.
local timer = require "coral.timer"
local worker = require "coral.worker"

local coral = {
  version = worker.version(),
  OK = 0, DECLINED = -1, DONE = -2,
}

-- coral.HTTP_NOT_FOUND and so on: the same numbers as ngx.HTTP_*
for name, status in pairs(require "coral.ngx.const".statuses) do coral[name] = status end

-- status(): this child process: pid, threads, states, parked (requests that wait without a thread), staying (connections that
-- are between two requests and keep their threads), sockets, processes (of ngx.pipe), timers (pending and running), backend (what the loop waits
-- with); stock, the bytes that are kept for the next connections; and memory: the bytes of this Lua state
function coral.status()
  return {
    pid = worker.pid(), threads = worker.threads(), states = worker.states(), memory = worker.bytes(), parked = worker.parked(),
    staying = worker.staying(), sockets = worker.sockets(), processes = worker.processes(),
    timers = timer.pending_count() + timer.running_count(), backend = worker.backend(), stock = worker.stock(),
  }
end

-- environment(): what CoralEnvironment says; nil if nothing
function coral.environment()
  return require "coral.environment" or nil
end

-- A misspelt status must not be nil: an access hook that returns nil lets the request through.
return setmetatable(coral, {
  __index = function(_, name) error("coral has no field '" .. tostring(name) .. "'", 2) end
})
