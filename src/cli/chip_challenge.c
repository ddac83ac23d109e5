/*
 * chip_challenge.c: is it who it says it is?
 *
 * Three questions, each only worth something with the one before: does the
 * part sign bytes that nobody could know, is that key the certificate's, and is
 * the certificate one of a CA, or a vendor, that the asker trusts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "base/random.h"
#include "cli/chip.h"
#include "x509/cert.h"

enum answer { NOT_ASKED = 0, YES, NO };

struct challenge {
    struct desk *d;
    enum answer key, cert, trust;
    char cert_text[200], trust_text[200];
    struct rs_buf der, chain; /* what is verified with; der is empty without a certificate */
};

/* ---- Certificates ------------------------------------------------------------------------------------ */

/* Certificates of a PEM text, or one of DER. */
static STACK_OF(X509) * read_all(struct rs_bytes bytes)
{
    STACK_OF(X509) *all = sk_X509_new_null();
    BIO *bio = BIO_new_mem_buf(bytes.p, (int)bytes.len);
    const uint8_t *p = bytes.p, *end = bytes.p + bytes.len;
    X509 *x = NULL;

    while (all != NULL && bio != NULL && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
        (void)sk_X509_push(all, x);
    while (all != NULL && sk_X509_num(all) == 0 && p < end &&
           (x = d2i_X509(NULL, &p, (long)(end - p))) != NULL)
        (void)sk_X509_push(all, x);
    BIO_free(bio);
    return all;
}

static void
take_name(X509_NAME *name, char *out, size_t cap)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long n = 0;

    out[0] = '\0';
    if (bio != NULL && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0)
        n = BIO_get_mem_data(bio, &text);
    if (n > 0 && text != NULL)
        (void)snprintf(out, cap, "%.*s", (int)((size_t)n < cap ? (size_t)n : cap - 1), text);
    rs_text_clean(out);
    BIO_free(bio);
}

static void
take_date(const ASN1_TIME *when, char out[16])
{
    struct tm tm;

    (void)snprintf(out, 16, "?");
    if (ASN1_TIME_to_tm(when, &tm) == 1)
        (void)snprintf(out, 16, tm.tm_year == 8099 ? "never" : "%04d-%02d-%02d",
                       (tm.tm_year + 1900) % 10000, (tm.tm_mon + 1) % 100, tm.tm_mday % 100);
}

static void
describe_certificate(struct challenge *c, X509 *x)
{
    char subject[120], until[16];

    take_name(X509_get_subject_name(x), subject, sizeof(subject));
    take_date(X509_get0_notAfter(x), until);
    (void)snprintf(c->cert_text, sizeof(c->cert_text), "%s, until %s", subject, until);
}

/* A file, or an object whose certificate is stored; the object's own by default. */
static rs_code
load_certificate(struct challenge *c, struct rs_err *err)
{
    const char *named = cli_option(c->d->args, "cert");
    rot_object own = c->d->object, other = own;
    struct rs_err none = {0};
    rs_code rc;

    (void)snprintf(c->cert_text, sizeof(c->cert_text),
                   "none is stored: a key works, nobody says whose it is");
    if (named != NULL && rot_object_parse(named, &other) != ROT_OK) {
        RS_AUTO(rs_buf_done) struct rs_buf file;
        rs_buf_init(&file, DESK_FILE_MAX);
        rc = rs_file_read(named, DESK_FILE_MAX, &file, err);
        rs_buf_put_bytes(&c->der, rs_buf_bytes(&file));
        return rc;
    }
    c->d->object = other;
    rc = desk_read(c->d, ROT_PART_CERT, &c->der, err);
    if (desk_place(c->d, ROT_PART_CHAIN) != NULL && rc == RS_OK)
        (void)!desk_read(c->d, ROT_PART_CHAIN, &c->chain, &none);
    c->d->object = own;
    if (rc == RS_OK || named != NULL)
        return rc;
    /* Without one the first question can still be asked; what that shows is said. */
    if (rc != RS_E_CHIP_EMPTY)
        (void)snprintf(c->cert_text, sizeof(c->cert_text), "not read (%s)", rs_code_info(rc)->name);
    *err = none;
    return RS_OK;
}

