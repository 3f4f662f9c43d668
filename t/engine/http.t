# SPDX-License-Identifier: Apache-2.0
# The same script through each virtual host and version of HTTP.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== HTTP/1.1
--- lua
ngx.say("hello")
--- body
hello

=== HTTP/1.0
--- again
--- request GET main.lua HTTP/1.0
--- body
hello
--- header Connection: close
--- access_log "GET \S+ HTTP/1\.0" 200 6

=== a virtual host
--- again
--- vhost tenant-a
--- body
hello

=== another
--- again
--- vhost tenant-b
--- body
hello

=== TLS
--- again
--- vhost tls
--- body
hello
--- access_log HTTP/1.1" 200

=== HTTP/2
--- again
--- vhost h2
--- body
hello
--- access_log HTTP/2.0" 200

=== a HEAD request has no body
--- again
--- request HEAD
--- body eval
''
