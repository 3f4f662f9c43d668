-- SPDX-License-Identifier: Apache-2.0
-- require "ssl": LuaSec's names on coral.plug_tls: TLS as a client, which waits without a thread. As with LuaSec, nothing is verified unless
-- verify says so, and then the chain of certificates, not the name.
local base = require "coral.luasocket.base"
local plugs = require "coral.plug"
local stream = require "coral.luasocket.stream"
local tls = require "coral.plug_tls"
local ipairs, pcall, setmetatable, type = ipairs, pcall, setmetatable, type

local VERSION = "1.2.0"
local ssl = { _VERSION = VERSION, _COPYRIGHT = "LuaSec's names in mod_coral" }
local context_class = { __name = "SSL:Context" }
local methods = base.methods_with(stream)
local connection = base.class("SSL:Connection", methods)

-- Contexts.

local versions = { -- the least and the most of each protocol
  any = { 0, 0 }, sslv23 = { 0, 0 }, tlsv1 = { 0x301, 0x301 }, tlsv1_1 = { 0x302, 0x302 }, tlsv1_2 = { 0x303, 0x303 },
  tlsv1_3 = { 0x304, 0x304 },
}

local function list_of(value)
  if value == nil then return {} end
  return type(value) == "table" and value or { value }
end

local function set_versions(context, params)
  local its = versions[params.protocol]
  if not its then return nil, ("invalid protocol (%s)"):format(tostring(params.protocol)) end
  return tls.versions(context, its[1], its[2])
end

-- The text of a password; a function is asked for it.
local function password_of(own)
  local password = own.password
  if type(password) == "function" then password = password() end
  if password ~= nil and type(password) ~= "string" then return nil, "invalid password type" end
  return password or ""
end

local function set_certificate(context, own)
  local ok, err
  if own.key then
    local password
    password, err = password_of(own)
    if not password then return nil, err end
    ok, err = tls.key(context, own.key, password)
    if not ok then return nil, ("error loading private key (%s)"):format(err) end
  end
  if own.certificate then
    ok, err = tls.certificate(context, own.certificate)
    if not ok then return nil, ("error loading certificate (%s)"):format(err) end
    if own.key and not tls.check_key(context) then return nil, "private key does not match public key" end
  end
  return true
end

local function set_certificates(context, params)
  for _, own in ipairs(params.certificates or { params }) do
    local ok, err = set_certificate(context, own)
    if not ok then return nil, err end
  end
  if not (params.cafile or params.capath) then return true end
  local ok, err = tls.trusted(context, params.cafile, params.capath)
  if not ok then return nil, ("error loading CA locations (%s)"):format(err) end
  return true
end

local function set_ciphers(context, params)
  for name, set in pairs { ciphers = tls.ciphers, ciphersuites = tls.suites } do
    local ok, err
    if params[name] then ok, err = set(context, params[name]) end
    if err then return nil, ("error setting cipher list (%s)"):format(err) end
  end
  local curves = params.curveslist or params.curve
  if curves and curves ~= "" and not tls.curves(context, curves) then
    return nil, ("unknown elliptic curve in \"%s\""):format(curves)
  end
  return true
end

local checks = { none = false, peer = true, client_once = false, fail_if_no_peer_cert = false }

local function set_verify(context, params)
  local verify = false
  for _, name in ipairs(list_of(params.verify)) do
    if checks[name] == nil then return nil, ("invalid verify option (%s)"):format(tostring(name)) end
    verify = verify or checks[name]
  end
  return tls.verify(context, verify, params.depth)
end

local function set_options(context, params)
  for _, name in ipairs(list_of(params.options)) do
    if not tls.option(context, name) then return nil, ("invalid option (%s)"):format(tostring(name)) end
  end
  return true
end

-- In OpenSSL's form.
local function wire_format(protocols)
  local out = ""
  for _, name in ipairs(list_of(protocols)) do
    if type(name) ~= "string" then return nil, "invalid ALPN parameter" end
    if name == "" then return nil, "invalid ALPN name (empty string)" end
    if #name > 255 then return nil, "invalid ALPN name (length > 255)" end
    out = out .. string.pack("s1", name)
  end
  if out == "" then return nil, "invalid ALPN list (empty)" end
  return out
end

-- newcontext(params): what connections have in common: mode ("client"), protocol, verify, options, cafile, capath, certificate, key, password,
-- certificates, ciphers, ciphersuites, curve, curveslist, depth, alpn; or nil and why
function ssl.newcontext(params)
  if params.mode == "server" then
    return nil, "mode \"server\" is not there in mod_coral: httpd (mod_ssl) is who serves TLS"
  elseif params.mode ~= "client" then
    return nil, ("invalid mode (%s)"):format(tostring(params.mode))
  elseif params.dane then
    return nil, "dane is not there in mod_coral"
  end
  local context, err = tls.context()
  if not context then return nil, ("error creating context (%s)"):format(err) end
  for _, set in ipairs { set_versions, set_certificates, set_ciphers, set_verify, set_options } do
    local ok
    ok, err = set(context, params)
    if not ok then return nil, err end
  end
  local alpn
  if params.alpn then
    alpn, err = wire_format(params.alpn)
    if not alpn then return nil, err end
  end
  return setmetatable({ context = context, alpn = alpn }, context_class)
