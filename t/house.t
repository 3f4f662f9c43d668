# SPDX-License-Identifier: Apache-2.0
#
# The house rules, as far as a machine can read them. Needs no server; reads the
# source in $CORAL_SRCDIR or in the folder above this one.
use strict;
use warnings;
use File::Find;
use FindBin;
use Test::More;

chdir($ENV{CORAL_SRCDIR} || "$FindBin::Bin/..") or die "no source: $!\n";

# The floors stand below __DATA__, top floor first; a * stands for any name.
my @floors = reverse map { [split] } grep /\S/, <DATA>;
my %floor = map { my $n = $_; map { $_ => $n + 1 } @{ $floors[$n] } } 0 .. $#floors;

# What only these rooms may do.
my %trade = (
    lua_resume          => 'task',
    lua_newstate        => 'vm',
    luaL_newstate       => 'source',
    event_base_loop     => 'poller',
    event_base_dispatch => 'poller',
    SUSPENDED           => 'park',
);

sub floor_of {
    my $room = shift;
    return $floor{$room} // ($room =~ /^api_/ ? $floor{'api_*'} : 0);
}

sub slurp {
    my $file = shift;
    open my $in, '<', $file or die "$file: $!\n";
    local $/;
    return <$in> // '';
}

sub files {
    my ($wanted, @places) = @_;
    my @found;
    find({ no_chdir => 1, wanted => sub { push @found, $_ if -f && /$wanted/ } }, grep -e, @places);
    return sort @found;
}

# Without its comments, which may speak of anything.
sub code { slurp(shift) =~ s{/\*.*?\*/}{}gsr }

sub check_room {
    my $file = shift;
    my ($room) = $file =~ m{([^/]+)\.[ch]$};
    my $code = code($file);
    my @ours = grep { -e "mod_src/$_.h" } $code =~ /^\s*#\s*include\s+"(\w+)\.h"/mg;
    my @poached = grep { exists $trade{$_} && " $trade{$_} " !~ / $room / } $code =~ /(\w+)/g;
    is "@poached", '', "$file keeps to its trade";
    my $here = floor_of($room);
    ok $here, "$file has a floor" or return;
    my @up = grep { $_ ne $room && floor_of($_) >= $here } @ours;
    is "@up", '', "$file includes only from below";
}

my @rooms = files(qr/\.[ch]$/, 'mod_src');
ok scalar @rooms, 'there is a house';
check_room($_) for @rooms;

# A file says under which licence it is before it says anything else.
for my $file (@rooms, files(qr/\.lua$/, 'lua_lib'), files(qr{/(?:run|TEST|[^/]+\.(?:pm|t|conf|in))$}, 't')) {
    my $head = join "\n", grep defined, (split /\n/, slurp($file))[0 .. 4];
    like $head, qr/SPDX-License-Identifier: Apache-2\.0/, "$file names its licence";
}

# Whoever can be written into a configuration can be looked up.
my %directive = map { $_ => 1 } map { code($_) =~ /"<?(Coral[A-Z]\w+)>?"/g } files(qr/\.[ch]$/, 'mod_src');
my $manual = -e 'docs/directives.md' ? slurp('docs/directives.md') : '';
like $manual, qr/\b$_\b/, "$_ is in docs/directives.md" for sort keys %directive;

# What is true on one machine only.
my @tracked = files(qr/^(?!.*\.(?:so|o|png|ico|gz)$)/,
    qw(mod_src lua_lib t docs examples conf.d bin bench .ci), grep { -f } glob '*');
for my $file (@tracked) {
    my @home = slurp($file) =~ m{(?<![\w\})*.])(/(?:home|Users|root)/\w+)}g;
    is "@home", '', "$file names nobody's home";
}

# Our Lua files keep what they make to themselves.
SKIP: {
    my ($luac) = grep { -x } map { my $dir = $_; map { "$dir/$_" } qw(luac5.4 luac) } split /:/, $ENV{PATH};
    skip 'no luac5.4: globals of Lua files are not checked', 1 unless $luac;
    for my $file (files(qr/\.lua$/, 'lua_lib')) {
        my $listing = qx('$luac' -p -l '$file' 2>&1);
        is $?, 0, "$file compiles" or diag $listing;
        my @set = $listing =~ /SETTABUP.*; _ENV "(\w+)"/g;
        is "@set", '', "$file sets no globals";
    }
}

done_testing;
__DATA__
mod_coral
api directive
api_* phase content directive_app directive_hook directive_body directive_net serve
filter route client named dial
stretch table socket plug shared_lua captures certificate
glue crypto verdict timer job trip
run capture
request strand lend
task print body
response answer
vm park net_pool resolver pattern
vigil
bell stock
script net process shared_value shared_list stay
lounge
sleeper conf source variable turn connection shared matcher spool
poller net_tls dict
arena errlog tls_settings heap belonging
coral
