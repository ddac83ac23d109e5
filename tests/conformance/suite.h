/*
 * suite.h: one suite for every chip.
 *
 *   rot-conformance [--layout NAME] [--golden FILE [--write]] CHIP [CHIP2]
 *   rot-conformance --refusals CHIP OTHER...
 *
 * Asks every object of the layout for every primitive.  What the capability
 * table offers must work and must refuse wrong use; what it does not offer
 * must be ROT_E_UNSUPPORTED and nothing else.  The table is then compared with
 * the golden file of the model, so that a change of what a chip can do is seen
 * as a change of a file.
 *
 * Take a chip that may be used up: the suite makes keys, seals what the
 * layout can seal, and gives the chip a channel secret that is written here.
 * A layout that wants a channel is tested through it.  With a second chip it
 * also checks that two chips are two.  With --refusals nothing is changed: see
 * refusals.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_CONFORMANCE_SUITE_H
#define TESTS_CONFORMANCE_SUITE_H

#include <stdio.h>

#include <rot/linux.h>

#define OBJECTS_MAX   64
#define SUITE_PUB_MAX 320 /* bytes of SubjectPublicKeyInfo: a vendor's RSA-2048 key takes 294 */

/* How one primitive of one object came out. */
enum outcome {
    NOT_ASKED = 0,
    IS_NA,          /* means nothing for this kind of object */
    IS_UNSUPPORTED, /* said by the table and by the call */
    IS_YES,         /* said by the table, and done */
    IS_FORM,        /* offered; wants bytes in a form of the part's own, and refuses others */
    IS_WRONG,       /* table and call disagree, or the answer is wrong */
};

struct tested_object {
    rot_object object;
    char name[ROT_NAME_MAX];
    struct rot_capability cap;
    enum outcome outcome[ROT_PRIMITIVES];
    uint8_t pub[SUITE_PUB_MAX]; /* its public key, once made */
    size_t pub_len;
};

struct suite {
    struct rot_linux lin;
    struct rot_chip chip;
    struct rot_identity identity;
    const struct rot_layout *layout;
    uint8_t simulated;    /* as its transport says */
    enum outcome channel; /* of pairing, when the layout wants a channel */
    size_t count;
    struct tested_object objects[OBJECTS_MAX];
    unsigned checks, failures;
};

/* One check: counts, and prints what failed. */
int suite_check(struct suite *s, int ok, const char *file, int line, const char *what,
                const char *about);
#define CHECK(s, about, condition)                                                                 \
    suite_check(s, (condition), __FILE__, __LINE__, #condition, about)
/* The same for a call and the one code it must give; a wrong code is printed. */
int suite_check_code(struct suite *s, rot_err got, rot_err want, const char *file, int line,
                     const char *what, const char *about);
#define GIVES(s, about, call, code)                                                                \
    suite_check_code(s, (call), (code), __FILE__, __LINE__, #call, about)

static inline int
suite_offers(const struct tested_object *o, enum rot_primitive p)
{
    return o->cap.where[p] != ROT_NOWHERE;
}

/* channel.c: production, and the host's secret in the part. */
int suite_wants_channel(const struct suite *s);
void suite_pair(struct suite *s);
/* On an open chip that production may look at and not change. */
void suite_refuse_changes(struct suite *s, const char *when);
int suite_rotate(struct suite *s);

/* chip.c: calls on the whole chip. */
void suite_run_chip(struct suite *s);
void suite_prepare(struct suite *s);
void suite_run_reset(struct suite *s);
void suite_run_seals(struct suite *s);
void suite_run_two(struct suite *a, struct suite *b);

/* refusals.c: on a chip that is open and blank; it is closed afterwards. */
void suite_run_refusals(struct suite *s, const char *const *others, size_t count);

/* keys.c: key pairs. */
void suite_run_keys(struct suite *s, struct tested_object *o);
void suite_run_delete(struct suite *s, struct tested_object *o);
/* secrets.c: session and data keys. */
void suite_run_secrets(struct suite *s, struct tested_object *o);
/* sessions.c: agreed, derived and used, step by step as the host has it. */
void suite_run_sessions(struct suite *s);
int suite_fill_session(struct suite *s, struct tested_object *o);
/* stored.c: bytes and counters. */
void suite_run_stored(struct suite *s, struct tested_object *o);

/* golden.c */
extern const char *const suite_primitive_names[ROT_PRIMITIVES];
int suite_golden(struct suite *s, const char *path, int write_it);
void suite_print_table(const struct suite *s, FILE *out);

#endif /* TESTS_CONFORMANCE_SUITE_H */
