/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QR codes on a terminal, through libqrencode where it is installed.  It is loaded when
 * it is wanted, as systemd does it: one command uses it once in a host's life, and not
 * every image has it (Amazon Linux 2: qrencode-libs, version 3).
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define QUIET	  2 /* modules of white around it; what readers need at least */
#define LEVEL_M	  1 /* QR_ECLEVEL_M: 15 % of it may be unreadable */
#define MODE_8BIT 2 /* QR_MODE_8 */

/* qrencode.h, the same in versions 3 and 4. */
struct qr_code {
	int version;
	int width;
	unsigned char *data; /* bit 0: black */
};
typedef struct qr_code *(*encode_fn)(const char *text, int version, int level, int mode,
				     int case_sensitive);
typedef void (*free_fn)(struct qr_code *code);

static bool is_black(const struct qr_code *code, int x, int y)
{
	if (x < 0 || y < 0 || x >= code->width || y >= code->width)
		return false;
	return code->data[y * code->width + x] & 1;
}

/* Two rows in one line; white is drawn, so that it works on a dark terminal as well. */
static void draw(FILE *out, const struct qr_code *code)
{
	static const char *const blocks[] = {"\u2588", "\u2580", "\u2584", " "};

	for (int y = -QUIET; y < code->width + QUIET; y += 2) {
		fputs("  \033[97;40m", out);
		for (int x = -QUIET; x < code->width + QUIET; x++)
			fputs(blocks[is_black(code, x, y) * 2 + is_black(code, x, y + 1)], out);
		fputs("\033[0m\n", out);
	}
}

bool cli_put_qr(FILE *out, const char *text)
{
	static const char *const names[] = {"libqrencode.so.4", "libqrencode.so.3"};
	struct qr_code *code = NULL;
	void *library = NULL;
	encode_fn encode;
	free_fn release;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !library; i++)
		library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return false;
	encode = (encode_fn)dlsym(library, "QRcode_encodeString");
	release = (free_fn)dlsym(library, "QRcode_free");
	if (encode && release)
		code = encode(text, 0, LEVEL_M, MODE_8BIT, 1);
	if (code) {
		draw(out, code);
		release(code);
	}
	dlclose(library);
	return code != NULL;
}
