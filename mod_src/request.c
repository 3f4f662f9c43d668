/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include "park.h"
#include "stock.h"
#include "variable.h"

#include "http_ssl.h"

#define MANY 100 /* parked requests: the memory of each one counts */

const char coral_r_kind[] = CORAL_R;

/* The request is over; r->pool goes away. */
static apr_status_t on_end(void *rq_)
{
    coral_request_t *rq = rq_;
    coral_bond_t *bond;

    for (bond = rq->bonds; bond; bond = bond->next)
        coral_vm_give(bond->vm, bond->ref, bond->on_lease);
    rq->bonds = NULL;
    coral_response_clear(&rq->response);
    ap_set_module_config(rq->r->request_config, &coral_module, NULL);
    return APR_SUCCESS;
}

coral_request_t *coral_request_existing(request_rec *r)
{
    return r ? ap_get_module_config(r->request_config, &coral_module) : NULL;
}

/* A body is read once: the request that a redirect makes has that of the one before. */
static coral_body_t *body_of(request_rec *r)
{
    return r->prev ? coral_request_of(r->prev)->body : coral_body_make(r);
}

static void note_variable(coral_request_t *rq, const char *name)
{
    if (!rq->variables)
        rq->variables = apr_table_make(rq->r->pool, 4);
    apr_table_set(rq->variables, name, "");
}

const char *coral_request_set_variable(coral_request_t *rq, const char *name, const char *value)
{
    const char *err = coral_variable_set(rq->r, name, value);

    if (!err)
        note_variable(rq, name);
    return err;
}

void coral_request_copy_variables(coral_request_t *rq, const coral_request_t *from)
{
    int i;

    for (i = 0; from->variables && i < apr_table_elts(from->variables)->nelts; i++) {
        const char *name = APR_ARRAY_IDX(apr_table_elts(from->variables), i, apr_table_entry_t).key;
        const char *value = apr_table_get(from->r->subprocess_env, name);

        if (value)
            apr_table_set(rq->r->subprocess_env, name, value);
        else
            apr_table_unset(rq->r->subprocess_env, name);
        note_variable(rq, name);
    }
}

/* What a redirect leads to goes on with what the request before it knew. httpd has renamed the variables. */
static void inherit(coral_request_t *rq)
{
    coral_request_t *before = coral_request_existing(rq->r->prev);

    if (!before)
        return;
    coral_request_copy_variables(rq, before);
    rq->ctx_vm = before->ctx_vm;
    rq->ctx_ref = before->ctx_ref;
    rq->named = before->exec_named;
    before->exec_named = NULL;
    if (rq->named && before->done) /* what the server has it do was done */
        rq->done = apr_array_copy(rq->r->pool, before->done);
}

coral_request_t *coral_request_of(request_rec *r)
{
    coral_request_t *rq = coral_request_existing(r);

    if (!rq) {
        rq = apr_pcalloc(r->pool, sizeof(*rq));
        rq->r = rq->response.r = r;
        rq->scoreboard = r->connection->sbh;
        rq->first_status = r->status;
        ap_set_module_config(r->request_config, &coral_module, rq);
        rq->body = body_of(r);
        inherit(rq);
        apr_pool_cleanup_register(r->pool, rq, on_end, apr_pool_cleanup_null);
    }
    rq->response.default_type = coral_conf_of(r)->default_type;
    if (!coral_conf_flag(coral_conf_of(r), use_default_type))
        rq->response.default_type = NULL;
    else if (!rq->response.default_type)
        rq->response.default_type = "text/plain";
    return rq;
}

static void log_as_client(coral_request_t *rq, int level, const char *text)
{
    conn_rec *c = rq->r->connection;
    conn_rec connection = { .pool = c->pool, .base_server = c->base_server, .local_addr = c->local_addr, .local_ip = c->local_ip,
                            .client_addr = c->client_addr, .client_ip = c->client_ip, .conn_config = c->conn_config, .notes = c->notes,
                            .keepalives = c->keepalives, .log = c->log, .log_id = c->log_id, .master = c->master, .sbh = rq->scoreboard };
    request_rec r = *rq->r;

    r.connection = &connection;
    ap_log_rerror(APLOG_MARK, level, 0, &r, "%s", text);
    rq->r->log_id = r.log_id; /* made when it is first asked for */
    if (connection.log_id != c->log_id)
        c->log_id = connection.log_id;
}

void coral_request_log(coral_request_t *rq, int level, const char *format, ...)
{
    char text[MAX_STRING_LEN]; /* longer is no line of httpd's */
    va_list args;

    if (rq ? !APLOG_R_IS_LEVEL(rq->r, level) : !APLOG_IS_LEVEL(ap_server_conf, level))
        return;
    va_start(args, format);
    apr_vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (rq)
        log_as_client(rq, level, text);
    else
        ap_log_error(APLOG_MARK, level, 0, ap_server_conf, "%s", text);
}

