/* SPDX-License-Identifier: Apache-2.0 */
/* REASON(id, code, retry, what it means, what to do next): included by reason.h and reason.c. */

/* Reaching the nodes */
REASON(
    SOURCE_UNREACHABLE, "source-unreachable", true,
    "The daemon cannot reach the source: its name does not resolve, nobody listens, or no answer comes.",
    "Check that the source runs and that its endpoint is right, and try it from the daemon's host: redis-cli -h HOST -p PORT ping, with --tls where it speaks TLS. Then: ecmigratectl retry JOB.")
REASON(
    TARGET_UNREACHABLE, "target-unreachable", true,
    "The daemon cannot reach the target: its name does not resolve, nobody listens, or no answer comes.",
    "Check that the target runs and that its endpoint is right, and try it from the daemon's host: redis-cli -h HOST -p PORT ping, with --tls where it speaks TLS. Then: ecmigratectl retry JOB.")
REASON(
    PRIMARY_UNREACHABLE, "primary-unreachable", true,
    "The source is a replica, and the daemon cannot reach the primary above it, which takes the writes. The copy works; the switch-over waits, because the primary has to be paused and demoted.",
    "Make the primary reachable from the daemon's host, or say in the job file where it is and how to log in: source: {primary: {endpoint: HOST:PORT, username: USER, password_file: FILE}}. If it cannot be, and all writers have been stopped: ecmigratectl complete JOB --force.")
REASON(
    PRIMARY_CHANGED, "primary-changed", true,
    "The source is a replica, or was one, and another server takes the writes now than when this run began: somebody has promoted or re-pointed a node above the target. What that server holds need not be what was copied.",
    "If the change is to be undone, undo it: the switch-over goes on by itself then. If it is to stay, copy anew: ecmigratectl abort JOB, and then ecmigratectl retry JOB.")
REASON(
    TOO_MANY_CLIENTS, "too-many-clients", true,
    "A node lets nobody in, because as many clients are connected as it allows (maxclients).",
    "Nothing, if it passes: it is tried again by itself. Otherwise raise maxclients at the node, or find out who keeps so many connections.")
REASON(
    ACL_DENIED, "acl-denied", false,
    "A node lets us in, but its ACL does not allow a command that a migration needs.",
    "Give the user the rights: the source's replication user needs +psync +replconf +ping, the daemon's user also +info +config +client +replicaof. Then: ecmigratectl retry JOB.")
REASON(
    COMMAND_REFUSED, "command-refused", false,
    "A node refuses a command that a migration needs (managed nodes do this), or does not know it.",
    "This node cannot be migrated by replication. If the command was renamed or disabled, enable it for the time of the migration.")
REASON(
    CREDENTIAL_UNREADABLE, "credential-unreadable", false,
    "The file or credential with a node's password cannot be read.",
    "Check that the file exists, is a regular file and can be read by the daemon; credentials need LoadCredential= in the unit. Then: ecmigratectl retry JOB.")

REASON(
    TLS_FAILED, "tls-failed", false,
    "TLS to a node does not come about: a certificate, a key or an authority is not accepted, or only one side speaks TLS. The message says which.",
    "Mend what the message names: the files under tls: in the job file, the node's certificate, or the endpoint's port. Files are read anew for each connection. Try it from the daemon's host: redis-cli -h HOST -p PORT --tls --cacert FILE ping, with --cert FILE --key FILE where the node wants a certificate. Then: ecmigratectl retry JOB.")

/* What the first look finds. Checks: daemon/spec/check_table.h */
REASON(
    NOT_REDIS, "not-redis", false,
    "What answers at an endpoint does not speak the Redis protocol, or does not report what a server reports.",
    "Check host and port in the job file.")

/* Attaching and synchronising */
REASON(
    LINK_TIMEOUT, "link-timeout", true,
    "The target was told to follow the source, but no link came up in time. The source sees nothing of it, or refuses it.",
    "From the target's host, try to reach the source under the name the target uses (reachable_as, else endpoint); check firewalls, bind and protected-mode on the source, and the replication user.")
REASON(
    SYNC_STALLED, "sync-stalled", true,
    "The full synchronisation made no progress for sync.stall_timeout.",
    "Look at the servers' logs: disk, memory, network between them. A larger sync.stall_timeout helps slow disks. Then: ecmigratectl retry JOB.")
REASON(
    SYNC_FAILED, "sync-failed", true,
    "The transfer of the data set broke off and the target did not come up with it.",
    "Look at the logs of both servers: a dump the target cannot load (version, modules), a full disk, a cut output buffer. Then: ecmigratectl retry JOB.")
