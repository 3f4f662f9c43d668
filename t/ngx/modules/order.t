# SPDX-License-Identifier: Apache-2.0
# Whose module require finds: an installed library, or ours.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== what is installed comes before ours in spare/, after the rest of ours
--- htaccess
CoralPackagePath "@DIR@/?.lua"
--- file resty/websocket/protocol.lua
return "installed"
--- file resty/lock.lua
return "installed"
--- file resty/sha256.lua
return "installed"
--- file bit.lua
return "installed"
--- file resty/lrucache/pureffi.lua
return "installed"
--- lua
for _, name in ipairs { "resty.websocket.protocol", "resty.lock", "resty.sha256", "bit", "resty.lrucache.pureffi" } do
  ngx.say(name, " ", require(name) == "installed")
end
--- body
resty.websocket.protocol true
resty.lock true
resty.sha256 false
bit false
resty.lrucache.pureffi false

=== package.preload comes first
--- htaccess
CoralPackagePath "@DIR@/only/?.lua"
--- lua
package.preload["resty.sha384"] = function() return "theirs" end
ngx.say(require "resty.sha384")
package.preload["resty.sha384"], package.loaded["resty.sha384"] = nil, nil
ngx.say(type(require "resty.sha384"))
--- body
theirs
table

=== all names that docs/openresty.md says are there
--- lua
local names = { "bit", "ffi", "jit", "string.buffer", "table.new", "table.clear", "table.isempty", "table.isarray", "table.nkeys", "table.clone",
  "ngx.base64", "ngx.errlog", "ngx.process", "ngx.req", "ngx.resp", "resty.core", "resty.core.base", "resty.core.utils", "resty.string", "resty.md5", "resty.sha",
  "resty.sha1", "resty.sha224", "resty.sha256", "resty.sha384", "resty.sha512", "resty.aes", "resty.hmac", "resty.random", "resty.evp",
  "resty.openssl", "resty.openssl.digest", "resty.openssl.hmac", "resty.openssl.rand", "resty.openssl.kdf", "resty.openssl.cipher",
  "resty.openssl.pkey", "resty.openssl.x509", "resty.openssl.ssl", "resty.openssl.version", "resty.lrucache", "resty.lrucache.pureffi", "resty.lock", "resty.upload",
  "resty.websocket.protocol", "resty.websocket.server", "resty.websocket.client" }
for _, name in ipairs(names) do
  local ok, module = pcall(require, name)
  if not ok or type(module) ~= "table" and type(module) ~= "function" then ngx.say(name, " ", module) end
end
ngx.say(#names)
--- body
47
