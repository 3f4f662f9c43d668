-- SPDX-License-Identifier: Apache-2.0
-- require "socket.headers" where LuaSocket is not installed: canonic gives the usual spelling of a header's name.
local unusual = { te = "TE", ["www-authenticate"] = "WWW-Authenticate", ["mime-version"] = "MIME-Version", ["content-id"] = "Content-ID",
  ["content-md5"] = "Content-MD5", ["message-id"] = "Message-ID", etag = "ETag", dnt = "DNT" }

return {
  canonic = setmetatable({}, {
    __index = function(_, name)
      return unusual[name] or (name:gsub("%f[%w]%l", string.upper))
    end
  })
}
