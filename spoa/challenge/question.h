#pragma once
#include "base/slice.h"
#include <stdbool.h>
bool question_accepts(struct slice answer);
