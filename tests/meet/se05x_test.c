/*
 * se05x_test.c: the driver of the SE05x and simulated SE050 and SE051: the platform's
 * channel from the published keys to the host's own, power cuts, evidence that
 * somebody else checks, two programs on one part, and what is refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#define PRODUCTION ROT_OPEN_PRODUCTION

static const char *const kinds[] = {"blank-se050", "blank-se051"};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* The four points of a command, of which n is counted from 1. */
static const char *const points[] = {"cut-before", "cut-write", "cut-after", "cut-answered"};
#define POINTS (sizeof(points) / sizeof(points[0]))

/* ENC of the sets that the vendor published for the two. */
static const char *const published_enc[KINDS] = {"35c256458958a34f6136155f8209d6cd",
                                                 "bfc2dbe1828e035d3e7fa36b902a05c6"};

static int
is_ours(struct bench *b)
{
    struct rot_identity id;

    /* Power that failed behind an answer may be noticed by the blocks' numbers only: "bus", once. */
    if (rot_identify(&b->rot, &id) == ROT_E_BUS)
        IS(rot_identify(&b->rot, &id), ROT_OK);
    return id.protection == ROT_PROTECTION_OWN;
}

static int
remembers(struct bench *b, const char *text)
{
    char *memory = far_memory(b->far);
    int found = strstr(memory, text) != NULL;

    free(memory);
    return found;
}

static struct bench *
paired(const char *kind)
{
    struct bench *b = bench_new(kind);

    bench_host(b, "ours");
    IS(bench_open(b, PRODUCTION), ROT_OK);
    IS(rot_channel_pair(&b->rot), ROT_OK);
    assert_true(is_ours(b));
    return b;
}

/* Let a rule wait for the n-th command from now. */
static void
arm(struct bench *b, size_t point, unsigned n)
{
    char rule[32];

    (void)snprintf(rule, sizeof(rule), "%s@%u", points[point], n);
    far_fault(b->far, rule);
}

/* 1 when the rule cut; the part has power again. */
static int
disarm(struct bench *b)
{
    int was_cut = !far_has_power(b->far);

    far_clear(b->far);
    far_power(b->far, 1);
    return was_cut;
}

/* ---- The channel ---------------------------------------------------------------------------- */

static void
from_published_keys_to_ours(void **state)
{
    uint8_t pub[91];
    size_t n = 0;

    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        struct bench *b = bench_new(kinds[k]);
        char *before = far_memory(b->far), *after;

        assert_true(remembers(b, published_enc[k]));
        bench_host(b, "ours");
        IS(bench_open(b, PRODUCTION), ROT_OK);
        assert_int_equal(b->rot.protection, ROT_PROTECTION_DEFAULT);
        IS(rot_key_generate(&b->rot, ROT_IDEVID, ROT_ALG_P256, pub, sizeof(pub), &n), ROT_E_AUTH);
        after = far_memory(b->far);
        assert_string_equal(before, after);
        IS(rot_channel_pair(&b->rot), ROT_OK);
        assert_true(is_ours(b));
        assert_false(remembers(b, published_enc[k]));
        IS(rot_key_generate(&b->rot, ROT_IDEVID, ROT_ALG_P256, pub, sizeof(pub), &n), ROT_OK);
        /* Again, and as another host's, and as nobody's. */
        IS(bench_open(b, PRODUCTION), ROT_OK);
        assert_true(is_ours(b));
        bench_host(b, "another");
        IS(bench_open(b, PRODUCTION), ROT_E_AUTH);
        bench_host(b, NULL);
        IS(bench_open(b, 0), ROT_E_AUTH);
        bench_host(b, "ours");
        IS(bench_open(b, 0), ROT_OK);
        assert_true(is_ours(b));
        free(before);
        free(after);
        bench_free(b);
    }
}

/* One part, one cut while it is paired.  0: there were fewer commands. */
static int
cut_pairing(size_t kind, size_t point, unsigned n, unsigned *ret_new)
{
    struct bench *b = bench_new(kinds[kind]);
    int was_cut, has_new;
    rot_err rc;

    bench_host(b, "ours");
    IS(bench_open(b, PRODUCTION), ROT_OK);
    arm(b, point, n);
    rc = rot_channel_pair(&b->rot);
    was_cut = disarm(b);
    if (rc != ROT_OK && !was_cut)
        fail_msg("%s@%u: %s without a cut", points[point], n, rot_err_name(rc));
    /* One of the two sets is in the part, and the driver finds which: with the chip still open, */
    has_new = !remembers(b, published_enc[kind]);
    assert_int_equal(is_ours(b), has_new);
    /* and from nothing. */
    IS(bench_open(b, PRODUCTION), ROT_OK);
    assert_int_equal(is_ours(b), has_new);
    IS(rot_channel_pair(&b->rot), ROT_OK);
    assert_true(is_ours(b));
    assert_false(remembers(b, published_enc[kind]));
    *ret_new += was_cut && has_new;
    bench_free(b);
    return was_cut;
}

