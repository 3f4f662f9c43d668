# SPDX-License-Identifier: Apache-2.0
# Orbit's and WSAPI's own samples, as they are, where these libraries are found (Coral::Library). Their source trees have the samples. And
# 200 requests at once to them on 8 threads, each in the middle of its answer.
use strict;
use warnings;
use Coral::Library;
use Coral::Server;
use Test::More;

my $libraries = Coral::Library->need(qw(wsapi.request orbit cosmo re lpeg lfs ?markdown ?json ?luasql.sqlite3));
my $orbit = Coral::Library::find('orbit');

# The samples lie in the source trees, or where Debian has them; not everybody has all of them.
sub samples { my ($have, @places) = @_; my ($found) = grep { -e "$_/$have" } @places; return $found }
my $samples = samples('hello/hello.lua', $orbit =~ s{/[^/]*$}{/samples}r, '/usr/share/doc/lua-orbit');
my $wsapi = samples('hello.lua', Coral::Library::find('wsapi.request') =~ s{/[^/]*$}{/samples}r);
plan skip_all => "there are no samples beside $orbit" unless $samples;

# Those that are there: the url, the file, and what CoralApp says.
my @apps = grep { !$_->[1] || $_->[1] eq 'WSAPI' && $wsapi || -e "$samples/$_->[1]" } (
    ['/hello', 'hello/hello.lua', './samples/hello'], ['/routes', 'routes/hello.lua', './samples/routes/hello.lua'], ['/songs', 'songs/songs.lua', './samples/songs wsapi'],
    ['/todo', 'todo/todo.ws', './samples/todo wsapi'], ['/items', 'todo/todo.op', './items'], ['/pages', 'pages/foo.op', './pages'],
    ['/blog', 'blog/blog.lua', './samples/blog wsapi'], ['/toycms', 'toycms/toycms.lua', './samples/toycms wsapi'],
    ['/sprout', 'sproutcore/todo.lua', './samples/sproutcore/todo.lua'], ['/wsapi', 'WSAPI', './wsapi/hello.lua wsapi'], ['/ways', '', './ways.lua'],
    ['/many', 'hello/hello.lua', './many.lua']);
my $many = 200;
my $one_child = <<'END';
<IfModule !mpm_prefork_module>
    StartServers 1
    ServerLimit  1
    AsyncRequestWorkerFactor 100
</IfModule>
ListenBacklog 511
CoralSharedDict count 64k
END
my $server = Coral::Server->new(config => join('', $libraries->config, $one_child, map { "CoralApp $_->[0] $_->[2]\n" } @apps), files => {
    'ways.lua' => <<'LUA',
local request, response, util = require "wsapi.request", require "wsapi.response", require "wsapi.util"
return { run = function(env)
  local req, res = request.new(env), response.new()
  res:set_cookie("a", "1") res:set_cookie("b", { value = "2", path = "/" })
  res:write("a=", req.params.a or "none", " ", util.url_encode "a b&")
  local file = req.POST.file
  if file then res:write(" ", file.name, " ", file.size, " ", file.contents) end
  res:write(" cookie=", req.cookies.c or "none", " data=", req.POST.post_data or "none")
  return res:finish()
end }
LUA
    # The sample, where all who ask wait for each other: before it runs, as Orbit's own, or where its answer begins, as WSAPI's iterator.
    'many.lua' => <<"LUA",
dofile "\@ROOT\@/samples/hello/hello.lua"
local run = require "hello".run
local count = ngx.shared.count
local function all_here(name)
  count:incr(name, 1, 0)
  for _ = 1, 1200 do
    if count:get(name) >= $many then return true end
    ngx.sleep(0.02)
  end
end
return { run = function(env)
  local n, when = env.QUERY_STRING:match "(%d+)&(%a+)"
  if when == "before" then assert(all_here(when), "not all are here") end
  local status, headers, iterator = run(env)
  if when == "before" then return status, headers, iterator end
  return status, headers, coroutine.wrap(function()
    coroutine.yield(n .. ": ")
    assert(all_here(when), "not all are here")
    for piece in iterator do coroutine.yield(piece) end
  end)
end }
LUA
    # Orbit's own launcher of pages wants a state for each (Rings); here one app is enough.
    map({ ("$_->[0]/app.lua" => <<"LUA") } ['pages', 'samples/pages" .. env.PATH_INFO'], ['items', 'items/todo.op"']),
local pages = require "orbit.pages"
return { run = function(env)
  env.PATH_TRANSLATED = env.APP_PATH .. "/../$_->[1]
  return pages.run(env)
end }
LUA
    'htdocs/doc/manual/x' => '',
    map({ ("$_/.keep" => '') } 'samples', 'wsapi'),
});
my $root = $server->root;
system 'cp', '-RL', glob("$samples/*"), "$root/samples";
system 'cp', "$wsapi/hello.lua", "$root/wsapi" if $wsapi;
system "cp $root/samples/todo/*.op $root/samples/todo/todo.db $root/items" if -e "$root/samples/todo/todo.op";
ok $server->start, 'the server starts' or die $server->output . $server->error_log;

