# SPDX-License-Identifier: Apache-2.0
# Dictionaries in shared memory and the life of the server: several children, restarts, children that are killed; CoralSharedDict and
# its mistakes. What the methods do is in ngx/shared.t.
use strict;
use warnings;
use Apache::Test ();
use Coral::Server;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep time);

my $prefork  = Apache::Test::vars()->{coral_mpm} eq 'prefork';
my $children = $prefork
    ? "StartServers 4\nMinSpareServers 4\nMaxSpareServers 4\nServerLimit 4\nMaxRequestWorkers 4\n"
    : "StartServers 2\nServerLimit 4\nThreadsPerChild 4\nMaxRequestWorkers 16\nMinSpareThreads 1\nMaxSpareThreads 16\n";

# Mistakes.
sub refused {
    my ($lines, $why, $name) = @_;
    my $server = Coral::Server->new(config => $lines);
    my ($status, $output) = $server->configtest;
    isnt $status, 0, "$name: refused";
    like $output, $why, "$name: says why";
}
refused("CoralSharedDict dogs\n", qr/CoralSharedDict takes two arguments/, 'no size');
refused("CoralSharedDict dogs 1m 2m\n", qr/CoralSharedDict takes two arguments/, 'two sizes');
refused("CoralSharedDict \"\" 1m\n", qr/CoralSharedDict takes two arguments, a name and a size/, 'no name');
refused("CoralSharedDict 1m dogs\n", qr/CoralSharedDict: "dogs" is not a size; write 500k, 64m, 1g or bytes/, 'the other way round');
refused("CoralSharedDict dogs $_\n", qr/CoralSharedDict: "\Q$_\E" is not a size/, "size $_") for '10x', '1.5m', '-1m', 'm', '10mb', '0x10';
refused("CoralSharedDict dogs $_\n", qr/CoralSharedDict: a size of \d+ bytes is too small; write something between 8k and 16g/, "size $_")
    for 0, '7k', 8191;
refused("CoralSharedDict dogs $_\n", qr/CoralSharedDict: a size of \d+ bytes is too large; write something between/, "size $_") for '17g', '100000m';
refused("CoralSharedDict dogs 1m\nCoralSharedDict cats 1m\nCoralSharedDict dogs 2m\n",
    qr/httpd\.conf:?.*CoralSharedDict: .*httpd\.conf:1 has a dictionary "dogs" already; take another name, or this line away/s, 'twice');
refused("<VirtualHost *:1>\nCoralSharedDict dogs 1m\n</VirtualHost>\n", qr/CoralSharedDict cannot occur within/, 'in a virtual host');
refused("<Location />\nCoralSharedDict dogs 1m\n</Location>\n", qr/CoralSharedDict (?:not allowed|cannot occur)/, 'in a Location');

my $many = Coral::Server->new(config => join('', map { "CoralSharedDict d$_ 8k\n" } 1 .. 300) . "CoralSharedDict DOGS 8K\nCoralSharedDict dogs 1M\n",
    files => { 'htdocs/many.lua' => <<'LUA' });
local n, wrong = 0, 0
for name, dict in pairs(ngx.shared) do n = n + 1 dict:set("name", name) end
for name, dict in pairs(ngx.shared) do if dict:get("name") ~= name or not require "coral.shared".check(dict) then wrong = wrong + 1 end end
ngx.print(n, " ", wrong, " ", ngx.shared.DOGS:capacity(), " ", ngx.shared.dogs:capacity())
LUA
ok $many->start, '300 dictionaries' or diag $many->output, $many->error_log;
is $many->get('/many.lua')->content, '302 0 8192 1048576', 'each for itself';
$many->stop;

my %files = (
    'htdocs/get.lua' => 'local d = ngx.shared[ngx.var.arg_d or "dogs"] ngx.print(tostring(d and d:get(ngx.var.arg_k)))',
    'htdocs/set.lua' => 'ngx.print(tostring((ngx.shared[ngx.var.arg_d or "dogs"]:set(ngx.var.arg_k, ngx.var.arg_v, tonumber(ngx.var.arg_t)))))',
    'htdocs/incr.lua' => 'ngx.print(ngx.shared.dogs:incr("n", 1, 0), " ", ngx.worker.pid())',
    'htdocs/pid.lua'  => 'ngx.sleep(0.05) ngx.print(ngx.worker.pid())',
    'htdocs/slow.lua' => 'ngx.sleep(2) ngx.shared.dogs:incr("old", 1, 0) ngx.print("old ", ngx.shared.dogs:capacity())',
    'htdocs/check.lua' => 'for _, d in pairs(ngx.shared) do ngx.say(require "coral.shared".check(d)) end',
);
my $hooks = <<'CONF';
<CoralHook init>
ngx.shared.dogs:incr("states", 1, 0)
</CoralHook>
<CoralHook init_worker>
ngx.shared.dogs:incr("workers", 1, 0)
</CoralHook>
<CoralHook exit_worker>
ngx.shared.dogs:incr("ended", 1, 0)
</CoralHook>
CONF
my $config = "${children}CoralSharedDict dogs 1m\nCoralSharedDict cats 100k\n$hooks";
my $server = Coral::Server->new(config => $config, files => \%files);
ok $server->start, 'starts' or diag $server->output, $server->error_log;
sub get { my %q = @_; $server->get('/get.lua?' . join '&', map { "$_=$q{$_}" } keys %q)->content }
sub set { my %q = @_; $server->get('/set.lua?' . join '&', map { "$_=$q{$_}" } keys %q)->content }

