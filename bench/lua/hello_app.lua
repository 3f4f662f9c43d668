-- SPDX-License-Identifier: Apache-2.0
-- Workload (a) as an application: the chunk runs once per state and returns the function that answers.

return function(r)
  r.content_type = "text/plain"
  r:puts("Hello, world")
end
