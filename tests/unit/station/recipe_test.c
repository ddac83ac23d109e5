/*
 * recipe_test.c: the recipe against a chip that loses power at every call, and
 * a server whose answers get lost.
 *
 * The chip is the soft one behind a driver that counts calls and cuts the wire
 * before or after the n-th took effect.  The oracle: however often it is cut,
 * the board ends complete, with one certificate, and nobody else's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rot/linux.h>

#include "attest/tpm.h"
#include "crypto/key.h"
#include "station/recipe.h"
#include "x509/cert.h"
#include "x509/csr.h"
#include "x509/name.h"
#include "x509/oid.h"
#include "x509/template.h"

#define NOW 1795520408

/* ---- A chip that can be cut ------------------------------------------------------------- */

static struct {
    unsigned calls;
    unsigned cut_at; /* 0: never */
    int after;       /* the n-th call took effect before the wire was cut */
    int is_dead;
} wire;

/* What happens to a call: 0 go on, else the error. */
static rot_err
before(void)
{
    wire.calls++;
    if (wire.cut_at != 0 && wire.calls == wire.cut_at && !wire.after)
        wire.is_dead = 1;
    return wire.is_dead ? ROT_E_BUS : ROT_OK;
}

static rot_err
after(rot_err rot)
{
    if (wire.cut_at != 0 && wire.calls == wire.cut_at && wire.after)
        wire.is_dead = 1;
    return wire.is_dead ? ROT_E_BUS : rot;
}

#define CUT(name, params, args)                                                                    \
    static rot_err cut_##name params                                                               \
    {                                                                                              \
        rot_err rot = before();                                                                    \
        return rot != ROT_OK ? rot : after(rot_driver_soft.name args);                             \
    }

CUT(identify, (struct rot_chip * chip, struct rot_identity *id), (chip, id))
CUT(key_generate,
    (struct rot_chip * chip, const struct rot_place *p, enum rot_alg alg, uint8_t *pub, size_t cap,
     size_t *len),
    (chip, p, alg, pub, cap, len))
CUT(key_public,
    (struct rot_chip * chip, const struct rot_place *p, uint8_t *pub, size_t cap, size_t *len),
    (chip, p, pub, cap, len))
CUT(sign_digest,
    (struct rot_chip * chip, const struct rot_place *p, const uint8_t *digest, size_t digest_len,
     uint8_t *sig, size_t cap, size_t *len),
    (chip, p, digest, digest_len, sig, cap, len))
CUT(object_read,
    (struct rot_chip * chip, const struct rot_place *p, size_t offset, uint8_t *buf, size_t cap,
     size_t *len),
    (chip, p, offset, buf, cap, len))
CUT(object_write,
    (struct rot_chip * chip, const struct rot_place *p, size_t offset, const uint8_t *buf,
     size_t len, size_t total, size_t *need),
    (chip, p, offset, buf, len, total, need))
CUT(seal, (struct rot_chip * chip, enum rot_stage stage, const struct rot_place *p),
    (chip, stage, p))
CUT(seal_state,
    (struct rot_chip * chip, enum rot_stage stage, const struct rot_place *p,
     enum rot_seal_state *state),
    (chip, stage, p, state))

/* ---- A part with its maker's endorsement --------------------------------------------------- */

static const uint8_t endorsement[] = "what its maker says";

/* What it does as a TPM would; the keys are the soft chip's. */
static struct {
    int is_one;          /* the driver has the slots */
    int has_no_cert;     /* nothing in its maker's place */
    int opens_nothing;   /* the challenge is for another part */
    int opens_something; /* and gives back the wrong secret */
} tpm;

static void
tpm_capability(const struct rot_chip *chip, const struct rot_place *key,
               const struct rot_place *cert, const struct rot_place *chain,
               const struct rot_place *data, struct rot_capability *cap)
{
    rot_driver_soft.capability(chip, key, cert, chain, data, cap);
    cap->where[ROT_CAN_ATTEST] = cap->where[ROT_CAN_ACTIVATE] = ROT_IN_CHIP;
}

