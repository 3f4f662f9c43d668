-- SPDX-License-Identifier: Apache-2.0
-- Precompiled chunks can crash the process: load, loadfile and dofile take text alone. Except for what string.dump has just made in
-- this state, byte for byte: that is how a function is cloned (Lapis does so).
local load0, loadfile0, dump0 = load, loadfile, string.dump
local KEPT = 8

local dumps, known, last = {}, {}, 0 -- the newest dumps, in a ring; the same as a set

function string.dump(...)
  local text = dump0(...)
  if not known[text] then
    last = last % KEPT + 1
    if dumps[last] then known[dumps[last]] = nil end
    dumps[last], known[text] = text, true
  end
  return text
end

function _G.load(chunk, name, mode, ...)
  local binary = known[chunk] and (mode == nil or type(mode) == "string" and mode:find("b", 1, true))
  return load0(chunk, name, binary and "b" or "t", ...)
end

function _G.loadfile(path, _, ...)
  return loadfile0(path, "t", ...)
end

function _G.dofile(path)
  local chunk, err = loadfile0(path, "t")
  if not chunk then error(err, 0) end
  return chunk()
end
