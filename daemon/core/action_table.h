/* SPDX-License-Identifier: Apache-2.0 */
/* ACTION(ID, name, what it does): included by action.h and action.c. Its commands: node/actions.c. */
ACTION(PREPARE, prepare, "record and set what the replication needs on both nodes")
ACTION(ATTACH, attach, "target: REPLICAOF source")
ACTION(DETACH, detach, "target: REPLICAOF NO ONE, because it does not work or is to end")
ACTION(PREPARE_CUTOVER, prepare_cutover, "record and set what the write fence and the reverse link need")
ACTION(FREEZE, freeze, "source: pause writes, read the final offset")
ACTION(THAW, thaw, "source: resume writes")
ACTION(DEMOTE, demote, "source: become a read-only replica of nobody")
ACTION(UNDEMOTE, undemote, "source: be a primary again")
ACTION(PROMOTE, promote, "target: REPLICAOF NO ONE, at the end of the cutover")
ACTION(REVERSE, reverse, "source: follow the target")
ACTION(DRAIN_CLIENTS, drain_clients, "source: CLIENT KILL TYPE normal")
ACTION(RESTORE, restore, "restore recorded settings whose time has come")
