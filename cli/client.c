/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

struct client {
    char *socket_path; /* owned */
    char *hint;        /* owned; of the last failure */
    long timeout_ms;   /* of one request */
};

struct answer {
    char *data; /* owned */
    size_t size;
};

int client_new(const char *socket_path, struct client **ret, struct err *err)
{
    size_t room = sizeof(((struct sockaddr_un *)0)->sun_path);
    struct client *client;

    if (strlen(socket_path) >= room)
        return err_set(err, ERR_INVALID, "the path of a socket has at most %zu bytes", room - 1);
    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        return err_set(err, ERR_IO, "libcurl cannot be used");
    client = xcalloc(1, sizeof(*client));
    client->socket_path = xstrdup(socket_path);
    client->timeout_ms = CLIENT_TIMEOUT_MS;
    *ret = client;
    return 0;
}

void client_free(struct client *client)
{
    if (!client)
        return;
    free(client->hint);
    free(client->socket_path);
    free(client);
    curl_global_cleanup();
}

void client_set_timeout(struct client *client, unsigned timeout_ms)
{
    client->timeout_ms = (long)timeout_ms;
}

const char *client_socket(const struct client *client)
{
    return client->socket_path;
}

const char *client_hint(const struct client *client)
{
    return client->hint;
}

static void set_hint(struct client *client, char *hint)
{
    free(client->hint);
    client->hint = hint;
}

char *client_path(const char *prefix, const char *job, const char *suffix)
{
    char *escaped = curl_easy_escape(NULL, job, 0);
    char *path;

    if (!escaped)
        abort();
    path = xasprintf("%s%s%s", prefix, escaped, suffix);
    curl_free(escaped);
    return path;
}

CURL *client_handle(const struct client *client, const char *path)
{
    cleanup(freep) char *url = xasprintf("http://localhost%s", path);
    CURL *handle = curl_easy_init();

    if (!handle)
        abort();
    curl_easy_setopt(handle, CURLOPT_UNIX_SOCKET_PATH, client->socket_path);
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L); /* a job named ".." stays a name */
    curl_easy_setopt(handle, CURLOPT_PROXY, "");      /* whatever http_proxy says */
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    return handle;
}

/* Which group opens the socket; its directory may hide that from us. */
static char *denied_hint(const struct client *client)
{
    const struct group *group;
    struct stat st;

    if (stat(client->socket_path, &st) || st.st_gid == 0)
        return xstrdup("members of the group 'ecmigrate' may use it: sudo usermod -aG ecmigrate "
                       "$USER, then log in again; or use sudo");
    group = getgrgid(st.st_gid);
    if (!group)
        return xasprintf("members of the group with the number %u may use it; or use sudo",
                         (unsigned)st.st_gid);
    return xasprintf("members of the group '%s' may use it: sudo usermod -aG %s $USER, then log in "
                     "again; or use sudo",
                     group->gr_name, group->gr_name);
}

/* There was no HTTP answer. */
static int transport_failure(struct client *client, CURL *handle, CURLcode code, struct err *err)
{
    long errnum = 0;

    curl_easy_getinfo(handle, CURLINFO_OS_ERRNO, &errnum);
    set_hint(client, xstrdup("is the daemon running? systemctl status ecmigrated"));
    if (code == CURLE_COULDNT_CONNECT && (errnum == EACCES || errnum == EPERM)) {
        set_hint(client, denied_hint(client));
        return err_set(err, ERR_DENIED, "no permission to use the control socket '%.120s'",
                       client->socket_path);
    }
    if (code == CURLE_COULDNT_CONNECT)
        return err_set(err, ERR_UNREACHABLE, "no daemon on the control socket '%.120s': %s",
                       client->socket_path, errnum ? strerror((int)errnum) : "cannot connect");
    if (code == CURLE_OPERATION_TIMEDOUT)
        return err_set(err, ERR_UNREACHABLE,
                       "the daemon on '%.120s' does not answer (waited %ld s)", client->socket_path,
                       client->timeout_ms / 1000);
    if (code == CURLE_WRITE_ERROR || code == CURLE_FILESIZE_EXCEEDED)
        return err_set(err, ERR_PROTOCOL, "the answer from '%.120s' is larger than %u MiB",
                       client->socket_path, CLIENT_ANSWER_MAX >> 20);
    if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_WEIRD_SERVER_REPLY)
        return err_set(err, ERR_PROTOCOL, "what answers on '%.120s' does not speak HTTP",
                       client->socket_path);
    return err_set(err, ERR_UNREACHABLE, "connection to the daemon on '%.120s' lost: %s",
                   client->socket_path, curl_easy_strerror(code));
}

int client_failure(struct client *client, CURL *handle, CURLcode code, const char *body,
                   size_t size, struct err *err)
{
    const char *code_name = "", *message = NULL, *hint = NULL;
    json_t *answer;
    long status = 0;

    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK)
        return transport_failure(client, handle, code, err);
    answer = json_loadb(body ? body : "", size, 0, NULL);
    (void)json_unpack(answer, "{s:{s:s, s:s, s?s}}", "error", "code", &code_name, "message",
                      &message, "hint", &hint);
    set_hint(client, xstrdup(hint));
    if (message)
        err_set(err, strcmp(code_name, "no-such-job") == 0 ? ERR_NOT_FOUND : ERR_REPLY, "%s",
                message);
    else
        err_set(err, ERR_PROTOCOL, "the daemon on '%.120s' answered with HTTP status %ld",
                client->socket_path, status);
    json_decref(answer);
    return (int)err->code;
}

static size_t receive(char *data, size_t size, size_t n, void *arg)
{
    struct answer *answer = arg;

    if (n > CLIENT_ANSWER_MAX - answer->size)
        return 0;
    answer->data = xrealloc(answer->data, answer->size + n + 1, size);
    memcpy(answer->data + answer->size, data, n);
    answer->size += n;
    return n;
}

static int perform(struct client *client, CURL *handle, json_t **ret, struct err *err)
{
    cleanup(freep) char *data = NULL;
    struct answer answer = {0};
    json_error_t where;
    json_t *value;
    CURLcode code;
    long status = 0;

    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, client->timeout_ms);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &answer);
    code = curl_easy_perform(handle);
    data = answer.data;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK || (status != 200 && status != 202))
        return client_failure(client, handle, code, answer.data, answer.size, err);
    value = json_loadb(data ? data : "", answer.size, JSON_ALLOW_NUL, &where);
    if (!json_is_object(value)) {
        json_decref(value);
        set_hint(client, NULL);
        return err_set(err, ERR_PROTOCOL, "the answer from '%.120s' is no JSON object",
                       client->socket_path);
    }
    set_hint(client, NULL);
    *ret = value;
    return 0;
}

int client_get(struct client *client, const char *path, json_t **ret, struct err *err)
{
    CURL *handle = client_handle(client, path);
    int r = perform(client, handle, ret, err);

    curl_easy_cleanup(handle);
    return r;
}

int client_post(struct client *client, const char *path, const json_t *body, json_t **ret,
                struct err *err)
{
    CURL *handle = client_handle(client, path);
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    char *text = body ? json_dumps(body, JSON_COMPACT) : xstrdup("{}");
    int r;

    if (!headers || !text)
        abort();
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, text);
    r = perform(client, handle, ret, err);
    curl_easy_cleanup(handle);
    curl_slist_free_all(headers);
    free(text);
    return r;
}
