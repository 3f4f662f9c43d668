-- SPDX-License-Identifier: Apache-2.0
-- Reads a dictionary n times, a thousand keys in turn; what: get, incr or set.
local dict, n, what = ngx.shared.bench, tonumber(ngx.var.arg_n), ngx.var.arg_what
local keys = {}
for i = 1, 1000 do
  keys[i] = "key " .. i
  if not dict:get(keys[i]) then dict:set(keys[i], "value of 16 byte") end
end
if what == "get" then
  for i = 1, n do dict:get(keys[i % 1000 + 1]) end
elseif what == "set" then
  for i = 1, n do dict:set(keys[i % 1000 + 1], "value of 16 byte") end
else
  for i = 1, n do dict:incr("count", 1, 0) end
end
ngx.print(n)
