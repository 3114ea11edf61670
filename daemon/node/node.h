/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One server, as we see it: its connection, and the looking.
 *
 *   node_look -> [not connected] connect (again, after a pause) -> INFO
 *                                -> the former connection is closed -> seen.reachable
 *             -> [connected]     INFO replication, now and then all of INFO, or a survey -> seen
 *
 * Whatever is learned, or lost, goes into *seen, and the owner is told.
 *
 * A command of a connection that is gone, of this process or of one that was killed, may still be
 * on its way, and arrive when it is no longer right: a demotion after a retreat, an attachment
 * after a rollback. So a node counts as reachable only once the server has closed that connection.
 */
#include "daemon/core/connection.h"
#include "daemon/core/observation.h"
#include "daemon/node/access.h"
#include "lib/redis/client.h"

struct node;

/* Where a server is and how to log in to it. */
struct node_address {
    const struct endpoint *endpoint; /* not set: nowhere yet */
    const struct spec_auth *auth;
    const struct spec_tls *tls;
    struct tls_contexts *contexts;   /* borrowed */
    uint64_t connect_timeout_ms;     /* 5 s, where that is shorter */
    const char *name;                /* of the connection */
    const char *instance;            /* of the daemon: how the names of its connections end */
    const struct connection *former; /* the last one that could act; NULL: this one never acts */
    bool eager;                      /* what it is when it comes back must be seen at once */
};

struct node_owner {
    /* The address as it is now; what *ret points to stays until the loop turns. */
    void (*locate)(const struct node *node, struct node_address *ret);
    /* *seen has changed. */
    void (*changed)(struct node *node);
    /* The server has numbered the new connection, and the former one is gone. */
    void (*met)(struct node *node, int64_t id);
};

struct node {
    const struct node_owner *owner; /* borrowed, as the next four */
    void *arg;                      /* the owner's */
    uv_loop_t *loop;
    struct seen_node *seen;
    enum node_side side;
    struct redis_client *client; /* owned; NULL until first needed */
    uint64_t *number;            /* borrowed from the owner: counts looks and actions */
    uint64_t all_ms;             /* when all of INFO was seen last; 0: not on this connection */
    uint64_t survey_ms;          /* … and a survey */

    /* private */
    struct redis_call look;
    bool looking;
    enum node_depth {
        DEPTH_LINK,
        DEPTH_ALL,
        DEPTH_SURVEY,
        DEPTH_FACTS,
        DEPTH_FIRST
    } depth;             /* of that look */
    struct facts *facts; /* owned; NULL: not wanted. seen->facts, once known */
    bool may_unpause;    /* … and nobody has paused the clients */
    int64_t id;          /* of this connection; 0: not known */
    uint64_t look_number;
    uint64_t look_sent_ms; /* of the look under way */
    uint64_t learnt_sent_ms,
        whole_sent_ms; /* of the look that was learnt last, and at all of INFO */
    uint64_t lost_at_ms;
    uint64_t connect_at_ms; /* not before */
    unsigned failures;
    struct endpoint connected_to;
};

void node_init(struct node *node, uv_loop_t *loop, enum node_side side, struct seen_node *seen,
               uint64_t *number, const struct node_owner *owner, void *arg);
/* How old what is known may be; NODE_ANY_AGE: it need not be looked at again. */
struct node_ages {
    uint64_t all_ms;    /* all of INFO */
    uint64_t survey_ms; /* what a survey shows */
};
#define NODE_ANY_AGE UINT64_MAX
/* Looks once, unless a look is under way. */
void node_look(struct node *node, const struct node_ages *ages);
/* There is room for what the checks go by: seen->facts, of which nothing is known. */
void node_want_facts(struct node *node);
/* Asks for them, and makes a survey, unless a look is under way or they are known. */
void node_ask_facts(struct node *node, bool may_unpause);
/* They matter no longer. */
void node_drop_facts(struct node *node);
/* The next node_look connects without waiting, and seen.tried tells how that ended. */
void node_expect(struct node *node);
/* Time that has passed is put into *seen. */
void node_tick(struct node *node, uint64_t now_ms);
/* An action has ended on this node: looks that were sent before are not learnt any more. info: the
 * reply to INFO that came with its own, sent at sent_ms; NULL: none. False: it is none. */
bool node_acted(struct node *node, const redisReply *info, uint64_t sent_ms);
/* Closes the connection; a later node_look opens a new one. */
void node_disconnect(struct node *node);
/* From here on it is another node: nothing is known of it. */
void node_forget(struct node *node);
/* Closes for good; freed(arg) from the loop, or at once where there is nothing to close. */
void node_close(struct node *node, void (*freed)(void *arg), void *arg);
/* After that: frees what the last look left. */
void node_deinit(struct node *node);