static void
pairing_survives_cuts(void **state)
{
    unsigned cuts = 0, with_new = 0;

    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        for (size_t i = 0; i < POINTS; i++) {
            for (unsigned n = 1; cut_pairing(k, i, n, &with_new); n++)
                cuts++;
        }
    }
    print_message("%u power cuts while pairing, %u of them behind the new keys\n", cuts, with_new);
    assert_true(cuts >= 2 * POINTS * 6 && with_new > 0 && with_new < cuts);
}

static void
secret_of(struct bench *b, const char *master, uint8_t secret[ROT_SECRET_MAX])
{
    const struct rot_port *port = &b->crypto.port;
    struct rot_port_openssl host = b->crypto;
    struct rot_identity id;

    IS(rot_identify(&b->rot, &id), ROT_OK);
    bench_host(b, master);
    IS(port->ops->channel_secret(port->self, "se05x", (struct rot_bytes){id.uid, id.uid_len},
                                 secret, b->setup.driver->channel_size),
       ROT_OK);
    b->crypto.channel = host.channel;
}

/* From one host's keys to another's: either opens the part, and never both. */
static int
cut_rotation(size_t kind, size_t point, unsigned n)
{
    struct bench *b = paired(kinds[kind]);
    uint8_t secret[ROT_SECRET_MAX];
    size_t len = b->setup.driver->channel_size;
    rot_err ours, another;
    int was_cut;

    secret_of(b, "another", secret);
    arm(b, point, n);
    if (rot_channel_rotate(&b->rot, secret, len) != ROT_OK)
        assert_false(far_has_power(b->far));
    was_cut = disarm(b);
    assert_true(is_ours(b)); /* the open chip has both */
    ours = bench_open(b, PRODUCTION);
    bench_host(b, "another");
    another = bench_open(b, PRODUCTION);
    assert_true((ours == ROT_OK && another == ROT_E_AUTH) ||
                (ours == ROT_E_AUTH && another == ROT_OK));
    bench_host(b, ours == ROT_OK ? "ours" : "another");
    IS(bench_open(b, PRODUCTION), ROT_OK);
    IS(rot_channel_rotate(&b->rot, secret, len), ROT_OK);
    bench_host(b, "another");
    IS(bench_open(b, PRODUCTION), ROT_OK);
    assert_true(is_ours(b));
    bench_free(b);
    return was_cut;
}

static void
rotation_survives_cuts(void **state)
{
    unsigned cuts = 0;

    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        for (size_t i = 0; i < POINTS; i++) {
            for (unsigned n = 1; cut_rotation(k, i, n); n++)
                cuts++;
        }
    }
    print_message("%u power cuts while another host's keys are given\n", cuts);
    assert_true(cuts >= 2 * POINTS * 6);
}

/* ---- Power cuts of what is kept ------------------------------------------------------------- */

static const uint8_t old_text[] = "what was there before", new_text[1000] = "what is there now";

static rot_err
write_text(struct bench *b, const uint8_t *p, size_t len)
{
    size_t need = 0;

    return rot_object_write(&b->rot, ROT_TRUST(1), ROT_PART_DATA, 0, p, len, len, &need);
}

/* Old or new, as a whole; then the new. */
static int
cut_write(size_t kind, size_t point, unsigned n)
{
    struct bench *b = paired(kinds[kind]);
    uint8_t back[sizeof(new_text)];
    size_t len = 0;
    int was_cut, is_new;

    IS(write_text(b, old_text, sizeof(old_text)), ROT_OK);
    arm(b, point, n);
    (void)!write_text(b, new_text, sizeof(new_text));
    was_cut = disarm(b);
    IS(bench_open(b, PRODUCTION), ROT_OK);
    IS(rot_object_read(&b->rot, ROT_TRUST(1), ROT_PART_DATA, 0, back, sizeof(back), &len), ROT_OK);
    is_new = len == sizeof(new_text);
    assert_memory_equal(back, is_new ? new_text : old_text, len);
    assert_true(is_new || len == sizeof(old_text));
    IS(write_text(b, new_text, sizeof(new_text)), ROT_OK);
    IS(rot_object_read(&b->rot, ROT_TRUST(1), ROT_PART_DATA, 0, back, sizeof(back), &len), ROT_OK);
    assert_int_equal(len, sizeof(new_text));
    assert_memory_equal(back, new_text, len);
    bench_free(b);
    return was_cut;
}

