-- SPDX-License-Identifier: Apache-2.0
-- The methods of `r`, mod_lua's request object, and its constants (`apache2`). Fields: mod_src/api_r.c.
local body = require "coral.body"
local codec = require "coral.codec"
local env = require "coral.env"
local log = require "coral.log"
local request = require "coral.request"
local response = require "coral.response"
local tables = require "coral.table"
local r = require "coral.r"

local methods = {}

-- puts(...), write(text): to the client; true, or nil and a message.
methods.puts, methods.write = response.puts, response.puts

-- flush(): what has been written goes to the client now.
function methods.flush()
  return response.send() and true or false
end

-- requestbody(): the whole body, waiting for it; nil when there is none.
function methods.requestbody()
  body.read()
  return (body.text())
end

-- parseargs(): the query's arguments, name -> last value and name -> list. mod_lua
function methods.parseargs()
  return codec.form(request.args() or "", true)
end

-- parsebody(max): name -> first value and name -> list, of an urlencoded body of at most max bytes (8192). mod_lua
function methods.parsebody(_, max)
  body.read()
  return codec.form(body.text(max or 8192) or "")
end

function methods.escape(_, text) return codec.escape_form(text) end
function methods.unescape(_, text) return codec.unescape_uri(text) end
function methods.escape_html(_, text) return codec.escape_html(text) end
function methods.base64_encode(_, text) return codec.encode_base64(text) end
function methods.base64_decode(_, text) return codec.decode_base64(text) end
function methods.md5(_, text) return codec.md5(text) end
function methods.expr(_, expression) return env.expr(expression) end
function methods.construct_url(_, uri) return r.construct_url(uri) end
function methods.custom_response(_, status, text) return r.custom_response(status, text) end
function methods.add_output_filter(_, name) return r.add_output_filter(name) end
function methods.add_input_filter(_, name) return r.add_input_filter(name) end

local table_names = { "headers_in", "headers_out", "err_headers_out", "notes", "subprocess_env" }
for _, name in ipairs(table_names) do
  methods[name .. "_table"] = function() return tables.all(tables.of(name)) end
end

local levels = { "emerg", "alert", "crit", "err", "warn", "notice", "info", "debug", "trace1", "trace2", "trace3", "trace4",
  "trace5", "trace6", "trace7", "trace8" }
for level, name in ipairs(levels) do
  methods[name] = log.method(level - 1)
end

r.define(methods)

_G.apache2 = {
  OK = 0, DECLINED = -1, DONE = -2, version = require "coral.worker".server(),
  HTTP_MOVED_TEMPORARILY = 302,
  PROXYREQ_NONE = 0, PROXYREQ_PROXY = 1, PROXYREQ_REVERSE = 2, PROXYREQ_RESPONSE = 3,
  AUTHZ_DENIED = 0, AUTHZ_GRANTED = 1, AUTHZ_NEUTRAL = 2, AUTHZ_GENERAL_ERROR = 3, AUTHZ_DENIED_NO_USER = 4,
}
