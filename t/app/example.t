# SPDX-License-Identifier: Apache-2.0
# The application of examples/, as quickstart mounts it.
use strict;
use warnings;
use Coral::File;
use Coral::Server;
use POSIX ();
use Test::More;

my $server = Coral::Server->new(
    files  => { 'data/.keep' => '', 'logs/.keep' => '' },
    config => <<'END',
Define EXAMPLES   "${TOP}/examples"
Define CORAL_DATA "@ROOT@/data"
Include "${TOP}/examples/httpd.conf"
CoralSet $links_token "open sesame"
<IfModule remoteip_module>
    RemoteIPHeader X-Test-From
</IfModule>
<IfModule !mpm_prefork_module>
    StartServers    2
    MinSpareThreads 16
</IfModule>
<Location "/-/missing">
    <CoralHook content>
        for _, name in ipairs { "cjson.safe", "luasql.sqlite3" } do
            if not pcall(require, name) then ngx.say(name) end
        end
    </CoralHook>
</Location>
END
);
ok $server->start, 'it starts' or BAIL_OUT($server->output . $server->error_log);
my $missing = $server->get('/-/missing');
is $missing->code, 200, 'it can be asked what is missing';
if (my @names = split ' ', $missing->content) {
    $server->stop;
    ok 1;
  SKIP: { skip "the example needs @names", 1 }
    done_testing;
    exit;
}

sub form {
    my %field = @_;
    return join '&', map { "$_=" . $field{$_} =~ s/([^\w.-])/sprintf '%%%02X', ord $1/ger } sort keys %field;
}

sub post { my $path = shift; $server->ask(POST => $path, body => form(@_)) }

sub json {
    my ($method, $path, $text, @headers) = @_;
    return $server->ask($method, $path, body => $text, headers => [ 'Content-Type' => 'application/json', @headers ]);
}

sub total { ($server->get('/api/links')->content =~ /"total":(\d+)/)[0] }
sub follows { ($server->get("/api/links/$_[0]")->content =~ /"follows":(\d+)/)[0] }

