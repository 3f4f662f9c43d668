# SPDX-License-Identifier: Apache-2.0
#
# One request over HTTP/1.0, 1.1 or 2: Apache::TestRequest for plain text, curl for
# TLS, which Perl can not do everywhere.
package Coral::Client;

use strict;
use warnings;
use Apache::TestRequest ();
use Exporter 'import';
use File::Temp ();
use HTTP::Request;
use HTTP::Response;

our @EXPORT_OK = 'ask';
my $agent = Apache::TestRequest::user_agent(parse_head => 0);
$agent->timeout(60);
$agent->requests_redirectable([]);

# ask(METHOD, URL, headers => [Name => value ...], body => text, protocol => 'HTTP/1.1')
# gives an HTTP::Response; its code is 0 if there was no answer.
sub ask {
    my ($method, $url, %with) = @_;
    my $request = HTTP::Request->new($method, $url, $with{headers});
    $request->protocol($with{protocol} || 'HTTP/1.1');
    if (length($with{body} // '')) {
        $request->content($with{body});
        $request->header('Content-Type' => 'application/x-www-form-urlencoded')
            unless $request->header('Content-Type');
    }
    my $response = $url =~ /^https/ ? curl($request) : $agent->request($request);
    $response->code(0) if ($response->header('Client-Warning') // '') eq 'Internal response';
    return $response;
}

sub curl {
    my $request = shift;
    my @command = qw(curl -sSki --noproxy * --path-as-is --max-time 60 -H Expect:);
    push @command, $request->protocol =~ m{/2} ? '--http2' : '--http1.1';
    push @command, $request->method eq 'HEAD' ? '-I' : ('-X', $request->method);
    $request->headers->scan(sub { push @command, '-H', "$_[0]: $_[1]" });
    my $body = File::Temp->new;
    if (length $request->content) {
        print $body $request->content;
        $body->flush;
        push @command, '--data-binary', '@' . $body->filename;
    }
    open my $answer, '-|', @command, $request->uri or die "curl: $!\n";
    local $/;
    my $text = <$answer> // '';
    return length $text ? HTTP::Response->parse($text) : HTTP::Response->new(0, 'no answer');
}

1;
