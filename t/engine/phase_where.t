# SPDX-License-Identifier: Apache-2.0
# Where a phase may not stand, and which AllowOverride it needs in .htaccess.
use strict;
use warnings;
use Coral::Server;
use Test::More;

my @server_only = qw(init init_worker exit_worker quick server_rewrite map_to_storage);
my %override = map { ($_ => /^(?:access|authn|authz)$/ ? 'AuthConfig' : 'FileInfo') }
    qw(set rewrite access authn authz type fixup precontent insert_filter content header_filter body_filter log);

my $text = "ngx.log(ngx.WARN, 'ran')\n";
sub block { my $words = join ' ', @_; return "<CoralHook $words>\n$text</CoralHook>\n" }
sub both { my $phase = shift; return ("CoralHook $phase hook.lua\n", block($phase)) }

# One hook in each section where it may not be: refused at the start, on its line.
for my $phase (@server_only, 'translate_name') {
    for my $section ('<Directory "@ROOT@/htdocs">', '<DirectoryMatch "^/srv">', '<Location "/a">', '<LocationMatch "^/a">',
        '<Files "a.html">', '<FilesMatch "a$">') {
        next if $phase eq 'translate_name' && $section =~ /Location/;
        my ($name) = $section =~ /(\w+)/;
        for my $hook ($section =~ /^<(?:Directory|Location) / ? both($phase) : "CoralHook $phase hook.lua\n") {
            my $form = $hook =~ /^</ ? 'inline' : 'file';
            my $server = Coral::Server->new(
                config => "$section\n$hook</$name>\n",
                files  => { 'hook.lua' => $text, 'htdocs/hook.lua' => $text },
            );
            my ($status, $output) = $server->configtest;
            isnt $status, 0, "$phase, $form, in <$name>";
            like $output, qr/line 2 of \S*httpd\.conf/, "$phase, $form, in <$name>: the line";
            like $output, qr/CoralHook: the phase $phase may not stand here: it runs before/, "$phase, $form, in <$name>: the reason";
            unlike $output, qr/CoralHook inline/, "$phase, $form, in <$name>: in the user's words";
        }
    }
}

# In .htaccess: a request of its own for each.
my ($config, %files, %want) = ('');
for my $allowed (qw(FileInfo AuthConfig Options)) {
    $config .= "<Directory \"\@ROOT\@/htdocs/$allowed\">\nAllowOverride $allowed\n</Directory>\n";
    for my $phase (@server_only, 'translate_name', sort keys %override) {
        my @hooks = $phase eq 'set' ? block('set', '$X') : both($phase);
        for my $i (0 .. $#hooks) {
            my $url = "$allowed/$phase-" . ($hooks[$i] =~ /^</ ? 'inline' : 'file');
            @files{ map { "htdocs/$url/$_" } qw(.htaccess hook.lua index.html) } = ($hooks[$i], $text, "page\n");
            $want{$url} = [$phase, $override{$phase}, ($override{$phase} // '') eq $allowed];
        }
    }
}
$config .= "<Directory \"\@ROOT\@/htdocs/None\">\nAllowOverride None\n</Directory>\n";
@files{ map { "htdocs/None/$_" } qw(.htaccess index.html) } = ("CoralHook content nothing.lua\n", "page\n");

my $server = Coral::Server->new(config => $config, files => \%files);
ok $server->start, 'the server starts' or die $server->output . $server->error_log;
for my $url (sort keys %want) {
    my ($phase, $need, $fine) = @{ $want{$url} };
    my $log = $server->log;
    my $code = $server->get("/$url/index.html")->code;
    if ($fine) {
        my $reached = $phase !~ /^auth[nz]$/;    # those need a Require
        is $code, 200, "$url is allowed";
        ok $log->wait(qr/\bran\b/), "$url runs" if $reached;
        next;
    }
    is $code, 500, "$url is refused";
    my $told = $log->wait(qr/\S*\.htaccess: .*\n/);
    my $reason = $url =~ /^Options/ ? qr/<?CoralHook not allowed here/    # httpd's own words
        : $need ? qr/CoralHook: the phase $phase is not allowed here: AllowOverride lacks $need/
        :         qr/CoralHook: the phase $phase may not stand here/;
    like $told, qr{\Q$url\E/\.htaccess: $reason}, "$url: file and reason";
}
is $server->get('/None/index.html')->content, "page\n", 'AllowOverride None: nobody reads the file';

done_testing;
