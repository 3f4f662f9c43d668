-- SPDX-License-Identifier: Apache-2.0
-- ngx.pipe: other programs, without blocking. On coral.pipe, whose processes have the methods; here is what spawn looks at first.
local start = require "coral.pipe".spawn

local pipe = { version = require "resty.core.base".version }
local TIMEOUT = 10000

-- The list of a program and its arguments: args itself, or what has the shell run a text.
local function command(args)
  if type(args) == "string" then return { "/bin/sh", "-c", args } end
  if type(args) ~= "table" then error("bad args arg: table expected, got " .. type(args), 3) end
  local argv = {}
  for i, arg in ipairs(args) do argv[i] = tostring(arg) end
  if #argv == 0 then error("bad args arg: non-empty table expected", 3) end
  return argv
end

-- The list "NAME=value", nil for an empty one.
local function environment(environ)
  if not environ then return nil end
  if type(environ) ~= "table" then error("bad environ option: table expected, got " .. type(environ), 3) end
  local list = {}
  for i, text in ipairs(environ) do
    local what = "bad value at index " .. i .. " of environ option: "
    if type(text) ~= "string" then error(what .. "string expected, got " .. type(text), 3) end
    if not text:find("=", 2, true) then error(what .. "'name=[value]' format expected, got '" .. text .. "'", 3) end
    list[i] = text
  end
  return list[1] and list
end

-- spawn(args, options): args is a list of texts or a line for the shell. The process, which is killed at the latest with the hook that
-- started it; or nil and why. options: merge_stderr, buffer_size, environ, write_timeout, stdout_read_timeout, stderr_read_timeout,
-- wait_timeout
function pipe.spawn(args, options)
  local argv = command(args)
  options = options or {}
  local size = options.buffer_size
  if size then -- taken for what it is; buffers here grow as they need to
    size = tonumber(size)
    if not size or size < 1 then error("bad buffer_size option", 2) end
  end
  return start(argv, environment(options.environ), options.merge_stderr,
    options.write_timeout or TIMEOUT, options.stdout_read_timeout or TIMEOUT, options.stderr_read_timeout or TIMEOUT,
    options.wait_timeout or TIMEOUT)
end

return pipe
