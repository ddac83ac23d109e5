/*
 * recipe_cuts.c: boards of one family, with power cuts, through the station's recipe.
 *
 * Driver, recipe, journal and simulated part are in this one process, so that ten thousand boards
 * take minutes.  What is not here is judged by tests/prove/powercut.py with the real programs: the
 * server and its store, the line, files that others read.
 *
 *   recipe_cuts --kind blank-m3 --dir D --single            every command, all four points
 *   recipe_cuts --kind blank-m3 --dir D --double 500 --seed 1
 *   recipe_cuts --kind blank-m3 --dir D --cut cut-after@12 --cut cut-write@30:5
 *
 * --forget and --leave-off are for whoever doubts: boards must be lost by them.
 *
 * Into D: journal, bus.trace (as rot-sim writes it), log, and keys: private keys and channel secrets
 * that the parts had at the end of each run, to
 * be looked for in the others.  The last line on stdout is
 * the count as JSON; the exit status is 0 when every board ended as one may.
 *
 * A board ends complete (no cut hit it), resumed, or scrapped and counted; anything else is a
 * problem, as are a second identity, a part that is left open, and one that does not answer a
 * challenge with its certificate's key.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "bench.h"
#include "crypto/key.h"
#include "station/failures.h"
#include "station/recipe.h"
#include "x509/cert.h"
#include "x509/csr.h"
#include "x509/name.h"
#include "x509/oid.h"

#define ORDER      "o-1"
#define MASTER     "a station's master, thirty-two b."
#define RUNS_MAX   6
#define CUTS_MAX   4
#define POINTS     4
#define DER_MAX    1024
#define SERIAL_MAX 32

static const char *const points[POINTS] = {"before", "write", "after", "answered"};

static void
must(int ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "recipe_cuts: %s failed\n", what);
    abort();
}

/* ---- A server --------------------------------------------------------------------------- */

/* What it gave: one certificate for a key, one key for a device. */
struct issued {
    char device[SERIAL_MAX];
    uint8_t key_hash[32];
    uint8_t der[DER_MAX];
    size_t len;
};

static struct {
    EVP_PKEY *key;
    uint8_t ca[DER_MAX], spki[128];
    size_t ca_len, spki_len;
    struct rs_bytes list[1];
    struct issued *issued;
    size_t count, cap;
} server;

static X509 *
make_cert(EVP_PKEY *key, const char *serial, int is_ca)
{
    static long number = 1;
    X509 *x = X509_new();
    X509V3_CTX ctx;
    X509_EXTENSION *e;
    const char *field = is_ca ? "CN" : "serialNumber";

    must(x != NULL && X509_set_version(x, X509_VERSION_3) == 1 &&
             ASN1_INTEGER_set(X509_get_serialNumber(x), ++number) == 1 &&
             X509_gmtime_adj(X509_getm_notBefore(x), -60) != NULL &&
             X509_gmtime_adj(X509_getm_notAfter(x), 86400L * 3650) != NULL &&
             X509_NAME_add_entry_by_txt(X509_get_subject_name(x), field, V_ASN1_PRINTABLESTRING,
                                        (const unsigned char *)serial, -1, -1, 0) == 1 &&
             X509_NAME_add_entry_by_txt(X509_get_issuer_name(x), "CN", V_ASN1_PRINTABLESTRING,
                                        (const unsigned char *)"line", -1, -1, 0) == 1 &&
             X509_set_pubkey(x, key) == 1,
         "certificate");
    X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
    e = X509V3_EXT_conf_nid(NULL, &ctx, NID_basic_constraints,
                            is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    must(e != NULL && X509_add_ext(x, e, -1) == 1 && X509_sign(x, server.key, EVP_sha256()) > 0,
         "certificate");
    X509_EXTENSION_free(e);
    return x;
}

static size_t
put_der(X509 *x, uint8_t der[DER_MAX])
{
    uint8_t *p = der;
    int n = i2d_X509(x, NULL);

    must(n > 0 && n <= DER_MAX && i2d_X509(x, &p) == n, "certificate");
    X509_free(x);
    return (size_t)n;
}

static void
server_open(void)
{
    uint8_t *p = server.spki;
    int n;

    server.key = EVP_EC_gen("P-256");
    server.ca_len = put_der(make_cert(server.key, "line", 1), server.ca);
    server.list[0] = rs_bytes_of(server.ca, server.ca_len);
    n = i2d_PUBKEY(server.key, &p);
    must(n > 0 && (size_t)n <= sizeof(server.spki), "key");
    server.spki_len = (size_t)n;
}

/* As the real one: the same key for the same device gives the same certificate. */
static struct issued *
find(const char *device, const uint8_t hash[32], rs_code *ret_code)
{
    *ret_code = RS_OK;
    for (size_t i = 0; i < server.count; i++) {
        struct issued *at = &server.issued[i];
        int is_key = memcmp(at->key_hash, hash, 32) == 0;
        int is_device = strcmp(at->device, device) == 0;

        if (is_key && is_device)
            return at;
        if (is_key || is_device) {
            *ret_code = is_key ? RS_E_KEY_UNIQUE : RS_E_DEVICE_EXISTS;
            return NULL;
        }
    }
    return NULL;
}

static struct issued *
issue(const char *device, const uint8_t hash[32], struct rs_bytes spki)
{
    const uint8_t *p = spki.p;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)spki.len);
    struct issued *at;

    must(key != NULL, "key of a request");
    if (server.count == server.cap) {
        server.cap = server.cap == 0 ? 64 : 2 * server.cap;
        server.issued = realloc(server.issued, server.cap * sizeof(*server.issued));
        must(server.issued != NULL, "memory");
    }
    at = &server.issued[server.count++];
    memset(at, 0, sizeof(*at));
    (void)snprintf(at->device, sizeof(at->device), "%s", device);
    memcpy(at->key_hash, hash, 32);
    at->len = put_der(make_cert(key, device, 0), at->der);
    EVP_PKEY_free(key);
    return at;
}

