-- SPDX-License-Identifier: Apache-2.0
-- ngx.location and ngx.exec: other places of this server. On coral.capture and coral.response.
local body = require "coral.body"
local codec = require "coral.ngx.codec"
local request = require "coral.request"
local response = require "coral.response"
local run = require "coral.capture".run

local methods = {}
for name, id in pairs(require "coral.ngx.const".methods) do methods[id] = name end

local location = {}

-- As nginx: nothing, a NUL, or a way up.
local function is_unsafe(uri)
  local path = uri:match "^[^?]*"
  return path == "" or path:find("\0", 1, true) or ("/" .. path .. "/"):find("/../", 1, true)
end

local function with_args(uri, args)
  if not args or args == "" then return uri end
  return uri .. (uri:find("?", 1, true) and "&" or "?") .. args
end

-- The names and values of an option, as strings.
local function strings(t, level)
  local all = {}
  for name, value in pairs(t) do
    if type(name) ~= "string" then error('attempt to use a non-string key in the "vars" option table', level + 1) end
    if type(value) ~= "string" and type(value) ~= "number" then
      error("attempt to use bad variable value type " .. type(value), level + 1)
    end
    all[name] = tostring(value)
  end
  return all
end

-- What may stand for each option, and what it comes to.
local function is_text(value) return type(value) == "string" or type(value) == "number" end
local function is_table(value) return type(value) == "table" end
local function is_flag(value) return type(value) == "boolean" end

local options = {
  { "args", "Bad args option value", function(v) return is_text(v) or is_table(v) end },
  { "vars", "Bad vars option value", is_table },
  { "headers", "Bad headers option value", is_table },
  { "share_all_vars", "Bad share_all_vars option value", is_flag },
  { "copy_all_vars", "Bad copy_all_vars option value", is_flag },
  { "method", "Bad http request method", function(v) return type(v) == "number" end },
  { "ctx", "Bad ctx option value type %s, expected a Lua table", is_table },
  { "body", "Bad http request body", is_text },
}

local function check_options(given, level)
  for _, option in ipairs(options) do
    local value = given[option[1]]
    if value ~= nil and not option[3](value) then error(option[2]:format(type(value)), level + 1) end
  end
end

local function method_of(id, level)
  if id == nil then return "GET" end
  return methods[id] or error("unsupported HTTP method: " .. id, level + 1)
end

local no_options = {}

-- One subrequest, as coral.capture has it. number: from 0 on, for messages
local function subrequest(uri, given, number, level)
  level = level + 1
  if given == nil then given = no_options end
  if type(given) ~= "table" then
    error(("expecting table as the 2nd argument for subrequest %d, but got %s"):format(number, type(given)), level)
  end
  if not is_text(uri) then error(("bad argument #1 to 'capture' (string expected, got %s)"):format(type(uri)), level) end
  check_options(given, level)
  uri = tostring(uri)
  if uri:sub(1, 1) == "@" then error("named locations are for ngx.exec: " .. uri, level) end
  if is_unsafe(uri) or uri:sub(1, 1) ~= "/" then error("unsafe uri in argument #1: " .. uri, level) end
  local method = method_of(given.method, level)
  return {
    method = method,
    uri = with_args(uri, given.args ~= nil and codec.query_string(given.args, level)),
    body = given.body ~= nil and tostring(given.body) or nil,
    forward = given.body == nil and (given.always_forward_body or method == "POST" or method == "PUT") and request.has_body(),
    headers = given.headers and strings(given.headers, level),
    vars = given.vars and strings(given.vars, level),
    copy = given.copy_all_vars,
    share = given.share_all_vars,
    ctx = given.ctx,
  }
end

-- Waits for the responses. A body that is to be handed on is read first.
local function answers(list)
  for _, one in ipairs(list) do
    if one.forward and not body.is_read() then body.read() end
  end
  return run(list)
end

-- capture(uri, options): { status, header, body, truncated }
function location.capture(...)
  local count = select("#", ...)
  if count ~= 1 and count ~= 2 then error("expecting one or two arguments", 2) end
  local uri, given = ...
  return answers { subrequest(uri, given, 0, 2) }
end

-- capture_multi { { uri, options }, … }: a response for each
function location.capture_multi(...)
  local count, list = select("#", ...), (...)
  if count ~= 1 then error("only one argument is expected, but got " .. count, 2) end
  if type(list) ~= "table" then
    error("bad argument #1 to 'capture_multi' (table expected, got " .. type(list) .. ")", 2)
  end
  if #list == 0 then error("at least one subrequest should be specified", 2) end
  local all = {}
  for i = 1, #list do
    local query = list[i]
    if query == nil then error("only array-like tables are allowed", 2) end
    if type(query) ~= "table" then
      error(("the query argument %d is not a table, but a %s"):format(i - 1, type(query)), 2)
    end
    if #query ~= 1 and #query ~= 2 then error(("query argument %d expecting one or two arguments"):format(i - 1), 2) end
    all[i] = subrequest(query[1], query[2], i - 1, 2)
  end
  return answers(all)
end

-- exec(uri, args): httpd serves another uri, or a named location, in place of this one; args a string or a table. Never returns.
function location.exec(...)
  local count, uri, args = select("#", ...), ...
  if count ~= 1 and count ~= 2 then error("expecting one or two arguments, but got " .. count, 2) end
  if not is_text(uri) then error("bad argument #1 to 'exec' (string expected, got " .. type(uri) .. ")", 2) end
  uri = tostring(uri)
  if uri == "" then error("The uri argument is empty", 2) end
  if is_unsafe(uri) then error("unsafe uri", 2) end
  if args ~= nil and not is_text(args) and not is_table(args) then
    error("bad argument #2 to 'exec' (string, number, or table expected, but got " .. type(args) .. ")", 2)
  end
  if uri:sub(1, 1) == "@" then return response.exec_named(uri) end
  response.exec(with_args(uri, args ~= nil and codec.query_string(args, 2)))
end

return location
