-- SPDX-License-Identifier: Apache-2.0
-- send and receive of LuaSocket's connections, plain and TLS.
local base = require "coral.luasocket.base"
local plugs = require "coral.plug"
local concat, tonumber, type = table.concat, tonumber, type
local read, write = plugs.read, plugs.write

local stream = {}

-- What a wait that is over because of its time is called: by LuaSec otherwise.
local function reason(self, err, direction)
  if err ~= "timeout" or not self.tls then return err end
  return direction == base.WRITE and "wantwrite" or "wantread"
end

local function place(i, size, default)
  i = i == nil and default or tonumber(i) or base.wrong(default == 1 and 2 or 3, "send", "number", i, 3)
  i = math.floor(i)
  return i < 0 and size + i + 1 or i
end

-- send(data, i, j): its bytes from i to j; the place of the last one sent, or nil, why and that place
function stream:send(data, i, j)
  data = base.text(data, 1, "send")
  local size = #data
  local at, last = math.max(place(i, size, 1), 1), math.min(place(j, size, -1), size)
  if not self.plug then return nil, "closed", at - 1 end
  local start
  while at <= last do
    local sent, err = write(self.plug, data, at, last)
    if sent then
      at = at + sent
    elseif sent == nil then
      return nil, err, at - 1
    else
      local direction = err
      start, err = base.wait(self, direction, start)
      if not start then return nil, reason(self, err, direction), at - 1 end
    end
  end
  return at - 1
end

-- Reads into parts: so many bytes, or a line (nil), or all (false). Returns nothing, or what went wrong.
local function gather(self, parts, want)
  local plug, start, direction = self.plug, nil, nil
  while true do
    local data, err
    if want == false then data, err = read(plug, 65536) else data, err = read(plug, want) end
    if data then
      parts[#parts + 1] = data
      if want then
        want = want - #data
        if want <= 0 then return end
      elseif want == nil and err then -- the line is whole
        return
      end
    elseif data == nil then
      return err
    else
      direction = err
      start, err = base.wait(self, direction, start)
      if not start then return reason(self, err, direction) end
    end
  end
end

-- What a pattern wants, for gather(); the second result: it is there already
local function check_pattern(pattern, prefix)
  local size = tonumber(pattern)
  if size then
    if size < 0 then error("bad argument #1 to 'receive' (invalid receive pattern)", 3) end
    size = math.floor(size)
    return size - #prefix, #prefix > 0 and size <= #prefix
  end
  if pattern == nil or pattern == "*l" or pattern == "l" then return nil end
  if pattern == "*a" or pattern == "a" then return false end
  if type(pattern) ~= "string" then base.wrong(1, "receive", "string", pattern, 3) end
  error("bad argument #1 to 'receive' (invalid receive pattern)", 3)
end

-- receive(pattern, prefix): a number of bytes, "*l": a line (the default), "*a": up to the end; prefix: what is there of it already.
-- nil, why and what has come so far where it is not all
function stream:receive(pattern, prefix)
  prefix = prefix == nil and "" or base.text(prefix, 2, "receive")
  local want, there = check_pattern(pattern, prefix)
  if not self.plug then return nil, "closed", prefix end
  if there then return prefix end
  if want == nil and prefix == "" then -- mostly a line is there at once
    local line, whole = read(self.plug)
    if line and whole then return line end
    if line then prefix = line end
  end
  local parts = { prefix }
  local err = gather(self, parts, want)
  local data = concat(parts)
  if err == "closed" and want == false and #data > #prefix then err = nil end
  if err then return nil, err, data end
  return data
end

return stream
