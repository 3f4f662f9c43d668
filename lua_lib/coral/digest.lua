-- SPDX-License-Identifier: Apache-2.0
-- The classes resty.md5, resty.sha1 …, with the API of lua-resty-string: digest(name) gives the one of that digest.
local crypto = require "coral.crypto"

return function(name)
  local digest = { _VERSION = "0.17" }
  local mt = { __index = digest }

  -- new(): an object; nil if OpenSSL forbids the digest
  function digest.new()
    local ctx = crypto.digest(name)
    return ctx and setmetatable({ _ctx = ctx }, mt)
  end

  -- update(bytes, length): true
  function digest:update(bytes, length)
    return self._ctx:update(length and bytes:sub(1, length) or bytes) or false
  end

  -- final(): the digest, after which only reset() works
  function digest:final()
    return (self._ctx:final())
  end

  function digest:reset()
    return self._ctx:reset() or false
  end

  return digest
end
