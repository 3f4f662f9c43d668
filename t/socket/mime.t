# SPDX-License-Identifier: Apache-2.0
# mime and ltn12, on our mime.core: what goes in pieces comes out as what goes in whole.
use strict;
use warnings;
use Coral::Blocks;
use Coral::Upstream;

run_blocks(LUA => Coral::Upstream::lua(), M => 'local mime, ltn12 = require "mime", require "ltn12"');
__DATA__
=== Base64
--- lua
@LUA@ @M@
show(mime.b64("abcd"))
show(mime.b64("ab", "cd"))
show(mime.b64(""), mime.b64(nil))
show(mime.b64("", ""))
show(mime.unb64("YWJjZA=="))
show(mime.unb64("YW Jj\r\nZA", "=="))
show(mime.unb64("YQ==YmI=Y2Nj"))
show(mime.unb64("YWJjZ", "A"))
show(mime.unb64("!?"), mime.unb64(""))
show(mime.b64(12))
fails(mime.b64, {})
local all = {}
for i = 0, 255 do all[i + 1] = string.char(i) end
all = table.concat(all)
show(mime.unb64((mime.b64(all))) == all, #mime.b64(all))
--- body
YWJjZA==|nil
YWJj|d
nil|nil|nil
""|""
abcd|nil
abcd|""
abbccc|nil
abc|ZA
nil|nil|nil
MTI=|nil
bad argument #1 to 'b64' (string expected, got table)
true|344

=== quoted-printable
--- lua
@LUA@ @M@
show(mime.qp("a=b \t\r\nc"))
show(mime.qp("\228\r\nx \r"))
show(mime.qp("ab ", "\r\n"))
show(mime.qp("ab ", ""))
show(mime.qp("a\r\n", "", "=0D=0A"))
show(mime.qp(""), mime.qp(nil))
show(mime.unqp("a=3Db=20=09\r\n=\r\nc=e4=ZZ\1"))
show(mime.unqp("a=", "3"))
show(mime.unqp("a\r", "\n"))
--- body_like eval
"\\Aa=3Db =09\\\\r\\\\nc\\|nil\n=E4\\\\r\\\\nx=20=0D=\\\\r\\\\n\\|nil\nab=20\\\\r\\\\n\\|\"\"\nab\\| \na=0D=0A\\|\"\"\nnil\\|nil\\|nil\na=b \\t\\\\r\\\\nc\xe4=ZZ\\|nil\na\\|=3\na\\\\r\\\\n\\|\"\"\n\\z"

=== lines
--- lua
@LUA@ @M@
show(mime.wrp(3, "abcdefgh", 4))
show(mime.wrp(3, "a\nb\r\nc", 4))
show(mime.wrp(3, nil, 4))
show(mime.wrp(4, nil, 4))
show(mime.qpwrp(5, "abcd=3Def", 5))
show(mime.qpwrp(2, nil, 5))
show(mime.eol(0, "a\nb\r\nc\rd\n\n", "|"))
show(mime.eol(0, "a\r"))
show(mime.eol(13, "\nb"))
show(mime.eol(0, nil))
show(mime.dot(2, ".a\r\n.b\r\n"))
show(mime.dot(1, "\n.a\r"))
show(mime.dot(0, nil))
fails(mime.wrp, "x")
--- body
abc\r\ndefg\r\nh|3
a\r\nb\r\nc|3
\r\n|4
nil|4
abcd=\r\n=3De=\r\nf|4
=\r\n|5
a|b|c|d|||0
a\r\n|13
b|0
nil|0
..a\r\n..b\r\n|2
\n..a\r|1
nil|2
bad argument #1 to 'wrp' (number expected, got string)

=== filters and pumps
--- lua
@LUA@ @M@
local function through(text, size, ...)
  local parts = {}
  local at = 1
  local function source()
    if at > #text then return nil end
    at = at + size
    return text:sub(at - size, at - 1)
  end
  assert(ltn12.pump.all(ltn12.source.chain(source, ltn12.filter.chain(...)), (ltn12.sink.table(parts))))
  return table.concat(parts)
end
local text = ("Zw\195\182lf Boxk\195\164mpfer = 12 \t\r\n.\r\njagen\r\n"):rep(40)
local base, printable, dots = through(text, 1000000, mime.encode "base64"), through(text, 1000000, mime.encode "quoted-printable")
for size = 1, 40 do
  if through(text, size, mime.encode "base64") ~= base then show("base64", size) end
  if through(text, size, mime.encode "quoted-printable") ~= printable then show("quoted-printable", size) end
  if through(base, size, mime.decode "base64") ~= text then show("from base64", size) end
  if through(printable, size, mime.decode "quoted-printable") ~= text then show("from quoted-printable", size) end
  local wrapped = through(text, size, mime.encode "quoted-printable", mime.wrap "quoted-printable")
  if through(wrapped, 7, mime.decode "quoted-printable") ~= text then show("wrapped", size) end
  for line in wrapped:gmatch "[^\r\n]+" do if #line > 76 then show("long", line) end end
  if through(text, size, mime.stuff()) ~= text:gsub("\r\n%.", "\r\n..") then show("stuff", size) end
  if through(text:gsub("\r\n", "\n"), size, mime.normalize()) ~= text then show("normalize", size) end
end
show(#base)
--- body_like
^\d+\n\z
