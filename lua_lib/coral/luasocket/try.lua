-- SPDX-License-Identifier: Apache-2.0
-- LuaSocket's exceptions: newtry, protect, skip.
local error, pcall, setmetatable = error, pcall, setmetatable
local metatable_of, select = debug.getmetatable, select

local try = {}
local exception = { __metatable = false, __tostring = function(e) return tostring(e[1]) end }

-- newtry(finalizer): a function that returns what it is given, unless the first is false or nil: then the finalizer is called and
-- the second raised, for protect()
function try.newtry(finalizer)
  return function(...)
    if (...) then return ... end
    if finalizer then finalizer() end
    error(setmetatable({ (select(2, ...)) }, exception), 0)
  end
end

local function results(ok, ...)
  if ok then return ... end
  local e = ...
  if metatable_of(e) == exception then return nil, e[1] end
  error(e, 0)
end

-- protect(f): the same function, but what a try in it raised is returned, after nil
function try.protect(f)
  return function(...) return results(pcall(f, ...)) end
end

-- skip(n, …): without the first n
function try.skip(n, ...) return select(n + 1, ...) end

return try
