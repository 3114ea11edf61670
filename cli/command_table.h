/* SPDX-License-Identifier: Apache-2.0 */
/* COMMAND(name, operands as --help shows them, what an operand is, at least, at most, options beside the global ones,
 *         formats, flags, one line of help, further lines or NULL, function): included by command.h and main.c. */
COMMAND(list, "", VALUE_NONE, 0, 0, 0, FORMATS_ALL, C_DAEMON,
        "all jobs, one line each", NULL, cmd_list)
COMMAND(status, "JOB", VALUE_JOB, 1, 1, 0, FORMATS_ALL, C_DAEMON,
        "one job in full: what it does, why it waits, what ends that", NULL, cmd_status)
COMMAND(watch, "[JOB]", VALUE_JOB, 0, 1, 0, FORMATS_ALL & ~FORMAT_BIT(NAME), C_DAEMON,
        "the same, live, with progress, rate and time left",
        "On a terminal a table that is redrawn in place, elsewhere one line for each change.\n"
        "With JOB it ends when that job has ended: status 0 when it is available, 1 when it failed.\n"
        "Ctrl-C ends it.",
        cmd_watch)
COMMAND(events, "[JOB]", VALUE_JOB, 0, 1, OPT_BIT(FOLLOW) | OPT_BIT(AFTER) | OPT_BIT(LIMIT), FORMATS_ALL, C_DAEMON,
        "what has happened",
        "With -f and -o json one object a line. A daemon that restarts is waited for, for 30 s.",
        cmd_events)
COMMAND(check, "JOB", VALUE_JOB, 1, 1, OPT_BIT(SOURCE) | OPT_BIT(TIMEOUT), FORMATS_ALL | FORMAT_BIT(MARKDOWN), C_DAEMON,
        "look whether a migration could start; changes nothing",
        "What is the matter, why that matters, and the lines that put it right. -o wide adds what passed, with what was\n"
        "seen; -o markdown makes a report to hand on. The status is 1 when an error stands in the way.",
        cmd_check)
COMMAND(start, "JOB", VALUE_JOB, 1, 1, OPT_BIT(SOURCE) | OPT_BIT(AGAIN), FORMATS_ALL, C_DAEMON,
        "start an idle, failed or completed job",
        "A job that would overwrite a target which took over from its source before wants --again.",
        cmd_start)
COMMAND(complete, "JOB", VALUE_JOB, 1, 1, OPT_BIT(FORCE) | OPT_BIT(DRY_RUN) | OPT_BIT(WAIT) | OPT_BIT(TIMEOUT) | OPT_BIT(WITHIN), FORMATS_ALL, C_DAEMON,
        "switch the writable primary over to the target",
        "Without --wait it returns as soon as the daemon has taken the order. The order stands until it is carried\n"
        "out, given up or withdrawn (cancel), however long something holds it back: see --within.\n"
        "With --dry-run the status is 1 when something would hold the switch-over back.",
        cmd_complete)
COMMAND(cancel, "JOB", VALUE_JOB, 1, 1, 0, FORMATS_ALL, C_DAEMON,
        "withdraw the order to switch over; the target goes on following",
        "Also while it has to copy once more.", cmd_order)
COMMAND(abort, "JOB", VALUE_JOB, 1, 1, 0, FORMATS_ALL, C_DAEMON,
        "give a migration up and roll it back", NULL, cmd_order)
COMMAND(retry, "JOB", VALUE_JOB, 1, 1, 0, FORMATS_ALL, C_DAEMON,
        "begin a new run of a failed job",
        "What an earlier run has copied is still on the target: empty it, or set allow_flush: true in the job file.",
        cmd_order)
COMMAND(wait, "JOB", VALUE_JOB, 1, 1, OPT_BIT(FOR) | OPT_BIT(TIMEOUT), FORMATS_ALL, C_DAEMON,
        "wait until a job is in a state or phase",
        "Ends with 1 at once when the job has ended otherwise, with 5 when the time is over.",
        cmd_wait)
COMMAND(doctor, "", VALUE_NONE, 0, 0, OPT_BIT(CONFIG) | OPT_BIT(JOBS_DIR) | OPT_BIT(STATE_DIR),
        FORMAT_BIT(TABLE) | FORMAT_BIT(JSON) | FORMAT_BIT(YAML), 0,
        "look over the daemon, its surroundings and every node",
        "Works without a daemon, too. The status is 1 when something is found to be wrong.\n"
        "Directories are those of the daemon's config file; options win.",
        cmd_doctor)
COMMAND(validate, "FILE...", VALUE_FILE, 1, ARGS_MAX, 0, FORMAT_BIT(TABLE), 0,
        "check job files; needs no daemon", NULL, cmd_validate)
COMMAND(explain, "[CODE]", VALUE_CODE, 0, 1, 0, FORMATS_ALL & ~FORMAT_BIT(WIDE), 0,
        "what a reason code means and what to do; all codes without one", NULL, cmd_explain)
COMMAND(fsm, "", VALUE_NONE, 0, 0, OPT_BIT(DOT), FORMATS_ALL & ~FORMAT_BIT(WIDE), 0,
        "the phases of a job and the ways between them", NULL, cmd_fsm)
COMMAND(schema, "", VALUE_NONE, 0, 0, 0, FORMAT_BIT(TABLE) | FORMAT_BIT(JSON) | FORMAT_BIT(YAML), 0,
        "the JSON Schema of job files, for editors", "It is JSON unless -o yaml asks for YAML.", cmd_schema)
COMMAND(completion, "SHELL", VALUE_SHELL, 1, 1, 0, FORMAT_BIT(TABLE), 0,
        "a script that completes these commands: bash, zsh or fish",
        "bash: source <(ecmigratectl completion bash)",
        cmd_completion)
