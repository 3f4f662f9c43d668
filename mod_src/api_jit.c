/* SPDX-License-Identifier: Apache-2.0 */
/* api_jit.c - coral.jit: what LuaJIT has built in and Lua cannot do, or slowly. Behind bit, table.new, ngx.crc32_short, jit.os */
#include "glue.h"

#include <limits.h>
#include <math.h>

#if defined(__linux__)
#define OS "Linux"
#elif defined(__APPLE__)
#define OS "OSX"
#elif defined(__FreeBSD__) || defined(__OpenBSD__) || defined(__NetBSD__) || defined(__DragonFly__)
#define OS "BSD"
#elif defined(_WIN32)
#define OS "Windows"
#else
#define OS "POSIX"
#endif

#if defined(__x86_64__) || defined(_M_X64)
#define ARCH "x64"
#elif defined(__i386__)
#define ARCH "x86"
#elif defined(__aarch64__)
#define ARCH "arm64"
#elif defined(__arm__)
#define ARCH "arm"
#elif defined(__powerpc__)
#define ARCH "ppc"
#elif defined(__s390x__)
#define ARCH "s390x"
#else
#define ARCH "other"
#endif

/* An argument's low 32 bits: fractions are rounded, to the even one of two. */
static apr_uint32_t bits_at(lua_State *L, int index)
{
    int whole;
    lua_Integer n = lua_tointegerx(L, index, &whole);
    lua_Number x;

    if (whole)
        return (apr_uint32_t)n;
    x = fmod(rint(luaL_checknumber(L, index)), 4294967296.0);
    return isfinite(x) ? (apr_uint32_t)(lua_Integer)x : 0;
}

static int push_bits(lua_State *L, apr_uint32_t bits)
{
    lua_pushinteger(L, (apr_int32_t)bits);
    return 1;
}

static int l_tobit(lua_State *L)
{
    return push_bits(L, bits_at(L, 1));
}

static int l_bnot(lua_State *L)
{
    return push_bits(L, ~bits_at(L, 1));
}

static int l_bswap(lua_State *L)
{
    apr_uint32_t b = bits_at(L, 1);

    return push_bits(L, b >> 24 | (b >> 8 & 0xff00) | (b & 0xff00) << 8 | b << 24);
}

#define FOLD(name, operator)                                                                       \
    static int l_##name(lua_State *L)                                                              \
    {                                                                                              \
        apr_uint32_t b = bits_at(L, 1);                                                            \
        int i, count = lua_gettop(L);                                                              \
                                                                                                   \
        for (i = 2; i <= count; i++)                                                               \
            b operator bits_at(L, i);                                                              \
        return push_bits(L, b);                                                                    \
    }

FOLD(band, &=)
FOLD(bor, |=)
FOLD(bxor, ^=)

/* Of a shift's distance the low 5 bits count. */
#define SHIFT(name, expression)                                                                    \
    static int l_##name(lua_State *L)                                                              \
    {                                                                                              \
        apr_uint32_t b = bits_at(L, 1), n = bits_at(L, 2) & 31;                                    \
                                                                                                   \
        return push_bits(L, expression);                                                           \
    }

SHIFT(lshift, b << n)
SHIFT(rshift, b >> n)
SHIFT(arshift, (apr_uint32_t)((apr_int32_t)b >> n))
SHIFT(rol, b << n | b >> (-n & 31))
SHIFT(ror, b >> n | b << (-n & 31))

/* tohex(bits, n): n digits (8), of a negative n in upper case */
static int l_tohex(lua_State *L)
{
    apr_uint32_t b = bits_at(L, 1);
    apr_int32_t n = lua_isnone(L, 2) ? 8 : (apr_int32_t)bits_at(L, 2);
    const char *digits = n < 0 ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[8];
    int i;

    if (n < 0)
        n = n == INT_MIN ? INT_MAX : -n;
    if (n > 8)
        n = 8;
    for (i = n; i-- > 0; b >>= 4)
        text[i] = digits[b & 15];
    lua_pushlstring(L, text, n);
    return 1;
}

/* char(...): string.char that cuts off fractions, as Lua 5.1 does */
static int l_char(lua_State *L)
{
    int i, count = lua_gettop(L);
    luaL_Buffer b;
    char *bytes = luaL_buffinitsize(L, &b, count);

    for (i = 1; i <= count; i++) {
        lua_Number n = luaL_checknumber(L, i);

        luaL_argcheck(L, n > -1 && n < 256, i, "value out of range");
        bytes[i - 1] = (char)(unsigned char)n;
    }
    luaL_pushresultsize(&b, count);
    return 1;
}

static int size_at(lua_State *L, int index)
{
    lua_Number size = luaL_checknumber(L, index);

    return size > 0 ? size < INT_MAX ? (int)size : INT_MAX : 0;
}

/* table(list, hash): an empty table with room for so many entries. table.new */
static int l_table(lua_State *L)
{
    int list = size_at(L, 1), hash = size_at(L, 2);

    lua_createtable(L, list, hash);
    return 1;
}

/* crc32(data): of zip and gzip. APR-util and OpenSSL have none. */
static int l_crc32(lua_State *L)
{
    static const apr_uint32_t table[16] = { /* of half a byte */
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c
    };
    size_t length;
    const unsigned char *data = (const unsigned char *)luaL_checklstring(L, 1, &length), *end = data + length;
    apr_uint32_t crc = 0xffffffff;

    for (; data < end; data++) {
        crc = table[(crc ^ *data) & 15] ^ crc >> 4;
        crc = table[(crc ^ *data >> 4) & 15] ^ crc >> 4;
    }
    lua_pushinteger(L, crc ^ 0xffffffff);
    return 1;
}

static const luaL_Reg functions[] = {
    { "char", l_char },
    { "table", l_table },
    { "crc32", l_crc32 },
    { NULL, NULL }
};

static const luaL_Reg bit[] = {
    { "tobit", l_tobit },
    { "tohex", l_tohex },
    { "bnot", l_bnot },
    { "band", l_band },
    { "bor", l_bor },
    { "bxor", l_bxor },
    { "lshift", l_lshift },
    { "rshift", l_rshift },
    { "arshift", l_arshift },
    { "rol", l_rol },
    { "ror", l_ror },
    { "bswap", l_bswap },
    { NULL, NULL }
};

/* With bit: LuaJIT's operations on 32 bits (https://bitop.luajit.org/api.html); os and arch, as LuaJIT names them. */
CORAL_API(jit)
{
    luaL_newlib(L, functions);
    luaL_newlib(L, bit);
    lua_setfield(L, -2, "bit");
    lua_pushliteral(L, OS);
    lua_setfield(L, -2, "os");
    lua_pushliteral(L, ARCH);
    lua_setfield(L, -2, "arch");
    return 1;
}