static rot_err
tpm_object_read(struct rot_chip *chip, const struct rot_place *p, size_t offset, uint8_t *buf,
                size_t cap, size_t *len)
{
    if (p->object != ROT_VENDOR(0))
        return cut_object_read(chip, p, offset, buf, cap, len);
    if (before() != ROT_OK)
        return ROT_E_BUS;
    if (tpm.has_no_cert)
        return after(ROT_E_EMPTY);
    assert_true(offset == 0 && cap > sizeof(endorsement));
    memcpy(buf, endorsement, sizeof(endorsement));
    *len = sizeof(endorsement);
    return after(ROT_OK);
}

/* The evidence of this part: "attested", then the nonce. */
static rot_err
tpm_attest(struct rot_chip *chip, const struct rot_place *p, const uint8_t nonce[32],
           struct rot_evidence *evidence)
{
    (void)chip;
    assert_int_equal(p->object, ROT_IDEVID);
    if (before() != ROT_OK)
        return ROT_E_BUS;
    evidence->format = ROT_EVIDENCE_TPM_CERTIFY;
    memcpy(evidence->buf, "attested", 8);
    memcpy(evidence->buf + 8, nonce, 32);
    evidence->len = 40;
    return after(ROT_OK);
}

/* The secret of a challenge is the challenge. */
static rot_err
tpm_activate(struct rot_chip *chip, const struct rot_place *p, const uint8_t *challenge,
             size_t challenge_len, uint8_t *secret, size_t cap, size_t *len)
{
    (void)chip;
    assert_int_equal(p->object, ROT_ATTEST(0));
    assert_true(challenge_len == 32 && cap >= 32);
    if (before() != ROT_OK)
        return ROT_E_BUS;
    if (tpm.opens_nothing)
        return after(ROT_E_FORMAT);
    memcpy(secret, challenge, 32);
    secret[0] ^= (uint8_t)tpm.opens_something;
    *len = 32;
    return after(ROT_OK);
}

static const struct rot_layout *
tpm_layout(void)
{
    static const struct rot_place more[] = {
        {ROT_ATTEST(0), ROT_PART_KEY, ROT_ALG_P256, ROT_PLACE_SIGN, 0, 0, 0, 0},
        {ROT_VENDOR(0), ROT_PART_CERT, ROT_ALG_NONE, ROT_PLACE_READ_ONLY, 0, 2048, 0, 0}};
    static struct rot_place places[64];
    static struct rot_layout layout;

    layout = *rot_driver_soft.layouts[0];
    assert_true(layout.place_count + 2 <= 64);
    memcpy(places, layout.places, layout.place_count * sizeof(places[0]));
    memcpy(places + layout.place_count, more, sizeof(more));
    layout.places = places;
    layout.place_count += 2;
    return &layout;
}

static const struct rot_driver *
cut_driver(void)
{
    static struct rot_driver driver;

    driver = rot_driver_soft;
    driver.identify = cut_identify;
    driver.key_generate = cut_key_generate;
    driver.key_public = cut_key_public;
    driver.sign_digest = cut_sign_digest;
    driver.object_read = cut_object_read;
    driver.object_write = cut_object_write;
    driver.seal = cut_seal;
    driver.seal_state = cut_seal_state;
    if (tpm.is_one) {
        driver.capability = tpm_capability;
        driver.object_read = tpm_object_read;
        driver.attest = tpm_attest;
        driver.activate = tpm_activate;
    }
    return &driver;
}

/* ---- A server, and the station's memory -------------------------------------------------- */

struct world {
    char dir[64], chip_path[128];
    struct crypto_key *ca_key;
    struct rs_buf ca;
    struct rs_bytes ca_list[1];
    struct memory *memory;
    uint64_t number, board;
    struct recipe_host host;
    struct recipe_result result;
    /* The server's record: certificates by key. */
    struct {
        uint8_t key_hash[32];
        char device[64];
        struct rs_buf cert;
    } issued[8];
    unsigned issued_count, asked;
    rs_code refuse_with; /* RS_OK: answer */
    int lose_answer;     /* issue, and then the line breaks */
    int wrong_key;       /* answer with the certificate of another board */
    int journal_fails;
    unsigned challenged, answered;
    uint8_t nonce[32]; /* of the last challenge; its first byte counts */
    int is_open;       /* that challenge was answered */
    int forgets;       /* the server was restarted before the next request */
    struct journal_record last;
    const char *order; /* NULL: o-1 */
};

