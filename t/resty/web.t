# SPDX-License-Identifier: Apache-2.0
# What an application takes from OpenResty's libraries, as they are: templates, sessions, uploads.
use strict;
use warnings;
use Coral::Blocks;
use Coral::Library;
use Coral::Server;
use Test::More;

my @names   = map { "?$_" } qw(resty.template resty.session resty.upload cjson);
my $library = Coral::Library->need(@names);
my %without = map { my $name = s/^\?(?:resty\.)?//r; ("NO_\U$name" => $library->has(s/^\?//r) ? '' : 'there is no ' . s/^\?//r) } @names;
plan(skip_all => 'there is no resty.template, resty.session, resty.upload (CORAL_LIBRARIES)')
    unless grep { $library->has("resty.$_") } qw(template session upload);
my $server  = Coral::Server->new(config => $library->config . "CoralSharedDict sessions 1m\n");
ok $server->start, 'starts' or diag $server->output, $server->error_log;
$without{NO_SESSION} ||= $without{NO_CJSON};

# A session over several requests needs its cookie.
SKIP: {
    skip $without{NO_SESSION}, 1 if $without{NO_SESSION};
    for my $storage ('cookie', 'shm') {
        my $script = "htdocs/$storage.lua";
        $server->write($script, <<"LUA");
local session = require "resty.session"
session.init { secret = "a secret of the test's own", storage = "$storage", shm = { zone = "sessions" }, cookie_secure = false }
local what = ngx.var.arg_do
if what == "start" then
  local s = session.start()
  s:set("user", ngx.var.arg_user) s:set("n", 0)
  assert(s:save())
  return ngx.print("started")
end
local s, err, exists = session.open()
if not exists then return ngx.print("none") end
if what == "count" then s:set("n", s:get("n") + 1) assert(s:save()) end
if what == "destroy" then assert(s:destroy()) return ngx.print("gone") end
ngx.print(s:get("user"), " ", s:get("n"), " ", s:get_data().user)
LUA
        my $cookie = '';
        my $ask = sub {
            my $answer = $server->get("/$storage.lua?$_[0]", $cookie ? (Cookie => $cookie) : ());
            for my $set ($answer->header('Set-Cookie')) { $cookie = $set =~ /^(session=[^;]*)/ ? $1 : $cookie }
            return $answer->content;
        };
        is $ask->('do=show'), 'none', "$storage: no session yet";
        is $ask->('do=start&user=alice'), 'started', "$storage: it begins" or diag $server->error_log;
        is $ask->('do=show'), 'alice 0 alice', "$storage: it is there";
        is $ask->('do=count') . $ask->('do=count') . $ask->('do=show'), 'alice 1 alicealice 2 alicealice 2 alice', "$storage: it keeps what is set";
        my $good = $cookie;
        $cookie = substr($good, 0, 40) . ($good =~ /^.{40}A/ ? 'B' : 'A') . substr($good, 41);
        is $ask->('do=show'), 'none', "$storage: a forged cookie is none";
        $cookie = $good;
        is $ask->('do=destroy'), 'gone', "$storage: it ends";
        is $ask->('do=show'), 'none', "$storage: and is over";
    }
}

run_blocks(%without, LUA => Coral::Library::lua(), server => $server);
__DATA__
=== templates
--- skip: @NO_TEMPLATE@
--- lua
@LUA@
local template = require "resty.template".new { root = "@DIR@" }
template.render("page.html", { title = "<Tiere>", names = { "Rex", "Fido & Co" }, raw = "<b>" })
show(template.process("{{a}} {* b *} {% for i = 1, 3 do %}{{i}}{% end %} {# nothing #}", { a = "<&\"'>", b = "<i>" }))
local f = template.compile("Hello, {{name}}!")
show(f { name = "Ann" }, f { name = "Bob" })
show(pcall(template.process, "{% if %}", {}) == false)
show((template.process("{{n}} {{f}} {{t}}", { n = 3, f = 2.5, t = true })))
local parts = {} for i = 1, 2000 do parts[i] = i end
show(#template.process("{% for _, p in ipairs(parts) do %}<li>{{p}}</li>{% end %}", { parts = parts }))
--- file page.html
{(head.html)}<ul>{% for _, name in ipairs(names) do %}<li>{{name}}</li>{% end %}</ul>{* raw *}
--- file head.html
<h1>{{title}}</h1>
--- body
<h1>&lt;Tiere&gt;</h1>
<ul><li>Rex</li><li>Fido &amp; Co</li></ul><b>
&lt;&amp;&quot;&#39;&gt; <i>123 
Hello, Ann!|Hello, Bob!
true
3 2.5 true
24893

=== uploads
--- skip: @NO_UPLOAD@
--- lua
@LUA@
local form = assert(require "resty.upload":new(4096))
form:set_timeout(2000)
local sum, name = {}, nil
while true do
  local kind, piece, err = form:read()
  if not kind then show("error", err) break end
  if kind == "header" and piece[1] == "Content-Disposition" then name = piece[2]:match 'name="([^"]*)"' sum[name] = {} end
  if kind == "body" then table.insert(sum[name], piece) end
  if kind == "part_end" then local text = table.concat(sum[name]) show(name, #text, ngx.md5(text)) end
  if kind == "eof" then show "eof" break end
end
--- request eval
"POST main.lua\n--XX\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--XX\r\n"
  . "Content-Disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n"
  . ("0123456789abcdef\r\n--X" x 10_000) . "\r\n--XX--\r\n"
--- more_headers
Content-Type: multipart/form-data; boundary=XX
--- body eval
require Digest::MD5;
"note|5|5d41402abc4b2a76b9719d911017c592\nfile|210000|" . Digest::MD5::md5_hex("0123456789abcdef\r\n--X" x 10_000) . "\neof\n"

=== an upload that is none
--- skip: @NO_UPLOAD@
--- lua
@LUA@
show(require "resty.upload":new(4096))
--- request
POST main.lua
a=b
--- body_like
nil\|.*boundary.*
