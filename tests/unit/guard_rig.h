/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A real server behind the guard, whose handlers tell who asks. */
#include "daemon/api/private.h"
#include "tests/unit/fixture.h"

#define OPERATE_TOKEN "0123456789abcdef-operate"
#define READ_TOKEN "0123456789abcdef-read"
#define KEY_SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

struct guard_rig {
    struct api api;
    struct api_listener *listener;
    char dir[TEMP_DIR_MAX], path[TEMP_DIR_MAX + 8];
    bool closed;
    char *answer; /* the body of the last one; each request frees that of the one before */
};

/* cmocka set-up and tear-down; the listener is one of the loopback, and nothing is configured. */
int guard_rig_setup(void **state);
int guard_rig_teardown(void **state);
struct guard_rig *guard_rig_of(void **state);

/* Writes a file in the rig's directory and returns its path, for free(). */
char *guard_rig_write(const struct guard_rig *rig, const char *name, const char *text);
/* A key and two tokens. */
void guard_rig_configure(struct guard_rig *rig);

#define HOST "Host: localhost:8600\r\n"
#define BEARER(token) HOST "Authorization: Bearer " token "\r\n"
#define EMPTY "Content-Length: 0\r\n"
/* By no key of ours. */
#define ANY_CREDENTIAL "Credential=anything/20150830/us-east-1/any/aws4_request"
#define ANY_SIGNATURE                                                                              \
    HOST EMPTY "X-Amz-Date: 20150830T123600Z\r\n"                                                  \
               "Authorization: AWS4-HMAC-SHA256 " ANY_CREDENTIAL                                   \
               ", SignedHeaders=host;x-amz-date, Signature="                                       \
               "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b\r\n"

/* line: request line without version; headers with their line ends. Expects the status, and part in
 * the body. */
void expect_access(struct guard_rig *rig, const char *line, const char *headers, int status,
                   const char *part);