/* ---- The questions ------------------------------------------------------------------------------------ */

/* The certificate's key, where the part cannot tell its own. */
static rs_code
find_key(struct challenge *c, X509 *x, struct rs_buf *room, struct crypto_pub *pub,
         struct rs_err *err)
{
    struct rs_err own = {0};
    uint8_t *der = NULL;
    int n;

    if (desk_public_key(c->d, room, pub, &own) == RS_OK)
        return RS_OK;
    if (x == NULL || own.code != RS_E_CHIP_UNSUPPORTED) {
        *err = own;
        return own.code;
    }
    n = i2d_PUBKEY(X509_get0_pubkey(x), &der);
    if (n > 0)
        rs_buf_put(room, der, (size_t)n);
    OPENSSL_free(der);
    return crypto_pub_read(rs_buf_bytes(room), pub, err);
}

static rs_code
ask_key(struct challenge *c, X509 *x, struct rs_buf *spki, struct rs_err *err)
{
    uint8_t nonce[32], sig[ROT_SIGNATURE_MAX];
    struct crypto_pub pub = {0};
    struct rs_err why = {0};
    size_t len = 0;
    rs_code rc = rs_random(nonce, sizeof(nonce), err);

    if (rc == RS_OK)
        rc = find_key(c, x, spki, &pub, err);
    if (rc == RS_OK)
        rc = desk_sign(c->d, RS_BYTES(nonce), sig, sizeof(sig), &len, err);
    if (rc != RS_OK)
        return rc;
    c->key = crypto_verify(&pub, crypto_sig_for(pub.alg), RS_BYTES(nonce), rs_bytes_of(sig, len),
                           &why) == RS_OK
                 ? YES
                 : NO;
    return RS_OK;
}

static void
ask_certificate(struct challenge *c, X509 *x, struct rs_bytes spki)
{
    uint8_t *der = NULL;
    int n = i2d_PUBKEY(X509_get0_pubkey(x), &der);
    time_t now = (time_t)rs_now();
    size_t at;

    describe_certificate(c, x);
    at = strlen(c->cert_text);
    c->cert = n > 0 && rs_bytes_equal(rs_bytes_of(der, (size_t)n), spki) ? YES : NO;
    OPENSSL_free(der);
    if (c->cert == NO) {
        (void)snprintf(c->cert_text + at, sizeof(c->cert_text) - at, "; it is for another key");
    } else if (X509_cmp_time(X509_get0_notAfter(x), &now) < 0) {
        c->cert = NO;
        (void)snprintf(c->cert_text + at, sizeof(c->cert_text) - at, "; it has expired");
    }
}

static void
judge(struct challenge *c, X509 *x, STACK_OF(X509) * anchors, STACK_OF(X509) * between,
      const char *path)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    char name[100] = "";

    c->trust = NO;
    if (store != NULL && ctx != NULL && X509_STORE_CTX_init(ctx, store, x, between) == 1) {
        /* Whoever names an issuing CA trusts that one. */
        X509_STORE_CTX_set0_trusted_stack(ctx, anchors);
        X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_PARTIAL_CHAIN);
        X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(ctx), (time_t)rs_now());
        c->trust = X509_verify_cert(ctx) == 1 ? YES : NO;
    }
    if (c->trust == YES) {
        STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);

        take_name(X509_get_subject_name(sk_X509_value(chain, sk_X509_num(chain) - 1)), name,
                  sizeof(name));
        (void)snprintf(c->trust_text, sizeof(c->trust_text), "by %s, in %.80s", name, path);
    } else {
        (void)snprintf(c->trust_text, sizeof(c->trust_text), "no path to %.80s: %s", path,
                       ctx != NULL ? X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx))
                                   : "no memory");
    }
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
}