/* Of two cuts and a success there is one identity: a key that was seen once stays. */
static int
cut_identity(size_t kind, size_t point, unsigned n)
{
    struct bench *b = paired(kinds[kind]);
    uint8_t seen[91], pub[91];
    size_t len = 0;
    rot_err rc;
    int was_cut;

    arm(b, point, n);
    (void)!rot_key_generate(&b->rot, ROT_IDEVID, ROT_ALG_P256, pub, sizeof(pub), &len);
    was_cut = disarm(b);
    IS(bench_open(b, PRODUCTION), ROT_OK);
    rc = rot_key_public(&b->rot, ROT_IDEVID, seen, sizeof(seen), &len);
    assert_true(rc == ROT_OK || rc == ROT_E_EMPTY);
    IS(rot_key_generate(&b->rot, ROT_IDEVID, ROT_ALG_P256, pub, sizeof(pub), &len), ROT_OK);
    if (rc == ROT_OK)
        assert_memory_equal(seen, pub, len);
    IS(rot_seal(&b->rot, ROT_STAGE_OBJECT, ROT_IDEVID), ROT_OK);
    bench_free(b);
    return was_cut;
}

static int
cut_seal(size_t kind, size_t point, unsigned n)
{
    struct bench *b = paired(kinds[kind]);
    enum rot_seal_state state = ROT_SEAL_OPEN;
    uint8_t back[64];
    size_t len = 0;
    int was_cut;

    IS(rot_object_write(&b->rot, ROT_TRUST(0), ROT_PART_DATA, 0, old_text, sizeof(old_text),
                        sizeof(old_text), &len),
       ROT_OK);
    arm(b, point, n);
    (void)!rot_seal(&b->rot, ROT_STAGE_OBJECT, ROT_TRUST(0));
    was_cut = disarm(b);
    IS(bench_open(b, PRODUCTION), ROT_OK);
    for (int i = 0; i < 2; i++) {
        IS(rot_object_read(&b->rot, ROT_TRUST(0), ROT_PART_DATA, 0, back, sizeof(back), &len),
           ROT_OK);
        assert_int_equal(len, sizeof(old_text));
        assert_memory_equal(back, old_text, len);
        IS(rot_seal(&b->rot, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_OK);
    }
    IS(rot_seal_state(&b->rot, ROT_STAGE_OBJECT, ROT_TRUST(0), &state), ROT_OK);
    assert_int_equal(state, ROT_SEAL_DONE);
    IS(rot_object_write(&b->rot, ROT_TRUST(0), ROT_PART_DATA, 0, new_text, 8, 8, &len),
       ROT_E_STATE);
    bench_free(b);
    return was_cut;
}

static void
what_is_kept_survives_cuts(void **state)
{
    int (*const cuts[])(size_t kind, size_t point, unsigned n) = {cut_write, cut_identity,
                                                                  cut_seal};
    unsigned count = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]) * KINDS * POINTS; i++) {
        for (unsigned n = 1; cuts[i / (KINDS * POINTS)](i / POINTS % KINDS, i % POINTS, n); n++)
            count++;
    }
    print_message("%u power cuts while writing, making and sealing\n", count);
    assert_true(count > 200);
}

/* From this memory on, one cut of the seal; the memory behind it, or NULL when there was no cut. */
static char *
cut_seal_from(struct bench *b, const char *memory, unsigned n)
{
    rot_close(&b->rot);
    far_remember(b->far, memory);
    IS(bench_open(b, PRODUCTION), ROT_OK);
    arm(b, 1, n);
    (void)!rot_seal(&b->rot, ROT_STAGE_OBJECT, ROT_TRUST(0));
    return disarm(b) ? far_memory(b->far) : NULL;
}

