-- SPDX-License-Identifier: Apache-2.0
-- A server beside the process that asks for it: for tests, and `lapis exec`. It has a port of its own that runs Lua it is sent.
local AttachedServer = require "lapis.cmd.attached_server".AttachedServer
local path = require "lapis.cmd.path"

local attached = {}
attached.__index = attached

-- The virtual host that runs code, and what is laid over the configuration.
local template = [[

ErrorLog logs/error.log
Listen 127.0.0.1:%d
<VirtualHost 127.0.0.1:%d>
    CoralEnvironment %s
    CoralPackagePath "%s/?.lua;%s/?/init.lua;;"
    <Location "/run_lua">
        Require local
        <CoralHook content>
            ngx.req.read_body()
            local out = {}
            local function say(...)
                local words = { ... }
                for i = 1, select("#", ...) do words[i] = tostring(words[i]) end
                out[#out + 1] = table.concat(words, "\t")
            end
            local code, err = load(ngx.req.get_body_data() or "", "code", "t", setmetatable({ print = say }, { __index = _G }))
            local ok = code ~= nil
            if ok then ok, err = pcall(code) end
            if not ok then
                ngx.status = 500
                say(err)
            end
            ngx.print(table.concat(out, "\n"))
        </CoralHook>
    </Location>
</VirtualHost>
<CoralHook init>
    package.preload["coral.lapis.overrides"] = function() return %q end
</CoralHook>
]]

local function more(self, name, overrides)
  local base = self.runner:base()
  local text = require "cjson".encode(overrides or {}):gsub("\\", "\\\\"):gsub('"', '\\"')
  return (template:gsub("%%q", function() return '"' .. text .. '"' end)):format(self.port, self.port, name, base, base)
end

local function wait(self, state)
  AttachedServer.__base.wait_until(self, state)
end

function attached:status_tick() end

-- start(runner, environment, overrides): the server, when it answers
function attached.start(runner, environment, overrides)
  local self = setmetatable({ runner = runner, port = require "lapis.cmd.util".get_free_port() }, attached)
  local config = type(environment) == "table" and environment or require "lapis.config".get(environment)
  local laid = overrides and next(overrides) ~= nil
  local whole = laid and setmetatable(overrides, { __index = config }) or config
  require "lapis.environment".push(whole)
  self.before = path.exists(runner:compiled()) and path.read_file(runner:compiled())
  self.fresh = not runner:get_pid()
  runner:write_config_for(whole, more(self, config._name, laid and overrides))
  if self.fresh then
    runner:start(true)
  else
    runner:send_hup()
  end
  wait(self, "open")
  return self
end

-- detach(): stops it, or takes the port away from the one that ran before
function attached:detach()
  if self.before then path.write_file(self.runner:compiled(), self.before) end
  if self.fresh then
    self.runner:send_term()
    wait(self, "close")
  else
    self.runner:send_hup()
  end
  require "lapis.environment".pop()
  return true
end

-- exec(code): what the code prints, run in the server. Raises what it raises
function attached:exec(code)
  assert(load(code))
  local http, ltn12, answer = require "socket.http", require "ltn12", {}
  local _, status = http.request {
    url = ("http://127.0.0.1:%d/run_lua"):format(self.port), sink = ltn12.sink.table(answer), source = ltn12.source.string(code),
    headers = { ["content-length"] = #code }, method = "POST",
  }
  if status ~= 200 then error(("Failed to exec code on server, got: %s\n\n%s"):format(status, table.concat(answer)), 0) end
  return table.concat(answer)
end

return attached
