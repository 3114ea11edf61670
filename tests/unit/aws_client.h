/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A client of the ElastiCache API in tests: forms out, XML in. */
#include "tests/unit/api_box.h"

/* The request that carries body, to be freed. */
char *aws_request(const char *body);

/* Asks, and returns the XML of the answer, to be freed. Fails when the status is another one, or
 * the answer is not in its envelope. */
char *aws_ask_at(uv_loop_t *loop, const char *path, const char *body, int status);
/* … on the rig's socket, for an operation that is carried out. */
char *aws_ask(struct rig *rig, const char *body);

void aws_expect_fault_at(uv_loop_t *loop, const char *path, const char *body, int status,
                         const char *code);
void aws_expect_fault(struct rig *rig, const char *body, int status, const char *code);

/* The text of the first element of that name, to be freed; NULL: there is none. */
char *aws_element(const char *xml, const char *name);
void aws_expect(const char *xml, const char *name, const char *value);
unsigned aws_count(const char *xml, const char *text);
