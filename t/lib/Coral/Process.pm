# SPDX-License-Identifier: Apache-2.0
#
# What a process uses, as /proc has it: 0 where there is none.
package Coral::Process;

use strict;
use warnings;
use Exporter 'import';

our @EXPORT_OK = qw(descriptors sockets kilobytes proportional threads seconds children);

sub slurp { open my $in, '<', shift or return ''; local $/; return <$in> // '' }

sub descriptors { opendir my $dir, "/proc/$_[0]/fd" or return 0; return scalar grep { !/^\./ } readdir $dir }
sub sockets     { return scalar grep { (readlink($_) // '') =~ /^socket:/ } glob "/proc/$_[0]/fd/*" }
sub kilobytes   { return slurp("/proc/$_[0]/status") =~ /^VmRSS:\s*(\d+)/m ? $1 : 0 }
sub proportional { return slurp("/proc/$_[0]/smaps_rollup") =~ /^Pss:\s*(\d+)/m ? $1 : 0 }    # kilobytes, shared ones by halves
sub threads     { return slurp("/proc/$_[0]/status") =~ /^Threads:\s*(\d+)/m ? $1 : 0 }

# Of CPU.
sub seconds {
    my @field = split ' ', slurp("/proc/$_[0]/stat") =~ s/^.*\) //sr;
    return @field ? ($field[11] + $field[12]) / 100 : 0;
}

# The processes a process has started, that still run.
sub children {
    my $pid = shift;
    return map { m{/(\d+)/} } grep { slurp($_) =~ /\) [^Z] $pid / } glob '/proc/[0-9]*/stat';
}

1;
