-- SPDX-License-Identifier: Apache-2.0
-- The first Lua in a new state. Called with mod_coral's own folder and what the configuration adds to package.path and
-- package.cpath; returns what the module calls: main (each run of a script, loader.lua) and once (scripts without a request).
local library, path, cpath = ...

-- The default without the current directory (which for a server is nobody's), then what is said; ";;" stands for the default.
local function search_path(default, own, more)
  local kept = own
  for pattern in default:gmatch "[^;]+" do
    if pattern:sub(1, 2) ~= "./" then kept = kept .. ";" .. pattern end
  end
  if more == "" then return kept end
  local before, after = more:match "^(.-);;(.*)$"
  if not before then return kept .. ";" .. more end
  return ((before .. ";" .. kept .. ";" .. after):gsub("^;", ""):gsub(";$", ""))
end

package.path = search_path(package.path, library .. "/?.lua;" .. library .. "/?/init.lua", path)
package.cpath = search_path(package.cpath, "", cpath):gsub("^;", "")

local function run(name)
  return assert(loadfile(library .. "/coral/" .. name .. ".lua", "t"))(library)
end

run "coroutine"
run "text_only"
local loader = run "loader"
run "r"
_G.ngx = run "ngx"
package.loaded.ngx = _G.ngx

return loader.main, loader.once
