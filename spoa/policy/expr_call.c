#include "policy/expr_function.h"
#include "policy/expr_name.h"

#define NAME_SHOWN(s) (int)((s).len < 40 ? (s).len : 40), (s).ptr

static const struct {
	const char *name;
	enum macro what;
} macros[] = {
	{ "all", MACRO_ALL },
	{ "exists", MACRO_EXISTS },
	{ "exists_one", MACRO_EXISTS_ONE },
	{ "filter", MACRO_FILTER },
	{ "map", MACRO_MAP },
};

#define MACROS (sizeof(macros) / sizeof(macros[0]))

static bool
matches_letter(const struct type *t, char letter)
{
	static const char letters[] = "?nbiuds";

	switch (letter) {
	case 'l':
		return t->kind == KIND_LIST &&
		       (t->of->kind == KIND_STRING || t->of->kind == KIND_ANY);
	case 'L':
		return t->kind == KIND_LIST;
	case 'M':
		return t->kind == KIND_MAP;
	default:
		return t->kind <= KIND_STRING && letters[t->kind] == letter;
	}
}

static const struct type *
type_of_letter(char letter)
{
	static const struct type strings = { KIND_LIST, NULL, &expr_types[KIND_STRING] };

	switch (letter) {
	case 'b':
		return &expr_types[KIND_BOOL];
	case 'i':
		return &expr_types[KIND_INT];
	case 'u':
		return &expr_types[KIND_UINT];
	case 'd':
		return &expr_types[KIND_DOUBLE];
	case 'l':
		return &strings;
	default:
		return &expr_types[KIND_STRING];
	}
}

static bool
fits(const struct node *n, const struct function *f)
{
	const struct node *arg = n->first;
	const char *letter = f->takes;

	for (; arg != NULL && *letter != '\0'; arg = arg->next, letter++)
		if (!matches_letter(arg->type, *letter))
			return false;
	return arg == NULL && *letter == '\0';
}

static bool
in_place(const struct compile *c, const struct function *f)
{
	return c->scope->place == EXPR_RULE || (f->traits & FUNCTION_OF_RULE) == 0;
}

static bool
unknown(struct compile *c, const struct node *n)
{
	static const char *const refused[] = { "quote", "format", "timestamp", "duration", "type",
		"dyn", "bytes" };
	const char *names[128], *near;
	unsigned count = 0;
	const unsigned form = n->method ? FUNCTION_METHOD : FUNCTION_GLOBAL;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (slice_equal(n->name, slice_of(refused[i])))
			return expr_wrong(
			    c, n->offset, "%s() of CEL is not supported here", refused[i]);
	for (unsigned i = 0; i < expr_functions_count && count < 127; i++)
		if ((expr_functions[i].form & form) != 0 && in_place(c, &expr_functions[i]))
			names[count++] = expr_functions[i].name;
	for (size_t i = 0; i < MACROS && n->method; i++)
		names[count++] = macros[i].name;
	names[count] = NULL;
	near = expr_nearest(n->name, names);
	if (near != NULL)
		return expr_wrong(c, n->offset, "%s%.*s() is not known: did you mean %s?",
		    n->method ? "." : "", NAME_SHOWN(n->name), near);
	return expr_wrong(c, n->offset, "%s%.*s() is not known here; known are %s",
	    n->method ? "." : "", NAME_SHOWN(n->name),
	    n->method ? "contains startsWith endsWith matches size exists all split join replace …"
	    : c->scope->place == EXPR_RULE
		? "size has missingHeader randInt segments regexSafe matches …"
		: "size randInt int double string …");
}

/* The name is right, but not what it is given. */
static bool
misused(struct compile *c, const struct node *n, const struct function *f, unsigned forms)
{
	char kinds[128] = "";
	struct text t = { kinds, sizeof(kinds) - 1, 0, false };

	if ((forms & (n->method ? FUNCTION_METHOD : FUNCTION_GLOBAL)) == 0)
		return expr_wrong(c, n->offset, "write %s",
		    n->method ? "it as a function: NAME(value)" : "it as a method: value.NAME()");
	for (const char *letter = f->takes; *letter != '\0'; letter++) {
		bool receiver = letter == f->takes && n->method;
		enum kind kind = *letter == 'L' || *letter == 'l' ? KIND_LIST
				 : *letter == 'M'                 ? KIND_MAP
								  : type_of_letter(*letter)->kind;
		static const char *const words[] = { "", "null", "bool", "int", "uint", "double",
			"string", "list", "map" };

		text_printf(&t, "%s%s%s", words[kind], receiver ? "." : "",
		    receiver            ? ""
		    : letter[1] != '\0' ? ", "
					: "");
		if (receiver)
			text_printf(&t, "%s(", f->name);
	}
	kinds[t.len] = '\0';
	if (n->method)
		return expr_wrong(
		    c, n->offset, "%s() is given something else than %s)", f->name, kinds);
	return expr_wrong(
	    c, n->offset, "%s() is given something else than %s(%s)", f->name, f->name, kinds);
}

