#include "policy/dialect.h"

#include "base/encode.h"

#define REPEAT_MAX 1000u /* RE2's; those of nested repeats are multiplied */
#define DEPTH_MAX 256u   /* PCRE2 takes 250 */

struct reader {
	const char *start, *at, *end;
	struct text *out;
	struct dialect *d;
	/* [depth]: the largest product of the repeats in what stands in the open groups so far. */
	unsigned most[DEPTH_MAX], depth;
	unsigned atom; /* the same of what was read last, and a repeat would repeat */
};

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void
unportable(struct reader *r, const char *what, const char *rewrite)
{
	if (r->d->unportable != NULL)
		return;
	r->d->unportable = what;
	r->d->rewrite = rewrite;
	r->d->offset = (size_t)(r->at - r->start);
}

static bool
refuse(struct reader *r, const char *what, const char *rewrite)
{
	r->d->refused = what;
	r->d->rewrite = rewrite;
	r->d->offset = (size_t)(r->at - r->start);
	return false;
}

static bool
looking_at(const struct reader *r, const char *word)
{
	return slice_starts((struct slice){ r->at, (size_t)(r->end - r->at) }, slice_of(word));
}

static void
copy(struct reader *r, size_t n)
{
	text_put(r->out, (struct slice){ r->at, n });
	r->at += n;
}

/* Everything up to \E, or to the end, means itself. */
static void
quoted(struct reader *r)
{
	for (r->at += 2; r->at < r->end; r->at++) {
		if (looking_at(r, "\\E")) {
			r->at += 2;
			return;
		}
		if ((unsigned char)*r->at < 0x80 && !digit(*r->at) && !letter(*r->at))
			text_byte(r->out, '\\');
		text_byte(r->out, *r->at);
	}
}

/* \0, \12, \123: a character by its octal number, which PCRE2 may take for a back reference. */
static void
octal(struct reader *r)
{
	unsigned value = 0;

	r->at++;
	for (unsigned i = 0; i < 3 && r->at < r->end && *r->at >= '0' && *r->at <= '7'; i++)
		value = value * 8 + (unsigned)(*r->at++ - '0');
	text_printf(r->out, "\\x{%x}", value);
}

/* Bytes up to the brace that closes, or to the end. */
static size_t
braces(const struct reader *r)
{
	const char *close = memchr(r->at, '}', (size_t)(r->end - r->at));

	return (size_t)((close == NULL ? r->end : close + 1) - r->at);
}

/* Behind the backslash stands what Go does not know: it is copied as it is, and named. */
static void
foreign_escape(struct reader *r, bool in_class)
{
	static const char what[] = "an escape that Go does not know";
	static const struct {
		char letter;
		const char *rewrite, *in_class;
	} known[] = {
		{ 'c', "\\x with two hexadecimal digits", "\\x with two hexadecimal digits" },
		{ 'e', "\\x1b", "\\x1b" },
		{ 'E', "leave it out", "leave it out" },
		{ 'G', "\\A", NULL },
		{ 'h', "[\\t ]", "\\t and a space" },
		{ 'H', "[^\\t ]", NULL },
		{ 'K', "leave it out: only whether it matches counts", NULL },
		{ 'N', "[^\\n]", NULL },
		{ 'o', "\\x{…} with hexadecimal digits", "\\x{…} with hexadecimal digits" },
		{ 'R', "(?:\\r\\n|[\\n\\v\\f\\r])", NULL },
		{ 'V', "[^\\n\\v\\f\\r]", NULL },
		{ 'X', "(?s:.)", NULL },
		{ 'Z', "\\z", NULL },
	};
	char c = r->at[1];

	if ((unsigned char)c >= 0x80)
		unportable(r, what, "leave the backslash out");
	else if (digit(c) || c == 'g' || c == 'k')
		unportable(r, "a back reference", NULL);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].letter == c)
			unportable(r, what, in_class ? known[i].in_class : known[i].rewrite);
	unportable(r, what, NULL);
}

/* \x41 or \x{…}: PCRE2 takes fewer digits than Go. */
static void
hexadecimal(struct reader *r)
{
	bool two = r->end - r->at >= 4 && hex_value(r->at[2]) >= 0 && hex_value(r->at[3]) >= 0;

	if (!two && !(r->end - r->at >= 3 && r->at[2] == '{'))
		unportable(r, "\\x without two digits", "\\x with two hexadecimal digits");
}

