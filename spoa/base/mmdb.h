#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"

/*
 * The one door to libmaxminddb: which country and which network (autonomous system) an address
 * belongs to, from a local MMDB file. The file is mapped when it is opened; lookups allocate
 * nothing and may run in any number of threads. A file that is replaced by rename does no harm.
 */
struct mmdb;

/* NULL with *why, which needs no freeing. A regular file only. */
struct mmdb *mmdb_open(const char *file, const char **why);
void mmdb_close(struct mmdb *m); /* NULL is legal */

/*
 * Two capital letters, from country.iso_code, country_code or country (or registered_country's
 * iso_code where there is no country). False: not known, or a circuit.
 */
bool mmdb_country(const struct mmdb *m, const struct address *a, char out[2]);

/* From autonomous_system_number, or asn as a number or "AS64500"; 0: not known. */
uint32_t mmdb_asn(const struct mmdb *m, const struct address *a);
