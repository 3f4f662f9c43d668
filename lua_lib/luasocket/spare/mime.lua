-- SPDX-License-Identifier: Apache-2.0
-- require "mime" where LuaSocket is not installed: mime.core, and its filters for ltn12.
local ltn12 = require "ltn12"
local mime = require "mime.core"
local cycle = ltn12.filter.cycle

-- A function that makes the filter its first argument names.
local function by_name(filters)
  return function(name, ...)
    if type(name) ~= "string" then return filters.default(name, ...) end
    local make = filters[name] or error("unknown key (" .. name .. ")", 2)
    return make(...)
  end
end

mime.encodet = {
  base64 = function() return cycle(mime.b64, "") end,
  ["quoted-printable"] = function(mode) return cycle(mime.qp, "", mode == "binary" and "=0D=0A" or "\r\n") end,
}
mime.decodet = {
  base64 = function() return cycle(mime.unb64, "") end,
  ["quoted-printable"] = function() return cycle(mime.unqp, "") end,
}
local function lines(length) return cycle(mime.wrp, length or 76, length or 76) end
mime.wrapt = {
  default = lines, text = lines, base64 = lines,
  ["quoted-printable"] = function() return cycle(mime.qpwrp, 76, 76) end,
}

-- encode(name, mode), decode(name): "base64" or "quoted-printable". wrap(name, length): lines, "text" by default
mime.encode, mime.decode, mime.wrap = by_name(mime.encodet), by_name(mime.decodet), by_name(mime.wrapt)

-- normalize(marker): one kind of ends of lines. stuff(): dots for SMTP
function mime.normalize(marker) return cycle(mime.eol, 0, marker) end
function mime.stuff() return cycle(mime.dot, 2) end

return mime
