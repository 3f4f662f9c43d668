# SPDX-License-Identifier: Apache-2.0
# ngx.re under directives: the cache, the limit, states without a request, and whose "ngx.re" is found.
use strict;
use warnings;
use Coral::Server;
use Test::More;

for my $bad ('CoralRegexMatchLimit x', 'CoralRegexMatchLimit -1', 'CoralRegexCacheMaxEntries 1k', 'CoralRegexCacheMaxEntries 9999999999') {
    my ($status, $output) = Coral::Server->new(config => "$bad\n")->configtest;
    ok $status && $output =~ /whole number of 0 or more/, $bad or diag $output;
}
for my $where ('Directory />', 'Location />', 'VirtualHost *:1>') {
    my ($status, $output) = Coral::Server->new(config => "<$where\nCoralRegexMatchLimit 5\n</" . ($where =~ /(\w+)/)[0] . ">\n")->configtest;
    ok $status && $output =~ /CoralRegexMatchLimit (?:cannot occur|not allowed)/, "not in <$where" or diag $output;
}

my $server = Coral::Server->new(
    config => <<'CONF',
CoralStates 1 1
CoralRegexCacheMaxEntries 20
CoralRegexMatchLimit 1000
CoralPackagePath "@ROOT@/theirs/?.lua;;"
CoralHook init "@ROOT@/init.lua"
CONF
    files => {
        'init.lua'         => 'INIT = ngx.re.match("made at start", "at (.*)", "jo")[1] require "ngx.re".opt("jit_stack_size", 65536)',
        'theirs/ngx/re.lua' => 'error "this one needs ffi"',
        'theirs/ngx/other.lua' => 'return "theirs"',
        'htdocs/init.lua'  => 'ngx.say(INIT)',
        'htdocs/whose.lua' => 'ngx.say(type(require "ngx.re".split), " ", require "ngx.other", " ", require "ngx.re" == require "ngx.re")',
        'htdocs/limit.lua' => <<'LUA',
local as = ("a"):rep(40)
ngx.say(ngx.re.match(as:sub(1, 5) .. "b", "(a+)+$"))
ngx.say(ngx.re.match(as .. "b", "(a+)+$"))
ngx.say(ngx.re.match(as .. "b", "(a+)+$", "jo"))
LUA
        'htdocs/cache.lua' => <<'LUA',
-- Five times as many as are kept, among them one that is used all the time, and iterators that go on with what has left the cache.
local its = {}
for i = 1, 2000 do
  local k = i % 100
  local m = assert(ngx.re.match("key" .. k .. "=v", "key(" .. k .. ")=", "jo"))
  assert(m[1] == tostring(k))
  assert(ngx.re.find("good", "o+", "o") == 2)
  if i % 50 == 0 then its[#its + 1] = ngx.re.gmatch("x1x2x3", "x(\\d)(?:" .. i .. ")?", "o") end
end
for _, it in ipairs(its) do ngx.print(it()[1], it()[1], it()[1], it()) end
local s = ngx.re.gsub("abc", "([a-z])", function(m)
  for i = 1, 100 do ngx.re.match("z", "z{0," .. i .. "}", "o") end
  return m[1]:upper()
end, "o")
ngx.say(s)
LUA
        'htdocs/same.lua' => <<'LUA',
-- The same regex with other options is another one.
ngx.say(ngx.re.match("A", "a", "o"), ngx.re.match("A", "a", "io")[0], ngx.re.match("A", "a", "o"), ngx.re.match("A", "a", "oi")[0])
LUA
    },
);
ok $server->start('-X'), 'starts' or diag $server->output, $server->error_log;
is $server->get('/init.lua')->content, "start\n", 'regexes in init';
is $server->get('/whose.lua')->content, "function theirs true\n", 'ngx.re is ours, other names are theirs';
is $server->get('/limit.lua')->content, "nil\nnilpcre_exec() failed: -8\nnilpcre_exec() failed: -8\n", 'the limit';
is $server->get('/cache.lua')->content, '123nil' x 40 . "ABC\n", 'more regexes than are kept' for 1 .. 3;
is $server->get('/same.lua')->content, "nilAnilA\n", 'options count';
my $warnings = () = $server->error_log =~ /coral:warn.*CoralRegexCacheMaxEntries is 20/g;
is $warnings, 1, 'and one warning';
$server->stop;
unlike $server->error_log, qr/exit signal/, 'no crash';

$server = Coral::Server->new(
    config => "CoralRegexCacheMaxEntries 0\nCoralRegexMatchLimit 0\n",
    files  => { 'htdocs/a.lua' => <<'LUA' },
for _ = 1, 100 do assert(ngx.re.match("abc", "b", "jo")[0] == "b") end
ngx.say(ngx.re.match(("a"):rep(40) .. "b", "(a+)+$", "j"))
LUA
);
ok $server->start('-X'), 'starts' or diag $server->output, $server->error_log;
is $server->get('/a.lua')->content, "nilpcre_exec() failed: -8\n", 'nothing kept; the limit of PCRE2';
$server->stop;

done_testing;
