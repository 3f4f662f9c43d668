-- SPDX-License-Identifier: Apache-2.0
-- resty.openssl.version: of the OpenSSL that mod_coral was linked with
local number, text = require "coral.crypto".version()

return {
  version_num = number, version_text = text, version = function() return text end,
  OPENSSL_111 = number < 0x30000000, OPENSSL_3_UP = number >= 0x30000000, OPENSSL_3X = number >= 0x30000000 and number < 0x40000000,
  OPENSSL_30 = number >= 0x30000000 and number < 0x30100000, OPENSSL_4X = number >= 0x40000000,
}
