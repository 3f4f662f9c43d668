-- SPDX-License-Identifier: Apache-2.0
-- The environment of a WSAPI request: CGI's variables, looked up when they are asked for ("" for what is not there), `input` and
-- `error`. new(app, r) makes one.
local var = require "coral.env"
local input = require "coral.wsapi.input"
local raw_log = require "coral.log".raw
local server = require "coral.worker".server
local ERR = 4 -- ngx.ERR

-- Of a request, and of the app where it is about its place.
local variables = {
  AUTH_TYPE = function(r) return r.ap_auth_type end,
  CONTENT_LENGTH = function(r) return r.headers_in["Content-Length"] end,
  CONTENT_TYPE = function(r) return r.headers_in["Content-Type"] end,
  DOCUMENT_ROOT = function(r) return r.document_root end,
  GATEWAY_INTERFACE = function() return "CGI/1.1" end,
  HTTP_PROXY = function() return "" end, -- to libraries it is their proxy, whoever the client is
  HTTPS = function(r) return r.is_https and "on" end,
  QUERY_STRING = function(r) return r.args end,
  REMOTE_ADDR = function(r) return r.useragent_ip end,
  REMOTE_PORT = function() return var.get "remote_port" end,
  REMOTE_USER = function(r) return r.user end,
  REQUEST_METHOD = function(r) return r.method end,
  REQUEST_SCHEME = function(r) return r.is_https and "https" or "http" end,
  REQUEST_URI = function() return var.get "request_uri" end,
  SERVER_ADDR = function() return var.get "server_addr" end,
  SERVER_NAME = function(r) return r.server_name end,
  SERVER_PORT = function(r) return tostring(r.port) end,
  SERVER_PROTOCOL = function(r) return r.protocol end,
  SERVER_SOFTWARE = server,
}

-- What is not CGI's is a header, or of the environment that SetEnv and modules make.
local function look_up(r, name)
  local variable = variables[name]
  if variable then return variable(r) end
  local header = name:match "^HTTP_(.+)$"
  return header and r.headers_in[(header:gsub("_", "-"))] or r.subprocess_env[name]
end

local function write(self, ...)
  local texts = { ... }
  for i, text in ipairs(texts) do texts[i] = tostring(text) end
  local line = table.concat(texts):gsub("\n$", "")
  if line ~= "" then raw_log(ERR, line) end
  return self
end

-- Where the app ends in the path, and what is behind it, decoded.
local function place(prefix, uri)
  local rest = uri:sub(1, #prefix) == prefix and uri:sub(#prefix + 1) or uri
  return rest == "" and "/" or rest
end

local function new(app, r)
  local env = {
    SCRIPT_NAME = app.prefix, PATH_INFO = place(app.prefix, r.uri),
    SCRIPT_FILENAME = app.file, PATH_TRANSLATED = app.file, APP_PATH = app.home,
    input = input.new(r), error = { write = write },
  }
  return setmetatable(env, { __index = function(_, name)
    local value = type(name) == "string" and look_up(r, name) or ""
    env[name] = value
    return value
  end })
end

return { new = new }
