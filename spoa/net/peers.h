#pragma once

#include <stdbool.h>
#include <sys/socket.h>

#include "base/address.h"
#include "base/slice.h"

/* The other end of a connection. */
struct peer {
	struct address address; /* family 0: none, or not known */
	bool local;             /* on a unix socket: whom its mode and group let connect */
};

struct peer peer_of_socket(const struct sockaddr *s); /* NULL: not known */

/* "unix", or the address as inet_ntop writes it. */
size_t peer_format(const struct peer *p, char out[ADDRESS_TEXT_MAX]);

#define PEERS_MAX 32u

/* Peers that are believed. */
struct peers {
	struct prefix prefix[PEERS_MAX];
	unsigned count;
	bool local; /* those on the unix socket, too */
};

/* "unix", addresses and prefixes, commas between: "unix,127.0.0.1,10.8.0.0/24". False with *why. */
bool peers_parse(struct slice s, struct peers *out, const char **why);

bool peers_any(const struct peers *p); /* is anybody in it? */
bool peers_have(const struct peers *p, const struct peer *peer);