/* \p{Greek}, \pL: PCRE2 knows more names, and does not mind how they are spelt. */
static void
property(struct reader *r)
{
	static const char known[] =
	    " Any C Cc Cf Co Cs L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc "
	    "Sk Sm So Z Zl Zp Zs Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan "
	    "Balinese Bamum Bassa_Vah Batak Bengali Bhaiksuki Bopomofo Brahmi Braille Buginese "
	    "Buhid Canadian_Aboriginal Carian Caucasian_Albanian Chakma Cham Cherokee Chorasmian "
	    "Common Coptic Cuneiform Cypriot Cypro_Minoan Cyrillic Deseret Devanagari Dives_Akuru "
	    "Dogra Duployan Egyptian_Hieroglyphs Elbasan Elymaic Ethiopic Georgian Glagolitic "
	    "Gothic Grantha Greek Gujarati Gunjala_Gondi Gurmukhi Han Hangul Hanifi_Rohingya "
	    "Hanunoo Hatran Hebrew Hiragana Imperial_Aramaic Inherited Inscriptional_Pahlavi "
	    "Inscriptional_Parthian Javanese Kaithi Kannada Katakana Kawi Kayah_Li Kharoshthi "
	    "Khitan_Small_Script Khmer Khojki Khudawadi Lao Latin Lepcha Limbu Linear_A Linear_B "
	    "Lisu Lycian Lydian Mahajani Makasar Malayalam Mandaic Manichaean Marchen "
	    "Masaram_Gondi Medefaidrin Meetei_Mayek Mende_Kikakui Meroitic_Cursive "
	    "Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani Myanmar Nabataean Nag_Mundari "
	    "Nandinagari New_Tai_Lue Newa Nko Nushu Nyiakeng_Puachue_Hmong Ogham Ol_Chiki "
	    "Old_Hungarian Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_Sogdian "
	    "Old_South_Arabian Old_Turkic Old_Uyghur Oriya Osage Osmanya Pahawh_Hmong Palmyrene "
	    "Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi Rejang Runic Samaritan Saurashtra "
	    "Sharada Shavian Siddham SignWriting Sinhala Sogdian Sora_Sompeng Soyombo Sundanese "
	    "Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham Tai_Viet Takri Tamil Tangsa "
	    "Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Toto Ugaritic Vai Vithkuqi Wancho "
	    "Warang_Citi Yezidi Yi Zanabazar_Square ";
	const char *from = r->at + 2, *p = from;
	char name[40] = " ";

	if (p == r->end || *p != '{') {
		if (p < r->end && strchr("CLMNPSZ", *p) == NULL)
			unportable(r, "a property that Go does not know", NULL);
		return;
	}
	from += r->end - from > 1 && from[1] == '^' ? 2 : 1;
	for (p = from; p < r->end && *p != '}' && (size_t)(p - from) < sizeof(name) - 3; p++)
		name[1 + (p - from)] = *p;
	name[1 + (p - from)] = ' ';
	if (memchr(name + 1, ' ', sizeof(name) - 1) != name + 1 + (p - from) ||
	    strstr(known, name) == NULL)
		unportable(r, "a property that Go does not know",
		    "a category like \\p{Lu}, or a script like \\p{Greek}");
}

/* A backslash and what belongs to it. */
static void
escape(struct reader *r, bool in_class)
{
	char c;

	if (r->end - r->at < 2) {
		copy(r, 1);
		return;
	}
	c = r->at[1];
	if (c == 's' || c == 'S') {
		/* Go's \s has no vertical tab. */
		text_put(r->out,
		    !in_class  ? c == 's' ? SLICE("[\\t\\n\\f\\r ]") : SLICE("[^\\t\\n\\f\\r ]")
		     : c == 's' ? SLICE("\\t\\n\\f\\r ")
			       : SLICE("\\S\\x0b"));
		r->at += 2;
	} else if (c == 'v') {
		text_put(r->out, SLICE("\\x0b"));
		r->at += 2;
	} else if (c == '0' || (c >= '1' && c <= '7' && r->end - r->at > 2 && r->at[2] >= '0' &&
				   r->at[2] <= '7')) {
		octal(r);
	} else {
		if (digit(c) || (unsigned char)c >= 0x80 ||
		    (letter(c) && strchr("AabBDdfnPpQrtWwxz", c) == NULL))
			foreign_escape(r, in_class);
		else if (in_class && strchr("AbBz", c) != NULL)
			unportable(r, "an assertion inside a class",
			    c == 'b' ? "\\x08 if the backspace is meant" : NULL);
		else if (c == 'x')
			hexadecimal(r);
		else if (c == 'p' || c == 'P')
			property(r);
		copy(r, 2);
		if ((c == 'x' || c == 'p' || c == 'P') && r->at < r->end && *r->at == '{')
			copy(r, braces(r));
	}
}

