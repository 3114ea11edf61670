/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown of a migration. */
#include <stdio.h>
#include <string.h>

#include "daemon/migration/private.h"
#include "lib/base/base.h"
#include "lib/base/clock.h"

#define SILENT_MS 2000 /* of a node, before it is worth a word */

unsigned migration_dry_run(const struct migration *m, struct blocker ret[BLOCKERS_MAX])
{
    if (m->run.phase == PHASE_REPLICATING)
        return gate_check(m->spec, &m->pair.seen, ret);
    ret[0].reason = m->last.reason;
    snprintf(ret[0].message, sizeof(ret[0].message), "the job is in phase %s, not in replicating",
             phase_get(m->run.phase)->name);
    return 1;
}

bool migration_has_text(const struct migration *m, const char *text)
{
    return strcmp(m->spec->text, text) == 0 ||
           (m->next_spec && strcmp(m->next_spec->text, text) == 0);
}

const char *migration_id(const struct migration *m)
{
    return m->spec->id;
}

/* A node that does not answer an action, or a look that is waited for, takes up to the timeout. */
static void view_silence(const struct migration *m, struct migration_view *view)
{
    uint64_t now = clock_boot_ms(), since_ms = now, silent_ms;
    cleanup(freep) char *text = NULL;

    if (m->pair.acting != ACT_NONE)
        since_ms = m->pair.acting_since_ms;
    for (int side = 0; side < SIDE_MAX && m->pair.acting == ACT_NONE; side++)
        if (m->last.look & 1u << side && m->last.reason == REASON_NONE)
            since_ms = min_of(since_ms, m->pair.node[side].learnt_sent_ms);
    silent_ms = now - since_ms;
    if (silent_ms < SILENT_MS)
        return;
    view->reason = REASON_WAITING_NODE;
    text = xasprintf("%s: no answer for %llu s", m->last.message,
                     (unsigned long long)silent_ms / 1000);
    (void)str_copy(view->message, sizeof(view->message), text);
}

void migration_view(const struct migration *m, struct migration_view *ret)
{
    const struct run *run = &m->run; /* what is durable, never what is only about to be */
    /* What has ended shows why it did; a completed one, how its nodes are since. */
    bool ended = (phase_get(run->phase)->flags & F_ENDED) && run->phase != PHASE_COMPLETED;
    bool waits = !ended && m->last.event == EV_NONE;

    *ret = (struct migration_view){
        .spec = m->spec,
        .run = run,
        .seen = &m->pair.seen,
        .file_gone = m->file_gone,
        .reason = waits ? m->last.reason : run->reason,
        .link_since_wall_ms = m->pair.link.since_wall_ms,
        .progress = m->pair.progress.now,
        .checks = m->checks.latest,
        .alarms = m->alarms,
    };
    (void)str_copy(ret->message, sizeof(ret->message), waits ? m->last.message : run->message);
    view_silence(m, ret);
    if ((transition_pending(&m->transition) || pair_waits_durable(&m->pair)) &&
        store_held(m->env->store)) {
        ret->reason = REASON_STORE_HELD;
        (void)str_copy(ret->message, sizeof(ret->message),
                       "the state directory does not take writes; nothing new is begun");
    }
}
