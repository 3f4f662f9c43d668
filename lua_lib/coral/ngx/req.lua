-- SPDX-License-Identifier: Apache-2.0
-- ngx.req: what the client sent. On coral.request.
local body = require "coral.body"
local codec = require "coral.codec"
local r = require "coral.r"
local request = require "coral.request"
local response = require "coral.response"
local tables = require "coral.table"

local req = {
  http_version = request.http_version,
  raw_header = request.raw_header,
  start_time = request.start_time,
  is_internal = request.is_internal,
  read_body = body.read,
  discard_body = body.discard,
  get_body_data = body.data,
  get_body_file = body.file,
  set_body_data = body.put,
  set_body_file = body.put_file,
  init_body = body.init,
  append_body = body.append,
  finish_body = body.finish,
  set_header = request.set_header,
  get_method = request.method,
}

local method_names = {}
for name, id in pairs(require "coral.ngx.const".methods) do method_names[id] = name end

-- set_method(ngx.HTTP_POST)
function req.set_method(id)
  if type(id) ~= "number" then error("bad method number", 2) end
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

-- get_uri_args(max, tab): name -> value, true or list; in the table tab if there is one
function req.get_uri_args(max, tab)
  return codec.decode_args(request.args() or "", max, tab)
end

local FORM = 8 * 1024 * 1024 -- a form in a file that is larger is no form

-- get_post_args(max): the same of an urlencoded body; read_body() first. nil and why
function req.get_post_args(...)
  local count, max = select("#", ...), ...
  if count > 1 then error("expecting 0 or 1 arguments but seen " .. count, 2) end
  if not body.is_read() then
    error("no request body found; maybe you should turn on lua_need_request_body?", 2)
  end
  local text, err = body.data(), nil
  if not text then text, err = body.text(FORM) end
  if err then return nil, "request body in temp file not supported" end
  return codec.decode_args(text or "", max)
end

local function percent(char)
  return ("%%%02X"):format(char:byte())
end

-- set_uri_args(args): a query string, in which blanks and control characters are escaped, or a table
function req.set_uri_args(args)
  request.set_args((codec.query_string(args, 2):gsub("[%z\1-\32\127]", percent)))
end

local jumps = { server_rewrite = true, translate_name = true, rewrite = true }

local function check_flag(value, i)
  if value ~= nil and type(value) ~= "boolean" then
    error("bad argument #" .. i .. " to 'set_uri' (boolean expected, got " .. type(value) .. ")", 3)
  end
end

-- set_uri(path, jump, binary): with jump httpd serves that uri in place of this one; with binary control characters may be in it
function req.set_uri(...)
  local count, uri, jump, binary = select("#", ...), ...
  if count < 1 or count > 3 then error("expecting 1, 2 or 3 arguments but seen " .. count, 2) end
  if type(uri) ~= "string" then error("bad argument #1 to 'set_uri' (string expected, got " .. type(uri) .. ")", 2) end
  if uri == "" then error("attempt to use zero-length uri", 2) end
  check_flag(binary, 3)
  request.check_uri(uri, binary)
  check_flag(jump, 2)
  if not jump then return request.set_uri(uri) end
  local phase = r.phase()
  if not jumps[phase] then error("API disabled in the context of " .. phase, 2) end
  local args = request.args()
  uri = codec.escape_uri(uri, 0)
  response.exec(args and uri .. "?" .. args or uri)
end

return req
