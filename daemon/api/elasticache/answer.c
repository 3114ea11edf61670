/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api/elasticache/answer.h"

#include <stdio.h>
#include <uv.h>

const char *answer_request_id(struct http_request *request, char buf[REQUEST_ID_MAX])
{
    uint8_t r[16] = {0};

    /* It only has to tell requests apart in a log: without entropy it is all the same. */
    (void)uv_random(NULL, NULL, r, sizeof(r), 0, NULL);
    r[6] = (uint8_t)((r[6] & 0x0f) | 0x40);
    r[8] = (uint8_t)((r[8] & 0x3f) | 0x80);
    snprintf(buf, REQUEST_ID_MAX,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", r[0], r[1],
             r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13], r[14],
             r[15]);
    http_request_copy_header(request, "x-amzn-RequestId", buf);
    return buf;
}

void answer_begin(struct xml *xml, const char *action)
{
    char name[XML_NAME_MAX];

    snprintf(name, sizeof(name), "%sResponse", action);
    xml_open(xml, name, ELASTICACHE_XMLNS);
    snprintf(name, sizeof(name), "%sResult", action);
    xml_open(xml, name, NULL);
}

void answer_end(struct xml *xml, struct http_request *request)
{
    char id[REQUEST_ID_MAX];

    xml_close(xml);
    xml_open(xml, "ResponseMetadata", NULL);
    xml_text(xml, "RequestId", answer_request_id(request, id));
    xml_close(xml);
    xml_close(xml);
    http_respond_text(request, 200, "text/xml", xml_finish(xml));
    xml_deinit(xml);
}
