# SPDX-License-Identifier: Apache-2.0
#
# Libraries for OpenResty that are not ours, which tests run as they are. They are
# looked for in the folders that CORAL_LIBRARIES names (/a:/b, each with one folder per
# library, as unpacked), where Lua and OpenResty have theirs, and where Debian has some
# under other names: its nginx.redis is resty.redis.
#
#   my $libraries = Coral::Library->need('resty.redis', 'cjson');    # or the test is skipped
#   my $server = Coral::Server->new(config => $libraries->config);
#   my $server = $libraries->server(\%words, crowd => 'ngx.print("fine ", ngx.var.arg_n)');    # one that has seen a crowd
package Coral::Library;

use strict;
use warnings;
use Coral::Server;
use Test::More ();

# Lua's own places come last in CoralPackagePath's order anyway; these are not all of them.
my @usual = qw(/usr/local/share/lua/5.4 /usr/share/lua/5.4 /usr/local/openresty/lualib /usr/local/share/lua/5.1 /usr/share/lua/5.1);
my %debian = map { ("resty.$_" => "nginx.$_") } qw(redis memcached websocket.server websocket.client websocket.protocol dns.resolver);

# Folders that may have a module's file.
sub roots {
    my @given = map { ($_, "$_/lib", "$_/src", glob("$_/*/lib"), glob("$_/*/src"), glob("$_/*")) } grep length, split /:/, $ENV{CORAL_LIBRARIES} // '';
    return grep { -d } @given, @usual;
}

sub find {
    my $file = shift =~ tr{.}{/}r;
    for my $root (roots()) { return $root if -r "$root/$file.lua" || -r "$root/$file/init.lua" }
    return;
}

# Modules in C: in the folders of CORAL_LIBRARIES, or in Lua's own places ('', for these need no CoralPackageCPath).
sub find_binary {
    my $file = shift =~ tr{.}{/}r;
    my @own = grep { -d } qw(/usr/local/lib/lua/5.4), glob '/usr/lib/lua/5.4 /usr/lib/*/lua/5.4 /usr/lib64/lua/5.4';
    return '' if grep { -r "$_/$file.so" } @own;
    my ($root) = grep { -r "$_/$file.so" } $ENV{CORAL_LIBRARIES} ? roots() : ();
    return $root;
}

# A name begins with ? if the tests can do without it (see has).
sub need {
    my ($class, @names) = @_;
    my $self = bless { roots => [], binaries => [], alias => {}, has => {} }, $class;
    my (%seen, @missing);
    for (@names) {
        my ($maybe, $name) = /^(\??)(.*)/;
        my $as   = find($name) ? $name : $debian{$name} // $name;
        my $root = find($as);
        my $binary = $root ? undef : find_binary($name);
        $self->{has}{$name} = 1 if $root || defined $binary;
        push @{ $self->{binaries} }, $binary if $binary;
        if ($root) {
            $self->{alias}{$name} = $as if $as ne $name;
            push @{ $self->{roots} }, $root unless $seen{$root}++;
        }
        elsif (!$self->{has}{$name} && !$maybe) { push @missing, $name }
    }
    Test::More::plan(skip_all => "there is no @missing (CORAL_LIBRARIES: folders with libraries)") if @missing;
    return $self;
}

sub has { $_[0]{has}{ $_[1] } }

# Whether it is Debian's, which may be older than what we test.
sub debian { $_[0]{alias}{ $_[1] } }

# What test scripts begin with: show(...) writes all values in a line, but for nils at its end, which libraries do not agree on.
sub lua {
    return <<~'LUA' =~ s/\s*\n\s*/ /gr;
        local function show(...)
          local t, n = {}, select("#", ...)
          while n > 1 and (select(n, ...)) == nil do n = n - 1 end
          for i = 1, n do t[i] = tostring((select(i, ...))) end
          ngx.say(table.concat(t, "|"))
        end
        LUA
}

# For httpd.conf.
sub config {
    my $self = shift;
    my $text = join '', map({ qq(CoralPackagePath "$_/?.lua;$_/?/init.lua"\n) } @{ $self->{roots} }), map { qq(CoralPackageCPath "$_/?.so"\n) } @{ $self->{binaries} };
    my @alias = map { qq(package.preload["$_"] = function() return require "$self->{alias}{$_}" end) } sort keys %{ $self->{alias} };
    return $text . (@alias ? join("\n", '<CoralHook init>', @alias, '</CoralHook>', '') : '');
}

# A server that runs, for a library that talks to a service: with the scripts crowd, which a hundred clients have asked at a time and which answers
# "fine " and its argument n, and prepare, if there is one, which was asked before and answers "prepared". @WORDS@ in them are words of the hash.
sub server {
    my ($self, $words, %scripts) = @_;
    my $server = Coral::Server->new(
        config => $self->config . "AsyncRequestWorkerFactor 100\nCoralSslTrustedCertificate \"\${CONF}/tls/cert.pem\"\n",
        files  => { map { ("htdocs/$_.lua" => $scripts{$_} =~ s/\@(\w+)\@/$words->{$1}/gr) } keys %scripts },
    );
    Test::More::ok($server->start, 'starts') or Test::More::diag($server->output, $server->error_log);
    if ($scripts{prepare}) {
        Test::More::is($server->get('/prepare.lua')->content, 'prepared', 'prepared') or Test::More::diag($server->error_log);
    }
    Test::More::is(join(' ', $server->crowd('/crowd.lua?n=N', 100)), join(' ', map { "fine $_" } 1 .. 100), 'a hundred clients at the same time');
    return $server;
}

1;
