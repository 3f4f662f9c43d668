-- SPDX-License-Identifier: Apache-2.0
-- ffi.C: constants that were declared, and these functions, each with what it does in C. Declared ones that are not here are
-- undefined symbols, as those that LuaJIT does not find.
local parse = require "coral.ffi.parse"
local time = require "coral.time"
local worker = require "coral.worker"

return function(ffi)
  local functions = { getpid = worker.pid, getppid = worker.parent, time = function() return math.floor(time.time()) end }

  function functions.memcpy(to, from, n)
    ffi.copy(to, from, n)
    return to
  end

  functions.memmove = functions.memcpy

  function functions.memset(to, value, n)
    ffi.fill(to, n, value)
    return to
  end

  function functions.memcmp(a, b, n)
    a, b = ffi.string(a, n), ffi.string(b, n)
    return a == b and 0 or a < b and -1 or 1
  end

  function functions.strlen(text)
    return #ffi.string(text)
  end

  -- RAND_bytes(buffer, n) of OpenSSL
  function functions.RAND_bytes(to, n)
    ffi.copy(to, require "coral.crypto".random(n), n)
    return 1
  end

  functions.RAND_pseudo_bytes = functions.RAND_bytes

  -- ngx_hex_dump(to, from, n) of nginx
  function functions.ngx_hex_dump(to, from, n)
    ffi.copy(to, require "resty.string".to_hex(ffi.string(from, n)), 2 * n)
    return to + 2 * n
  end

  -- gettimeofday(struct timeval *, nil)
  function functions.gettimeofday(to)
    local now = time.now()
    to.tv_sec, to.tv_usec = math.floor(now), math.floor(now % 1 * 1000000)
    return 0
  end

  return setmetatable({}, {
    __index = function(_, name)
      if parse.constants[name] then return parse.constants[name] end
      if not parse.functions[name] then error(("missing declaration for symbol '%s'"):format(tostring(name)), 2) end
      if functions[name] then return functions[name] end
      error(("undefined symbol: %s (mod_coral's ffi calls no C functions but a few of its own)"):format(name), 2)
    end,
    __newindex = function(_, name) error(("undefined symbol: %s"):format(tostring(name)), 2) end,
  })
end
