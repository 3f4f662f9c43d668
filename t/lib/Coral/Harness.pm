# SPDX-License-Identifier: Apache-2.0
#
# Runs test files as prove does, names what was skipped, and leaves in the file
# $CORAL_TALLY the number of assertions passed, failed and skipped, and below it
# a line for each that failed.
package Coral::Harness;

use strict;
use warnings;
use TAP::Harness;

my $once_more = 4;

# run(FILES) is true when nothing failed.
sub run {
    my @files = @_;
    my (@skipped, @broken);
    my $harness = TAP::Harness->new({
        lib => ['t/lib'], verbosity => $ENV{CORAL_VERBOSE} ? 1 : 0, color => -t STDOUT,
    });
    $harness->callback(made_parser => sub {
        my ($parser, $job) = @_;
        $parser->callback(test => sub {
            my $test = shift;
            push @skipped, "$job->[1]: " . $test->explanation if $test->has_skip;
            push @broken, "$job->[1]: " . $test->as_string unless $test->is_ok;
        });
    });
    $harness->callback(after_test => sub {
        my ($job, $parser) = @_;
        push @skipped, "$job->[1]: " . $parser->skip_all if $parser->skip_all;
        push @broken, "$job->[1]: died, or broke its plan" if $parser->has_problems && !$parser->failed;
    });
    my $all    = $harness->runtests(@files);
    my @failed = grep { $_->has_problems } $all->parsers;
    my $again  = @failed && @failed <= $once_more ? once_more($harness, grep { ($all->parsers($_))[0]->has_problems } @files) : undef;
    print "skipped: $_\n" for @skipped;
    my @final = $again ? ((grep { !$_->has_problems } $all->parsers), $again->parsers) : $all->parsers;
    tally(\@final, scalar @skipped, \@broken);
    return $again ? $again->all_passed : $all->all_passed;
}

# A machine that is busy with something else makes tests of waiting fail now and then. A few files that failed get a second chance, and it
# is said; a crash counts all the same (t/run looks for those).
sub once_more {
    my ($harness, @files) = @_;
    print "\nonce more, for they failed: @files\n";
    my $again = $harness->runtests(@files);
    print 'failed, then ', $again->all_passed ? 'passed' : 'failed again', ": @files\n";
    return $again;
}

# A file that dies or breaks its plan has failed, even if none of its assertions did.
sub tally {
    my ($parsers, $skipped, $broken) = @_;
    my ($passed, $failed) = (0, 0);
    for my $parser (@$parsers) {
        $passed += $parser->passed - $parser->skipped;
        $failed += $parser->failed || ($parser->has_problems ? 1 : 0);
    }
    open my $out, '>', $ENV{CORAL_TALLY} or die "$ENV{CORAL_TALLY}: $!\n";
    printf $out "%d %d %d\n", $passed, $failed, $skipped;
    print $out "$_\n" for @$broken;
    close $out;
}

1;
