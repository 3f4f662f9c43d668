-- SPDX-License-Identifier: Apache-2.0
-- resty.openssl.pkey, with the API of lua-resty-openssl: keys of PEM and DER, made ones, signatures, RSA. No JWK, no parameters.
local coral_pkey = require "coral.pkey"
local crypto = require "coral.crypto"

local pkey = {
  PADDINGS = {
    RSA_PKCS1_PADDING = 1, RSA_NO_PADDING = 3, RSA_PKCS1_OAEP_PADDING = 4, RSA_X931_PADDING = 5, RSA_PKCS1_PSS_PADDING = 6,
  },
}
for name, number in pairs(pkey.PADDINGS) do pkey[name] = number end
local mt = { __index = pkey, __tostring = function(self) return self:tostring() end }

local function generate(config)
  local type = config.type or "RSA"
  if type == "RSA" then return coral_pkey.generate("RSA", config.bits or 2048) end
  if type == "EC" then return coral_pkey.generate("EC", config.curve or "prime192v1") end
  return coral_pkey.generate(type:upper())
end

local wants = { pr = "private", pu = "public", ["*"] = "any" }

-- new(text, { format = "PEM" | "DER", type = "pr" | "pu", passphrase = }), new { type = "RSA", bits = }, { type = "EC", curve = },
-- { type = "Ed25519" }; nil and why
function pkey.new(text, opts)
  local key, err
  opts = opts or {}
  if type(text) == "table" or text == nil then
    key, err = generate(text or {})
  elseif type(text) ~= "string" then
    return nil, "pkey.new: unexpected type, got " .. type(text)
  elseif opts.format == "JWK" or text:find "^%s*{" then
    return nil, "pkey.new: JWK is not supported by mod_coral"
  else
    key, err = coral_pkey.read(text, wants[opts.type or "*"], opts.passphrase)
  end
  if not key then return nil, "pkey.new: " .. tostring(err) end
  return setmetatable({ ctx = key }, mt)
end

function pkey.istype(value)
  return type(value) == "table" and getmetatable(value) == mt
end

function pkey:is_private()
  local _, _, private = self.ctx:kind()
  return private
end

local function refused_digest(digest)
  if digest and not crypto.digest(digest) then return ('pkey: invalid digest type "%s"'):format(tostring(digest)) end
end

-- sign(text, digest's name, padding, { ecdsa_use_raw = }); nil and why
function pkey:sign(text, digest, padding, opts)
  if type(text) ~= "string" then return nil, "pkey:sign: expect a string at #1" end
  local why = refused_digest(digest)
  if why then return nil, why end
  local signature, err = self.ctx:sign(text, digest, padding)
  if signature and opts and opts.ecdsa_use_raw and self.ctx:kind() == "EC" then signature, err = self.ctx:raw(signature) end
  if not signature then return nil, "pkey:sign: " .. err end
  return signature
end

-- verify(signature, text, digest's name, padding, { ecdsa_use_raw = }): true; false and why
function pkey:verify(signature, text, digest, padding, opts)
  if type(signature) ~= "string" then return nil, "pkey:verify: expect a string at #1" end
  if type(text) ~= "string" then return nil, "pkey:verify: expect a string at #2" end
  local why = refused_digest(digest)
  if why then return nil, why end
  if opts and opts.ecdsa_use_raw and self.ctx:kind() == "EC" then
    local der, err = self.ctx:der(signature)
    if not der then return nil, "pkey:verify: " .. err end
    signature = der
  end
  if self.ctx:verify(text, signature, digest, padding) then return true end
  return false, "pkey:verify: Verification failed"
end

-- encrypt(text, padding, { oaep_md = }), decrypt(bytes, padding, { oaep_md = }): of RSA; nil and why
for _, name in ipairs { "encrypt", "decrypt" } do
  pkey[name] = function(self, bytes, padding, opts)
    local why = refused_digest(opts and opts.oaep_md)
    if why then return nil, why end
    local result, err = self.ctx[name](self.ctx, bytes, opts and opts.oaep_md, padding or pkey.RSA_PKCS1_PADDING)
    if not result then return nil, "pkey:" .. name .. ": " .. err end
    return result
  end
end

-- tostring("public" | "private", "PEM"), to_PEM("public" | "private")
function pkey:tostring(which, format)
  if format and format ~= "PEM" then return nil, "pkey:tostring: mod_coral writes PEM alone" end
  local private = which == "private" or which == "PrivateKey"
  if private and not self:is_private() then return nil, "pkey:tostring: not a private key" end
  return self.ctx:pem(private)
end

function pkey:to_PEM(which)
  return self:tostring(which, "PEM")
end

return pkey
