-- SPDX-License-Identifier: Apache-2.0
-- For a helper of busted: require "lapis.spec.httpd". Makes use_test_server, get_current_server and request work with httpd.
local server = require "lapis.spec.server"
local own = server.SpecServer(require "lapis.cmd.httpd".runner)

for _, name in ipairs { "load_test_server", "close_test_server", "get_current_server", "request" } do
  server[name] = function(...) return own[name](own, ...) end
end

return server
