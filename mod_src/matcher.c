/* SPDX-License-Identifier: Apache-2.0 */
#include "matcher.h"

#include <stdlib.h>

#define HEAP_MAX (32 * 1024)        /* kB that a match may take for what it may have to go back to */
#define HEAP_KEPT (256 * 1024)      /* bytes of it that are kept for the next match */
#define JIT_STACK_MIN (32 * 1024)   /* PCRE2's own */
#define JIT_STACK_MAX (1024 * 1024) /* unless ngx.re's opt says otherwise; taken from the system as it is needed */
#define DFA_DEPTH 250               /* a pattern that calls itself so deep takes 130 kB of the C stack */
#define DFA_WORKSPACE 1000

static void *allocate(size_t size, void *m)
{
    if (size > HEAP_KEPT)
        ((coral_matcher_t *)m)->grown = 1;
    return malloc(size);
}

static void deallocate(void *block, void *m)
{
    (void)m;
    free(block);
}

static void forget_data(coral_matcher_t *m)
{
    pcre2_match_data_free(m->data);
    m->data = NULL;
    m->pairs = m->grown = 0;
}

/* Whether there is room for a match. */
static int make_data(coral_matcher_t *m, int pairs)
{
    if (pairs <= m->pairs)
        return 1;
    forget_data(m);
    if (pairs < 16)
        pairs = 16;
    if (m->memory && (m->data = pcre2_match_data_create((uint32_t)pairs, m->memory)))
        m->pairs = pairs;
    return m->data != NULL;
}

/* Programs and OpenResty's documentation know the numbers of PCRE 1. */
static int number_of(int error)
{
    static const int numbers[][2] = {
        { PCRE2_ERROR_MATCHLIMIT, -8 }, { PCRE2_ERROR_DEPTHLIMIT, -21 }, { PCRE2_ERROR_HEAPLIMIT, -21 },
        { PCRE2_ERROR_JIT_STACKLIMIT, -27 }, { PCRE2_ERROR_NOMEMORY, -6 }, { PCRE2_ERROR_BADOFFSET, -24 },
        { PCRE2_ERROR_BADUTFOFFSET, -11 }, { PCRE2_ERROR_RECURSELOOP, -26 }, { PCRE2_ERROR_DFA_UITEM, -16 },
        { PCRE2_ERROR_DFA_UCOND, -17 }, { PCRE2_ERROR_DFA_WSSIZE, -19 }, { PCRE2_ERROR_DFA_RECURSE, -20 }
    };
    size_t i;

    if (error <= PCRE2_ERROR_UTF8_ERR1 && error >= PCRE2_ERROR_UTF8_ERR21)
        return -10;
    for (i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
        if (numbers[i][0] == error)
            return numbers[i][1];
    return error;
}

static int dfa_match(coral_matcher_t *m, const pcre2_code *code, const coral_subject_t *s, uint32_t how)
{
    int workspace[DFA_WORKSPACE];

    return pcre2_dfa_match(code, (PCRE2_SPTR)s->text, s->length, s->from, how, m->data, m->dfa_matching, workspace, DFA_WORKSPACE);
}

int coral_matcher_run(coral_matcher_t *m, const pcre2_code *code, const coral_subject_t *s, int groups, size_t *places)
{
    uint32_t how = s->checked ? PCRE2_NO_UTF_CHECK : 0;
    int rc;

    if (!make_data(m, groups + 1))
        return number_of(PCRE2_ERROR_NOMEMORY);
    if (s->dfa)
        rc = dfa_match(m, code, s, how);
    else
        rc = pcre2_match(code, (PCRE2_SPTR)s->text, s->length, s->from, how, m->data, m->matching);
    if (rc >= 0) {
        memcpy(places, pcre2_get_ovector_pointer(m->data), 2 * (size_t)(groups + 1) * sizeof(*places));
        if (places[0] > places[1]) /* \K in a lookahead that is called: it begins behind its end */
            places[0] = places[1];
        if (places[0] < s->from)
            places[0] = s->from;
    }
    if (m->grown)
        forget_data(m);
    return rc >= 0 ? 1 : rc == PCRE2_ERROR_NOMATCH ? 0 : number_of(rc);
}

void coral_matcher_use_jit(coral_matcher_t *m)
{
    if (!m->jit_stack)
        coral_matcher_set_jit_stack(m, JIT_STACK_MAX);
}

int coral_matcher_set_jit_stack(coral_matcher_t *m, size_t size)
{
    pcre2_jit_stack *stack = pcre2_jit_stack_create(JIT_STACK_MIN, size < JIT_STACK_MIN ? JIT_STACK_MIN : size, NULL);

    if (!stack)
        return 0;
    pcre2_jit_stack_free(m->jit_stack);
    m->jit_stack = stack;
    pcre2_jit_stack_assign(m->matching, NULL, stack);
    return 1;
}

static void set_limits(pcre2_match_context *context, int limit)
{
    pcre2_set_heap_limit(context, HEAP_MAX);
    if (limit)
        pcre2_set_match_limit(context, (uint32_t)limit);
}

int coral_matcher_open(coral_matcher_t *m, int limit)
{
    m->memory = pcre2_general_context_create(allocate, deallocate, m);
    m->matching = pcre2_match_context_create(NULL);
    m->dfa_matching = pcre2_match_context_create(NULL);
    if (!m->memory || !m->matching || !m->dfa_matching)
        return 0;
    set_limits(m->matching, limit);
    set_limits(m->dfa_matching, limit);
    pcre2_set_depth_limit(m->dfa_matching, DFA_DEPTH);
    return 1;
}

void coral_matcher_close(coral_matcher_t *m)
{
    forget_data(m);
    pcre2_jit_stack_free(m->jit_stack);
    pcre2_match_context_free(m->matching);
    pcre2_match_context_free(m->dfa_matching);
    pcre2_general_context_free(m->memory);
    memset(m, 0, sizeof(*m));
}