static rs_code
enroll(void *arg, const char *order, struct rs_bytes der, struct rs_buf *ret_cert,
       struct rs_err *err)
{
    struct csr csr;
    struct rs_bytes serial;
    uint8_t hash[32];
    char device[SERIAL_MAX];
    struct issued *at;
    rs_code rc = csr_read(der, &csr, err);

    (void)arg;
    (void)order;
    if (rc == RS_OK)
        rc = csr_check_proof(&csr, err);
    if (rc != RS_OK)
        return rc;
    serial = name_find(csr.subject, oid_serial_number);
    (void)snprintf(device, sizeof(device), "%.*s", (int)serial.len, (const char *)serial.p);
    crypto_pub_hash(&csr.pub, hash);
    at = find(device, hash, &rc);
    if (rc != RS_OK)
        return rs_fail(err, rc, "server: device or key is another's");
    if (at == NULL)
        at = issue(device, hash, csr.spki);
    rs_buf_put(ret_cert, at->der, at->len);
    return RS_OK;
}

static size_t
certificates_of(const char *device, const struct issued **ret_last)
{
    size_t n = 0;

    for (size_t i = 0; i < server.count; i++) {
        if (strcmp(server.issued[i].device, device) == 0) {
            *ret_last = &server.issued[i];
            n++;
        }
    }
    return n;
}

/* ---- A station ------------------------------------------------------------------------------ */

static struct {
    struct journal *journal;
    struct memory *memory;
    FILE *log, *trace, *keys;
    char journal_path[512];
    uint64_t board;
    uint64_t at; /* of the trace */
} station;

static rs_code
take_record(void *arg, const struct journal_record *record, struct rs_err *err)
{
    return memory_take(arg, record, err);
}

static rs_code
note(void *arg, struct journal_record *record, int durable, struct rs_err *err)
{
    rs_code rc = journal_put(station.journal, record, err);

    (void)arg;
    if (rc == RS_OK && durable)
        rc = journal_sync(station.journal, err);
    return rc == RS_OK ? memory_take(station.memory, record, err) : rc;
}

static rs_code
recall(void *arg, struct rs_bytes uid, struct memory_chip *ret_chip, struct rs_err *err)
{
    (void)arg;
    return memory_copy(station.memory, uid, ret_chip, err);
}

