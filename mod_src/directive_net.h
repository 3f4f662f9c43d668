/* SPDX-License-Identifier: Apache-2.0 */
/* directive_net.h - the directives about waiting: the loop, parking, sockets, timers, TLS. */
#ifndef CORAL_DIRECTIVE_NET_H
#define CORAL_DIRECTIVE_NET_H

#include "coral.h"

/* A time, into the field cmd->info says. */
const char *coral_directive_time(cmd_parms *cmd, void *conf, const char *text);

/* A number of the whole server. cmd->info: a void (int) that takes it. */
const char *coral_directive_number(cmd_parms *cmd, void *conf, const char *text);

const char *coral_directive_backend(cmd_parms *cmd, void *conf, const char *word);
const char *coral_directive_timers(cmd_parms *cmd, void *conf, const char *text);
const char *coral_directive_pool_size(cmd_parms *cmd, void *conf, const char *text);

/* A file of PEM texts, into the field cmd->info says; it must be there. */
const char *coral_directive_pem(cmd_parms *cmd, void *conf, const char *path);
const char *coral_directive_depth(cmd_parms *cmd, void *conf, const char *text);
const char *coral_directive_buffer_size(cmd_parms *cmd, void *conf, const char *text);
const char *coral_directive_key_log(cmd_parms *cmd, void *conf, const char *path);
const char *coral_directive_ssl_command(cmd_parms *cmd, void *conf, const char *name, const char *value);

/* 64k, 10m, 1g or bytes. */
const char *coral_directive_size(cmd_parms *cmd, const char *word, apr_int64_t *bytes);

/* A row of CORAL_SIZES; cmd->info is the field. */
const char *coral_directive_size_field(cmd_parms *cmd, void *conf, const char *word);
const char *coral_directive_protocols(cmd_parms *cmd, void *conf, const char *word);

#endif
