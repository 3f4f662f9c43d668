# SPDX-License-Identifier: Apache-2.0
# ngx.pipe: other programs, their streams, their end.
use strict;
use warnings;
use Coral::Blocks;
run_blocks(SHELL => $ENV{CORAL_RESTY_SHELL});
__DATA__
=== a program that is asked and answers
--- lua
local pipe = require "ngx.pipe"
local function count(...)
  local proc = assert(pipe.spawn { "wc", "-c" })
  for _, data in ipairs { ... } do assert(proc:write(data)) end
  ngx.say(proc:shutdown("stdin"))
  ngx.say(proc:stdout_read_line())
  ngx.say(proc:wait())
end
count("")
count("a", 12, { "x", 3, "yz" })
count(("1234"):rep(20000), ("x"):rep(500000))
--- body
true
0
trueexit0
true
7
trueexit0
true
580000
trueexit0

=== a line for the shell; bytes go through as they are
--- lua
local pipe = require "ngx.pipe"
local proc = pipe.spawn("cat && exit 3")
local bytes = "\0\r\n\255" .. ("\1\0"):rep(70000)
local written
local writer = ngx.thread.spawn(function()
  written = proc:write(bytes)
  proc:shutdown("stdin")
end)
ngx.say(proc:stdout_read_all() == bytes, " ", written == #bytes)
ngx.say(table.concat({ tostring(select(1, proc:wait())) }, " "))
ngx.say(proc:stdout_read_all())
--- body
true true
false
nilclosed

=== what is read: lines, bytes, what there is
--- lua
local proc = require "ngx.pipe".spawn { "printf", "one\r\ntwo\n\nthree four five" }
local function show(...)
  local t = table.pack(...)
  for i = 1, t.n do t[i] = tostring(t[i]) end
  ngx.say(table.concat(t, "|"))
end
show(proc:stdout_read_line())
show(proc:stdout_read_line())
show(proc:stdout_read_line())
show(proc:stdout_read_bytes(5))
show(proc:stdout_read_bytes(0))
show(proc:stdout_read_any(3))
show(proc:stdout_read_bytes("2"))
show(proc:stdout_read_line())
show(proc:stdout_read_line())
show(proc:stdout_read_bytes(1))
show(proc:stdout_read_any(1))
ngx.say(proc:stdout_read_all() == "", proc:stderr_read_all() == "")
--- body
one
two

three

 fo
ur
nil|closed| five
nil|closed|
nil|closed|
nil|closed|
truetrue
=== fewer bytes than asked for
--- lua
local proc = require "ngx.pipe".spawn { "printf", "abc" }
ngx.say(table.concat({ select(2, proc:stdout_read_bytes(10)) }, "|"))
ngx.say(select(2, proc:stdout_read_any(10)))
--- body
closed|abc
closed

=== errors have a stream of their own, or go along
--- lua
local pipe = require "ngx.pipe"
local line = "echo out; echo err >&2"
local proc = pipe.spawn(line)
ngx.say(proc:stderr_read_line(), " ", proc:stdout_read_line())
proc = pipe.spawn(line, { merge_stderr = true })
ngx.say((proc:stdout_read_all():gsub("\n", " ")))
for _, name in ipairs { "all", "line" } do ngx.say(proc["stderr_read_" .. name](proc)) end
ngx.say(proc:stderr_read_bytes(1))
ngx.say(proc:stderr_read_any(1))
ngx.say(proc:shutdown("stderr"))
--- body
err out
out err 
nilmerged to stdout
nilmerged to stdout
nilmerged to stdout
nilmerged to stdout
nilmerged to stdout

=== how it ended
--- lua
local pipe = require "ngx.pipe"
local function how(line)
  local ok, reason, status = pipe.spawn(line):wait()
  ngx.say(ok, " ", reason, " ", status)
end
how("exit 0")
how("exit 2")
how("kill -9 $$")
how("sleep 0.1; kill -15 $$")
local proc = pipe.spawn("exit 7")
proc:stdout_read_all()
ngx.sleep(0.1)
local ok, reason, status = proc:wait()
ngx.say(ok, " ", reason, " ", status)
ngx.say(proc:wait())
ngx.say(proc:kill(9))
ngx.say(proc:write("x"))
ngx.say(proc:shutdown("stdin"))
ngx.say(proc:pid() > 1)
--- body
true exit 0
false exit 2
false signal 9
false signal 15
false exit 7
nilexited
nilexited
nilclosed
nilclosed
true

=== kill
--- lua
local pipe = require "ngx.pipe"
local proc = pipe.spawn { "sleep", 60 }
ngx.say(proc:kill(0))
ngx.say(proc:kill(4711))
ngx.say(proc:kill(-1))
ngx.say(pcall(proc.kill, proc, "9"))
ngx.say(proc:kill(15))
ngx.say(proc:stdout_read_all(), "|", (select(2, proc:wait())))
proc = pipe.spawn { "true" }
proc:stdout_read_all()
for _ = 1, 100 do
  if not proc:kill(0) then break end
  ngx.sleep(0.02)
end
ngx.say(proc:kill(15))
ngx.say(proc:wait())
--- body
true
nilinvalid signal
nilinvalid signal
falsebad signal arg: number expected, got 9
true
|signal
nilexited
trueexit0

=== timeouts
--- lua
local pipe = require "ngx.pipe"
local proc = pipe.spawn("printf abc; sleep 60", { wait_timeout = 50, stdout_read_timeout = 300, stderr_read_timeout = 50, write_timeout = 50 })
local function show(...) ngx.say(table.concat({ select(2, ...) }, "|")) end
show(proc:wait())
show(proc:stderr_read_all())
show(proc:stdout_read_all())
local total, step = 0, ("x"):rep(10000)
local n, err
repeat
  n, err = proc:write(step)
  total = total + 1
until not n or total == 1000
ngx.say(n, " ", err, " ", total < 1000)
show(proc:write("y"))
proc:set_timeouts(nil, 50)
show(proc:stdout_read_line())
proc:kill(9)
proc:set_timeouts(0, 0, 0, 0)
show(proc:wait())
--- body
timeout
timeout|
timeout|abc
nil timeout true
timeout
timeout|
signal|9

=== the time is for each pause, not for all of it
--- lua
local proc = require "ngx.pipe".spawn("for i in 1 2 3 4 5; do printf $i; sleep 0.3; done", { stdout_read_timeout = 1200 })
ngx.say(proc:stdout_read_all())
--- body
12345

=== arguments that are none
--- lua
local pipe = require "ngx.pipe"
local function show(...) ngx.say((select(2, pcall(...)):gsub("^/.-: ", ""))) end
show(pipe.spawn)
show(pipe.spawn, {})
show(pipe.spawn, 7)
show(pipe.spawn, { "true", "a\0b" })
show(pipe.spawn, { "true" }, { buffer_size = 0 })
show(pipe.spawn, { "true" }, { buffer_size = true })
show(pipe.spawn, { "true" }, { environ = "A=1" })
show(pipe.spawn, { "true" }, { environ = { 7 } })
show(pipe.spawn, { "true" }, { environ = { "=x" } })
for _, name in ipairs { "write", "stdout_read", "stderr_read", "wait" } do
  show(pipe.spawn, { "true" }, { [name .. "_timeout"] = -1 })
end
local proc = pipe.spawn({ "true" }, { buffer_size = "1" })
show(proc.set_timeouts, proc, 2 ^ 32)
show(proc.set_timeouts, proc, nil, nil, nil, -1)
show(proc.write, proc, true)
show(proc.write, proc)
show(proc.shutdown, proc, "read")
show(proc.shutdown, proc, 0)
show(proc.stdout_read_bytes, proc, -1)
show(proc.stdout_read_any, proc, 0)
show(proc.stderr_read_any, proc)
show(proc.wait)
show(proc.wait, { 1 })
--- body
bad args arg: table expected, got nil
bad args arg: non-empty table expected
bad args arg: table expected, got number
arguments and the environment are texts without a NUL
bad buffer_size option
bad buffer_size option
bad environ option: table expected, got string
bad value at index 1 of environ option: string expected, got number
bad value at index 1 of environ option: 'name=[value]' format expected, got '=x'
bad write_timeout option
bad stdout_read_timeout option
bad stderr_read_timeout option
bad wait_timeout option
bad write_timeout option
bad wait_timeout option
bad data arg: string, number, or table expected, got boolean
bad data arg: string, number, or table expected, got no value
bad shutdown arg: read
bad shutdown arg: 0
bad len argument
bad max argument
bad max argument
not a process instance
not a process instance

=== a program that is not there
--- lua
local pipe = require "ngx.pipe"
local proc = pipe.spawn { "/no/such/program", "x" }
ngx.say(proc:stdout_read_all(), "|", (select(2, proc:write("x"))))
ngx.say(proc:wait())
ngx.say(pipe.spawn { "@DIR@/main.lua" }:wait())
--- body
|closed
falseexit1
falseexit1
--- error_log
/no/such/program cannot be run
No such file
Permission denied

=== the environment: httpd's, or one's own
--- lua
local pipe = require "ngx.pipe"
ngx.say(pipe.spawn("echo $PATH"):stdout_read_line() == os.getenv("PATH"))
local proc = pipe.spawn({ "env" }, { environ = { "A=1", "B=", "C=x=y" } })
ngx.print(proc:stdout_read_all())
--- body
true
A=1
B=
C=x=y

=== two at the same stream
--- lua
local pipe = require "ngx.pipe"
local proc = pipe.spawn { "sleep", 60 }
local function try(name, ...)
  ngx.thread.spawn(function(...) proc[name](proc, ...) end, ...)
  ngx.say((select(2, proc[name](proc, ...))))
end
try("stdout_read_line")
try("stderr_read_any", 3)
try("wait")
local data = ("x"):rep(200000)
try("write", data)
proc:kill(9)
--- body
pipe busy reading
pipe busy reading
pipe busy waiting
pipe busy writing

=== closing a stream that somebody waits for
--- lua
local pipe = require "ngx.pipe"
local proc = pipe.spawn { "sleep", 60 }
local function try(stream, name, ...)
  local thread = ngx.thread.spawn(function(...) ngx.say((select(2, proc[name](proc, ...)))) end, ...)
  ngx.say(proc:shutdown(stream), " ", proc:shutdown(stream))
  ngx.thread.wait(thread)
  ngx.say((select(2, proc[name](proc, ...))))
end
try("stdout", "stdout_read_line")
try("stderr", "stderr_read_all")
try("stdin", "write", ("x"):rep(200000))
--- body
true true
aborted
closed
true true
aborted
closed
true true
aborted
closed

=== a thread that is killed while it reads leaves the stream to others
--- lua
local pipe = require "ngx.pipe"
local proc = pipe.spawn("sleep 0.3; echo here; exit 5")
local reader = ngx.thread.spawn(function() return proc:stdout_read_line() end)
local waiter = ngx.thread.spawn(function() return proc:wait() end)
ngx.say(ngx.thread.kill(reader), ngx.thread.kill(waiter))
ngx.say(proc:stdout_read_line())
ngx.say(select(3, proc:wait()))
--- body
11
here
5

=== whose end is waited for has no streams any more
--- lua
local proc = require "ngx.pipe".spawn("echo lost; sleep 0.2")
local reader = ngx.thread.spawn(function() return proc:stderr_read_all() end)
ngx.say(proc:wait())
ngx.say(select(2, proc:stdout_read_line()))
local _, data, err = ngx.thread.wait(reader)
ngx.say(data == "" and "ended" or err)
--- body_like ^trueexit0\nclosed\n(?:ended|closed)\n$

=== it dies with the request that started it
--- lua
local proc = require "ngx.pipe".spawn { "sleep", 1000 }
ngx.say(proc:pid())
--- body_like ^\d+$

=== and leaves nothing behind
--- lua
local pipe = require "ngx.pipe"
local coral = require "coral"
pipe.spawn { "sleep", 1000 }
collectgarbage() collectgarbage()
local zombies
for _ = 1, 200 do
  zombies = pipe.spawn("cat /proc/[0-9]*/stat 2>/dev/null"):stdout_read_all():find(") Z " .. ngx.worker.pid(), 1, true)
  if not zombies then break end
  ngx.sleep(0.05)
end
collectgarbage() collectgarbage()
ngx.say(coral.status().processes, " ", zombies)
--- body
0 nil

=== no descriptor of httpd's goes along, and signals are as a program expects them
--- lua
local keep = io.open("@DIR@/main.lua") -- without close-on-exec
local proc = require "ngx.pipe".spawn("ls /proc/self/fd | wc -l; grep -E 'Sig(Blk|Ign)' /proc/self/status")
local seen = proc:stdout_read_all():gsub("00000001800", "00000000000") -- two of the C library's own
ngx.print(seen)
keep:close()
--- body
4
SigBlk:	0000000000000000
SigIgn:	0000000000000000

=== in another phase the thread waits; in a timer
--- htaccess
<CoralHook access>
    local proc = require "ngx.pipe".spawn("sleep 0.1; echo $1")
    ngx.ctx.answer = proc:stdout_read_line() .. tostring(proc:wait())
</CoralHook>
--- lua
local answer
ngx.timer.at(0, function()
  local proc = require "ngx.pipe".spawn("sleep 0.1; echo timer")
  answer = proc:stdout_read_line()
end)
for _ = 1, 200 do
  if answer then break end
  ngx.sleep(0.02)
end
ngx.say(ngx.ctx.answer, " ", answer)
--- body
true timer

=== a process of another run, and none at all
--- file keep.lua
return {}
--- htaccess
CoralPackagePath "@DIR@/?.lua"
<CoralHook access>
    require "keep".proc = require "ngx.pipe".spawn { "sleep", 60 }
    ngx.ctx.proc = require "keep".proc
</CoralHook>
<CoralHook log>
    ngx.log(ngx.NOTICE, select(2, pcall(ngx.ctx.proc.wait, ngx.ctx.proc)))
</CoralHook>
--- lua
local proc = ngx.ctx.proc
ngx.say((select(2, pcall(proc.wait, proc))))
ngx.say(proc:pid() > 1)
--- body
bad request
true

=== resty.signal
--- lua
local signal = require "resty.signal"
local proc = require "ngx.pipe".spawn { "sleep", 1000 }
ngx.say(signal.signum("TERM"), " ", signal.signum("NONE"), " ", signal.signum(7), " ", select(2, signal.signum("X")))
ngx.say(signal.kill(proc:pid(), "TERM"))
ngx.say(select(2, proc:wait()))
ngx.say(signal.kill(proc:pid(), "NONE"))
ngx.say(signal.kill(proc:pid(), "X"))
ngx.say((pcall(signal.kill, 1)))
--- body
15 0 7 unknown signal name
true
signal15
nilNo such process
nilunknown signal name
false

=== tablepool
--- lua
local pool = require "tablepool"
local a = pool.fetch("x", 1, 0)
a.k = 1
pool.release("x", setmetatable(a, { __index = { z = 1 } }))
local b = pool.fetch("x", 1, 0)
ngx.say(b == a, " ", b.k, " ", b.z, " ", pool.fetch("x", 1, 0) == a, " ", pool.fetch("y", 0, 0) == a)
b.k = 2
pool.release("x", b, true)
ngx.say(pool.fetch("x", 0, 0).k, " ", (select(2, pcall(pool.release, "x")):gsub("^.*: ", "")))
--- body
true nil nil false false
2 object empty

=== lua-resty-shell, unmodified
--- skip eval
$ENV{CORAL_RESTY_SHELL} ? '' : 'lua-resty-shell is not in $CORAL_RESTY_SHELL'
--- lua
package.path = package.path .. ";@SHELL@/lib/?.lua"
local shell = require "resty.shell"
local function run(...)
  local ok, out, err, reason, status = shell.run(...)
  ngx.say(ok, "|", out, "|", err, "|", reason, "|", status)
end
run("read a; printf $a; printf err >&2; exit 3", "in\n")
run { "echo", "x" }
run("sleep 5", nil, 100)
run("printf 0123456789", nil, nil, 5)
--- body
false|in|err|exit|3
true|x
||exit|0
nil|||failed to wait for process: timeout|nil
nil|012345||failed to read stdout: too much data|nil
