#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/top_table.h"

/* What a terminal is told. */
#define SCREEN_ENTER "\033[?1049h\033[?25l"
#define SCREEN_LEAVE "\033[?25h\033[?1049l"
#define SCREEN_HOME "\033[H"
#define LINE_END "\033[K\r\n"
#define REST_CLEAR "\033[J"

/* Metrics wait for no worker, and no key is heard while a daemon that hangs is waited for. */
#define SCREEN_TIMEOUT_MS 2000

struct view {
	struct ask ask;
	bool screen, colour; /* screen: stdout is a terminal, and it is redrawn */
	bool keys;           /* stdin is one, too, and has been changed */
	bool stranger;       /* who answers is no ammit */
	struct termios before;
	int interval_s;
	struct fetched last; /* the answer before, and what it said */
	struct scrape said;
	int64_t at_ms;
};

static volatile sig_atomic_t over;

static void
on_signal(int signum)
{
	(void)signum;
	over = 1;
}

static void
help(FILE *to)
{
	fputs("usage: ammit top [--once] [--interval S] [-c FILE|--control ADDR]\n\n"
	      "Watches a running daemon: verdicts a second, waits for the DNS, its servers and the "
	      "blocklists.\n"
	      "q or Ctrl-C ends it. The daemon is looked for where `ammit run` listens; -c names "
	      "its file of\n"
	      "options, --control its socket: unix@PATH or HOST:PORT.\n\n"
	      "  --once        print one table and end: averages since the daemon's start\n"
	      "  --interval S  look every S seconds, 1 to 3600 (1)\n\n"
	      "Colours are left out if NO_COLOR is set or this is no terminal.\n",
	    to);
}

static void
enter(struct view *v)
{
	struct sigaction act = { .sa_handler = on_signal };
	struct termios raw;

	/* Without SA_RESTART: a signal ends the wait. */
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGHUP, &act, NULL);
	if (!v->screen)
		return;
	if (isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &v->before) == 0) {
		raw = v->before;
		raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
		raw.c_cc[VMIN] = 0;
		raw.c_cc[VTIME] = 0;
		v->keys = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
	}
	fputs(SCREEN_ENTER, stdout);
}

static void
leave(const struct view *v)
{
	if (v->screen) {
		fputs(SCREEN_LEAVE, stdout);
		fflush(stdout);
	}
	if (v->keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &v->before);
}

static const char *
colour_of(const struct view *v, char mark)
{
	if (!v->colour)
		return "";
	return mark == TOP_HEAD ? "\033[1m" : mark == TOP_ALARM ? "\033[31m" : "";
}

/* Bytes of the line that fill at most `columns`; a character is one wide. */
static size_t
fitting(struct slice line, unsigned columns)
{
	size_t i = 0;

	for (unsigned used = 0; i < line.len; i++) {
		if (((unsigned char)line.ptr[i] & 0xc0) == 0x80)
			continue;
		if (used++ == columns)
			break;
	}
	return i;
}

static void
draw(const struct view *v, struct slice table)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	unsigned rows = 0;

	if (v->screen) {
		if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row < 2 ||
		    size.ws_col < 2)
			size = (struct winsize){ .ws_row = 24, .ws_col = 80 };
		fputs(SCREEN_HOME, stdout);
	}
	while (table.len > 0 && !(v->screen && ++rows >= size.ws_row)) {
		struct slice line = slice_split(table, '\n', &table);
		char mark = line.len > 0 ? line.ptr[0] : '\0';
		const char *colour;

		if (mark == TOP_HEAD || mark == TOP_ALARM)
			line = (struct slice){ line.ptr + 1, line.len - 1 };
		else
			mark = '\0';
		colour = colour_of(v, mark);
		if (v->screen)
			line.len = fitting(line, size.ws_col);
		printf("%s%.*s%s%s", colour, (int)line.len, line.ptr,
		    colour[0] != '\0' ? "\033[0m" : "", v->screen ? LINE_END : "\n");
	}
	fputs(v->screen ? REST_CLEAR : "", stdout);
	fflush(stdout);
}

/* One look and its table. False after saying why there is none. */
static bool
look(struct view *v)
{
	static char buf[TOP_BYTES_MAX];
	struct text table = { .buf = buf, .cap = sizeof(buf) };
	struct fetched got;
	struct scrape said;
	char why[ASK_WHY];
	int64_t now_ms = clock_mono_ms();

	if (!ask(&v->ask, "GET", "/metrics", &got, why)) {
		if (!v->screen) {
			fprintf(stderr, "ammit: %s\n", why);
			return false;
		}
		text_printf(&table, "%cammit: %s\nq ends this\n", TOP_ALARM, why);
		draw(v, text_slice(&table));
		return false;
	}
	scrape_read(&said, (struct slice){ got.body, got.body_bytes });
	if (got.status != 200 || said.count == 0) {
		v->stranger = true;
	} else {
		top_table(&said, v->last.body != NULL ? &v->said : NULL,
		    (double)(now_ms - v->at_ms) / 1000, &table);
		draw(v, text_slice(&table));
	}
	scrape_fini(&v->said);
	free(v->last.body);
	v->last = got;
	v->said = said;
	v->at_ms = now_ms;
	return got.status == 200 && said.count > 0;
}

/* Until the next look, or q. */
static void
pause_for(const struct view *v)
{
	int64_t end_ms = v->at_ms + (int64_t)v->interval_s * 1000;
	struct pollfd p = { v->keys ? STDIN_FILENO : -1, POLLIN, 0 };
	char key;

	if (end_ms < clock_mono_ms())
		end_ms = clock_mono_ms() + 1000;
	for (;;) {
		int64_t left = end_ms - clock_mono_ms();

		if (over || left <= 0)
			return;
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		/* A terminal that is gone would be ready for ever. */
		if (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q')
			over = 1;
	}
}

static int
watch(struct view *v, bool once)
{
	bool good;

	if (!once)
		enter(v);
	good = look(v);
	while (!once && !over && !v->stranger && (good || v->screen)) {
		pause_for(v);
		if (!over)
			good = look(v);
	}
	if (!once)
		leave(v);
	/* Said on the screen that stays. */
	if (v->stranger)
		fprintf(stderr, "ammit: %s is no control socket of ammit\n", v->ask.at.text);
	scrape_fini(&v->said);
	free(v->last.body);
	return good ? 0 : 1;
}

int
command_top(int argc, char **argv)
{
	struct view v = { .interval_s = 1 };
	const char *file = NULL, *control = NULL, *no_color = getenv("NO_COLOR");
	unsigned long long n;
	bool once = false;

	for (int i = 0; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			help(stdout);
			return 0;
		}
		if (strcmp(argv[i], "--once") == 0) {
			once = true;
			continue;
		}
		if (value != NULL && strcmp(argv[i], "-c") == 0) {
			file = value;
		} else if (value != NULL && strcmp(argv[i], "--control") == 0) {
			control = value;
		} else if (value != NULL && strcmp(argv[i], "--interval") == 0 &&
			   slice_number(slice_of(value), 3600, &n) && n > 0) {
			v.interval_s = (int)n;
		} else {
			fprintf(stderr, "ammit: top: %s: no such option, or a wrong value\n\n",
			    argv[i]);
			help(stderr);
			return 1;
		}
		i++;
	}
	if (!ask_find(&v.ask, file, control))
		return 1;
	v.screen = !once && isatty(STDOUT_FILENO);
	if (v.screen)
		v.ask.timeout_ms = SCREEN_TIMEOUT_MS;
	v.colour = v.screen && (no_color == NULL || no_color[0] == '\0');
	return watch(&v, once);
}
