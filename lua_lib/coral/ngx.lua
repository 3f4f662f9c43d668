-- SPDX-License-Identifier: Apache-2.0
-- ngx: OpenResty's API on the primitives of coral.*.
local codec = require "coral.ngx.codec"
local log = require "coral.log"
local r = require "coral.r"
local regex = require "coral.regex"
local replace = require "coral.replace"
local request = require "coral.request"
local response = require "coral.response"
local time = require "coral.time"
local worker = require "coral.worker"

local ngx = {}
local const = require "coral.ngx.const"
for name, value in pairs(const.plain) do ngx[name] = value end
for name, value in pairs(const.statuses) do ngx[name] = value end
for name, value in pairs(const.methods) do ngx["HTTP_" .. name] = value end
for _, name in ipairs { "escape_uri", "unescape_uri", "encode_args", "decode_args", "encode_base64", "decode_base64", "decode_base64mime",
  "crc32_short", "crc32_long", "md5", "md5_bin", "sha1_bin", "hmac_sha1", "quote_sql_str" } do
  ngx[name] = codec[name]
end
for _, name in ipairs { "now", "time", "today", "localtime", "utctime", "http_time", "cookie_time", "parse_http_time", "sleep" } do
  ngx[name] = time[name]
end

ngx.say, ngx.print, ngx.flush, ngx.eof = response.say, response.print, response.flush, response.eof
ngx.exit, ngx.redirect, ngx.send_headers = response.exit, response.redirect, response.send_headers
ngx.log = log.log
ngx.re = { match = regex.match, find = regex.find, gmatch = regex.gmatch, sub = replace.sub, gsub = replace.gsub }
ngx.var = require "coral.ngx.var"
ngx.location = require "coral.ngx.location"
ngx.exec, ngx.location.exec = ngx.location.exec, nil
ngx.req = require "coral.ngx.req"
ngx.req.socket = require "coral.client".socket
ngx.socket = require "coral.ngx.socket"
ngx.timer = require "coral.timer"
local thread = require "coral.thread"
ngx.thread = { spawn = thread.spawn, wait = thread.wait, kill = thread.kill }
ngx.on_abort = thread.on_abort
local status = coroutine.status
function coroutine.status(co)
  return thread.status(co) or status(co)
end
ngx.resp = { get_headers = ngx.req.get_response_headers }
ngx.req.get_response_headers = nil
ngx.shared = require "coral.ngx.shared"
_G.print = log.print

function ngx.update_time() end

function ngx.get_phase()
  return r.phase() or require "coral.loader".phase or "init"
end

ngx.header = setmetatable({}, {
  __index = function(_, name) return response.header(tostring(name)) end,
  __newindex = function(_, name, value) response.set_header(tostring(name), value) end,
})

ngx.arg = setmetatable({}, {
  __index = function(_, i)
    local arg = r.arg()
    return arg and arg[i]
  end,
  __newindex = function(_, i, value)
    local arg = r.arg() or error("ngx.arg: there is none in phase " .. ngx.get_phase(), 2)
    arg[i] = value
  end,
})

ngx.worker = {
  pid = worker.pid,
  count = worker.count,
  exiting = worker.exiting,
}

-- worker.id(): a number from 0 on that no other child process has at the same time; it does not change
local worker_id
function ngx.worker.id()
  worker_id = worker_id or worker.id()
  return worker_id
end

-- worker.pids(): of all child processes
function ngx.worker.pids()
  local phase = ngx.get_phase()
  if phase == "init" or phase == "init_worker" then return nil, "API disabled in the current context" end
  return worker.pids()
end

ngx.run_worker_thread = require "coral.worker_thread".run

ngx.config = {
  subsystem = "http",
  debug = false,
  ngx_lua_version = 10028,
  nginx_version = 1027001,
  prefix = worker.prefix,
  nginx_configure = function() return "" end,
}

-- What is looked up when it is asked for.
local read = {
  ctx = r.ctx,
  status = response.status,
  headers_sent = response.headers_sent,
  is_subrequest = request.is_subrequest,
}
local write = { ctx = r.set_ctx, status = response.set_status }

return setmetatable(ngx, {
  __index = function(_, name)
    local get = read[name]
    return get and get()
  end,
  __newindex = function(t, name, value)
    local set = write[name]
    if set then return set(value) end
    rawset(t, name, value)
  end,
})
