-- SPDX-License-Identifier: Apache-2.0
-- The tests set the environment variables.
local config = require "lapis.config"

config({ "development", "test", "production" }, {
  server = "httpd",
  secret = "not to be told",
  session_name = "site",
  port = os.getenv "SITE_PORT" or "8080",
  max_request_args = 50,
  postgres = {
    host = "127.0.0.1", port = os.getenv "SITE_PG_PORT" or "5432",
    user = os.getenv "SITE_PG_USER" or "postgres", password = os.getenv "SITE_PG_PASSWORD",
    database = os.getenv "SITE_PG_DATABASE" or "site",
  },
})

config("development", { logging = { queries = false } })
config("production", { code_cache = "on", logging = { queries = false, requests = false }, greeting = "produced" })
