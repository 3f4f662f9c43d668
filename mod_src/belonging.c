/* SPDX-License-Identifier: Apache-2.0 */
#include "belonging.h"

#include <stddef.h>

void coral_belonging_add(coral_belonging_t **list, coral_belonging_t *b, void (*let_go)(coral_belonging_t *b))
{
    b->let_go = let_go;
    b->here = list;
    if ((b->next = *list))
        b->next->here = &b->next;
    *list = b;
}

void coral_belonging_remove(coral_belonging_t *b)
{
    if (!b->here)
        return;
    *b->here = b->next;
    if (b->next)
        b->next->here = b->here;
    b->here = NULL;
}

void coral_belonging_let_go(coral_belonging_t **list)
{
    coral_belonging_t *b;

    while ((b = *list)) {
        coral_belonging_remove(b);
        b->let_go(b);
    }
}