/* The end of a request's head is a bucket of no length that holds all the head was read into, 8 KB, until the connection is read again.
 * That is done here, and the 8 KB are another connection's. TLS has buffers of its own. */
static int spare_buffer(request_rec *r)
{
    conn_rec *c = r->connection;
    apr_bucket_brigade *bb;

    if (coral_park_count() < MANY || c->master || c->clogging_input_filters || ap_ssl_conn_is_ssl(c))
        return DECLINED;
    bb = apr_brigade_create(r->pool, c->bucket_alloc);
    ap_get_brigade(c->input_filters, bb, AP_MODE_SPECULATIVE, APR_NONBLOCK_READ, 1);
    if (APR_BRIGADE_EMPTY(bb))
        coral_stock_take(c);
    apr_brigade_destroy(bb);
    return DECLINED;
}

void coral_request_register(void)
{
    ap_hook_post_read_request(spare_buffer, NULL, NULL, APR_HOOK_REALLY_FIRST);
}

const coral_conf_t *coral_request_conf(coral_request_t *rq)
{
    const coral_conf_t *conf = coral_conf_of(rq->r);

    if (!rq->app)
        return conf;
    if (rq->app_below != conf) { /* it is made anew as httpd gets to know the request */
        rq->app_below = conf;
        rq->app_conf = coral_conf_at_home(rq->r->pool, conf, rq->app->home);
    }
    return rq->app_conf;
}

static coral_bond_t *bond_in(coral_request_t *rq, const coral_conf_t *conf)
{
    coral_bond_t *bond;

    for (bond = rq ? rq->bonds : NULL; bond; bond = bond->next)
        if (coral_vm_fits(bond->vm, conf))
            return bond;
    return NULL;
}

coral_bond_t *coral_request_bond(coral_request_t *rq, const coral_conf_t *conf)
{
    coral_bond_t *bond = bond_in(rq, conf), *other;
    request_rec *up;

    if (bond)
        return bond;
    bond = apr_pcalloc(rq->r->pool, sizeof(*bond));
    bond->ref = LUA_NOREF;
    for (up = rq->r; (up = up->main ? up->main : up->prev) && !bond->vm;)
        if ((other = bond_in(coral_request_existing(up), conf))) {
            bond->vm = other->vm;
            coral_vm_share(bond->vm);
        }
    if (!bond->vm && !(bond->vm = coral_vm_take(conf)))
        return NULL;
    bond->on_lease = 1;
    bond->next = rq->bonds;
    return rq->bonds = bond;
}

/* A redirected request goes on with the ngx.ctx of the one before, a captured one with what it was given. */
static void inherit_ctx(lua_State *L, coral_request_t *rq, coral_vm_t *vm)
{
    coral_request_t *before = coral_request_existing(rq->r->prev);
    coral_bond_t *bond;

    if (rq->ctx_vm == vm) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, rq->ctx_ref);
        lua_setiuservalue(L, -2, 1);
    }
    for (bond = before ? before->bonds : NULL; bond; bond = bond->next)
        if (bond->vm == vm && bond->ref != LUA_NOREF) {
            lua_rawgeti(L, LUA_REGISTRYINDEX, bond->ref);
            lua_getiuservalue(L, -1, 1);
            lua_setiuservalue(L, -3, 1);
            lua_pop(L, 1);
        }
}

/* `r` holds no pointer, only a number: what it stands for is the request that runs, if the numbers agree. So a kept one can do no
 * harm. Its user value is ngx.ctx. */
void coral_request_push(lua_State *L, coral_request_t *rq, coral_bond_t *bond)
{
    if (bond->ref == LUA_NOREF) {
        coral_mark_t *mark = lua_newuserdatauv(L, sizeof(*mark), 1);

        mark->kind = coral_r_kind;
        mark->serial = bond->serial = coral_vm_serial(bond->vm);
        luaL_setmetatable(L, CORAL_R);
        if (rq)
            inherit_ctx(L, rq, bond->vm);
        lua_pushvalue(L, -1);
        bond->ref = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    else
        lua_rawgeti(L, LUA_REGISTRYINDEX, bond->ref);
}

void *coral_marked(lua_State *L, int index, const char *kind, apr_size_t size)
{
    coral_mark_t *mark = lua_type(L, index) == LUA_TUSERDATA ? lua_touserdata(L, index) : NULL;

    return mark && lua_rawlen(L, index) == size && mark->kind == kind ? mark : NULL;
}

void coral_request_end_leases(coral_request_t *rq, int waits)
{
    coral_bond_t *bond;

    for (bond = rq->bonds; bond; bond = bond->next) {
        if (bond->on_lease)
            coral_vm_end_lease(bond->vm, waits);
        bond->on_lease = 0;
    }
}
