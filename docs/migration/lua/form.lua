-- SPDX-License-Identifier: Apache-2.0
-- The fields of a form, in order.
local names = require "names"

ngx.req.read_body()
local form = ngx.req.get_post_args()
for _, name in ipairs(names(form)) do ngx.say(name, " = ", form[name]) end
