-- SPDX-License-Identifier: Apache-2.0
-- ngx.ssl: what a client needs of it: certificates and keys for tcpsock:setclientcert.
local tls = require "coral.tls"

local ssl = { version = "0.1" }

-- parse_pem_cert(text): a certificate and its chain; or nil and why
function ssl.parse_pem_cert(text)
  return tls.cert(tls.certificate(), text)
end

-- parse_pem_priv_key(text): a key; or nil and why
function ssl.parse_pem_priv_key(text)
  return tls.key(tls.certificate(), text)
end

return ssl
