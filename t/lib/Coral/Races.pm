# SPDX-License-Identifier: Apache-2.0
#
# Tells which of ThreadSanitizer's reports are mod_coral's. httpd has races of its own, by the hundred: counters that need not be exact,
# looks at a queue without its lock. A report is ours if one of its accesses is made by our code, or by what our code has called; not if
# httpd has gone on to other hooks from there.
package Coral::Races;

use strict;
use warnings;

# Whose access a stack is. Libraries act for who has called them; what httpd's hooks call, or ours where it goes through the rest of a hook
# itself, acts for itself.
sub is_ours {
    my $others = 0;
    for (@_) {
        my ($function, $module) = /#\d+ (\S+) .*\((\S+?)\+0x/ or next;
        return 0 if $function =~ /^ap_run_(?!mpm_query)/;
        return !($others && $function =~ /^(?:serve|ask_others)$/) if $module eq 'mod_coral.so';
        $others ||= $module =~ /^(?:httpd|apache2|mod_\w+\.so)$/;
    }
    return 0;
}

# A report is paragraphs, each a headline and a stack; those that only say where a thread or a lock came from do not count.
sub stacks {
    return map { [/^ +(#\d+ .*)$/mg] }
        grep { !/^\s*(?:Location|Thread|As if|Mutex \S+ \S+ created|Mutex \S+ is|SUMMARY)/ } split /\n\s*\n/, shift;
}

# APR looks at a number of an allocator that threads share without its lock, to see whether it is worth taking; then it looks again. A
# suppression would also hide an allocator that two threads use and that has no lock: here who wrote has it.
sub is_look {
    my $report = shift;
    return $report =~ /\bread of size \d+ [^\n]*\n +#0 allocator_alloc /i
        && $report =~ /\bwrite of size \d+ [^\n]*(?:mutexes: write [^\n]*\n +#0 allocator_(?:alloc|free) |\n +\[failed to restore)/i;
}

# ours(FILES): the reports, each once.
sub ours {
    my %seen;
    for my $file (@_) {
        open my $in, '<', $file or die "$file: $!\n";
        my $text = do { local $/; <$in> };
        for my $report (grep { /WARNING: ThreadSanitizer/ } split /^={18}\n/m, $text) {
            my @stacks = stacks($report =~ s/\A\s*WARNING: .*\n//r);
            next if is_look($report) || !grep { is_ours(@$_) } @stacks;
            my $what = join ' | ', map { join ' < ', map { (split)[1] } grep { defined } @$_[0 .. 2] } @stacks;
            $seen{$what} ||= $report =~ s/\n\s*\n +(?:Mutex|Thread) .*//sr;
        }
    }
    return map { $seen{$_} } sort keys %seen;
}

1;