/* The content is there; or it is gone, and that is said: written anew or, torn twice, nobody's. */
static int
is_lost(struct bench *b, const char *memory)
{
    enum rot_seal_state state = ROT_SEAL_OPEN;
    uint8_t back[64];
    size_t len = 0;
    rot_err rc, written;

    rot_close(&b->rot);
    far_remember(b->far, memory);
    IS(bench_open(b, PRODUCTION), ROT_OK);
    rc = rot_object_read(&b->rot, ROT_TRUST(0), ROT_PART_DATA, 0, back, sizeof(back), &len);
    IS(rot_seal_state(&b->rot, ROT_STAGE_OBJECT, ROT_TRUST(0), &state), ROT_OK);
    if (rc == ROT_OK) {
        assert_memory_equal(back, old_text, len);
        assert_int_not_equal(state, ROT_SEAL_FOREIGN);
        IS(rot_seal(&b->rot, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_OK);
        return 0;
    }
    IS(rc, ROT_E_EMPTY);
    written = rot_object_write(&b->rot, ROT_TRUST(0), ROT_PART_DATA, 0, old_text, sizeof(old_text),
                               sizeof(old_text), &len);
    IS(written, state == ROT_SEAL_FOREIGN ? ROT_E_STATE : ROT_OK);
    return 1;
}

static void
two_cuts_of_a_seal_lose_nothing_unsaid(void **state)
{
    unsigned pairs = 0, lost = 0;

    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        struct bench *b = paired(kinds[k]);
        char *start, *first, *second;
        size_t len = 0;

        IS(rot_object_write(&b->rot, ROT_TRUST(0), ROT_PART_DATA, 0, old_text, sizeof(old_text),
                            sizeof(old_text), &len),
           ROT_OK);
        start = far_memory(b->far);
        for (unsigned n = 1; (first = cut_seal_from(b, start, n)) != NULL; n++) {
            for (unsigned m = 1; (second = cut_seal_from(b, first, m)) != NULL; m++) {
                pairs++;
                lost += (unsigned)is_lost(b, second);
                free(second);
            }
            free(first);
        }
        free(start);
        bench_free(b);
    }
    print_message("%u pairs of cuts while sealing, %u lose what is sealed and say so\n", pairs,
                  lost);
    assert_true(pairs > 100 && lost * 50 < pairs);
}

/* ---- Evidence ------------------------------------------------------------------------------- */

/* The pieces of the evidence (se05x.h), found by this test's own reading of the form. */
struct evidence {
    unsigned form, generation, signer;
    struct rot_bytes command, answer, cert;
};

static struct rot_bytes
take_counted(const uint8_t **p, const uint8_t *end)
{
    struct rot_bytes b;

    assert_true(end - *p >= 2);
    b = (struct rot_bytes){*p + 2, (size_t)(*p)[0] << 8 | (*p)[1]};
    assert_true((size_t)(end - b.p) >= b.len);
    *p = b.p + b.len;
    return b;
}

static void
split(const struct rot_evidence *ev, struct evidence *e)
{
    const uint8_t *p = ev->buf + 6, *end = ev->buf + ev->len;

    assert_int_equal(ev->format, ROT_EVIDENCE_SE05X_READ);
    assert_true(ev->len > 12);
    e->form = ev->buf[0];
    e->generation = ev->buf[1];
    e->signer = (unsigned)ev->buf[2] << 24 | (unsigned)ev->buf[3] << 16 |
                (unsigned)ev->buf[4] << 8 | ev->buf[5];
    e->command = take_counted(&p, end);
    e->answer = take_counted(&p, end);
    e->cert = take_counted(&p, end);
    assert_ptr_equal(p, end);
}

/* The value of a TLV, any form of length; all of it in ret_whole. */
static struct rot_bytes
tlv(struct rot_bytes in, unsigned tag, struct rot_bytes *ret_whole)
{
    while (in.len >= 2) {
        size_t head = 2, len = in.p[1];

        if (len == 0x81 || len == 0x82) {
            head = len - 0x7e;
            len = head == 3 ? in.p[2] : (size_t)in.p[2] << 8 | in.p[3];
        }
        assert_true(in.len >= head + len);
        if (in.p[0] == tag) {
            *ret_whole = (struct rot_bytes){in.p, head + len};
            return (struct rot_bytes){in.p + head, len};
        }
        in.p += head + len;
        in.len -= head + len;
    }
    fail_msg("no tag %02x", tag);
    return in;
}

/* Section 6 of the reference: values of 41 to 45; or the command's hash and 82-form TLVs 41 to 4F. */
static size_t
signed_message(const struct evidence *e, uint8_t *out)
{
    static const uint8_t first[] = {0x41, 0x42, 0x43, 0x44, 0x45},
                         second[] = {0x41, 0x42, 0x43, 0x44, 0x4f};
    const uint8_t *tags = e->generation == 1 ? first : second;
    struct rot_bytes whole;
    size_t len = 0;

    if (e->generation == 2) {
        SHA256(e->command.p, e->command.len, out);
        len = SHA256_DIGEST_LENGTH;
    }
    for (size_t i = 0; i < 5; i++) {
        struct rot_bytes value = tlv(e->answer, tags[i], &whole);

        if (e->generation == 2) {
            out[len++] = tags[i];
            out[len++] = 0x82;
            out[len++] = (uint8_t)(value.len >> 8);
            out[len++] = (uint8_t)value.len;
        }
        memcpy(out + len, value.p, value.len);
        len += value.len;
    }
    return len;
}

