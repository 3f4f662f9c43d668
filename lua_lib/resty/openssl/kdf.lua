-- SPDX-License-Identifier: Apache-2.0
-- resty.openssl.kdf, with the API of lua-resty-openssl: PBKDF2, HKDF and scrypt.
local crypto = require "coral.crypto"

local kdf = {
  HKDEF_MODE_EXTRACT_AND_EXPAND = 0, HKDEF_MODE_EXTRACT_ONLY = 1, HKDEF_MODE_EXPAND_ONLY = 2,
  PBKDF2 = 69, SCRYPT = 973, HKDF = 1036, -- OpenSSL's numbers for them
}
local mt = { __index = kdf }
local modes = { EXTRACT_AND_EXPAND = 0, EXTRACT_ONLY = 1, EXPAND_ONLY = 2 }

local derive = {}

function derive.PBKDF2(n, o)
  return crypto.pbkdf2(o.digest or "sha1", o.pass or "", o.salt or "", o.iter or 2048, n)
end

function derive.HKDF(n, o)
  local mode = modes[o.mode] or tonumber(o.mode) or 0
  return crypto.hkdf(o.digest or "sha1", mode, o.key or "", o.salt or "", o.info or "", n)
end

function derive.SCRYPT(n, o)
  return crypto.scrypt(o.pass or "", o.salt or "", o.n or o.N, o.r, o.p, o.maxmem_bytes or o.maxmem or 0, n)
end

-- What is wrong with an argument raises in coral.crypto; here it is nil and why.
local function try(name, n, options)
  local ok, key, err = pcall(derive[name], n, options)
  if not ok then return nil, "kdf:derive: " .. tostring(key) end
  if not key then return nil, "kdf:derive: " .. err end
  return key
end

-- derive_legacy { type = kdf.PBKDF2, outlen =, pass =, salt =, md =, pbkdf2_iter =, … }
function kdf.derive_legacy(o)
  if not o.type then return nil, 'kdf.derive: "type" must be set' end
  if type(o.type) ~= "number" then return nil, 'kdf.derive: expect a number as "type"' end
  if not o.outlen then return nil, 'kdf.derive: "outlen" must be set' end
  if o.type == kdf.PBKDF2 then
    return try("PBKDF2", o.outlen, { digest = o.md, pass = o.pass, salt = o.salt, iter = math.max(1, o.pbkdf2_iter or 1) })
  elseif o.type == kdf.HKDF then
    return try("HKDF", o.outlen, { digest = o.md, mode = o.hkdf_mode, key = o.hkdf_key, salt = o.salt, info = o.hkdf_info })
  elseif o.type == kdf.SCRYPT then
    return try("SCRYPT", o.outlen, {
      pass = o.pass, salt = o.salt, n = o.scrypt_N, r = o.scrypt_r, p = o.scrypt_p, maxmem = o.scrypt_maxmem,
    })
  end
  return nil, ("kdf.derive: unknown type %d"):format(o.type)
end

-- new(name): "PBKDF2", "HKDF" or "SCRYPT"; nil and why
function kdf.new(name)
  local known = type(name) == "string" and name:upper():gsub("^ID%-", "")
  if not derive[known] then return nil, ('kdf.new: invalid kdf type "%s"'):format(tostring(name)) end
  return setmetatable({ name = known }, mt)
end

function kdf.istype(value)
  return type(value) == "table" and getmetatable(value) == mt
end

-- derive(length, { digest =, key =, salt =, info =, mode =, pass =, iter =, … })
function kdf:derive(n, options)
  if not kdf.istype(self) then return kdf.derive_legacy(self) end
  return try(self.name, n, options)
end

function kdf:reset()
  return true
end

return kdf
