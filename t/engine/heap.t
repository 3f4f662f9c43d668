# SPDX-License-Identifier: Apache-2.0
# The memory of a Lua state: blocks of every size, small ones that grow, large ones that shrink, and what is counted.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== strings of every length around the sizes of blocks
--- lua
local kept, bad = {}, 0
for length = 0, 1100 do kept[length] = string.rep(string.char(length % 251), length) end
for length = 0, 1100, 3 do kept[length] = nil end
collectgarbage()
for length = 1, 2200 do kept[-length] = string.rep("x", length % 600) .. length end
for length = 0, 1100 do
  if kept[length] and kept[length] ~= string.rep(string.char(length % 251), length) then bad = bad + 1 end
end
for length = 1, 2200 do
  if kept[-length] ~= string.rep("x", length % 600) .. length then bad = bad + 1 end
end
ngx.say(bad)
--- body
0

=== tables that grow from small to large and back
--- lua
local tables = {}
for i = 1, 200 do tables[i] = { i } end
for n = 2, 100 do
  for i = 1, 200 do tables[i][n] = i * n end
end
local sum = 0
for i = 1, 200 do
  for n = 2, 100 do sum = sum + (tables[i][n] == i * n and 1 or 0) end
  for n = 3, 100 do tables[i][n] = nil end
  tables[i].name = "t" .. i -- makes it anew, smaller
end
collectgarbage()
for i = 1, 200 do sum = sum + (tables[i][2] == i * 2 and tables[i].name == "t" .. i and 1 or 0) end
ngx.say(sum)
--- body
20000

=== buffers that outgrow a small block, in many coroutines
--- lua
local threads, texts = {}, {}
for i = 1, 50 do
  threads[i] = coroutine.create(function(...)
    local text = ""
    for k = 1, 60 do
      text = text .. string.format("%d:%s;", k, ("y"):rep(i))
      coroutine.yield()
    end
    return text
  end)
end
for _ = 1, 61 do
  for i = 1, 50 do
    local _, text = coroutine.resume(threads[i])
    texts[i] = text or texts[i]
  end
end
local good = 0
for i = 1, 50 do
  local want = {}
  for k = 1, 60 do want[k] = k .. ":" .. ("y"):rep(i) .. ";" end
  if texts[i] == table.concat(want) then good = good + 1 end
end
ngx.say(good)
--- body
50

=== what is given back is counted
--- lua
local function used() collectgarbage() collectgarbage() return collectgarbage("count") * 1024 end
local function fill() local t = {} for i = 1, 20000 do t[i] = { i, tostring(i) .. ("z"):rep(i % 700) } end return #t end
fill()
local before = used()
for _ = 1, 3 do fill() end
ngx.say(math.abs(used() - before) < 64 * 1024)
--- body
true
