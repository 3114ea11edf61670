/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api/elasticache/fault.h"

#include <stdarg.h>
#include <stdio.h>

#include "daemon/api/elasticache/answer.h"

#define MESSAGE_MAX 512
#define BY_SENDER "Sender"
#define BY_RECEIVER "Receiver"

static const struct row {
    const char *code;
    unsigned status;
    const char *type; /* who is to blame */
} rows[FAULT_MAX] = {
    [FAULT_GROUP_NOT_FOUND] = {"ReplicationGroupNotFoundFault", 404, BY_SENDER},
    [FAULT_GROUP_STATE] = {"InvalidReplicationGroupState", 400, BY_SENDER},
    [FAULT_ALREADY_UNDER_MIGRATION] = {"ReplicationGroupAlreadyUnderMigrationFault", 400,
                                       BY_SENDER},
    [FAULT_NOT_UNDER_MIGRATION] = {"ReplicationGroupNotUnderMigrationFault", 400, BY_SENDER},
    [FAULT_PARAMETER_VALUE] = {"InvalidParameterValue", 400, BY_SENDER},
    [FAULT_PARAMETER_COMBINATION] = {"InvalidParameterCombination", 400, BY_SENDER},
    [FAULT_MISSING_PARAMETER] = {"MissingParameter", 400, BY_SENDER},
    [FAULT_MISSING_ACTION] = {"MissingAction", 400, BY_SENDER},
    [FAULT_INVALID_ACTION] = {"InvalidAction", 400, BY_SENDER},
    [FAULT_VERSION] = {"NoSuchVersion", 400, BY_SENDER},
    [FAULT_MALFORMED] = {"MalformedQueryString", 400, BY_SENDER},
    [FAULT_INCOMPLETE_SIGNATURE] = {"IncompleteSignature", 400, BY_SENDER},
    [FAULT_MISSING_TOKEN] = {"MissingAuthenticationToken", 403, BY_SENDER},
    [FAULT_UNKNOWN_KEY] = {"InvalidClientTokenId", 403, BY_SENDER},
    [FAULT_SIGNATURE] = {"SignatureDoesNotMatch", 403, BY_SENDER},
    [FAULT_REQUEST_EXPIRED] = {"RequestExpired", 400, BY_SENDER},
    [FAULT_ACCESS_DENIED] = {"AccessDenied", 403, BY_SENDER},
    [FAULT_UNAVAILABLE] = {"ServiceUnavailable", 503, BY_RECEIVER},
};

void elasticache_respond_fault(struct http_request *request, enum elasticache_fault fault,
                               const char *fmt, ...)
{
    const struct row *row = &rows[fault];
    struct xml xml = {.depth = 0};
    char message[MESSAGE_MAX], id[REQUEST_ID_MAX];
    va_list ap;

    va_start(ap, fmt);
    if (vsnprintf(message, sizeof(message), fmt, ap) < 0)
        message[0] = '\0';
    va_end(ap);
    xml_open(&xml, "ErrorResponse", ELASTICACHE_XMLNS);
    xml_open(&xml, "Error", NULL);
    xml_text(&xml, "Type", row->type);
    xml_text(&xml, "Code", row->code);
    xml_text(&xml, "Message", message);
    xml_close(&xml);
    xml_text(&xml, "RequestId", answer_request_id(request, id));
    xml_close(&xml);
    http_respond_text(request, row->status, "text/xml", xml_finish(&xml));
    xml_deinit(&xml);
}
