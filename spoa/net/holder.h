#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

/* "haproxy (pid 123)", from /proc; "pid 123" if its name cannot be read. */
void holder_name(pid_t pid, char *out, size_t bytes);

/*
 * Who listens on this TCP address, from /proc. False if that cannot be known (another user's
 * process, no /proc).
 */
bool holder_of_port(const struct sockaddr_storage *address, char *out, size_t bytes);
