/*
 * judge_inner.h: what the files of the judge share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_HOSTILE_JUDGE_INNER_H
#define TESTS_HOSTILE_JUDGE_INNER_H

#include <jansson.h>
#include <openssl/x509.h>

#include "judge.h"

#define JUDGE_CAS   4
#define JUDGE_BYTES 4096 /* of one thing that a part keeps */

struct judge_bytes {
    uint8_t p[JUDGE_BYTES];
    size_t len;
};

/* A part, each thing by its path: "objects/52530101/value". */
struct judge_facts {
    json_t *map;
};

/* How a family keeps things. */
struct judge_family {
    const char *driver;  /* in the channel secrets' derivation */
    size_t secret_size;  /* of the channel's secret */
    const char *members; /* that name the items of arrays, with blanks around */
    /* Split what is kept together, so that only a piece of it is the part's own. */
    void (*split)(struct judge_facts *f);
    /* 1: reading changes it. */
    int (*is_counted)(const char *path);
    /* 1: the part's own, looked at by the two below. */
    int (*is_own)(const char *path);
    /* 1: its maker's, which must stay. */
    int (*is_makers)(const char *path);
    /* The part's unique id, in hex. */
    const char *(*uid)(const struct judge_facts *f);
    /* The identity's private key, 32 bytes; 0: none. */
    int (*key)(const struct judge_facts *f, uint8_t d[32]);
    /* Is everything of its own there and right?  pub: SubjectPublicKeyInfo of its key. */
    int (*check)(const struct judge *j, const struct judge_facts *start,
                 const struct judge_facts *now, const struct judge_claim *claim,
                 char why[JUDGE_TEXT]);
    /* Does it keep that certificate? */
    int (*holds)(const struct judge_facts *f, const uint8_t *cert, size_t len);
    /* Paths of private keys and secrets: their last words. */
    const char *secrets;
};

struct judge {
    const struct judge_family *family;
    uint8_t master[32];
    int has_master;
    X509 *cas[JUDGE_CAS];
    struct judge_bytes ca_der[JUDGE_CAS];
    size_t ca_count;
    struct judge_facts reference; /* a finished board */
};

extern const struct judge_family judge_atecc, judge_se05x, judge_stsafe, judge_optiga;

/* One sentence why not; always 0. */
int judge_not(char why[JUDGE_TEXT], const char *format, ...) __attribute__((format(printf, 2, 3)));

/* 1 when a path is one of a list with blanks around each. */
int judge_among(const char *list, const char *path);
const char *judge_text(const struct judge_facts *f, const char *path); /* "" when it is not there */
/* A hex text's bytes; 0: it is not there, or none. */
int judge_get(const struct judge_facts *f, const char *path, struct judge_bytes *out);
int judge_is(const struct judge_bytes *b, const uint8_t *p, size_t len);
/* The channel's secret that the part should have. */
void judge_secret(const struct judge *j, const char *uid, uint8_t *out, size_t len);
/* The issuer of that certificate among the CAs, DER; NULL. */
const struct judge_bytes *judge_issuer(const struct judge *j, const uint8_t *cert, size_t len);
/* X || Y of a private key on P-256; 0: it is none. */
int judge_point(const uint8_t d[32], uint8_t point[64]);

#endif /* TESTS_HOSTILE_JUDGE_INNER_H */
