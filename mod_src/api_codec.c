/* SPDX-License-Identifier: Apache-2.0 */
/* api_codec.c - coral.codec: escapes, arguments, base64, digests. Behind ngx.escape_uri, ngx.md5 …, r:escape … */
#include "glue.h"

#include "apr_encode.h"
#include "apr_md5.h"
#include "apr_sha1.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

/* What OpenResty takes for a text: nil is empty, numbers and booleans are written out. */
static const char *text_at(lua_State *L, int index, size_t *length)
{
    if (lua_isnoneornil(L, index)) {
        *length = 0;
        return "";
    }
    if (lua_isboolean(L, index)) {
        lua_pushstring(L, lua_toboolean(L, index) ? "true" : "false");
        lua_replace(L, index);
    }
    return luaL_checklstring(L, index, length);
}

static const char hex[] = "0123456789ABCDEF";

/* In a uri's part letters, digits and -._~!'()* stay, as in OpenResty and in JavaScript; in a whole uri all that may stand in one. */
static int stays(unsigned char c, int whole)
{
    if (whole)
        return c > ' ' && c < 0x7f && !strchr("#%?", c);
    return apr_isalnum(c) || strchr("-._~!'()*", c);
}

static void add_escaped(luaL_Buffer *b, const char *text, size_t length, int whole)
{
    size_t i;

    for (i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c && c < 0x80 && stays(c, whole))
            luaL_addchar(b, text[i]);
        else {
            luaL_addchar(b, '%');
            luaL_addchar(b, hex[c >> 4]);
            luaL_addchar(b, hex[c & 15]);
        }
    }
}

/* escape_uri(text, type): type 2 (default) for a part of a uri, 0 for a whole one. ngx.escape_uri */
static int l_escape_uri(lua_State *L)
{
    size_t length;
    const char *text = text_at(L, 1, &length);
    lua_Integer type = luaL_optinteger(L, 2, 2);
    luaL_Buffer b;

    luaL_argcheck(L, type == 0 || type == 2, 2, "the type is 0 or 2");
    luaL_buffinit(L, &b);
    add_escaped(&b, text, length, type == 0);
    luaL_pushresult(&b);
    return 1;
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* What is no escape stays as it is; "+" is a blank. */
static void add_unescaped(luaL_Buffer *b, const char *text, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++) {
        if (text[i] == '%' && i + 2 < length && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0) {
            luaL_addchar(b, (char)(digit(text[i + 1]) << 4 | digit(text[i + 2])));
            i += 2;
        }
        else
            luaL_addchar(b, text[i] == '+' ? ' ' : text[i]);
    }
}

/* unescape_uri(text). ngx.unescape_uri */
static int l_unescape_uri(lua_State *L)
{
    size_t length;
    const char *text = text_at(L, 1, &length);
    luaL_Buffer b;

    luaL_buffinit(L, &b);
    add_unescaped(&b, text, length);
    luaL_pushresult(&b);
    return 1;
}

static void push_unescaped(lua_State *L, const char *text, size_t length)
{
    luaL_Buffer b;

    luaL_buffinit(L, &b);
    add_unescaped(&b, text, length);
    luaL_pushresult(&b);
}

/* The next argument of a query string: its name is pushed unescaped, and its value, or true where there is none. Returns where to go
 * on, NULL at the end. */
static const char *next_argument(lua_State *L, const char *text, const char *end)
{
    while (text < end) {
        const char *stop = memchr(text, '&', end - text), *equal;

        if (!stop)
            stop = end;
        equal = memchr(text, '=', stop - text);
        if (stop > text && equal != text) {
            push_unescaped(L, text, (equal ? equal : stop) - text);
            if (equal)
                push_unescaped(L, equal + 1, stop - equal - 1);
            else
                lua_pushboolean(L, 1);
            return stop + 1;
        }
        text = stop + 1;
    }
    return NULL;
}

#define MOST_ARGUMENTS 100

static void clear(lua_State *L, int t)
{
    lua_pushnil(L);
    while (lua_next(L, t)) { /* key, value */
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_pushnil(L);
        lua_rawset(L, t);
    }
}