static int
is_signed(const struct evidence *e)
{
    uint8_t message[1024];
    size_t len = signed_message(e, message);
    struct rot_bytes whole, sig = tlv(e->answer, e->generation == 1 ? 0x46 : 0x52, &whole);
    const uint8_t *der = e->cert.p;
    X509 *cert = d2i_X509(NULL, &der, (long)e->cert.len);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int ok;

    assert_non_null(cert);
    assert_non_null(ctx);
    ok = EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, X509_get0_pubkey(cert)) == 1 &&
         EVP_DigestVerify(ctx, sig.p, sig.len, message, len) == 1;
    EVP_MD_CTX_free(ctx);
    X509_free(cert);
    return ok;
}

/* What the signature is over is what was asked for, of this part, made inside, and of now. */
static void
check_content(const struct evidence *e, const uint8_t nonce[32], const uint8_t *spki,
              const struct rot_identity *id)
{
    uint8_t hash[SHA256_DIGEST_LENGTH];
    struct rot_bytes whole, data = tlv(e->answer, 0x41, &whole), uid, attributes, fresh;
    const struct rot_bytes body = {e->command.p + 7, e->command.len - 7};

    assert_int_equal(e->form, 1);
    assert_int_equal(e->signer, 0xf0000012);
    assert_int_equal(data.len, 65);
    assert_memory_equal(data.p, spki + 26, 65); /* the point at the end of a P-256 key */
    uid = tlv(e->answer, e->generation == 1 ? 0x45 : 0x42, &whole);
    assert_int_equal(uid.len, id->uid_len);
    assert_memory_equal(uid.p, id->uid, uid.len);
    attributes = tlv(e->answer, e->generation == 1 ? 0x42 : 0x43, &whole);
    assert_memory_equal(attributes.p, "\x52\x53\x00\x01", 4);
    /* One rule of 8 bytes, then the origin: 2, internal (section 4). */
    assert_int_equal(attributes.p[14], 8);
    assert_int_equal(attributes.p[23], 2);
    SHA256(nonce, 32, hash);
    fresh = e->generation == 1 ? tlv(e->answer, 0x44, &whole) : tlv(body, 0x47, &whole);
    assert_int_equal(fresh.len, 16);
    assert_memory_equal(fresh.p, hash, 16);
}

/* Every byte of the answer that is changed, and of what the command says, is seen. */
static void
refuse_tampered(struct rot_evidence *ev)
{
    struct evidence e;
    struct rot_bytes whole, sig;

    split(ev, &e);
    sig = tlv(e.answer, e.generation == 1 ? 0x46 : 0x52, &whole);
    for (const uint8_t *p = tlv(e.answer, 0x41, &whole).p; p < whole.p + whole.len; p++) {
        ev->buf[p - ev->buf] ^= 1;
        assert_false(is_signed(&e));
        ev->buf[p - ev->buf] ^= 1;
    }
    for (const uint8_t *p = sig.p + 4; p < sig.p + 30; p++) {
        ev->buf[p - ev->buf] ^= 1;
        assert_false(is_signed(&e));
        ev->buf[p - ev->buf] ^= 1;
    }
    for (const uint8_t *p = e.command.p; e.generation == 2 && p < e.command.p + e.command.len;
         p++) {
        ev->buf[p - ev->buf] ^= 1;
        assert_false(is_signed(&e));
        ev->buf[p - ev->buf] ^= 1;
    }
    assert_true(is_signed(&e));
}

static void
evidence_holds(void **state)
{
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        struct bench *b = paired(kinds[k]);
        static uint8_t room[ROT_EVIDENCE_MAX];
        struct rot_evidence ev = {.buf = room, .cap = sizeof(room)};
        uint8_t nonce[32] = {7}, pub[91], cert[2048];
        struct rot_identity id;
        struct evidence e;
        size_t n = 0;

        IS(rot_identify(&b->rot, &id), ROT_OK);
        IS(rot_attest(&b->rot, ROT_IDEVID, nonce, &ev), ROT_E_EMPTY);
        IS(rot_key_generate(&b->rot, ROT_IDEVID, ROT_ALG_P256, pub, sizeof(pub), &n), ROT_OK);
        IS(rot_attest(&b->rot, ROT_IDEVID, nonce, &ev), ROT_OK);
        split(&ev, &e);
        assert_int_equal(e.generation, k + 1);
        check_content(&e, nonce, pub, &id);
        assert_true(is_signed(&e));
        refuse_tampered(&ev);
        /* The certificate is the one that the part holds. */
        IS(rot_object_read(&b->rot, ROT_VENDOR(0), ROT_PART_CERT, 0, cert, sizeof(cert), &n),
           ROT_OK);
        assert_int_equal(n, e.cert.len);
        assert_memory_equal(cert, e.cert.p, n);
        bench_free(b);
    }
}

