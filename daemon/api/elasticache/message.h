/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Our events in the words of the API. Pure. */
#include "daemon/event/event.h"

/* What the API's clients are told of event, to be freed; NULL: nothing. */
char *message_of(const struct event *event);

/* The names of all events that may have a message, as a query of the store takes them. */
#define MESSAGE_NAMES_MAX 512
const char *message_names(char buf[MESSAGE_NAMES_MAX]);
