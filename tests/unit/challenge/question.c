#include "challenge/question.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const right[] = {
	"orange",
	"Orange",
	"ORANGES",
	"an orange",
	"The Orange.",
	"  a\tcarrot \r\n",
	"carrots!",
	"pumpkin",
	"sweet potato",
	"sweet-potatoes",
	"traffic cone",
	"Traffic cones",
	"“a fox”",
	"foxes",
	"goldfish",
	"Garfield",
	"the Dutch",
	"sunset...",
	"sunsets",
	"¿naranja?",
	"🍊",
	"🥕",
	"🟠\xef\xb8\x8f",
	"ｏｒａｎｇｅ",
	"  Une CAROTTE! ",
	"l’orange",
	"l'abricot",
	"un renard",
	"des carottes",
	"clementine",
	"Möhre",
	"Möhren",
	"moehre",
	"mohre",
	"MÖHRE",
	"M\x6f\xcc\x88hre",
	"die Karotte",
	"Karotten",
	"der Fuchs",
	"Süßkartoffel",
	"suesskartoffel",
	"SÜSSKARTOFFEL",
	"Kürbis",
	"kuerbis",
	"la naranja",
	"las naranjas",
	"melocoton",
	"Melocotón",
	"una zanahoria",
	"un’arancia",
	"arancia",
	"uma laranja",
	"laranjas",
	"açafrão",
	"acafrao",
	"sinaasappel",
	"de wortel",
	"een vos",
	"goudvis",
	"pomarańcza",
	"pomarancza",
	"łosoś",
	"losos",
	"marchewki",
	"апельсин",
	"Апельсины",
	"МОРКОВЬ",
	"лиса",
	"лисы",
	"костер",
	"костёр",
	"мандарини",
	"полум’я",
	"полум'я",
	"pomeranč",
	"pomeranc",
	"oheň",
	"šafran",
	"narancs",
	"narancsok",
	"egy róka",
	"róka",
	"portocală",
	"portocala",
	"șofran",
	"şofran",
	"apelsin",
	"apelsiner",
	"en räv",
	"morötter",
	"gulrot",
	"gulrøtter",
	"gulroetter",
	"gulerødder",
	"græskar",
	"graeskar",
	"ræv",
	"raev",
	"appelsiini",
	"porkkanat",
	"kettu",
	"appelsína",
	"appelsína!",
	"moliūgas",
	"moliugas",
	"burkāns",
	"ķirbis",
	"apelsīni",
	"porgand",
	"kõrvits",
	"برتقال",
	"البرتقال",
	"برتقالة",
	"بُرْتُقَال",
	"الجزر",
	"نار",
	"תפוז",
	"התפוז",
	"תפוזים",
	"גזר",
	"השועל",
	"پرتقال",
	"هویج",
	"هويج",
	"オレンジ",
	"おれんじ",
	"みかん",
	"ミカン",
	"人参",
	"「にんじん」",
	"橙子",
	"橘子",
	"南瓜。",
	"柳丁",
	"오렌지",
	"귤",
	"당근",
	"naranča",
	"naranče",
	"pomaranča",
	"поморанџа",
	"лисица",
	"портокал",
	"портокали",
	"πορτοκάλι",
	"ΠΟΡΤΟΚΑΛΙ",
	"το καρότο",
	"η αλεπού",
	"ένα πορτοκάλι",
	"taronja",
	"pastanagues",
	"laranxa",
	"azenarioa",
	"portakal",
	"portakallar",
	"TİLKİ",
	"tilki",
	"havuç",
	"havuc",
	"jeruk",
	"wortel",
	"quả cam",
	"qua cam",
	"cà rốt",
	"CÀ RỐT",
	"ส้ม",
	"แครอท",
	"संतरा",
	"गाजर",
	"ताँबा",
	"तांबा",
	"खरबूजा",
};

static const char *const wrong[] = {
	"",
	" ",
	"!",
	"...",
	"the",
	"a",
	"an ",
	"l'",
	"blue",
	"the sky",
	"sky",
	"green",
	"grass",
	"water",
	"snow",
	"milk",
	"banana",
	"apple",
	"lemon",
	"lime",
	"cherry",
	"strawberry",
	"night",
	"coal",
	"grape",
	"blood",
	"swan",
	"frog",
	"elephant",
	"crow",
	"yes",
	"no",
	"I don't know",
	"asdf",
	"test",
	"12345",
	"<script>",
	"' or 1=1 --",
	"%s%n",
	"name something orange",
	"something",
	"oran",
	"rang",
	"orangeorange",
	"orange orange",
	"carrot pumpkin",
	"carrot, pumpkin",
	"carrot,pumpkin,fox",
	"orange\norange",
	"carrot;fox;tiger;goldfish",
	"orange, oranges, mandarin, tangerine, clementine",
	"carrot and pumpkin and fox and tiger",
	"not an orange",
	"blau",
	"der Himmel",
	"Gurke",
	"bleu",
	"le ciel",
	"azul",
	"el cielo",
	"limón",
	"blu",
	"blauw",
	"de lucht",
	"niebieski",
	"trawa",
	"синий",
	"небо",
	"трава",
	"синє",
	"modrá",
	"obloha",
	"kék",
	"ég",
	"albastru",
	"cerul",
	"blå",
	"himlen",
	"sininen",
	"taivas",
	"himinn",
	"mėlyna",
	"dangus",
	"zils",
	"debesis",
	"sinine",
	"taevas",
	"أزرق",
	"السماء",
	"ال",
	"כחול",
	"השמיים",
	"ה",
	"آبی",
	"آسمان",
	"青",
	"空",
	"きゅうり",
	"蓝色",
	"天空",
	"藍色",
	"草",
	"파란색",
	"하늘",
	"plavo",
	"nebo",
	"modro",
	"плаво",
	"синьо",
	"μπλε",
	"ουρανός",
	"ο",
	"blau",
	"cel",
	"ceo",
	"urdin",
	"zerua",
	"mavi",
	"gökyüzü",
	"biru",
	"langit",
	"xanh",
	"bầu trời",
	"สีฟ้า",
	"ท้องฟ้า",
	"नीला",
	"आसमान",
	"\xff",
	"orange\xff",
	"\xc3",
	"orange\xe2\x82",
	"\xed\xa0\x80",
	"\xc0\xaforange",
	"🍌",
	"🔵",
	"s",
	"es",
	"ers",
};