end

-- wrap(socket, params or context): a connection over a tcp{client}, which is closed from here on; or nil and why
function ssl.wrap(socket, context)
  if getmetatable(context) ~= context_class then
    if type(context) ~= "table" then base.wrong(2, "wrap", "table", context, 2) end
    local err
    context, err = ssl.newcontext(context)
    if not context then return nil, err end
  end
  local plug = type(socket) == "table" and socket.plug
  if not plug or plugs.fd(plug) < 0 then return nil, "closed" end
  local self = base.new(connection, "tcp", { plug = plug, family = socket.family, tls = "new", context = context })
  socket.plug = nil
  return self
end

-- Connections: LuaSocket's send, receive, settimeout, close, dirty, getfd, getstats …; and these.

-- sni(name): the server's, which is told
function methods:sni(name)
  if type(name) ~= "string" then base.wrong(1, "sni", "string", name, 2) end
  self.name = name
end

-- getsniname(): nil, as for each client
function methods:getsniname() return self.name end

-- dohandshake(): true, or false and why
function methods:dohandshake()
  local plug, context = self.plug, self.context
  if self.tls == "new" then
    local ok, err = tls.begin(plug, context.context, self.name, context.alpn)
    if not ok then return false, err end
    self.tls = "begun"
  end
  local start
  while true do
    local ok, err = tls.shake(plug)
    if ok then
      self.tls, self.wanted = "connected", nil
      return true
    end
    self.wanted = ok == false and err or nil
    if ok == nil then return false, err end
    local direction = err
    start, err = base.wait(self, direction, start)
    if not start then
      if err == "timeout" then err = direction == base.WRITE and "wantwrite" or "wantread" end
      return false, err
    end
  end
end

for _, name in ipairs { "send", "receive" } do
  methods[name] = function(self, ...)
    if self.tls == "connected" then return stream[name](self, ...) end
    return nil, "closed", name == "send" and 0 or ""
  end
end

-- want(): what a handshake waits for: "read", "write" or "nothing"
function methods:want()
  return self.wanted == base.READ and "read" or self.wanted == base.WRITE and "write" or "nothing"
end

-- info(field): cipher, protocol, key, authentication, encryption, mac, bits, algbits, export, compression: all in a table, or one of them
function methods:info(field)
  if field == "compression" then return nil end
  local description, bits, algbits, protocol = tls.cipher(self.plug)
  if not description then return nil, bits end
  local info = { bits = bits, algbits = algbits, protocol = protocol, export = false }
  info.cipher = description:match "^%S+"
  info.key, info.authentication = description:match "Kx=(%S+)", description:match "Au=(%S+)"
  info.encryption, info.mac = description:match "Enc=(%S+)", description:match "Mac=(%S+)"
  if field then return info[field] end
  return info
end

-- LuaSec's certificates, if it is installed.
local function certificate(pem)
  local ok, x509 = pcall(require, "ssl.x509")
  if not ok then return nil, "certificates as objects need LuaSec to be installed (Debian: lua-sec); getpeerpem() gives the text" end
  return x509.load(pem)
end

-- getpeerpem(n): not LuaSec's: the n-th certificate of the other side as PEM, nil: it has not so many
function methods:getpeerpem(n) return tls.peer(self.plug, n) end

-- getpeercertificate(n): the same as an object of LuaSec's. getpeerchain(): all of them
function methods:getpeercertificate(n)
  local pem, err = tls.peer(self.plug, n)
  if not pem then return nil, err end
  return certificate(pem)
end

function methods:getpeerchain()
  local chain = {}
  while true do
    local pem, err = tls.peer(self.plug, #chain + 1)
    if not pem then
      if err then return nil, err end
      return chain
    end
    chain[#chain + 1], err = certificate(pem)
    if err then return nil, err end
  end
end

-- getpeerverification(): true, or false and why
function methods:getpeerverification()
  local ok, err = tls.verified(self.plug)
  return ok or false, err
end

-- getfinished(), getpeerfinished(): the last messages of the handshake, for channel bindings
function methods:getfinished() return tls.finished(self.plug) end
function methods:getpeerfinished() return tls.finished(self.plug, true) end

-- getalpn(): the protocol that was agreed on, or nil
function methods:getalpn() return tls.protocol(self.plug) end

-- loadcertificate(pem): an object of LuaSec's
function ssl.loadcertificate(pem) return certificate(pem) end

-- config: what there is, as LuaSec tells it
ssl.config = {
  protocols = { tlsv1 = true, tlsv1_1 = true, tlsv1_2 = true, tlsv1_3 = true },
  options = { all = true, no_sslv2 = true, no_sslv3 = true, no_tlsv1 = true, no_tlsv1_1 = true, no_tlsv1_2 = true, no_tlsv1_3 = true,
    no_ticket = true, no_compression = true, no_renegotiation = true, cipher_server_preference = true, single_dh_use = true,
    single_ecdh_use = true },
  algorithms = { ec = true },
  capabilities = { alpn = true, curves_list = true, ecdh_auto = true },
}

return ssl