/* [:alpha:] and the like, whole; 0: it is none. */
static size_t
posix_class(const struct reader *r)
{
	const char *p = r->at + 2;

	if (!looking_at(r, "[:"))
		return 0;
	if (p < r->end && *p == '^')
		p++;
	while (p < r->end && letter(*p))
		p++;
	if (r->end - p < 2 || p[0] != ':' || p[1] != ']')
		return 0;
	return (size_t)(p - r->at) + 2;
}

/* One member of a class; true if it may be the first of a range, or `last` of it. */
static bool
class_member(struct reader *r, bool last)
{
	size_t named = last ? 0 : posix_class(r);

	if (named > 0) {
		copy(r, named);
		return false;
	}
	if (*r->at == '\\') {
		bool single = r->end - r->at > 1 && strchr("dDsSwWpP", r->at[1]) == NULL;

		if (looking_at(r, "\\Q"))
			unportable(r, "\\Q inside a class", "a backslash before each character");
		escape(r, true);
		return single;
	}
	if (looking_at(r, "[:<:]") || looking_at(r, "[:>:]"))
		unportable(r, "a border of words", "\\b, without the brackets");
	if (*r->at == '-' || *r->at == '[')
		text_byte(r->out, '\\');
	copy(r, 1);
	/* The rest of a character that is longer than a byte. */
	while (r->at < r->end && ((unsigned char)*r->at & 0xc0) == 0x80)
		copy(r, 1);
	return true;
}

static void class(struct reader *r)
{
	copy(r, 1);
	if (r->at < r->end && *r->at == '^')
		copy(r, 1);
	else if (r->at < r->end && strchr(":.=", *r->at) != NULL && *r->at != '\0')
		text_byte(r->out, '\\'); /* [:a:] is a class like any other to Go */
	for (bool first = true; r->at < r->end && (first || *r->at != ']'); first = false) {
		bool single = class_member(r, false);

		if (single && r->end - r->at > 1 && r->at[0] == '-' && r->at[1] != ']') {
			copy(r, 1);
			class_member(r, true);
		}
	}
	if (r->at < r->end)
		copy(r, 1);
}

/* Flags and what ends them: true if Go takes them. */
static bool
flags(const char *p, const char *end)
{
	unsigned count = 0;
	bool off = false;

	for (; p < end && *p != ':' && *p != ')'; p++) {
		if (*p == '-' && !off)
			off = true, count = 0;
		else if (strchr("imsU", *p) != NULL && *p != '\0')
			count++;
		else
			return false;
	}
	return p < end && (count > 0 || !off);
}

/* Behind "(?": Go knows :, P<name>, <name> and the flags i m s U. */
static bool
group(struct reader *r)
{
	const char *p = r->at + 2;

	if (looking_at(r, "(*"))
		return refuse(r, "verbs like (*NAME) are not supported", "leave it out");
	if (!looking_at(r, "(?")) {
		copy(r, 1);
		return true;
	}
	if (looking_at(r, "(?#"))
		return refuse(r, "comments in a regex are not supported", "leave it out");
	if (looking_at(r, "(?=") || looking_at(r, "(?!") || looking_at(r, "(?<=") ||
	    looking_at(r, "(?<!")) {
		unportable(r, "a lookaround", "two rules, or an expression");
	} else if (looking_at(r, "(?>")) {
		unportable(r, "an atomic group", "(?:…)");
	} else if (looking_at(r, "(?'")) {
		unportable(r, "a group that Go does not know", "(?P<name>…)");
	} else if (looking_at(r, "(?P=")) {
		unportable(r, "a back reference", NULL);
	} else if (!looking_at(r, "(?P<") && !looking_at(r, "(?<") && !flags(p, r->end)) {
		while (p < r->end && *p != '\0' && strchr("imsU-", *p) != NULL)
			p++;
		if (p < r->end && *p == 'x')
			return refuse(
			    r, "the flag x is not supported", "leave it out, and the blanks");
		if (p < r->end && (*p == 'n' || *p == 'J' || *p == '^'))
			return refuse(r, "of the flags only i, m, s and U are supported", NULL);
		unportable(r, "a group that Go does not know", NULL);
	}
	copy(r, 2);
	return true;
}

