/* SPDX-License-Identifier: Apache-2.0 */
/* ACTION(ID, name, flags, what it does): included by action.h and action.c. Its commands: node/actions.c. */
ACTION(PREPARE, prepare, 0, "record and set what the replication needs on both nodes")
ACTION(ATTACH, attach, A_ROLE, "target: REPLICAOF source")
ACTION(DETACH, detach, A_ROLE, "target: REPLICAOF NO ONE, because it does not work or is to end")
ACTION(PREPARE_CUTOVER, prepare_cutover, 0, "record and set what the write fence and the reverse link need")
ACTION(FREEZE, freeze, 0, "source: pause writes, read the final offset")
ACTION(THAW, thaw, A_RETURNS, "source: resume writes")
ACTION(DEMOTE, demote, A_ROLE, "source: become a read-only replica of nobody")
ACTION(UNDEMOTE, undemote, A_ROLE | A_RETURNS, "source: be a primary again")
ACTION(PROMOTE, promote, A_ROLE, "target: REPLICAOF NO ONE, at the end of the cutover")
ACTION(REVERSE, reverse, A_ROLE, "source: follow the target")
ACTION(DRAIN_CLIENTS, drain_clients, 0, "source: CLIENT KILL TYPE normal")
ACTION(RESTORE, restore, 0, "restore recorded settings whose time has come")
