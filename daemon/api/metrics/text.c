/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api/metrics/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/base.h"
#include "lib/base/utf8.h"

#define NUMBER_MAX 32
#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

static const char *const types[METRIC_TYPE_MAX] = {
    [METRIC_GAUGE] = "gauge",
    [METRIC_COUNTER] = "counter",
    [METRIC_HISTOGRAM] = "histogram",
};

static void put(const struct exposition *out, const char *text)
{
    out->append(text, strlen(text), out->arg);
}

/* 15 digits: a time in milliseconds is exact, and 0.1 is not 0.10000000000000001. */
static const char *number(double value, char buf[NUMBER_MAX])
{
    if (isinf(value))
        return value > 0 ? "+Inf" : "-Inf";
    if (fabs(value) < 1e15 && value == (double)(long long)value)
        snprintf(buf, NUMBER_MAX, "%lld", (long long)value); /* nearly all are, and it is faster */
    else
        snprintf(buf, NUMBER_MAX, "%.15g", value);
    return buf;
}

static bool is_special(char c)
{
    return c == '\\' || c == '"' || c == '\n';
}

/* A label's value may come from a job file: it must neither end its line nor be malformed. */
static void put_escaped(const struct exposition *out, const char *text)
{
    while (*text) {
        size_t plain = 0;
        uint32_t code;
        unsigned len;

        while ((len = utf8_char(text + plain, &code)) > 0 && !is_special(text[plain]))
            plain += len;
        out->append(text, plain, out->arg);
        text += plain;
        if (!*text)
            return;
        put(out, *text == '\\'   ? "\\\\"
                 : *text == '"'  ? "\\\""
                 : *text == '\n' ? "\\n"
                                 : REPLACEMENT);
        text++;
    }
}

static void put_label(const struct exposition *out, unsigned i, const char *name, const char *value)
{
    put(out, i == 0 ? "{" : ",");
    put(out, name);
    put(out, "=\"");
    put_escaped(out, value);
    put(out, "\"");
}

static void put_value(const struct exposition *out, double value)
{
    char buf[NUMBER_MAX];

    put(out, " ");
    put(out, number(value, buf));
    put(out, "\n");
}

void expose_head(const struct exposition *out, const struct metric *metric)
{
    put(out, "# HELP ");
    put(out, metric->name);
    put(out, " ");
    put(out, metric->help);
    put(out, "\n# TYPE ");
    put(out, metric->name);
    put(out, " ");
    put(out, types[metric->type]);
    put(out, "\n");
}

void expose_sample(const struct exposition *out, const struct metric *metric,
                   const char *const *values, double value)
{
    unsigned n = 0;

    if (isnan(value))
        return;
    put(out, metric->name);
    for (; n < METRIC_LABELS_MAX && metric->labels[n]; n++)
        put_label(out, n, metric->labels[n], values[n]);
    if (n > 0)
        put(out, "}");
    put_value(out, value);
}

void expose_histogram(const struct exposition *out, const struct metric *metric,
                      const struct histogram *h)
{
    uint64_t up_to = 0;
    char buf[NUMBER_MAX];

    for (unsigned i = 0; i <= h->n; i++) {
        up_to += h->counts[i];
        put(out, metric->name);
        put(out, "_bucket");
        put_label(out, 0, "le", number(i < h->n ? h->bounds[i] : INFINITY, buf));
        put(out, "}");
        put_value(out, (double)up_to);
    }
    put(out, metric->name);
    put(out, "_sum");
    put_value(out, h->sum);
    put(out, metric->name);
    put(out, "_count");
    put_value(out, (double)h->count);
}
