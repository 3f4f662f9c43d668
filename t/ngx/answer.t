# SPDX-License-Identifier: Apache-2.0
# What a hook or a script returns, and what httpd makes of it.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== nothing, OK, DECLINED, a status
--- file index.html
the file
--- htaccess
<CoralHook access>
local coral = require "coral"
local what = ngx.var.args
if what == "ok" then return coral.OK end
if what == "declined" then return coral.DECLINED end
if what == "done" then return coral.DONE end
if what == "403" then return coral.HTTP_FORBIDDEN end
if what == "number" then return 404 end
if what == "float" then return 404.0 end
if what == "string" then return "404" end
if what == "wild" then return 7 end
if what == "table" then return {} end
</CoralHook>
--- request GET index.html
--- body
the file

=== OK
--- again
--- request GET index.html?ok
--- body
the file

=== DECLINED
--- again
--- request GET index.html?declined
--- body
the file

=== a status by name
--- again
--- request GET index.html?403
--- code 403

=== a number
--- again
--- request GET index.html?number
--- code 404

=== a whole float
--- again
--- request GET index.html?float
--- code 404

=== a string is an error
--- again
--- request GET index.html?string
--- code 500
--- error_log
the hook returned a string

=== a number that is no status
--- again
--- request GET index.html?wild
--- code 500
--- error_log
the hook returned 7

=== a table
--- again
--- request GET index.html?table
--- code 500
--- error_log
the hook returned a table

=== a script that declines is not shown to the client as a file
--- lua
local secret = "password"
ngx.exit(ngx.DECLINED)
--- code 404
--- body_like \A(?!.*password)

=== nor by what it returns
--- lua
local secret = "password"
return require("coral").DECLINED
--- code 404
--- body_like \A(?!.*password)

=== a content hook that declines leaves the file to the script it is, not to the client
--- htaccess
<CoralHook content>
return require("coral").DECLINED
</CoralHook>
--- lua
local secret = "password"
ngx.say("ran")
--- body
ran

=== a number 1 is what ngx.say returns: nothing
--- lua
return ngx.say("x")
--- body
x
