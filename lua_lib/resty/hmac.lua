-- SPDX-License-Identifier: Apache-2.0
-- resty.hmac, with the API of lua-resty-hmac.
local crypto = require "coral.crypto"
local to_hex = require "resty.string".to_hex

local hmac = {
  _VERSION = "0.06",
  ALGOS = { MD5 = "md5", SHA1 = "sha1", SHA224 = "sha224", SHA256 = "sha256", SHA384 = "sha384", SHA512 = "sha512" },
}
local mt = { __index = hmac }

-- hmac:new(key, hmac.ALGOS.SHA256): MD5 by default; nil if OpenSSL forbids it
function hmac.new(_, key, algo)
  local ctx = crypto.hmac(algo or "md5", key)
  return ctx and setmetatable({ _ctx = ctx }, mt)
end

-- update(bytes): true
function hmac:update(bytes)
  return self._ctx:update(bytes) or false
end

-- final(bytes, hex): the code, of bytes too if there are any, after which only reset() works
function hmac:final(bytes, hex)
  if bytes ~= nil and not self._ctx:update(bytes) then return nil end
  local code = self._ctx:final()
  return code and (hex == true and to_hex(code) or code)
end

function hmac:reset()
  return self._ctx:reset() or false
end

return hmac
