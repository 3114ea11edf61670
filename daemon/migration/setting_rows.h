/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The table of settings a migration may change, and what it wants them to be. */
#include "daemon/core/action.h"
#include "daemon/store/store.h"

struct migration;

struct setting_row {
    enum action when; /* ACT_PREPARE or ACT_PREPARE_CUTOVER */
    enum node_side side;
    const char *name;
    unsigned since, before; /* product versions that know it: [since, before), 0: no bound */
    enum setting_scope scope;
    bool required;    /* the migration cannot work without it */
    bool record_only; /* another action sets it */
    /* The wanted value, fresh; NULL: leave it as it is. current is what the node has. */
    char *(*want)(const struct migration *m, const char *current);
};

const struct setting_row *setting_rows(size_t *ret_n);
/* The name of the setting that fences writes on servers without CLIENT PAUSE WRITE, by version. */
const char *fence_setting(unsigned version_num);
#define FENCE_VALUE "1000000"
/* From this version on CLIENT PAUSE has the mode WRITE. */
#define PAUSE_WRITE_SINCE 60200u
