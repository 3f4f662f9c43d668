-- SPDX-License-Identifier: Apache-2.0
-- ngx.socket: cosockets. On coral.tcp and coral.udp.
require "coral.tls" -- its metatables
local tcp = require "coral.tcp".tcp
local udp = require "coral.udp".udp

local socket = { tcp = tcp, stream = tcp, udp = udp }

-- connect(host, port, options), connect("unix:/path", options): a socket that is connected; or nil and why
function socket.connect(...)
  local sock = tcp()
  local ok, err = sock:connect(...)
  if not ok then return nil, err end
  return sock
end

return socket