static int
no_value(void *arg, struct rs_bytes placeholder, struct rs_bytes *ret_value)
{
    struct rs_bytes *device = arg;

    if (device == NULL || !rs_bytes_equal(placeholder, rs_bytes_str("device.serial")))
        return 0;
    *ret_value = *device;
    return 1;
}

static void
make_cert(struct world *w, const struct crypto_pub *pub, struct rs_bytes device, int is_ca,
          struct rs_buf *out)
{
    static const uint8_t serial[4] = {1, 2, 3, 4};
    static struct template t;
    struct template_spec spec = {.sig_alg = CRYPTO_ECDSA_SHA256,
                                 .ski = TEMPLATE_SKI_SHA256,
                                 .path_length = -1,
                                 .is_ca = is_ca,
                                 .key_usage = 1};
    struct template_values values = {.serial = RS_BYTES(serial),
                                     .not_before = NOW,
                                     .not_after = INT64_MAX,
                                     .pub = pub,
                                     .value = no_value,
                                     .arg = &device};
    static const uint8_t name[] = {0x30, 0x0d, 0x31, 0x0b, 0x30, 0x09, 0x06, 0x03,
                                   0x55, 0x04, 0x03, 0x0c, 0x02, 'c',  'a'};
    uint8_t buf[TEMPLATE_TBS_MAX], sig[CRYPTO_SIGNATURE_MAX];
    struct rs_bytes tbs;
    size_t len;
    struct rs_err err = {0};

    spec.issuer_name = RS_BYTES(name);
    spec.subject = rs_bytes_str(is_ca ? "CN=ca" : "serialNumber={device.serial}");
    assert_int_equal(template_compile(&spec, &t, &err), RS_OK);
    assert_int_equal(template_build(&t, &values, buf, sizeof(buf), &tbs, &err), RS_OK);
    assert_int_equal(crypto_sign(w->ca_key, tbs, sig, sizeof(sig), &len, &err), RS_OK);
    rs_buf_init(out, 16384);
    assert_int_equal(x509_assemble(tbs, CRYPTO_ECDSA_SHA256, rs_bytes_of(sig, len), out, &err),
                     RS_OK);
}

/* As the real one: the same key for the same serial gives the same certificate. */
static rs_code
server_enroll(void *arg, const char *order, struct rs_bytes der, struct rs_buf *ret_cert,
              struct rs_err *err)
{
    struct world *w = arg;
    struct csr csr;
    struct rs_bytes serial;
    uint8_t hash[32];
    unsigned i;

    w->asked++;
    assert_string_equal(order, "o-1");
    assert_int_equal(csr_read(der, &csr, err), RS_OK);
    assert_int_equal(csr_check_proof(&csr, err), RS_OK);
    assert_int_equal(csr.san_count, 1);
    if (w->refuse_with != RS_OK)
        return rs_fail(err, w->refuse_with, "refused");
    if (w->forgets) {
        w->forgets = w->is_open = 0;
        return rs_fail(err, RS_E_ATTEST_CHALLENGE, "restarted");
    }
    if (!tpm.is_one) {
        assert_int_equal(csr.evidence.len, 0);
    } else if (!w->is_open || csr.evidence.len != 40 ||
               memcmp(csr.evidence.p + 8, w->nonce, 32) != 0) {
        return rs_fail(err, RS_E_ATTEST_CHALLENGE, "not open");
    }
    crypto_pub_hash(&csr.pub, hash);
    serial = name_find(csr.subject, oid_serial_number);
    for (i = 0; i < w->issued_count; i++) {
        if (memcmp(w->issued[i].key_hash, hash, 32) == 0)
            break;
        if (rs_bytes_equal(rs_bytes_str(w->issued[i].device), serial))
            return rs_fail(err, RS_E_DEVICE_EXISTS, "another key");
    }
    if (i == w->issued_count) {
        assert_true(i < 8);
        memcpy(w->issued[i].key_hash, hash, 32);
        (void)snprintf(w->issued[i].device, 64, "%.*s", (int)serial.len, (const char *)serial.p);
        make_cert(w, w->wrong_key ? crypto_key_pub(w->ca_key) : &csr.pub, serial, 0,
                  &w->issued[i].cert);
        w->issued_count++;
    }
    if (w->lose_answer)
        return rs_fail(err, RS_E_NET_UNREACHABLE, "the line broke");
    rs_buf_put_bytes(ret_cert, rs_buf_bytes(&w->issued[i].cert));
    return RS_OK;
}

