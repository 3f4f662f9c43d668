/* SPDX-License-Identifier: Apache-2.0 */
#include "connection.h"

coral_connection_t *coral_connection_make(conn_rec *c)
{
    coral_connection_t *connection = coral_connection_of(c);

    if (!connection) {
        connection = apr_pcalloc(c->pool, sizeof(*connection));
        ap_set_module_config(c->conn_config, &coral_module, connection);
    }
    return connection;
}