/* The station is started anew: all that it knows is in its journal. */
static void
restart(void)
{
    journal_close(station.journal);
    memory_free(station.memory);
    station.memory = memory_new();
    must(station.memory != NULL && journal_open(station.journal_path, take_record, station.memory,
                                                &station.journal, NULL) == RS_OK,
         "journal");
}

static FILE *
open_in(const char *dir, const char *name, const char *mode)
{
    char path[512];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, mode);
    must(f != NULL, path);
    return f;
}

static void
station_open_in(const char *dir)
{
    (void)snprintf(station.journal_path, sizeof(station.journal_path), "%s/journal", dir);
    station.log = open_in(dir, "log", "a");
    station.trace = open_in(dir, "bus.trace", "a");
    station.keys = open_in(dir, "keys", "a");
    restart();
}

static void
trace(struct bench *b, int is_read, uint8_t *p, size_t len)
{
    (void)fprintf(station.trace, "%llu bus %c %02x ack ", (unsigned long long)++station.at,
                  is_read ? 'R' : 'W', (unsigned)far_address(b->far));
    for (size_t i = 0; i < len; i++)
        (void)fprintf(station.trace, "%02x", p[i]);
    (void)fputc('\n', station.trace);
}

/* ---- A board ---------------------------------------------------------------------------------- */

struct board {
    const char *kind;
    struct bench *bench;
    struct makers *makers; /* NULL: the part has none */
    char device[SERIAL_MAX], model[ROT_NAME_MAX];
    char cuts[CUTS_MAX][32]; /* rule for the n-th run */
    size_t cut_count;
    unsigned hit; /* cuts that took the power away */
    unsigned runs;
    unsigned commands; /* of the first run */
    char state[8];
    rs_code code;
    char why[256];
};

/* A TA100's wire is a placeholder that its driver speaks to simulators only: never in production. */
static uint32_t
how_opened(const struct board *b)
{
    return strcmp(b->kind, "blank-ta100") == 0 ? 0 : ROT_OPEN_PRODUCTION;
}

static const char *
model_of(const struct board *b)
{
    static const struct {
        const char *kind, *model;
    } variants[] = {{"blank-a100", "stsafe-a100"}, {"blank-ta100", "ta100-placeholder"}};

    for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++) {
        if (strcmp(b->kind, variants[i].kind) == 0)
            return variants[i].model;
    }
    return far_model(b->bench->far);
}

static void
make_makers(struct board *b)
{
    uint8_t der[2048];
    size_t n = far_maker(b->bench->far, 0, der, sizeof(der));

    if (n == 0)
        return;
    must(makers_new(&b->makers, NULL) == RS_OK &&
             makers_add(b->makers, "root", rs_bytes_of(der, n), NULL) == RS_OK,
         "makers");
    n = far_maker(b->bench->far, 1, der, sizeof(der));
    must(makers_add(b->makers, "signer", rs_bytes_of(der, n), NULL) == RS_OK, "makers");
}

/* What the line does with a board that ended so (board.c). */
static const char *
state_of(const struct recipe_result *r)
{
    const struct failure *f = failure_find(r->code);
    struct failure_case c = {.code = r->code,
                             .was_irreversible = r->was_irreversible || r->identity_used};

    if (r->code == RS_OK || r->code == RS_E_BOARD_DONE)
        return "pass";
    if (strcmp(f->class, "C1") == 0)
        c.again_count = r->again_count[0];
    if (strcmp(f->class, "F1") == 0)
        c.again_count = r->again_count[1];
    switch (failure_tile(&c)) {
    case TILE_AGAIN:
    case TILE_BUSY:
        return "again";
    case TILE_REJECT:
        return strcmp(f->counts, "scrap") == 0 && r->identity_used ? "scrap" : "reject";
    case TILE_READY:
    case TILE_PASS:
    case TILE_STOP:
    case TILE_OFF:
    default:
        return "stop";
    }
}

/* Contact is tried a few times before anybody is called (board.c, C1). */
static rot_err
reach(struct board *b)
{
    rot_err rot = ROT_E_BUS;

    for (int i = 0; i < 3 && (rot == ROT_E_BUS || rot == ROT_BUSY); i++)
        rot = bench_open(b->bench, how_opened(b));
    return rot;
}

