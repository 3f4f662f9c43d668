-- SPDX-License-Identifier: Apache-2.0
-- lapis generate httpd.config: httpd.conf for an application, with ${{name}} for what config.lua says.
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

# Static files are httpd's to serve.
Alias "/static/" "${{folder}}/static/"
Alias "/favicon.ico" "${{folder}}/static/favicon.ico"
<Directory "${{folder}}/static">
    Require all granted
    Options None
    AllowOverride None
    <IfModule headers_module>
        Header set Cache-Control "${{cache_control}}"
    </IfModule>
</Directory>
]]

local config = { template = template }

function config.argparser()
  return require "argparse"("lapis generate httpd.config", "Generate httpd.conf, a template for lapis server")
end

function config.write(self)
  self:write("httpd.conf", template)
end

return config
