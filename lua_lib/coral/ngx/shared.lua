-- SPDX-License-Identifier: Apache-2.0
-- ngx.shared: the dictionaries of CoralSharedDict by name, tables as in OpenResty: what they are at 1, their methods behind them.
-- On coral.shared.
local shared = require "coral.shared"

local dict_mt = { __index = shared.methods }
local dicts = {}
for name, handle in pairs(shared.handles()) do dicts[name] = setmetatable({ handle }, dict_mt) end
return dicts
