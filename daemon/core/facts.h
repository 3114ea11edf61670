/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the checks go by beyond INFO and a survey: asked for in one pass, kept while they matter.
 * What a node does not tell is not known, and no check fails for that.
 */
#include <stdbool.h>
#include <stdint.h>

#include "daemon/core/reason.h"
#include "lib/base/err.h"

/* What may be refused, at the node's side: one row each of daemon/core/right_table.h. */
enum right {
#define RIGHT(id, acl, command, need_source, need_target) RIGHT_##id,
#include "daemon/core/right_table.h"
#undef RIGHT
    RIGHT_MAX
};

enum right_state {
    RIGHT_UNKNOWN, /* not asked, or the answer says nothing */
    RIGHT_ALLOWED,
    RIGHT_DENIED,  /* by the ACL */
    RIGHT_RENAMED, /* there is no such command under this name */
    RIGHT_CLUSTER, /* not in cluster mode */
};

enum answer { NOT_KNOWN, NO, YES };

/* A log-in over a connection of its own, and what the user may do. */
struct login_facts {
    bool tried;
    enum reason why; /* why it failed; REASON_NONE */
    struct err err;
    enum right_state right[RIGHT_MAX];
};

/* Commands that write: daemon/core/write_command_table.h. */
#define WRITE_COMMAND(name) +1
enum {
    WRITE_COMMANDS = 0
#include "daemon/core/write_command_table.h"
};
#undef WRITE_COMMAND
extern const char *const write_commands[WRITE_COMMANDS];

struct facts {
    bool known; /* the pass is over */
    enum right_state right[RIGHT_MAX];
    struct login_facts replication; /* of the user that the other node logs in with here */

    /* settings; -1: not known */
    int64_t databases, tls_port, maxclients;
    int64_t repl_timeout, ping_period;                /* seconds */
    int64_t buffer_hard, buffer_soft, buffer_seconds; /* of replicas; 0: no limit */
    enum answer read_only, protected_mode, tls_replication;
    enum answer tls_built;                        /* the server can speak TLS */
    enum answer tls_authorities, tls_certificate; /* it has some to check others by, to show */
    enum answer dual_channel, version_check_relaxed;

    bool commands_known;
    bool has_command[WRITE_COMMANDS];
    bool used_command[WRITE_COMMANDS]; /* called since the server was started */

    bool users_known;
    char users[160]; /* names of the ACL but "default", with blanks between */
    bool keyspace_events_known;
    char keyspace_events[24]; /* notify-keyspace-events */

    int64_t clock_us; /* since the epoch; -1: not known */

    char sentinel[96];     /* a connection of Sentinel: its name and address; "": none seen */
    enum answer sentinels; /* somebody listens to Sentinel's channel */
    bool hello_tried;      /* … and has been listened to in turn: */
    char hello_name[64];   /* what one of them calls the node's primary; "": not heard */
    char hello_host[48];   /* … and where that one is */
    uint16_t hello_port;

    /* keys looked at, for types that the other server may not know */
    bool sample_tried, sampled;
    int64_t sample_keys, sample_vector_sets;
    char sample_key[64]; /* one of these */
};

/* Nothing is known. */
void facts_init(struct facts *facts);
/* Sentinel looks after it. */
bool facts_are_watched(const struct facts *facts);
/* Whether it knows a command that writes, where that is known. */
bool facts_have_command(const struct facts *facts, const char *name);
/* What a right is called by ACL SETUSER ("+config|get"), and the command it is for. */
const char *right_acl(enum right right);
const char *right_command(enum right right);
