/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/net/address.h"

#include <arpa/inet.h>
#include <sys/socket.h>

union address {
    struct sockaddr any;
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
};

bool address_is_loopback(int fd)
{
    union address addr = {.any = {.sa_family = AF_UNSPEC}};
    const struct in6_addr *in6 = &addr.in6.sin6_addr;
    socklen_t len = sizeof(addr);

    if (getsockname(fd, &addr.any, &len))
        return false;
    if (addr.any.sa_family == AF_INET)
        return ntohl(addr.in4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return addr.any.sa_family == AF_INET6 &&
           (IN6_IS_ADDR_LOOPBACK(in6) ||
            (IN6_IS_ADDR_V4MAPPED(in6) && in6->s6_addr[12] == IN_LOOPBACKNET));
}

bool address_of_peer(int fd, char buf[ADDRESS_STR_MAX])
{
    union address addr = {.any = {.sa_family = AF_UNSPEC}};
    socklen_t len = sizeof(addr);

    if (getpeername(fd, &addr.any, &len))
        return false;
    if (addr.any.sa_family == AF_INET6)
        return inet_ntop(AF_INET6, &addr.in6.sin6_addr, buf, ADDRESS_STR_MAX) != NULL;
    return inet_ntop(AF_INET, &addr.in4.sin_addr, buf, ADDRESS_STR_MAX) != NULL;
}
