-- SPDX-License-Identifier: Apache-2.0
-- ngx.errlog: the error log: written without file and line, and read again, if the configuration has it kept (CoralCaptureErrorLog).
local log = require "coral.log"

local errlog = { version = require "resty.core.base".version }
local no_capture = 'directive "lua_capture_error_log" is not set'

-- set_filter_level(level): from now on this child process keeps only what is at least as urgent. true; or nil and why
function errlog.set_filter_level(level)
  if not level then return nil, 'missing "level" argument' end
  if type(level) ~= "number" then error("bad argument #1 to 'set_filter_level' (number expected, got " .. type(level) .. ")", 2) end
  level = level // 1 | 0
  if level < 0 or level > 8 then return nil, "bad log level: " .. level end
  if not log.keeps() then return nil, no_capture end
  log.keep(level)
  return true
end

-- get_logs(max, list): the oldest messages that are kept, at most max (10; 0: all), which are kept no more: level, time and text of
-- each, one after the other, in a new list or in the one given, with a nil behind them. nil and why
function errlog.get_logs(max, list)
  if not log.keeps() then return nil, no_capture end
  max = max or 10
  if max <= 0 then max = math.huge end
  list = list or {}
  local count = 0
  while count < 3 * max do
    local level, time, text = log.take()
    if not text then break end
    list[count + 1], list[count + 2], list[count + 3] = level, time, text
    count = count + 3
  end
  list[count + 1] = nil
  return list
end

-- get_sys_filter_level(): the LogLevel of the place, as one of ngx's levels
errlog.get_sys_filter_level = log.level

-- raw_log(level, text): without file and line
function errlog.raw_log(level, text)
  if type(level) ~= "number" then error("bad argument #1 to 'raw_log' (must be a number)", 2) end
  if type(text) ~= "string" then error("bad argument #2 to 'raw_log' (must be a string)", 2) end
  if level < 0 or level > 8 then error("bad log level", 2) end
  log.raw(level, text)
end

return errlog