/* ---- Two programs ----------------------------------------------------------------------------- */

/*
 * The part counts its blocks on for both, so a program may find the line out of step, once.  What
 * it never gets is the other's answer: its channel shows that.
 */
static void
take_turn(struct rot_chip *chip, uint8_t x[16])
{
    rot_err rc = rot_random(chip, x, 16);

    if (rc == ROT_E_BUS)
        rc = rot_random(chip, x, 16);
    IS(rc, ROT_OK);
}

static void
two_programs_on_one_part(void **state)
{
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        struct bench *b = paired(kinds[k]);
        static uint64_t memory[BENCH_STATE_SIZE / sizeof(uint64_t)];
        struct rot_setup setup = b->setup;
        struct rot_identity first, second;
        struct rot_chip other;
        uint8_t x[16], y[16];

        IS(rot_identify(&b->rot, &first), ROT_OK);
        setup.state = memory;
        /* Somebody else opens it, who cannot know what is selected, and dies without a word. */
        IS(rot_open(&other, &setup), ROT_OK);
        IS(rot_identify(&other, &second), ROT_OK);
        assert_string_equal(first.model, second.model);
        assert_string_equal(first.model, far_model(b->far));
        for (int i = 0; i < 4; i++) {
            take_turn(&b->rot, x);
            take_turn(&other, y);
            assert_memory_not_equal(x, y, sizeof(x));
        }
        rot_close(&other);
        take_turn(&b->rot, x);
        bench_free(b);
    }
}

static rot_err
generate(struct bench *b)
{
    uint8_t pub[91];
    size_t n = 0;

    return rot_key_generate(&b->rot, ROT_LDEVID(0), ROT_ALG_P256, pub, sizeof(pub), &n);
}

static rot_err
sign(struct bench *b)
{
    uint8_t digest[32] = {5}, sig[80];
    size_t n = 0;

    return rot_sign_digest(&b->rot, ROT_LDEVID(0), digest, sizeof(digest), sig, sizeof(sig), &n);
}

static rot_err
write_new(struct bench *b)
{
    uint8_t back[sizeof(new_text)];
    size_t len = 0;
    rot_err rc = write_text(b, new_text, sizeof(new_text));

    if (rc == ROT_OK)
        rc = rot_object_read(&b->rot, ROT_TRUST(1), ROT_PART_DATA, 0, back, sizeof(back), &len);
    if (rc == ROT_OK)
        assert_memory_equal(back, new_text, sizeof(new_text));
    return rc;
}

/* The longest that goes into one command, waiting aside while what was there is deleted. */
static rot_err
write_and_seal(struct bench *b)
{
    size_t len = 0;
    rot_err rc =
        rot_object_write(&b->rot, ROT_TRUST(0), ROT_PART_DATA, 0, new_text, 712, 712, &len);

    if (rc == ROT_OK || rc == ROT_E_STATE)
        rc = rot_seal(&b->rot, ROT_STAGE_OBJECT, ROT_TRUST(0));
    if (rc == ROT_OK) {
        uint8_t back[sizeof(new_text)];

        rc = rot_object_read(&b->rot, ROT_TRUST(0), ROT_PART_DATA, 0, back, sizeof(back), &len);
        assert_int_equal(len, 712);
        assert_memory_equal(back, new_text, 712);
    }
    return rc;
}

/* At each command the part says that it knows nothing of the conversation: another begins. */
static void
a_forgotten_conversation_is_begun_again(void **state)
{
    static const char *const words[] = {"6982", "6987", "6988", "6d00", "6e00"};
    rot_err (*const calls[])(struct bench *b) = {generate, sign, write_new, write_and_seal};

    (void)state;
    for (size_t i = 0; i < KINDS * sizeof(calls) / sizeof(calls[0]); i++) {
        struct bench *b = paired(kinds[i % KINDS]);
        char *before;

        if (calls[i / KINDS] != generate)
            IS(generate(b), ROT_OK);
        before = far_memory(b->far);
        for (unsigned n = 1; n < 60; n++) {
            unsigned commands;
            char rule[32];

            /* As it was, so that each time there is the same to do. */
            rot_close(&b->rot);
            far_remember(b->far, before);
            IS(bench_open(b, PRODUCTION), ROT_OK);
            commands = far_commands(b->far);
            (void)snprintf(rule, sizeof(rule), "status@%u:%s", n, words[n % 5]);
            far_fault(b->far, rule);
            IS(calls[i / KINDS](b), ROT_OK);
            assert_true(is_ours(b));
            far_clear(b->far);
            if (far_commands(b->far) - commands < n)
                break;
        }
        free(before);
        bench_free(b);
    }
}

