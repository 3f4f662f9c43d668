-- SPDX-License-Identifier: Apache-2.0
-- ngx.ssl: what a client needs of it. The server's certificates are mod_ssl's.
local coral_ssl = require "coral.ssl"

local ssl = {
  version = require "resty.core.base".version,
  SSL3_VERSION = 0x0300, TLS1_VERSION = 0x0301, TLS1_1_VERSION = 0x0302, TLS1_2_VERSION = 0x0303, TLS1_3_VERSION = 0x0304,
  -- parse_…(text): a certificate with its chain, or a key, for tcpsock:setclientcert; or nil and why
  parse_pem_cert = coral_ssl.parse_pem_cert,
  parse_der_cert = coral_ssl.parse_der_cert,
  parse_pem_priv_key = coral_ssl.parse_pem_priv_key,
  parse_der_priv_key = coral_ssl.parse_der_priv_key,
  -- cert_pem_to_der(text), priv_key_pem_to_der(text, password): the bytes; or nil and why
  cert_pem_to_der = coral_ssl.cert_pem_to_der,
  priv_key_pem_to_der = coral_ssl.priv_key_pem_to_der,
}

local versions = { SSLv3 = 0x0300, TLSv1 = 0x0301, ["TLSv1.1"] = 0x0302, ["TLSv1.2"] = 0x0303, ["TLSv1.3"] = 0x0304 }

-- get_tls1_version_str(), get_tls1_version(): what the client of the request speaks; or nil and why
function ssl.get_tls1_version_str()
  local name = ngx.var.SSL_PROTOCOL
  if not versions[name] then return nil, "bad ssl conn" end
  return name
end

function ssl.get_tls1_version()
  local name, err = ssl.get_tls1_version_str()
  return name and versions[name], err
end

-- server_name(): the one it asked for (SNI), nil: none
function ssl.server_name()
  if not ssl.get_tls1_version_str() then return nil, "bad ssl conn" end
  local name = ngx.var.SSL_TLS_SNI
  return name ~= "" and name or nil
end

-- server_port(): where it came in
function ssl.server_port()
  return tonumber(ngx.var.server_port)
end

for _, name in ipairs { "clear_certs", "set_der_cert", "set_der_priv_key", "set_cert", "set_priv_key", "verify_client",
  "get_client_random", "get_server_random", "get_session_master_key", "export_keying_material", "export_keying_material_early",
  "get_req_ssl_pointer", "get_upstream_ssl_pointer", "get_req_shared_ssl_ciphers", "raw_server_addr", "raw_client_addr" } do
  ssl[name] = function()
    error("ngx.ssl." .. name .. ": the connection of a client is mod_ssl's, which lets no Lua into it", 2)
  end
end

return ssl
