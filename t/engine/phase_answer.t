# SPDX-License-Identifier: Apache-2.0
# What hooks return, and ngx.exit, in each phase. One script for all of them: the query
# says in which phase it acts, and the body of the request what it does.
use strict;
use warnings;
use Coral::Server;
use Test::More;

my @all_asked = qw(server_rewrite rewrite access fixup precontent);
my @first_asked = qw(quick translate_name map_to_storage authn authz type);
my @before_content = (@all_asked, @first_asked);

# In authn nobody is known before; with a user the request goes on.
my $script = <<'LUA';
local coral = require "coral"
local uri = (...).uri
if ngx.var.arg_phase ~= ngx.get_phase() or ngx.req.is_internal() then
  if ngx.get_phase() == "authn" then (...).user = "lua" return coral.OK end
  return
end
if ngx.get_phase() == "authn" then (...).user = "lua" end
local chunk = assert(load(ngx.unescape_uri(ngx.var.arg_lua), "=query", "t", setmetatable({ coral = coral, r = ... }, { __index = _G })))
return chunk()
LUA

my $server = Coral::Server->new(
    config => join('', map { "CoralHook $_ answer.lua\n" } grep { !/^auth/ } @before_content) . <<'CONF',
CoralHook insert_filter answer.lua
CoralHook header_filter answer.lua
<CoralHook header_filter>
ngx.header["X-Filter"] = "header_filter"
</CoralHook>
<CoralHook body_filter>
ngx.arg[1] = ngx.arg[1]:gsub("shout", "SHOUT")
</CoralHook>
Header set X-Headers mod_headers
CoralHook log answer.lua
<Location "/closed">
    AuthType Lua
    AuthName test
    Require valid-user
    CoralHook authn answer.lua
    CoralHook authz answer.lua
</Location>
<Location "/content">
    CoralHook content answer.lua
</Location>
ErrorDocument 402 "paid page"
CONF
    files => { 'answer.lua' => $script, map { ("htdocs/$_/page.html" => "the file\n") } qw(open closed content) },
);
ok $server->start, 'the server starts' or die $server->output . $server->error_log;

sub ask_phase {
    my ($phase, $lua, @headers) = @_;
    my $folder = $phase =~ /^auth/ ? 'closed' : $phase eq 'content' ? 'content' : 'open';
    my $code = $lua =~ s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ger;
    return $server->get("/$folder/page.html?phase=$phase&lua=$code", @headers);
}

sub answers {
    my ($phase, $lua, $code, $body, $header) = @_;
    my $log = $server->log;
    my $answer = ask_phase($phase, $lua);
    is $answer->code, $code, "$phase: $lua gives $code" or diag $log->text;
    my $got = $answer->content;
    ref $body ? like($got, $body, "$phase: $lua: body") : is($got, $body, "$phase: $lua: body") if defined $body;
    is $answer->header($header->[0]), $header->[1], "$phase: $lua: $header->[0]" if $header;
}

my $file = "the file\n";
for my $phase (@before_content) {
    my $asked = grep { $_ eq $phase } @first_asked;
    # Going on. Nobody else answers in authn, so there OK is the only way.
    if ($phase ne 'authn') {
        answers($phase, $_, 200, $file) for 'return', 'return nil', 'return coral.DECLINED', 'ngx.exit(ngx.DECLINED)',
            'ngx.exit(ngx.OK) error("not reached")', 'ngx.exit(0)';
    }
    else {
        answers($phase, $_, 500) for 'return coral.DECLINED', 'return';
    }
    # OK. In translate_name and map_to_storage it means: done by me, there is no file then.
    my $found = { translate_name => 404, map_to_storage => 404 }->{$phase} // 200;
    answers($phase, 'return coral.OK', $found, $phase eq 'quick' ? '' : $found == 200 ? $file : undef);
    answers($phase, 'return apache2.OK', $found);
    # The response is complete.
    answers($phase, 'return coral.DONE', 200, '');
    answers($phase, 'ngx.exit(ngx.DONE)', 200, '');
    answers($phase, 'ngx.say("mine") return coral.DONE', 200, "mine\n");
    answers($phase, 'ngx.say("mine")', 200, "mine\n");
    answers($phase, 'ngx.say("mine") ngx.exit(200)', 200, "mine\n");
    answers($phase, 'ngx.exit(ngx.HTTP_OK)', 200, '');
    answers($phase, 'return 204', 204, '');
    answers($phase, 'return coral.HTTP_CREATED', 201, '');
    # What a hook answers passes the filters of the request.
    for my $lua ('ngx.say("shout")', 'ngx.say("shout") ngx.flush() return coral.DONE', 'ngx.status = 201 ngx.say("shout") ngx.exit(201)') {
        answers($phase, $lua, $lua =~ /201/ ? 201 : 200, "SHOUT\n", $_) for ['X-Filter' => 'header_filter'], ['X-Headers' => 'mod_headers'];
    }
    # Refusals.
    answers($phase, "return $_", $_, qr/<title>$_ /, ['X-Filter' => 'header_filter']) for 403, 404, 500, 503;
    answers($phase, "ngx.exit($_)", $_, qr/<title>$_ /) for 400, 405, 410, 500, 502;
    answers($phase, 'ngx.exit(ngx.ERROR)', 500);
    answers($phase, 'return 402', 402, 'paid page');
    answers($phase, 'return 418', 418);
    answers($phase, 'return 444', 444);
    answers($phase, 'ngx.exit(599)', 599);
    answers($phase, 'return 403.0', 403);
    answers($phase, 'ngx.status = 403 ngx.say("no") ngx.exit(403)', 403, "no\n");
    answers($phase, 'ngx.status = 410 ngx.say("gone") ngx.exit(ngx.HTTP_OK)', 410, "gone\n");
    answers($phase, 'pcall(ngx.exit, 403) error("not reached")', 403, qr/<title>403 /);
    answers($phase, 'coroutine.wrap(function() ngx.exit(403) end)() error("not reached")', 403);
    answers($phase, 'ngx.header["X-A"] = "1" return 403', 403, undef, ['X-A' => '1']);
    # Elsewhere.
    answers($phase, 'ngx.redirect("/other")', 302, undef, [Location => '/other']);
    answers($phase, 'return ngx.redirect("/other", 301)', 301, undef, [Location => '/other']);
    answers($phase, 'ngx.header.Location = "/other" return 307', 307, undef, [Location => '/other']);
    answers($phase, 'ngx.exec("/index.html")', 200, "ready\n");
    # What went wrong.
    answers($phase, 'error("oops")', 500, qr/<title>500 (?!.*oops)/s);
}

