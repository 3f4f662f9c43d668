-- SPDX-License-Identifier: Apache-2.0
-- What `lapis server`, `lapis new` and `lapis httpd` do for httpd.
local conf = require "lapis.cmd.httpd.conf"
local place = require "lapis.cmd.httpd.place"

local actions = {}

local config_lua = [[
local config = require("lapis.config")

config({ "development", "test", "production" }, {
  server = "httpd",
  secret = "%s",
})

config("development", {
  code_cache = "off",
})

config("production", {
  code_cache = "on",
  num_workers = "4",
})
]]

local config_moon = [[
config = require "lapis.config"

config {"development", "test", "production"}, ->
  server "httpd"
  secret "%s"

config "development", ->
  code_cache "off"

config "production", ->
  code_cache "on"
  num_workers "4"
]]

local function random_word()
  local file <close> = assert(io.open("/dev/urandom", "rb"))
  return (file:read(16):gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

-- new(self, args, flags): config and httpd.conf of a new application; flags: --lua or --moonscript
function actions.new(self, args, flags)
  if not place.httpd() and not args.force then
    self:fail_with_message "Unable to find httpd. You can bypass this error with --force, or say where it is with LAPIS_HTTPD"
  end
  local moon = flags[1] == "--moonscript" or flags[1] == "--moon"
  self:make_template_writer():write(moon and "config.moon" or "config.lua", ((moon and config_moon or config_lua):format(random_word())))
  self:execute { "generate", "httpd.config" }
end

-- server(self, args): serves the current folder until it is told to stop
function actions.server(self, args)
  local runner = require "lapis.cmd.httpd".runner
  if not place.httpd() then self:fail_with_message "Unable to find httpd. LAPIS_HTTPD can say where it is" end
  local environment = require "lapis.config".get(args.environment)
  runner:write_config_for(environment)
  if not runner:test_config() then self:fail_with_message "httpd does not take its configuration (see its output above)" end
  local logger = require "lapis.logging"
  logger.start_server(environment.port, environment._name)
  io.stdout:flush()
  runner:start()
end

-- config(self, args): prints the virtual host for production
function actions.config(_, args)
  print(conf.virtual_host(require "lapis.config".get(args.environment), place.folder()))
end

return actions
