# SPDX-License-Identifier: Apache-2.0
# resty.lrucache and resty.lrucache.pureffi: the answers are those of lua-resty-lrucache under OpenResty.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== the whole API
--- lua
for _, name in ipairs { "resty.lrucache", "resty.lrucache.pureffi" } do
  local lru = require(name)
  local c = lru.new(3)
  local function show(k)
    local v, s, f = c:get(k)
    ngx.print(k, "=", type(v) == "table" and "t" or tostring(v), ",", tostring(s), ",", tostring(f), " ")
  end
  ngx.say(c:count(), " ", c:capacity(), " ", lru.new(0))
  c:set("a", 1) c:set("b", 2, nil, 5) c:set("c", { 3 })
  show "a" show "b" show "c" show "x" ngx.say()
  c:get("a") c:set("d", 4)
  show "a" show "b" show "c" show "d" ngx.say()
  ngx.say(table.concat(c:get_keys(), ","), " ", table.concat(c:get_keys(2), ","), " ", table.concat(c:get_keys(2, { 1, 2, 3, 4 }), ",", 1, 2), " ", c:get_keys(2, { 1, 2, 3, 4 })[3])
  c:set("t", 1, 0.01) show "t" ngx.sleep(0.05) show "t" ngx.say(c:count())
  c:set("f", 1, nil, 2^32 - 1) show "f" c:set("f", 1, nil, -1) show "f" c:set("f", 2, nil, "x") show "f" c:set("f", 2, nil, 1.9) show "f" ngx.say()
  ngx.say(c:delete "f", " ", c:delete "f", " ", c:count())
  c:flush_all() ngx.say(c:count(), " ", #c:get_keys())
  c:set("z", false) show "z" c:set(1, "int") c:set("1", "str") show(1) show "1" ngx.say()
  for i = 1, 100 do c:set("k" .. i, i) end
  ngx.say(table.concat(c:get_keys(), ","), " ", c:count())
end
--- body
0 3 nilsize too small
a=1,nil,0 b=2,nil,5 c=t,nil,0 x=nil,nil,nil 
a=1,nil,0 b=nil,nil,nil c=t,nil,0 d=4,nil,0 
d,c,a d,c d,c nil
t=1,nil,0 t=nil,1,0 3
f=1,nil,4294967295 f=1,nil,0 f=2,nil,0 f=2,nil,1 
true false 2
0 0
z=false,nil,0 1=int,nil,0 1=str,nil,0 
k100,k99,k98 3
0 3 nilsize too small
a=1,nil,0 b=2,nil,5 c=t,nil,0 x=nil,nil,nil 
a=1,nil,0 b=nil,nil,nil c=t,nil,0 d=4,nil,0 
d,c,a d,c d,c nil
t=1,nil,0 t=nil,1,0 3
f=1,nil,4294967295 f=1,nil,0 f=2,nil,0 f=2,nil,1 
true false 2
0 0
z=false,nil,0 1=str,nil,0 1=str,nil,0 
k100,k99,k98 3

=== long keys that are equal and not the same object
--- lua
for _, name in ipairs { "resty.lrucache", "resty.lrucache.pureffi" } do
  local c = require(name).new(2)
  c:set(("x"):rep(100), "found")
  ngx.say((c:get(("xx"):rep(50))))
end
--- body
found
found

=== many keys and a cache of one
--- lua
local lru = require "resty.lrucache"
local c, one = lru.new(1000), lru.new(1)
for i = 1, 10000 do c:set(i, i) one:set(i, i) end
local sum = 0
for i = 9001, 10000 do sum = sum + c:get(i) end
ngx.say(c:count(), " ", c:get(9000), " ", sum, " ", one:count(), " ", one:get(10000), " ", #c:get_keys())
--- body
1000 nil 9500500 1 10000 1000

=== mistakes
--- lua
local lru = require "resty.lrucache"
local c = lru.new(2)
ngx.say((pcall(c.set, c, nil, 1)), " ", (pcall(lru.new)), " ", c:get(nil), " ", c:delete(nil), " ", c:count())
--- body
false false nil false 0
