-- SPDX-License-Identifier: Apache-2.0
-- Names that OpenResty and its LuaJIT have built in, so that require finds them: table.new … and the parts of resty.core, which
-- need not do anything here: ngx is complete without them.
local preload = package.preload

for _, name in ipairs { "new", "clear", "isempty", "isarray", "nkeys", "clone" } do
  preload["table." .. name] = function() return require "coral.tables"[name] end
end

for _, name in ipairs { "base64", "coroutine", "ctx", "exit", "hash", "misc", "ndk", "param", "phase", "regex", "request",
  "response", "shdict", "socket", "time", "uri", "var", "worker" } do
  preload["resty.core." .. name] = function() return { version = require "resty.core.base".version } end
end