static bool
regex_wrong(struct compile *c, const struct node *regex, const struct regex_notes *notes)
{
	if (notes->has_offset)
		return expr_wrong(c, regex->offset, "the regex is wrong at its byte %zu: %s",
		    notes->offset, notes->why);
	return expr_wrong(c, regex->offset, "the regex is wrong: %s", notes->why);
}

/* The regex must be known when the policy is loaded. */
static bool
check_matches(struct compile *c, struct node *n)
{
	struct node *text = n->first, *regex = n->last;
	struct regex_notes notes = { 0 };
	bool field = text->kind == NODE_FIELD || text->kind == NODE_HEADER;
	uint32_t id = 0;
	const struct regex *r = NULL;

	n->type = &expr_types[KIND_BOOL];
	if (regex->kind != NODE_CONST)
		return expr_wrong(c, regex->offset, "the regex of matches() must be constant");
	if (regex->value.kind == KIND_ERROR)
		return true; /* it is folded into an error */
	if (field)
		field =
		    c->scope->pattern(c->scope->context, text->what, regex->value.s, &id, &notes);
	else
		r = c->scope->regex(c->scope->context, regex->value.s, &notes);
	if (!field && r == NULL)
		return regex_wrong(c, regex, &notes);
	if (notes.unportable != NULL)
		expr_warn(c, "the regex of matches() is not portable: %s", notes.unportable);
	n->kind = field ? NODE_FIELD_MATCHES : NODE_MATCHES;
	n->what = text->what;
	if (field)
		n->pattern = id;
	else
		n->regex = r;
	return true;
}

/* missingHeader(headers, key) is !(key in headers). */
static bool
check_missing_header(struct compile *c, struct node *n)
{
	struct node *map = n->first, *key = n->last, *in;

	if (n->children != 2 || map->kind != NODE_HEADERS || key->type->kind != KIND_STRING)
		return expr_wrong(c, n->offset,
		    "missingHeader() is given something else than missingHeader(headers, string)");
	in = expr_node(c, NODE_IN, n->offset);
	key->next = map->next = NULL;
	n->kind = NODE_NOT;
	n->first = n->last = NULL;
	n->children = 0;
	n->type = in->type = &expr_types[KIND_BOOL];
	return expr_adopt(c, in, key) && expr_adopt(c, in, map) && expr_check_header(c, in) &&
	       expr_adopt(c, n, in);
}

/* The address stays its only child. */
static bool
check_verify(struct compile *c, struct node *n)
{
	struct node *regex = n->last;
	struct regex_notes notes = { 0 };
	const struct regex *r;

	n->type = &expr_types[KIND_BOOL];
	if (regex->kind != NODE_CONST)
		return expr_wrong(c, regex->offset, "the regex of verifyFCrDNS() must be constant");
	if (regex->value.kind == KIND_ERROR)
		return true; /* it is folded into an error */
	r = c->scope->regex(c->scope->context, regex->value.s, &notes);
	if (r == NULL)
		return regex_wrong(c, regex, &notes);
	if (notes.unportable != NULL)
		expr_warn(c, "the regex of verifyFCrDNS() is not portable: %s", notes.unportable);
	n->kind = NODE_VERIFY;
	n->regex = r;
	n->last = n->first;
	n->first->next = NULL;
	n->children = 1;
	return true;
}

static bool
check_dnsbl(struct compile *c, struct node *n)
{
	const struct node *zone = n->first;
	char room[DNS_NAME_MAX + 1];
	const char *why = "";
	struct slice name;
	int number;

	n->type = &expr_types[KIND_BOOL];
	if (zone->kind != NODE_CONST)
		return expr_wrong(c, zone->offset, "the zone of dnsbl() must be constant");
	if (zone->value.kind == KIND_ERROR)
		return true;
	name = dns_name_normal(zone->value.s, room);
	if (name.len == 0)
		return expr_wrong(c, zone->offset,
		    "the zone of dnsbl() is no name, write it as in \"bl.example.org\"");
	number = c->scope->zone(c->scope->context, name, &why);
	if (number < 0)
		return expr_wrong(c, zone->offset, "the zone of dnsbl(): %s", why);
	n->kind = NODE_LISTED;
	n->pattern = (uint32_t)number;
	n->first = n->last = NULL;
	n->children = 0;
	return true;
}

/* What needs something that is constant. */
static bool
check_special(struct compile *c, struct node *n)
{
	if (slice_equal(n->name, SLICE("matches")))
		return check_matches(c, n);
	if (slice_equal(n->name, SLICE("dnsbl")))
		return check_dnsbl(c, n);
	return check_verify(c, n);
}

