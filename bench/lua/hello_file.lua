-- SPDX-License-Identifier: Apache-2.0
-- Workload (a) as a script in the document root: a chunk that gets `r`, asked for by its file name.

local r = ...
r.content_type = "text/plain"
r:puts("Hello, world")
