-- SPDX-License-Identifier: Apache-2.0
-- lapis httpd new | server | reload | config
local httpd = {}

function httpd.argparser()
  local parser = require "argparse"("lapis httpd", "Applications in httpd with mod_coral")
  parser:command_target "command"
  local new = parser:command("new", "Create a project in the current directory")
  new:flag("--lua", "Lua (default)")
  new:flag("--moonscript --moon", "MoonScript")
  new:flag("--force", "Even if there is no httpd")
  for name, help in pairs { server = "Serve the current directory until Ctrl-C", reload = "Write the configuration anew and let the running server read it",
    config = "Print the virtual host for a production server" } do
    parser:command(name, help):argument("environment", "of the configuration"):args "?"
  end
  return parser
end

local commands = {}

function commands.new(self, args)
  local flag = args.moonscript and "--moonscript" or "--lua"
  require "lapis.cmd.httpd.actions".new(self, args, { flag })
  self:execute { "generate", "application", flag }
  self:execute { "generate", "models", flag }
end

function commands.server(self, args)
  require "lapis.cmd.httpd.actions".server(self, args)
end

function commands.config(self, args)
  require "lapis.cmd.httpd.actions".config(self, args)
end

function commands.reload(self, args)
  local runner = require "lapis.cmd.httpd".runner
  runner:write_config_for(args.environment)
  if not runner:get_pid() then return self:fail_with_message "failed to find httpd process" end
  if not runner:test_config() then return self:fail_with_message "httpd does not take its configuration (see its output above)" end
  print(require "ansicolors"("%{green}reloaded " .. runner:send_hup()))
end

-- [1](self, args, all): the parsed arguments, and those of `lapis` itself
httpd[1] = function(self, args, all)
  args.environment = args.environment or all.environment or require "lapis.environment".default_environment()
  return commands[args.command](self, args)
end

return httpd
