/*
 * judge.h: what became of a part, told without any code of ours.
 *
 * A part is what its simulator remembers, a JSON text.  It is taken to pieces by jansson, keys and
 * certificates are checked by OpenSSL, and everything else must be as in a board that nobody
 * disturbed.  What belongs to one part alone (id, keys, certificate, channel's secret) is
 * judged by itself; what its maker put in must be as it was.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_HOSTILE_JUDGE_H
#define TESTS_HOSTILE_JUDGE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define JUDGE_TEXT 240

struct judge;

/* What the station says of the part. */
struct judge_claim {
    const char *label, *uid;
    const uint8_t *cert;
    size_t cert_len;
};

enum judge_verdict {
    JUDGE_UNTOUCHED,   /* as it came, but for what reading changes */
    JUDGE_PROVISIONED, /* whole, sealed, with that identity */
    JUDGE_OTHER,       /* neither; why says what is missing */
};

extern const char *const judge_names[3];

/*
 * model: "se050".  master: of the channel's secrets, 32 bytes, or NULL: the line has none.
 * NULL: there is no such model here.
 */
struct judge *judge_new(const char *model, const uint8_t *master);
void judge_free(struct judge *j);
/* The CAs, DER, the root first. */
void judge_add_ca(struct judge *j, const uint8_t *der, size_t len);
/*
 * A board that nobody disturbed: as it came, and as it is when it passed.  0: even that one is not
 * right, why says how.
 */
int judge_learn(struct judge *j, const char *start, const char *end,
                const struct judge_claim *claim, char why[JUDGE_TEXT]);

enum judge_verdict judge_part(const struct judge *j, const char *start, const char *now,
                              const struct judge_claim *claim, char why[JUDGE_TEXT]);
/* 1 when the part keeps that certificate. */
int judge_holds(const struct judge *j, const char *now, const uint8_t *cert, size_t len);
/* The part's unique id, in hex. */
void judge_uid(const struct judge *j, const char *now, char hex[65]);
/* Nothing that the part keeps is another in these two, but for what reading changes. */
int judge_same(const struct judge *j, const char *a, const char *b, char why[JUDGE_TEXT]);
/* SHA-256 of the identity's SubjectPublicKeyInfo, in hex; "" when there is no key. */
void judge_key(const struct judge *j, const char *now, char hex[65]);
/* Every private key, and every secret that is the part's own, in hex, one a line. */
void judge_secrets(const struct judge *j, const char *now, FILE *out);

#endif /* TESTS_HOSTILE_JUDGE_H */
