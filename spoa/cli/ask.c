#include "cli/ask.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/options.h"

#define BODY_MAX ((size_t)8 * 1024 * 1024)
#define TIMEOUT_MS 70000 /* each worker may take a second */

/* Who may not write to the runtime folder would look elsewhere, but the daemon may well be there.
 */
static void
prefer_existing(struct endpoint *e)
{
	static const char run[] = "unix@" OPTIONS_RUN "/control.sock";
	const char *path = endpoint_path(e), *why;

	if (path != NULL && access(path, F_OK) != 0 &&
	    access(OPTIONS_RUN "/control.sock", F_OK) == 0)
		(void)endpoint_parse(slice_of(run), e, &why);
}

bool
ask_find(struct ask *a, const char *file, const char *control)
{
	/* options_read does not write to them. */
	char *argv[4];
	int argc = 0;
	struct options o;
	struct problems p = { 0 };
	bool help, good;

	if (file != NULL) {
		argv[argc++] = (char *)(uintptr_t) "-c";
		argv[argc++] = (char *)(uintptr_t)file;
	}
	if (control != NULL) {
		argv[argc++] = (char *)(uintptr_t) "--control";
		argv[argc++] = (char *)(uintptr_t)control;
	}
	options_read(&o, argc, argv, &p, &help);
	problems_print(&p, "ammit: ");
	good = p.errors == 0;
	if (good && !o.has_control) {
		fprintf(stderr,
		    "ammit: control is off in %s: the daemon cannot be asked; remove that line and "
		    "restart it\n",
		    file != NULL ? file : "the options");
		good = false;
	}
	a->at = o.control;
	a->timeout_ms = TIMEOUT_MS;
	if (good && !o.control_asked)
		prefer_existing(&a->at);
	problems_fini(&p);
	options_fini(&o);
	return good;
}

bool
ask(const struct ask *a, const char *method, const char *target, struct fetched *out,
    char why[ASK_WHY])
{
	const struct fetch f = { &a->at, method, target, BODY_MAX, a->timeout_ms };

	if (fetch(&f, out))
		return true;
	switch (out->connect_errno) {
	case ENOENT:
	case ECONNREFUSED:
		snprintf(why, ASK_WHY,
		    "no daemon listens at %s: start `ammit run`, or name its socket with "
		    "--control, or its options with -c FILE",
		    a->at.text);
		break;
	case EACCES:
	case EPERM:
		snprintf(why, ASK_WHY,
		    "%s: permission denied: run this as root, or set control-group in the "
		    "daemon's options",
		    a->at.text);
		break;
	default:
		snprintf(why, ASK_WHY, "%s: %s", a->at.text, out->why);
	}
	return false;
}
