#include "policy/expr_function.h"

#include "base/address.h"
#include "base/text.h"

static struct value
size(struct run *r, const struct value *arg, unsigned args)
{
	(void)r, (void)args;
	return value_int((int64_t)(arg->kind == KIND_STRING ? string_count(arg->s) : arg->count));
}

static struct value
convert_int(struct run *r, const struct value *arg, unsigned args)
{
	(void)args;
	return value_convert(r, KIND_INT, arg);
}

static struct value
convert_uint(struct run *r, const struct value *arg, unsigned args)
{
	(void)args;
	return value_convert(r, KIND_UINT, arg);
}

static struct value
convert_double(struct run *r, const struct value *arg, unsigned args)
{
	(void)args;
	return value_convert(r, KIND_DOUBLE, arg);
}

static struct value
convert_bool(struct run *r, const struct value *arg, unsigned args)
{
	(void)args;
	return value_convert(r, KIND_BOOL, arg);
}

static struct value
convert_string(struct run *r, const struct value *arg, unsigned args)
{
	(void)args;
	return value_convert(r, KIND_STRING, arg);
}

/* splitmix64: nobody's secret depends on it. */
static uint64_t
random_next(struct expr_store *s)
{
	uint64_t x = s->random += 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static struct value
rand_int(struct run *r, const struct value *arg, unsigned args)
{
	(void)args;
	if (arg->i <= 0)
		return value_error("randInt() needs a number above 0");
	return value_int((int64_t)(random_next(r->store) % (uint64_t)arg->i));
}

static struct value
arpa_reverse_ip(struct run *r, const struct value *arg, unsigned args)
{
	static const char digits[] = "0123456789abcdef";
	struct text t = { run_room(r, 64), 64, 0, false };
	struct address a;

	(void)args;
	if (t.buf == NULL)
		return value_error(expr_too_much);
	if (!address_parse(arg->s, &a))
		return value_error("the string is no IP address");
	for (unsigned i = a.family == 4 ? 4 : 16; i-- > 0;) {
		if (t.len > 0)
			text_byte(&t, '.');
		if (a.family == 4) {
			text_printf(&t, "%u", a.bytes[i]);
			continue;
		}
		text_byte(&t, digits[a.bytes[i] & 15]);
		text_byte(&t, '.');
		text_byte(&t, digits[a.bytes[i] >> 4]);
	}
	return value_string(text_slice(&t));
}

#define METHOD FUNCTION_METHOD
#define GLOBAL FUNCTION_GLOBAL
#define OF_RULE FUNCTION_OF_RULE
#define DNS (FUNCTION_OF_RULE | FUNCTION_VARIES)

const struct function expr_functions[] = {
	{ "contains", "ss", 'b', METHOD, 0, string_contains },
	{ "startsWith", "ss", 'b', METHOD, 0, string_starts_with },
	{ "endsWith", "ss", 'b', METHOD, 0, string_ends_with },
	/* Its regex is looked at when it is loaded: expr_call.c. */
	{ "matches", "ss", 'b', METHOD | GLOBAL, 0, NULL },
	{ "size", "s", 'i', METHOD | GLOBAL, 0, size },
	{ "size", "L", 'i', METHOD | GLOBAL, 0, size },
	{ "size", "M", 'i', METHOD | GLOBAL, 0, size },
	{ "int", "i", 'i', GLOBAL, 0, convert_int },
	{ "int", "u", 'i', GLOBAL, 0, convert_int },
	{ "int", "d", 'i', GLOBAL, 0, convert_int },
	{ "int", "s", 'i', GLOBAL, 0, convert_int },
	{ "uint", "u", 'u', GLOBAL, 0, convert_uint },
	{ "uint", "i", 'u', GLOBAL, 0, convert_uint },
	{ "uint", "d", 'u', GLOBAL, 0, convert_uint },
	{ "uint", "s", 'u', GLOBAL, 0, convert_uint },
	{ "double", "d", 'd', GLOBAL, 0, convert_double },
	{ "double", "i", 'd', GLOBAL, 0, convert_double },
	{ "double", "u", 'd', GLOBAL, 0, convert_double },
	{ "double", "s", 'd', GLOBAL, 0, convert_double },
	{ "bool", "b", 'b', GLOBAL, 0, convert_bool },
	{ "bool", "s", 'b', GLOBAL, 0, convert_bool },
	{ "string", "s", 's', GLOBAL, 0, convert_string },
	{ "string", "i", 's', GLOBAL, 0, convert_string },
	{ "string", "u", 's', GLOBAL, 0, convert_string },
	{ "string", "d", 's', GLOBAL, 0, convert_string },
	{ "string", "b", 's', GLOBAL, 0, convert_string },
	{ "charAt", "si", 's', METHOD, 0, string_char_at },
	{ "indexOf", "ss", 'i', METHOD, 0, string_index_of },
	{ "indexOf", "ssi", 'i', METHOD, 0, string_index_of },
	{ "lastIndexOf", "ss", 'i', METHOD, 0, string_last_index_of },
	{ "lastIndexOf", "ssi", 'i', METHOD, 0, string_last_index_of },
	{ "join", "l", 's', METHOD, 0, string_join },
	{ "join", "ls", 's', METHOD, 0, string_join },
	{ "split", "ss", 'l', METHOD, 0, string_split },
	{ "split", "ssi", 'l', METHOD, 0, string_split },
	{ "replace", "sss", 's', METHOD, 0, string_replace },
	{ "replace", "sssi", 's', METHOD, 0, string_replace },
	{ "substring", "si", 's', METHOD, 0, string_substring },
	{ "substring", "sii", 's', METHOD, 0, string_substring },
	{ "trim", "s", 's', METHOD, 0, string_trim },
	{ "lowerAscii", "s", 's', METHOD, 0, string_lower },
	{ "upperAscii", "s", 's', METHOD, 0, string_upper },
	{ "reverse", "s", 's', METHOD, 0, string_reverse },
	{ "randInt", "i", 'i', GLOBAL, FUNCTION_VARIES, rand_int },
	{ "regexSafe", "s", 's', GLOBAL, OF_RULE, string_regex_safe },
	{ "segments", "s", 'l', GLOBAL, OF_RULE, string_segments },
	{ "arpaReverseIP", "s", 's', GLOBAL, OF_RULE, arpa_reverse_ip },
	{ "lookupHost", "s", 'l', GLOBAL, DNS, dns_addresses },
	{ "reverseDNS", "s", 'l', GLOBAL, DNS, dns_names },
	{ "verifyFCrDNS", "s", 'b', GLOBAL, DNS, dns_verify },
	/* What is constant in these is looked at when it is loaded, too. */
	{ "verifyFCrDNS", "ss", 'b', GLOBAL, DNS, NULL },
	{ "dnsbl", "s", 'b', GLOBAL, DNS, NULL },
	/* Said here for its name; expr_call.c makes !(key in headers) of it. */
	{ "missingHeader", "Ms", 'b', GLOBAL, OF_RULE, NULL },
};

const unsigned expr_functions_count = sizeof(expr_functions) / sizeof(expr_functions[0]);
