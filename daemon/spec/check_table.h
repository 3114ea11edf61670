/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CHECK(ID, name, code, retry, what holds when it passes, why it matters, what to do next): the checks before a
 * migration, in the order in which they are shown. Each is a function check_<name> of daemon/core/check/, and a
 * reason: a job that it stops fails with its code. FIRM(...): the same, but nobody can waive it: it guards data of
 * others, or has a word of its own. WATCH(ID, code, retry, why it matters, what to do next): what is looked at until
 * the switch-over instead, and holds that back. Included by daemon/core/reason.{h,c}, daemon/core/check/ and the
 * schema of job files.
 */

/* Which servers they are */
FIRM(SAME_NODE, same_node, "same-node", false, "source and target are two servers",
      "Source and target are one and the same server.",
      "Name two different servers in the job file.")
CHECK(FOREIGN_SERVER, foreign_server, "foreign-server", false, "both are servers that replicate as Redis does",
      "A server that speaks the protocol of Redis, but is another product, replicates in its own way or not at all: Dragonfly can be a target but no source, KeyDB reads dumps up to Redis 6.2, Garnet and Kvrocks do neither.",
      "This pair cannot be migrated by replication. Choose another server, or move the data with a tool that reads and writes keys.")
FIRM(LOOP, loop, "loop", false, "the source does not follow the target",
      "The source is itself a replica of the target, or of one that follows it.",
      "Exchange source and target in the job file, or detach the source from the target first.")
FIRM(SOURCE_LOADING, source_loading, "source-loading", true, "the source has loaded its data set",
      "The source is loading its own data set and cannot serve a copy yet.",
      "Wait until the source has loaded; the job tries again by itself.")
FIRM(TARGET_LOADING, target_loading, "target-loading", true, "the target has loaded its data set",
      "The target is loading a data set and does not take commands yet.",
      "Wait until the target has loaded; the job tries again by itself.")
CHECK(SOURCE_LINK_DOWN, source_link, "source-link-down", true, "the source's own link to a primary, if any, is up",
      "The source is a replica whose own link to its primary is down.",
      "Repair the source's replication, or name its primary as the source.")
CHECK(SOURCE_IS_REPLICA, source_primary, "source-is-replica", true, "what takes the writes above a source that is a replica is known",
      "The source is a replica itself: writers are elsewhere, and pausing it would stop nobody. What is paused and demoted at the switch-over is the primary above it, which the daemon has to reach.",
      "Say where that primary is and how to log in there: source: {primary: {endpoint: HOST:PORT, username: USER, password_file: FILE}} in the job file. Or name it as the source of the job.")
FIRM(NODE_TAKEN, target_free, "node-taken", false, "no other job has the target",
      "Another job of this daemon has the target: as its own target, or as its source.",
      "End the other job first (ecmigratectl abort), or take this job's file away: two jobs with one target would undo each other's work.")
FIRM(ANOTHER_DAEMON, no_stranger, "another-daemon", true, "no other ecmigrate looks after the nodes",
      "Another ecmigrate is connected to a node of this job. Two of them would undo each other's work.",
      "Leave the pair to one of them: abort the job at the other and remove its file there. If that daemon is gone for good, close its connection at the node: CLIENT KILL ADDR, with the address in the message.")
FIRM(ALREADY_SWITCHED, not_switched, "already-switched", false, "the target did not take over from the source before",
      "A switch-over made this target the primary of these two nodes. A run in the same direction would delete what it has taken since.",
      "To migrate the other way, exchange source and target in the job file. To copy the old source over the target nevertheless: ecmigratectl start JOB --again.")
FIRM(TARGET_IS_REPLICA, target_alone, "target-is-replica", false, "the target follows no other server",
      "The target already follows another server.",
      "Detach the target first (REPLICAOF NO ONE on the target), if nobody needs that link, then: ecmigratectl retry JOB.")
FIRM(TARGET_NOT_EMPTY, target_empty, "target-not-empty", false, "the target is empty, or may be flushed",
      "The target holds keys. Attaching would delete them, and a rollback could not bring them back.",
      "If those keys may go, set allow_flush: true under target: in the job file; otherwise choose an empty target.")

