/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One node of a pair, as a migration sees it: its connection, and the looking.
 *
 *   node_look -> [not connected] connect (again, after a pause) -> INFO -> seen.reachable
 *             -> [connected]     INFO replication, now and then all of INFO -> seen.info
 *
 * Whatever is learned, or lost, goes into *seen and pokes the migration.
 */
#include "daemon/core/observation.h"
#include "lib/redis/client.h"

struct migration;

struct node {
    struct migration *m; /* borrowed */
    enum node_side side;
    struct seen_node *seen;      /* borrowed from m */
    struct redis_client *client; /* owned; NULL until first needed */
    struct redis_call look;
    bool looking, looking_at_all;
    uint64_t all_ms; /* when all of INFO was seen last; 0: not on this connection */
    uint64_t lost_at_ms;
    uint64_t connect_at_ms; /* not before */
    unsigned failures;
    struct endpoint connected_to;
};

void node_init(struct node *node, struct migration *m, enum node_side side, struct seen_node *seen);
/* Looks once, unless a look is under way. all_ms: ask for all of INFO when it is older than this.
 */
void node_look(struct node *node, uint64_t all_ms);
/* The next node_look connects without waiting, and seen.tried tells how that ended. */
void node_expect(struct node *node);
/* Time that has passed is put into *seen. */
void node_tick(struct node *node);
/* Takes an INFO reply of an action into account. False when it is none. */
bool node_learn(struct node *node, const redisReply *reply);
/* Closes the connection; a later node_look opens a new one. */
void node_disconnect(struct node *node);
/* Closes for good; freed(arg) from the loop, or at once where there is nothing to close. */
void node_close(struct node *node, void (*freed)(void *arg), void *arg);

/* The reason an operation on this side failed with err. */
enum reason node_reason(enum node_side side, const struct err *err);