REASON(
    UNREACHABLE_FROM_TARGET, "source-unreachable-from-target", true,
    "The daemon reaches the source, the target does not: nothing of it arrives there.",
    "From the target's host, try to reach the source under the name that the target uses (reachable_as, else endpoint): redis-cli -h HOST -p PORT ping. Check firewalls, and bind at the source; where the target needs another address, set source.reachable_as. Then: ecmigratectl retry JOB.")
REASON(
    TLS_EXPECTED, "tls-expected", false,
    "One of the two speaks TLS on the link, and the other does not, so that no link comes up.",
    "The target speaks TLS to its source with tls-replication yes, and plain with no. Set that at the target, or name in source.reachable_as the port that speaks as the target does. Then: ecmigratectl retry JOB.")
REASON(
    TLS_LINK, "tls-link-failed", true,
    "Source and target are to speak TLS with each other, and nothing of the target arrives at the source: no road, or no agreement on certificates. The servers say which only in their logs.",
    "Look into both servers' logs: 'certificate verify failed' at the target means that its tls-ca-cert-file lacks the authority of the source's certificate; 'Error accepting a client connection' at the source, that it refuses the target's. Mend the files there, and restart that server. Then: ecmigratectl retry JOB.")
REASON(
    OUTPUT_BUFFER_OVERRUN, "output-buffer-overrun", false,
    "More was written at the source during the copy than its buffer for replicas may hold (client-output-buffer-limit), so the source cut the copy. It would be cut again.",
    "Set tune: true under sync: in the job file, or raise client-output-buffer-limit at the source by hand, or migrate in a quieter hour. Then: ecmigratectl retry JOB.")
REASON(
    BACKLOG_TOO_SMALL, "backlog-too-small", true,
    "The link broke, and more was written until it was back than the source's backlog holds: everything is copied again.",
    "Raise repl-backlog-size at the source (sync.tune: true does, as far as memory allows), and find out why the link breaks.")
REASON(
    SOURCE_CANNOT_FORK, "source-cannot-fork", false,
    "The source cannot start the process that writes its data set for the target.",
    "Look into the source's log: memory (vm.overcommit_memory must be 1 on its host), or a limit on processes. Then: ecmigratectl retry JOB.")
REASON(
    SOURCE_CANNOT_SAVE, "source-cannot-save", false,
    "The source cannot write its data set: its last dump failed.",
    "Look into the source's log: a full disk, or no right to write into its directory. Then: ecmigratectl retry JOB. With tune: true under sync: an empty target is sent the data without a file.")
REASON(
    LINK_FLAPPING, "link-flapping", true,
    "The link breaks again and again, and is taken up again each time.",
    "Look at the network between the two nodes, and at both servers' logs. The switch-over waits until the link is steady.")
REASON(SOURCE_LOST, "source-lost", true,
       "The source stopped answering before the target held its data.",
       "Bring the source back, then: ecmigratectl retry JOB.")
REASON(
    TARGET_DIED, "target-died-loading", true,
    "The target's process ended, or was restarted, while it took in the data.",
    "Look into its log: a dump that it cannot read (version, modules, number of databases), or the kernel killed it for want of memory. Start it again, then: ecmigratectl retry JOB.")
REASON(TARGET_LOST, "target-lost", true, "The target stopped answering.",
       "Bring the target back. The job goes on by itself, or: ecmigratectl retry JOB.")
REASON(
    TARGET_DETACHED, "target-detached", true,
    "The target no longer follows the source: it was restarted.",
    "Nothing: it holds only what this source gave it, and the job attaches it again. If it repeats, look at the target's log.")
REASON(
    TARGET_PROMOTED, "target-promoted", false,
    "The target is a primary, and not by our doing: somebody promoted it, or it was restarted and has taken writes since. Following the source again would delete what it holds, so both nodes are left as they are.",
    "To keep what the target holds: ecmigratectl abort JOB, which ends the job and changes no role. To give it up and copy anew: set allow_flush: true under target: in the job file, then ecmigratectl retry JOB. If Sentinel did it, take the target out of its care first.")
REASON(
    TARGET_REPOINTED, "target-repointed", false,
    "Somebody pointed the target to another server. It is left there.",
    "To leave it there: ecmigratectl abort JOB, which ends the job and changes no role. To go on with this job: point it back yourself, or detach it and set allow_flush: true under target: in the job file, then ecmigratectl retry JOB.")