static rs_code
server_challenge(void *arg, const char *order, struct rs_bytes ek_cert, struct rs_bytes iak,
                 struct client_challenge *ret_challenge, struct rs_err *err)
{
    struct world *w = arg;
    struct tpm_public p;

    assert_string_equal(order, "o-1");
    assert_true(rs_bytes_equal(ek_cert, RS_BYTES(endorsement)));
    assert_int_equal(tpm_public_read(iak, &p, err), RS_OK);
    assert_int_equal(tpm_check_iak(&p, err), RS_OK);
    if (w->refuse_with != RS_OK)
        return rs_fail(err, w->refuse_with, "refused");
    w->challenged++;
    w->nonce[0]++;
    w->is_open = 0;
    (void)snprintf(ret_challenge->id, sizeof(ret_challenge->id), "%u", w->challenged);
    memcpy(ret_challenge->nonce, w->nonce, 32);
    memcpy(ret_challenge->credential, w->nonce, 32);
    ret_challenge->credential_len = 32;
    return RS_OK;
}

static rs_code
server_answer(void *arg, const char *id, struct rs_bytes secret, struct rs_err *err)
{
    struct world *w = arg;

    assert_int_equal(strtoul(id, NULL, 10), w->challenged);
    if (!rs_bytes_equal(secret, RS_BYTES(w->nonce)))
        return rs_fail(err, RS_E_CHIP_NOT_GENUINE, "wrong");
    w->answered++;
    w->is_open = 1;
    return RS_OK;
}

static rs_code
note(void *arg, struct journal_record *record, int durable, struct rs_err *err)
{
    struct world *w = arg;

    if (w->journal_fails && durable)
        return rs_fail(err, RS_E_DISK_FULL, "no space");
    record->number = ++w->number;
    return memory_take(w->memory, record, err);
}

static rs_code
recall(void *arg, struct rs_bytes uid, struct memory_chip *ret_chip, struct rs_err *err)
{
    struct world *w = arg;

    return memory_copy(w->memory, uid, ret_chip, err);
}

static int
set_up(void **state)
{
    static struct world w;
    struct rs_err err = {0};

    memset(&w, 0, sizeof(w));
    memset(&wire, 0, sizeof(wire));
    memset(&tpm, 0, sizeof(tpm));
    (void)snprintf(w.dir, sizeof(w.dir), "/tmp/rs-recipe-XXXXXX");
    assert_non_null(mkdtemp(w.dir));
    (void)snprintf(w.chip_path, sizeof(w.chip_path), "%s/board.rot", w.dir);
    assert_int_equal(crypto_key_generate(CRYPTO_P256, &w.ca_key, &err), RS_OK);
    make_cert(&w, crypto_key_pub(w.ca_key), rs_bytes_of(NULL, 0), 1, &w.ca);
    w.ca_list[0] = rs_buf_bytes(&w.ca);
    w.memory = memory_new();
    w.host = (struct recipe_host){.arg = &w,
                                  .note = note,
                                  .recall = recall,
                                  .enroll = server_enroll,
                                  .challenge = server_challenge,
                                  .answer = server_answer,
                                  .ca_certs = w.ca_list,
                                  .ca_count = 1,
                                  .root = w.ca_list[0]};
    *state = &w;
    return 0;
}

