-- SPDX-License-Identifier: Apache-2.0
-- resty.openssl.cipher, with the API of lua-resty-openssl.
local coral_cipher = require "coral.cipher"

local cipher = {}
local mt = { __index = cipher }

-- new(name); nil and why
function cipher.new(name)
  if not name then return nil, "cipher.new: expect type to be defined" end
  local ctx, err = coral_cipher.new((name:gsub("^aes%-(%d+)%-wrap$", "id-aes%1-wrap"))) -- of two names the one it is listed under
  if not ctx then return nil, ('cipher.new: invalid cipher type "%s": %s'):format(name, err) end
  local key_size, iv_size, block_size = ctx:sizes()
  return setmetatable({
    ctx = ctx, name = name, key_size = key_size, iv_size = iv_size, block_size = block_size, initialized = false,
  }, mt)
end

function cipher.istype(value)
  return type(value) == "table" and getmetatable(value) == mt
end

local function refused(self, what)
  if not self.initialized then return ("cipher:%s: cipher not initalized, call cipher:init first"):format(what) end
end

-- nil (or false) and why, if a call failed
local function checked(what, no, value, err)
  if value == nil then return no, ("cipher:%s: %s"):format(what, err) end
  return value
end

-- init(key, iv, { is_encrypt =, no_padding = }): true; false and why
function cipher:init(key, iv, opts)
  opts = opts or {}
  if not key or #key ~= self.key_size then return false, "cipher:init: incorrect key size, expect " .. self.key_size end
  if self.iv_size > 0 and (not iv or #iv ~= self.iv_size) then
    return false, "cipher:init: incorrect iv size, expect " .. self.iv_size
  end
  local ok, err = checked("init", false, self.ctx:init(opts.is_encrypt, key, self.iv_size > 0 and iv or nil, not opts.no_padding))
  self.initialized = ok
  return ok, err
end

function cipher:update_aead_aad(aad)
  local err = refused(self, "update_aead_aad")
  if err then return nil, err end
  return checked("update_aead_aad", false, self.ctx:aad(aad))
end

-- get_aead_tag(size): 16 bytes by default
function cipher:get_aead_tag(size)
  local err = refused(self, "get_aead_tag")
  if err then return nil, err end
  size = size or self.key_size // 2
  if size > self.key_size then return nil, ("tag size %d is too large"):format(size) end
  return checked("get_aead_tag", nil, self.ctx:tag(size))
end

function cipher:set_aead_tag(tag)
  local err = refused(self, "set_aead_tag")
  if err then return nil, err end
  if type(tag) ~= "string" then return false, "cipher:set_aead_tag expect a string at #1" end
  return checked("set_aead_tag", false, self.ctx:set_tag(tag))
end

-- update(bytes, …): what comes out
function cipher:update(...)
  local why = refused(self, "update")
  if why then return nil, why end
  local out = {}
  for i, bytes in ipairs { ... } do
    local part, err = checked("update", nil, self.ctx:update(bytes))
    if not part then return nil, err end
    out[i] = part
  end
  return table.concat(out)
end

-- final(bytes): the rest
function cipher:final(bytes)
  local why = refused(self, "final")
  if why then return nil, why end
  local out, err = "", nil
  if bytes then
    out, err = checked("final", nil, self.ctx:update(bytes))
    if not out then return nil, err end
  end
  local rest
  rest, err = checked("final: EVP_CipherFinal_ex", nil, self.ctx:final())
  if not rest then return nil, err end
  return out .. rest
end

local function begin(self, key, iv, opts, aad, tag)
  local ok, err = self:init(key, iv, opts)
  if ok and aad then ok, err = self:update_aead_aad(aad) end
  if ok and tag then ok, err = self:set_aead_tag(tag) end
  return ok, err
end

-- encrypt(key, iv, text, no_padding, aad), decrypt(key, iv, bytes, no_padding, aad, tag); nil and why
function cipher:encrypt(key, iv, text, no_padding, aad)
  local ok, err = begin(self, key, iv, { is_encrypt = true, no_padding = no_padding }, aad)
  if not ok then return nil, err end
  return self:final(text)
end

function cipher:decrypt(key, iv, bytes, no_padding, aad, tag)
  local ok, err = begin(self, key, iv, { no_padding = no_padding }, aad, tag)
  if not ok then return nil, err end
  return self:final(bytes)
end

-- derive(text, salt, count, digest): key and iv as openssl enc derives them; salt of 8 bytes
function cipher:derive(text, salt, count, digest)
  if type(text) ~= "string" then return nil, nil, "cipher:derive: expect a string at #1" end
  if salt and type(salt) ~= "string" then return nil, nil, "cipher:derive: expect a string at #2" end
  if salt then salt = salt:sub(1, 8) .. ("\0"):rep(8 - #salt) end
  local key, iv = coral_cipher.bytes_to_key(self.name, digest or "sha1", salt, text, tonumber(count) or 1)
  if not key then return nil, nil, "cipher:derive: " .. iv end
  return key, iv
end

return cipher
