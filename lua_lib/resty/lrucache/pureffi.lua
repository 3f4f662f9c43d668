-- SPDX-License-Identifier: Apache-2.0
-- resty.lrucache.pureffi: the same cache, with keys that are texts. The original finds a key by the address of its text, which in
-- Lua 5.4 is not the same for equal texts.
local lru = require "coral.lru"

local pureffi = setmetatable({ _VERSION = lru._VERSION }, { __index = lru })
local mt = { __index = pureffi }

-- new(size, load_factor): the second does not matter
function pureffi.new(size)
  local self, err = lru.new(size)
  return self and setmetatable(self, mt), err
end

for _, name in ipairs { "get", "set", "delete" } do
  pureffi[name] = function(self, key, ...)
    return lru[name](self, tostring(key), ...)
  end
end

return pureffi
