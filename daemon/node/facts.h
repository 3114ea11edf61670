/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The commands that ask a node for what the checks go by, and what is learnt from their answers. */
#include "daemon/core/facts.h"
#include "daemon/core/side.h"
#include "lib/redis/client.h"
#include "lib/redis/info.h"

/* Who asks, and what is known already. */
struct facts_question {
    enum node_side side;
    const char *name; /* of our connection */
    int64_t id;       /* … its number there; 0: the server did not say */
    bool may_unpause; /* nobody has paused the node's clients */
    bool old;         /* before 5.0: it knows SLAVEOF, and does not number its clients */
};

/* Adds them to call, behind what is in it. */
void facts_ask(struct redis_call *call, const struct facts_question *question);
/* From the answers to those, of which the first is replies[0]. */
void facts_learn(struct facts *ret, redisReply *const *replies,
                 const struct facts_question *question);
/* What the text of INFO everything tells of commands, and CLIENT LIST of those connected. */
void facts_learn_info(struct facts *ret, const redisReply *info);
void facts_learn_clients(struct facts *ret, const redisReply *clients);

/* The same of a replication user, over a connection of its own: nothing is begun by it. */
void facts_ask_login(struct redis_call *call);
void facts_learn_login(struct login_facts *ret, redisReply *const *replies);
/* One message of a Sentinel that looks after the node; its reply is the second. */
void facts_ask_hello(struct redis_call *call);
void facts_learn_hello(struct facts *facts, const redisReply *message);