static void
test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(right); i++)
		if (!question_accepts(slice_of(right[i])))
			fail_msg("'%s' is refused", right[i]);
	for (size_t i = 0; i < COUNT(wrong); i++)
		if (question_accepts(slice_of(wrong[i])))
			fail_msg("'%s' is accepted", wrong[i]);
	assert_false(question_accepts((struct slice){ NULL, 0 }));
	assert_true(question_accepts((struct slice){ "orange\0", 7 }));
	assert_false(question_accepts((struct slice){ "or\0ange", 7 }));
}

/* The limit is one of characters, whatever they are. */
static void
test_length(void **state)
{
	static const char *const fills[] = { " ", "!", "\xcc\x88", "\xe2\x80\x8b", "\xe3\x80\x80",
		"\xef\xb8\x8f" };

	(void)state;
	for (size_t i = 0; i < COUNT(fills); i++) {
		char buf[512] = "orange";
		size_t n = strlen(buf);

		for (size_t c = n; c < QUESTION_CHARACTERS_MAX; c++)
			n += (size_t)snprintf(buf + n, sizeof(buf) - n, "%s", fills[i]);
		assert_true(question_accepts((struct slice){ buf, n }));
		assert_true(question_answered((struct slice){ buf, n }));
		n += (size_t)snprintf(buf + n, sizeof(buf) - n, "%s", fills[i]);
		assert_false(question_accepts((struct slice){ buf, n }));
		assert_false(question_answered((struct slice){ buf, n }));
	}
}

/* Others are asked about what may be an answer, and about nothing else. */
static void
test_answered(void **state)
{
	static const struct slice no[] = { SLICE(""), SLICE("  "), SLICE("!?"), SLICE("\xff"),
		SLICE("or\xc3"), SLICE("\xcc\x88"), SLICE("\r\n\0") };

	(void)state;
	for (size_t i = 0; i < COUNT(no); i++)
		assert_false(question_answered(no[i]));
	assert_true(question_answered(SLICE("blue")));
	assert_true(question_answered(SLICE(" \xf0\x9f\x94\xb5 ")));
}

/* As many letters as there may be, each the widest: no room is too small. */
static void
test_widest(void **state)
{
	char buf[4 * QUESTION_CHARACTERS_MAX];

	(void)state;
	for (size_t i = 0; i < QUESTION_CHARACTERS_MAX; i++)
		memcpy(buf + 2 * i, "ß", 2);
	assert_false(question_accepts((struct slice){ buf, 2 * QUESTION_CHARACTERS_MAX }));
	for (size_t i = 0; i < QUESTION_CHARACTERS_MAX; i++)
		memcpy(buf + 4 * i, "\xf4\x8f\xbf\xbf", 4);
	assert_false(question_accepts((struct slice){ buf, sizeof(buf) }));
}

static void
accept_list(const char *path, struct slice list)
{
	while (list.len > 0) {
		struct slice word = slice_trim(slice_split(list, ',', &list));
		char shout[256];
		size_t n = 0;

		if (!question_accepts(word))
			fail_msg("%s: %.*s", path, (int)word.len, word.ptr);
		for (size_t i = 0; i < word.len; i++)
			shout[n++] = (char)(word.ptr[i] >= 'a' && word.ptr[i] <= 'z'
						? word.ptr[i] - 'a' + 'A'
						: word.ptr[i]);
		shout[n++] = '!';
		if (!question_accepts((struct slice){ shout, n }))
			fail_msg("%s: %.*s", path, (int)n, shout);
	}
}

/* Every word of every language, whoever asks. */
static void
test_lists(void **state)
{
	glob_t g;

	(void)state;
	assert_int_equal(glob("spoa/challenge/locales/*.txt", 0, NULL, &g), 0);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		size_t n;
		const char *why;
		char *text = file_read(g.gl_pathv[i], 65536, &n, &why), *list;

		assert_non_null(text);
		list = strstr(text, "\norange = ");
		assert_non_null(list);
		list += strlen("\norange = ");
		accept_list(g.gl_pathv[i], (struct slice){ list, strcspn(list, "\n") });
		assert_false(question_accepts((struct slice){ list, strcspn(list, "\n") }));
		free(text);
	}
	globfree(&g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_answered),
		cmocka_unit_test(test_widest),
		cmocka_unit_test(test_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
