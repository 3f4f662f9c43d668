-- SPDX-License-Identifier: Apache-2.0
-- require "ltn12" where LuaSocket is not installed: sources, sinks, filters and pumps. A source gives a piece after the other, then nil; or
-- nil and why. A sink takes them, then nil; it gives 1, or nil and why. A filter makes one piece of another: "" for "more, please".
local concat, insert, unpack = table.concat, table.insert, table.unpack
local error, ipairs, select, type = error, ipairs, select, type

local ltn12 = { BLOCKSIZE = 2048, _VERSION = "LTN12 1.0.3", filter = {}, source = {}, sink = {}, pump = {} }
local filter, source, sink, pump = ltn12.filter, ltn12.source, ltn12.sink, ltn12.pump

-- filter.cycle(low, context, extra): of a function that takes and gives back a context, as those of mime.core
function filter.cycle(low, context, extra)
  return function(chunk)
    local out
    out, context = low(context, chunk, extra)
    return out
  end
end

-- Sends a piece through two filters; at the end each is asked until it has nothing more.
local function both(first, second)
  local ending -- the first is being asked
  return function(chunk)
    if chunk ~= nil then return second(first(chunk)) end
    if ending == nil then ending = true end
    while ending do
      local out = first(nil)
      if out == nil then
        ending = false
        break
      end
      out = second(out)
      if out ~= "" then return out end
    end
    local out = second(nil)
    if out == nil then ending = nil end
    return out
  end
end

-- filter.chain(…): one after the other
function filter.chain(...)
  local all = (...)
  for i = 2, select("#", ...) do all = both(all, (select(i, ...))) end
  return all
end

local function nothing() return nil end

-- source.empty(), source.error(why), source.string(s), source.table(list), source.file(handle, why not)
function source.empty() return nothing end

function source.error(err)
  return function() return nil, err end
end

function source.string(s)
  if not s then return nothing end
  local at = 1
  return function()
    local chunk = s:sub(at, at + ltn12.BLOCKSIZE - 1)
    at = at + ltn12.BLOCKSIZE
    return chunk ~= "" and chunk or nil
  end
end

function source.table(list)
  local i = 0
  return function()
    i = i + 1
    return list[i]
  end
end

function source.file(handle, err)
  if not handle then return source.error(err or "unable to open file") end
  return function()
    local chunk = handle:read(ltn12.BLOCKSIZE)
    if not chunk then handle:close() end
    return chunk
  end
end

-- source.simplify(s): of one that gives another source with each piece
function source.simplify(its)
  return function()
    local chunk, other = its()
    its = other or its
    if not chunk then return nil, other end
    return chunk
  end
end

-- source.rewind(s): what it is called with it gives again
function source.rewind(its)
  local back = {}
  return function(chunk)
    if chunk then return insert(back, chunk) end
    if #back > 0 then return table.remove(back) end
    return its()
  end
end

-- source.cat(…): one after the other
function source.cat(...)
  local all, i = { ... }, 1
  return function()
    while all[i] do
      local chunk, err = all[i]()
      if chunk or err then return chunk, err end
      i = i + 1
    end
  end
end

-- source.chain(s, filter, …): what a filter makes of a source
function source.chain(its, first, ...)
  local through = select("#", ...) > 0 and filter.chain(first, ...) or first
  local ended, over
  return function()
    if over then return nil end
    while true do
      local chunk, err
      if not ended then chunk, err = its() end
      if err then return nil, err end
      if chunk == nil then ended = true end
      local out = through(chunk)
      if out == nil then
        over = true
        if not ended then error "filter returned inappropriate nil" end
        return nil
      end
      if out ~= "" then return out end
    end
  end
end

-- sink.table(list): it, and the list. sink.null(), sink.error(why), sink.file(handle, why not)
function sink.table(list)
  list = list or {}
  return function(chunk)
    if chunk then list[#list + 1] = chunk end
    return 1
  end, list
end

function sink.null()
  return function() return 1 end
end

function sink.error(err)
  return function() return nil, err end
end

function sink.file(handle, err)
  if not handle then return sink.error(err or "unable to open file") end
  return function(chunk)
    if chunk then return handle:write(chunk) end
    handle:close()
    return 1
  end
end

-- sink.simplify(s): of one that gives another sink with each piece
function sink.simplify(its)
  return function(chunk, err)
    local ok, other = its(chunk, err)
    if not ok then return nil, other end
    its = other or its
    return 1
  end
end

-- sink.chain(filter, …, s): a sink for what goes through the filters into s
function sink.chain(...)
  local all = { ... }
  local into = table.remove(all)
  local through = #all > 1 and filter.chain(unpack(all)) or all[1]
  return function(chunk, err)
    if chunk == "" then return 1 end
    local out = through(chunk)
    while true do
      local ok, why
      if chunk ~= nil or out ~= nil then ok, why = into(out) else return into(nil, err) end
      if not ok then return nil, why end
      if chunk ~= nil then return 1 end
      out = through(nil)
    end
  end
end

-- pump.step(source, sink): one piece: 1, or nil and why
function pump.step(from, into)
  local chunk, err = from()
  local ok, why = into(chunk, err)
  if chunk and ok then return 1 end
  return nil, err or why
end

-- pump.all(source, sink, step): to the end: 1, or nil and why
function pump.all(from, into, step)
  step = step or pump.step
  while true do
    local ok, err = step(from, into)
    if not ok then
      if err then return nil, err end
      return 1
    end
  end
end

return ltn12
