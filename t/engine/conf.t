# SPDX-License-Identifier: Apache-2.0
# Mistakes in the configuration, and a restart with another one.
use strict;
use warnings;
use Coral::Server;
use Test::More;

sub refused {
    my ($config, $pattern, $name) = @_;
    my ($status, $output) = Coral::Server->new(config => $config)->configtest;
    isnt $status, 0, "$name is refused";
    like $output, $pattern, "$name is explained";
}

refused "CoralHook acess hook.lua\n", qr/line 1 of .*acess/s, 'an unknown phase';
refused "\nCoralHook access missing.lua\n", qr/line 2 of .*missing\.lua/s, 'a missing file';

my $server = Coral::Server->new(
    config => "CoralHook access lua/deny.lua\n",
    files  => { 'lua/deny.lua' => "ngx.exit(403)\n" },
);
my ($status, $output) = $server->configtest;
is $status, 0, 'a good configuration is taken' or diag $output;
ok $server->start, 'and starts' or diag $server->output, $server->error_log;
is $server->get('/')->code, 403, 'the hook runs';
like $server->raw("GET / HTTP/1.0\r\n\r\n"), qr{^HTTP/1\.1 403 }, 'whoever asks';

$server->write('httpd.conf', "# without the hook\n");
ok $server->graceful, 'a graceful restart';
is $server->get('/')->content, "ready\n", 'and the hook is gone';
$server->stop;

done_testing;
