-- SPDX-License-Identifier: Apache-2.0
-- ngx.errlog: httpd's log can be written, its level read; it keeps no messages to be read again.
local log = require "coral.log"

local errlog = { version = require "resty.core.base".version }
local no_capture = 'directive "lua_capture_error_log" is not set'

-- set_filter_level(level), get_logs(max, list): of kept messages, of which there are none
function errlog.set_filter_level(level)
  if not level then return nil, 'missing "level" argument' end
  return nil, no_capture
end

function errlog.get_logs()
  return nil, no_capture
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