/* What was read last stands `times` times. */
static void
multiply(struct reader *r, unsigned times)
{
	unsigned *most = &r->most[r->depth];

	r->atom = r->atom > REPEAT_MAX ? r->atom : r->atom * times;
	if (r->atom > REPEAT_MAX)
		unportable(r, "a repeat above 1000",
		    times > REPEAT_MAX
			? "* or + if the number is not what counts"
			: "a smaller number: those of nested repeats are multiplied");
	*most = r->atom > *most ? r->atom : *most;
}

/* {2}, {2,}, {2,5}; any other brace is itself in Go. */
static bool
repeat(struct reader *r, bool again)
{
	const char *p = r->at + 1;
	unsigned most = 0;

	for (unsigned part = 0; part < 2; part++) {
		const char *from = p;
		unsigned value = 0;

		for (; p < r->end && digit(*p); p++)
			value = value > REPEAT_MAX ? value : value * 10 + (unsigned)(*p - '0');
		if (part == 0 && p == from)
			break;
		most = value > most ? value : most;
		if (p < r->end && *p == '}') {
			if (again)
				unportable(r, "a repeat of a repeat", "(?:…) around the first");
			multiply(r, most);
			copy(r, (size_t)(p - r->at) + 1);
			return true;
		}
		if (part == 1 || p == r->end || *p++ != ',')
			break;
	}
	text_byte(r->out, '\\');
	copy(r, 1);
	return false;
}

/* Groups that are open, and what was repeated in them. False: they are too deep. */
static bool
nest(struct reader *r, char c)
{
	if (c == '(') {
		if (r->depth + 1 == DEPTH_MAX)
			return refuse(r, "groups that are nested too deep", NULL);
		r->most[++r->depth] = 1;
	} else if (c == ')' && r->depth > 0) {
		unsigned inner = r->most[r->depth--];

		r->atom = inner;
		if (inner > r->most[r->depth])
			r->most[r->depth] = inner;
	} else {
		r->atom = 1;
	}
	return true;
}

static bool
repeats(char c)
{
	return c == '*' || c == '+' || c == '?' || c == '{';
}

/* PCRE2 repeats no bare anchor. */
static void
anchor(struct reader *r, size_t n)
{
	text_put(r->out, SLICE("(?:"));
	copy(r, n);
	text_byte(r->out, ')');
}

/* One thing of the pattern. *repeated: a repeat ends here, so that what follows repeats it again.
 */
static bool
translate_one(struct reader *r, bool *repeated)
{
	bool was = *repeated;
	char c = *r->at;

	*repeated = false;
	if (c == '{') {
		*repeated = repeat(r, was);
		if (!*repeated)
			r->atom = 1;
		return true;
	}
	if (c == '*' || c == '+' || c == '?') {
		if (was && c == '+')
			unportable(r, "a possessive repeat", "leave the second + out");
		else if (was && c == '*')
			unportable(r, "a repeat of a repeat", "(?:…) around the first");
		*repeated = !was;
		copy(r, 1);
		return true;
	}
	if (!nest(r, c))
		return false;
	if (c == '\\' && looking_at(r, "\\Q"))
		quoted(r);
	else if (c == '\\' && r->end - r->at > 2 && strchr("AbBz", r->at[1]) != NULL &&
		 repeats(r->at[2]))
		anchor(r, 2);
	else if (c == '\\')
		escape(r, false);
	else if (c == '[')
		class(r);
	else if (c == '(')
		return group(r);
	else if ((c == '^' || c == '$') && r->end - r->at > 1 && repeats(r->at[1]))
		anchor(r, 1);
	else
		copy(r, 1);
	return true;
}

bool
dialect_translate(struct slice go, struct text *out, struct dialect *d)
{
	struct reader r = { .start = go.ptr, .at = go.ptr, .out = out, .d = d, .atom = 1 };
	bool repeated = false;

	*d = (struct dialect){ 0 };
	if (go.len == 0)
		return true;
	r.end = go.ptr + go.len;
	r.most[0] = 1;
	while (r.at < r.end)
		if (!translate_one(&r, &repeated))
			return false;
	return true;
}
