-- SPDX-License-Identifier: Apache-2.0
-- Where httpd, its modules, mod_coral and mod_coral's Lua files are on this machine. LAPIS_HTTPD and LAPIS_MOD_CORAL say otherwise.
local place = {}

local function exists(path)
  local file <close> = io.open(path)
  return file ~= nil
end

local function first(paths)
  for _, path in ipairs(paths) do
    if exists(path) then return path end
  end
end

local function output(command)
  local pipe <close> = io.popen(command .. " 2>/dev/null")
  return (pipe:read "a"):gsub("%s+$", "")
end

-- httpd(): the program; nil if there is none
function place.httpd()
  local given = os.getenv "LAPIS_HTTPD"
  if given then return given end
  local found = {}
  for _, name in ipairs { "apache2", "httpd" } do
    for folder in ((os.getenv "PATH" or "") .. ":/usr/sbin:/usr/local/apache2/bin"):gmatch "[^:]+" do
      found[#found + 1] = folder .. "/" .. name
    end
  end
  return first(found)
end

-- modules(httpd): the folder of its modules
function place.modules(httpd)
  local root = output("'" .. httpd .. "' -V"):match 'HTTPD_ROOT="([^"]*)"' or ""
  for _, folder in ipairs { "/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", root .. "/modules", "/usr/local/apache2/modules" } do
    if exists(folder .. "/mod_authz_core.so") then return folder end
  end
  local said = output "apxs -q LIBEXECDIR"
  return said ~= "" and said or root .. "/modules"
end

-- library(): mod_coral's own Lua files: this file is one of them
function place.library()
  local here = debug.getinfo(1, "S").source:match "^@(.*)/lapis/cmd/httpd/place%.lua$" or "."
  if here:sub(1, 1) ~= "/" then here = output "pwd" .. "/" .. here end
  return here
end

-- module(modules): mod_coral.so; nil if there is none
function place.module(modules)
  local given = os.getenv "LAPIS_MOD_CORAL"
  return given or first { place.library():gsub("/[^/]*$", "/build/mod_coral.so"), modules .. "/mod_coral.so" }
end

-- server_user(): as whom httpd's children run if root starts it; nil for everybody else
function place.server_user()
  if output "id -u" ~= "0" then return nil end
  for _, name in ipairs { "www-data", "apache", "httpd", "nobody" } do
    if output("getent passwd " .. name) ~= "" then return name, output("id -gn " .. name) end
  end
end

-- folder(): the current one
function place.folder()
  return output "pwd"
end

-- stderr(): whether httpd can open what stands behind it by its name
function place.stderr()
  local file <close> = io.open("/dev/stderr", "a")
  return file ~= nil
end

place.exists = exists
return place
