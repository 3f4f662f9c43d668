-- SPDX-License-Identifier: Apache-2.0
-- lapis generate httpd.config: httpd.conf for an application, with ${{name}} for what config.lua says.
local static = require "lapis.cmd.httpd.static"

local template = [[
# For `lapis server`, which puts what httpd needs on this machine before it and the settings of config into it, as
# httpd.conf.compiled. In production use `lapis httpd config`.
Listen ${{listen}}
ServerName localhost
CoralEnvironment ${{_name}}
CoralReload ${{reload}}
CoralSharedDict page_cache 10m
AllowEncodedSlashes NoDecode

CoralApp "/" "${{folder}}" lapis

]] .. static

local config = { template = template }

function config.argparser()
  return require "argparse"("lapis generate httpd.config", "Generate httpd.conf, a template for lapis server")
end

function config.write(self)
  self:write("httpd.conf", template)
end

return config
