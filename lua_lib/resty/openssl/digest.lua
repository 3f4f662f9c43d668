-- SPDX-License-Identifier: Apache-2.0
-- resty.openssl.digest, with the API of lua-resty-openssl.
local crypto = require "coral.crypto"
local digest = require "coral.openssl_digest" "digest"

-- new(name): "sha1" by default; nil and why
function digest.new(name)
  local ctx, err = crypto.digest(name or "sha1")
  if not ctx then return nil, ('digest.new: invalid digest type "%s": %s'):format(name, err) end
  return digest.wrap(ctx)
end

return digest
