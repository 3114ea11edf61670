/* SPDX-License-Identifier: Apache-2.0 */
/* VERB(ID, name, event of the state machine, what must be there): included by migration.h and verbs.c. */
VERB(CHECK, check, EV_NONE, V_SOURCE)
VERB(START, start, EV_START, V_SOURCE)
VERB(COMPLETE, complete, EV_COMPLETE, 0)
VERB(CANCEL, cancel, EV_CANCEL, 0)
VERB(ABORT, abort, EV_ABORT, V_ANYTIME)
VERB(RETRY, retry, EV_RETRY, V_SOURCE)
