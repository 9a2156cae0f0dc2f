#pragma once

#include <stdbool.h>

#include "base/text.h"

/*
 * Run a program and take what it says, on standard output and standard error. `environment` NULL:
 * ours. False with *why (it is not there, it took longer than timeout_ms, and was ended then); else
 * *status is its exit status, 128 and the signal if it was ended by one.
 */
bool program_run(char *const argv[], char *const environment[], int timeout_ms, struct text *said,
    int *status, const char **why);