/* decode_args(text, max, tab): "a=1&b&a=2" to { a = { "1", "2" }, b = true }; at most max (100; 0: all) arguments, then the second
 * result is "truncated". tab: the table to use, emptied. ngx.decode_args */
static int l_decode_args(lua_State *L)
{
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length), *end = text + length;
    lua_Integer max = luaL_optinteger(L, 2, MOST_ARGUMENTS), count = 0;

    if (max < 0)
        max = MOST_ARGUMENTS;
    lua_settop(L, 3);
    if (!lua_toboolean(L, 3)) {
        lua_newtable(L);
        lua_replace(L, 3);
    }
    luaL_checktype(L, 3, LUA_TTABLE);
    clear(L, 3);
    while ((text = next_argument(L, text, end))) {
        if (max > 0 && ++count > max) {
            lua_settop(L, 3);
            lua_pushliteral(L, "truncated");
            return 2;
        }
        coral_add(L, 3);
    }
    return 1;
}

/* form(text, query): name -> value, name -> list of values, as mod_lua has them: of a query the last value counts and a name alone is
 * "1", of a body the first one counts and a name alone is "". r:parseargs, r:parsebody */
static int l_form(lua_State *L)
{
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length), *end = text + length;
    int query = lua_toboolean(L, 2);

    lua_settop(L, 2);
    lua_newtable(L);
    lua_newtable(L);
    while ((text = next_argument(L, text, end))) { /* 5: name, 6: value */
        int fresh;

        if (!lua_isstring(L, 6)) {
            lua_pushstring(L, query ? "1" : "");
            lua_replace(L, 6);
        }
        lua_pushvalue(L, 5);
        fresh = lua_rawget(L, 4) == LUA_TNIL; /* 7: list */
        if (fresh) {
            lua_createtable(L, 1, 0);
            lua_replace(L, 7);
            lua_pushvalue(L, 5);
            lua_pushvalue(L, 7);
            lua_rawset(L, 4);
        }
        if (fresh || query) {
            lua_pushvalue(L, 5);
            lua_pushvalue(L, 6);
            lua_rawset(L, 3);
        }
        lua_pushvalue(L, 6);
        lua_rawseti(L, 7, (lua_Integer)lua_rawlen(L, 7) + 1);
        lua_settop(L, 4);
    }
    return 2;
}

/* encode_base64(data, no_padding). ngx.encode_base64 */
static int l_encode_base64(lua_State *L)
{
    size_t length;
    const char *data = text_at(L, 1, &length), *text;
    int bare = lua_toboolean(L, 2);
    apr_size_t size = 0;
    luaL_Buffer b;

    if (bare && !lua_isboolean(L, 2))
        return luaL_error(L, "bad no_padding: boolean expected, got %s", luaL_typename(L, 2));
    apr_encode_base64_binary(NULL, (const unsigned char *)data, (apr_ssize_t)length, APR_ENCODE_NONE, &size);
    text = luaL_buffinitsize(L, &b, size);
    apr_encode_base64_binary((char *)text, (const unsigned char *)data, (apr_ssize_t)length, APR_ENCODE_NONE, &size);
    while (bare && size && text[size - 1] == '=')
        size--;
    luaL_pushresultsize(&b, size);
    return 1;
}

/* At `to`, which has room; false where it is not base64. */
static int decode_base64(unsigned char *to, const char *text, size_t length, apr_size_t *size)
{
    return apr_decode_base64_binary(to, text, (apr_ssize_t)length, APR_ENCODE_NONE, size) == APR_SUCCESS;
}

/* decode_base64(text): the data, nil if it is not base64. ngx.decode_base64: a = ends the text, the last character may hold bits that
   stand for nothing. */
