/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A job as the API shows it. Every member is always there; what does not apply is null. Pure. */
#include <jansson.h>

#include "daemon/migration/migration.h"

json_t *view_job(const struct migration_view *view);
/* … as one of a list: checks.results is null. It is half of a job's text, and the same for most. */
json_t *view_job_brief(const struct migration_view *view);

/* text with JOB, where it stands for a job's id, replaced by id; to be freed. */
char *view_sentence(const char *text, const char *id);