static rs_code
ask_trust(struct challenge *c, X509 *x, struct rs_err *err)
{
    const char *path = cli_option(c->d->args, "ca");
    STACK_OF(X509) *anchors = NULL, *between = NULL;
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf file;
    rs_buf_init(&file, DESK_FILE_MAX);
    if (path == NULL)
        return RS_OK;
    rc = rs_file_read(path, DESK_FILE_MAX, &file, err);
    if (rc != RS_OK)
        return rc;
    anchors = read_all(rs_buf_bytes(&file));
    between = read_all(rs_buf_bytes(&c->chain));
    if (anchors == NULL || between == NULL || sk_X509_num(anchors) == 0) {
        rc = rs_fail(err, RS_E_USAGE, "%.160s has no certificate in it, neither PEM nor DER", path);
    } else if (x == NULL) {
        c->trust = NO;
        (void)snprintf(c->trust_text, sizeof(c->trust_text), "there is no certificate to compare");
    } else {
        judge(c, x, anchors, between, path);
    }
    sk_X509_pop_free(anchors, X509_free);
    sk_X509_pop_free(between, X509_free);
    return rc;
}

/* ---- The answer ---------------------------------------------------------------------------------------- */

static void
say_line(const struct challenge *c, enum answer a, const char *what, const char *text)
{
    static const char signs[] = {'!', 'y', 'n'};

    cli_say(c->d->cli, "  %s %-12s %s", cli_sign(c->d->cli, signs[a]), what, text);
}

static void
say_answer(const struct challenge *c, int good)
{
    const struct desk *d = c->d;
    char next[200];

    say_line(c, c->key, "key",
             c->key == YES ? "signed 32 fresh random bytes inside the part"
                           : "signed something else than the bytes it was given");
    say_line(c, c->cert, "certificate", c->cert_text);
    if (c->trust != NOT_ASKED)
        say_line(c, c->trust, "trust", c->trust_text);
    else if (c->cert != NOT_ASKED)
        say_line(c, NOT_ASKED, "trust", "not asked: --ca FILE names a CA or a vendor's root");
    cli_say(d->cli, "%s %s", cli_sign(d->cli, good ? 'y' : 'n'),
            good ? "The part passed." : "The answer is no.");
    if (!good || c->cert != NOT_ASKED)
        return;
    (void)snprintf(next, sizeof(next), "rootsmith chip csr %s --serial SERIAL --chip %.100s",
                   d->object_name, d->uri);
    cli_next(d->cli, next, NULL, NULL);
}

static const char *
word(enum answer a)
{
    return a == YES ? "yes" : a == NO ? "no" : "not-asked";
}

static int
put_answer(const struct challenge *c)
{
    int good = c->key == YES && c->cert != NO && c->trust != NO;

    if (c->d->cli->json) {
        RS_AUTO(rs_json_done) json_t *j = json_pack(
            "{s:s, s:b, s:s, s:s, s:s, s:s, s:s, s:s}", "kind", "chip-challenge", "ok", good,
            "object", c->d->object_name, "key", word(c->key), "certificate", word(c->cert), "trust",
            word(c->trust), "certificate_text", c->cert_text, "trust_text", c->trust_text);
        (void)cli_put_json(c->d->cli, j);
        return good ? 0 : 3;
    }
    say_answer(c, good);
    return good ? 0 : 3;
}

int
chip_challenge(struct desk *d, struct rs_err *err)
{
    struct challenge c = {.d = d};
    X509 *x = NULL;
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf spki;
    rs_buf_init(&spki, ROT_PUBLIC_KEY_MAX);
    rs_buf_init(&c.der, DESK_FILE_MAX);
    rs_buf_init(&c.chain, DESK_FILE_MAX);
    rc = load_certificate(&c, err);
    if (rc == RS_OK && c.der.len != 0) {
        STACK_OF(X509) *all = read_all(rs_buf_bytes(&c.der));
        x = all != NULL ? sk_X509_shift(all) : NULL;
        sk_X509_pop_free(all, X509_free);
        if (x == NULL)
            rc = rs_fail(err, RS_E_CHIP_FORMAT, "%.80s: the certificate cannot be read", d->uri);
    }
    if (rc == RS_OK)
        rc = ask_key(&c, x, &spki, err);
    if (rc == RS_OK && x != NULL)
        ask_certificate(&c, x, rs_buf_bytes(&spki));
    if (rc == RS_OK)
        rc = ask_trust(&c, x, err);
    X509_free(x);
    rs_buf_done(&c.der);
    rs_buf_done(&c.chain);
    return rc == RS_OK ? put_answer(&c) : -1;
}