/* What they let us do */
CHECK(AUTH_REFUSED, replication_login, "auth-refused", false, "each node's replication user can log in to the other",
      "A node refuses the user name or the password, or asks for one that the job file does not give.",
      "Correct username and password, password_file or credential of that node in the job file; a changed file of a failed job starts a new run.")
CHECK(SOURCE_RIGHTS, source_rights, "source-rights", false, "the daemon may do at the source what it has to",
      "The source lets the daemon in, but not do all that a migration needs. Found late, this costs write pauses for nothing, or hanging clients.",
      "Run the lines above at the source, as a user who may change users; then: ecmigratectl retry JOB.")
CHECK(PRIMARY_RIGHTS, primary_rights, "primary-rights", false, "the daemon may do at the source's primary what it has to",
      "The source is a replica; the primary above it lets the daemon in, but not do all that a switch-over needs: it is paused and demoted there.",
      "Run the lines above at the source's primary, as a user who may change users; then: ecmigratectl retry JOB.")
CHECK(TARGET_RIGHTS, target_rights, "target-rights", false, "the daemon may do at the target what it has to",
      "The target lets the daemon in, but not do all that a migration needs.",
      "Run the lines above at the target, as a user who may change users; then: ecmigratectl retry JOB.")
CHECK(REPLICATION_RIGHTS, replication_rights, "replication-rights", false, "the target may copy from the source",
      "The user that the target logs in with at the source may not replicate. The copy would never begin, or be cut each second.",
      "Run the lines above at the source, as a user who may change users; then: ecmigratectl retry JOB.")
CHECK(REVERSE_RIGHTS, reverse_rights, "reverse-rights", false, "the source may copy back from the target",
      "The user that the old source will log in with at the target may not replicate. That would show only after the switch-over, when there is no way back.",
      "Run the lines above at the target, as a user who may change users; or set reverse: false under cutover: in the job file, and do without a way back.")
FIRM(TARGET_CLUSTER_MODE, target_cluster_mode, "target-cluster-mode", false, "the target is not in cluster mode",
      "The target runs in cluster mode, where REPLICAOF is refused.",
      "Choose a target with cluster-enabled no.")
CHECK(SOURCE_CLUSTER_MODE, source_cluster_mode, "source-cluster-mode", false, "the source is not in cluster mode",
      "The source runs in cluster mode: this is one shard of several, and REPLICAOF is refused there, so that it cannot be demoted. Each switch-over would pause its writes and give up.",
      "To copy this one shard, and never switch over, put source-cluster-mode into checks: {waive: [...]} of the job file.")
CHECK(TLS_MISMATCH, tls_mismatch, "tls-mismatch", false, "each node will speak to the other as that one expects",
      "A node speaks TLS to the server that it follows where tls-replication is yes. That is set for the migration as the other's port speaks, and put back; where reachable_as names a port that is none of the node's own, it stays as it is.",
      "Make sure that what is behind reachable_as speaks TLS, or name the node's own port there.")
CHECK(TLS_UNPREPARED, tls_unprepared, "tls-unprepared", false, "a node that is to follow over TLS has what it needs for it",
      "Where one node's port speaks TLS, the other must speak it, too, to follow: its server must be built with TLS, and know authorities to check the other by (tls-ca-cert-file or tls-ca-cert-dir) and a certificate of its own (tls-cert-file, tls-key-file). Without them it refuses tls-replication yes.",
      "Put tls-ca-cert-file, tls-cert-file and tls-key-file, which name files on that node's host, into the configuration file of the node that the message names, and restart it; where they are set and it refuses all the same, its log says which of them it cannot use. The source's certificate must be of an authority in that file. Or migrate over a plain port: take tls out of the job file and name that port.")
CHECK(PROTECTED_MODE, protected_mode, "protected-mode", false, "the source lets others in than its own host",
      "The source is in protected mode: it has no password, and answers its own host only. The daemon is on that host, the target is not.",
      "Set a password at the source and name it in the job file, or run the line above at the source.")

/* Whether the target can hold the data */
CHECK(RDB_VERSION, rdb_version, "rdb-version", false, "the target can read the source's dump",
      "The target cannot read the dump of a server of this version. It would delete what it holds first, and then fail, again and again.",
      "Choose a target of a version that can: the manual page ecmigrate-checks(7) has the table. An older target cannot take over from a newer source by replication.")
