-- SPDX-License-Identifier: Apache-2.0
-- resty.evp, with the API that lua-resty-jwt brings along: signatures, certificates, RSA.
local cert = require "coral.cert"
local crypto = require "coral.crypto"
local pkey = require "coral.pkey"

local evp = { _VERSION = "0.2.4" }

evp.CONST = {
  SHA1_DIGEST = "SHA1", SHA256_DIGEST = "SHA256", SHA384_DIGEST = "SHA384", SHA512_DIGEST = "SHA512",
  RSA_PKCS1_PADDING = 1, RSA_SSLV23_PADDING = 2, RSA_NO_PADDING = 3, RSA_PKCS1_OAEP_PADDING = 4, RSA_X931_PADDING = 5,
  RSA_PKCS1_PSS_PADDING = 6,
}

local function class(name)
  local c = {}
  c.__index = c
  evp[name] = c
  return c
end

-- A private key of that kind; nil and why
local function private_key(text, password, kind)
  local key, err = pkey.read(text, "private", password)
  if not key then return nil, err end
  if key:kind() ~= kind then return nil, "not a key of kind " .. kind end
  return key
end

local function check_digest(name)
  if type(name) == "string" and crypto.digest(name) then return true end
  return nil, "Unknown message digest"
end

-- RSASigner:new(pem, password, padding), ECSigner:new(pem, password); sign(message, digest's name); nil and why
local function make_signer(name, kind)
  local signer = class(name)

  function signer:new(pem, password, padding)
    local key, err = private_key(pem, password, kind)
    if not key then return nil, err end
    return setmetatable({ evp_pkey = key, padding = padding }, self)
  end

  function signer:sign(message, digest)
    local ok, err = check_digest(digest)
    if not ok then return nil, err end
    return self.evp_pkey:sign(message, digest, self.padding)
  end

  return signer
end

make_signer("RSASigner", "RSA")
local ECSigner = make_signer("ECSigner", "EC")

-- get_raw_sig(signature): r and s one after the other, as in a JWT, from DER
function ECSigner:get_raw_sig(signature)
  if not signature then return nil, "Must pass a signature to convert" end
  return self.evp_pkey:raw(signature)
end

local function new_of_source(self, source, padding, digest)
  if not source then return nil, "You must pass in an key_source for a public key" end
  return setmetatable({ evp_pkey = source.public_key, padding = padding, digest_alg = digest }, self)
end

-- RSAVerifier:new(Cert or PublicKey, padding); verify(message, signature, digest's name): true; false and why
local RSAVerifier = class "RSAVerifier"

function RSAVerifier:new(source, padding)
  return new_of_source(self, source, padding)
end

local function verify(self, message, signature, digest)
  local ok, err = check_digest(digest)
  if not ok then return false, err end
  if self.evp_pkey:verify(message, signature, digest, self.padding) then return true end
  return false, "Verification failed"
end

RSAVerifier.verify = verify

-- ECVerifier: the same; signatures are r and s one after the other
local ECVerifier = class "ECVerifier"

function ECVerifier:new(source)
  return new_of_source(self, source)
end

function ECVerifier:get_der_sig(signature)
  if not signature then return nil, "Must pass a signature to convert" end
  return self.evp_pkey:der(signature)
end

function ECVerifier:verify(message, signature, digest)
  local der, err = self:get_der_sig(signature)
  if not der then return nil, err end
  return verify(self, message, der, digest)
end

-- Cert:new(PEM or DER)
local Cert = class "Cert"

function Cert:new(text)
  if not text then return nil, "Must pass a PEM or binary DER cert" end
  local x509, err = cert.read(text)
  if not x509 then return nil, err end
  local key
  key, err = pkey.read(x509:key(), "public")
  if not key then return nil, err end
  return setmetatable({ x509 = x509, public_key = key }, self)
end

function Cert:get_der()
  return self.x509:der()
end

-- get_fingerprint(digest's name): "AB:CD:…"
function Cert:get_fingerprint(digest)
  local ok, err = check_digest(digest)
  if not ok then return nil, err end
  return (self.x509:digest(digest):gsub(".", function(c) return (":%02X"):format(c:byte()) end):sub(2))
end

function Cert:get_public_key()
  return self.public_key
end

-- verify_trust(file of trusted certificates): true; false and why
function Cert:verify_trust(file)
  return self.x509:verify(file)
end

-- PublicKey:new(PEM or DER)
local PublicKey = class "PublicKey"

function PublicKey:new(text)
  if not text then return nil, "Must pass a PEM or binary DER public key" end
  local key, err = pkey.read(text, "public")
  if not key then return nil, err end
  return setmetatable({ public_key = key }, self)
end

-- RSAEncryptor:new(Cert or PublicKey, padding, digest's name); encrypt(text)
local RSAEncryptor = class "RSAEncryptor"

function RSAEncryptor:new(source, padding, digest)
  return new_of_source(self, source, padding or evp.CONST.RSA_PKCS1_OAEP_PADDING, digest or "SHA256")
end

function RSAEncryptor:encrypt(text)
  local ok, err = check_digest(self.digest_alg)
  if not ok then return nil, err end
  return self.evp_pkey:encrypt(text, self.digest_alg, self.padding)
end

-- RSADecryptor:new(pem, password, padding, digest's name); decrypt(bytes)
local RSADecryptor = class "RSADecryptor"

function RSADecryptor:new(pem, password, padding, digest)
  local key, err = private_key(pem, password, "RSA")
  if not key then return nil, err end
  padding = padding or evp.CONST.RSA_PKCS1_OAEP_PADDING
  return setmetatable({ evp_pkey = key, padding = padding, digest_alg = digest or "SHA256" }, self)
end

function RSADecryptor:decrypt(bytes)
  local ok, err = check_digest(self.digest_alg)
  if not ok then return nil, err end
  return self.evp_pkey:decrypt(bytes, self.digest_alg, self.padding)
end

return evp
