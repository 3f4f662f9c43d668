-- SPDX-License-Identifier: Apache-2.0
-- Configurations of httpd, made from those of the application.
local place = require "lapis.cmd.httpd.place"
local path = require "lapis.cmd.path"

local conf = {}

local modules = { "mpm_event", "unixd", "log_config", "mime", "dir", "alias", "env", "setenvif", "headers", "filter", "deflate", "rewrite",
  "authz_core", "authz_host" }

-- Without code_cache each request sees what has changed; with it nobody looks.
local function reload(environment)
  local cache = environment.code_cache
  return (cache == false or cache == "off") and "stat 0" or "off"
end

local function workers(environment)
  return math.max(1, math.tointeger(tonumber(environment.num_workers)) or 2)
end

-- What a template finds beside the configuration: listen, folder, reload, cache_control.
local function values(environment, folder)
  local host = environment.bind_host or "127.0.0.1"
  return setmetatable({
    listen = host .. ":" .. assert(environment.port, "the configuration names no port"), folder = folder, reload = reload(environment),
    cache_control = reload(environment) == "off" and "public, max-age=3600" or "no-cache",
  }, { __index = environment })
end

-- The folders of package.path that are there, as CoralPackagePath: so the server finds what this command finds. Not mod_coral's, Lua's usual
-- ones or the application's own, which it has anyway.
local function package_paths(name, list, base)
  local lines, library, here = {}, place.library(), place.folder()
  for pattern in list:gmatch "[^;]+" do
    pattern = pattern:gsub("^%./", here .. "/")
    local folder = pattern:match "^(/.-)/[^/]*%?"
    if folder and place.exists(folder) and folder ~= base and not folder:find "^/usr/[local/]*[sharelib]+/"
      and folder:sub(1, #library) ~= library then
      lines[#lines + 1] = ('%s "%s"'):format(name, pattern)
    end
  end
  return lines
end

-- package_lines(base): the lines for Lapis and its libraries, where this command has found them; the application is in `base`
function conf.package_lines(base)
  local lines = package_paths("CoralPackagePath", package.path, base)
  table.move(package_paths("CoralPackageCPath", package.cpath, base), 1, 999, #lines + 1, lines)
  return table.concat(lines, "\n")
end

-- What httpd needs on this machine, in the folder base.
local function head(environment, base)
  local httpd = place.httpd() or error("there is no httpd: install it (Debian: apache2-bin), or say LAPIS_HTTPD", 0)
  local folder, library = place.modules(httpd), place.library()
  local module = place.module(folder) or error("there is no mod_coral.so: make install, or say LAPIS_MOD_CORAL", 0)
  local user, group = place.server_user()
  local lines = {
    ('ServerRoot "%s"'):format(base), ('DefaultRuntimeDir "%s/logs"'):format(base), ('PidFile "%s/logs/httpd.pid"'):format(base),
    ('ErrorLog "%s"'):format(place.stderr() and not environment.error_log and "/dev/stderr"
      or environment.error_log or base .. "/logs/error.log"),
    'LogLevel warn coral:notice', 'ErrorLogFormat "[%t] [%-m:%l] %M"',
  }
  for _, name in ipairs(modules) do
    local file = ("%s/mod_%s.so"):format(folder, name)
    if place.exists(file) then lines[#lines + 1] = ('LoadModule %s_module "%s"'):format(name, file) end
  end
  local count = workers(environment)
  table.move({
    ('LoadModule coral_module "%s"'):format(module), ('CoralLibraryPath "%s"'):format(library), conf.package_lines(base),
    ("StartServers %d\nServerLimit %d\nThreadsPerChild 16\nMinSpareThreads 1\nMaxSpareThreads %d\nMaxRequestWorkers %d"):format(count, count,
      count * 16, count * 16),
    "AsyncRequestWorkerFactor 64",
    ('<IfFile "/etc/mime.types">\n    TypesConfig /etc/mime.types\n</IfFile>'),
    user and ("User %s\nGroup %s"):format(user, group) or "",
    '<Directory "/">\n    Require all denied\n    AllowOverride None\n</Directory>',
  }, 1, 8, #lines + 1, lines)
  return table.concat(lines, "\n") .. "\n"
end

local function compile(template, environment, folder)
  local compiler = require "lapis.cmd.nginx.config".ConfigCompiler()
  return compiler:compile_config(template, values(environment, folder), { header = false })
end

-- compile(environment, base, more): the whole configuration of `lapis server` in the folder base: what this machine needs, then
-- base/httpd.conf, or the template where there is none, then `more`
function conf.compile(environment, base, more)
  local own = base .. "/httpd.conf"
  local template = path.exists(own) and path.read_file(own) or require "lapis.cmd.templates.httpd.config".template
  return head(environment, base) .. "\n" .. compile(template, environment, base) .. (more or "")
end

local production = [[
# The virtual host of this application, for httpd with mod_coral: put it into /etc/apache2/sites-available, a2ensite.
<VirtualHost *:80>
    ServerName CHANGE.example
    CoralEnvironment ${{_name}}
    CoralReload ${{reload}}
    AllowEncodedSlashes NoDecode
    %s

    CoralApp "/" "${{folder}}" lapis

    %s
</VirtualHost>
# For lapis.cache; of the server, so outside of the virtual host, and once for all applications.
<IfDefine !LAPIS_PAGE_CACHE>
    Define LAPIS_PAGE_CACHE
    CoralSharedDict page_cache 10m
</IfDefine>
]]

local function indented(text)
  return (text:gsub("\n$", ""):gsub("\n", "\n    "))
end

-- virtual_host(environment, folder): what a production server includes
function conf.virtual_host(environment, folder)
  local lines, static = indented(conf.package_lines(folder)), indented(require "lapis.cmd.httpd.static")
  local text = production:format(lines, static):gsub("\n +\n", "\n") -- where there are no lines
  return compile(text, environment, folder)
end

return conf