CHECK(FIELD_TTL, field_ttl, "field-ttl", false, "the target knows fields with an expiry of their own",
      "Hashes of the source have fields that expire by themselves (HEXPIRE). The target does not know them: its process would end, or the copy begin again and again.",
      "Choose a target of the same product that knows them; or delete those hashes, and write them anew without an expiry. HPERSIST is enough at Valkey only: a small hash of Redis keeps its form.")
CHECK(VECTOR_SETS, vector_sets, "vector-sets", false, "the target knows vector sets",
      "The source holds vector sets, or may, and the target does not know them: its process would end.",
      "Choose Redis 8.0 or later as the target, or delete the vector sets: SCAN 0 COUNT 1000 TYPE vectorset finds them, in each database. Up to 5000 keys of each of four databases are looked at.")
CHECK(ONE_WAY, one_way, "one-way", false, "the source could read the target's dump, too",
      "After the switch-over the old source follows the new primary. Commands that it does not know are dropped there, with the link up and offsets equal; and where it cannot read the target's dump, a link that was away too long is gone for good.",
      "Nothing, if you accept a way back that may lack some writes. Otherwise run the line above, where there is one, or choose servers of one version.")
CHECK(MODULES_MISSING, modules_missing, "modules-missing", false, "the target has the source's modules",
      "The source has modules loaded that the target lacks. Keys of their types cannot be read there: its process would end.",
      "Load the modules at the target: loadmodule in its configuration file, and a restart, or MODULE LOAD where that is allowed. If no key is of their types, put modules-missing into checks: {waive: [...]} of the job file.")
CHECK(COMMANDS_MISSING, commands_missing, "commands-missing", false, "the target knows the write commands that the source does",
      "Write commands of the source are unknown at the target: renamed or disabled at one of the two, or too new. Such writes are dropped there, with the link up and offsets equal.",
      "Make rename-command the same in the configuration files of both, and restart what was changed; or choose a target of a newer version.")
CHECK(DATABASES_TOO_FEW, databases_too_few, "databases-too-few", false, "the target has as many databases as the source",
      "The source has more databases than the target. Its process ends when it loads a key of a database that it lacks, or what is written there later goes into database 0.",
      "Set databases in the target's configuration file to at least that of the source, and restart it.")

/* Memory */
CHECK(MAXMEMORY, maxmemory, "maxmemory", true, "the target's maxmemory is enough",
      "The target uses, or would use, more than its maxmemory allows: as a primary it would evict keys, or refuse writes, at once.",
      "Raise maxmemory at the target: CONFIG SET maxmemory, and in its configuration file. A switch-over that waits goes on by itself then; a job that has failed: ecmigratectl retry JOB.")
CHECK(HOST_MEMORY, host_memory, "host-memory", false, "the target's host has the memory",
      "The source uses as much memory as the target's host has, or nearly: the kernel may end the target's process.",
      "Choose a host with more memory for the target.")
CHECK(EVICTING_SOURCE, evicting_source, "evicting-source", false, "the source does not evict keys",
      "The source is at its maxmemory and deletes keys to stay below it, during the migration as before.",
      "If those keys matter, raise maxmemory at the source.")
CHECK(FORK_MEMORY, fork_memory, "fork-memory", false, "the source's host has memory for the copy",
      "To copy its data set the source forks. What is written meanwhile needs memory a second time, and the host may run out of it.",
      "Migrate in a quiet hour, or make memory free on the source's host. There, vm.overcommit_memory must be 1 for the fork to succeed.")
CHECK(OUTPUT_BUFFER, output_buffer, "output-buffer", false, "the source's output buffer outlasts the copy",
      "What is written during the copy waits in the source's buffer for replicas. When it grows beyond client-output-buffer-limit, the source cuts the copy, and it starts over.",
      "Set tune: true under sync: in the job file, or run the line above at the source, and set it back afterwards. Where that does not help, the host has no memory for it: migrate in a quieter hour.")
CHECK(BACKLOG_SMALL, backlog_small, "backlog-small", false, "the source's backlog outlasts a short break of the link",
      "When the link breaks, what is written until it is back must fit into the source's backlog; otherwise everything is copied again.",
      "Set tune: true under sync: in the job file, or run the line above at the source, and set it back afterwards. Where that does not help, the source has no memory for it: migrate in a quieter hour.")

