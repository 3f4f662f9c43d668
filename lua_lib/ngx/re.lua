-- SPDX-License-Identifier: Apache-2.0
-- require "ngx.re": what goes with ngx.re, of lua-resty-core. On coral.regex.
local regex = require "coral.regex"

local re = {}

-- Takes empty texts away from the end of a list of n.
local function trim(list, n)
  while n > 0 and list[n] == "" do
    list[n] = nil
    n = n - 1
  end
  return n
end

-- split(subject, pattern, options, ctx, max, res): the list of what lies between the matches, with their first group where there is
-- one. From ctx.pos on; at most max parts, or all (0) but empty ones at the end. An empty match parts only what is not empty.
function re.split(subject, pattern, options, ctx, max, res)
  subject, max, res = tostring(subject), max or 0, res or {}
  if type(res) ~= "table" then error("res is not a table", 2) end
  local start = math.max(ctx and ctx.pos or 1, 1)
  local length, parts, n = #subject, 1, 0
  if start > length then
    res[1] = nil
    return res
  end
  local places, err = regex.places(subject, pattern, options, start)
  if not places then return nil, err end
  while (max <= 0 or parts < max) and start <= length do
    local from, to, group = places()
    if not from then
      if to then return nil, to end
      break
    end
    if from > start or to >= from then
      parts, n = parts + 1, n + 1
      res[n] = subject:sub(start, from - 1)
      if group then
        n = n + 1
        res[n] = group
      end
      start = to + 1
    end
  end
  if max > 0 or start <= length then
    n = n + 1
    res[n] = subject:sub(start)
  else
    n = trim(res, n)
  end
  res[n + 1] = nil
  return res
end

-- opt("jit_stack_size", bytes): at the most, from now on, in this Lua state
function re.opt(option, value)
  if option ~= "jit_stack_size" then error("unrecognized option name", 2) end
  regex.jit_stack_size(value)
end

return re