REASON(
    SOURCE_FOLLOWS_TARGET, "source-follows-target", false,
    "The source is a replica of the target, and not by our doing: somebody has exchanged the roles (FAILOVER, Sentinel). Both nodes are left as they are.",
    "If the target is to stay the primary: ecmigratectl abort JOB ends the job and changes no role. If not, give the role back so that the target follows the source again (FAILOVER at the target), never by REPLICAOF NO ONE alone; then: ecmigratectl retry JOB.")
REASON(
    SOURCE_EMPTIED, "source-emptied", false,
    "The source was restarted and came back without its data. The target was made to follow it no longer, so that it keeps what it holds.",
    "The target may hold the only copy. To keep it: ecmigratectl abort JOB, which ends the job and changes no role. To copy the source as it is now: set allow_flush: true under target: in the job file, then ecmigratectl retry JOB, which deletes what the target holds.")

/* Waiting */
REASON(
    WAITING_SLOT, "waiting-slot", true,
    "As many full synchronisations run as the limits allow (max_parallel_syncs, max_parallel_syncs_per_host).",
    "Nothing: it goes on when a slot is free. The limits are in the daemon's configuration.")
REASON(WAITING_START, "waiting-start", true, "The job is registered and waits to be started.",
       "ecmigratectl start JOB, with --source HOST:PORT where the job file names none.")
REASON(WAITING_COMPLETE, "waiting-complete", true,
       "The target is in sync and follows every write; the switch-over waits for your word.",
       "ecmigratectl complete JOB, when you want to switch over.")
REASON(WAITING_BACKOFF, "waiting-backoff", true,
       "The last attempt failed; the next one comes after a pause.",
       "Nothing, or ecmigratectl abort JOB.")
REASON(WAITING_NODE, "waiting-node", true, "The step goes on as soon as a node answers.",
       "Bring the node back.")
REASON(LINK_DOWN, "link-down", true,
       "The link between target and source is down. The target reconnects by itself.",
       "If it lasts: check the source and the network between the two. The job waits.")
REASON(
    TILT, "tilt", true,
    "The clock stepped, or the daemon stood still for a while. It watches, and acts again when things look steady.",
    "Nothing, unless it repeats: then look at the load and the clock of the daemon's host.")
REASON(
    STORE_HELD, "store-held", true,
    "The state directory does not take writes, so nothing new is begun; existing replication goes on untouched.",
    "Make room on, or repair, the file system of the state directory. The daemon goes on by itself.")

/* The gate before the cutover */
REASON(GATE_LAG, "gate-lag", true, "The target trails the source by more than cutover.max_lag.",
       "Wait for a quieter moment, or raise cutover.max_lag.")
REASON(
    GATE_HISTORY, "gate-history", true,
    "Source and target do not report the same replication history.",
    "Wait for the resynchronisation that is under way; if it stays, look at both servers' INFO replication.")
REASON(
    LINK_SILENT, "link-silent", true,
    "The link counts as up, but the target has heard nothing from the source for more than 15 s.",
    "Look at the network between the two nodes; it goes on by itself when the target hears from the source. If repl-ping-replica-period of the source is above 10, set it to 10.")

/* The cutover */
REASON(
    DRAIN_TIMEOUT, "drain-timeout", true,
    "The target did not apply the last bytes within half of cutover.pause; writes were resumed at the source.",
    "Wait for a quieter moment, or raise cutover.pause; then: ecmigratectl complete JOB.")
REASON(
    FREEZE_FAILED, "freeze-failed", true,
    "The source's writes could not be paused, or a node was lost during the pause; writes go on at the source.",
    "See the message for what was refused or lost; then: ecmigratectl complete JOB.")
REASON(
    SLIPPED, "slipped", true,
    "The source took writes after the target had been measured; it was made the primary again, nothing was lost.",
    "Nothing if an attempt is left; otherwise: ecmigratectl complete JOB.")
REASON(
    SOURCE_WRITABLE, "source-writable", false,
    "The source would go on taking writes as a replica (replica-read-only no), and they would be lost. It is the primary again, nothing was switched, and the target copies its data anew.",
    "Find out what sets replica-read-only to no at the source, and stop that; then: ecmigratectl complete JOB.")
REASON(RESTARTED, "restarted", true,
       "The daemon was restarted during the switch-over, before its point of no return.",
       "Nothing: the switch-over is tried again.")
REASON(CUTOVER_GIVEN_UP, "cutover-given-up", true,
       "All cutover.attempts were used up. The target still follows the source.",
       "See the events for the reason of each attempt; then: ecmigratectl complete JOB.")
REASON(LAPSED, "lapsed", true,
       "The switch-over was asked for within a certain time, and could not begin in it.",
       "See the events for what held it back; then: ecmigratectl complete JOB.")
