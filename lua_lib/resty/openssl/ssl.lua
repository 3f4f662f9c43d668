-- SPDX-License-Identifier: Apache-2.0
-- resty.openssl.ssl, with the API of lua-resty-openssl: the other side's certificate, of a socket after its handshake.
local x509 = require "resty.openssl.x509"

local ssl = {}
local mt = { __index = ssl }

-- from_socket(a socket of ngx.socket.tcp); nil and why
function ssl.from_socket(socket)
  if not socket then return nil, "expect a ngx.socket.tcp instance at #1" end
  local der = socket:getpeercertificate()
  if not der then return nil, "cosocket does not have SSL connection" end
  return setmetatable({ der = der }, mt)
end

-- get_peer_certificate(): a resty.openssl.x509
function ssl:get_peer_certificate()
  return x509.new(self.der)
end

return ssl
