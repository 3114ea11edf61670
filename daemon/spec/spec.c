/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/spec/spec.h"

#include "daemon/spec/schema.h"
#include "lib/base/secret_file.h"

#define PASSWORD_MAX 4096

void spec_free(struct spec *spec)
{
    if (!spec)
        return;
    schema_clear(&job_schema, spec);
    free(spec->file);
    secret_free(spec->text);
    free(spec);
}

void spec_freep(struct spec **spec)
{
    spec_free(*spec);
}

struct spec *spec_dup(const struct spec *spec)
{
    struct spec *copy = xmalloc(sizeof(*copy));

    *copy = *spec;
    schema_own(&job_schema, copy);
    copy->file = xstrdup(spec->file);
    copy->text = xstrdup(spec->text);
    return copy;
}

int spec_auth_read(const struct spec_auth *auth, char **ret, struct err *err)
{
    cleanup(freep) char *path = NULL;

    if (auth->password) {
        *ret = xstrdup(auth->password);
        return 0;
    }
    if (auth->password_file)
        path = xstrdup(auth->password_file);
    else if (auth->credential && secret_credential_path(auth->credential, &path, err))
        return (int)err->code;
    if (!path) {
        *ret = NULL;
        return 0;
    }
    return secret_file_read(path, PASSWORD_MAX, ret, err);
}

const struct spec_auth *spec_primary_auth(const struct spec *spec)
{
    const struct spec_auth *auth = &spec->source.primary.auth;
    bool given = auth->username || auth->password || auth->password_file || auth->credential;

    return given ? auth : &spec->source.auth;
}

const struct spec_tls *spec_primary_tls(const struct spec *spec)
{
    return spec->source.primary.has_tls ? &spec->source.primary.tls : &spec->source.tls;
}

const struct spec_auth *spec_replication_auth(const struct spec_node *node)
{
    return node->has_replication_user ? &node->replication_user : &node->auth;
}

bool spec_safe_change(const struct spec *a, const struct spec *b)
{
    return !schema_differs(&job_schema, a, b, SCHEMA_SAFE);
}
