-- SPDX-License-Identifier: Apache-2.0
-- resty.openssl.rand, with the API of lua-resty-openssl.
local crypto = require "coral.crypto"

local rand = {}

-- bytes(n)
function rand.bytes(n)
  if type(n) ~= "number" then return nil, "rand.bytes: expect a number at #1" end
  return crypto.random(math.floor(n))
end

return rand
