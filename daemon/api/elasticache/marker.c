/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hexadecimal digits of: four bytes of a checksum, the kind of list, the place in it. The checksum
 * keeps what was made up or cut off from meaning something; it is no secret, a marker grants
 * nothing.
 */
#include "daemon/api/elasticache/marker.h"

#include <stdio.h>

#define SUM_LEN 4

/* FNV-1a */
static uint32_t checksum(const uint8_t *data, size_t len)
{
    uint32_t sum = 2166136261u;

    for (size_t i = 0; i < len; i++)
        sum = (sum ^ data[i]) * 16777619u;
    return sum;
}

static void put_checksum(uint8_t *bytes, size_t len)
{
    uint32_t sum = checksum(bytes + SUM_LEN, len - SUM_LEN);

    for (int i = 0; i < SUM_LEN; i++)
        bytes[i] = (uint8_t)(sum >> (8 * i));
}

const char *marker_write(char kind, const char *place, char buf[MARKER_MAX])
{
    uint8_t bytes[SUM_LEN + 1 + MARKER_TEXT_MAX];
    size_t place_len = strlen(place), len = SUM_LEN + 1 + place_len;

    assert(place_len < MARKER_TEXT_MAX);
    bytes[SUM_LEN] = (uint8_t)kind;
    memcpy(bytes + SUM_LEN + 1, place, place_len + 1);
    put_checksum(bytes, len);
    for (size_t i = 0; i < len; i++)
        snprintf(buf + 2 * i, 3, "%02x", bytes[i]);
    return buf;
}

/* Returns how many bytes there are; 0: they are none of ours. */
static size_t decode(const char *text, uint8_t *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    size_t len = strlen(text);

    if (len % 2 != 0 || len / 2 > size || text[strspn(text, digits)])
        return 0;
    for (size_t i = 0; i < len / 2; i++)
        bytes[i] = (uint8_t)((strchr(digits, text[2 * i]) - digits) << 4 |
                             (strchr(digits, text[2 * i + 1]) - digits));
    return len / 2;
}

int marker_read(char kind, const char *marker, char ret_place[MARKER_TEXT_MAX], struct err *err)
{
    uint8_t bytes[SUM_LEN + MARKER_TEXT_MAX], sum[SUM_LEN];
    size_t len = decode(marker, bytes, sizeof(bytes));

    if (len > SUM_LEN) {
        memcpy(sum, bytes, SUM_LEN);
        put_checksum(bytes, len);
    }
    if (len <= SUM_LEN || memcmp(sum, bytes, SUM_LEN) != 0 || bytes[SUM_LEN] != (uint8_t)kind ||
        memchr(bytes + SUM_LEN, '\0', len - SUM_LEN))
        return err_set(err, ERR_INVALID, "'%.40s' is no marker of this list", marker);
    memcpy(ret_place, bytes + SUM_LEN + 1, len - SUM_LEN - 1);
    ret_place[len - SUM_LEN - 1] = '\0';
    return 0;
}