static void
work(struct board *b, struct recipe_result *result)
{
    struct recipe_host host = {.note = note,
                               .recall = recall,
                               .enroll = enroll,
                               .vendors = b->makers,
                               .ca_certs = server.list,
                               .ca_count = 1,
                               .root = server.list[0],
                               .firmware_key = rs_bytes_of(server.spki, server.spki_len)};
    struct recipe_job job = {.fixture = "1",
                             .device = b->device,
                             .order = ORDER,
                             .model = b->model,
                             .board = ++station.board,
                             .chip = &b->bench->rot,
                             .host = &host};
    rot_err rot = reach(b);

    if (rot != ROT_OK) {
        result->code =
            rs_fail(&result->err, rot == ROT_E_AUTH ? RS_E_CHIP_FOREIGN : RS_E_CHIP_ABSENT,
                    "open: %s", rot_err_name(rot));
        return;
    }
    recipe_run(&job, result);
    rot_close(&b->bench->rot);
}

static void
note_end(struct board *b, const struct recipe_result *r)
{
    struct journal_record end = {.type = JOURNAL_END, .board = station.board};

    end.field[JOURNAL_DEVICE] = rs_bytes_str(b->device);
    if (r->began)
        end.field[JOURNAL_UID] = rs_bytes_of(r->uid, r->uid_len);
    end.field[JOURNAL_STATE] = rs_bytes_str(b->state);
    end.field[JOURNAL_CODE] = rs_bytes_str(r->code == RS_OK ? "" : rs_code_info(r->code)->name);
    must(note(NULL, &end, 1, NULL) == RS_OK, "the end's record");
}

/* ---- Keys that nobody may find elsewhere ------------------------------------------------------- */

static void
put_key(const char *what, const char *hex, size_t from, size_t len)
{
    if (hex != NULL && strlen(hex) >= 2 * (from + len) && len > 0)
        (void)fprintf(station.keys, "%s %.*s\n", what, (int)(2 * len), hex + 2 * from);
}

static const char *
text_of(const json_t *j, const char *name)
{
    const char *text = json_string_value(json_object_get(j, name));

    return text != NULL ? text : "";
}

static void
put_member(const json_t *j, const char *name, const char *what)
{
    const char *hex = text_of(j, name);

    put_key(what, hex, 0, strlen(hex) / 2);
}

/* ATECC: a private key stands behind four bytes; slot 6 is the IO protection key. */
static void
put_slots(const json_t *slots)
{
    for (size_t i = 0; i < json_array_size(slots); i++) {
        const char *hex = json_string_value(json_array_get(slots, i));

        if (i <= 4)
            put_key("private", hex, 4, 32);
        else if (i == 6)
            put_key("channel", hex, 0, 32);
    }
}

/* OPTIGA: an object's bytes in lines. */
static void
put_object(const json_t *o)
{
    const char *oid = text_of(o, "oid");
    const json_t *lines = json_object_get(o, "data");
    int is_pair = strlen(oid) == 4 && memcmp(oid, "E0F", 3) == 0,
        is_secret = strcmp(oid, "E140") == 0;

    for (size_t i = 0; i < json_array_size(lines) && (is_pair || is_secret); i++) {
        const char *hex = json_string_value(json_array_get(lines, i));

        put_key(is_pair ? "private" : "channel", hex, 0, strlen(hex) / 2);
    }
    put_member(o, "private", "private"); /* SE05x */
}

/* TA100: an element says in words what it is. */
static void
put_element(const json_t *e)
{
    if (strcmp(text_of(e, "kind"), "P-256 private key") == 0 &&
        json_is_true(json_object_get(e, "filled")))
        put_member(e, "content", "private");
}

static void
remember(struct board *b)
{
    char *text = far_memory(b->bench->far);
    json_t *j = json_loads(text, 0, NULL);
    const json_t *keys = json_object_get(j, "private_keys"), *list;

    must(j != NULL, "memory of the part");
    put_slots(json_object_get(j, "slots"));
    list = json_object_get(j, "objects");
    for (size_t i = 0; i < json_array_size(list); i++)
        put_object(json_array_get(list, i));
    list = json_object_get(j, "elements");
    for (size_t i = 0; i < json_array_size(list); i++)
        put_element(json_array_get(list, i));
    for (size_t i = 0; i < json_array_size(keys); i++)
        put_member(json_array_get(keys, i), "key", "private");
    for (const char *const *n = (const char *const[]){"enc", "mac", "dek", NULL}; *n != NULL; n++)
        put_member(json_object_get(j, "scp_keys"), *n, "channel");
    put_member(json_object_get(j, "host_key"), "mac", "channel");
    put_member(json_object_get(j, "host_key"), "cipher", "channel");
    json_decref(j);
    free(text);
}

