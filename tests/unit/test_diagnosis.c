/* SPDX-License-Identifier: Apache-2.0 */
/* From what both nodes show to the one cause. */
#include "daemon/core/diagnosis.h"

#include <string.h>

#include "lib/base/base.h"
#include "tests/unit/fixture.h"
#include "tests/unit/pair_rig.h"

/* A link that did not come up in time, between two nodes that have told all. */
struct rig {
    struct pair_rig pair;
    struct facts facts[SIDE_MAX];
    char message[RUN_MESSAGE_MAX];
};

static void rig_init(struct rig *r)
{
    pair_rig_init(&r->pair);
    for (int side = 0; side < SIDE_MAX; side++) {
        struct facts *f = &r->facts[side];

        facts_init(f);
        f->known = f->replication.tried = true;
        f->databases = 16;
        f->repl_timeout = 60;
        f->ping_period = 10;
        f->tls_replication = f->protected_mode = f->dual_channel = NO;
        f->tls_port = 0;
        f->buffer_hard = 256 << 20;
        f->buffer_soft = 64 << 20;
        f->buffer_seconds = 60;
        r->pair.seen.node[side].facts = f;
        r->pair.seen.node[side].databases = 16;
    }
    str_copy(r->pair.source->product, 16, "redis");
    str_copy(r->pair.target->product, 16, "redis");
    r->pair.source->maxclients = 10000;
    r->pair.source->forks = r->pair.source->buffer_cuts = 0;
    r->pair.run.reason = REASON_LINK_TIMEOUT;
    r->pair.run.synced = false;
    r->pair.target->link_up = false;
    r->pair.seen.surveyed = true;
    pair_rig_relate(&r->pair);
    observation_rebase(&r->pair.seen);
}

static enum reason found(struct rig *r)
{
    return diagnose(&r->pair.spec, &r->pair.run, &r->pair.seen, r->message);
}

static void spoil_login(struct rig *r)
{
    r->facts[SIDE_SOURCE].replication.why = REASON_AUTH_REFUSED;
}

static void spoil_psync(struct rig *r)
{
    r->facts[SIDE_SOURCE].replication.right[RIGHT_PSYNC] = RIGHT_DENIED;
}

static void spoil_sync(struct rig *r)
{
    r->facts[SIDE_SOURCE].dual_channel = r->facts[SIDE_TARGET].dual_channel = YES;
    r->facts[SIDE_SOURCE].replication.right[RIGHT_SYNC] = RIGHT_DENIED;
}

static void spoil_clients(struct rig *r)
{
    r->pair.source->rejected_connections = 3;
    r->pair.source->connected_clients = 10000;
}

static void spoil_protection(struct rig *r)
{
    r->pair.source->rejected_connections = 3;
    r->facts[SIDE_SOURCE].protected_mode = YES;
}

static void spoil_tls_of_target(struct rig *r)
{
    r->facts[SIDE_TARGET].tls_replication = YES;
}

static void spoil_tls_of_source(struct rig *r)
{
    r->pair.spec.source.tls.enabled = true;
}

static void spoil_handshake(struct rig *r)
{
    r->pair.spec.source.tls.enabled = true;
    r->facts[SIDE_TARGET].tls_replication = YES;
}

static void spoil_loading(struct rig *r)
{
    r->pair.source->loading = true;
}

static void spoil_chain(struct rig *r)
{
    r->pair.source->role = REDIS_ROLE_REPLICA;
    str_copy(r->pair.source->master_host, 16, "10.0.0.9");
}

static void spoil_version(struct rig *r)
{
    r->pair.source->version_num = 80000;
    r->pair.target->version_num = 70000;
}

static void spoil_fields(struct rig *r)
{
    r->pair.source->version_num = r->pair.target->version_num = 80000;
    str_copy(r->pair.target->product, 16, "redict");
    r->pair.source->field_ttls = 2;
}

static void spoil_databases(struct rig *r)
{
    r->pair.run.reason = REASON_TARGET_DIED;
    r->pair.source->last_database = 9;
    r->pair.seen.node[SIDE_TARGET].databases = 4;
}

static void spoil_target(struct rig *r)
{
    r->pair.run.reason = REASON_TARGET_DIED;
}

static void spoil_saving(struct rig *r)
{
    r->pair.source->save_failed = true;
    r->pair.source->sync_full = r->pair.source->forks = 2;
}

static void spoil_forks(struct rig *r)
{
    r->pair.source->sync_full = 40;
}

static void spoil_buffer(struct rig *r)
{
    r->pair.source->sync_full = r->pair.source->forks = 2;
    r->pair.source->buffer_cuts = 1;
}

/* Before 7.2 nobody counts it. */
static void spoil_buffer_of_old(struct rig *r)
{
    r->pair.source->sync_full = r->pair.source->forks = 2;
    r->pair.source->buffer_cuts = -1;
    r->pair.source->master_repl_offset += 65 << 20;
}

static void spoil_timeout(struct rig *r)
{
    r->facts[SIDE_TARGET].repl_timeout = 10;
    r->pair.source->sync_partial_ok = 1;
}

static void spoil_backlog(struct rig *r)
{
    r->pair.run.synced = true;
    r->pair.source->sync_full = r->pair.source->sync_partial_err = r->pair.source->forks = 1;
}

static void spoil_breaks(struct rig *r)
{
    r->pair.source->sync_partial_ok = 3;
}

static void spoil_road(struct rig *r)
{
    (void)r;
}

