-- SPDX-License-Identifier: Apache-2.0
-- What resty.openssl.digest and resty.openssl.hmac have in common: class(name) gives the methods.
return function(name)
  local digest = {}
  local mt = { __index = digest }

  function digest.wrap(ctx)
    return setmetatable({ ctx = ctx }, mt)
  end

  function digest.istype(value)
    return type(value) == "table" and getmetatable(value) == mt
  end

  -- update(bytes, …): true; false and why
  function digest:update(...)
    for _, bytes in ipairs { ... } do
      local ok, err = self.ctx:update(bytes)
      if not ok then return false, name .. ":update: " .. err end
    end
    return true
  end

  -- final(bytes): the result, of bytes too if there are any
  function digest:final(bytes)
    if bytes then
      local ok, err = self.ctx:update(bytes)
      if not ok then return false, name .. ":final: " .. err end
    end
    local result, err = self.ctx:final()
    if not result then return nil, name .. ":final: " .. err end
    return result
  end

  function digest:reset()
    local ok, err = self.ctx:reset()
    if not ok then return false, name .. ":reset: " .. err end
    return true
  end

  return digest
end
