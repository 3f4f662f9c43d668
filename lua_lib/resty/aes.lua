-- SPDX-License-Identifier: Apache-2.0
-- resty.aes, with the API of lua-resty-string.
local cipher = require "coral.cipher"

local aes = {
  _VERSION = "0.17",
  hash = { md5 = "md5", sha1 = "sha1", sha224 = "sha224", sha256 = "sha256", sha384 = "sha384", sha512 = "sha512" },
}
local mt = { __index = aes }

-- cipher(size, mode): 128, 192 or 256; "cbc" (default), "ecb", "ctr", "ofb", "cfb1", "cfb8", "cfb128", "gcm". nil if there is none
function aes.cipher(size, mode)
  size, mode = size or 128, mode or "cbc"
  local name = ("aes-%d-%s"):format(size, mode == "cfb128" and "cfb" or mode)
  return cipher.new(name) and { size = size, cipher = mode, method = name } or nil
end

local function with_size(bytes, size)
  return bytes:sub(1, size) .. ("\0"):rep(size - #bytes)
end

-- Key and vector as they are given: { iv = , method = what makes the key of the text }
local function given(key, how, size)
  if not how.iv then return nil, "iv is needed" end
  if #how.iv > size then return nil, "bad iv length" end
  if how.method then key = how.method(key) end
  if #key ~= size then return nil, "bad key length" end
  return key, how.iv
end

local function derived(key, salt, method, hash, rounds, size)
  if salt and #salt ~= 8 then return nil, "salt must be 8 characters or nil" end
  local made, iv = cipher.bytes_to_key(method, hash, salt, key, rounds)
  if not made or #made ~= size then return nil, "failed to generate key and iv" end
  return made, iv
end

-- aes:new(key, salt, cipher, hash, rounds, iv_len, padding): the key is derived from text and salt with the hash, or is itself
-- what is given where hash is a table { iv =, method = }. nil and why
function aes.new(_, key, salt, kind, hash, rounds, iv_len, padding)
  kind, hash = kind or aes.cipher(), hash or "md5"
  local size, iv = kind.size // 8, nil
  if type(hash) == "table" then
    key, iv = given(key, hash, size)
    iv_len = iv and #iv
  else
    key, iv = derived(key, salt, kind.method, hash, rounds or 1, size)
  end
  if not key then return nil, iv end
  local _, fixed = cipher.new(kind.method):sizes()
  iv_len = kind.cipher == "gcm" and (iv_len or size) or fixed
  return setmetatable({
    _ctx = cipher.new(kind.method), _gcm = kind.cipher == "gcm", _key = key, _iv = with_size(iv, iv_len),
    _padding = padding ~= false,
  }, mt)
end

local function check(self)
  if type(self) ~= "table" then error("bad argument #1 self: table expected, got " .. type(self), 3) end
  return self._ctx
end

-- encrypt(text, aad): bytes, of GCM a list of bytes and tag; nil and why
function aes:encrypt(text, aad)
  local ctx = check(self)
  if not ctx:init(true, self._key, self._iv, self._padding) then return nil, "EVP_EncryptInit_ex failed" end
  if self._gcm and aad ~= nil and not ctx:aad(aad) then return nil, "C.EVP_EncryptUpdate failed" end
  local bytes = ctx:update(text)
  if not bytes then return nil, "EVP_EncryptUpdate failed" end
  local rest = ctx:final()
  if not rest then return nil, "EVP_EncryptFinal_ex failed" end
  return self._gcm and { bytes, ctx:tag(16) } or bytes .. rest
end

-- decrypt(bytes, tag, aad): the text; nil and why, also if the tag is not the one it was encrypted with
function aes:decrypt(bytes, tag, aad)
  local ctx = check(self)
  if not ctx:init(false, self._key, self._iv, self._padding) then return nil, "EVP_DecryptInit_ex failed" end
  if self._gcm and aad ~= nil and not ctx:aad(aad) then return nil, "C.EVP_DecryptUpdate failed" end
  local text = ctx:update(bytes)
  if not text then return nil, "EVP_DecryptUpdate failed" end
  if self._gcm and tag ~= nil and #tag == 16 then ctx:set_tag(tag) end -- of a shorter one some would be guessed right
  local rest = ctx:final()
  if not rest then return nil, "EVP_DecryptFinal_ex failed" end
  return text .. rest
end

return aes
