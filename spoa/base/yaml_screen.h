#pragma once

#include <stdbool.h>

#include "base/problem.h"
#include "base/slice.h"

/* [ ] { } , " ' ! & * and the like in one outermost [] or {} */
#define YAML_FLOW_MARKS_MAX ((size_t)200 * 1000)
#define YAML_DIRECTIVES_MAX 64u
#define YAML_DIRECTIVE_BYTES_MAX 256u

/*
 * What libfyaml must not be given, found before it is. It lets control characters through, reads a
 * directive in quadratic time, and keeps every token (some 200 bytes) of an outermost [] or {}, and
 * of a run of properties, until that ends. False with one problem at the first such place.
 */
bool yaml_screen(const char *file, struct slice text, struct problems *p);
