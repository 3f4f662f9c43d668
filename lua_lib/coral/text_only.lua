-- SPDX-License-Identifier: Apache-2.0
-- Precompiled chunks can crash the process: load, loadfile and dofile take text alone.
local load0, loadfile0 = load, loadfile

function _G.load(chunk, name, _, ...)
  return load0(chunk, name, "t", ...)
end

function _G.loadfile(path, _, ...)
  return loadfile0(path, "t", ...)
end

function _G.dofile(path)
  local chunk, err = loadfile0(path, "t")
  if not chunk then error(err, 0) end
  return chunk()
end
