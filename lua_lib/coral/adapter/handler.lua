-- SPDX-License-Identifier: Apache-2.0
-- The plain adapter: an app is a function of `r`. The file returns it, or a table with `handle` or `handler`, or defines mod_lua's
-- global handle(r).
local handler = { name = "handler" }

local function callable(value)
  return type(value) == "function" and value
end

local function find(app)
  local value = app.value
  return callable(value)
    or type(value) == "table" and (callable(value.handle) or callable(value.handler))
    or app.globals and callable(rawget(app.globals, "handle"))
end

function handler.detect(app)
  return find(app)
end

function handler.load(app)
  app:run()
  return find(app) or app:fail "it returns neither a function nor a table with `handle`, and defines no function handle(r)"
end

function handler.dispatch(handle, r)
  return handle(r)
end

return handler