/* Settings */
CHECK(REPL_TIMEOUT, repl_timeout, "repl-timeout", false, "repl-timeout is long enough",
      "A link that is silent for repl-timeout is cut, also while a data set is written, sent or loaded.",
      "Run the lines above.")
CHECK(PING_PERIOD, ping_period, "ping-period", false, "the source is heard from often enough",
      "When nobody writes, the source is silent for as long as its repl-ping-replica-period. A link that was silent for more than 15 s holds a switch-over back.",
      "Run the line above at the source, and set it back afterwards.")
CHECK(MIN_REPLICAS, min_replicas, "min-replicas", true, "the target will take writes with the replicas that it will have",
      "The target takes writes only with more replicas than it will have (min-replicas-to-write).",
      "Attach replicas to the target, or lower min-replicas-to-write there. A switch-over that waits goes on by itself then; a job that has failed: ecmigratectl retry JOB.")
CHECK(TARGET_REFUSES_WRITES, target_refuses_writes, "target-refuses-writes", true, "the target can save its data, and so takes writes",
      "The target's last dump, or its last write to the append-only file, failed; as a primary it would refuse every write (MISCONF).",
      "Look into the target's log and make room on its disk. Then, of a dump, at the target: BGSAVE; the append-only file is tried again by itself. A switch-over that waits goes on by itself then; a job that has failed: ecmigratectl retry JOB.")
CHECK(SOURCE_SAVE_FAILED, source_saved, "source-save-failed", false, "the source's last dump, if any, succeeded",
      "The source's last dump (BGSAVE) failed. To be copied it forks in the same way: what stopped the dump, often memory or a full disk, may stop the copy.",
      "Look into the source's log. When the cause is gone, run the line above at the source.")
CHECK(REPLICA_WRITABLE, replica_writable, "replica-writable", false, "replicas are read-only",
      "A node would take writes of clients as a replica (replica-read-only no). It is set to yes for the migration and put back afterwards.",
      "Nothing, if nobody writes to the target meanwhile: such writes are refused during the migration.")
CHECK(PERSISTENCE_OFF, persistence_off, "persistence-off", false, "the source keeps its data over a restart",
      "The source writes neither dumps nor an append-only file. If it is restarted it comes back empty, and the target would become empty, too; the job stops following it then, if it sees it in time.",
      "Make sure that nothing restarts the source by itself, or run the line above there, and set it back afterwards: CONFIG SET save ''.")
CHECK(SOURCE_PAUSED, source_paused, "source-paused", true, "nobody has paused the source's clients",
      "Somebody else has paused the source's clients (CLIENT PAUSE). That pause is not ours to lift.",
      "Wait until it is over; a switch-over that waits goes on by itself then. If nobody needs it any more: CLIENT UNPAUSE at the source.")
CHECK(FAILOVER, failover, "failover-under-way", true, "no FAILOVER is under way at the source",
      "Somebody has begun a FAILOVER at the source.",
      "Wait for its end, or end it at the source: FAILOVER ABORT. A switch-over that waits goes on by itself then; a job that has failed: ecmigratectl retry JOB.")
CHECK(CLOCK_SKEW, clock_skew, "clock-skew", false, "both clocks show the same time",
      "The clocks of the two nodes differ. Keys with an expiry go early, or late, at the target.",
      "Set the clocks right on both hosts (NTP).")
CHECK(SCRIPTS, scripts, "scripts", false, "no client of the source runs scripts",
      "Scripts are in use at the source. Those that are called by their hash (EVALSHA) must be loaded anew after the switch-over, and clients' connections to the old source are closed at the switch-over, unless drain_clients: false.",
      "Make sure that the application loads a script again when it hears NOSCRIPT. Before Redis 6.2 a script also passes the write fence: stop those clients for the switch-over.")
CHECK(TARGET_MAXCLIENTS, target_maxclients, "target-maxclients", false, "the target lets as many clients in as the source has",
      "The source has more clients than the target lets in (maxclients). After the switch-over some would be left outside.",
      "Run the line above at the target.")