sub form { my ($path, %with) = @_; $server->ask(POST => $path, body => join('&', map { "$_=$with{$_}" } sort keys %with)) }

sub page {
    my ($path, @patterns) = @_;
    my $answer = $server->get($path);
    is $answer->code, 200, $path or diag substr $answer->content, 0, 1000;
    like $answer->content, $_, "$path: $_" for @patterns;
    return $answer;
}

# sample(NAME, FILE, MODULES, CODE)
sub sample {
    my ($name, $file, $modules, $code) = @_;
    my ($why) = -e "$root/$file" ? map { "no $_" } grep { !$libraries->has($_) } @$modules : "no $file";
    subtest $name => sub { plan skip_all => $why if $why; $code->() };
}

sample 'wsapi: hello', 'wsapi/hello.lua', [], sub { page('/wsapi/x', qr{<p>Hello Wsapi!</p><p>PATH_INFO: /x</p><p>SCRIPT_NAME: /wsapi</p>}) };

subtest 'wsapi.request, wsapi.response, wsapi.util' => sub {
    my $answer = $server->get('/ways?a=1', Cookie => 'c=3');
    is $answer->content, 'a=1 a+b%26 cookie=3 data=', 'a query, a cookie';
    is_deeply [$answer->header('Set-Cookie')], ['a=1', 'b=2; path=/'], 'two cookies';
    is $answer->header('Content-Length'), length $answer->content, 'the length';
    is form('/ways', a => 'x%20y')->content, 'a=x y a+b%26 cookie=none data=none', 'a form';
    my @json = (headers => ['Content-Type' => 'application/json'], body => '{"a":1}');
    is $server->ask(POST => '/ways', @json)->content, 'a=none a+b%26 cookie=none data={"a":1}', 'another body';
    my $body = join "\r\n", '--xx', 'Content-Disposition: form-data; name="a"', '', 'field', '--xx',
        'Content-Disposition: form-data; name="file"; filename="f.txt"', 'Content-Type: text/plain', '', "\0text", '--xx--', '';
    my $upload = $server->ask(POST => '/ways', headers => ['Content-Type' => 'multipart/form-data; boundary=xx'], body => $body);
    is $upload->content, "a=field a+b%26 f.txt 5 \0text cookie=none data=none", 'an upload';
};

sample 'hello', 'samples/hello/hello.lua', [], sub {
    page('/hello', qr{<p class="hello">Hello World!</p>});
    page('/hello/say/Ann?greeting=Hi+', qr{<p class="hello">Hi Ann!</p>});
    is $server->get('/hello/nothing')->code, 404, 'a path it has not';
};

sample 'routes', 'samples/routes/hello.lua', [], sub {
    page('/routes', qr{Welcome to \S+/samples/routes!});
    page('/routes/hello/Ann', qr{^Hello Ann!});
    page('/routes/hi/a/b', qr{^Hi a/b!});
    page('/routes/hey', qr{^Hey stranger!});
};

sample 'songs', 'samples/songs/songs.lua', [], sub { page('/songs', qr{<tr><td>Lovely Rita</td></tr>}) };

