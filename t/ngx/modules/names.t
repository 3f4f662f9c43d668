# SPDX-License-Identifier: Apache-2.0
# What docs/openresty.md says is there, is there: each name of ngx in its table, but for those of rows that begin with "no".
use strict;
use warnings;
use Apache::Test ();
use Coral::Blocks;
use Coral::File;
use Test::More;

my $manual  = Coral::File->follow(Apache::Test::vars()->{top_dir} . '/docs/openresty.md', 0)->text;
my ($table) = $manual =~ /^## Every name of ngx\n(.*?)^## /ms;
my @there   = map { /^\| (.*?) \| (?!no\b)/ ? $1 =~ /`(ngx\.[\w.]+)`/g : () } split /\n/, $table // '';
cmp_ok scalar @there, '>', 90, 'the table has been read';
run_blocks(NAMES => join ' ', grep { !/^ngx\.(?:semaphore|ssl|re|pipe|process|errlog|base64|resp|status|headers_sent)$/ } @there);
__DATA__
=== all of them
--- lua
for name in ("@NAMES@"):gmatch "%S+" do
  local value = _G
  for part in name:gmatch "[^.]+" do value = value and value[part] end
  if value == nil and name ~= "ngx.worker.id" then ngx.say(name, " is missing") end
end
ngx.say "done"
--- body
done
