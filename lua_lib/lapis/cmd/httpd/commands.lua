-- SPDX-License-Identifier: Apache-2.0
-- Lapis's commands that are nginx's only: build, hup, term, signal, exec. For httpd they do what they say, too.
local commands = {}

local function colours(...)
  return require "ansicolors"(...)
end

local function tell(self, word, pid)
  if not pid then return self:fail_with_message "failed to find httpd process" end
  print(colours("%{green}" .. word .. " " .. pid))
end

local function check(self, runner)
  if not runner:test_config() then self:fail_with_message "httpd config test failed (see its output above)" end
end

local actions = {}

function actions.build(self, runner, flags)
  runner:write_config_for(flags.environment)
  local pid = runner:get_pid()
  if pid or flags.test_config then check(self, runner) end
  if pid then tell(self, "reloaded", runner:send_hup()) end
end

function actions.hup(self, runner)
  if not runner:get_pid() then return tell(self) end
  check(self, runner)
  tell(self, "reloaded", runner:send_hup())
end

function actions.term(self, runner)
  tell(self, "TERM", runner:send_term())
end

function actions.signal(self, runner, args)
  tell(self, "Sent " .. args.signal .. " to", runner:send_signal(args.signal))
end

function actions.exec(_, runner, flags)
  if not runner:get_pid() then print(colours "%{green}Using temporary server...") end
  local code = flags.code == "-" and io.read "a" or flags.code
  local server = runner:attach_server(flags.environment)
  local ok, result = pcall(server.exec, server, code)
  runner:detach_server()
  if not ok then error(result, 0) end
  print(result)
end

-- extend(make): adds httpd to what the commands are for. This is called when Lapis has found that its server is httpd, before it asks
-- whether the command is for that. make: makes a runner
function commands.extend(make)
  local get_command = require "lapis.cmd.actions".get_command
  for name, action in pairs(actions) do
    local command = get_command(name)
    local nginx = command[1]
    table.insert(command.context, "httpd")
    command[1] = function(self, args)
      if self:get_server_type(args.environment) ~= "httpd" then return nginx(self, args) end
      return action(self, make(), args)
    end
  end
end

return commands
