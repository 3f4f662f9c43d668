# SPDX-License-Identifier: Apache-2.0
#
# Runs test files as prove does, names what was skipped, and leaves the number of
# assertions passed, failed and skipped in the file $CORAL_TALLY.
package Coral::Harness;

use strict;
use warnings;
use TAP::Harness;

# run(FILES) is true when nothing failed.
sub run {
    my @files = @_;
    my @skipped;
    my $harness = TAP::Harness->new({
        lib => ['t/lib'], verbosity => $ENV{CORAL_VERBOSE} ? 1 : 0, color => -t STDOUT,
    });
    $harness->callback(made_parser => sub {
        my ($parser, $job) = @_;
        $parser->callback(test => sub {
            my $test = shift;
            push @skipped, "$job->[1]: " . $test->explanation if $test->has_skip;
        });
    });
    $harness->callback(after_test => sub {
        my ($job, $parser) = @_;
        push @skipped, "$job->[1]: " . $parser->skip_all if $parser->skip_all;
    });
    my $all = $harness->runtests(@files);
    print "skipped: $_\n" for @skipped;
    tally($all, scalar @skipped);
    return $all->all_passed;
}

# A file that dies or breaks its plan has failed, even if none of its assertions did.
sub tally {
    my ($all, $skipped) = @_;
    my $broken = grep { $_->has_problems && !$_->failed } $all->parsers;
    my $passed = $all->passed - $all->skipped;
    open my $out, '>', $ENV{CORAL_TALLY} or die "$ENV{CORAL_TALLY}: $!\n";
    printf $out "%d %d %d\n", $passed, $all->failed + $broken, $skipped;
    close $out;
}

1;
