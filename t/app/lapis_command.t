# SPDX-License-Identifier: Apache-2.0
# The command `lapis` with a server of its own: httpd. And the virtual host docs/lapis.md shows, for the same application.
use strict;
use warnings;
use Coral::Client 'ask';
use Coral::File qw(write_file);
use Coral::Library;
use Coral::Server;
use Coral::Service;
use File::Temp ();
use Test::More;
use Time::HiRes 'sleep';

my $library = Coral::Library->need(qw(lapis argparse ansicolors cjson socket.core lpeg _openssl date etlua loadkit));
my ($lua) = grep { -x } map { "$_/lua5.4" } split /:/, $ENV{PATH};
plan skip_all => 'there is no lua5.4' unless $lua;

my $vars = Apache::Test::vars();
my $top  = $vars->{top_dir};
my $dir  = File::Temp->newdir('coral-XXXXXX', TMPDIR => 1);
my $port = Coral::Service::free_port();
$ENV{LUA_PATH} = join ';', './?.lua', (map { ("$_/?.lua", "$_/?/init.lua") } @{ $library->{roots} }), '', '', "$top/lua_lib/?.lua";
@ENV{qw(LAPIS_HTTPD LAPIS_MOD_CORAL)} = ($vars->{httpd}, "$top/build/mod_coral.so");
delete $ENV{LAPIS_ENVIRONMENT};

write_file("$dir/.run.lua", qq(require "lapis.cmd.actions".execute(arg)\n));

# lapis(WORDS): its status and what it says.
sub lapis {
    my @words = map { "'" . s/'/'\\''/gr . "'" } @_;
    my $out = qx(cd $dir && $lua .run.lua @words 2>&1);
    return ($? >> 8, $out =~ s/\e\[[\d;]*m//gr);
}

sub page { ask(GET => "http://127.0.0.1:$port/" . (shift // '')) }
sub wait_for { my $true = shift; for (1 .. 200) { return 1 if $true->(); sleep 0.05 } return 0 }

my ($status, $said) = lapis(qw(httpd new));
is $status, 0, 'a new project' or diag $said;
ok -f "$dir/$_", $_ for qw(app.lua config.lua httpd.conf models.lua);
my $config = Coral::File->follow("$dir/config.lua", 0)->text;
like $config, qr/secret = "[0-9a-f]{32}"/, 'with a secret of its own';
write_file("$dir/config.lua", $config =~ s/(server = )/port = "$port", $1/r);
mkdir "$dir/static";
write_file("$dir/static/a.css", "body {}\n");

(undef, $said) = lapis(qw(httpd config production));
like $said, qr{CoralEnvironment production\n.*CoralReload off\n.*CoralApp "/" "\Q$dir\E" lapis\n.*\n {4}Alias "/static/" "\Q$dir\E/static/"\n}s, 'the virtual host of a production server';
unlike $said, qr/^ +$|\$\{\{/m, 'without holes';

defined(my $pid = fork) or die "fork: $!\n";
unless ($pid) { chdir $dir; open STDOUT, '>', 'out'; open STDERR, '>&', \*STDOUT; exec $lua, '.run.lua', 'server' }
ok wait_for(sub { page()->code == 200 }), 'lapis server' or diag Coral::File->follow("$dir/out", 0)->text;
like page()->content, qr/Welcome to Lapis/, 'serves the application';
my $css = page('static/a.css');
is $css->content, "body {}\n", 'a static file';
is $css->header('Cache-Control'), 'no-cache', 'that may change';
($status, $said) = lapis(exec => 'print(1 + 1, ngx.get_phase())');
is $said, "2\tcontent\n", 'lapis exec asks the running server';
for my $command ([qw(build)], [qw(hup)], [qw(httpd reload)], [qw(signal USR1)]) {
    ($status, $said) = lapis(@$command);
    is $status, 0, "lapis @$command" or diag $said;
}
ok wait_for(sub { page()->code == 200 }), 'it serves';
($status, $said) = lapis('term');
like $said, qr/TERM \d+/, 'lapis term';
waitpid $pid, 0;
is page()->code, 0, 'it has gone';
($status, $said) = lapis('term');
like $said, qr/failed to find httpd process/, 'nobody to tell';
isnt $status, 0, 'is a failure';
($status, $said) = lapis(exec => 'print(require "lapis.config".get()._name)');
like $said, qr/temporary server.*\ndevelopment/s, 'lapis exec, by a server for it';
($status, $said) = lapis(qw(simulate /));
like $said, qr/Welcome to Lapis/, 'lapis simulate';

my ($host) = Coral::File->follow("$top/docs/lapis.md", 0)->text =~ /```apache\n(<VirtualHost.*?)```/s;
$host =~ s{/srv/shop}{$dir}g;
$host =~ s/\*:80/127.0.0.1:\@PORT\@/;
chmod 0755, $dir;
my $server = Coral::Server->new(config => $library->config . "$host\n" . $host =~ s/shop\.example/second.example/r);
ok $server->start, 'the virtual host of the manual, twice' or diag $server->output, $server->error_log;
for my $name (qw(shop second)) {
    my @host = (Host => "$name.example");
    like $server->get('/', @host)->content, qr/Welcome to Lapis/, "$name: serves the application";
    $css = $server->get('/static/a.css', @host);
    is $css->code . ' ' . $css->header('Cache-Control'), '200 public, max-age=3600', 'static files, which may be kept';
    unlike $server->get($_, @host)->content, qr/secret/, "but not $_" for qw(/config.lua /static/../config.lua /static/%2E%2E/config.lua);
}
$server->stop;
done_testing;
