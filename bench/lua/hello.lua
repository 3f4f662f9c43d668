-- SPDX-License-Identifier: Apache-2.0
-- Workload (a) as a function: the same file runs in coral (CoralHook content FILE handle) and in mod_lua.

function handle(r)
  r.content_type = "text/plain"
  r:puts("Hello, world")
  return apache2.OK
end
