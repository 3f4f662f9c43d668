-- SPDX-License-Identifier: Apache-2.0
-- ngx.process: Lua runs in child processes of httpd alone.
local worker = require "coral.worker"

local process = { version = require "resty.core.base".version }

function process.type()
  return "worker"
end

-- get_master_pid(): of httpd's parent process
process.get_master_pid = worker.parent

-- enable_privileged_agent(): httpd has none
function process.enable_privileged_agent()
  if ngx.get_phase() ~= "init" then return nil, "API disabled in the current context" end
  return nil, "httpd has no privileged agent"
end

function process.signal_graceful_exit()
  error("ngx.process.signal_graceful_exit: httpd's parent process alone ends its children", 2)
end

return process