/* ---- Runs ---------------------------------------------------------------------------------------- */

/* Teeth: a station that forgets what it asked for, a board that nobody gives power again. */
static int forgets, leaves_off;

static void
run_once(struct board *b)
{
    struct recipe_result result = {.code = RS_OK};
    const char *rule = b->runs < b->cut_count ? b->cuts[b->runs] : "";
    unsigned before = far_commands(b->bench->far);

    if (rule[0] != '\0')
        far_fault(b->bench->far, rule);
    work(b, &result);
    (void)snprintf(b->state, sizeof(b->state), "%s", state_of(&result));
    b->code = result.code;
    (void)snprintf(b->why, sizeof(b->why), "%s", result.err.text);
    if (b->runs == 0)
        b->commands = far_commands(b->bench->far) - before;
    note_end(b, &result);
    b->hit += !far_has_power(b->bench->far);
    (void)fprintf(station.log, "%s %s %s %s %s: %s %s\n", b->device, rule, b->state,
                  recipe_step_name(result.step),
                  result.code == RS_OK ? "" : rs_code_info(result.code)->name, result.err.text,
                  result.err.detail);
    far_clear(b->bench->far);
    if (!leaves_off)
        far_power(b->bench->far, 1);
    if (forgets) {
        memory_free(station.memory);
        station.memory = memory_new();
    }
    remember(b);
    recipe_result_done(&result);
    b->runs++;
}

static void
make(struct board *b)
{
    b->bench = bench_new(b->kind);
    b->bench->tap = trace;
    (void)snprintf(b->model, sizeof(b->model), "%s", model_of(b));
    bench_host(b->bench, MASTER);
    make_makers(b);
    (void)fprintf(station.keys, "new\n");
    remember(b); /* what is a channel's secret now, its maker published */
    (void)fprintf(station.keys, "used\n");
    do
        run_once(b);
    while (b->runs < RUNS_MAX && (b->runs < b->cut_count || strcmp(b->state, "again") == 0) &&
           strcmp(b->state, "scrap") != 0 && strcmp(b->state, "reject") != 0);
}

/* ---- What may not be ---------------------------------------------------------------------------- */

/* Every seal that the layout's production takes is set, and the part speaks by our secret. */
static const char *
is_open_somewhere(struct rot_chip *chip)
{
    const struct rot_layout *l = chip->setup.layout;
    enum rot_seal_state state;
    static const enum rot_stage whole[] = {ROT_STAGE_CONFIG, ROT_STAGE_DATA, ROT_STAGE_LIFECYCLE};

    if ((chip->setup.flags & ROT_OPEN_PRODUCTION) != 0 && chip->protection != ROT_PROTECTION_OWN)
        return "its channel is not ours";
    for (size_t i = 0; i < 3; i++) {
        if ((l->stages & 1u << whole[i]) != 0 &&
            (rot_seal_state(chip, whole[i], 0, &state) != ROT_OK || state != ROT_SEAL_DONE))
            return "a stage is not sealed";
    }
    for (size_t i = 0; i < l->place_count && (l->stages & 1u << ROT_STAGE_OBJECT) != 0; i++) {
        if ((l->places[i].flags & ROT_PLACE_SEAL) != 0 &&
            (rot_seal_state(chip, ROT_STAGE_OBJECT, l->places[i].object, &state) != ROT_OK ||
             state != ROT_SEAL_DONE))
            return "an object is not sealed";
    }
    return NULL;
}

