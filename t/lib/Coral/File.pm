# SPDX-License-Identifier: Apache-2.0
#
# Files: to write one, and to follow one (a log) that others write.
package Coral::File;

use strict;
use warnings;
use Exporter 'import';
use File::Basename 'dirname';
use File::Path 'make_path';
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(write_file test_name);

sub write_file {
    my ($name, $text) = @_;
    make_path(dirname($name));
    open my $out, '>:raw', $name or die "$name: $!\n";
    print $out $text;
    close $out or die "$name: $!\n";
}

# t/api/socket.t is api-socket, for folders of its own.
sub test_name { $0 =~ s{^(?:.*/)?t/|\.t\z}{}gr =~ tr{/}{-}r }

# follow(FILE) sees what is written from now on, follow(FILE, 0) all.
sub follow {
    my ($class, $file, $from) = @_;
    return bless { file => $file, from => $from // -s $file // 0 }, $class;
}

sub text {
    my $self = shift;
    open my $in, '<:raw', $self->{file} or return '';
    seek $in, $self->{from}, 0;
    local $/;
    return <$in> // '';
}

# What a pattern matches, as soon as it is there; nothing if it never comes.
sub wait {
    my ($self, $pattern, $seconds) = @_;
    my $end = time + ($seconds || 3);
    while (1) {
        my $late = time > $end;
        return $& if $self->text =~ $pattern;
        return '' if $late;
        sleep 0.01;
    }
}

1;
