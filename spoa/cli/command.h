#pragma once

/* One subcommand: gets what follows its name, returns the exit status. */
struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help; /* a line */
};

int command_run(int argc, char **argv);
int command_check(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_replay(int argc, char **argv);
int command_import_robots(int argc, char **argv);
int command_rotate(int argc, char **argv);
int command_ctl(int argc, char **argv);
int command_solve(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_haproxy(int argc, char **argv);
int command_top(int argc, char **argv);