/* A challenge by OpenSSL, which knows nothing of the part but the certificate. */
static const char *
does_not_prove(struct rot_chip *chip, const struct issued *cert)
{
    static const uint8_t message[] = "a challenge that no run has seen";
    uint8_t sig[ROT_SIGNATURE_MAX];
    const uint8_t *p = cert->der;
    X509 *x = d2i_X509(NULL, &p, (long)cert->len);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t n = 0;
    int ok = x != NULL && ctx != NULL &&
             rot_sign_message(chip, ROT_IDEVID, message, sizeof(message), sig, sizeof(sig), &n) ==
                 ROT_OK &&
             EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, X509_get0_pubkey(x)) == 1 &&
             EVP_DigestVerify(ctx, sig, n, message, sizeof(message)) == 1;

    EVP_MD_CTX_free(ctx);
    X509_free(x);
    return ok ? NULL : "it has not the certificate's key";
}

static const char *
has_not(struct rot_chip *chip, rot_object obj, enum rot_part part, const uint8_t *want, size_t len)
{
    uint8_t got[DER_MAX];
    size_t n = 0;

    return rot_object_read(chip, obj, part, 0, got, sizeof(got), &n) == ROT_OK && n == len &&
                   memcmp(got, want, len) == 0
               ? NULL
               : "something that was to be in it is not";
}

static const char *
what_is_wrong(struct board *b)
{
    const struct issued *cert = NULL;
    size_t certs = certificates_of(b->device, &cert);
    struct rot_chip *chip = &b->bench->rot;
    const char *wrong = NULL;

    if (certs > 1)
        return "it has two certificates";
    if (strcmp(b->state, "scrap") == 0)
        return NULL;
    if (strcmp(b->state, "pass") != 0)
        return "neither complete nor scrapped";
    if (certs != 1)
        return "it passed without a certificate";
    if (bench_open(b->bench, how_opened(b)) != ROT_OK)
        return "it passed and does not open";
    wrong = is_open_somewhere(chip);
    if (wrong == NULL)
        wrong = does_not_prove(chip, cert);
    if (wrong == NULL)
        wrong = has_not(chip, ROT_IDEVID, ROT_PART_CERT, cert->der, cert->len);
    if (wrong == NULL)
        wrong = has_not(chip, ROT_FIRMWARE(0), ROT_PART_DATA, server.spki, server.spki_len);
    rot_close(chip);
    return wrong;
}

/* ---- The plan -------------------------------------------------------------------------------------- */

static struct {
    unsigned long boards, complete, resumed, scrapped, problems, runs, first, second, asked;
} count;

static unsigned
one_board(const char *kind, const char *name, const char (*cuts)[32], size_t cut_count)
{
    struct board b = {.kind = kind};
    const char *wrong;
    unsigned commands;

    (void)snprintf(b.device, sizeof(b.device), "%s", name);
    for (size_t i = 0; i < cut_count; i++)
        memcpy(b.cuts[i], cuts[i], sizeof(b.cuts[i]));
    b.cut_count = cut_count;
    make(&b);
    wrong = what_is_wrong(&b);
    count.boards++;
    count.runs += b.runs;
    count.first += b.hit > 0;
    count.second += b.hit > 1;
    if (wrong != NULL) {
        count.problems++;
        (void)printf("FAIL %s %s %s + %s: %s; %s after %u runs: %s %s\n", kind, name,
                     cut_count > 0 ? b.cuts[0] : "-", cut_count > 1 ? b.cuts[1] : "-", wrong,
                     b.state, b.runs, b.code == RS_OK ? "" : rs_code_info(b.code)->name, b.why);
    } else if (strcmp(b.state, "scrap") == 0) {
        count.scrapped++;
    } else if (b.runs > 1) {
        count.resumed++;
    } else {
        count.complete++;
    }
    commands = b.commands;
    makers_free(b.makers);
    bench_free(b.bench);
    return commands;
}

static uint64_t
draw(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed * 0x2545f4914f6cdd1dull >> 16;
}

static void
put_rule(char rule[32], unsigned point, unsigned command, int byte)
{
    if (byte >= 0)
        (void)snprintf(rule, 32, "cut-%s@%u:%d", points[point], command, byte);
    else
        (void)snprintf(rule, 32, "cut-%s@%u", points[point], command);
}

