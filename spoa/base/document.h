#pragma once

#include "base/arena.h"
#include "base/problem.h"
#include "base/slice.h"
#include "base/tree.h"

/*
 * Parse what somebody wrote, JSON or YAML: by the name of the file (.json; .yaml, .yml), else by
 * its first byte that is no blank ('{' or '[': JSON). As json_parse and yaml_parse. What is no text
 * at all (a NUL byte, invalid UTF-8) is refused as such, with the place of the first wrong byte.
 */
struct tree *document_parse(
    struct arena *a, const char *file, struct slice text, struct problems *p);
