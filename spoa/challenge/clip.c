#include "challenge/clip.h"

/* clang-format off */
static const uint8_t clip0[] = {
#include "embed/clip0.mp4.inc"
};
static const uint8_t clip1[] = {
#include "embed/clip1.mp4.inc"
};
static const uint8_t clip2[] = {
#include "embed/clip2.mp4.inc"
};
static const uint8_t clip3[] = {
#include "embed/clip3.mp4.inc"
};
static const uint8_t clip4[] = {
#include "embed/clip4.mp4.inc"
};
static const uint8_t clip5[] = {
#include "embed/clip5.mp4.inc"
};
static const uint8_t clip6[] = {
#include "embed/clip6.mp4.inc"
};
static const uint8_t clip7[] = {
#include "embed/clip7.mp4.inc"
};
/* clang-format on */

#define BYTES(array)                                                                               \
	{                                                                                          \
		(const char *)(array), sizeof(array)                                               \
	}

/* A player may be off by a frame, or round. */
#define TOLERANCE_MS 100

static const struct clip clips[] = {
	{ BYTES(clip0), 48, 32, 400 },
	{ BYTES(clip1), 64, 48, 600 },
	{ BYTES(clip2), 80, 48, 800 },
	{ BYTES(clip3), 96, 64, 1000 },
	{ BYTES(clip4), 112, 64, 1200 },
	{ BYTES(clip5), 128, 80, 800 },
	{ BYTES(clip6), 96, 48, 600 },
	{ BYTES(clip7), 64, 64, 1000 },
};

const struct clip *
clip_of(const uint8_t secret[HASH_KEY_BYTES], const struct ticket *t)
{
	uint64_t hash = hash_bytes(secret, t->id, sizeof(t->id));

	return &clips[hash % (sizeof(clips) / sizeof(clips[0]))];
}

bool
clip_right(const uint8_t secret[HASH_KEY_BYTES], const struct ticket *t, struct slice said)
{
	const struct clip *c = clip_of(secret, t);
	struct slice height, length, width = slice_split(said, 'x', &height);
	unsigned long long w, h, ms;

	height = slice_split(height, '@', &length);
	if (!slice_number(width, 9999, &w) || !slice_number(height, 9999, &h) ||
	    !slice_number(length, 999999, &ms))
		return false;
	return w == c->width && h == c->height && ms + TOLERANCE_MS >= c->length_ms &&
	       ms <= c->length_ms + TOLERANCE_MS;
}
