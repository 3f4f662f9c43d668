# SPDX-License-Identifier: Apache-2.0
# resty.core, and ngx.base64, ngx.errlog, ngx.process, ngx.req, ngx.resp as modules.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== resty.core and its parts
--- lua
ngx.say(type(require "resty.core".version))
for _, name in ipairs { "base64", "coroutine", "ctx", "exit", "hash", "misc", "ndk", "param", "phase", "regex", "request", "response", "shdict",
  "socket", "time", "uri", "var", "worker" } do
  assert(type(require("resty.core." .. name)) == "table", name)
end
local base = require "resty.core.base"
ngx.say(base.FFI_OK, base.FFI_ERROR, " ", base.new_tab == table.new, " ", type(base.clear_tab), " ", base.get_request())
base.allows_subsystem("stream", "http")
ngx.say((pcall(base.allows_subsystem, "stream")))
local ffi = require "ffi"
local b = base.get_string_buf(10)
ngx.say(b == base.get_string_buf(4096), " ", b ~= base.get_string_buf(10, true), " ", ffi.sizeof(base.get_string_buf(5000)), " ", base.get_string_buf_size())
base.get_size_ptr()[0] = 5
ngx.say(base.get_size_ptr()[0], " ", base.get_errmsg_ptr()[0])
local t = {}
local one, two = base.ref_in_table(t, "a"), base.ref_in_table(t, "b")
ngx.say(one, two, " ", t[one], t[two], " ", base.ref_in_table(t, nil))
ngx.say(require "resty.core.utils".str_replace_char("a_b_c", "_", "-"), " ", require "resty.core.utils".str_replace_char("a.b", ".", "%"))
--- body
string
0-1 true function true
false
true true 5000 4096
5 nil
12 ab -1
a-b-c a%b

=== ngx.base64
--- lua
local base64 = require "ngx.base64"
for _, text in ipairs { "", "a", "ab", "abc", "\255\254\253", "??>" } do
  ngx.print(base64.encode_base64url(text), " ", base64.decode_base64url(base64.encode_base64url(text)) == text, "; ")
end
ngx.say()
for _, text in ipairs { "YQ==", "YQ", "Y", "YQ=", "Y Q", "Y\nQ", "@@", "/+8", "YWJj====", "YWJ", "YWJk\n", "YQ=@@", "=", "YR", "" } do
  local bytes, err = base64.decode_base64url(text)
  ngx.print(bytes and "[" .. bytes .. "]" or tostring(bytes) .. ":" .. err, " ")
end
ngx.say()
ngx.say(base64.encode_base64url(1))
ngx.say(base64.decode_base64url())
local all = ("\0\1\2\253\254\255"):rep(10001)
ngx.say(base64.decode_base64url(base64.encode_base64url(all)) == all)
--- body
 true; YQ true; YWI true; YWJj true; __79 true; Pz8- true; 
[a] [a] nil:invalid input [a] nil:invalid input nil:invalid input nil:invalid input nil:invalid input [abc] [ab] nil:invalid input [a] [] [a] [] 
nilmust provide a string
nilmust provide a string
true

=== ngx.errlog
--- lua
local errlog = require "ngx.errlog"
ngx.say(errlog.get_sys_filter_level())
errlog.raw_log(ngx.ERR, "raw words of errlog.t a\0b")
ngx.say(errlog.set_filter_level())
ngx.say(errlog.set_filter_level(ngx.WARN))
ngx.say(errlog.get_logs())
for _, args in ipairs { { "x", "y" }, { ngx.ERR }, { 99, "x" }, { -1, "x" }, { ngx.ERR, {} } } do
  ngx.say((select(2, pcall(errlog.raw_log, args[1], args[2])):gsub("^.-:%d+: ", "")))
end
--- body
8
nilmissing "level" argument
nildirective "lua_capture_error_log" is not set
nildirective "lua_capture_error_log" is not set
bad argument #1 to 'raw_log' (must be a number)
bad argument #2 to 'raw_log' (must be a string)
bad log level
bad log level
bad argument #2 to 'raw_log' (must be a string)
--- error_log
] raw words of errlog.t a\\x00b
--- no_error_log
main.lua:3: raw words

=== ngx.process
--- lua
local process = require "ngx.process"
ngx.say(process.type(), " ", process.get_master_pid() ~= ngx.worker.pid(), " ", math.type(process.get_master_pid()))
ngx.say(process.enable_privileged_agent())
ngx.say((select(2, pcall(process.signal_graceful_exit)):gsub("^.-:%d+: ", "")))
--- body
worker true integer
nilAPI disabled in the current context
ngx.process.signal_graceful_exit: httpd's parent process alone ends its children

=== ngx.req.add_header
--- more_headers
X-Had: one
--- lua
local req = require "ngx.req"
local function show(name) local v = ngx.req.get_headers()[name] return type(v) == "table" and table.concat(v, ",") or tostring(v) end
req.add_header("X-Had", "two")
req.add_header("x_had", { "three", 4 })
req.add_header("X-New", true)
ngx.say(show "x-had", " ", show "x-new")
for _, args in ipairs { { nil, "x" }, { "x" }, { "x", {} }, { "x y", "v" }, { "x", "a\nb" } } do ngx.print((pcall(req.add_header, args[1], args[2])), " ") end
ngx.say((select(2, pcall(req.add_header, "x")):gsub("^.-:%d+: ", "")))
--- body
one,two,three,4 true
false false false false false bad 'value' argument: string or table expected, got nil

=== ngx.resp.add_header, set_status
--- lua
local resp = require "ngx.resp"
ngx.header.Foo = "a"
resp.add_header("foo", "b")
resp.add_header("Bar", { "x", "y" })
resp.add_header("bar", 5)
resp.add_header("X_Under", "u")
resp.add_header("Content-Type", "text/one")
resp.add_header("Content-Type", "text/two")
resp.set_status(299)
ngx.say(table.concat(ngx.header.foo, ","), " ", table.concat(ngx.header.bar, ","), " ", ngx.header.content_type, " ", ngx.header["X-Under"], " ", ngx.status)
for _, args in ipairs { { "x" }, { "x", {} }, { "x", "a\r\nb" } } do ngx.print((pcall(resp.add_header, args[1], args[2])), " ") end
ngx.say()
--- code 299
--- header
Foo: a, b
Bar: x, y, 5
Content-Type: text/two
--- body
a,b x,y,5 text/two u 299
false false false 

=== ngx.resp.bypass_if_checks
--- request GET main.lua
--- more_headers
If-None-Match: "tag"
--- lua
require "ngx.resp".bypass_if_checks()
ngx.header.ETag = '"tag"'
ngx.say("sent")
--- body
sent
