-- SPDX-License-Identifier: Apache-2.0
-- tablepool: tables that are used again, by tag.
local clear = require "table.clear"
local new = require "table.new"

local tablepool = { _VERSION = "0.03" }
local MOST = 200 -- of a tag
local pools = {}

-- fetch(tag, narr, nrec): an empty table, of those that were released if there is one
function tablepool.fetch(tag, narr, nrec)
  local pool = pools[tag]
  return pool and table.remove(pool) or new(narr or 4, nrec or 4)
end

-- release(tag, table, uncleared): it is not used any more; it is emptied and loses its metatable, unless uncleared is true
function tablepool.release(tag, object, uncleared)
  if not object then error("object empty", 2) end
  if not uncleared then
    setmetatable(object, nil)
    clear(object)
  end
  local pool = pools[tag]
  if not pool then
    pool = {}
    pools[tag] = pool
  end
  if #pool < MOST then pool[#pool + 1] = object end
end

return tablepool
