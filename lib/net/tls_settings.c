/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/net/tls_settings.h"

#include "lib/base/base.h"

void tls_settings_copy(struct tls_settings *to, const struct tls_settings *from)
{
    *to = (struct tls_settings){.ca_file = xstrdup(from->ca_file),
                                .cert_file = xstrdup(from->cert_file),
                                .key_file = xstrdup(from->key_file),
                                .server_name = xstrdup(from->server_name),
                                .verify = from->verify};
}

void tls_settings_clear(struct tls_settings *settings)
{
    free(take(settings->ca_file));
    free(take(settings->cert_file));
    free(take(settings->key_file));
    free(take(settings->server_name));
}

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool tls_settings_same_files(const struct tls_settings *a, const struct tls_settings *b)
{
    return same(a->ca_file, b->ca_file) && same(a->cert_file, b->cert_file) &&
           same(a->key_file, b->key_file);
}

bool tls_settings_equal(const struct tls_settings *a, const struct tls_settings *b)
{
    return tls_settings_same_files(a, b) && same(a->server_name, b->server_name) &&
           a->verify == b->verify;
}
