#pragma once

#include "policy/dns_view.h"

/*
 * Forward-confirmed reverse DNS: an address is who its PTR says if that very name has the address
 * (RFC 1912, 2.1). A name that is wanted must itself confirm, in binary: whoever owns a reverse
 * zone can write a crawler's name beside his own.
 */
enum fcrdns {
	FCRDNS_VERIFIED,
	FCRDNS_NAMELESS, /* there is no PTR */
	FCRDNS_REFUTED,  /* there are names, but none that is wanted has the address */
	FCRDNS_UNKNOWN,  /* not yet */
	FCRDNS_FAILED,   /* nobody could say, and it may yet be true */
};

#define FCRDNS_NAMES_MAX 8u /* of the wanted ones; more are not looked at */

/* wanted NULL: any name. */
enum fcrdns fcrdns_check(dns_look *look, void *context, const struct address *a,
    bool (*wanted)(void *arg, struct slice name), void *arg);