# The constants. One that is misspelt does not let the request through.
answers('access', "return coral.HTTP_$_->[0]", $_->[1]) for [OK => 200], [CREATED => 201], [ACCEPTED => 202], [NO_CONTENT => 204],
    [BAD_REQUEST => 400], [UNAUTHORIZED => 401], [FORBIDDEN => 403], [NOT_FOUND => 404], [CONFLICT => 409], [GONE => 410],
    [TOO_MANY_REQUESTS => 429], [INTERNAL_SERVER_ERROR => 500], [NOT_IMPLEMENTED => 501], [SERVICE_UNAVAILABLE => 503];
answers('access', 'return coral.HTTP_FORBIDEN', 500);

# What some phases are for.
answers('translate_name', 'r.filename = ngx.var.document_root .. "/index.html" return coral.OK', 200, "ready\n");
answers('type', 'r.content_type = "text/x-mine" return coral.OK', 200, $file, ['Content-Type' => 'text/x-mine']);
answers('fixup', 'r.content_type = "text/x-mine" return coral.OK', 200, $file, ['Content-Type' => 'text/x-mine']);
answers('access', 'ngx.header["X-A"] = "1"', 200, $file, ['X-A' => '1']);
answers('authn', 'r.user = nil return 401', 401);
answers('server_rewrite', 'ngx.req.set_uri("/index.html")', 200, "ready\n");
answers('rewrite', 'ngx.req.set_uri("/index.html")', 200, "ready\n");

# content: whoever returns has answered, unless it declines.
answers('content', $_, 200, '') for 'return', 'return coral.OK', 'return coral.DONE', 'ngx.exit(ngx.OK)', 'return 200';
answers('content', 'ngx.say("mine")', 200, "mine\n");
answers('content', $_, 200, $file) for 'return coral.DECLINED', 'ngx.exit(ngx.DECLINED)';
answers('content', 'ngx.say("mine") return 403', 403, "mine\n");
answers('content', 'ngx.say("mine") ngx.flush() return 403', 200, "mine\n");
answers('content', "return $_", $_, qr/<title>$_ /) for 403, 404, 500;
answers('content', 'ngx.header.Location = "/other" return 302', 302, undef, [Location => '/other']);
answers('content', 'ngx.exec("/index.html")', 200, "ready\n");
answers('content', 'return 304', 304, '');
answers('content', 'return 402', 402, 'paid page');
answers('content', 'error("oops")', 500, qr/<title>500 (?!.*oops)/s);
answers('content', 'ngx.say("half") error("oops")', 500, qr/<title>500 (?!.*half)/s);

# insert_filter and log can not refuse any more; header_filter may name another status.
answers('insert_filter', $_, 200, $file) for 'return', 'return coral.OK', 'return coral.DECLINED';
answers('insert_filter', 'error("oops")', 500);
answers('header_filter', $_, 200, $file) for 'return', 'return coral.OK', 'ngx.exit(ngx.OK)';
answers('header_filter', 'ngx.header["X-A"] = "1"', 200, $file, ['X-A' => '1']);
answers('header_filter', 'ngx.status = 202', 202, $file);
answers('header_filter', 'error("oops")', 500);
for my $lua ('return', 'return coral.OK', 'return coral.DONE', 'return 500', 'ngx.exit(403)') {
    answers('log', $lua, 200, $file);
}
{
    my $log = $server->log;
    answers('log', 'error("too late")', 200, $file);
    like $log->wait(qr/hook log .*too late.*\n/), qr{GET /open/page\.html}, 'an error of the log phase is told with its request';
}

# A refusal in any phase is logged with the status by all who log.
for my $phase (qw(access fixup content)) {
    ask_phase($phase, 'return 403', 'X-Test-Id' => "refused-$phase");
    my $access = Coral::File->follow($server->root . '/access_log', 0);
    like $access->wait(qr/^refused-$phase .*$/m), qr/" 403 /, "$phase: the access log has the status";
}

done_testing;