static int l_decode_base64(lua_State *L)
{
    size_t length, rest;
    const char *text, *end;
    unsigned char *to;
    char tail[] = "AAAA";
    apr_size_t size = 0, more = 0;
    luaL_Buffer b;

    if (lua_type(L, 1) != LUA_TSTRING)
        return luaL_error(L, "string argument only");
    text = lua_tolstring(L, 1, &length);
    end = memchr(text, '=', length);
    length = end ? (size_t)(end - text) : length;
    rest = length % 4;
    to = (unsigned char *)luaL_buffinitsize(L, &b, length / 4 * 3 + 4);
    memcpy(tail, text + length - rest, rest);
    if (rest == 1 || (length > rest && !decode_base64(to, text, length - rest, &size))
        || (rest && !decode_base64(to + size, tail, 4, &more))) {
        lua_pushnil(L);
        return 1;
    }
    luaL_pushresultsize(&b, size + (rest ? rest - 1 : 0));
    return 1;
}

static int push_hex(lua_State *L, const unsigned char *digest, int size)
{
    char text[2 * APR_MD5_DIGESTSIZE];
    int i;

    for (i = 0; i < size; i++) {
        text[2 * i] = hex[digest[i] >> 4] | 32;
        text[2 * i + 1] = hex[digest[i] & 15] | 32;
    }
    lua_pushlstring(L, text, 2 * size);
    return 1;
}

/* md5(data): as hex. md5_bin(data), sha1_bin(data): 16 and 20 bytes */
static int l_md5(lua_State *L)
{
    unsigned char digest[APR_MD5_DIGESTSIZE];
    size_t length;
    const char *data = text_at(L, 1, &length);

    apr_md5(digest, data, length);
    return push_hex(L, digest, sizeof(digest));
}

static int l_md5_bin(lua_State *L)
{
    unsigned char digest[APR_MD5_DIGESTSIZE];
    size_t length;
    const char *data = text_at(L, 1, &length);

    apr_md5(digest, data, length);
    lua_pushlstring(L, (char *)digest, sizeof(digest));
    return 1;
}

static int l_sha1_bin(lua_State *L)
{
    unsigned char digest[APR_SHA1_DIGESTSIZE];
    apr_sha1_ctx_t sha1;
    size_t length;
    const char *data = text_at(L, 1, &length);

    apr_sha1_init(&sha1);
    apr_sha1_update_binary(&sha1, (const unsigned char *)data, (unsigned int)length);
    apr_sha1_final(digest, &sha1);
    lua_pushlstring(L, (char *)digest, sizeof(digest));
    return 1;
}

/* hmac_sha1(key, data): 20 bytes. ngx.hmac_sha1 */
static int l_hmac_sha1(lua_State *L)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    size_t key_length, length;
    const char *key = luaL_checklstring(L, 1, &key_length), *data = luaL_checklstring(L, 2, &length);

    if (!HMAC(EVP_sha1(), key, (int)key_length, (const unsigned char *)data, length, digest, &size))
        return luaL_error(L, "hmac_sha1 failed");
    lua_pushlstring(L, (char *)digest, size);
    return 1;
}

/* escape_html(text). r:escape_html */
static int l_escape_html(lua_State *L)
{
    request_rec *r = coral_request_here(L);

    return coral_push(L, ap_escape_html(r->pool, coral_check_text(L, 1)));
}

/* escape_form(text): as a form is encoded: a blank is +. r:escape */
static int l_escape_form(lua_State *L)
{
    return coral_push(L, ap_escape_urlencoded(coral_request_here(L)->pool, coral_check_text(L, 1)));
}

static const luaL_Reg functions[] = {
    { "escape_form", l_escape_form },
    { "escape_uri", l_escape_uri },
    { "unescape_uri", l_unescape_uri },
    { "decode_args", l_decode_args },
    { "form", l_form },
    { "encode_base64", l_encode_base64 },
    { "decode_base64", l_decode_base64 },
    { "md5", l_md5 },
    { "md5_bin", l_md5_bin },
    { "sha1_bin", l_sha1_bin },
    { "hmac_sha1", l_hmac_sha1 },
    { "escape_html", l_escape_html },
    { NULL, NULL }
};

CORAL_API(codec)
{
    luaL_newlib(L, functions);
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "null"); /* ngx.null */
    return 1;
}
