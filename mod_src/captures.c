/* SPDX-License-Identifier: Apache-2.0 */
#include "captures.h"

const char *coral_captures_subject(lua_State *L, int index, size_t *length)
{
    if (lua_type(L, index) != LUA_TSTRING) {
        luaL_tolstring(L, index, NULL);
        lua_replace(L, index);
    }
    return lua_tolstring(L, index, length);
}

int coral_captures_failed(lua_State *L, int nils)
{
    int i;

    for (i = 0; i < nils; i++) {
        lua_pushnil(L);
        lua_insert(L, -2);
    }
    return nils + 1;
}

int coral_captures_none(lua_State *L, int status, int nils)
{
    if (!status) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushfstring(L, "pcre_exec() failed: %d", status);
    return coral_captures_failed(L, nils);
}

int coral_captures_took_part(const size_t *places, int group)
{
    return places[2 * group] != PCRE2_UNSET && places[2 * group] <= places[2 * group + 1];
}

void coral_captures_push_group(lua_State *L, const char *subject, const size_t *places, int group)
{
    if (coral_captures_took_part(places, group))
        lua_pushlstring(L, subject + places[2 * group], places[2 * group + 1] - places[2 * group]);
    else
        lua_pushboolean(L, 0);
}

/* t[name][#t[name] + 1] = the group; the name is on top and is popped. */
static void add_to_list(lua_State *L, int t, const char *subject, const size_t *places, int group)
{
    lua_pushvalue(L, -1);
    if (lua_rawget(L, t) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_createtable(L, 1, 0);
        lua_insert(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, t);
    }
    else
        lua_remove(L, -2);
    coral_captures_push_group(L, subject, places, group);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    lua_pop(L, 1);
}

static void add_names(lua_State *L, const coral_pattern_t *p, const char *subject, const size_t *places, int t)
{
    PCRE2_SPTR row = p->name_table;
    unsigned int i;

    for (i = 0; i < p->names; i++, row += p->stride) {
        int group = row[0] << 8 | row[1];

        if (!coral_pattern_has_lists(p)) {
            lua_pushstring(L, (const char *)row + 2);
            coral_captures_push_group(L, subject, places, group);
            lua_rawset(L, t);
        }
        else if (coral_captures_took_part(places, group)) {
            lua_pushstring(L, (const char *)row + 2);
            add_to_list(L, t, subject, places, group);
        }
    }
}

void coral_captures_push(lua_State *L, const coral_pattern_t *p, const char *subject, const size_t *places, int into)
{
    int t, i;

    if (into)
        lua_pushvalue(L, into);
    else
        lua_createtable(L, p->groups, 1 + (int)p->names);
    t = lua_gettop(L);
    for (i = 0; i <= p->groups; i++) {
        coral_captures_push_group(L, subject, places, i);
        lua_rawseti(L, t, i);
    }
    if (p->names)
        add_names(L, p, subject, places, t);
}
