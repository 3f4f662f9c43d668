# SPDX-License-Identifier: Apache-2.0
#
# A small module of httpd's for one test, of what its hooks are; for what no module at hand does.
#
#   my $module = Coral::Module->source('late', $functions, $what_register_hooks_does);    # a file for Coral::Server
#   Coral::Module->build($server, 'late') or plan skip_all => 'no C compiler';
#
# and in the configuration: LoadModule late_module @ROOT@/mod_late.so
package Coral::Module;

use strict;
use warnings;
use Apache::Test ();

sub source {
    my ($class, $name, $functions, $hooks) = @_;
    return ("mod_$name.c" => <<"C");
#include "httpd.h"
#include "http_config.h"
#include "http_connection.h"
#include <unistd.h>

module AP_MODULE_DECLARE_DATA ${name}_module;

$functions
static void register_hooks(apr_pool_t *p)
{
    (void)p;
    $hooks
}

module AP_MODULE_DECLARE_DATA ${name}_module =
    { STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks, AP_MODULE_FLAG_NONE };
C
}

sub build {
    my ($class, $server, $name) = @_;
    my %apxs = map { my $value = qx(@{[Apache::Test::vars()->{apxs}]} -q $_); chomp $value; $_ => $value }
        qw(CC EXTRA_CPPFLAGS INCLUDEDIR APR_INCLUDEDIR APU_INCLUDEDIR);
    my $include = join ' ', map { "-I$apxs{$_}" } grep { /INCLUDE/ } sort keys %apxs;
    return !system "cd '@{[$server->root]}' && $apxs{CC} -shared -fPIC $apxs{EXTRA_CPPFLAGS} $include -o mod_$name.so mod_$name.c 2>cc.log";
}

1;