/* ---- Refused, and the part as it was ----------------------------------------------------------- */

/* A part with another memory: a piece of its text replaced. */
static void
change_memory(struct bench *b, const char *from, const char *to)
{
    char *memory = far_memory(b->far), *at = strstr(memory, from);
    size_t size = strlen(memory) + strlen(to) + 1, head;
    char *changed = malloc(size);

    assert_non_null(at);
    assert_non_null(changed);
    head = (size_t)(at - memory);
    (void)snprintf(changed, size, "%.*s%s%s", (int)head, memory, to, at + strlen(from));
    far_remember(b->far, changed);
    free(changed);
    free(memory);
}

struct attempt {
    struct bench *b;
    char *before;
};

static void
begin(struct attempt *a, struct bench *b)
{
    *a = (struct attempt){b, far_memory(b->far)};
}

static void
end(struct attempt *a)
{
    char *after = far_memory(a->b->far);

    assert_string_equal(a->before, after);
    free(after);
    free(a->before);
}

/* Whatever would change it. */
static void
refuse_everything(struct bench *b, rot_err code)
{
    uint8_t pub[91] = {0};
    uint64_t value = 0;
    size_t n = 0;

    IS(rot_key_generate(&b->rot, ROT_IDEVID, ROT_ALG_P256, pub, sizeof(pub), &n), code);
    IS(rot_key_generate(&b->rot, ROT_LDEVID(0), ROT_ALG_P256, pub, sizeof(pub), &n), code);
    IS(rot_object_write(&b->rot, ROT_IDEVID, ROT_PART_CERT, 0, pub, 40, 40, &n), code);
    IS(rot_object_write(&b->rot, ROT_TRUST(0), ROT_PART_DATA, 0, pub, 40, 40, &n), code);
    IS(rot_counter_increment(&b->rot, ROT_COUNTER(0), &value), code);
}

static void
locked_parts_are_refused(void **state)
{
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        struct bench *b = paired(kinds[k]);
        struct attempt a;
        uint8_t pub[91];
        size_t n = 0;

        IS(rot_key_generate(&b->rot, ROT_LDEVID(1), ROT_ALG_P256, pub, sizeof(pub), &n), ROT_OK);
        rot_close(&b->rot);
        /* For transport: nothing but looking. */
        change_memory(b, "\"locked\": false", "\"locked\": true");
        begin(&a, b);
        IS(bench_open(b, PRODUCTION), ROT_OK);
        refuse_everything(b, ROT_E_AUTH);
        IS(rot_wipe(&b->rot), ROT_E_AUTH);
        end(&a);
        rot_close(&b->rot);
        /* And one that makes no new objects. */
        change_memory(b, "\"locked\": true", "\"locked\": false");
        change_memory(b, "\"restricted\": 0", "\"restricted\": 1");
        begin(&a, b);
        IS(bench_open(b, PRODUCTION), ROT_OK);
        refuse_everything(b, ROT_E_STATE);
        end(&a);
        bench_free(b);
    }
}

/* Until not even 64 bytes fit. */
static void
fill(struct bench *b)
{
    static const rot_object objects[] = {ROT_DATA(0),  ROT_DATA(1),   ROT_DATA(2),  ROT_TRUST(2),
                                         ROT_TRUST(3), ROT_LDEVID(0), ROT_LDEVID(1)};
    static const uint8_t text[2000];
    rot_err rc = ROT_OK;
    size_t n = 0;

    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
        enum rot_part part =
            ROT_OBJECT_KIND(objects[i]) == ROT_KIND_LDEVID ? ROT_PART_CERT : ROT_PART_DATA;

        rc = ROT_E_SPACE;
        for (size_t len = sizeof(text); len >= 64 && rc == ROT_E_SPACE; len -= 8)
            rc = rot_object_write(&b->rot, objects[i], part, 0, text, len, len, &n);
        if (rc != ROT_OK)
            break;
    }
    IS(rc, ROT_E_SPACE);
}

