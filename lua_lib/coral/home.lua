-- SPDX-License-Identifier: Apache-2.0
-- For applications that take the current directory for theirs, as their launchers elsewhere make it: names of files that do not begin
-- with a slash are those of the app's folder. A process has one current directory for all its threads, so it is done by name. Only
-- in states that belong to one app. go(folder) turns it on.
local home

local function at_home(path)
  if type(path) ~= "string" or path:sub(1, 1) == "/" then return path end
  return home .. "/" .. path
end

local function first(f)
  return function(path, ...) return f(at_home(path), ...) end
end

local function both(f)
  return function(from, to, ...) return f(at_home(from), at_home(to), ...) end
end

local function wrap(t, how, ...)
  for _, name in ipairs { ... } do
    if t[name] then t[name] = how(t[name]) end
  end
end

local function wrap_all()
  wrap(_G, first, "dofile", "loadfile")
  wrap(io, first, "open", "lines")
  wrap(os, first, "remove")
  wrap(os, both, "rename")
  if not package.searchpath("lfs", package.cpath) then return end
  wrap(require "lfs", first, "attributes", "symlinkattributes", "dir", "mkdir", "rmdir", "touch")
end

local function go(folder)
  if not home then wrap_all() end
  home = folder
end

return { go = go }
