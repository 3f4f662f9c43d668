-- SPDX-License-Identifier: Apache-2.0
-- resty.openssl.hmac, with the API of lua-resty-openssl.
local crypto = require "coral.crypto"
local hmac = require "coral.openssl_digest" "hmac"

-- new(key, name): "sha1" by default; nil and why
function hmac.new(key, name)
  local ctx = crypto.hmac(name or "sha1", key)
  if not ctx then return nil, ('hmac.new: invalid digest type "%s"'):format(name) end
  return hmac.wrap(ctx)
end

return hmac
