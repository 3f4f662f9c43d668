# SPDX-License-Identifier: Apache-2.0
# resty.lock, over a dictionary of Lua: it takes whatever has add, delete and replace.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== lock, unlock, expire
--- htaccess
CoralPackagePath "@DIR@/?.lua"
--- file fake_dict.lua
return function()
  local values = {}
  local dict = { values = values }
  function dict:add(key, value, exptime)
    if type(key) ~= "string" then return nil, "bad key" end
    if values[key] ~= nil then return false, "exists" end
    values[key], self.exptime = value, exptime
    return true
  end
  function dict:delete(key) values[key] = nil return true end
  function dict:replace(key, value, exptime)
    if values[key] == nil then return false, "not found" end
    self.exptime = exptime
    return true
  end
  return dict
end
--- lua
local dict = require "fake_dict" ()
local had = rawget(ngx, "shared")
ngx.shared = { locks = dict }
local resty_lock = require "resty.lock"
ngx.say(resty_lock:new("nothing"))
local lock = resty_lock:new("locks")
ngx.say(lock:unlock())
ngx.say(lock:expire())
ngx.say(lock:lock())
ngx.say(lock:lock("k"), " ", dict.values.k, " ", dict.exptime)
ngx.say(lock:lock("k"))
ngx.say(lock:expire(7), " ", dict.exptime, " ", lock:expire(), " ", dict.exptime)
local other = resty_lock:new("locks", { timeout = 0.03, exptime = 5, step = 0.01 })
ngx.say(other:lock("k"))
ngx.say(resty_lock:new("locks", { timeout = 0 }):lock("k"))
ngx.say(lock:unlock(), " ", dict.values.k)
ngx.say(lock:unlock())
ngx.say(other:lock("k"), " ", other:unlock())
ngx.say(lock:lock(5))
dict.values.k = true
lock:lock("l")
dict.values.l = nil
ngx.say(lock:expire())
ngx.shared = had
--- body
nildictionary not found
nilunlocked
nilunlocked
nilnil key
0 true 30
nillocked
true 7 true 30
niltimeout
niltimeout
1 nil
nilunlocked
0 1
nilbad key
nilnot found

=== one that waits gets it; one that is forgotten opens
--- htaccess
CoralPackagePath "@DIR@/../1/?.lua"
--- lua
local dict = require "fake_dict" ()
local had = rawget(ngx, "shared")
ngx.shared = { locks = dict }
local resty_lock = require "resty.lock"
local first, second = resty_lock:new("locks"), resty_lock:new("locks", { step = 0.01, ratio = 2, max_step = 0.02 })
first:lock("k")
local add, tries = dict.add, 0
function dict:add(...)
  tries = tries + 1
  if tries == 4 then first:unlock() end
  return add(self, ...)
end
ngx.say(math.floor(second:lock("k") * 1000 + 0.5), " ", tries)
do
  local forgotten = resty_lock:new("locks")
  forgotten:lock("f")
end
ngx.say(dict.values.f)
collectgarbage() collectgarbage()
ngx.say(dict.values.f, " ", dict.values.k)
ngx.shared = had
--- body
50 4
true
nil true