# crowd(JOB): eight at the same time, each in a process of its own; what they return as a number from 0 to 100.
sub crowd {
    my $job = shift;
    my @pids = map {
        my $n = $_;
        my $pid = fork // die "fork: $!\n";
        POSIX::_exit(eval { $job->($n) } // 101) unless $pid;
        $pid;
    } 1 .. 8;
    return map { waitpid $_, 0; $? >> 8 } @pids;
}

subtest 'eight writers, from the first request on' => sub {
    my @failed = crowd(sub {
        my $n = shift;
        my $bad = grep { post('/links', url => "https://example.org/$n/$_")->code != 303 } 1 .. 5;
        return $bad + (json(POST => '/api/links', qq({"url":"https://example.org/$n"}))->code != 201);
    });
    is "@failed", '0 0 0 0 0 0 0 0', 'each could write';
    is total(), 48, 'and nothing is lost';

    my @codes = crowd(sub { json(POST => '/api/links', '{"url":"https://example.org/","code":"race"}')->code - 200 });
    is join(' ', sort { $a <=> $b } @codes), '1' . ' 209' x 7, 'eight want one name, one gets it';

    is join(' ', crowd(sub { scalar grep { $server->get('/race')->code != 302 } 1 .. 10 })), '0 0 0 0 0 0 0 0', 'eight follow';
    is follows('race'), 80, 'each is counted';
};

subtest 'the page' => sub {
    my $page = $server->get('/');
    is $page->code, 200, 'is there';
    is $page->header('Content-Type'), 'text/html; charset=utf-8', 'as HTML';
    like $page->header('Content-Security-Policy'), qr/default-src 'none'/, 'that runs nothing';
    like $page->content, qr{<form [^>]*action="/links"}, 'with a form';
    like $page->content, qr/All links/, 'and the links';
    is $server->ask(HEAD => '/')->code, 200, 'HEAD';
    my $style = $server->get('/static/style.css');
    is $style->header('Content-Type'), 'text/css', 'a stylesheet';
    is $style->header('Cache-Control'), 'public, max-age=3600', 'to be kept';
    is $server->get('/static/style.css', 'If-None-Match' => $style->header('ETag'))->code, 304, 'and asked for again';
    is $server->get('/static/nothing.css')->code, 404, 'no other';
    is $server->get("/$_")->code, 404, "$_ is not for sale" for qw(app.lua store.lua httpd.conf static/../store.lua links.db);
};

subtest 'create, list, follow, delete' => sub {
    my $made = post('/links', url => ' HTTPS://example.org/K%C3%B6ln?a=b#c ', code => 'city', title => 'Eine Stadt');
    is $made->code, 303, 'made';
    is $made->header('Location'), '/?created=city', 'and back to the page';
    like $server->get('/?created=city')->content, qr{role="status">.*/city</p>}s, 'which tells';
    unlike $server->get('/?created=nobody')->content, qr/role="status"/, 'what is true only';
    like $server->get('/')->content, qr/Eine Stadt/, 'in the list';

    my $log = Coral::File->follow($server->root . '/logs/follows.log');
    my $followed = $server->get('/city');
    is $followed->code, 302, 'followed';
    is $followed->header('Location'), 'https://example.org/K%C3%B6ln?a=b#c', 'to where it leads';
    is $followed->header('Cache-Control'), 'no-store', 'each time';
    ok $log->wait(qr{ 127\.0\.0\.1 followed city to https://example\.org/K%C3%B6ln\?a=b#c in \d+\.\d{3} s\n}), 'and logged';
    is follows('city'), 1, 'and counted';
    is $server->ask(HEAD => '/city')->code, 302, 'HEAD';
    is follows('city'), 1, 'counts nothing';
    $server->get('/');
    is $log->text =~ tr/\n//, 1, 'nothing else is in that log';

    my $stats = $server->get('/stats')->content;
    like $stats, qr{<dd>81</dd>}, 'the statistics have it';
    like $stats, qr{/race</a>.*<b>80</b>.*/city</a>.*<b>1</b>}s, 'in order';

    my $code = post('/links', url => 'https://example.org/', code => '')->header('Location') =~ /created=(\w{6})$/ ? $1 : '';
    ok $code, 'without a name one is made up';
    is $server->get("/$code")->code, 302, 'that works';

    is post('/links/city/delete')->code, 303, 'deleted';
    is $server->get('/city')->code, 404, 'gone';
    is post('/links/city/delete')->code, 404, 'nothing to delete';
    is post('/links', url => 'https://example.org/', code => 'city')->code, 303, 'made again';
    is follows('city'), 0, 'it begins anew';
};

subtest 'mistakes in the form' => sub {
    my %wrong = (
        'no address'      => [ { url => '' },                            qr/Paste the address/ ],
        'no scheme'       => [ { url => 'example.org' },                 qr/begins with http/ ],
        'javascript'      => [ { url => 'javascript:alert(1)' },         qr/begins with http/ ],
        'data'            => [ { url => 'data:text/html,x' },            qr/begins with http/ ],
        'no host'         => [ { url => 'http:///x' },                   qr/Check the name/ ],
        'a password'      => [ { url => 'https://bank.com@evil.org/' },  qr/Check the name/ ],
        'a blank'         => [ { url => 'https://example.org/a b' },     qr/no blanks/ ],
        'a line feed'     => [ { url => "https://example.org/\r\nX: y" }, qr/no blanks/ ],
        'a zero byte'     => [ { url => "https://example.org/\0" },      qr/no blanks/ ],
        'too long'        => [ { url => 'https://example.org/' . 'x' x 2000 }, qr/longer than 2000/ ],
        'a short name'    => [ { code => 'x' },                          qr/Use 2 to 32/ ],
        'a path as name'  => [ { code => '../etc' },                     qr/Use 2 to 32/ ],
        'our own name'    => [ { code => 'stats' },                      qr/by the service itself/ ],
        'a taken name'    => [ { code => 'race' },                       qr/taken, choose another/ ],
        'a long note'     => [ { title => 'x' x 81 },                    qr/longer than 80/ ],
        'not UTF-8'       => [ { title => "\xff" },                      qr/not plain text/ ],
        'a bell'          => [ { title => "a\a" },                       qr/not plain text/ ],
    );
    my $before = total();
    for my $name (sort keys %wrong) {
        my ($fields, $message) = @{ $wrong{$name} };
        my $answer = post('/links', url => 'https://example.org/', %$fields);
        is $answer->code, 422, "$name: refused";
        like $answer->content, qr{<span class="problem"[^>]*>[^<]*$message}, "$name: explained";
    }
    is total(), $before, 'nothing was made';
    my $kept = post('/links', url => 'ftp://example.org/"', code => 'mine', title => 'A & B')->content;
    like $kept, qr/value="ftp:\/\/example.org\/&quot;"/, 'what was typed is kept';
    like $kept, qr/value="A &amp; B"/, 'all of it';
    is $server->ask(POST => '/links', body => 'url&url=a&code=b&code=c')->code, 422, 'a strange form';
    is post('/links', url => 'x' x 20_000)->code, 413, 'a huge one';
};

subtest 'attacks' => sub {
    my $xss = q{<script>alert(1)</script>"'><img src=x onerror=alert(2)>};
    is post('/links', url => q{https://example.org/'&quot;(1)}, code => 'xss', title => $xss)->code, 303, 'a note is any text';
    for my $answer ($server->get('/'), $server->get('/stats'), post('/links', url => $xss, code => $xss, title => $xss),
            $server->get("/?created=$xss" =~ s/ /%20/gr)) {
        unlike $answer->content, qr/<script|<img src=x/, 'but text on each page';
    }
    like $server->get('/')->content, qr/&lt;script&gt;alert\(1\)&lt;\/script&gt;&quot;&#39;&gt;&lt;img/, 'as it was written';

    my $sql = q{'); DROP TABLE links; --};
    is post('/links', url => 'https://example.org/', code => 'sql', title => $sql)->code, 303, 'SQL is text as well';
    like json(GET => '/api/links/sql')->content, qr/\Q$sql\E/, 'kept as it is';
    is post('/links', url => q{https://example.org/?x=?&y='(SELECT)''}, code => 'sql2')->code, 303, 'in an address, too';
    like json(GET => '/api/links/sql2')->content, qr/\?x=\?&y='\(SELECT\)''/, 'unchanged';
    is $server->get("/$_")->code, 404, "/$_" for q{x'%20OR%201=1--}, q{%27%3BDELETE%20FROM%20links}, 'api/links/x%27';
    ok total() > 40, 'the links are there';
};

subtest 'JSON' => sub {
    my $made = json(POST => '/api/links', '{"url": "https://www.lua.org/", "code": "lua", "title": "Lua"}');
    is $made->code, 201, 'made';
    is $made->header('Content-Type'), 'application/json', 'as JSON';
    is $made->header('Location'), '/api/links/lua', 'and where';
    like $made->content, qr/"url":"https:\\?\/\\?\/www.lua.org\\?\/"/, 'what';
    my @facts = map { join ',', sort split /,/, $_->content =~ s/[{}\n]//gr } $made, $server->get('/api/links/lua');
    is $facts[0], $facts[1], 'the same as later';
    my $list = $server->get('/api/links');
    is $list->header('Content-Type'), 'application/json', 'a list';
    like $list->content, qr/^\{"total":\d+,"links":\[\{.*"code":"lua".*\}\]\}$/, 'with it';

    is json(POST => '/api/links', '{"url": "https://www.lua.org/", "code": "lua"}')->code, 409, 'taken';
    my $wrong = json(POST => '/api/links', '{"url": 5, "code": {}, "title": null}');
    is $wrong->code, 422, 'wrong types';
    like $wrong->content, qr/"(?:url|code|title)":"This must be a text\."/, 'are explained';
    is json(POST => '/api/links', $_)->code, 400, "not JSON: $_" for '{', 'x', '5', '"x"', '[' x 5000;
    is json(POST => '/api/links', '[]')->code, 422, 'a list is no link';
    my $plain = $server->ask(POST => '/api/links', body => '{}', headers => [ 'Content-Type' => 'text/plain' ]);
    is $plain->code, 415, 'another type';
    is $plain->header('Content-Type'), 'application/json', 'the answer is JSON';
    is $server->get('/api/links/nobody')->code, 404, 'unknown';
    is $server->get('/api/links/nobody')->header('Content-Type'), 'application/json', 'as JSON';

    is $server->ask(DELETE => '/api/links/lua')->code, 204, 'deleted';
    is $server->ask(DELETE => '/api/links/lua')->code, 404, 'once';
    my $put = $server->ask(PUT => '/api/links/race', body => '{}');
    is $put->code, 405, 'no PUT';
    is $put->header('Allow'), 'GET, DELETE', 'but these';
};

subtest 'who may write' => sub {
    my $base = $server->url;
    my $try = sub { $server->ask(POST => '/links', body => form(url => 'https://example.org/'), headers => [@_])->code };
    is $try->(Origin => $base), 303, 'the page itself';
    is $try->(Origin => 'http://evil.example'), 403, 'no other page';
    is $try->(Origin => 'null'), 403, 'nor one without a name';
    is $try->('Sec-Fetch-Site' => 'same-origin'), 303, 'newer browsers';
    is $try->('Sec-Fetch-Site' => $_), 403, "$_ is elsewhere" for qw(cross-site same-site);
    my $refused = json(POST => '/api/links', '{"url":"https://example.org/"}', Origin => 'http://evil.example');
    is $refused->code, 403, 'the same for JSON';
    is $refused->header('Content-Type'), 'application/json', 'in its own words';
    is json(DELETE => '/api/links/race', '', Origin => 'http://evil.example')->code, 403, 'nor delete';
    is $server->get('/race', Origin => 'http://evil.example')->code, 302, 'follow may everybody';
  SKIP: {
        skip 'no mod_remoteip: who is not on this machine is not tested', 6
            unless Coral::File->follow(Apache::Test::vars()->{t_conf} . '/modules.conf', 0)->text =~ /remoteip/;
        my @far = ('X-Test-From' => '203.0.113.9');
        is $server->get('/', @far)->code, 200, 'from elsewhere: look';
        is $server->get('/race', @far)->code, 302, 'follow';
        is $try->(@far), 403, 'not write';
        is $try->(@far, Authorization => 'Bearer open sesamf'), 403, 'with a wrong token';
        is $try->(@far, Authorization => 'Bearer open sesame'), 303, 'but with the right one';
        is $try->(@far, Authorization => 'Basic open sesame'), 403, 'in the right way';
    }
};

subtest 'what is not there' => sub {
    my $page = $server->get('/nobody');
    is $page->code, 404, 'a name nobody has';
    like $page->content, qr{<h1>Nothing here</h1>}, 'has a page';
    is $server->get($_)->code, 404, $_ for '/a/b', '/api', '/links', '/%00', '/..%2f';
    my $delete = $server->ask(DELETE => '/');
    is $delete->code, 405, 'a method nobody knows';
    is $delete->header('Allow'), 'GET', 'and which one is';
};

subtest 'a restart' => sub {
    my ($links, $race) = (total(), follows('race'));
    ok $server->graceful, 'graceful';
    is total(), $links, 'keeps the links';
    $server->stop;
    ok $server->start, 'stopped and started';
    is total(), $links, 'keeps the links';
    is follows('race'), $race, 'and the counts';
    is post('/links', url => 'https://example.org/')->code, 303, 'and takes more';
};

my @errors = $server->error_log =~ /^.*\[coral:(?:error|crit|alert|emerg)\].*\n/mg;
is "@errors", '', 'nothing went wrong on the way';
$server->stop;
done_testing;
