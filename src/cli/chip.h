/*
 * chip.h: what the verbs of `rootsmith chip` share: one chip on a desk.
 *
 * A verb gets an open chip and gives an exit code, or -1 and err filled in.
 * What is data goes to stdout or --output; then talk goes to stderr.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_CHIP_H
#define CLI_CHIP_H

#include <rot/linux.h>
#include <rot/registry.h>
#include <rot/rot.h>

#include "cli/cli.h"
#include "crypto/pub.h"
#include "layout/layout.h"

#define DESK_FILE_MAX 65536

struct desk {
    struct cli *cli;
    const struct cli_args *args;
    const char *uri;
    struct rot_linux lin;
    struct rot_chip chip;
    rot_object object;    /* of verbs that name one */
    char object_name[32]; /* as librot writes it */
};

/* ---- Opening (chip.c) ------------------------------------------------------------------------- */

/* By --chip, with --layout.  On failure nothing is left open. */
RS_MUST_USE rs_code desk_open(struct desk *d, struct rs_err *err);
void desk_close(struct desk *d);
/* Whom --chip or ROOTSMITH_CHIP names; desk_open() does it, too. */
void desk_take_uri(struct desk *d);

const struct rot_layout *desk_layout(const struct desk *d);
/* Of a file; NULL when it has mistakes, which are on stderr then. */
const struct rot_layout *desk_load_layout(struct cli *cli, const char *path);
/* NULL: the layout has none. */
const struct rot_place *desk_place(const struct desk *d, enum rot_part part);

/* What a person is told when a call fails: which rule, and in whose words.  Gives the code. */
rs_code desk_fail(struct desk *d, rot_err rot, const char *what, struct rs_err *err);
rs_code desk_code(rot_err rot);
/* "nothing is there yet": the middle of a sentence. */
const char *desk_why(rot_err rot);

/* ---- Words (chip_words.c) --------------------------------------------------------------------- */

const char *desk_life_name(enum rot_lifecycle life);
const char *desk_protection_name(unsigned protection);
const char *desk_primitive_name(unsigned primitive);
/* "0123e0f1…d6ee": enough to tell parts apart; out has room for 24. */
void desk_short_hex(const struct cli *cli, struct rs_bytes bytes, char out[24]);
/* "slot 3", "0xe0f1": as data sheets write it. */
void desk_where(const struct rot_place *place, char out[24]);
/* Why a part of this driver cannot be wiped. */
const char *desk_no_wipe(const char *driver);

/* ---- Output ----------------------------------------------------------------------------------- */

/* Talk beside data: to stderr when data goes to stdout.  Nothing with --json or --quiet. */
void desk_say(const struct desk *d, const char *fmt, ...) RS_PRINTF(2, 3);
void desk_next(const struct desk *d, const char *first, const char *second);
/* "  label     words", wrapped below the first word, which stands in column indent. */
void desk_put_field(const struct cli *cli, const char *label, size_t indent, const char *words);
int desk_put_bytes(struct desk *d, struct rs_bytes bytes);
int desk_put_pem(struct desk *d, const char *label, struct rs_bytes der);
/* How far: drawn on a terminal's stderr, gone when done == total. */
void desk_progress(const struct cli *cli, const char *what, size_t done, size_t total);

/*
 * Irreversible: the model is typed, or given by --yes-irreversible; 0 when it was not, or
 * when it is another one.  gone: what will be so for good, lines of it.
 */
int desk_may_seal(struct desk *d, const char *gone);

/* ---- Keys -------------------------------------------------------------------------------------- */

RS_MUST_USE rs_code desk_public_key(struct desk *d, struct rs_buf *room, struct crypto_pub *ret_pub,
                                    struct rs_err *err);
/* client_sign_fn, with the object's key. */
rs_code desk_sign(void *desk, struct rs_bytes tbs, uint8_t *sig, size_t cap, size_t *ret_len,
                  struct rs_err *err);
/* An object's bytes; RS_E_CHIP_EMPTY when there are none. */
RS_MUST_USE rs_code desk_read(struct desk *d, enum rot_part part, struct rs_buf *out,
                              struct rs_err *err);

/* ---- Actions ------------------------------------------------------------------------------------ */

int chip_info(struct desk *d, struct rs_err *err);
int chip_genkey(struct desk *d, struct rs_err *err);
int chip_csr(struct desk *d, struct rs_err *err);
int chip_sign(struct desk *d, struct rs_err *err);
int chip_reference(struct desk *d, struct rs_err *err);
int chip_challenge(struct desk *d, struct rs_err *err);
int chip_read(struct desk *d, struct rs_err *err);
int chip_write(struct desk *d, struct rs_err *err);
int chip_layout(struct desk *d, struct rs_err *err);
int chip_lock(struct desk *d, struct rs_err *err);
int chip_wipe(struct desk *d, struct rs_err *err);

#endif /* CLI_CHIP_H */
