# SPDX-License-Identifier: Apache-2.0
# ngx.shared: dictionaries in shared memory. What outlives a request, a child or a restart is in engine/shared.t.
use strict;
use warnings;
use Apache::Test ();
use Coral::Blocks;
use Coral::File 'write_file';

# say(...): all results, each as tostring() has it.
write_file(Apache::Test::vars('documentroot') . '/ngx-shared/say.lua', <<'LUA');
return function(...)
  local t = table.pack(...)
  for i = 1, t.n do t[i] = tostring(t[i]) end
  ngx.say(table.concat(t, " "))
end
LUA
run_blocks;
__DATA__
=== which there are
--- lua
local names = {}
for name, dict in pairs(ngx.shared) do names[#names + 1] = name .. " " .. type(dict) end
table.sort(names)
ngx.say(table.concat(names, ", "))
ngx.say(ngx.shared.nobody, " ", ngx.shared["a bit"]:capacity(), " ", type(ngx.shared.dogs[1]), " ", ngx.shared.dogs == ngx.shared.dogs)
--- body
a bit table, cats table, dogs table, large table, tiny table
nil 8192 userdata true

=== types: what comes out is what went in
--- lua
local d = ngx.shared.dogs
for i, value in ipairs { "text", "", "a\0b\255", true, false, 42, -1, 0, math.maxinteger, math.mininteger, 1.5, 42.0, 1/0, -0.0, 1e300 } do
  local ok, err, forcible = d:set("k", value)
  local back, flags = d:get("k")
  ngx.say(i, " ", tostring(ok), " ", tostring(err), " ", tostring(forcible), " ", back == value, " ", math.type(back) == math.type(value), " ",
    tostring(flags), " ", select("#", d:get("k")))
end
d:set("k", 0/0)
ngx.say(d:get("k") ~= d:get("k"))
d:set("k", 42) ngx.say(d:get("k") .. "")
--- body
1 true nil false true true nil 1
2 true nil false true true nil 1
3 true nil false true true nil 1
4 true nil false true true nil 1
5 true nil false true true nil 1
6 true nil false true true nil 1
7 true nil false true true nil 1
8 true nil false true true nil 1
9 true nil false true true nil 1
10 true nil false true true nil 1
11 true nil false true true nil 1
12 true nil false true true nil 1
13 true nil false true true nil 1
14 true nil false true true nil 1
15 true nil false true true nil 1
true
42

=== a value of another type and length takes the place of one
--- lua
local d = ngx.shared.dogs
local values = { "x", 1, ("y"):rep(300), true, 2.5, ("z"):rep(5000), "", ("w"):rep(40), false, ("v"):rep(100000), 7 }
for round = 1, 20 do
  for i, value in ipairs(values) do
    d:set("change", value)
    if d:get("change") ~= value then ngx.say("wrong at ", i) end
    for j = 1, round do d:set("other" .. j, values[(i + j) % #values + 1]) end
  end
end
for j = 1, 20 do d:delete("other" .. j) end
ngx.say(d:get("change"), " ", require("coral.shared").check(d))
--- body
7 true

=== nil takes away
--- lua
local d = ngx.shared.dogs
local say = dofile "@DIR@/../say.lua"
d:set("k", 1) say(d:set("k", nil)) say(d:get("k")) say(d:set("k", nil))
d:set("k", 1) say(d:set("k")) say(d:get("k"))
d:set("k", 1) say(d:delete("k")) say(d:get("k")) say(d:delete("k"))
--- body
true nil false
nil
true nil false
true nil false
nil
true nil false
nil
true nil false

=== keys are texts
--- lua
local d = ngx.shared.dogs
d:flush_all() d:flush_expired()
for _, key in ipairs { 1, 2.0, 1.5, -0.5, true, false, "a\0b", "\255", (" "):rep(3) } do d:set(key, "v" .. tostring(key)) end
local keys = d:get_keys()
ngx.say(#keys)
for _, key in ipairs { "1", "2", "1.5", "-0.5", "true", "false", 2, 1.0 } do ngx.say(key, " ", d:get(key)) end
ngx.say(#d:get("a\0b"), " ", d:get("a\0c"), " ", d:get("a"), " ", #d:get("\255"), " ", #d:get("   "))
local named = setmetatable({}, { __tostring = function() return "named" end })
d:set(named, 1) ngx.say(d:get("named"))
ngx.say(d.get(d, "1"))
ngx.say(d:llen(1.0))
--- body
9
1 v1
2 v2.0
1.5 v1.5
-0.5 v-0.5
true vtrue
false vfalse
2 v2.0
1 v1
4 nil nil 2 4
1
v1
nilvalue not a list

=== bad keys
--- lua
local d = ngx.shared.dogs
local say = dofile "@DIR@/../say.lua"
local other = { lpop = 0, rpop = 0, llen = 0 }
for _, name in ipairs { "get", "get_stale", "set", "safe_set", "add", "safe_add", "replace", "delete", "incr", "ttl", "expire", "lpush", "rpush", "lpop",
  "rpop", "llen" } do
  local function try(key)
    if other[name] then say(name, d[name](d, key)) else say(name, d[name](d, key, 1)) end
  end
  try(nil) try("") try(("x"):rep(65536))
end
--- body eval
join '', map { my $name = $_; map { "$name nil $_\n" } 'nil key', 'empty key', 'key too long' }
    qw(get get_stale set safe_set add safe_add replace delete incr ttl expire lpush rpush lpop rpop llen)

=== the longest key
--- lua
local d = ngx.shared.dogs
local key = ("k"):rep(65535)
ngx.say((d:set(key, "v")), " ", d:get(key), " ", d:get(key:sub(1, -2)), " ", (d:delete(key)), " ", d:get(key))
--- body
true v nil true nil

=== what is no dictionary
--- lua
local d = ngx.shared.dogs
for _, name in ipairs { "get", "get_stale", "set", "safe_set", "add", "safe_add", "replace", "delete", "incr", "ttl", "expire", "flush_all", "capacity",
  "free_space" } do
  for _, bad in ipairs { {}, { 1 }, "x", { io.stdout }, ngx.null, print } do
    local ok, err = pcall(d[name], bad, "key", 1)
    if ok or err ~= 'bad "zone" argument' then ngx.say(name, " ", err) end
  end
  local ok, err = pcall(d[name])
  if ok or err ~= 'bad "zone" argument' then ngx.say(name, " ", err) end
end
for _, name in ipairs { "lpush", "rpush" } do
  ngx.say((select(2, pcall(d[name], {}, "k", 1)))) ngx.say((select(2, pcall(d[name])))) ngx.say((select(2, pcall(d[name], d, "k"))))
end
for _, name in ipairs { "lpop", "rpop", "llen" } do
  ngx.say((select(2, pcall(d[name], "x", "k")))) ngx.say((select(2, pcall(d[name], d)))) ngx.say((select(2, pcall(d[name], d, "k", 1))))
end
for _, name in ipairs { "flush_expired", "get_keys" } do
  ngx.say((select(2, pcall(d[name])))) ngx.say((select(2, pcall(d[name], {})))) ngx.say((select(2, pcall(d[name], 1)):gsub("%b''", "it")))
  ngx.say((select(2, pcall(d[name], d, 1, 2)))) ngx.say((select(2, pcall(d[name], d, "x")):gsub("%b''", "it")))
end
--- body
bad "zone" argument
expecting 3 arguments, but only seen 0
expecting 3 arguments, but only seen 2
bad "zone" argument
expecting 3 arguments, but only seen 0
expecting 3 arguments, but only seen 2
bad "zone" argument
expecting 2 arguments, but only seen 1
expecting 2 arguments, but only seen 3
bad "zone" argument
expecting 2 arguments, but only seen 1
expecting 2 arguments, but only seen 3
bad "zone" argument
expecting 2 arguments, but only seen 1
expecting 2 arguments, but only seen 3
expecting 1 or 2 argument(s), but saw 0
bad user data for the ngx_shm_zone_t pointer
bad argument #1 to it (table expected, got number)
expecting 1 or 2 argument(s), but saw 3
bad argument #2 to it (number expected, got string)
expecting 1 or 2 argument(s), but saw 0
bad user data for the ngx_shm_zone_t pointer
bad argument #1 to it (table expected, got number)
expecting 1 or 2 argument(s), but saw 3
bad argument #2 to it (number expected, got string)

=== messages name the caller's line
--- lua
local d = ngx.shared.dogs

local ok, err = pcall(function() d:set("k", 1, -1) end)
ngx.say(err:match "main.lua:(.*)")
ok, err = pcall(function() d:incr("k") end)
ngx.say(err:match "main.lua:(.*)")
--- body
3: bad "exptime" argument
5: bad argument #2 to 'incr' (number expected, got no value)

=== values that can not be stored
--- lua
local d = ngx.shared.dogs
d:set("k", "stays")
for _, name in ipairs { "set", "safe_set", "add", "safe_add", "replace" } do
  for _, bad in ipairs { {}, print, coroutine.create(print), ngx.null, io.stdout } do
    local ok, err, forcible = d[name](d, "k", bad)
    if ok ~= nil or err ~= "bad value type" or forcible ~= nil then ngx.say(name, " ", tostring(ok), " ", err) end
  end
end
for _, name in ipairs { "add", "safe_add", "replace" } do ngx.say(d[name](d, "k", nil)) end
for _, bad in ipairs { true, {}, print, ngx.null } do ngx.say(d:lpush("list", bad)) ngx.say(d:rpush("list", bad)) end
ngx.say(d:lpush("list", nil))
ngx.say(d:get("k"), " ", d:llen("list"))
--- body
falseattempt to add or replace nil valuesfalse
falseattempt to add or replace nil valuesfalse
falseattempt to add or replace nil valuesfalse
nilbad value type
nilbad value type
nilbad value type
nilbad value type
nilbad value type
nilbad value type
nilbad value type
nilbad value type
nilbad value type
stays 0

=== add and replace
--- lua
local d = ngx.shared.dogs
d:delete("k")
for _, add in ipairs { "add", "safe_add" } do
  d:delete("k")
  ngx.say(d[add](d, "k", 1)) ngx.say(d[add](d, "k", 2)) ngx.say(d:get("k"))
  d:set("k", "old", 0.02, 5) ngx.sleep(0.1)
  ngx.say(d[add](d, "k", 3)) ngx.say(d:get("k"))
end
d:delete("k")
ngx.say(d:replace("k", 1)) ngx.say(d:get("k"))
d:set("k", 1) ngx.say(d:replace("k", "two", 0, 9)) ngx.say(d:get("k"))
d:set("k", 1, 0.02) ngx.sleep(0.1) ngx.say(d:replace("k", 2)) ngx.say(d:get("k"))
--- body
truenilfalse
falseexistsfalse
1
truenilfalse
3
truenilfalse
falseexistsfalse
1
truenilfalse
3
falsenot foundfalse
nil
truenilfalse
two9
falsenot foundfalse
nil

=== flags
--- lua
local d = ngx.shared.dogs
for _, flags in ipairs { 0, 1, 255, 4294967295, 1.9, false, true } do
  d:set("k", "v", 0, flags)
  ngx.say(tostring(flags), " ", select("#", d:get("k")), " ", d:get("k"))
end
d:set("k", "v", 0, 7) d:set("k", "v") ngx.say(d:get("k"))
d:set("k", 1, 0, 7) d:incr("k", 1) ngx.say(d:get("k"))
d:add("l", 1, 0, 3) ngx.say(d:get("l")) d:delete("l")
ngx.say((d:set("k", true, nil, 2)), " ", d:get("k"))
for _, bad in ipairs { "1", {}, print, 4294967296, -2147483649, 1/0, 0/0 } do ngx.say((select(2, pcall(d.set, d, "bad", 1, 0, bad)))) end
ngx.say(d:get("bad"))
--- body
0 1 v
1 2 v1
255 2 v255
4294967295 2 v4294967295
1.9 2 v1
false 1 v
true 2 v1
v
27
13
true true2
bad "flags" argument
bad "flags" argument
bad "flags" argument
bad "flags" argument
bad "flags" argument
bad "flags" argument
bad "flags" argument
nil

=== entries expire, and may be read still: get_stale
--- lua
local d = ngx.shared.cats
local say = dofile "@DIR@/../say.lua"
d:flush_all() d:flush_expired()
d:set("ever", "v", 0) d:set("ever2", "v", false) d:set("long", "v", 100) 
d:set("short", "v", 0.03, 3) d:set("plain", true, 0.03) d:set("moment", 1, 0.0001)
say(d:get("long")) say(d:get_stale("long")) say(d:get_stale("nothing"))
ngx.sleep(0.2)
for _, key in ipairs { "short", "plain", "moment", "long", "ever", "ever2" } do say(key, d:get(key)) end
say(d:get_stale("short")) say(d:get_stale("plain")) say(d:get_stale("ever"))
say(d:incr("plain", 1)) say(d:incr("plain", 1, 5)) say(d:get("plain"))
say(#d:get_keys())
--- body
v
v nil false
nil
short nil
plain nil
moment nil
long v
ever v
ever2 v
v 3 true
true nil true
v nil false
nil not found
6 nil false
6
4

=== ttl and expire
--- lua
local d = ngx.shared.cats
local say = dofile "@DIR@/../say.lua"
d:set("k", 1) say(d:ttl("k")) say(d:ttl("nothing")) say(d:expire("nothing", 1))
d:set("k", 1, 1000) local ttl = d:ttl("k") say(ttl > 900 and ttl <= 1000)
say(d:expire("k", 50)) ttl = d:ttl("k") say(ttl > 10 and ttl <= 50)
say(d:expire("k", "60")) ttl = d:ttl("k") say(ttl > 50 and ttl <= 60)
say(d:expire("k", 0)) say(d:ttl("k")) say(d:expire("k", -1)) say(d:ttl("k"))
d:set("k", 1, 2 ^ 31) ttl = d:ttl("k") say(ttl > 2 ^ 31 - 100 and ttl <= 2 ^ 31)
d:set("k", 1, 1e300) say(d:ttl("k")) d:set("k", 1, 1 / 0) say(d:ttl("k"))
d:set("k", "v", 0.02) ngx.sleep(0.1) say(d:ttl("k")) say(d:expire("k", 100)) say(d:get("k"))
for _, bad in ipairs { "x", {}, false, true, print } do say(pcall(d.expire, d, "k", bad)) end
say(pcall(d.expire, d, "k"))
for _, bad in ipairs { -1, -0.001, "x", "1", {}, true } do say(pcall(d.set, d, "k", 2, bad)) say(pcall(d.add, d, "new", 2, bad)) end
say(d:get("k")) say(d:get("new"))
--- body
0
nil not found
nil not found
true
true
true
true
true
true
0
true
0
true
0
0
nil not found
true
v
false bad "exptime" argument
false bad "exptime" argument
false bad "exptime" argument
false bad "exptime" argument
false bad "exptime" argument
false bad "exptime" argument
false bad "exptime" argument
false bad "exptime" argument
false bad "exptime" argument
false bad "exptime" argument
false bad "exptime" argument
false bad "exptime" argument
false bad "exptime" argument
false bad "exptime" argument
false bad "exptime" argument
false bad "exptime" argument
false bad "exptime" argument
false bad "exptime" argument
v
nil

=== incr
--- lua
local d = ngx.shared.cats
local say = dofile "@DIR@/../say.lua"
d:delete("n")
say(d:incr("n", 1)) say(d:incr("n", 1, 10)) say(d:incr("n", 1)) say(d:incr("n", -2)) say(d:incr("n", 1, 100)) say(d:incr("n", "3")) say(d:get("n"))
say(d:incr("n", 0.5)) say(d:incr("n", 0.5)) say(math.type(d:get("n")))
d:set("n", math.maxinteger) say(d:incr("n", 1) == 2.0 ^ 63) d:set("n", math.mininteger) say(d:incr("n", -1) == -2.0 ^ 63)
d:set("n", 1e308) say(d:incr("n", 1e308))
say(d:incr("n2", 1, "5")) say(d:incr("n3", 1.5, 2)) d:delete("n2") d:delete("n3")
say(d:incr("n", 1, false)) say(d:incr("n4", 1, false))
for _, value in ipairs { "text", "5", true, "" } do d:set("n", value) say(d:incr("n", 1)) say(d:incr("n", 1, 0)) end
d:delete("n") d:rpush("n", 1) say(d:incr("n", 1)) say(d:incr("n", 1, 1)) d:delete("n")
for _, bad in ipairs { "x", {}, true, print } do say((pcall(d.incr, d, "n", bad))) say(pcall(d.incr, d, "n", 1, bad)) end
say(d:get("n"))
--- body
nil not found
11 nil false
12
10
11 nil false
14
14
14.5
15.0
float
true
true
inf
6 nil false
3.5 nil false
inf
nil not found
nil not a number
nil not a number
nil not a number
nil not a number
nil not a number
nil not a number
nil not a number
nil not a number
nil not a number
nil not a number
false
false bad init arg: number expected, got string
false
false bad init arg: number expected, got table
false
false bad init arg: number expected, got boolean
false
false bad init arg: number expected, got function
nil

=== incr: init_ttl
--- lua
local d = ngx.shared.cats
local say = dofile "@DIR@/../say.lua"
d:delete("n")
say(d:incr("n", 1, 0, 100)) local ttl = d:ttl("n") say(ttl > 50 and ttl <= 100)
say(d:incr("n", 1, 0, 1000)) say(d:ttl("n") <= 100)
d:delete("n") say(d:incr("n", 1, 0, "100")) say(d:ttl("n") > 50)
d:delete("n") say(d:incr("n", 1, 0, 0)) say(d:ttl("n"))
d:set("n", 5, 0.02, 9) ngx.sleep(0.1) say(d:incr("n", 1, 0)) say(d:get("n")) say(d:ttl("n"))
d:set("n", "a text that is longer", 0.02) ngx.sleep(0.1) say(d:incr("n", 1, 0, 100)) say(d:get("n"))
d:delete("n")
say(pcall(d.incr, d, "n", 1, 0, -1)) say(pcall(d.incr, d, "n", 1, 0, "x")) say(pcall(d.incr, d, "n", 1, 0, {})) say(pcall(d.incr, d, "n", 1, nil, 1))
say(pcall(d.incr, d, "n", 1, 0, false)) say(d:get("n"))
--- body
1 nil false
true
2 nil false
true
1 nil false
true
1 nil false
0
1 nil false
1
0
1 nil false
1
false bad "init_ttl" argument
false bad init_ttl arg: number expected, got string
false bad init_ttl arg: number expected, got table
false must provide "init" when providing "init_ttl"
false bad init_ttl arg: number expected, got boolean
nil

=== lists
--- lua
local d = ngx.shared.cats
local say = dofile "@DIR@/../say.lua"
d:delete("l")
say(d:llen("l")) say(d:lpop("l")) say(d:rpop("l"))
say(d:lpush("l", 1)) say(d:rpush("l", "two")) say(d:lpush("l", 0.5)) say(d:rpush("l", "")) say(d:llen("l"))
say(d:lpop("l")) say(d:rpop("l")) say(d:rpop("l")) say(math.type(d:lpop("l"))) say(d:lpop("l")) say(d:llen("l")) say(d:get("l")) say(d:add("l", 1))
say(d:lpush("l", 1)) say(d:rpush("l", 1)) say(d:lpop("l")) say(d:rpop("l")) say(d:llen("l")) say(d:get("l"))
d:delete("l") d:rpush("l", "a\0b") d:rpush("l", ("x"):rep(5000))
say(d:get("l")) say(d:get_stale("l")) say(d:incr("l", 1)) say(d:add("l", 1)) say(#d:rpop("l")) say(#d:rpop("l"))
d:rpush("l", 1) d:rpush("l", 2) say(d:replace("l", "value")) say(d:get("l"))
d:delete("l") d:rpush("l", 1) d:rpush("l", 2) say(d:set("l", nil)) say(d:llen("l"))
d:rpush("l", 1) d:rpush("l", 2) d:expire("l", 0.02) ngx.sleep(0.1) say(d:llen("l")) say(d:lpop("l")) say(d:rpush("l", 3)) say(d:lpop("l")) say(d:llen("l"))
d:set("v", "v", 0.02) ngx.sleep(0.1) say(d:rpush("v", 3)) say(d:llen("v")) d:delete("v")
say(pcall(d.lpush, d, {}, 1)) say(pcall(d.llen, d, true))
say(require("coral.shared").check(d))
--- body
0
nil
nil
1
2
3
4
4
0.5

two
integer
nil
0
nil
true nil false
nil value not a list
nil value not a list
nil value not a list
nil value not a list
nil value not a list
1
nil value is a list
nil value is a list
nil not a number
false exists false
5000
3
true nil false
value
true nil false
0
0
nil
1
3
0
1
1
false bad argument #2 to '?' (string expected, got table)
false bad argument #2 to '?' (string expected, got boolean)
true

=== a list of 10,000
--- lua
local d = ngx.shared.dogs
d:delete("l")
for i = 1, 5000 do d:lpush("l", -i) d:rpush("l", ("item %d"):format(i)) end
ngx.say(d:llen("l"))
local good = 0
for i = 5000, 1, -1 do if d:lpop("l") == -i then good = good + 1 end end
for i = 1, 2500 do if d:lpop("l") == ("item %d"):format(i) then good = good + 1 end end
for i = 5000, 2501, -1 do if d:rpop("l") == ("item %d"):format(i) then good = good + 1 end end
ngx.say(good, " ", d:llen("l"), " ", tostring(d:lpop("l")))
local free = d:free_space()
for i = 1, 10000 do d:rpush("l", i) end
ngx.say(d:free_space() < free - 100000)
d:delete("l")
ngx.say(d:free_space() == free, " ", require("coral.shared").check(d))
for i = 1, 10000 do d:rpush("l", i) end
d:set("l", "value") ngx.say(d:get("l")) d:delete("l")
ngx.say(d:free_space() == free, " ", require("coral.shared").check(d))
--- body
10000
10000 0 nil
true
true true
value
true true

=== flush_all, flush_expired
--- lua
local d = ngx.shared.cats
local say = dofile "@DIR@/../say.lua"
d:flush_all() d:flush_expired()
local free = d:free_space()
for i = 1, 100 do d:set("k" .. i, i) end
d:rpush("list", 1)
say(#d:get_keys(), d:flush_expired(), d:free_space() < free)
say(select("#", d:flush_all())) say(#d:get_keys()) say(d:get("k1")) say(d:get_stale("k100")) say(d:llen("list")) say(d:add("k100", "again"))
say(d:flush_expired(10)) say(d:flush_expired(1.9)) say(d:flush_expired("3")) say(d:flush_expired(0) > 50) say(d:flush_expired()) say(d:get("k100"))
d:delete("k100") say(d:free_space() == free)
for i = 1, 10 do d:set("k" .. i, i, i % 2 == 0 and 0.02 or 0) end ngx.sleep(0.1)
say(d:flush_expired(-1), #d:get_keys())
d:flush_all() say(d:expire("k1", 0)) say(d:get("k1")) d:flush_all() say(d:get("k1")) d:set("k1", 2) say(d:get("k1"))
d:flush_all() d:flush_expired() say(d:free_space() == free)
--- body
101 0 true
0
0
nil
100 nil true
0
true nil false
10
1
3
true
0
again
true
5 5
true
1
nil
2
true

=== get_keys
--- lua
local d = ngx.shared.cats
d:flush_all() d:flush_expired()
ngx.say(#d:get_keys(), " ", type(d:get_keys(5)))
for i = 1, 2000 do d:set("key" .. i, i) end
local keys = d:get_keys()
ngx.say(#keys, " ", keys[1], " ", keys[2], " ", keys[1024])
for _, most in ipairs { 0, -1, 1, 5, 1024, 1025, 2000, 2001, 100000, "7", 2.9 } do ngx.say(most, " ", #d:get_keys(most)) end
d:get("key1") d:get("key3") d:get_stale("key2") d:ttl("key4")
keys = d:get_keys(0)
ngx.say(keys[1], " ", keys[1998], " ", keys[1999], " ", keys[2000])
d:set("key4", 1, 0.02) ngx.sleep(0.1)
ngx.say(#d:get_keys(0))
for _, size in ipairs { 1, 255, 256, 3000, 65535 } do d:set(("x"):rep(size), 1) end
keys = d:get_keys(0)
ngx.say(#keys, " ", #keys[#keys], " ", #keys[#keys - 1], " ", keys[#keys] == ("x"):rep(65535))
--- body
0 table
1024 key1 key2 key1024
0 2000
-1 2000
1 1
5 5
1024 1024
1025 1025
2000 2000
2001 2000
100000 2000
7 7
2.9 2
key4 key1 key3 key2
1999
2004 65535 3000 true

=== capacity and free_space
--- lua
for _, name in ipairs { "dogs", "cats", "tiny", "a bit" } do ngx.say(name, " ", ngx.shared[name]:capacity(), " ", math.type(ngx.shared[name]:capacity())) end
local d = ngx.shared.cats
d:flush_all() d:flush_expired()
local free = d:free_space()
ngx.say(free > 1000000 and free < 1048576, " ", math.type(free))
d:set("k", ("x"):rep(100000)) local less = d:free_space()
ngx.say(free - less >= 100000 and free - less < 100200)
d:set("k", ("x"):rep(10)) ngx.say(d:free_space() > less + 99000)
d:delete("k") ngx.say(d:free_space() == free)
--- body
dogs 10485760 integer
cats 1048576 integer
tiny 12288 integer
a bit 8192 integer
true integer
true
true
true

=== a megabyte
--- lua
local d = ngx.shared.dogs
d:flush_all() d:flush_expired()
local text = ("0123456789abcdef"):rep(65536)
ngx.say(d:set("big", text)) ngx.say(d:get("big") == text, " ", #d:get_stale("big"))
ngx.say(d:set("big", text .. "x")) ngx.say(d:get("big") == text .. "x", " ", (d:safe_set("big", text)), " ", d:get("big") == text)
ngx.say(d:rpush("list", text), " ", d:rpush("list", text), " ", d:lpop("list") == text, " ", d:rpop("list") == text)
for i = 1, 30 do d:set("big" .. i, text) end
local n = 0
for i = 1, 30 do if d:get("big" .. i) == text then n = n + 1 end end
ngx.say(n, " ", d:get("big30") == text, " ", d:get("big1"), " ", require("coral.shared").check(d))
d:flush_all() d:flush_expired()
--- body
truenilfalse
true 1048576
truenilfalse
true true true
1 2 true true
9 true nil true

=== 100,000 keys
--- lua
local d = ngx.shared.large
d:flush_all() d:flush_expired()
local free = d:free_space()
for i = 1, 100000 do if not d:safe_set("key " .. i, i % 2 == 0 and i or ("value %d"):format(i)) then ngx.say("no memory at ", i) break end end
local good = 0
for i = 1, 100000 do if d:get("key " .. i) == (i % 2 == 0 and i or ("value %d"):format(i)) then good = good + 1 end end
ngx.say(good, " ", #d:get_keys(), " ", #d:get_keys(0), " ", require("coral.shared").check(d))
for i = 1, 100000, 2 do d:delete("key " .. i) end
ngx.say(#d:get_keys(0), " ", d:get("key 2"), " ", d:get("key 1"))
d:flush_all()
ngx.say(d:get("key 2"), " ", d:flush_expired(), " ", d:free_space() == free, " ", require("coral.shared").check(d))
--- body
100000 1024 100000 true
50000 2 nil
nil 50000 true true

=== a full dictionary: what was not used for the longest time goes
--- lua
local d = ngx.shared.cats
d:flush_all() d:flush_expired()
local n, text = 0, ("x"):rep(100)
repeat n = n + 1 local ok, err, forcible = d:set("k" .. n, text) until forcible or not ok
ngx.say(n > 5000, " ", d:get("k1"), " ", d:get("k" .. n) == text, " ", #d:get_keys(0) == n - 1)
ngx.say(d:get("k2") == text)
for i = 1, 100 do d:set("more" .. i, text) end
ngx.say(d:get("k2") == text, " ", d:get("k3"), " ", d:get("k50"), " ", d:get("more1") == text)
ngx.say(d:safe_set("safe", text)) ngx.say(d:safe_add("safe", text)) ngx.say(d:add("added", text)) ngx.say(d:get("safe"))
local ok, err, forcible = d:incr("a counter with a name as long as what was there" .. ("x"):rep(50), 1, 0)
ngx.say(ok, " ", tostring(forcible))
ngx.say(d:safe_set("added", ("y"):rep(100))) ngx.say(d:safe_set("added", ("z"):rep(90))) ngx.say(d:get("added"):sub(1, 3)) ngx.say(d:replace("added", ("y"):rep(100)))
ngx.say(d:rpush("list" .. ("x"):rep(40), ("y"):rep(100)))
ngx.say(require("coral.shared").check(d))
--- body
true nil true true
true
true nil nil true
falseno memoryfalse
falseno memoryfalse
trueniltrue
nil
1 true
truenilfalse
truenilfalse
zzz
truenilfalse
nilno memory
true

=== a full dictionary: what has expired goes first
--- lua
local d = ngx.shared.cats
d:flush_all() d:flush_expired()
local n, text = 0, ("x"):rep(100)
d:set("valid", text)
for i = 1, 10 do d:set("short" .. i, text, 0.02) end
repeat n = n + 1 local ok = d:safe_set("k" .. n, text) until not ok
d:delete("nothing") ngx.sleep(0.1)
for i = 1, 10 do
  local ok, err, forcible = d:safe_set("more" .. i, text)
  if not ok or forcible then ngx.say(i, " ", tostring(ok), " ", tostring(forcible)) end
end
ngx.say(d:get("valid") == text, " ", d:get_stale("short1"), " ", d:get("more10") == text)
ngx.say(d:safe_set("one more", text)) ngx.say(d:set("one more", text))
d:flush_all()
ngx.say(d:set("after", ("y"):rep(1000)))
ngx.say(require("coral.shared").check(d))
--- body
true nil true
falseno memoryfalse
trueniltrue
truenilfalse
true

=== too large for the dictionary: nothing else has to go
--- lua
local d = ngx.shared.tiny
d:flush_all() d:flush_expired()
d:set("other", "stays") d:set("k", "v")
for _, name in ipairs { "set", "safe_set", "replace" } do
  d:set("k", "v")
  ngx.say(name, d[name](d, "k", ("x"):rep(20000)))
end
for _, name in ipairs { "add", "safe_add" } do ngx.say(name, d[name](d, "new", ("x"):rep(20000))) end
ngx.say(d:rpush("list", ("x"):rep(20000))) ngx.say(d:llen("list")) ngx.say(d:get("list"))
ngx.say(d:get("other"), " ", d:get("new"), " ", require("coral.shared").check(d))
d:set("k", ("x"):rep(3000)) ngx.say(#d:get("k"))
--- body
setfalseno memoryfalse
safe_setfalseno memoryfalse
replacefalseno memoryfalse
addfalseno memoryfalse
safe_addfalseno memoryfalse
nilno memory
0
nil
stays nil true
3000

=== up to thirty have to go for one
--- lua
local d = ngx.shared.tiny
d:flush_all() d:flush_expired()
for i = 1, 300 do d:set("k" .. i, i) end
local before = #d:get_keys(0)
local ok, err, forcible = d:set("big", ("x"):rep(1200))
local after = #d:get_keys(0)
ngx.say(ok, " ", tostring(err), " ", tostring(forcible), " ", before - after + 1 > 10 and before - after + 1 <= 30)
d:flush_all() d:flush_expired()
for i = 1, 300 do d:set("k" .. i, i) end
before = #d:get_keys(0)
ok, err, forcible = d:set("big", ("x"):rep(6000))
ngx.say(tostring(ok), " ", err, " ", tostring(forcible), " ", before - #d:get_keys(0), " ", d:get("big"), " ", require("coral.shared").check(d))
--- body
true nil true true
false no memory true 30 nil true

=== the smallest one
--- lua
local d = ngx.shared["a bit"]
d:flush_all() d:flush_expired()
ngx.say(d:free_space() > 4096)
for i = 1, 1000 do d:set("k" .. i, "v" .. i) d:incr("n", 1, 0) d:rpush("l" .. i % 3, i) end
ngx.say(d:get("k1000"), " ", d:get("n") ~= nil, " ", require("coral.shared").check(d))
--- body
true
v1000 true true

=== churn: what is there is right, and nothing is lost
--- lua
local d = ngx.shared.cats
d:flush_all() d:flush_expired()
local free = d:free_space()
math.randomseed(42)
local wrong = 0
for i = 1, 30000 do
  local key = "k" .. math.random(1, 3000)
  local what = math.random(1, 10)
  if what <= 5 then
    local size = math.random(1, 10) == 1 and math.random(1, 5000) or math.random(0, 300)
    d:set(key, key .. ":" .. ("x"):rep(size), math.random(1, 3) == 1 and 0.001 or 0)
  elseif what == 6 then d:delete(key)
  elseif what == 7 then d:rpush("l" .. math.random(1, 20), ("y"):rep(math.random(0, 100)))
  elseif what == 8 then d:lpop("l" .. math.random(1, 20))
  else
    local value = d:get(key)
    if value and value:match "^(.-):" ~= key then wrong = wrong + 1 end
  end
end
ngx.say(wrong, " ", require("coral.shared").check(d))
d:flush_all() d:flush_expired()
ngx.say(d:free_space() == free)
--- body
0 true
true

=== all phases see it
--- htaccess
<CoralHook access>
ngx.shared.dogs:set("phase", ngx.get_phase())
</CoralHook>
<CoralHook header_filter>
ngx.shared.dogs:rpush("phases", ngx.get_phase())
</CoralHook>
<CoralHook body_filter>
ngx.shared.dogs:set("body", ngx.get_phase())
</CoralHook>
<CoralHook log>
ngx.shared.dogs:set("log", ngx.get_phase() .. ngx.shared.dogs:llen("phases") .. ngx.shared.dogs:get("body"))
ngx.log(ngx.ERR, "seen: ", ngx.shared.dogs:get("log"))
</CoralHook>
--- lua
ngx.shared.dogs:delete("phases")
ngx.say(ngx.shared.dogs:get("phase"))
--- body
access
--- error_log
seen: log1body_filter

=== another request sees it
--- lua
ngx.shared.dogs:set("from", "the first") ngx.shared.dogs:set("count", 0) ngx.print("set")
--- body: set

=== here
--- again
--- file second.lua
ngx.say(ngx.shared.dogs:get("from"), " ", ngx.shared.dogs:incr("count", 1))
--- request
GET second.lua
--- body
the first 1

=== and of another group, which shares no Lua state
--- again
--- vhost: tenant-a
--- request
GET second.lua
--- body
the first 2

=== from a coroutine, and from where Lua can not wait
--- lua
local d = ngx.shared.dogs
local text = ("z"):rep(10000)
d:set("co", text)
ngx.say(coroutine.wrap(function() coroutine.yield(#d:get("co")) end)())
local sorted = { 3, 1, 2 }
table.sort(sorted, function(a, b) return #d:get("co") == 10000 and a < b end)
ngx.say(table.concat(sorted), " ", (("a"):gsub("a", function() return #d:get("co") end)))
--- body
10000
123 10000

=== methods of one's own
--- lua
local methods = getmetatable(ngx.shared.dogs).__index
function methods.get_or(dict, key, otherwise) return dict:get(key) or otherwise end
ngx.shared.dogs:delete("k")
ngx.say(ngx.shared.dogs:get_or("k", "other"), " ", ngx.shared.cats.get_or ~= nil)
methods.get_or = nil
--- body
other true
