-- SPDX-License-Identifier: Apache-2.0
-- resty.core: OpenResty loads it for ngx's sake; here ngx is complete without.
return { version = require "resty.core.base".version }
