# SPDX-License-Identifier: Apache-2.0
#
# Tests as blocks of text below __DATA__: files to put into a folder, a request, the
# answer. "=== name" begins a block, "--- section" a part of it, whose value is what
# stands on its line or, if nothing does, the lines below; with "eval" there, what
# the Perl code below gives. @DIR@ is the block's folder, @URL@ the same as a URL.
#
#   lua            main.lua, which is what is asked for unless request says otherwise
#   htaccess       .htaccess              file NAME   another file (or folder/file)
#   request        GET main.lua?a=1, below it the body; a target with / in front is absolute
#   more_headers   Name: value            vhost       tenant-a, tenant-b, tls, h2
#   again          in the folder of the block before   skip   why, if there is a reason
#   code           200                    mpm         event worker (the only ones it is for)
#   body           exactly this           body_like   a pattern
#   header         Name: value            header_like Name: pattern
#   header_absent  Name                   access_log  a pattern for the line in the log
#   error_log      what appears there     no_error_log  what does not
#
# run_blocks(PORT => 8081, …) replaces @PORT@ everywhere; server => a Coral::Server asks that one.
package Coral::Blocks;

use strict;
use warnings;
use Apache::Test ();
use Coral::Client 'ask';
use Coral::File qw(write_file test_name);
use Exporter 'import';
use Test::More;

our @EXPORT = 'run_blocks';
my %known = map { $_ => 1 } qw(lua htaccess file request more_headers vhost again code skip
    mpm body body_like header header_like header_absent access_log error_log no_error_log);
my $vars = Apache::Test::vars();
my ($documents, $logs, $own) = @$vars{qw(documentroot t_logs)};

sub parse {
    my ($name, @sections) = split /^--- */m, shift;
    my %block = (name => $name =~ s/\s+\z//r);
    for (@sections) {
        my ($head, $below) = split /\n/, $_, 2;
        my ($key, $inline) = $head =~ /^(\w+):?\s*(.*?)\s*$/;
        die "$block{name}: unknown section: $head\n" unless $known{ $key // '' };
        $below = ($below // '') =~ s/\n\s*\z/\n/r;
        $below = eval($below) // die $@ if $inline =~ s/\s*\beval$//;
        my $file = { lua => 'main.lua', htaccess => '.htaccess', file => $inline }->{$key};
        my $value = length $inline && $key ne 'file' ? $inline : $below;
        chomp $value unless $file || $key eq 'body';
        if ($file) { $block{files}{$file} = $value }
        else       { $block{$key} = join "\n", grep defined, $block{$key}, $value }
    }
    return { request => 'GET', vhost => 'default', code => 200, mpm => $vars->{coral_mpm}, %block };
}

# Runs the blocks of the test file, or those whose name matches $CORAL_BLOCK.
sub run_blocks {
    my %words = @_;
    my ($n, $url) = 0;
    ($documents, $logs) = ($own->root . '/htdocs', $own->root) if $own = delete $words{server};
    my (undef, @blocks) = split /^===[ \t]*/m, join('', <main::DATA>) =~ s/\@(\w+)\@/$words{$1} \/\/ $&/ger;
    for my $block (map { parse($_) } @blocks) {
        $url = "/@{[test_name]}/" . ++$n unless exists $block->{again};
        next if $block->{name} !~ ($ENV{CORAL_BLOCK} // '.');
        SKIP: {
            if (my $why = why_not($block)) { skip "$block->{name}: $why", 1 }
            run_block($block, $url);
        }
    }
    done_testing;
}

# Why this block can not be run, if so.
sub why_not {
    my ($block, $mpm) = (shift, $vars->{coral_mpm});
    return "no HTTP/2 under $mpm" if "$block->{vhost} $mpm" eq 'h2 prefork';
    return $block->{skip} || (grep({ $_ eq $mpm } split ' ', $block->{mpm}) ? '' : "not under $mpm");
}

sub run_block {
    my ($block, $url) = @_;
    my ($dir, $id) = ("$documents$url", "$url-$block->{name}" =~ s/\W+/-/gr);
    my %files = %{ delete $block->{files} || {} };
    s/\@DIR\@/$dir/g, s/\@URL\@/$url/g for values %files, values %$block;
    write_file("$dir/$_", $files{$_}) for keys %files;
    my ($errors, $access) = map { Coral::File->follow("$logs/$_") } qw(error_log access_log);
    my $response = send_request($block, $url, $id);
    my $line = $access->wait(qr/^\Q$id\E .*$/m);    # so the log phase is over
    diag "error log:\n", $errors->text if grep { !$_ } check($block, $response, $errors, $line);
}

sub lines { grep /\S/, split /\s*\n/, $_[0] // '' }
sub pairs { map { [split /:\s*/, $_, 2] } lines(@_) }

sub send_request {
    my ($block, $url, $id) = @_;
    my ($line, $body) = split /\n/, $block->{request}, 2;
    my ($method, $target, $protocol) = split ' ', $line;
    local $Apache::TestRequest::Module = $block->{vhost} =~ s/^h2$/tls/r;
    my $scheme = $block->{vhost} =~ /^(?:tls|h2)$/ ? 'https' : 'http';
    $target = 'main.lua' . ($target // '') if ($target // '') !~ m{^[^?]};
    $target = "$url/$target" if $target !~ m{^/};
    my $base = $own ? $own->url : "$scheme://" . Apache::TestRequest::hostport();
    return ask($method, "$base$target", body => $body,
        headers => ['X-Test-Id' => $id, map { @$_ } pairs($block->{more_headers})],
        protocol => $block->{vhost} eq 'h2' ? 'HTTP/2' : $protocol);
}

# The results of all assertions of a block.
sub check {
    my ($want, $got, $errors, $line) = @_;
    my ($name, $body) = ($want->{name}, $got->content);
    my $header = sub { join ', ', $got->header($_->[0]) };
    my @ok = is $got->code, $want->{code}, "$name: code";
    push @ok, is $body, $want->{body}, "$name: body" if exists $want->{body};
    push @ok, like $body, qr/$want->{body_like}/ms, "$name: body" if exists $want->{body_like};
    push @ok, is $header->(), $_->[1], "$name: $_->[0]" for pairs($want->{header});
    push @ok, like $header->(), qr/$_->[1]/, "$name: $_->[0]" for pairs($want->{header_like});
    push @ok, is scalar $got->header($_), undef, "$name: no $_" for lines($want->{header_absent});
    push @ok, like $line, qr/$_/, "$name: access log" for lines($want->{access_log});
    push @ok, ok $errors->wait(qr/\Q$_/), "$name: logs $_" for lines($want->{error_log});
    push @ok, unlike $errors->text, qr/\Q$_/, "$name: logs no $_" for lines($want->{no_error_log});
    my @trouble = $errors->text =~ /^.*\[coral:(?:error|crit|alert|emerg)\].*\n/mg;
    push @ok, is "@trouble", '', "$name: no errors" if $want->{code} == 200 && !exists $want->{error_log};
    return @ok;
}

1;
