/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The side effects a decision may ask for. Each is idempotent: done twice, it is done. */

enum action {
    ACT_NONE,
    ACT_PREPARE,         /* record and set what the replication needs on both nodes */
    ACT_ATTACH,          /* target: REPLICAOF source */
    ACT_DETACH,          /* target: REPLICAOF NO ONE, because it does not work or is to end */
    ACT_PREPARE_CUTOVER, /* record and set what the write fence and the reverse link need */
    ACT_FREEZE,          /* source: pause writes, read the final offset */
    ACT_THAW,            /* source: resume writes */
    ACT_DEMOTE,          /* source: become a read-only replica of nobody */
    ACT_UNDEMOTE,        /* source: be a primary again */
    ACT_PROMOTE,         /* target: REPLICAOF NO ONE, at the end of the cutover */
    ACT_REVERSE,         /* source: follow the target */
    ACT_DRAIN_CLIENTS,   /* source: CLIENT KILL TYPE normal */
    ACT_RESTORE,         /* restore recorded settings whose time has come */
    ACT_MAX
};

const char *action_name(enum action action);
