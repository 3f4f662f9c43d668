# SPDX-License-Identifier: Apache-2.0
# What a script sends: body, status, headers.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== say ends a line
--- lua
ngx.say("hello")
ngx.say("world")
--- body
hello
world

=== print does not
--- lua
ngx.print("hello, ")
ngx.print("world")
--- body: hello, world

=== status and headers
--- lua
ngx.status = 201
ngx.header["X-Made-By"] = "coral"
ngx.say("made")
--- code 201
--- header
X-Made-By: coral
--- header_absent Location
--- body
made

=== exit with an error status
--- lua
ngx.exit(403)
--- code 403
--- body_like Forbidden

=== an error in a script is a 500 for the client and a line for the administrator
--- lua
ngx.say(nil .. "x")
--- code 500
--- error_log
main.lua:1:
attempt to concatenate a nil value
