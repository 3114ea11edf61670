/* SPDX-License-Identifier: Apache-2.0 */
/* PHASE(ID, name, state, flags, meaning, next step): included by fsm.h, fsm.c, phase.h and decide.c. What a phase
 * decides is in phase_<name>.c. next step: what ends the phase, or what the operator can do. */
PHASE(IDLE, idle, STATE_PENDING, F_RESPEC,
      "registered; waits for a start",
      "ecmigratectl start JOB")
PHASE(QUEUED, queued, STATE_PENDING, F_ABORTABLE | F_RESPEC,
      "waits for a free slot (limits on parallel full syncs)",
      "goes on by itself when another synchronisation has finished")
PHASE(CHECKING, checking, STATE_PENDING, F_ABORTABLE | F_RESPEC | F_SLOT | F_OBSERVE | F_SURVEY,
      "pre-checks run; nothing has been changed on any node",
      "goes on by itself when both nodes have answered")
PHASE(ATTACHING, attaching, STATE_MIGRATING, F_ABORTABLE | F_SLOT | F_OBSERVE | F_EXPECT,
      "the target is told to follow the source; waiting to see the link",
      "goes on by itself when the link comes up, fails after attach.timeout")
PHASE(BACKOFF, backoff, STATE_MIGRATING, F_ABORTABLE | F_OBSERVE,
      "an attempt failed; waiting for the next",
      "the next attempt comes by itself; ecmigratectl abort JOB ends it now")
PHASE(SYNCING, syncing, STATE_MIGRATING, F_ABORTABLE | F_SLOT | F_OBSERVE,
      "the full synchronisation is under way",
      "goes on by itself when the target holds the data set")
PHASE(REPLICATING, replicating, STATE_MIGRATING, F_ABORTABLE | F_OBSERVE,
      "link up; the target follows every write",
      "ecmigratectl complete JOB switches over")
PHASE(FREEZING, freezing, STATE_MIGRATING, F_ABORTABLE | F_OBSERVE | F_PAUSE,
      "the source's writes are paused while the target takes the last bytes",
      "switches over, or gives up within half of cutover.pause")
PHASE(SWITCHING, switching, STATE_MIGRATING, F_OBSERVE | F_PAUSE,
      "the old source is demoted, the target promoted",
      "goes on by itself; waits for a node that does not answer")
PHASE(ROLLING_BACK, rolling_back, STATE_MIGRATING, F_OBSERVE | F_EXPECT,
      "the target is promoted back, changed settings are restored",
      "goes on by itself; waits for a node that does not answer")
PHASE(COMPLETED, completed, STATE_AVAILABLE, F_ENDED | F_OBSERVE,
      "the target is the primary; the old source follows it",
      "point what still uses the old source to the target; the way back is a job with source and target exchanged")
PHASE(FAILED, failed, STATE_FAILED, F_ENDED | F_RESPEC | F_OBSERVE,
      "rolled back, with a reason; the target is a primary",
      "ecmigratectl explain CODE, then ecmigratectl retry JOB")
PHASE(HALTED, halted, STATE_FAILED, F_ABORTABLE | F_OBSERVE,
      "only a human can decide; both nodes are left as they are",
      "decide, then ecmigratectl retry JOB, abort JOB, or complete JOB --force")
