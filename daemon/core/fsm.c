/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/fsm.h"

#include <assert.h>
#include <string.h>

static const struct phase_def phases[PHASE_MAX] = {
#define PHASE(id, name, state, flags, meaning, next)                                               \
    [PHASE_##id] = {#name, state, flags, meaning, next},
#include "daemon/core/phase_table.h"
#undef PHASE
};

static const char *const states[STATE_MAX] = {
    [STATE_PENDING] = "pending",
    [STATE_MIGRATING] = "migrating",
    [STATE_AVAILABLE] = "available",
    [STATE_FAILED] = "failed",
};

static const char *const events[EV_MAX] = {
    [EV_NONE] = "none",
#define FSM_EVENT(id, name, what) [EV_##id] = #name,
#include "daemon/core/fsm_event_table.h"
#undef FSM_EVENT
};

/* At most one edge for a phase and an event. */
static const struct edge edges[] = {
    {PHASE_IDLE, EV_START, PHASE_QUEUED, 0, "started"},
    {PHASE_IDLE, EV_STOP, PHASE_IDLE, 0, "the two were switched over in this direction before"},
    {PHASE_IDLE, EV_RESPEC, PHASE_IDLE, 0, "the job file changed"},

    {PHASE_QUEUED, EV_OK, PHASE_CHECKING, 0, "a slot is free"},
    {PHASE_QUEUED, EV_FATAL, PHASE_FAILED, 0, "a check failed; nothing had been changed"},
    {PHASE_QUEUED, EV_ABORT, PHASE_FAILED, 0, "aborted by the operator; nothing had been changed"},
    {PHASE_QUEUED, EV_RESPEC, PHASE_IDLE, 0, "the job file changed"},

    {PHASE_CHECKING, EV_OK, PHASE_ATTACHING, 0, "the checks passed"},
    {PHASE_CHECKING, EV_FAIL, PHASE_BACKOFF, 0, "a check failed; it may pass later"},
    {PHASE_CHECKING, EV_FATAL, PHASE_FAILED, 0, "a check failed; nothing had been changed"},
    {PHASE_CHECKING, EV_ABORT, PHASE_FAILED, 0,
     "aborted by the operator; nothing had been changed"},
    {PHASE_CHECKING, EV_RESPEC, PHASE_IDLE, 0, "the job file changed"},

    {PHASE_ATTACHING, EV_SYNCING, PHASE_SYNCING, 0, "the source sends its data set"},
    {PHASE_ATTACHING, EV_LINKED, PHASE_REPLICATING, 0, "the link is up"},
    {PHASE_ATTACHING, EV_FAIL, PHASE_BACKOFF, 0, "the attempt failed"},
    {PHASE_ATTACHING, EV_FATAL, PHASE_ROLLING_BACK, 0, "it cannot work"},
    {PHASE_ATTACHING, EV_STOP, PHASE_HALTED, 0, "somebody else has acted on a node"},
    {PHASE_ATTACHING, EV_ABORT, PHASE_ROLLING_BACK, 0, "aborted by the operator"},
    {PHASE_ATTACHING, EV_CANCEL, PHASE_ATTACHING, 0, "the switch-over is not wanted any more"},

    {PHASE_BACKOFF, EV_OK, PHASE_ATTACHING, 0, "the next attempt"},
    {PHASE_BACKOFF, EV_CANCEL, PHASE_BACKOFF, 0, "the switch-over is not wanted any more"},
    {PHASE_BACKOFF, EV_DETACHED, PHASE_BACKOFF, 0,
     "the target is let go of until the next attempt"},
    {PHASE_BACKOFF, EV_SETTLED, PHASE_BACKOFF, 0, "it is known why the attempt failed"},
    {PHASE_BACKOFF, EV_RECHECK, PHASE_CHECKING, 0, "the next attempt"},
    {PHASE_BACKOFF, EV_FATAL, PHASE_ROLLING_BACK, 0, "it cannot work"},
    {PHASE_BACKOFF, EV_ABORT, PHASE_ROLLING_BACK, 0, "aborted by the operator"},
    {PHASE_BACKOFF, EV_RESPEC, PHASE_IDLE, 0, "the job file changed"},

    {PHASE_SYNCING, EV_LINKED, PHASE_REPLICATING, 0, "the target holds the data set"},
    {PHASE_SYNCING, EV_FAIL, PHASE_BACKOFF, 0, "the synchronisation failed"},
    {PHASE_SYNCING, EV_FATAL, PHASE_ROLLING_BACK, 0, "it cannot work"},
    {PHASE_SYNCING, EV_STOP, PHASE_HALTED, 0, "somebody else has acted on a node"},
    {PHASE_SYNCING, EV_ABORT, PHASE_ROLLING_BACK, 0, "aborted by the operator"},
    {PHASE_SYNCING, EV_CANCEL, PHASE_SYNCING, 0, "the switch-over is not wanted any more"},

    {PHASE_REPLICATING, EV_COMPLETE, PHASE_REPLICATING, 0, "the switch-over was asked for"},
    {PHASE_REPLICATING, EV_CANCEL, PHASE_REPLICATING, 0, "the switch-over is not wanted any more"},
    {PHASE_REPLICATING, EV_LAPSE, PHASE_REPLICATING, 0,
     "the switch-over was not wanted for longer"},
    {PHASE_REPLICATING, EV_RECOPY, PHASE_REPLICATING, 0,
     "the demoted source takes writes that no replica gets"},
    {PHASE_REPLICATING, EV_STOP, PHASE_HALTED, 0, "somebody else has acted on a node"},
    {PHASE_REPLICATING, EV_CUTOVER, PHASE_FREEZING, 0, "nothing holds the switch-over back"},
    {PHASE_REPLICATING, EV_SYNCING, PHASE_SYNCING, 0, "the source sends its data set again"},
    {PHASE_REPLICATING, EV_DETACHED, PHASE_ATTACHING, 0, "the target was restarted"},
    {PHASE_REPLICATING, EV_ABORT, PHASE_ROLLING_BACK, 0, "aborted by the operator"},

    {PHASE_FREEZING, EV_OK, PHASE_SWITCHING, E_HOT, "writes are paused, the target has every byte"},
    {PHASE_FREEZING, EV_RETREAT, PHASE_REPLICATING, 0, "given up; writes go on at the source"},
    {PHASE_FREEZING, EV_ABORT, PHASE_ROLLING_BACK, 0, "aborted by the operator"},

    /*
     * SLIPPED is the one way back out of switching: the source is seen to have taken writes which
     * the target lacks, and the target has not been promoted. Going forward would lose them.
     */
    {PHASE_SWITCHING, EV_OK, PHASE_COMPLETED, 0, "the target is the primary"},
    {PHASE_SWITCHING, EV_SLIPPED, PHASE_REPLICATING, 0, "the source is the primary still"},
    {PHASE_SWITCHING, EV_RECOPY, PHASE_SWITCHING, 0,
     "the demoted source takes writes that no replica gets"},
    {PHASE_SWITCHING, EV_HALT, PHASE_HALTED, 0, "only a human can decide"},

    {PHASE_ROLLING_BACK, EV_OK, PHASE_FAILED, 0, "rolled back"},

    {PHASE_COMPLETED, EV_START, PHASE_QUEUED, 0, "started again"},
    {PHASE_FAILED, EV_START, PHASE_QUEUED, 0, "started again"},
    {PHASE_FAILED, EV_RETRY, PHASE_QUEUED, 0, "a new run"},
    {PHASE_FAILED, EV_RESPEC, PHASE_IDLE, 0, "the job file changed"},

    {PHASE_HALTED, EV_AGAIN, PHASE_QUEUED, 0, "a new run, with all its checks"},
    {PHASE_HALTED, EV_RETRY, PHASE_SWITCHING, 0, "looked at again, at the operator's word"},
    {PHASE_HALTED, EV_COMPLETE, PHASE_SWITCHING, 0,
     "the target is to be the primary, at the operator's word"},
    {PHASE_HALTED, EV_ABORT, PHASE_ROLLING_BACK, 0,
     "given up by the operator; both nodes keep their roles"},
};

const struct phase_def *phase_get(enum phase phase)
{
    assert(phase >= 0 && phase < PHASE_MAX);
    return &phases[phase];
}

enum phase phase_parse(const char *name)
{
    int p = 0;

    while (p < PHASE_MAX && strcmp(phases[p].name, name) != 0)
        p++;
    return (enum phase)p;
}

const char *public_state_name(enum public_state state)
{
    assert(state >= 0 && state < STATE_MAX);
    return states[state];
}

const char *fsm_event_name(enum fsm_event event)
{
    assert(event >= 0 && event < EV_MAX);
    return events[event];
}

const struct edge *fsm_next(enum phase phase, enum fsm_event event)
{
    for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
        if (edges[i].from == phase && edges[i].event == event)
            return &edges[i];
    return NULL;
}

const struct edge *fsm_edges(size_t *ret_n)
{
    *ret_n = sizeof(edges) / sizeof(edges[0]);
    return edges;
}