bool
expr_check_call(struct compile *c, struct node *n)
{
	const struct function *near = NULL;
	const unsigned form = n->method ? FUNCTION_METHOD : FUNCTION_GLOBAL;
	unsigned forms = 0;

	if (!n->method && slice_equal(n->name, SLICE("missingHeader")) &&
	    c->scope->place == EXPR_RULE)
		return check_missing_header(c, n);
	for (unsigned i = 0; i < expr_functions_count; i++) {
		const struct function *f = &expr_functions[i];

		if (!slice_equal(n->name, slice_of(f->name)))
			continue;
		if (!in_place(c, f))
			return expr_wrong(c, n->offset, "%s() is known in rules only", f->name);
		forms |= f->form;
		near = near == NULL ? f : near;
		if ((f->form & form) == 0 || !fits(n, f))
			continue;
		if (f->run == NULL)
			return check_special(c, n);
		n->type = type_of_letter(f->gives);
		n->function = f;
		return true;
	}
	return near == NULL ? unknown(c, n) : misused(c, n, near, forms);
}

static int
find_macro(const struct node *n)
{
	for (size_t i = 0; n->method && i < MACROS; i++)
		if (slice_equal(n->name, slice_of(macros[i].name)))
			return (int)i;
	return -1;
}

bool
expr_is_macro(const struct node *n)
{
	return (!n->method && slice_equal(n->name, SLICE("has"))) || find_macro(n) >= 0;
}

/* has(m.key) is "key" in m. */
static bool
check_has(struct compile *c, struct node *n)
{
	struct node *of = n->first, *key;

	if (n->children != 1 || of->kind != NODE_SELECT || expr_is_spaced(c, of))
		return expr_wrong(c, n->offset,
		    "has() is given something else than has(map.key), say has(headers.Accept)");
	key = expr_node(c, NODE_CONST, of->offset);
	key->value = value_string(of->name);
	key->type = &expr_types[KIND_STRING];
	n->type = &expr_types[KIND_BOOL];
	n->kind = NODE_IN;
	n->first = n->last = NULL;
	n->children = 0;
	if (!expr_check(c, of->first) || !expr_adopt(c, n, key) || !expr_adopt(c, n, of->first))
		return false;
	if (of->first->type->kind != KIND_MAP || of->first->type->key->kind != KIND_STRING)
		return expr_wrong(c, n->offset, "has() needs a map of strings in front of the dot");
	return of->first->kind != NODE_HEADERS || expr_check_header(c, n);
}

static const struct type *
macro_gives(struct compile *c, const struct node *n, const struct type *element)
{
	if (n->what == MACRO_FILTER)
		return expr_type_of(c, KIND_LIST, NULL, element);
	if (n->what == MACRO_MAP)
		return expr_type_of(c, KIND_LIST, NULL, n->last->type);
	return &expr_types[KIND_BOOL];
}

/* range.macro(name, body), or range.map(name, condition, body): the name is no child any more. */
static bool
check_body(struct compile *c, struct node *n, const char *name)
{
	struct node *range = n->first, *body = range->next;
	const struct type *element;

	if (range->type->kind != KIND_LIST && range->type->kind != KIND_MAP)
		return expr_wrong(c, n->offset, "%s() works on a list or a map only", name);
	if (c->locals == EXPR_LOCALS_MAX)
		return expr_wrong(c, n->offset, "more than %u of %s() and the like in one another",
		    EXPR_LOCALS_MAX, name);
	element = range->type->kind == KIND_LIST ? range->type->of : range->type->key;
	c->local[c->locals].type = element;
	c->local[c->locals++].range = range;
	n->pattern = c->locals - 1;
	for (; body != NULL; body = body->next) {
		if (!expr_check(c, body))
			return false;
		if ((n->what != MACRO_MAP || body->next != NULL) && body->type->kind != KIND_BOOL)
			return expr_wrong(c, body->offset, "%s() needs true or false here", name);
	}
	c->locals--;
	n->type = macro_gives(c, n, element);
	return true;
}

bool
expr_check_macro(struct compile *c, struct node *n)
{
	const int i = find_macro(n);
	struct node *range = n->first, *name;

	if (i < 0)
		return check_has(c, n);
	name = range->next;
	if ((n->children != 3 && !(macros[i].what == MACRO_MAP && n->children == 4)) ||
	    name->kind != NODE_NAME)
		return expr_wrong(c, n->offset,
		    "%s() is given something else than %s(NAME, expression)", macros[i].name,
		    macros[i].name);
	if (!expr_check(c, range))
		return false;
	range->next = name->next;
	n->children--;
	n->kind = NODE_MACRO;
	n->what = (uint8_t)macros[i].what;
	if (c->locals < EXPR_LOCALS_MAX)
		c->local[c->locals].name = name->name;
	return check_body(c, n, macros[i].name);
}
