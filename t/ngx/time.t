# SPDX-License-Identifier: Apache-2.0
# Clocks, dates, ngx.sleep.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== clocks
--- lua
ngx.say(math.type(ngx.now()), " ", math.type(ngx.time()), " ", math.abs(ngx.now() - os.time()) < 2, " ", math.abs(ngx.time() - os.time()) < 2)
ngx.say(ngx.update_time())
ngx.say(ngx.now() >= ngx.time() - 1)
--- body_like ^float integer true true\n(nil)?\ntrue$

=== dates of now
--- lua
local function near(text, format, mark)
  return text == os.date(mark .. format) or text == os.date(mark .. format, os.time() - 1)
end
ngx.say(near(ngx.today(), "%Y-%m-%d", ""), near(ngx.localtime(), "%Y-%m-%d %H:%M:%S", ""), near(ngx.utctime(), "%Y-%m-%d %H:%M:%S", "!"))
--- body
truetruetrue

=== http_time
--- lua
ngx.say(ngx.http_time(1290079655))
ngx.say(ngx.http_time(0))
ngx.say(ngx.http_time(1290079655.0))
ngx.say(ngx.http_time(1290079655.7))
ngx.say(ngx.http_time(4102444800))
--- body
Thu, 18 Nov 2010 11:27:35 GMT
Thu, 01 Jan 1970 00:00:00 GMT
Thu, 18 Nov 2010 11:27:35 GMT
Thu, 18 Nov 2010 11:27:35 GMT
Fri, 01 Jan 2100 00:00:00 GMT

=== cookie_time
--- lua
ngx.say(ngx.cookie_time(1290079655))
ngx.say(ngx.cookie_time(4102444800))
ngx.say(ngx.cookie_time(1290079655.2))
--- body
Thu, 18-Nov-10 11:27:35 GMT
Fri, 01-Jan-2100 00:00:00 GMT
Thu, 18-Nov-10 11:27:35 GMT

=== parse_http_time
--- lua
for _, text in ipairs { "Thu, 18 Nov 2010 11:27:35 GMT", "Thursday, 18-Nov-10 11:27:35 GMT", "Thu Nov 18 11:27:35 2010" } do
  ngx.say(ngx.parse_http_time(text))
end
for _, text in ipairs { "", "x", "Thu, 18 Nov 2010", "Thu, 99 Nov 2010 11:27:35 GMT", ("x"):rep(10000) } do ngx.say(ngx.parse_http_time(text)) end
ngx.say(ngx.parse_http_time(ngx.http_time(1)))
--- body
1290079655
1290079655
1290079655
nil
nil
nil
nil
nil
1

=== wrong arguments
--- lua
for _, name in ipairs { "http_time", "cookie_time", "parse_http_time", "sleep" } do
  local f = ngx[name]
  ngx.say(name, " ", (pcall(f)), " ", (pcall(f, {})), " ", (pcall(f, true)))
end
ngx.say((pcall(ngx.http_time, "x")), (pcall(ngx.cookie_time, "x")), (pcall(ngx.sleep, "x")))
--- body
http_time false false false
cookie_time false false false
parse_http_time false false false
sleep false false false
falsefalsefalse

=== times far away are answered somehow
--- lua
for _, t in ipairs { -1, -2^31, 2^31, 253402300799, 2^53, math.mininteger, math.maxinteger } do
  for _, f in ipairs { ngx.http_time, ngx.cookie_time } do
    local ok, text = pcall(f, t)
    assert(not ok or type(text) == "string" and #text < 64, t)
  end
end
ngx.say("fine")
--- body
fine

=== sleep
--- lua
local before = ngx.now()
ngx.say(select("#", ngx.sleep(0.1)))
local took = ngx.now() - before
ngx.say(took >= 0.095, " ", took < 2)
ngx.sleep(0)
ngx.sleep("0.001")
--- body
0
true true

=== sleep: bad durations
--- lua
for _, bad in ipairs { -1, -0.001, 0/0, 1/0, -1/0, 1e300 } do
  local ok, err = pcall(ngx.sleep, bad)
  ngx.say(ok, " ", err:match "invalid sleep duration")
end
--- body
false invalid sleep duration
false invalid sleep duration
false invalid sleep duration
false invalid sleep duration
false invalid sleep duration
false invalid sleep duration

=== sleep in a hook
--- htaccess
<CoralHook access>
ngx.sleep(0.02)
ngx.ctx.slept = true
</CoralHook>
--- lua
ngx.say(ngx.ctx.slept)
--- body
true

=== sleep in filters and in the log phase
--- htaccess
<CoralHook header_filter>
ngx.sleep(0.01)
ngx.header["X-Slept"] = "1"
</CoralHook>
<CoralHook body_filter>
ngx.sleep(0.01)
ngx.arg[1] = ngx.arg[1]:upper()
</CoralHook>
<CoralHook log>
ngx.sleep(0.01)
ngx.log(ngx.WARN, "slept in log")
</CoralHook>
--- lua
ngx.say("x")
--- header X-Slept: 1
--- body
X
--- error_log
slept in log