static void
new_chip(struct world *w)
{
    static const char *const ends[] = {"", ".key", ".new", ".lock"};
    char path[160];

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s%s", w->chip_path, ends[i]);
        (void)unlink(path);
    }
}

static void
forget_server(struct world *w)
{
    for (unsigned i = 0; i < w->issued_count; i++)
        rs_buf_done(&w->issued[i].cert);
    w->issued_count = w->asked = 0;
}

static int
tear_down(void **state)
{
    struct world *w = *state;

    recipe_result_done(&w->result);
    new_chip(w);
    forget_server(w);
    rs_buf_done(&w->ca);
    crypto_key_free(w->ca_key);
    memory_free(w->memory);
    return rmdir(w->dir);
}

/* Put the board into the fixture, as this device, and record how it ended. */
static rs_code
place(struct world *w, const char *device, const char *model)
{
    struct rot_linux *lin = calloc(1, sizeof(*lin));
    struct rot_chip chip;
    char uri[160];
    struct recipe_job job = {.fixture = "1",
                             .device = device,
                             .order = w->order != NULL ? w->order : "o-1",
                             .model = model,
                             .board = ++w->board,
                             .chip = &chip,
                             .host = &w->host};
    struct journal_record end = {.type = JOURNAL_END, .board = w->board};
    const char *state;

    assert_non_null(lin);
    recipe_result_done(&w->result);
    memset(&w->result, 0, sizeof(w->result));
    wire.is_dead = 0;
    (void)snprintf(uri, sizeof(uri), "soft:%s", w->chip_path);
    assert_int_equal(rot_linux_open(lin, uri), ROT_OK);
    lin->setup.driver = cut_driver();
    if (tpm.is_one)
        lin->setup.layout = tpm_layout();
    assert_int_equal(rot_open(&chip, &lin->setup), ROT_OK);
    recipe_run(&job, &w->result);
    rot_close(&chip);
    rot_linux_close(lin);
    free(lin);
    state = w->result.code == RS_OK || w->result.code == RS_E_BOARD_DONE ? "pass" : "again";
    if (w->result.code == RS_E_DEVICE_EXISTS || w->result.code == RS_E_LABEL_OTHER)
        state = "label";
    if (w->result.began)
        end.field[JOURNAL_UID] = rs_bytes_of(w->result.uid, w->result.uid_len);
    end.field[JOURNAL_STATE] = rs_bytes_str(state);
    assert_int_equal(memory_take(w->memory, &end, NULL), RS_OK);
    return w->result.code;
}

/* The station lost its journal (or is another one). */
static void
forget(struct world *w)
{
    memory_free(w->memory);
    w->memory = memory_new();
}

/* ---- Refusals --------------------------------------------------------------------------- */

static void
a_wrong_part_is_not_touched(void **state)
{
    struct world *w = *state;

    assert_int_equal(place(w, "X2-1", "atecc608b"), RS_E_CHIP_WRONG_PART);
    assert_int_equal(w->result.step, STEP_CONTACT);
    assert_false(w->result.began);
    assert_int_equal(w->asked, 0);
}

static void
another_label_is_refused(void **state)
{
    struct world *w = *state;

    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(place(w, "X2-2", "soft"), RS_E_LABEL_OTHER);
    forget(w);
    assert_int_equal(place(w, "X2-2", "soft"), RS_E_CHIP_FOREIGN);
    assert_int_equal(w->issued_count, 1);
}

static void
a_chip_of_another_order_is_refused(void **state)
{
    struct world *w = *state;

    w->lose_answer = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_NET_UNREACHABLE);
    w->lose_answer = 0;
    w->order = "o-2";
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FOREIGN);
    assert_int_equal(w->asked, 1);
    w->order = NULL;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    w->order = "o-2";
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FOREIGN);
    assert_int_equal(w->asked, 2);
    assert_int_equal(w->issued_count, 1);
}

static void
a_scrapped_chip_is_refused(void **state)
{
    struct world *w = *state;
    struct journal_record end = {.type = JOURNAL_END};

    w->lose_answer = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_NET_UNREACHABLE);
    w->lose_answer = 0;
    end.board = w->board;
    end.field[JOURNAL_UID] = rs_bytes_of(w->result.uid, w->result.uid_len);
    end.field[JOURNAL_STATE] = rs_bytes_str("scrap");
    assert_int_equal(memory_take(w->memory, &end, NULL), RS_OK);
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FOREIGN);
    assert_int_equal(w->asked, 1);
}