static const struct {
    enum reason cause;
    void (*spoil)(struct rig *r);
} rows[] = {
    {REASON_AUTH_REFUSED, spoil_login},
    {REASON_ACL_DENIED, spoil_psync},
    {REASON_ACL_DENIED, spoil_sync},
    {REASON_TOO_MANY_CLIENTS, spoil_clients},
    {REASON_PROTECTED_MODE, spoil_protection},
    {REASON_TLS_EXPECTED, spoil_tls_of_target},
    {REASON_TLS_EXPECTED, spoil_tls_of_source},
    {REASON_TLS_LINK, spoil_handshake},
    {REASON_SOURCE_LOADING, spoil_loading},
    {REASON_SOURCE_LINK_DOWN, spoil_chain},
    {REASON_RDB_VERSION, spoil_version},
    {REASON_FIELD_TTL, spoil_fields},
    {REASON_DATABASES_TOO_FEW, spoil_databases},
    {REASON_TARGET_DIED, spoil_target},
    {REASON_SOURCE_CANNOT_SAVE, spoil_saving},
    {REASON_SOURCE_CANNOT_FORK, spoil_forks},
    {REASON_OUTPUT_BUFFER_OVERRUN, spoil_buffer},
    {REASON_OUTPUT_BUFFER_OVERRUN, spoil_buffer_of_old},
    {REASON_REPL_TIMEOUT, spoil_timeout},
    {REASON_BACKLOG_TOO_SMALL, spoil_backlog},
    {REASON_LINK_FLAPPING, spoil_breaks},
    {REASON_UNREACHABLE_FROM_TARGET, spoil_road},
};

static void each_cause_is_told_from_the_others(void **state)
{
    (void)state;
    for (size_t i = 0; i < array_len(rows); i++) {
        struct rig r;

        rig_init(&r);
        rows[i].spoil(&r);
        if (found(&r) != rows[i].cause)
            fail_msg("row %zu: %s (%s) instead of %s", i, reason_get(found(&r))->code, r.message,
                     reason_get(rows[i].cause)->code);
        if (r.message[0] == '\0' && rows[i].spoil != spoil_target)
            fail_msg("row %zu: no evidence", i);
    }
}

static void ask_once(struct rig *r)
{
    r->pair.source->sync_full = 1; /* diskless: it waits for other replicas, or for a dump */
}

static void ask_once_with_an_old_failure(struct rig *r)
{
    r->pair.source->save_failed = r->pair.seen.base.save_failed = true;
    r->pair.source->sync_full = r->pair.source->forks = 1;
}

static void refuse_somebody_else(struct rig *r)
{
    r->pair.source->refused_logins = 5;
    r->pair.source->sync_full = r->pair.source->forks = 1;
}

static void turn_somebody_away_in_spite_of_a_password(struct rig *r)
{
    static char password[] = "secret";

    r->pair.spec.source.auth.password = password;
    r->pair.source->rejected_connections = 3;
    r->facts[SIDE_SOURCE].protected_mode = YES;
}

static void cut_a_subscriber(struct rig *r)
{
    r->pair.source->buffer_cuts = 1;
    r->pair.source->sync_full = r->pair.source->forks = 1;
}

static void drop_one_channel(struct rig *r)
{
    spoil_sync(r);
    r->facts[SIDE_TARGET].dual_channel = NO;
    r->pair.source->sync_full = r->pair.source->forks = 1;
}

/* None of these is why this link does not come up. */
static void what_others_did_is_no_cause(void **state)
{
    static void (*const innocent[])(struct rig * r) = {
        ask_once,
        ask_once_with_an_old_failure,
        refuse_somebody_else,
        turn_somebody_away_in_spite_of_a_password,
        cut_a_subscriber,
        drop_one_channel,
    };

    (void)state;
    for (size_t i = 0; i < array_len(innocent); i++) {
        struct rig r;

        rig_init(&r);
        innocent[i](&r);
        if (found(&r) != REASON_NONE)
            fail_msg("row %zu: %s (%s)", i, reason_get(found(&r))->code, r.message);
    }
}

/* What was counted by an earlier process of the source tells nothing. */
static void counters_of_another_process_are_not_compared(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r);
    r.pair.source->sync_full = 40;
    str_copy(r.pair.source->run_id, sizeof(r.pair.source->run_id), "another-process");
    assert_int_equal(found(&r), REASON_NONE);
}

static void nothing_known_is_no_cause(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r);
    r.pair.seen.base.known = false;
    r.pair.seen.node[SIDE_SOURCE].facts = r.pair.seen.node[SIDE_TARGET].facts = NULL;
    assert_int_equal(found(&r), REASON_NONE);
    assert_true(is_symptom(REASON_LINK_TIMEOUT));
    assert_false(is_symptom(REASON_AUTH_REFUSED));
}

/* Only while the target follows, and for as long as the link is not well. */
static void a_link_that_is_well_has_no_cause(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r);
    r.pair.run.phase = PHASE_REPLICATING;
    r.pair.run.reason = REASON_NONE;
    r.pair.seen.link_down_ms = 3001;
    diagnose_link(&r.pair.spec, &r.pair.run, &r.pair.seen);
    assert_int_equal(r.pair.seen.link_cause, REASON_UNREACHABLE_FROM_TARGET);
    r.pair.seen.surveyed = false; /* asked anew: what was found stands */
    diagnose_link(&r.pair.spec, &r.pair.run, &r.pair.seen);
    assert_int_equal(r.pair.seen.link_cause, REASON_UNREACHABLE_FROM_TARGET);
    r.pair.seen.link_down_ms = 3000;
    diagnose_link(&r.pair.spec, &r.pair.run, &r.pair.seen);
    assert_int_equal(r.pair.seen.link_cause, REASON_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_cause_is_told_from_the_others),
        cmocka_unit_test(what_others_did_is_no_cause),
        cmocka_unit_test(counters_of_another_process_are_not_compared),
        cmocka_unit_test(nothing_known_is_no_cause),
        cmocka_unit_test(a_link_that_is_well_has_no_cause),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