# So many requests at a time: what they answer.
sub at_once {
    my ($path, $count) = @_;
    my @sockets = map { my $s = IO::Socket::INET->new('127.0.0.1:' . $server->port); print $s "GET $path HTTP/1.0\r\n\r\n" if $s; $s } 1 .. $count;
    return map { my $text = do { local $/; <$_> } // ''; $text =~ /\r\n\r\n(.*)/s ? $1 : '' } grep defined, @sockets;
}

# Several children.
my %pids = map { $_ => 1 } map { at_once('/pid.lua', 4) } 1 .. 10;
cmp_ok scalar keys %pids, '>', 1, 'several children answer';
my %seen;
for (1 .. 10) { /^(\d+) (\d+)$/ and $seen{$1}++, $pids{$2}++ for at_once('/incr.lua', 4) }
is join(' ', sort { $a <=> $b } keys %seen), join(' ', 1 .. 40), 'they count together';
cmp_ok get(k => 'workers'), '>=', 2, 'init_worker sees it, in each child';
cmp_ok get(k => 'states'), '>=', 2, 'and init, in each state';
is get(k => 'nothing'), 'nil', 'what is not there';
is get(d => 'nobody', k => 'a'), 'nil', 'a dictionary that is not there';

# Restarts.
is set(k => 'kept', v => 'through'), 'true', 'something to keep';
set(k => 'moment', v => 'soon over', t => 1);
set(k => 'lasts', v => 'long', t => 1000);
set(d => 'cats', k => 'kept', v => 'cat');
my ($old) = sort keys %pids;
for my $round (1 .. 2) {
    ok $server->graceful, "a graceful restart, $round";
    is get(k => 'kept'), 'through', 'keeps what is in it';
    is get(k => 'lasts'), 'long', 'and what lasts';
    is get(d => 'cats', k => 'kept'), 'cat', 'of all dictionaries';
}
ok $server->restart, 'a hard restart';
is get(k => 'kept'), 'through', 'keeps it, too';
sleep 1;
is get(k => 'moment'), 'nil', 'what has expired meanwhile is gone';
is get(k => 'n'), 40, 'a number is what it was';
cmp_ok get(k => 'ended'), '>=', 1, 'exit_worker has seen it' unless $prefork;

# The old generation and the new one see the same.
my $slow = IO::Socket::INET->new('127.0.0.1:' . $server->port);
print $slow "GET /slow.lua HTTP/1.0\r\n\r\n";
sleep 0.3;
ok $server->graceful, 'a graceful restart while a request is on its way';
like do { local $/; <$slow> }, qr/\r\n\r\nold 1048576\z/, 'it is finished by the old generation';
is get(k => 'old'), 1, 'and the new one sees what it did';

# Another size, another name.
$slow = IO::Socket::INET->new('127.0.0.1:' . $server->port);
print $slow "GET /slow.lua HTTP/1.0\r\n\r\n";
sleep 0.3;
my $log = $server->log;
$server->write('httpd.conf', "${children}CoralSharedDict dogs 2m\nCoralSharedDict birds 100k\n$hooks");
ok $server->graceful, 'another size';
like $log->text, qr/CoralSharedDict dogs: its size was 1048576 bytes, now it is 2097152; it starts empty/, 'is logged';
for (1 .. 50) { last if get(k => 'kept') eq 'nil'; sleep 0.1 }    # an old child may still take a connection
is get(k => 'kept'), 'nil', 'it starts empty';
is get(d => 'cats', k => 'kept'), 'nil', 'one that is gone is gone';
is set(d => 'birds', k => 'kept', v => 'bird'), 'true', 'a new one is there';
like do { local $/; <$slow> }, qr/\r\n\r\nold 1048576\z/, 'the old generation has the old one to its end';
is get(k => 'old'), 'nil', 'which is not the new one';
$server->write('httpd.conf', $config);
ok $server->graceful, 'back again';
is get(d => 'cats', k => 'kept'), 'nil', 'one that comes again starts empty';
$server->write('httpd.conf', "$children$hooks" =~ s/ngx\.shared\.dogs/--/gr);
ok $server->graceful, 'none at all';
is get(k => 'kept'), 'nil', 'is none';
$server->write('httpd.conf', $config);
ok $server->graceful, 'and some';

# Children that are killed.
sub children { grep { /^\d+$/ && $_ != $server->pid } map { at_once('/pid.lua', 6) } 1 .. 3 }
set(k => 'kept', v => 'through');
for my $round (1 .. 3) {
    my %child = map { $_ => 1 } children();
    kill KILL => keys %child;
    my $end = time + 15;
    sleep 0.1 until get(k => 'kept') eq 'through' || time > $end;
    is get(k => 'kept'), 'through', "children are killed, $round: the new ones see it all";
}
is $server->get('/check.lua')->content, "true\ntrue\n", 'all is in order';
$server->stop;
ok $server->error_log !~ /Segmentation|exit signal Abort/, 'no crash';
ok $server->start, 'starts again';
is get(k => 'kept'), 'nil', 'after a stop it is empty';
$server->stop;

# One process.
ok $server->start('-X'), 'httpd -X';
is set(k => 'k', v => 'one-process'), 'true', 'sets';
is get(k => 'k'), 'one-process', 'gets';
$server->stop;
ok $server->error_log !~ /Segmentation|exit signal Abort/, 'no crash' or diag $server->error_log;

done_testing;
