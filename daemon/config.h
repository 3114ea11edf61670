/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The daemon's settings: defaults, under what the config file says, under what the command line
 * says. One table describes them all (daemon/config.c).
 */
#include <stdio.h>

#include "daemon/api/api_config.h"
#include "lib/base/log.h"
#include "lib/net/endpoint.h"
#include "lib/yaml/schema.h"

#define CONFIG_DEFAULT_PATH "/etc/ecmigrate/ecmigrated.yaml"

enum config_log_target { LOG_TARGET_AUTO, LOG_TARGET_JOURNAL, LOG_TARGET_STDERR, LOG_TARGET_MAX };
enum config_log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON, LOG_FORMAT_MAX };

struct config {
    char *jobs_dir, *state_dir, *runtime_dir;
    enum config_log_target log_target;
    enum config_log_format log_format;
    enum log_level log_level;
    unsigned max_parallel_syncs, max_parallel_syncs_per_host;
    struct endpoint listen; /* not set: no TCP listener */
    struct config_api api;
};

enum config_action { CONFIG_RUN, CONFIG_CHECK, CONFIG_HELP, CONFIG_VERSION, CONFIG_ACTION_MAX };

/* What the command line asks for. */
struct config_command {
    enum config_action action;
    struct config config;
    char *config_file;  /* owned; the one that was read, or would be */
    char **check_files; /* owned, the names are borrowed from argv */
    unsigned n_check_files;
    struct diags arguments; /* what is wrong on the command line */
    struct diags file;      /* … and in the config file */
};

extern const struct schema config_schema; /* of struct config */

/*
 * Reads command line and file. False: something is wrong, see config_print_errors(). To be cleared
 * in any case. argv's order may change. The config file may be missing when it was not named.
 */
bool config_load(int argc, char **argv, struct config_command *ret) must_check;
void config_command_clear(struct config_command *command);
void config_clear(struct config *config);

void config_print_errors(const struct config_command *command, FILE *out, bool color);
void config_print_help(FILE *out);

/* The key of a setting that differs and that only a restart can change; NULL: next may replace now.
 */
const char *config_needs_restart(const struct config *now, const struct config *next);
