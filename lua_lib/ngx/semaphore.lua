-- SPDX-License-Identifier: Apache-2.0
-- ngx.semaphore: between light threads, requests and timers of one Lua state.
return { new = function(n) return require "coral.thread".semaphore(n) end, version = "0.1" }