/* Every command, every point; or so many of them, spread evenly. */
static void
single_cuts(const char *kind, unsigned commands, unsigned some)
{
    unsigned all = commands * POINTS, n = some != 0 && some < all ? some : all;

    for (unsigned i = 0; i < n; i++) {
        unsigned at = (unsigned)((2ull * i + 1) * all / (2ull * n));
        char rule[1][32], name[SERIAL_MAX];

        put_rule(rule[0], at % POINTS, at / POINTS + 1, -1);
        (void)snprintf(name, sizeof(name), "C-%u", at);
        (void)one_board(kind, name, (const char(*)[32])rule, 1);
    }
}

/* Two cuts anywhere; each third board has its first one at some byte of a write. */
static void
double_cuts(const char *kind, unsigned commands, unsigned long boards, uint64_t seed)
{
    uint64_t state = seed * 0x9e3779b97f4a7c15ull + 1;

    for (unsigned long i = 0; i < boards; i++) {
        char rules[2][32], name[SERIAL_MAX];

        for (unsigned k = 0; k < 2; k++) {
            unsigned point = (unsigned)(draw(&state) % POINTS);
            unsigned command = (unsigned)(draw(&state) % commands) + 1;
            int byte = (int)(draw(&state) % 64);

            if (i % 3 == 0 && k == 0)
                point = 1;
            put_rule(rules[k], point, command, point == 1 && i % 3 == 0 ? byte : -1);
        }
        (void)snprintf(name, sizeof(name), "T-%llu-%lu", (unsigned long long)seed, i);
        (void)one_board(kind, name, (const char(*)[32])rules, 2);
        if (i % 250 == 249)
            restart();
    }
}

static const struct option known[] = {
    {"kind", required_argument, NULL, 'k'},   {"dir", required_argument, NULL, 'd'},
    {"single", no_argument, NULL, '1'},       {"some", required_argument, NULL, 'n'},
    {"double", required_argument, NULL, '2'}, {"seed", required_argument, NULL, 's'},
    {"cut", required_argument, NULL, 'c'},    {"forget", no_argument, NULL, 'f'},
    {"leave-off", no_argument, NULL, 'l'},    {NULL, 0, NULL, 0}};

int
main(int argc, char **argv)
{
    const char *kind = NULL, *dir = NULL;
    char cuts[CUTS_MAX][32] = {""};
    size_t cut_count = 0;
    unsigned long twice = 0, some = 0, seed = 1;
    unsigned commands;
    int c, single = 0;

    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (c == 'k')
            kind = optarg;
        else if (c == 'd')
            dir = optarg;
        else if (c == '1')
            single = 1;
        else if (c == 'n')
            some = strtoul(optarg, NULL, 10);
        else if (c == '2')
            twice = strtoul(optarg, NULL, 10);
        else if (c == 's')
            seed = strtoul(optarg, NULL, 10);
        else if (c == 'f')
            forgets = 1;
        else if (c == 'l')
            leaves_off = 1;
        else if (c == 'c' && cut_count < CUTS_MAX)
            (void)snprintf(cuts[cut_count++], sizeof(cuts[0]), "%s", optarg);
        else
            return 2;
    }
    if (kind == NULL || dir == NULL)
        return 2;
    server_open();
    station_open_in(dir);
    commands = one_board(kind, "PLAIN", NULL, 0);
    if (single)
        single_cuts(kind, commands, (unsigned)some);
    if (twice > 0)
        double_cuts(kind, commands, twice, seed);
    if (cut_count > 0)
        (void)one_board(kind, "CUT", (const char(*)[32])cuts, cut_count);
    journal_close(station.journal);
    memory_free(station.memory);
    (void)fclose(station.log);
    (void)fclose(station.trace);
    (void)fclose(station.keys);
    (void)printf("{\"kind\": \"%s\", \"commands\": %u, \"boards\": %lu, \"runs\": %lu, "
                 "\"first_cuts\": %lu, \"second_cuts\": %lu, \"complete\": %lu, \"resumed\": %lu, "
                 "\"scrapped\": %lu, \"certificates\": %zu, \"problems\": %lu}\n",
                 kind, commands, count.boards, count.runs, count.first, count.second,
                 count.complete, count.resumed, count.scrapped, server.count, count.problems);
    EVP_PKEY_free(server.key);
    free(server.issued);
    return count.problems == 0 ? 0 : 1;
}
