-- SPDX-License-Identifier: Apache-2.0
-- ngx.req: what the client sent. On coral.request.
local codec = require "coral.codec"
local request = require "coral.request"
local response = require "coral.response"
local tables = require "coral.table"

local req = {
  http_version = request.http_version,
  raw_header = request.raw_header,
  start_time = request.start_time,
  is_internal = request.is_internal,
  read_body = request.read_body,
  discard_body = request.discard_body,
  get_body_data = request.body,
  set_header = request.set_header,
  get_method = request.method,
}

local method_names = {}
for name, id in pairs(require "coral.ngx.const".methods) do method_names[id] = name end

-- set_method(ngx.HTTP_POST)
function req.set_method(id)
  request.set_method(method_names[id] or error("unsupported HTTP method: " .. tostring(id), 2))
end

function req.clear_header(name)
  request.set_header(name, nil)
end

-- Keys are lower case; t.user_agent finds "user-agent".
local headers_mt = {
  __index = function(headers, name)
    return type(name) == "string" and rawget(headers, (name:lower():gsub("_", "-"))) or nil
  end
}

local function get_headers(name, max, raw)
  local headers, err = tables.headers(name, max, raw)
  return raw and headers or setmetatable(headers, headers_mt), err
end

-- get_headers(max, raw): name -> value or list
function req.get_headers(max, raw)
  return get_headers("headers_in", max, raw)
end

-- Of the response, for ngx.resp.
function req.get_response_headers(max, raw)
  local headers, err = get_headers("headers_out", max, raw)
  local type_key = raw and "Content-Type" or "content-type"
  if not rawget(headers, type_key) then headers[type_key] = response.header "Content-Type" end
  return headers, err
end

-- get_uri_args(max): name -> value, true or list
function req.get_uri_args(max)
  return codec.decode_args(request.args() or "", max or 100)
end

-- get_post_args(max): the same of an urlencoded body; read_body() first
function req.get_post_args(max)
  if not request.has_body_read() then
    error("no request body found; maybe you should call ngx.req.read_body() first?", 2)
  end
  return codec.decode_args(request.body() or "", max or 100)
end

-- set_uri_args(args): a query string or a table
function req.set_uri_args(args)
  request.set_args(codec.query_string(args, 2))
end

-- set_uri(path, jump): with jump httpd serves that uri in place of this one
function req.set_uri(uri, jump)
  if type(uri) ~= "string" then error("bad argument #1 to 'set_uri' (string expected, got " .. type(uri) .. ")", 2) end
  if uri == "" then error("attempt to use zero-length uri", 2) end
  if not jump then return request.set_uri(uri) end
  local args = request.args()
  response.exec(args and uri .. "?" .. args or uri)
end

return req