static void
a_sealed_chip_of_somebody_else_is_refused(void **state)
{
    struct world *w = *state;
    struct rot_linux lin;
    struct rot_chip chip;
    char uri[160];

    (void)snprintf(uri, sizeof(uri), "soft:%s", w->chip_path);
    assert_int_equal(rot_linux_open(&lin, uri), ROT_OK);
    assert_int_equal(rot_open(&chip, &lin.setup), ROT_OK);
    assert_int_equal(rot_seal(&chip, ROT_STAGE_DATA, 0), ROT_OK);
    rot_close(&chip);
    rot_linux_close(&lin);
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FOREIGN);
    assert_false(w->result.began);
    assert_int_equal(w->asked, 0);
}

static void
a_certificate_over_another_key_is_refused(void **state)
{
    struct world *w = *state;

    w->wrong_key = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FAULT);
    assert_int_equal(w->result.step, STEP_CERTIFICATE);
}

static void
a_certificate_of_no_ca_is_refused(void **state)
{
    struct world *w = *state;

    w->host.ca_count = 0;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_NET_TRUST);
}

/* The name of our CA is on it, and the signature is somebody else's. */
static void
a_certificate_that_the_ca_did_not_sign_is_refused(void **state)
{
    struct world *w = *state;
    struct crypto_key *ours = w->ca_key;

    assert_int_equal(crypto_key_generate(CRYPTO_P256, &w->ca_key, NULL), RS_OK);
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_NET_TRUST);
    crypto_key_free(w->ca_key);
    w->ca_key = ours;
    forget_server(w);
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
}

static void
nothing_is_asked_or_sealed_without_a_record(void **state)
{
    struct world *w = *state;

    w->journal_fails = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_DISK_FULL);
    assert_int_equal(w->asked, 0);
    assert_false(w->result.was_irreversible);
}

static void
the_server_decides(void **state)
{
    struct world *w = *state;

    w->refuse_with = RS_E_ORDER_EXHAUSTED;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_ORDER_EXHAUSTED);
    assert_false(w->result.identity_used);
    w->refuse_with = RS_OK;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(w->issued_count, 1);
}

/* ---- Going on ----------------------------------------------------------------------------- */

static void
a_finished_board_is_proved_and_not_written(void **state)
{
    struct world *w = *state;

    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_true(w->result.identity_used);
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_BOARD_DONE);
    assert_int_equal(w->asked, 1);
    assert_false(w->result.was_irreversible);
}

static void
another_station_finds_the_same_identity(void **state)
{
    struct world *w = *state;

    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    forget(w);
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(w->issued_count, 1);
}

static void
a_lost_answer_costs_nothing(void **state)
{
    struct world *w = *state;

    w->lose_answer = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_NET_UNREACHABLE);
    w->lose_answer = 0;
    assert_int_equal(place(w, "X2-2", "soft"), RS_E_LABEL_OTHER);
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(w->issued_count, 1);
    assert_int_equal(w->asked, 2);
}

static void
a_refused_label_frees_the_chip(void **state)
{
    struct world *w = *state;

    w->refuse_with = RS_E_DEVICE_EXISTS;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_DEVICE_EXISTS);
    w->refuse_with = RS_OK;
    assert_int_equal(place(w, "X2-2", "soft"), RS_OK);
}

static unsigned
count_calls(struct world *w)
{
    wire.calls = wire.cut_at = 0;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    return wire.calls;
}

