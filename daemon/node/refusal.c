/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/node/refusal.h"

#include <string.h>

#include "lib/base/base.h"

struct reply_reason {
    const char *prefix;
    enum reason side[SIDE_ENDS]; /* the primary: as the source */
};

/* How servers say why they refuse. */
static const struct reply_reason reply_reasons[] = {
    {"NOPERM", {REASON_ACL_DENIED, REASON_ACL_DENIED}},
    {"NOAUTH", {REASON_AUTH_REFUSED, REASON_AUTH_REFUSED}},
    {"WRONGPASS", {REASON_AUTH_REFUSED, REASON_AUTH_REFUSED}},
    {"LOADING", {REASON_SOURCE_LOADING, REASON_TARGET_LOADING}},
    {"BUSY", {REASON_SOURCE_UNREACHABLE, REASON_TARGET_UNREACHABLE}},
    {"DENIED", {REASON_SOURCE_UNREACHABLE, REASON_TARGET_UNREACHABLE}},
    {"max number of clients", {REASON_TOO_MANY_CLIENTS, REASON_TOO_MANY_CLIENTS}},
    {"MASTERDOWN", {REASON_SOURCE_LINK_DOWN, REASON_TARGET_UNREACHABLE}},
};

static const enum reason unreachable[SIDE_MAX] = {[SIDE_SOURCE] = REASON_SOURCE_UNREACHABLE,
                                                  [SIDE_TARGET] = REASON_TARGET_UNREACHABLE,
                                                  [SIDE_PRIMARY] = REASON_PRIMARY_UNREACHABLE};

enum reason refusal_reason(enum node_side side, const struct err *err)
{
    if (err->code == ERR_AUTH && !strstr(err->msg, "NOPERM"))
        return REASON_AUTH_REFUSED;
    if (err->code == ERR_TLS)
        return REASON_TLS_FAILED;
    if (err->code == ERR_PROTOCOL || err->code == ERR_LIMIT)
        return REASON_NOT_REDIS;
    if (err->code != ERR_REPLY && err->code != ERR_AUTH)
        return unreachable[side];
    for (size_t i = 0; i < array_len(reply_reasons); i++)
        if (strstr(err->msg, reply_reasons[i].prefix))
            return reply_reasons[i].side[side == SIDE_TARGET];
    return REASON_COMMAND_REFUSED;
}
