# SPDX-License-Identifier: Apache-2.0
# ffi: what libraries use it for. The answers are LuaJIT's, but where a comment says so.
use strict;
use warnings;
use Coral::Blocks;
run_blocks;
__DATA__
=== buffers
--- lua
local ffi = require "ffi"
local b = ffi.new("char[?]", 8)
for i = 0, 7 do b[i] = 65 + i end
ngx.say(ffi.string(b, 8), " ", ffi.string(b + 2, 3), " ", ffi.sizeof(b), " ", b[0])
b[3] = 0
ngx.say(ffi.string(b), " ", ffi.new("unsigned char[1]", -1)[0], " ", ffi.new("char[1]", 200)[0], " ", ffi.new("char[1]", 65.9)[0])
local bytes = ffi.typeof "uint8_t[?]"
local n = ffi.new(bytes, 3)
ngx.say(n[0], n[1], n[2], " ", ffi.string(bytes(2), 2) == "\0\0")
ffi.copy(b, "hello", 5)
ngx.say(ffi.string(b, 8):byte(1, -1))
ffi.copy(b, "hi")
ngx.say(ffi.string(b))
ffi.fill(b, 4, 65)
ngx.say(ffi.string(b, 5))
ffi.copy(b + 2, b, 2)
local big = ffi.new("char[?]", 100000)
ffi.copy(big, ("x"):rep(100000), 100000)
ngx.say(ffi.string(big, 100000) == ("x"):rep(100000), " ", #ffi.string(big, 0))
--- body
ABCDEFGH CDE 8 65
ABC 255 -56 65
000 true
104101108108111707172
hi
AAAAo
true 0

=== structs, and their bytes
--- lua
local ffi = require "ffi"
ffi.cdef [[
  /* of lua-resty-limit-traffic's shape */
  struct t_rec { unsigned long excess; uint64_t last; };
  typedef struct t_q_s t_q;  // a list
  struct t_q_s { double expire; t_q *prev; t_q *next; uint32_t flags; };
]]
local r = ffi.new("struct t_rec")
r.excess, r.last = 12.7, 1690000000123
local s = ffi.string(r, ffi.sizeof("struct t_rec"))
ngx.say((s:gsub(".", function(c) return ("%02x"):format(c:byte()) end)))
local p = ffi.cast("const struct t_rec*", s)
ngx.say(tonumber(p.excess), " ", ("%d"):format(tonumber(p.last)))
ngx.say(ffi.sizeof("t_q"), " ", ffi.offsetof("t_q", "flags"), " ", ffi.alignof("t_q"), " ", ffi.sizeof("t_q[3]"), " ", ffi.sizeof(ffi.typeof("int[?]"), 5))
local o = ffi.new("struct { int n; char name[8]; struct { short a, b; } in; union { int i; float f; }; }", { n = 1, name = "bob", ["in"] = { 2, 3 } })
ngx.say(o.n, ffi.string(o.name), o["in"].b, " ", o.i)
o.f = 1
ngx.say(o.i, " ", ffi.sizeof(o))
--- body
0c000000000000007b84d97b89010000
12 1690000000123
32 24 8 96 20
1bob3 0
1065353216 20

=== pointers: a list as lua-resty-lrucache has it
--- lua
local ffi = require "ffi"
ffi.cdef "typedef struct t_p_s t_p; struct t_p_s { double expire; t_p *prev; t_p *next; };"
local q = ffi.new("t_p[?]", 3)
q[0].prev = q
q[0].next = q + 1
q[1].next = q[2]
q[2].expire = 1.5
ngx.say(q[0].prev == q, " ", q[0].next == q[1], " ", q[0].next ~= q, " ", q[0].next.next.expire, " ", q[2].next == nil, " ", (q + 2) == q[1].next, " ", (q + 2) - q)
ngx.say(tonumber(ffi.cast("uintptr_t", q + 1)) - tonumber(ffi.cast("uintptr_t", q)) == ffi.sizeof("t_p"), " ", (q + 1) > q, " ", q <= q)
local pp = ffi.new("char *[1]")
local b = ffi.new("char[4]", "abc")
ngx.say(pp[0] == nil)
pp[0] = b
ngx.say(ffi.string(pp[0], 2))
pp[0] = nil
ngx.say(pp[0] == nil, " ", ffi.cast("void *", 0) == nil, " ", ffi.new("char *") == nil)
q[1].prev = q
ffi.fill(q, ffi.sizeof("t_p") * 3)
ngx.say(q[1].prev == nil, " ", q[2].expire)
--- body
true true true 1.5 true true 2
true true true
true
ab
true true true
true 0

=== arrays, initializers, numbers
--- lua
local ffi = require "ffi"
local a = ffi.new("int[4]", { 1, 2, 3 })
ngx.say(a[0], a[1], a[2], a[3])
a = ffi.new("int[4]", 7)
ngx.say(a[0], a[3])
a = ffi.new("int[4]", 1, 2)
ngx.say(a[1], a[2])
ngx.say(ffi.new("int[2][3]", { { 1, 2, 3 }, { 4, 5, 6 } })[1][2], " ", ffi.sizeof("int[2][3]"), " ", ffi.new("bool[2]", { true, false })[0])
ngx.say(ffi.string(ffi.new("char[10]", "hello")), ffi.string(ffi.new("char[3]", "hello"), 3))
ngx.say(ffi.cast("uint8_t", 300), " ", ffi.cast("int32_t", -1.9), " ", ffi.cast("uint32_t", -1), " ", ffi.cast("int16_t", 40000), " ",
  ffi.cast("float", 0.1) == 0.1, " ", ffi.cast("int64_t", 2^40), " ", ffi.cast("int", 2^32 + 5), " ", ffi.new("size_t"), " ", ffi.new("double", 3))
local u8 = ffi.new("uint8_t[16]")
ffi.copy(u8, "\1\2\3\4\5\6\7\8", 8)
local u32 = ffi.cast("uint32_t*", u8)
ngx.say(u32[0], " ", u32[1])
u32[0] = 0xdeadbeef
ngx.say(u8[0], " ", u8[3])
local c = ffi.cast("const uint8_t*", "abc\255")
ngx.say(c[0], " ", c[3], " ", ffi.string(c, 3), " ", ffi.string(c))
--- body_like
1230
77
20
6 24 true
hellohel
44 -1 4294967295 -25536 false 1099511627776 5 0 3
67305985 134678021
239 222
97 255 abc abc.

=== metatype, gc
--- lua
local ffi = require "ffi"
local log = {}
local P = ffi.metatype("struct { int x, y; }", {
  __index = { sum = function(self) return self.x + self.y end, k = 5 }, __add = function(a, b) return a.x + b.x end,
  __tostring = function() return "P" end, __len = function() return 7 end, __call = function(_, n) return n * 2 end,
  __eq = function(a, b) return a.x == b.x end,
})
local o = P(3, 4)
ngx.say(o:sum(), " ", o + P(10), " ", tostring(o), " ", #o, " ", o(4), " ", P { x = 5 }.x, " ", P { 5, 6 }.y, " ", P(1) == P(1, 2), " ", P.k)
ngx.say(ffi.istype(P, o), ffi.istype("int[2]", o), ffi.istype(P, 5), " ", tostring(ffi.typeof(o) == P))
do
  ffi.gc(ffi.new("int[1]"), function() log[#log + 1] = "freed" end)
  ffi.gc(ffi.gc(ffi.new("int[1]"), function() log[#log + 1] = "never" end), nil)
  ffi.metatype("struct { int k; int j; }", { __gc = function(x) log[#log + 1] = "k" .. x.k end })(2)
end
collectgarbage() collectgarbage()
table.sort(log)
ngx.say(table.concat(log, " "))
--- body
7 13 P 7 8 5 6 true 5
truefalsefalse true
freed k2

=== declarations: constants, functions, what is not there
--- lua
local ffi = require "ffi"
ffi.cdef [[
  enum { T_A = 3, T_B, T_C = 1 << 4, T_D = (T_A + 0x10) };
  static const int T_K = 9;
  typedef enum { T_E } t_enum;
  int t_nofunc(const char *x, void (*callback)(int, int), ...) __attribute__((nonnull(1)));
  extern int t_novar;
  void *memcpy(void *to, const void *from, size_t n); size_t strlen(const char *s); int memcmp(const void *a, const void *b, size_t n);
  int getpid(void); int RAND_bytes(unsigned char *buf, int num); struct t_tv { long tv_sec; long tv_usec; };
  int gettimeofday(struct t_tv *tv, void *tz);
]]
local C = ffi.C
ngx.say(C.T_A, " ", C.T_B, " ", C.T_C, " ", C.T_D, " ", C.T_K, " ", C.T_E)
local function why(f) return (select(2, pcall(f)):gsub("^.-:%d+: ", "")) end
ngx.say(why(function() return C.t_nodecl end))
ngx.say(why(function() return C.t_nofunc(1) end))
ngx.say(why(function() return ffi.load "ssl" end))
local b = ffi.new("char[8]")
C.memcpy(b, "abc", 4)
ngx.say(ffi.string(b), " ", C.strlen(b), " ", C.memcmp(b, "abd", 3), " ", C.getpid() == ngx.worker.pid(), " ", C.RAND_bytes(b, 8))
local tv = ffi.new("struct t_tv")
ngx.say(C.gettimeofday(tv, nil), " ", math.abs(tonumber(tv.tv_sec) - ngx.time()) < 5)
ngx.say(ffi.os == jit.os, " ", ffi.arch == jit.arch, " ", ffi.abi "64bit", " ", ffi.abi "be", " ", ffi.errno())
--- body
3 4 16 19 9 0
missing declaration for symbol 't_nodecl'
undefined symbol: t_nofunc (mod_coral's ffi calls no C functions but a few of its own)
cannot load library 'ssl': mod_coral's ffi calls no C libraries
abc 3 -1 true 1
0 true
true true true false 0

=== nothing outside can be reached: LuaJIT would not look
--- lua
local ffi = require "ffi"
local b = ffi.new("char[4]")
local p = ffi.cast("char *", b)
local far = ffi.cast("char *", 123456)
for _, f in ipairs {
  function() return b[4] end, function() return b[-1] end, function() b[4] = 1 end, function() return p[1e9] end, function() return (p + 4)[0] end,
  function() return ffi.string(b, 5) end, function() return far[0] end, function() far[0] = 1 end, function() ffi.fill(b, 5) end,
  function() ffi.copy(b, "12345", 5) end, function() return ffi.string(far) == "" and error() end, function() return ffi.cast("int *", b)[1] end,
  function() ffi.cast("char *", "constant")[0] = 1 end, function() return ffi.new("char[?]", -1) end, function() return ffi.new("char[?]") end,
  function() return b.name end, function() b[0] = {} end, function() b[0] = "x" end, function() b[0] = nil end, function() return ffi.new("struct t_unknown") end,
  function() return ffi.typeof("t_none") end, function() return ffi.new(5) end, function() ffi.copy(5, "x") end, function() return ffi.cast("int", {}) end,
  function() ffi.cdef "int x" ffi.cdef "struct t_b { int b : 3; };" end, function() ffi.cdef "int (" end,
} do ngx.print((pcall(f)) and "reached " or "no ") end
ngx.say()
ngx.say(b[3], " ", ffi.string(b, 4) == "\0\0\0\0")
--- body
no no no no no no no no no no no no no no no no no no no no no no no no no no 
0 true

=== an error is told where it was made
--- lua
local ffi = require "ffi"
ffi.new("t_none_there")
--- code 500
--- error_log
main.lua:2: declaration specifier expected near 't_none_there'
