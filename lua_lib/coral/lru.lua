-- SPDX-License-Identifier: Apache-2.0
-- resty.lrucache, with the API of lua-resty-lrucache. The nodes are a ring around `ring`, the one used last at ring.next;
-- node.key, value, expire (a time, false for never), flags.
local now, floor = ngx.now, math.floor

local lru = { _VERSION = "0.15" }
local mt = { __index = lru }

local function take_out(node)
  node.prev.next, node.next.prev = node.next, node.prev
end

local function put_first(ring, node)
  node.prev, node.next = ring, ring.next
  ring.next.prev, ring.next = node, node
end

local function empty(self)
  local ring = {}
  ring.prev, ring.next = ring, ring
  self.ring, self.nodes, self.num_items = ring, {}, 0
end

-- new(size): room for so many keys; nil and why
function lru.new(size)
  if size < 1 then return nil, "size too small" end
  local self = setmetatable({ max_items = size }, mt)
  empty(self)
  return self
end

-- count(), capacity(): how many keys there are, expired ones too, and how many there may be
function lru:count()
  return self.num_items
end

function lru:capacity()
  return self.max_items
end

-- get(key): the value, nil, flags; of one that has expired nil, the old value, flags
function lru:get(key)
  local node = self.nodes[key]
  if not node or node.value == nil then return nil end
  take_out(node)
  put_first(self.ring, node)
  if node.expire and node.expire < now() then return nil, node.value, node.flags end
  return node.value, nil, node.flags
end

-- delete(key): whether it was there
function lru:delete(key)
  local node = self.nodes[key]
  if not node then return false end
  take_out(node)
  self.nodes[key] = nil
  self.num_items = self.num_items - 1
  return true
end

-- set(key, value, ttl, flags): for so many seconds, for ever without; flags: a number of 32 bits, 0 without
function lru:set(key, value, ttl, flags)
  local node = self.nodes[key]
  if node then
    take_out(node)
  else
    if self.num_items >= self.max_items then self:delete(self.ring.prev.key) end
    node = { key = key }
    self.nodes[key] = node
    self.num_items = self.num_items + 1
  end
  put_first(self.ring, node)
  node.value, node.expire = value, ttl and now() + ttl or false
  node.flags = type(flags) == "number" and flags >= 0 and floor(flags) & 0xffffffff or 0
end

-- get_keys(max, list): the keys, the one used last first
function lru:get_keys(max, list)
  if not max or max == 0 then max = self.num_items end
  local keys, count, node = list or {}, 0, self.ring.next
  while node ~= self.ring and count < max do
    count = count + 1
    keys[count] = node.key
    node = node.next
  end
  keys[count + 1] = nil
  return keys
end

function lru:flush_all()
  empty(self)
end

return lru
