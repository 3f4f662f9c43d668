-- SPDX-License-Identifier: Apache-2.0
-- `server = "httpd"` in Lapis's configuration: runs an application in httpd with mod_coral. Lapis asks for this module by name.
local conf = require "lapis.cmd.httpd.conf"
local path = require "lapis.cmd.path"
local place = require "lapis.cmd.httpd.place"

local Runner = {}
Runner.__index = Runner

-- new(base_path): for the application in that folder; none: the current one
local function new(base_path)
  return setmetatable({ base_path = base_path }, Runner)
end

function Runner:base()
  local base = self.base_path or ""
  return (base:sub(1, 1) == "/" and base or path.join(place.folder(), base)):gsub("/$", "")
end

function Runner:compiled()
  return self:base() .. "/httpd.conf.compiled"
end

local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

-- write_config_for(environment, more): httpd.conf.compiled, with `more` at its end. environment: its name or the configuration itself
function Runner:write_config_for(environment, more)
  if type(environment) ~= "table" then environment = require "lapis.config".get(environment) end
  path.mkdir(self:base() .. "/logs")
  path.write_file(self:compiled(), conf.compile(environment, self:base(), more))
end

function Runner:command(options)
  return ("%s -f %s %s"):format(quoted(place.httpd()), quoted(self:compiled()), options)
end

-- test_config(): whether httpd takes the compiled configuration; it says why not
function Runner:test_config()
  return os.execute(self:command "-t") == true
end

-- start(background): runs httpd, and ends when it does; or leaves it in the background
function Runner:start(background)
  local command = self:command "-DFOREGROUND"
  if background then return os.execute(command .. " >/dev/null 2>&1 &") end
  local guard = os.execute "command -v setpriv >/dev/null" and "setpriv --pdeathsig TERM " or "" -- it does not outlive this command
  return os.execute("exec " .. guard .. command)
end

-- get_pid(): of the httpd that serves this folder; nil if none does
function Runner:get_pid()
  local file <close> = io.open(self:base() .. "/logs/httpd.pid")
  local pid = file and file:read("a"):match "%d+"
  return pid and os.execute("kill -0 " .. pid .. " 2>/dev/null") and pid or nil
end

-- send_signal(name): to the httpd that serves; its pid, nil if none does
function Runner:send_signal(signal)
  local pid = self:get_pid()
  if pid then os.execute(("kill -s %s %s"):format(quoted(signal), pid)) end
  return pid
end

-- What nginx does on HUP, httpd does on USR1: reads its configuration again and lets requests end.
function Runner:send_hup() return self:send_signal "USR1" end
function Runner:send_term() return self:send_signal "TERM" end

-- attach_server(environment, overrides): a server for tests, or the one that runs with a port more; what has exec(code), detach()
function Runner:attach_server(environment, overrides)
  assert(not self.current_server, "a server is already attached (did you forget to detach?)")
  self.current_server = require "lapis.cmd.httpd.attached_server".start(self, environment, overrides)
  return self.current_server
end

function Runner:detach_server()
  assert(self.current_server, "no server is attached"):detach()
  self.current_server = nil
  return true
end

require "lapis.cmd.httpd.commands".extend(function() return new() end)

return { type = "httpd", runner = new(), new = new }
