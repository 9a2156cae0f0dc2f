#pragma once

#include "base/slice.h"

#define HOST_MAX 255u

/*
 * The host of a request as it is sealed and compared: lower case, without port and final dot,
 * brackets of an IPv6 literal kept. Writes at most HOST_MAX bytes to `store`, which the result
 * borrows.
 */
struct slice host_normal(struct slice host, char store[HOST_MAX]);
