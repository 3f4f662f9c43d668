-- SPDX-License-Identifier: Apache-2.0
-- resty.openssl: of lua-resty-openssl the modules that other libraries use most: digest, hmac, rand, kdf, cipher, pkey, and some of x509 and ssl. The rest
-- of it calls OpenSSL through LuaJIT's FFI.
local openssl = { _VERSION = "1.5.0" }

-- load_modules(): as fields
function openssl.load_modules()
  for _, name in ipairs { "digest", "hmac", "rand", "kdf", "cipher", "pkey", "x509", "ssl", "version" } do
    openssl[name] = require("resty.openssl." .. name)
  end
end

-- get_fips_mode(): false: no module of mod_coral asks for it
function openssl.get_fips_mode()
  return false
end

return openssl