static void
full_parts_are_refused(void **state)
{
    static char filler[2 * 65536], object[sizeof(filler) + 200];
    const size_t sizes[KINDS] = {45000, 65000};

    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        struct bench *b = paired(kinds[k]);
        static uint8_t text[2000];
        struct attempt a;
        uint8_t pub[91];
        size_t n = 0;

        IS(rot_key_generate(&b->rot, ROT_LDEVID(1), ROT_ALG_P256, pub, sizeof(pub), &n), ROT_OK);
        IS(write_text(b, old_text, sizeof(old_text)), ROT_OK);
        rot_close(&b->rot);
        for (unsigned i = 0; i < (k == 0 ? 1 : 2); i++) {
            size_t digits = 2 * (i == 0 ? sizes[k] : 38000);

            memset(filler, '0', digits);
            filler[digits] = '\0';
            (void)snprintf(object, sizeof(object),
                           "\"objects\": [{\"id\": \"2000000%u\", \"kind\": \"binary\", "
                           "\"origin\": \"external\", \"value\": \"%s\"},",
                           i, filler);
            change_memory(b, "\"objects\": [", object);
        }
        IS(bench_open(b, PRODUCTION), ROT_OK);
        fill(b);
        begin(&a, b);
        IS(write_text(b, new_text, sizeof(new_text)), ROT_E_SPACE);
        assert_true(n >= 1);
        IS(rot_object_write(&b->rot, ROT_IDEVID, ROT_PART_CERT, 0, text, 1500, 1500, &n),
           ROT_E_SPACE);
        assert_int_equal(n, 1500);
        end(&a);
        IS(rot_object_read(&b->rot, ROT_TRUST(1), ROT_PART_DATA, 0, text, sizeof(text), &n),
           ROT_OK);
        assert_int_equal(n, sizeof(old_text));
        bench_free(b);
    }
}

/* Ids that are the applet's, the maker's, or nobody's: 0x7FFF0300, 0xF0000050. */
static void
layouts_with_what_is_not_there_are_refused(void **state)
{
    static const struct rot_place places[] = {
        {ROT_IDEVID, ROT_PART_KEY, ROT_ALG_P256, ROT_PLACE_SIGN, 0, 0, 0x7fff0300, 0},
        {ROT_IDEVID, ROT_PART_CERT, ROT_ALG_NONE, 0, 0, 900, 0xf0000050, 0xf0000051},
        {ROT_VENDOR(0), ROT_PART_CERT, ROT_ALG_NONE, ROT_PLACE_READ_ONLY, 0, 900, 0xf0000070, 0},
        {ROT_SESSION(0), ROT_PART_KEY, ROT_ALG_HMAC_SHA256, 0, 0, 0, 0xf0000052, 0},
        {ROT_COUNTER(0), ROT_PART_DATA, ROT_ALG_NONE, 0, 0, 8, 0x7fff0301, 0},
    };
    static const struct rot_layout layout = {.name = "wrong",
                                             .driver = "se05x",
                                             .places = places,
                                             .place_count = sizeof(places) / sizeof(places[0]),
                                             .channel = 1};

    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        struct bench *b = paired(kinds[k]);
        uint8_t bytes[91] = {0};
        struct attempt a;
        uint64_t value = 0;
        size_t n = 0;

        rot_close(&b->rot);
        begin(&a, b);
        b->setup.layout = &layout;
        IS(bench_open(b, PRODUCTION), ROT_OK);
        IS(rot_key_generate(&b->rot, ROT_IDEVID, ROT_ALG_P256, bytes, sizeof(bytes), &n),
           ROT_E_UNSUPPORTED);
        IS(rot_object_write(&b->rot, ROT_IDEVID, ROT_PART_CERT, 0, bytes, 8, 8, &n),
           ROT_E_UNSUPPORTED);
        IS(rot_key_import(&b->rot, ROT_SESSION(0), ROT_ALG_HMAC_SHA256, bytes, 32),
           ROT_E_UNSUPPORTED);
        IS(rot_counter_increment(&b->rot, ROT_COUNTER(0), &value), ROT_E_UNSUPPORTED);
        IS(rot_object_read(&b->rot, ROT_VENDOR(0), ROT_PART_CERT, 0, bytes, 8, &n), ROT_E_EMPTY);
        end(&a);
        bench_free(b);
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_published_keys_to_ours),
        cmocka_unit_test(pairing_survives_cuts),
        cmocka_unit_test(rotation_survives_cuts),
        cmocka_unit_test(what_is_kept_survives_cuts),
        cmocka_unit_test(two_cuts_of_a_seal_lose_nothing_unsaid),
        cmocka_unit_test(evidence_holds),
        cmocka_unit_test(two_programs_on_one_part),
        cmocka_unit_test(a_forgotten_conversation_is_begun_again),
        cmocka_unit_test(locked_parts_are_refused),
        cmocka_unit_test(full_parts_are_refused),
        cmocka_unit_test(layouts_with_what_is_not_there_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
