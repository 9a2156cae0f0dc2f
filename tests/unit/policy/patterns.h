#pragma once

/*
 * Patterns of every shape, for tests that compare the prefilter with PCRE2 one by one: plain words,
 * alternatives, groups, repeats, classes, flags, anchors, folding beyond ASCII, and some without a
 * word.
 */
static const char *const patterns[] = { "GPTBot", "(?i)gptbot", "GPTBot|CCBot|ClaudeBot",
	"(?i)spider|crawler", "(?i)kiskis", "[Kk]iwi", "(?i:kiwi)bot", "^$", ".*", "", "a", "ab",
	"abc", "^abc", "abc$", "^abc$", "(abc|abd)+e", "(?:abc|)d", "ab*c", "ab+cd", "ab{2}cd",
	"ab{0,2}cd", "a(bcd)?e", "a(bcd){2}e", "abc.def", "abc\\.def", "[abc]def[ghi]", "abc|d",
	"foo(?i)bar", "(?i)foo(?-i)bar", "foo(?i:b)ar|BAR", "\\bfoo\\b", "foo\\s+bar",
	"foo[\\w-.]bar", "\\Qa.b(c\\E", "caf\xc3\xa9", "(?i)caf\xc3\xa9", "caf\xc3\xa9?x",
	"[\xc3\xa9\xc3\xa8]t\xc3\xa9", "MSIE [1-9]\\.", "Mozilla|Opera", "^Mozilla/5\\.0 \\(.*bot",
	"Chrome/(?:[1-9]|[1-5][0-9])\\.", "Windows NT 5\\.", "compatible;.*https?://",
	"(?P<name>foo)(?P<rest>bar|baz)", "((((abc))))", "(abc)(def)", "abcdefghijklmnopqrstuvwxyz",
	"(?i)abcdefghijklmnopq|abcdefghijklmnopQ", "\\x41\\x{42}C", "abc\\x{e9}", "(?s)abc.def",
	"(?m)^abc$", "(?U)abc.*def", "[^a]bcd", "[^\\S]abc", "\\pLabc", "\\p{Greek}{2}",
	"(a|b|c){3}d", "abc(?:def|ghi)jkl", "(?:abc|def)(?:ghi|jkl)", "ss\xc3\x9f", "(?i)ss|kk|xyz",
	"(?=abc)abcd", "abc(?!d)", "(abc)\\1", "abc++d", "(?>abc|ab)d", "abc\\Kdef", "(?<=a)bcd",
	"[Ss]craper", "[Gg]PT[Bb]ot", "x[ab][cd]y", "[Bb][Oo][Tt]/[0-9]", "[^f]oobar", "[a-c]bcd",
	"(?i)[ck]iwi", "^*abc", "foo\\b?bar" };

#define PATTERNS (sizeof(patterns) / sizeof(patterns[0]))
