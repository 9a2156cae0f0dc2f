#pragma once

#include "policy/expr_value.h"

/*
 * Inside of expr.h: what can be called by name. A row for each way of calling; `takes` and `gives`
 * say kinds by letters: b bool, i int, u uint, d double, s string, l list of strings, L any list,
 * M any map. What stands in front of the dot is the first argument.
 */
struct function {
	const char *name;
	const char *takes;
	char gives;
	uint8_t form; /* FUNCTION_METHOD, FUNCTION_GLOBAL or both */
	uint8_t traits;
	struct value (*run)(struct run *r, const struct value *arg, unsigned args);
};

#define FUNCTION_METHOD 1u
#define FUNCTION_GLOBAL 2u

#define FUNCTION_OF_RULE 1u /* not known in a threshold */
#define FUNCTION_VARIES 2u  /* may not be folded: it asks randInt or the DNS */

#define FUNCTION_ARGS_MAX 4u

extern const struct function expr_functions[];
extern const unsigned expr_functions_count;

/* Those of strings (expr_string.c). */
typedef struct value expr_function(struct run *r, const struct value *arg, unsigned args);

expr_function string_contains, string_starts_with, string_ends_with, string_char_at,
    string_index_of, string_last_index_of, string_join, string_split, string_replace,
    string_substring, string_trim, string_lower, string_upper, string_reverse, string_segments,
    string_regex_safe;

/*
 * Those that ask the DNS (expr_dns.c): reverseDNS, lookupHost, verifyFCrDNS. "There is none" is an
 * answer; what nobody knows yet is expr_unknown; that nobody could say is an error, so that neither
 * verifyFCrDNS nor !verifyFCrDNS is true then.
 */
expr_function dns_names, dns_addresses, dns_verify;

/* What regexSafe escapes: `out` has room for 2 bytes each. Returns the length. */
size_t string_escape(struct slice s, char *out);
