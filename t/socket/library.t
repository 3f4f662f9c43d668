# SPDX-License-Identifier: Apache-2.0
# Libraries written for LuaSocket wait without a thread: 200 requests at once on 8 threads, each in the middle of a call of redis-lua, or of
# ssl.https. They are all let go when all of them are there, and not before: if they queued for threads nobody would ever be.
use strict;
use warnings;
use Apache::Test ();
use Coral::Server;
use IO::Socket::IP;
use POSIX ();
use Test::More;
use Time::HiRes 'sleep';

my $many = 200;
my $vars = Apache::Test::vars();
plan skip_all => 'only the event MPM parks' unless $vars->{coral_mpm} eq 'event';

my ($redis_lua) = grep { -e } map { "/usr/share/lua/$_/redis.lua" } qw(5.4 5.3);
# The server is in redis-tools, too, by the name of one of the tools: which of them it is, it sees by the name it is called by.
my ($redis_server) = grep { -x } map { my $dir = $_; map { "$dir/$_" } qw(redis-server redis-check-rdb) } split(/:/, $ENV{PATH}), '/usr/bin';

sub free_port { IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0, Listen => 1)->sockport }

my $redis_port = free_port();
my $spare = Coral::Server->new;
my $tls_port = $spare->port;
my $tls = "$vars->{t_conf}/tls";
my $server = Coral::Server->new(
    config => <<~CONFIG,
        AsyncRequestWorkerFactor 100
        ListenBacklog 511
        CoralPackagePath /usr/share/lua/5.3/?.lua
        CoralSharedDict counter 64k
        Listen 127.0.0.1:$tls_port
        <VirtualHost 127.0.0.1:$tls_port>
            SSLEngine on
            SSLCertificateFile $tls/cert.pem
            SSLCertificateKeyFile $tls/key.pem
        </VirtualHost>
        CONFIG
    files => {
        'htdocs/redis.lua' => <<~LUA,
            local redis = require("redis").connect("127.0.0.1", $redis_port)
            local answer = redis:blpop("list", 50)
            ngx.print("got ", answer[2])
            redis:quit()
            LUA
        'htdocs/commands.lua' => <<~LUA,
            local redis = require("redis").connect { host = "127.0.0.1", port = $redis_port, timeout = 10, tcp_nodelay = true }
            assert(redis:ping())
            redis:set("key", "a\\r\\nb")
            redis:hmset("hash", { a = 1, b = 2 })
            redis:set("n", 0)
            local done = redis:transaction({ cas = true, watch = "n" }, function(t) t:multi() t:incrby("n", 40) end)
            local seen, size, field = {}, #redis:get("key"), redis:hget("hash", "b")
            for message, abort in redis:pubsub { subscribe = "news" } do
              seen[#seen + 1] = message.kind
              if message.kind == "subscribe" then
                require("redis").connect("127.0.0.1", $redis_port):publish("news", "x")
              else
                seen[#seen + 1] = message.payload
                abort()
              end
            end
            ngx.print(size, " ", field, " ", done[1], " ", table.concat(seen, " "))
            LUA
        'htdocs/https.lua' => <<~LUA,
            local body, code = require("ssl.https").request("https://127.0.0.1:$tls_port/wait.lua")
            ngx.print(code, " ", body)
            LUA
        'htdocs/wait.lua' => <<~LUA,
            local counter = ngx.shared.counter
            counter:incr("here", 1, 0)
            for i = 1, 1200 do
              if counter:get("here") >= $many then
                ngx.print("all here")
                return
              end
              ngx.sleep(0.04)
            end
            ngx.print("only ", counter:get("here"))
            LUA
    });

sub redis_cli {
    my $socket = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $redis_port) or return '';
    print $socket "@_\r\nQUIT\r\n";
    local $/;
    return <$socket> // '';
}

my $redis_pid;
sub start_redis {
    defined($redis_pid = fork) or die "fork: $!\n";
    if (!$redis_pid) {
        open STDOUT, '>', '/dev/null';
        exec { $redis_server } 'redis-server', '--port', $redis_port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no' or POSIX::_exit(127);
    }
    for (1 .. 250) { return 1 if redis_cli('PING') =~ /PONG/; sleep 0.04 }
    return 0;
}

END {
    local $?;
    if ($redis_pid) { kill TERM => $redis_pid; waitpid $redis_pid, 0 }
}

# Many clients that ask for a path at once; meanwhile() is called when all have asked. The answers' bodies, sorted and counted.
sub at_once {
    my ($path, $meanwhile) = @_;
    my @clients = map {
        my $socket = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $server->port) or die "connect: $!\n";
        print $socket "GET $path HTTP/1.0\r\n\r\n";
        $socket->flush;
        $socket;
    } 1 .. $many;
    $meanwhile->();
    my %answers;
    for my $socket (@clients) {
        local $/;
        $answers{ (<$socket> // '') =~ s/.*?\r\n\r\n//sr }++;
    }
    return \%answers;
}

ok $server->start, 'the server starts' or die $server->output . $server->error_log;
SKIP: {
    skip 'no redis-server (Debian: redis-tools)', 3 unless $redis_server;
    skip 'no redis-lua (Debian: lua-redis)', 3 unless $redis_lua;
    ok start_redis(), 'redis starts' or skip 'without redis', 2;
    is $server->get('/commands.lua')->content, '4 2 40 subscribe message x', 'commands, a transaction, messages'
        or diag $server->error_log;
    my $blocked = 0;
    my $answers = at_once('/redis.lua', sub {
        for (1 .. 1000) {
            ($blocked) = redis_cli('INFO clients') =~ /blocked_clients:(\d+)/;
            last if $blocked == $many;
            sleep 0.04;
        }
        redis_cli("RPUSH list @{['x ' x $many]}");
    });
    is $blocked, $many, "redis: all wait at the same time";
    is_deeply $answers, { 'got x' => $many }, 'redis: all are answered' or diag explain($answers), $server->error_log;
}
my $answers = at_once('/https.lua', sub { });
is_deeply $answers, { '200 all here' => $many }, 'ssl.https: all wait at the same time, and are answered'
    or diag explain($answers), substr($server->error_log, -3000);
unlike $server->error_log, qr/\[coral:(?:error|crit)\]/, 'no errors';
$server->stop;
done_testing;
