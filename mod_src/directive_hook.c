/* SPDX-License-Identifier: Apache-2.0 */
#include "directive_hook.h"

#include "script.h"
#include "variable.h"

static const char *misplaced(cmd_parms *cmd, coral_phase_e phase)
{
    static const struct {
        int override, not_in;
    } rows[CORAL_PHASE_COUNT] = {
#define ROW(name, override, not_in, ...) { override, not_in },
        CORAL_PHASES(ROW, ROW)
#undef ROW
    };
    const char *err = ap_check_cmd_context(cmd, rows[phase].not_in);

    if (err || (rows[phase].not_in & NOT_IN_LOCATION && cmd->path)) /* a section of ours, which httpd does not know */
        return apr_psprintf(cmd->pool, "CoralHook: the phase %s may not stand here: it runs before the %s of a request is known",
                            coral_phase_names[phase],
                            rows[phase].not_in & NOT_IN_LOCATION ? "<Location> or directory" : "directory");
    if (!(cmd->override & (rows[phase].override | RSRC_CONF | ACCESS_CONF)))
        return apr_psprintf(cmd->pool, "CoralHook: the phase %s is not allowed here: AllowOverride lacks %s",
                            coral_phase_names[phase], rows[phase].override == OR_AUTHCFG ? "AuthConfig" : "FileInfo");
    return NULL;
}

static const char *phase_named(cmd_parms *cmd, const char *name, coral_phase_e *phase)
{
    const char *all = "";
    int i;

    *phase = coral_phase_by_name(name);
    if (*phase != CORAL_PHASE_COUNT)
        return misplaced(cmd, *phase);
    for (i = 0; i < CORAL_PHASE_COUNT; i++)
        all = apr_pstrcat(cmd->pool, all, i ? ", " : "", coral_phase_names[i], NULL);
    return apr_psprintf(cmd->pool, "CoralHook: there is no phase \"%s\"; the phases are %s", name, all);
}

/* early and late only mean something where others have hooks too. */
static int ordered(coral_phase_e phase)
{
    switch (phase) {
#define HOOK(name, ...) case CORAL_PHASE_##name:
#define OTHER(...)
        CORAL_PHASES(HOOK, OTHER)
#undef HOOK
#undef OTHER
    case CORAL_PHASE_rewrite:
    case CORAL_PHASE_quick:
    case CORAL_PHASE_insert_filter:
        return 1;
    default:
        return 0;
    }
}

static int order_named(const char *word, coral_order_e *order)
{
    if (!strcasecmp(word, "early"))
        *order = CORAL_EARLY;
    else if (!strcasecmp(word, "late"))
        *order = CORAL_LATE;
    else
        return 0;
    return 1;
}

static const char *add_hook(cmd_parms *cmd, coral_conf_t *conf, coral_phase_e phase, coral_script_t *script)
{
    if (script->order != CORAL_MIDDLE && !ordered(phase))
        return apr_psprintf(cmd->pool, "CoralHook: early and late mean nothing in the phase %s", coral_phase_names[phase]);
    if (!conf->hooks[phase])
        conf->hooks[phase] = apr_array_make(cmd->pool, 1, sizeof(coral_script_t *));
    APR_ARRAY_PUSH(conf->hooks[phase], coral_script_t *) = script;
    if (phase == CORAL_PHASE_init)
        coral_conf_rekey(cmd->pool, conf);
    return NULL;
}

/* CoralHook PHASE FILE [FUNCTION] [early|late], CoralHook PHASE none */
const char *coral_directive_hook(cmd_parms *cmd, void *conf_, int argc, char *const argv[])
{
    coral_conf_t *conf = conf_;
    coral_order_e order = CORAL_MIDDLE;
    coral_script_t *script;
    coral_phase_e phase;
    const char *err;

    if (argc < 2 || argc > 4)
        return "CoralHook takes a phase, a file, and perhaps a function's name and early or late";
    if ((err = phase_named(cmd, argv[0], &phase)))
        return err;
    if (phase == CORAL_PHASE_set)
        return "CoralHook: the phase set is written as a block: <CoralHook set $result $arg …>";
    if (argc == 2 && !strcasecmp(argv[1], "none")) {
        conf->hooks[phase] = NULL;
        conf->none |= 1u << phase;
        if (phase == CORAL_PHASE_init)
            coral_conf_rekey(cmd->pool, conf);
        return NULL;
    }
    if (argc > 2 && order_named(argv[argc - 1], &order))
        argc--;
    if (argc == 4)
        return apr_psprintf(cmd->pool, "CoralHook: \"%s\" is neither early nor late", argv[3]);
    err = coral_script_file(cmd, argc == 3 ? CORAL_RUN_FUNCTION : CORAL_RUN_CHUNK, argv[1], argc == 3 ? argv[2] : NULL, &script);
    if (err)
        return err;
    script->order = order;
    return add_hook(cmd, conf, phase, script);
}

