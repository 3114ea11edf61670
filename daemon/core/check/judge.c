/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/check/judge.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/base/base.h"

enum check_severity judge(const struct check_case *c, enum check_severity severity, const char *fmt,
                          ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(c->ret->message, sizeof(c->ret->message), fmt, ap);
    va_end(ap);
    return severity;
}

void judge_value(const struct check_case *c, enum node_side side, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(c->ret->value[side], sizeof(c->ret->value[side]), fmt, ap);
    va_end(ap);
}

const char *judge_word(const char *text, char word[CHECK_REMEDY_MAX])
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "-_.:@%+,/";
    size_t n = 0;

    if (text[0] && text[strspn(text, plain)] == '\0')
        return text;
    word[n++] = '\'';
    for (; *text && n + 6 < CHECK_REMEDY_MAX; text++) {
        if (*text == '\'') {
            memcpy(word + n, "'\\'", 3);
            n += 3;
        }
        word[n++] = *text;
    }
    word[n++] = '\'';
    word[n] = '\0';
    return word;
}

/* How redis-cli gets at a node that speaks TLS, with a blank behind it. */
static void tls_words(const struct spec_tls *tls, char ret[CHECK_REMEDY_MAX])
{
    const struct tls_settings *s = &tls->settings;
    const struct {
        const char *option, *value;
    } options[] = {{"--cacert", s->ca_file},
                   {"--cert", s->cert_file},
                   {"--key", s->key_file},
                   {"--sni", s->server_name}};
    char word[CHECK_REMEDY_MAX];
    size_t used = 0;

    ret[0] = '\0';
    if (!tls->enabled)
        return;
    used += (size_t)snprintf(ret, CHECK_REMEDY_MAX, "--tls %s",
                             s->verify == TLS_VERIFY_NONE ? "--insecure " : "");
    for (size_t i = 0; i < array_len(options) && used < CHECK_REMEDY_MAX; i++)
        if (options[i].value)
            used += (size_t)snprintf(ret + used, CHECK_REMEDY_MAX - used, "%s %s ",
                                     options[i].option, judge_word(options[i].value, word));
}

/* Half a line is worse than none: it is left out when there is no room. */
void judge_remedy(const struct check_case *c, enum node_side side, const char *fmt, ...)
{
    const struct endpoint *const endpoints[SIDE_MAX] = {[SIDE_SOURCE] = &c->run->source,
                                                        [SIDE_TARGET] = &c->spec->target.endpoint,
                                                        [SIDE_PRIMARY] = &c->seen->primary};
    const struct spec_tls *const settings[SIDE_MAX] = {[SIDE_SOURCE] = &c->spec->source.tls,
                                                       [SIDE_TARGET] = &c->spec->target.tls,
                                                       [SIDE_PRIMARY] = spec_primary_tls(c->spec)};
    const struct endpoint *at = endpoints[side];
    size_t used = strlen(c->ret->remedy), room = sizeof(c->ret->remedy) - used;
    char line[CHECK_REMEDY_MAX], tls[CHECK_REMEDY_MAX];
    va_list ap;
    int n;

    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    tls_words(settings[side], tls);
    n = snprintf(c->ret->remedy + used, room, "%sredis-cli -h %s -p %u %s%s", used ? "\n" : "",
                 at->host, at->port, tls, line);
    if (n < 0 || (size_t)n >= room)
        c->ret->remedy[used] = '\0';
}

const struct facts *judge_facts(const struct check_case *c, enum node_side side)
{
    return side == SIDE_TARGET   ? c->target_facts
           : side == SIDE_SOURCE ? c->source_facts
                                 : c->writer_facts;
}
