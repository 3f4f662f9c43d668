-- SPDX-License-Identifier: Apache-2.0
-- The first Lua in a new state. Called with mod_coral's own folder, what the configuration adds to package.path and package.cpath,
-- whether what Lua 5.1 had is to be there (compat.lua), what CoralEnvironment says and whether LuaSocket's core is to be ours
-- (luasocket/); returns what the module calls: main (each run of a script, loader.lua) and once (scripts without a request).
local library, path, cpath, compat, environment, luasocket = ...

-- The default without the current directory (which for a server is nobody's), then what is said; ";;" stands for the default.
local function search_path(default, more)
  local kept = {}
  for pattern in default:gmatch "[^;]+" do
    if pattern:sub(1, 2) ~= "./" then kept[#kept + 1] = pattern end
  end
  kept = table.concat(kept, ";")
  if more == "" then return kept end
  local before, after = more:match "^(.-);;(.*)$"
  if not before then return kept .. ";" .. more end
  return ((before .. ";" .. kept .. ";" .. after):gsub("^;", ""):gsub(";$", ""))
end

-- Ours come first, also before what stands before ";;": OpenResty's own files are often there, which need LuaJIT. Below spare/ are
-- libraries for those who have not installed them: they come last.
local first, last = library .. "/?.lua;" .. library .. "/?/init.lua", library .. "/spare/?.lua"
if luasocket then first, last = first .. ";" .. library .. "/luasocket/?.lua", last .. ";" .. library .. "/luasocket/spare/?.lua" end
package.path = first .. ";" .. search_path(package.path, path) .. ";" .. last
package.cpath = search_path(package.cpath, cpath)

local function run(name)
  return assert(loadfile(library .. "/coral/" .. name .. ".lua", "t"))(library)
end

-- Each is moved: Lua's messages call a function by the first name it finds among all modules.
local basics = require "coral.basics"
_G.type, basics.type = basics.type, nil
table.concat, basics.concat = basics.concat, nil
string.gsub, basics.gsub = basics.gsub, nil

package.loaded["coral.environment"] = environment or false
run "coroutine"
run "text_only"
local loader = run "loader"
run "r"
_G.ngx = run "ngx"
package.loaded.ngx = _G.ngx
run "openresty"
if compat then run "compat" end

return loader.main, loader.once