static void
cut_everywhere(struct world *w, int take_effect)
{
    unsigned n = count_calls(w);

    assert_true(n > 10);
    for (unsigned at = 1; at <= n; at++) {
        rs_code rc;

        new_chip(w);
        forget(w);
        forget_server(w);
        wire.calls = 0;
        wire.cut_at = at;
        wire.after = take_effect;
        rc = place(w, "X2-1", "soft");
        assert_true(rc == RS_E_CHIP_INTERRUPTED || rc == RS_E_CHIP_ABSENT);
        assert_int_equal(rc == RS_E_CHIP_INTERRUPTED, w->result.began);
        wire.cut_at = 0;
        assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
        assert_int_equal(w->issued_count, 1);
        assert_int_equal(place(w, "X2-1", "soft"), RS_E_BOARD_DONE);
        assert_int_equal(w->issued_count, 1);
    }
}

static void
power_cut_before_every_call(void **state)
{
    cut_everywhere(*state, 0);
}

static void
power_cut_after_every_call(void **state)
{
    cut_everywhere(*state, 1);
}

/* ---- Parts with an endorsement ---------------------------------------------------------------- */

static void
a_part_that_is_not_genuine_buys_nothing(void **state)
{
    struct world *w = *state;

    tpm.is_one = tpm.has_no_cert = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_NOT_GENUINE);
    assert_int_equal(w->result.step, STEP_GENUINE);
    assert_int_equal(w->challenged, 0);
    tpm.has_no_cert = 0;
    tpm.opens_nothing = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_NOT_GENUINE);
    tpm.opens_nothing = 0;
    tpm.opens_something = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_NOT_GENUINE);
    assert_int_equal(w->result.step, STEP_GENUINE);
    tpm.opens_something = 0;
    w->refuse_with = RS_E_CHIP_NOT_GENUINE;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_NOT_GENUINE);
    assert_int_equal(w->result.step, STEP_GENUINE);
    assert_int_equal(w->asked, 0);
    assert_int_equal(w->answered, 0);
    assert_false(w->result.was_irreversible);
    w->refuse_with = RS_OK;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(w->issued_count, 1);
}

static void
a_finished_part_is_not_challenged_again(void **state)
{
    struct world *w = *state;

    tpm.is_one = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(w->challenged, 1);
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_BOARD_DONE);
    assert_int_equal(w->challenged, 1);
    forget(w); /* another station has to prove it: the server tells nobody else */
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(w->challenged, 2);
    assert_int_equal(w->issued_count, 1);
}

static void
a_server_that_forgot_its_challenge_is_asked_again(void **state)
{
    struct world *w = *state;

    tpm.is_one = w->forgets = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(w->challenged, 2);
    assert_int_equal(w->answered, 2);
    assert_int_equal(w->asked, 2);
    assert_int_equal(w->issued_count, 1);
}

static void
power_cut_before_every_call_of_a_tpm(void **state)
{
    tpm.is_one = 1;
    cut_everywhere(*state, 0);
}

static void
power_cut_after_every_call_of_a_tpm(void **state)
{
    tpm.is_one = 1;
    cut_everywhere(*state, 1);
}

static void
steps_have_names(void **state)
{
    (void)state;
    for (unsigned i = 0; i < STEP_COUNT; i++)
        assert_true(strlen(recipe_step_name((enum recipe_step)i)) > 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_wrong_part_is_not_touched),
        T(another_label_is_refused),
        T(a_chip_of_another_order_is_refused),
        T(a_scrapped_chip_is_refused),
        T(a_sealed_chip_of_somebody_else_is_refused),
        T(a_certificate_over_another_key_is_refused),
        T(a_certificate_of_no_ca_is_refused),
        T(a_certificate_that_the_ca_did_not_sign_is_refused),
        T(nothing_is_asked_or_sealed_without_a_record),
        T(the_server_decides),
        T(a_finished_board_is_proved_and_not_written),
        T(another_station_finds_the_same_identity),
        T(a_lost_answer_costs_nothing),
        T(a_refused_label_frees_the_chip),
        T(power_cut_before_every_call),
        T(power_cut_after_every_call),
        T(a_part_that_is_not_genuine_buys_nothing),
        T(a_finished_part_is_not_challenged_again),
        T(a_server_that_forgot_its_challenge_is_asked_again),
        T(power_cut_before_every_call_of_a_tpm),
        T(power_cut_after_every_call_of_a_tpm),
        cmocka_unit_test(steps_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