/* The words of <CoralHook …>: for set the result and the arguments, else a function's name and early or late. */
static const char *read_words(cmd_parms *cmd, coral_phase_e phase, const char *words, coral_script_t *script)
{
    const char *word, *err;

    if (phase == CORAL_PHASE_set)
        script->set = apr_array_make(cmd->pool, 4, sizeof(void *));
    while (*(word = ap_getword_conf(cmd->pool, &words))) {
        if (phase == CORAL_PHASE_set && !script->set->nelts) {
            if (*word != '$')
                return "<CoralHook set $result $arg …>: the first word is the variable that takes the result";
            if ((err = coral_variable_refused(cmd->pool, word + 1)))
                return apr_pstrcat(cmd->pool, "<CoralHook set>: ", err, NULL);
            APR_ARRAY_PUSH(script->set, const char *) = word + 1;
        }
        else if (phase == CORAL_PHASE_set) {
            const coral_text_t *text;

            if ((err = coral_text_parse(cmd, word, &text)))
                return err;
            APR_ARRAY_PUSH(script->set, const coral_text_t *) = text;
        }
        else if (!order_named(word, &script->order)) {
            if (script->function)
                return apr_psprintf(cmd->pool, "<CoralHook>: \"%s\" is neither early nor late", word);
            script->function = word;
            script->run = CORAL_RUN_FUNCTION;
            script->key = apr_pstrcat(cmd->pool, script->key, ":", word, NULL);
        }
    }
    if (phase == CORAL_PHASE_set && !script->set->nelts)
        return "<CoralHook set $result $arg …>: the variable that takes the result is missing";
    return NULL;
}

typedef struct {
    const char *words; /* of the opening line */
    coral_script_t *script;
} block_t;

/* <CoralHook …>: met while the file is read, so the lines up to the end can be taken raw. What it means is found out when the place
 * it stands in is known: it leaves a directive of its own there (CORAL_DIRECTIVE_INLINE), which carries the block. */
const char *coral_directive_hook_block(cmd_parms *cmd, void *current, const char *args)
{
    block_t *block = apr_pcalloc(cmd->pool, sizeof(*block));
    ap_directive_t *directive = apr_pcalloc(cmd->pool, sizeof(*directive));
    const char *end = ap_strrchr_c(args, '>'), *err;

    if (!end || end[1])
        return "<CoralHook is not closed by a > on its line";
    block->words = apr_pstrmemdup(cmd->pool, args, end - args);
    directive->filename = cmd->config_file->name;
    directive->line_num = cmd->config_file->line_number;
    directive->directive = CORAL_DIRECTIVE_INLINE;
    directive->args = apr_psprintf(cmd->pool, "%pp", (void *)block);
    cmd->directive = directive;
    if ((err = coral_script_block(cmd, "CoralHook", &block->script)))
        return err;
    *(ap_directive_t **)current = directive;
    return NULL;
}

const char *coral_directive_hook_inline(cmd_parms *cmd, void *conf, const char *args)
{
    block_t *block;
    coral_phase_e phase;
    const char *words, *err;

    if (sscanf(args, "%p", (void **)&block) != 1)
        return "no block";
    words = block->words;
    if ((err = phase_named(cmd, ap_getword_conf(cmd->pool, &words), &phase))
        || (err = read_words(cmd, phase, words, block->script)))
        return err;
    block->script->of_directory = ap_check_cmd_context(cmd, CORAL_NOT_IN_DIRECTORY) != NULL;
    return add_hook(cmd, conf, phase, block->script);
}