sample 'todo', 'samples/todo/todo.ws', ['luasql.sqlite3'], sub {
    page('/todo', qr{<title>To-do List</title>}, qr{action = "/todo/add"});
    like form('/todo/add', item => 'buy+bread')->content, qr{buy bread}, 'added';
    my ($id) = page('/todo', qr{buy bread})->content =~ /<li item_id="(\d+)">(?:(?!<li).)*buy bread/s;
    is form("/todo/toggle/$id")->content, 'toggle', 'done';
    like $server->get('/todo')->content, qr{checked item_id="$id"}, 'which is seen';
    unlike form("/todo/remove/$id")->content, qr{buy bread}, 'removed';
    page('/todo/jquery-1.2.3.min.js', qr{jQuery});
};

sample 'todo, as a page', 'items/todo.op', ['luasql.sqlite3'], sub {
    page('/items', qr{<title>To-do List</title>});
    like form('/items', item => 'buy+salt')->content, qr{buy salt}, 'added';
    page('/items', qr{buy salt});
};

sample 'pages', 'samples/pages/test.op', [], sub {
    page('/pages/foo.op?msg=hi', qr{Hello Cosmo!}, qr{You passed: hi}, qr{This is bar, and you passed hi!});
    page('/pages/bar.op?msg=there', qr{and you passed there!});
    page('/pages/test.op');
    page('/pages/index.op', qr{Welcome to Kepler!}, qr{manual});
    is $server->get('/pages/none.op')->code, 404, 'a page that is not there';
};

sample 'blog', 'samples/blog/blog.db', ['luasql.sqlite3', 'markdown'], sub {
    my ($id) = page('/blog', qr{<title>Blog</title>}, qr{class="blogentry"|/post/\d+})->content =~ m{/blog/post/(\d+)};
    page("/blog/post/$id", qr{/blog/post/$id/addcomment});
    my $answer = form("/blog/post/$id/addcomment", author => 'Ann', email => '', url => '', comment => 'Good+*work*');
    is $answer->code . ' ' . $answer->header('Location'), "302 /blog/post/$id", 'a comment';
    page("/blog/post/$id", qr{Good <em>work</em>}, qr{Ann});
    is page('/blog/style.css', qr{body})->header('Content-Type'), 'text/css', 'a file';
    ok -e "$root/samples/blog/page_cache/post-$id.html", 'its cache is in its folder';
};

sample 'toycms', 'samples/toycms/toycms.lua', ['luasql.sqlite3', 'markdown'], sub {
    my ($id) = page('/toycms', qr{<title>Orbit Blog</title>})->content =~ m{/toycms/post/(\d+)};
    page("/toycms/post/$id", qr{<title>Orbit Blog</title>});
    page('/toycms/xml', qr{<\?xml});
    like $server->get('/toycms/admin')->header('Location'), qr{^/toycms/login\?link_to=}, 'the admin has to log in';
    page('/toycms/login', qr{name="login"}, qr{name="password"});
    like form('/toycms/login', login => 'nobody', password => 'x')->header('Location'), qr{not_found|login}, 'nobody can not';
};

sample 'sproutcore', 'samples/sproutcore/todo.lua', ['luasql.sqlite3', 'json'], sub {
    page('/sprout', qr{<html}i);
    page('/sprout/tasks', qr{^\{"content":\[});
    my $made = $server->ask(POST => '/sprout/tasks', body => '{"description":"buy tea","isDone":false}', headers => ['Content-Type' => 'application/json']);
    like $made->content, qr{"description":"buy tea"}, 'a task';
    page('/sprout/tasks', qr{buy tea});
};

SKIP: {
    skip 'only the event MPM parks', 2 unless Apache::Test::vars()->{coral_mpm} eq 'event';
    for my $when (qw(before between)) {
        my @answers = $server->crowd("/many/say/Ann?N&$when", $many);
        my @want = map { ($when eq 'between' ? "$_: " : '') . 'Hello Ann!' } 1 .. $many;
        is_deeply [map { s/^(\d+: )?.*?(Hello Ann!).*/($1 \/\/ '') . $2/ser } @answers], \@want, "$many at once, all in the middle of it: $when"
            or diag substr $server->error_log, -2000;
    }
}

my @errors = $server->error_log =~ /^.*\[coral:(?:error|crit|alert|emerg)\].*\n/mg;
is "@errors", '', 'nothing went wrong';
$server->stop;
done_testing;
