# SPDX-License-Identifier: Apache-2.0
# require "coral".
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== version and answers
--- lua
local coral = require "coral"
ngx.say(coral.version:match "^%d+%.%d+%.%d+$" ~= nil, " ", coral.OK, coral.DECLINED, coral.DONE, " ", coral == require "coral")
--- body
true 0-1-2 true

=== statuses have the names of ngx, all of them
--- lua
local coral = require "coral"
local methods = { HTTP_GET = 1, HTTP_HEAD = 1, HTTP_POST = 1, HTTP_PUT = 1, HTTP_DELETE = 1, HTTP_MKCOL = 1, HTTP_COPY = 1, HTTP_MOVE = 1,
  HTTP_OPTIONS = 1, HTTP_PROPFIND = 1, HTTP_PROPPATCH = 1, HTTP_LOCK = 1, HTTP_UNLOCK = 1, HTTP_PATCH = 1, HTTP_TRACE = 1 }
local missing, count = {}, 0
for name, value in pairs(ngx) do
  if name:match "^HTTP_" and not methods[name] then
    count = count + 1
    if coral[name] ~= value then missing[#missing + 1] = name end
  end
end
table.sort(missing)
ngx.say(count > 30, " missing: ", table.concat(missing, " "))
ngx.say(pcall(function() return coral.HTTP_GET end) and rawget(coral, "HTTP_GET") or "no methods")
--- body
true missing: 
no methods

=== a name that is none is an error, so that a hook with a typo lets nobody in
--- file index.html
secret
--- htaccess
<CoralHook access>
local coral = require "coral"
return coral.HTTP_FORBIDEN
</CoralHook>
--- request GET index.html
--- code 500
--- error_log
HTTP_FORBIDEN

=== status()
--- lua
local status = require("coral").status()
ngx.say(math.type(status.pid), " ", status.pid == ngx.worker.pid(), " ", status.threads >= 1, " ", status.states >= 1, " ", status.memory > 1000)
--- body
integer true true true true

=== memory counts what is allocated
--- lua
local coral = require "coral"
collectgarbage()
local before = coral.status().memory
local big = ("x"):rep(1000000)
local more = coral.status().memory - before
ngx.say(more > 990000 and "counted" or more, " ", #big)
--- body
counted 1000000

=== environment(): nothing said
--- lua
ngx.say(require("coral").environment())
--- body
nil

=== … and as CoralEnvironment says, each in states of its own
--- htaccess
CoralEnvironment production
<Files "other.lua">
    CoralEnvironment "te st"
</Files>
--- file other.lua
ngx.print(require("coral").environment(), " ", tostring(mine))
--- lua
_G.mine = true
ngx.print(require("coral").environment())
--- body: production

=== the other one
--- again
--- request GET other.lua
--- body: te st nil
