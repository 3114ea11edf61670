/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change of the tables is one more row at the end of migrations[], never an edit of an older row:
 * files in the field have been through those. Phases, reasons, sides and scopes are stored by name,
 * so the enums may be reordered.
 */
#include "daemon/store/schema.h"

#define APPLICATION_ID 0x65636d67 /* "ecmg" */

static const char *const migrations[] = {
    "CREATE TABLE job ("
    " id TEXT NOT NULL PRIMARY KEY,"
    " file TEXT,"
    " spec_text TEXT,"
    " number INTEGER NOT NULL,"
    " phase TEXT NOT NULL,"
    " since_wall_ms INTEGER NOT NULL,"
    " reason TEXT NOT NULL,"
    " message TEXT NOT NULL,"
    " attempt INTEGER NOT NULL,"
    " next_attempt_wall_ms INTEGER NOT NULL,"
    " checked INTEGER NOT NULL,"
    " attached INTEGER NOT NULL,"
    " synced INTEGER NOT NULL,"
    " want_cutover INTEGER NOT NULL,"
    " force INTEGER NOT NULL,"
    " keep_roles INTEGER NOT NULL,"
    " aborted INTEGER NOT NULL,"
    " cutover_attempt INTEGER NOT NULL,"
    " next_cutover_wall_ms INTEGER NOT NULL,"
    " epoch INTEGER NOT NULL,"
    " source_host TEXT NOT NULL,"
    " source_port INTEGER NOT NULL,"
    " source_run_id TEXT NOT NULL,"
    " target_run_id TEXT NOT NULL,"
    " cutover_at_wall_ms INTEGER NOT NULL,"
    " cutover_gap_us INTEGER NOT NULL,"
    " cutover_offset INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE setting ("
    " job TEXT NOT NULL,"
    " side TEXT NOT NULL,"
    " name TEXT NOT NULL,"
    " old_value TEXT,"
    " new_value TEXT,"
    " scope TEXT NOT NULL,"
    " PRIMARY KEY (job, side, name)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE event ("
    " seq INTEGER NOT NULL PRIMARY KEY,"
    " time_ms INTEGER NOT NULL,"
    " job TEXT,"
    " run INTEGER NOT NULL,"
    " level TEXT NOT NULL,"
    " name TEXT NOT NULL,"
    " message TEXT NOT NULL,"
    " data TEXT NOT NULL"
    ") STRICT;"
    "CREATE INDEX event_job ON event (job, seq);"
    "CREATE TABLE number ("
    " name TEXT NOT NULL PRIMARY KEY,"
    " value INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;",

    "ALTER TABLE job ADD COLUMN committed INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE job ADD COLUMN given_keys INTEGER NOT NULL DEFAULT -1;"
    "ALTER TABLE job ADD COLUMN given_offset INTEGER NOT NULL DEFAULT -1;"
    "ALTER TABLE job ADD COLUMN given_replid TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE job ADD COLUMN want_since_wall_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE job ADD COLUMN want_until_wall_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE job ADD COLUMN want_by TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE job ADD COLUMN again INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE job ADD COLUMN recopy INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE job ADD COLUMN errors_base INTEGER NOT NULL DEFAULT -1;"
    "ALTER TABLE job ADD COLUMN evicted_base INTEGER NOT NULL DEFAULT -1;"
    /* What a job was halted for so far came after the source had been told to step down. */
    "UPDATE job SET committed = 1 WHERE phase IN ('switching', 'halted');"
    "CREATE TABLE connection ("
    " job TEXT NOT NULL,"
    " side TEXT NOT NULL,"
    " run_id TEXT NOT NULL,"
    " client_id INTEGER NOT NULL,"
    " PRIMARY KEY (job, side)"
    ") STRICT, WITHOUT ROWID;"
    /* One row for two nodes: the direction they were switched in last. */
    "CREATE TABLE switched ("
    " source TEXT NOT NULL,"
    " target TEXT NOT NULL,"
    " at_wall_ms INTEGER NOT NULL,"
    " PRIMARY KEY (source, target)"
    ") STRICT, WITHOUT ROWID;",

    "ALTER TABLE job ADD COLUMN copies INTEGER NOT NULL DEFAULT 0;",

    "ALTER TABLE job ADD COLUMN writer_host TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE job ADD COLUMN writer_port INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE job ADD COLUMN writer_run_id TEXT NOT NULL DEFAULT '';",

    /* What was changed, where it was. */
    "CREATE TABLE sibling ("
    " job TEXT NOT NULL,"
    " endpoint TEXT NOT NULL,"
    " state TEXT NOT NULL,"
    " was TEXT NOT NULL,"
    " message TEXT NOT NULL,"
    " user_from TEXT,"
    " user_to TEXT,"
    " password_from TEXT,"
    " password_to TEXT,"
    " tls_from TEXT,"
    " tls_to TEXT,"
    " PRIMARY KEY (job, endpoint)"
    ") STRICT, WITHOUT ROWID;",
    "ALTER TABLE job ADD COLUMN cutover_told_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE job ADD COLUMN sentinel_owed INTEGER NOT NULL DEFAULT 0;",
};

