#pragma once

/* What to do about what libfyaml 0.7 says is wrong, by a part of its words; NULL: nothing to add.
 */
const char *yaml_remedy(const char *said);
