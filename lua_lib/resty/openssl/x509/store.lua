-- SPDX-License-Identifier: Apache-2.0
-- resty.openssl.x509.store, with the API of lua-resty-openssl: whom to trust, for tcpsock:settrustedstore(store.ctx). It takes the
-- certificates of ngx.ssl; nothing is verified with it elsewhere.
local ssl = require "coral.ssl"

local store = {}
local mt = { __index = store }

-- new(): nobody is trusted
function store.new()
  return setmetatable({ ctx = ssl.store() }, mt)
end

function store.istype(value)
  return type(value) == "table" and getmetatable(value) == mt
end

-- use_default(): whom the system trusts, too. true; or nil and why
function store:use_default()
  return ssl.trust(self.ctx)
end

-- add(certificate): one of ngx.ssl.parse_pem_cert or parse_der_cert, without its chain; true, or nil and why
function store:add(certificate)
  if type(certificate) ~= "userdata" then
    return nil, "x509.store:add: a certificate of ngx.ssl.parse_pem_cert is expected at #1"
  end
  return ssl.trust(self.ctx, certificate)
end

-- load_file(path): the certificates and revocation lists of a PEM file; true, or nil and why
function store:load_file(path)
  if type(path) ~= "string" then return nil, "x509.store:load_file: expect a string at #1" end
  return ssl.trust(self.ctx, path)
end

return store
