-- SPDX-License-Identifier: Apache-2.0
-- LuaSocket's select and sleep.
local base = require "coral.luasocket.base"
local first = require "coral.select".select
local plugs = require "coral.plug"
local ipairs, type, tonumber = ipairs, type, tonumber

local select = {}

-- What stands for a socket: its plug if it is one of ours and open, else its descriptor; nil: there is none.
local function handle(socket)
  local getfd = socket.getfd
  local fd = getfd and tonumber(getfd(socket)) or -1
  if fd < 0 then return nil end
  local plug = type(socket) == "table" and rawget(socket, "plug")
  return plug and plugs.fd(plug) == fd and plug or math.tointeger(fd)
end

local function check_list(list, n)
  if list ~= nil and type(list) ~= "table" then base.wrong(n, "select", "table", list, 3) end
  return list or {}
end

-- Those in which something is read already.
local function dirty_ones(list)
  local found = {}
  for _, socket in ipairs(list) do
    if handle(socket) and socket.dirty and socket:dirty() then found[#found + 1] = socket end
  end
  return found
end

-- The sockets can be looked up by themselves, too.
local function with_places(list)
  for i = 1, #list do list[list[i]] = i end
  return list
end

-- select(to read, to write, seconds): the lists of those that can be read and written, each also a map to the place in it; and "timeout" if
-- there is none
function select.select(readers, writers, seconds)
  readers, writers = check_list(readers, 1), check_list(writers, 2)
  if seconds ~= nil and not tonumber(seconds) then base.wrong(3, "select", "number", seconds, 2) end
  local can_read, can_write = dirty_ones(readers), {}
  local sockets, handles, directions, dirty = {}, {}, {}, with_places { table.unpack(can_read) }
  local function add(list, direction)
    for _, socket in ipairs(list) do
      local its = not (direction == base.READ and dirty[socket]) and handle(socket)
      if its then
        sockets[#sockets + 1], handles[#handles + 1], directions[#directions + 1] = socket, its, direction
      end
    end
  end
  add(readers, base.READ)
  add(writers, base.WRITE)
  seconds = #can_read > 0 and 0 or tonumber(seconds) or -1
  local ready, err = first(handles, directions, seconds >= 0 and base.now() + seconds or nil)
  if not ready then error("select failed: " .. err, 2) end
  for _, i in ipairs(ready) do
    local list = directions[i] == base.READ and can_read or can_write
    list[#list + 1] = sockets[i]
  end
  local none = #can_read + #can_write == 0
  with_places(can_read)
  with_places(can_write)
  if none then return can_read, can_write, "timeout" end
  return can_read, can_write
end

-- sleep(seconds)
function select.sleep(seconds)
  if not tonumber(seconds) then base.wrong(1, "sleep", "number", seconds, 2) end
  first({}, {}, base.now() + math.max(tonumber(seconds), 0))
end

return select