#define JOB_COLUMNS                                                                                \
    "id, file, spec_text, number, phase, since_wall_ms, reason, message, attempt, "                \
    "next_attempt_wall_ms, checked, attached, synced, want_cutover, force, keep_roles, aborted, "  \
    "cutover_attempt, next_cutover_wall_ms, epoch, source_host, source_port, source_run_id, "      \
    "target_run_id, cutover_at_wall_ms, cutover_gap_us, cutover_offset, committed, given_keys, "   \
    "given_offset, given_replid, want_since_wall_ms, want_until_wall_ms, want_by, again, "         \
    "recopy, errors_base, evicted_base, copies, writer_host, writer_port, writer_run_id, "         \
    "cutover_told_ms, sentinel_owed"
#define SETTING_COLUMNS "job, side, name, old_value, new_value, scope"
#define CONNECTION_COLUMNS "job, side, run_id, client_id"
#define SWITCHED_COLUMNS "source, target, at_wall_ms"
#define SIBLING_COLUMNS                                                                            \
    "job, endpoint, state, was, message, user_from, user_to, password_from, password_to, "         \
    "tls_from, tls_to"
#define EVENT_COLUMNS "seq, time_ms, job, run, level, name, message, data"
/* ?5: names with a space around each, or NULL for all. */
#define EVENTS_WHERE                                                                               \
    "SELECT " EVENT_COLUMNS " FROM event WHERE seq > ?1 AND time_ms BETWEEN ?3 AND ?4 "            \
    "AND (?5 IS NULL OR instr(?5, ' ' || name || ' ') > 0) "

static const char *const statements[ST_MAX] = {
    [ST_PUT_JOB] =
        "INSERT OR REPLACE INTO job (" JOB_COLUMNS ") VALUES "
        "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
        "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [ST_DELETE_JOB] = "DELETE FROM job WHERE id = ?",
    /* The value before the first change is the one to restore. */
    [ST_PUT_SETTING] = "INSERT INTO setting (" SETTING_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?) "
                       "ON CONFLICT (job, side, name) DO UPDATE SET "
                       "new_value = excluded.new_value, scope = excluded.scope",
    [ST_DELETE_SETTING] = "DELETE FROM setting WHERE job = ? AND side = ? AND name = ?",
    [ST_PUT_CONNECTION] = "INSERT OR REPLACE INTO connection (" CONNECTION_COLUMNS ") "
                          "VALUES (?, ?, ?, ?)",
    [ST_DELETE_CONNECTIONS] = "DELETE FROM connection WHERE job = ?",
    [ST_PUT_SWITCHED] = "INSERT OR REPLACE INTO switched (" SWITCHED_COLUMNS ") VALUES (?, ?, ?)",
    [ST_DELETE_SWITCHED] = "DELETE FROM switched WHERE source = ? AND target = ?",
    [ST_PUT_SIBLING] = "INSERT OR REPLACE INTO sibling (" SIBLING_COLUMNS ") "
                       "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [ST_DELETE_SIBLING] = "DELETE FROM sibling WHERE job = ? AND endpoint = ?",
    [ST_DELETE_SIBLINGS] = "DELETE FROM sibling WHERE job = ?",
    [ST_PUT_EVENT] =
        "INSERT OR REPLACE INTO event (" EVENT_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    [ST_PRUNE_EVENTS] = "DELETE FROM event WHERE seq <= ?",
    [ST_RAISE_LAST_SEQ] = "INSERT INTO number (name, value) VALUES ('last_event_seq', ?) "
                          "ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
    [ST_JOBS] = "SELECT " JOB_COLUMNS " FROM job ORDER BY id",
    [ST_SETTINGS] = "SELECT " SETTING_COLUMNS " FROM setting ORDER BY job, side, name",
    [ST_CONNECTIONS] = "SELECT " CONNECTION_COLUMNS " FROM connection ORDER BY job, side",
    [ST_SWITCHED] = "SELECT " SWITCHED_COLUMNS " FROM switched ORDER BY source, target",
    [ST_SIBLINGS] = "SELECT " SIBLING_COLUMNS " FROM sibling ORDER BY job, endpoint",
    [ST_PUT_INSTANCE] = "INSERT OR REPLACE INTO number (name, value) VALUES ('instance', ?)",
    /* The last number of an event, and the number of this state. */
    [ST_NUMBERS] = "SELECT max(ifnull((SELECT max(seq) FROM event), 0), "
                   "ifnull((SELECT value FROM number WHERE name = 'last_event_seq'), 0)), "
                   "ifnull((SELECT value FROM number WHERE name = 'instance'), 0)",
    [ST_EVENTS] = EVENTS_WHERE "ORDER BY seq LIMIT ?2",
    [ST_EVENTS_TAIL] = EVENTS_WHERE "ORDER BY seq DESC LIMIT ?2",
    [ST_EVENTS_JOB] = EVENTS_WHERE "AND job = ?6 ORDER BY seq LIMIT ?2",
    [ST_EVENTS_JOB_TAIL] = EVENTS_WHERE "AND job = ?6 ORDER BY seq DESC LIMIT ?2",
};

const struct db_config schema_config = {
    .application_id = APPLICATION_ID,
    .migrations = migrations,
    .n_migrations = array_len(migrations),
    .statements = statements,
    .n_statements = ST_MAX,
};
