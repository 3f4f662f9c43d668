-- SPDX-License-Identifier: Apache-2.0
local config = require "lapis.config"

config({ "development", "production" }, {
  server = os.getenv "BENCH_SERVER" or "httpd",
  port = os.getenv "BENCH_PORT", bind_host = "127.0.0.1",
  secret = "bench", code_cache = "on", logging = { queries = false, requests = false, server = false },
  postgres = { host = "127.0.0.1", port = os.getenv "BENCH_PG_PORT", user = "bench", database = "postgres" },
})
