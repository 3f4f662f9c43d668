-- SPDX-License-Identifier: Apache-2.0
-- resty.openssl.x509, with the API of lua-resty-openssl: certificates of PEM and DER, and what tells them apart. On coral.cert.
local cert = require "coral.cert"

local x509 = {}
local mt = { __index = x509, __tostring = function(self) return self:to_PEM() end }

-- new(text): of PEM or DER, whichever it is; nil and why
function x509.new(text)
  if type(text) ~= "string" then return nil, "x509.new: unexpected type, got " .. type(text) end
  local ctx, err = cert.read(text)
  if not ctx then return nil, "x509.new: " .. err end
  return setmetatable({ ctx = ctx }, mt)
end

function x509.istype(value)
  return type(value) == "table" and getmetatable(value) == mt
end

-- digest(name): of the whole certificate, "sha1" by default; nil and why
function x509:digest(name)
  local ok, digest, err = pcall(self.ctx.digest, self.ctx, name or "sha1")
  if not ok then return nil, ('x509:digest: invalid digest type "%s"'):format(tostring(name)) end
  return digest, err
end

-- tostring("PEM" | "DER"), to_PEM()
function x509:tostring(format)
  local der = self.ctx:der()
  if format == "DER" then return der end
  if format and format ~= "PEM" then return nil, "x509:tostring: can only write PEM or DER format, not " .. tostring(format) end
  local lines = ngx.encode_base64(der):gsub(("."):rep(64), "%0\n"):gsub("\n$", "")
  return "-----BEGIN CERTIFICATE-----\n" .. lines .. "\n-----END CERTIFICATE-----\n"
end

function x509:to_PEM()
  return self:tostring "PEM"
end

-- get_signature_name(): the algorithm it is signed with, as "RSA-SHA256"
function x509:get_signature_name()
  return self.ctx:signature()
end

return x509