REASON(
    DIVERGED, "diverged", false, "Both nodes are primaries and both may have taken writes.",
    "Decide which one is right. Make the other one its replica by hand (REPLICAOF), then: ecmigratectl retry JOB. Or: ecmigratectl abort JOB, which leaves both as they are.")
REASON(
    UNDECIDED, "undecided", false,
    "In the middle of the switch-over a node stopped answering, and what it did last is not known.",
    "Bring the node back, then: ecmigratectl retry JOB. If the source is gone for good: ecmigratectl complete JOB --force makes the target the primary.")
REASON(SOURCE_NOT_FENCED, "source-not-fenced", true,
       "The target was made the primary by force while the old source could not be reached.",
       "When the old source comes back it takes writes again: keep the clients away from it.")
REASON(
    OLD_SOURCE_IS_PRIMARY, "old-source-is-primary", true,
    "The old source is a primary again: somebody made it one, or it was restarted and its own configuration did. What is written there never comes to the target.",
    "Keep the clients away from it. To have it follow the target again, which deletes what it has taken since: REPLICAOF with the target's host and port, at the old source; and the same in its configuration file.")

REASON(
    SOURCE_RESTARTED, "source-restarted", true,
    "The source's process was restarted while the target followed it. A source that keeps its data on disk comes back with them, as they were when it last saved, and all of it is copied anew.",
    "Find out who restarted it, and whether what was written since its last save is missing there.")
REASON(
    PRIMARY_DEMOTED, "primary-demoted", true,
    "The new primary is a replica now, and not by our doing: somebody has taken its role (FAILOVER, Sentinel, an operator). Writers that go there are refused.",
    "Find out who is the primary now, and point the applications there. If Sentinel did it, look at its configuration: it may still know the old pair.")
REASON(
    SENTINEL_NOT_TOLD, "sentinel-not-told", true,
    "The target has taken over, and not all Sentinels of the job file name it yet: clients that ask them are sent to the old source.",
    "It is tried again by itself. By hand, at one Sentinel that lists the target: redis-cli -h HOST -p PORT SENTINEL FAILOVER NAME. Where none does: at each of them SENTINEL REMOVE NAME, and only when it is gone from all of them, at each: SENTINEL MONITOR NAME with the target's address and the quorum that it had, then SENTINEL SET NAME for down-after-milliseconds, auth-user, auth-pass and what else it had.")

REASON(
    SENTINEL_ASTRAY, "sentinel-astray", true,
    "A Sentinel of the job file names another primary than it should, and sends clients there.",
    "Find out who made it: ecmigratectl status JOB says which Sentinel, and whom it names. Before the switch-over it must name the source, after it the target.")

REASON(
    SENTINEL_NOT_RESET, "sentinel-not-reset", true,
    "The target was given up and is a primary again, and a Sentinel may still take it for a replica of the source: it would make it one again, and what the target holds would be lost.",
    "Run the line that the message has, at that Sentinel. The job does it by itself as soon as the Sentinel answers.")

REASON(
    REVERSE_ERRORS, "reverse-errors", true,
    "The old source follows the new primary, and drops writes that it does not know, or cannot apply. It is no whole copy any more: the way back would lose these writes.",
    "If you need the way back, do not rely on it: copy the new primary to a server of its own version. See INFO errorstats at the old source.")
REASON(
    REPLICA_LEFT_BEHIND, "replica-left-behind", true,
    "A replica of the old source cannot be pointed to the new primary, or was not: it cannot be reached, does not let the daemon do it, or somebody else has changed it. It goes on with whatever it follows, or hangs.",
    "ecmigratectl status JOB says of each replica where it is and why, with a line to paste where one helps. One that has writes of its own must be decided about: REPLICAOF would delete them.")
REASON(
    PRIMARY_EVICTS, "primary-evicts", true,
    "The new primary is at its maxmemory and deletes keys to stay below it; the old source loses the same ones.",
    "Raise maxmemory at the new primary: CONFIG SET maxmemory.")

/* The end */
REASON(
    ABORTED, "aborted", false,
    "The operator ended the migration. What had been copied is still on the target, and no longer kept up to date.",
    "To begin anew: empty the target, then: ecmigratectl retry JOB. Or set allow_flush: true under target: in the job file; that starts it anew, or else: ecmigratectl start JOB.")
REASON(
    NOTHING_RESTORED_YET, "restore-owed", true,
    "A node could not be reached to restore what was changed on it; it is restored as soon as the node answers.",
    "Bring the node back.")
REASON(INTERNAL, "internal", false,
       "The daemon met a situation its tables do not know. It stopped acting on this job.",
       "Please report it, with the events of the job: ecmigratectl events JOB -o json.")