/* Around them */
CHECK(SENTINEL, sentinel, "sentinel", false, "Sentinel, if any looks after the nodes, is told of the switch-over",
      "Sentinel looks after a node of this job, and promotes and points replicas as it sees fit. At the source, where that has other replicas, it undoes the switch-over, with the writes taken since; without, it takes up to a minute to name the target, and attaches it again after an abort. At the target, where that has replicas, it fights the migration without an end.",
      "Of those at the source, name all in the job file: sentinels: [HOST:PORT, ...] and sentinel_name: NAME; the job then tells them. Those at the target: at each, SENTINEL REMOVE NAME, and after the switch-over SENTINEL MONITOR NAME with the target's host, port and the quorum. What the message has for after an abort is due within eight seconds of it.")
CHECK(SOURCE_REPLICAS, source_replicas, "source-replicas", false, "the source has no other replicas",
      "The source has replicas of its own. After the switch-over each of them is pointed to the target, without a full copy. With replicas: leave under source: they stay: they follow the target through the old source, or, with reverse: false as well, hang on a dead end without new writes.",
      "Nothing, with replicas: follow under source:, which is the default. With leave, point them to the target after the switch-over: REPLICAOF, with the target's host and port. That costs no full copy.")
CHECK(TARGET_REPLICAS, target_replicas, "target-replicas", false, "the target has no replicas, or they can bear a full copy",
      "The target's own replicas copy everything from it, once it has the data.",
      "Nothing: the switch-over waits for them.")
CHECK(NAT, nat, "nat", false, "the target reaches the source where the daemon does",
      "The target reaches the source at another address than the daemon does: that the daemon gets there says nothing of whether the target will.",
      "From the target's host: redis-cli -h HOST -p PORT ping, with host and port of source.reachable_as.")
CHECK(NOT_REPLICATED, not_replicated, "not-replicated", false, "what is not data is the same on both",
      "Replication carries data and functions; users (ACL) and settings (CONFIG) stay where they are.",
      "Compare ACL LIST and CONFIG GET * of both nodes, and set at the target what the applications need.")

/* Until the switch-over */
WATCH(GATE_REPLICAS, "gate-replicas", true, "Not all of the target's own replicas are online and within cutover.max_lag of it.",
      "Wait for them: after the target's copy they copy everything from it. Remove those that are gone from target.replicas. Where writes come too fast for it, raise cutover.max_lag.")
WATCH(GATE_SENTINEL, "gate-sentinel", true,
      "The Sentinels of the job file are not ready for the switch-over: one names another primary, has not noticed the target, or would promote another replica.",
      "The message says which, and what is the matter. What they notice by themselves takes up to 10 s.")
WATCH(EVICTIONS, "evictions", true,
      "The target has evicted keys while it followed the source, and lacks them now.",
      "Raise maxmemory at the target, then have all of it copied anew: ecmigratectl abort JOB, set allow_flush: true under target: in the job file; that starts it anew, or else: ecmigratectl start JOB.")
WATCH(KEYS_DIFFER, "keys-differ", true,
      "Source and target hold a different number of keys, though the target has applied every write.",
      "Find out what deleted or added keys at the target: evictions, a client that writes there, errors in its log. Then have all of it copied anew: ecmigratectl abort JOB, set allow_flush: true under target: in the job file; that starts it anew, or else: ecmigratectl start JOB.")
WATCH(REPLICATION_ERRORS, "replication-errors", true,
      "The target counts errors while it applies the source's writes: its copy may differ from the source.",
      "Compare databases, renamed commands and modules of both servers. If you have made sure that the copy is right, put replication-errors into checks: {waive: [...]} of the job file, or: ecmigratectl complete JOB --force.")
WATCH(TARGET_WRITABLE, "target-writable", true,
      "Somebody has set replica-read-only to no at the target: what clients write there, nobody else has, and no offset shows it.",
      "At the target: CONFIG SET replica-read-only yes. If a client has written there meanwhile, have all of it copied anew: ecmigratectl abort JOB, set allow_flush: true under target: in the job file; that starts it anew, or else: ecmigratectl start JOB.")
WATCH(KEYS_COLLAPSED, "keys-collapsed", true,
      "Most of the source's keys went from one look to the next: a FLUSHALL or FLUSHDB, or its like. It was replicated to the target.",
      "Find out whether that was meant. If it was, put keys-collapsed into checks: {waive: [...]} of the job file, or: ecmigratectl complete JOB --force. If not, restore the source from a backup first.")
