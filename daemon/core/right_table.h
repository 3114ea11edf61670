/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RIGHT(ID, what ACL SETUSER calls it, the command, needed at the source, needed at the target): included by
 * daemon/core/facts.h and daemon/core/check/rights.c. Needed: R_NEVER, R_WANTED (a safety net: a warning), R_NEEDED,
 * R_PAUSE (where there is CLIENT PAUSE WRITE); R_SET (where the source cannot be fenced, or come back, without a
 * setting) and R_DRAIN (where clients are drained) are wanted elsewhere. The last four: of the replication user.
 */
RIGHT(INFO, "+info", "INFO", R_NEEDED, R_NEEDED)
RIGHT(REPLICAOF, "+replicaof", "REPLICAOF", R_NEEDED, R_NEEDED)
RIGHT(CONFIG_GET, "+config|get", "CONFIG GET", R_NEEDED, R_NEEDED)
RIGHT(CONFIG_SET, "+config|set", "CONFIG SET", R_SET, R_NEEDED)
RIGHT(CLIENT_PAUSE, "+client|pause", "CLIENT PAUSE", R_PAUSE, R_NEVER)
RIGHT(CLIENT_UNPAUSE, "+client|unpause", "CLIENT UNPAUSE", R_PAUSE, R_NEVER)
RIGHT(CLIENT_KILL, "+client|kill", "CLIENT KILL", R_DRAIN, R_WANTED)
RIGHT(CLIENT_ID, "+client|id", "CLIENT ID", R_WANTED, R_WANTED)
RIGHT(CLIENT_SETNAME, "+client|setname", "CLIENT SETNAME", R_WANTED, R_WANTED)
RIGHT(CLIENT_LIST, "+client|list", "CLIENT LIST", R_WANTED, R_WANTED)
RIGHT(PING, "+ping", "PING", R_NEVER, R_NEVER)
RIGHT(REPLCONF, "+replconf", "REPLCONF", R_NEVER, R_NEVER)
RIGHT(PSYNC, "+psync", "PSYNC", R_NEVER, R_NEVER)
RIGHT(SYNC, "+sync", "SYNC", R_NEVER, R_NEVER)
