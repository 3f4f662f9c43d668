-- SPDX-License-Identifier: Apache-2.0
-- resty.core.base: what libraries take from it. The buffers are those of our ffi.
local tables = require "coral.tables"

local base = {
  version = "0.1.31", -- the one that belongs to ngx.config.ngx_lua_version
  new_tab = tables.new, clear_tab = tables.clear,
  FFI_OK = 0, FFI_ERROR = -1, FFI_AGAIN = -2, FFI_BUSY = -3, FFI_DONE = -4, FFI_DECLINED = -5, FFI_ABORT = -6,
  FFI_NO_REQ_CTX = -100, FFI_BAD_CONTEXT = -101,
}
local size = 4096
local buffer, size_ptr, errmsg

-- get_string_buf(n, fresh): a char[] of n bytes or more, the same one each time unless fresh
function base.get_string_buf(n, fresh)
  local ffi = require "ffi"
  if fresh or n > size then return ffi.new("char[?]", n) end
  buffer = buffer or ffi.new("char[?]", size)
  return buffer
end

function base.set_string_buf_size(n)
  if n > 0 then size, buffer = math.ceil(n), nil end
end

function base.get_string_buf_size()
  return size
end

function base.get_size_ptr()
  size_ptr = size_ptr or require "ffi".new "size_t[1]"
  return size_ptr
end

function base.get_errmsg_ptr()
  errmsg = errmsg or require "ffi".new "char *[1]"
  return errmsg
end

-- ref_in_table(t, value): the number it is kept under; t[0] is the head of the list of free numbers
function base.ref_in_table(t, value)
  if value == nil then return -1 end
  local free = t[0]
  if not free or free == 0 then free = #t + 1 else t[0] = t[free] end
  t[free] = value
  return free
end

-- allows_subsystem(...): an error unless "http" is among them
function base.allows_subsystem(...)
  for _, name in ipairs { ... } do
    if name == "http" then return end
  end
  error("unsupported subsystem: http", 2)
end

-- get_request(): whether there is one; a pointer that C functions would take there is not
function base.get_request()
  return require "coral.r".phase() and true or nil
end

return base
