/* SPDX-License-Identifier: Apache-2.0 */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include "lib/sd/journal.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "lib/base/base.h"

/* "phase" -> "ECMIGRATE_PHASE=value" */
static char *field_text(const struct log_field *field)
{
    char *text;

    if (strcmp(field->key, "message_id") == 0)
        return xasprintf("MESSAGE_ID=%s", field->value);
    text = xasprintf("ECMIGRATE_%s=%s", field->key, field->value);
    for (char *p = text; *p != '='; p++)
        *p = (char)toupper((unsigned char)*p);
    return text;
}

static void write_journal(const struct log_sink *sink, const struct log_record *record)
{
    static const int priorities[LEVEL_MAX] = {LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERR};
    struct iovec iov[LOG_FIELDS_MAX + 2];
    int n = 0, r;

    (void)sink;
    iov[n++].iov_base = xasprintf("MESSAGE=%s", record->message);
    iov[n++].iov_base = xasprintf("PRIORITY=%d", priorities[record->level]);
    for (size_t i = 0; i < record->n_fields; i++)
        iov[n++].iov_base = field_text(&record->fields[i]);
    for (int i = 0; i < n; i++)
        iov[i].iov_len = strlen(iov[i].iov_base);
    r = sd_journal_sendv(iov, n);
    for (int i = 0; i < n; i++)
        free(iov[i].iov_base);
    if (r < 0)
        log_sink_text.write(&log_sink_text, record);
}

const struct log_sink log_sink_journal = {.write = write_journal};

bool journal_is_stderr(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    uintmax_t dev, ino;
    struct stat st;

    return stream && sscanf(stream, "%ju:%ju", &dev, &ino) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
           st.st_dev == dev && st.st_ino == ino;
}
