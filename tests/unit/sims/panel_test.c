/*
 * panel_test.c: buses, state files, fault rules, the socket's messages, and
 * what pre-provisioned parts carry.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "harness.h"
#include "sims/atecc/vendor.h"
#include "sims/common/fault.h"
#include "sims/panel/panel.h"
#include "sims/panel/session.h"

static char work_dir[64];

static int
make_dir(void **state)
{
    (void)state;
    (void)snprintf(work_dir, sizeof(work_dir), "/tmp/rot-sim-test-XXXXXX");
    return mkdtemp(work_dir) == NULL ? -1 : 0;
}

static int
remove_one(void *arg, const char *name)
{
    char path[256];

    (void)arg;
    (void)snprintf(path, sizeof(path), "%s/%s", work_dir, name);
    return rs_file_remove(path, NULL) != RS_OK;
}

static int
remove_dir(void **state)
{
    (void)state;
    if (rs_dir_list(work_dir, remove_one, NULL, NULL) != RS_OK)
        return -1;
    return rmdir(work_dir);
}

static struct sim_panel *
new_panel(const char *dir, uint32_t busy_us)
{
    const struct sim_panel_options options = {.state_dir = dir, .busy_us = busy_us};
    struct sim_panel *panel = NULL;

    assert_int_equal(sim_panel_new(&options, &panel, NULL), RS_OK);
    return panel;
}

/* ---- Rules ---------------------------------------------------------------------------- */

static void
test_rules_refused(void **state)
{
    static const char *const wrong[] = {
        "",       "nak",    "nak@",     "nak@0",          "nak@1:5",        "nak@2-1",
        "nak@1x", "cut@1",  "status@1", "status@1:",      "status@1:1ffff", "flip@1:9999",
        "slow@1", "nak@1-", "nak@-1",   "cut-write@1:-1", "nak@99999999999"};
    struct sim_rules rules = {.count = 0};
    unsigned id = 77;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (sim_rules_add(&rules, wrong[i], &id, NULL) != RS_E_USAGE)
            fail_msg("taken: %s", wrong[i]);
    assert_int_equal(rules.count, 0);
    assert_int_equal(id, 77);
    for (unsigned i = 0; i < SIM_RULES_MAX; i++)
        assert_int_equal(sim_rules_add(&rules, "nak@5+", &id, NULL), RS_OK);
    assert_int_equal(sim_rules_add(&rules, "nak@5+", &id, NULL), RS_E_USAGE);
}

static void
test_rules_act(void **state)
{
    static const enum sim_fate_kind want[7] = {SIM_FATE_RUN, SIM_FATE_NAK,  SIM_FATE_NAK,
                                               SIM_FATE_LIE, SIM_FATE_SLOW, SIM_FATE_SLOW,
                                               SIM_FATE_SLOW};
    struct sim_rules rules = {.count = 0};
    struct sim_fate fate;
    unsigned id, last;

    (void)state;
    assert_int_equal(sim_rules_add(&rules, "nak@2-3", &id, NULL), RS_OK);
    assert_int_equal(sim_rules_add(&rules, "lie@3-4:0f", &id, NULL), RS_OK);
    assert_int_equal(sim_rules_add(&rules, "slow@5+:20", &last, NULL), RS_OK);
    for (size_t i = 0; i < 7; i++) {
        fate = sim_rules_next(&rules);
        assert_int_equal(fate.kind, want[i]);
    }
    assert_int_equal(fate.arg, 20);
    assert_int_equal(rules.count, 1);
    assert_int_equal(sim_rules_clear(&rules, id), 0);
    assert_int_equal(sim_rules_clear(&rules, last), 1);
    assert_int_equal(sim_rules_add(&rules, "cut-write@1", &id, NULL), RS_OK);
    assert_int_equal(sim_rules_next(&rules).arg, -1);
}

/* ---- Session ----------------------------------------------------------------------------- */

struct talk {
    struct sim_session session;
    struct rs_buf out;
    int open;
};

static void
talk_start(struct talk *t, struct sim_panel *panel)
{
    sim_session_init(&t->session, panel, "socket");
    rs_buf_init(&t->out, SIM_ANSWER_MAX + 2);
}

/* Send hex without its length; the answer, whole, must be this hex (NULL: anything).  Status. */
static unsigned
talk(struct talk *t, const char *hex, const char *want)
{
    uint8_t request[2048], answer[2048];
    size_t len = 0, want_len = 0;

    assert_true(rs_hex_read(hex, strlen(hex), request, sizeof(request), &len));
    t->open = sim_session_answer(&t->session, rs_bytes_of(request, len), &t->out);
    if (!t->open)
        return 0xFFFF;
    assert_int_equal(rs_get_u16(t->out.p), t->out.len - 2);
    assert_int_equal(t->out.p[2], request[0]);
    if (want != NULL) {
        assert_true(rs_hex_read(want, strlen(want), answer, sizeof(answer), &want_len));
        assert_int_equal(t->out.len, want_len);
        assert_memory_equal(t->out.p, answer, want_len);
    }
    return t->out.p[3];
}

static unsigned
control(struct talk *t, const char *json, json_t **ret_answer)
{
    uint8_t request[512] = {0x20};

    memcpy(request + 1, json, strlen(json));
    t->open = sim_session_answer(&t->session, rs_bytes_of(request, strlen(json) + 1), &t->out);
    assert_true(t->open);
    if (ret_answer != NULL)
        assert_int_equal(rs_json_read(rs_bytes_of(t->out.p + 4, t->out.len - 4), ret_answer, NULL),
                         RS_OK);
    return t->out.p[3];
}

#define HELLO "01524F5453494D01"

/* The worked example of docs/protocols/simulator.md, byte for byte. */
static void
test_documented_example(void **state)
{
    struct sim_panel *panel = new_panel(NULL, 0);
    struct sim_chip *chip;
    struct talk t;

    (void)state;
    assert_int_equal(sim_panel_add(panel, "desk/d101", "blank608b", &chip, NULL), RS_OK);
    talk_start(&t, panel);
    talk(&t, HELLO, "001101000100726F742D73696D20302E312E30");
    talk(&t, "026465736B2F64313031",
         "000C0200606174656363363038"
         "62");
    talk(&t, "1200000050", "00021200");
    talk(&t, "15000005DC", "00021500");
    talk(&t, "11600004", "0006110004113343");
    talk(&t, "1060030730000000035D", "00021000");
    talk(&t, "106000", "00021000");
    talk(&t, "11600001", "0003110007");
    talk(&t, "11600006", "000811000000600383BB");
    talk(&t, "16", "0003160060");
    rs_buf_done(&t.out);
    sim_panel_free(panel);
}

static void
test_session_refuses(void **state)
{
    struct sim_panel *panel = new_panel(NULL, 0);
    struct sim_chip *chip;
    struct talk t;

    (void)state;
    assert_int_equal(sim_panel_add(panel, "b/c", "blank608b", &chip, NULL), RS_OK);
    talk_start(&t, panel);
    assert_int_equal(talk(&t, "02622F63", NULL), 0xFFFF); /* HELLO comes first */
    assert_int_equal(talk(&t, "", NULL), 0xFFFF);
    assert_int_equal(talk(&t, "01524F5453494D03", "0003010202"), 2);
    assert_int_equal(talk(&t, "01524F5453494D00", "0003010202"), 2);
    assert_int_equal(talk(&t, "01524F5453494E01", NULL), 3);
    assert_int_equal(talk(&t, "01524F5453494D0100", NULL), 3);
    assert_int_equal(talk(&t, HELLO, NULL), 0);
    assert_int_equal(talk(&t, "106000", NULL), 4); /* OPEN comes second */
    assert_int_equal(talk(&t, "99", NULL), 3);
    assert_int_equal(talk(&t, "02", NULL), 3);
    assert_int_equal(talk(&t, "02622F78", NULL), 5);
    assert_int_equal(talk(&t, "02622F00", NULL), 3);
    assert_int_equal(talk(&t, "02782F2A", NULL), 5);
    assert_int_equal(talk(&t, "02622F63", NULL), 0);
    assert_int_equal(talk(&t, "02622F63", NULL), 4);
    assert_int_equal(talk(&t, "10", NULL), 3);
    assert_int_equal(talk(&t, "108000", NULL), 3);
    assert_int_equal(talk(&t, "11600000", NULL), 3);
    assert_int_equal(talk(&t, "11600401", NULL), 3);
    assert_int_equal(talk(&t, "1100", NULL), 3);
    assert_int_equal(talk(&t, "1300000001", NULL), 3);
    assert_int_equal(talk(&t, "1402", NULL), 3);
    assert_int_equal(talk(&t, "15FFFFFFFF", NULL), 3);
    /* What version 2 has is not there in version 1. */
    assert_int_equal(talk(&t, "1901", NULL), 3);
    assert_int_equal(talk(&t, "170160000000", NULL), 3);
    assert_int_equal(control(&t, "{", NULL), 3);
    assert_int_equal(control(&t, "{}", NULL), 3);
    assert_int_equal(control(&t, "{\"do\":\"dance\"}", NULL), 3);
    assert_int_equal(control(&t, "{\"do\":\"stats\",\"chip\":\"b/x\"}", NULL), 5);
    assert_int_equal(control(&t, "{\"do\":\"fault\",\"chip\":\"c\",\"rule\":\"x\"}", NULL), 6);
    rs_buf_done(&t.out);
    sim_panel_free(panel);
}

#define HELLO_2 "01524F5453494D02"

/* Version 2, refusals first; then a whole command as one transaction. */
static void
test_transfer(void **state)
{
    struct sim_panel *panel = new_panel(NULL, 0);
    struct sim_chip *chip;
    struct talk t;

    (void)state;
    assert_int_equal(sim_panel_add(panel, "b/c", "blank608b", &chip, NULL), RS_OK);
    talk_start(&t, panel);
    assert_int_equal(talk(&t, HELLO_2, "001101000200726F742D73696D20302E312E30"), 0);
    assert_int_equal(talk(&t, "170160000000", NULL), 4);
    assert_int_equal(talk(&t, "1901", NULL), 4);
    talk(&t, "02622F63", NULL);
    assert_int_equal(talk(&t, "17", NULL), 3);
    assert_int_equal(talk(&t, "1700", NULL), 3);           /* no message */
    assert_int_equal(talk(&t, "1701", NULL), 3);           /* one that is not there */
    assert_int_equal(talk(&t, "170160000001", NULL), 3);   /* without its byte */
    assert_int_equal(talk(&t, "17016000000000", NULL), 3); /* and one too many */
    assert_int_equal(talk(&t, "170160020000", NULL), 3);   /* no such flag */
    assert_int_equal(talk(&t, "170180000000", NULL), 3);   /* no such address */
    assert_int_equal(talk(&t, "170160010000", NULL), 3);   /* nothing to read */
    assert_int_equal(talk(&t, "170160010401", NULL), 3);   /* 1,025 bytes */
    assert_int_equal(talk(&t, "1902", NULL), 3);
    assert_int_equal(talk(&t, "170160000000", NULL), 1); /* asleep */
    talk(&t, "1200000050", NULL);
    talk(&t, "15000005DC", NULL);
    /* Nobody is at 0x61: what came before is done, and nothing is told of it. */
    assert_int_equal(talk(&t,
                          "170260000000"
                          "61000000",
                          "00021701"),
                     1);
    assert_int_equal(talk(&t,
                          "1704"
                          "60010004"                 /* read the greeting */
                          "60000008030730000000035D" /* Info */
                          "6000000100"               /* from the beginning */
                          "60010007",
                          "000D170004113343070000600383BB"),
                     0);
    rs_buf_done(&t.out);
    sim_panel_free(panel);
}

/* SPI: what is no SPI, and a part that has none. */
static void
test_spi_refuses(void **state)
{
    struct sim_panel *panel = new_panel(NULL, 0);
    struct sim_chip *chip;
    struct talk t;

    (void)state;
    assert_int_equal(sim_panel_add(panel, "b/c", "blank608b", &chip, NULL), RS_OK);
    talk_start(&t, panel);
    talk(&t, HELLO_2, NULL);
    talk(&t, "02622F63", NULL);
    assert_int_equal(talk(&t, "18", NULL), 3);
    assert_int_equal(talk(&t, "180000270F00", NULL), 3);     /* 9,999 Hz */
    assert_int_equal(talk(&t, "1802FAF08100", NULL), 3);     /* 50,000,001 Hz */
    assert_int_equal(talk(&t, "18000F42400200", NULL), 3);   /* no such flag */
    assert_int_equal(talk(&t, "18000F42400000AA", NULL), 6); /* no such wire */
    rs_buf_done(&t.out);
    talk_start(&t, panel);
    talk(&t, HELLO_2, NULL);
    talk(&t, "02622F2A", NULL);
    assert_int_equal(talk(&t, "18000F42400000AA", NULL), 4); /* which chip? */
    rs_buf_done(&t.out);
    sim_panel_free(panel);
}

/* SPI: a status, and a chip that stays selected until its master is gone. */
static void
test_spi(void **state)
{
    struct sim_panel *panel = new_panel(NULL, 0);
    struct sim_chip *chip;
    struct talk t, other;

    (void)state;
    assert_int_equal(sim_panel_add(panel, "b/t", "ta100", &chip, NULL), RS_OK);
    talk_start(&t, panel);
    talk_start(&other, panel);
    talk(&t, HELLO_2, NULL);
    talk(&t, "02622F74", NULL);
    talk(&other, HELLO_2, NULL);
    talk(&other, "02622F74", NULL);
    talk(&t, "1500001388", NULL);
    assert_int_equal(talk(&t, "18000F4240003000", "00041800FF00"), 0);
    assert_int_equal(talk(&t, "18000F424000", "00021800"), 0);
    /* Held: what the other sends is of the same frame, and is no status. */
    assert_int_equal(talk(&t, "18000F42400110", "00031800FF"), 0);
    assert_int_equal(talk(&other, "18000F4240013000", "00041800FFFF"), 0);
    sim_session_done(&t.session);
    assert_int_equal(talk(&other, "18000F4240003000", "00041800FF01"), 0); /* that was a command */
    sim_session_done(&other.session);
    rs_buf_done(&t.out);
    rs_buf_done(&other.out);
    sim_panel_free(panel);
}

/* A master that waits by itself: the machine's time counts, and is not counted twice. */
static void
test_own_time(void **state)
{
    struct sim_panel *panel = new_panel(NULL, 0);
    struct sim_chip *chip;
    struct talk t;

    (void)state;
    assert_int_equal(sim_panel_add(panel, "b/c", "blank608b", &chip, NULL), RS_OK);
    talk_start(&t, panel);
    talk(&t, HELLO_2, NULL);
    talk(&t, "02622F63", NULL);
    talk(&t, "1200000050", NULL);
    rs_sleep_us(3000);
    assert_int_equal(talk(&t, "11600004", NULL), 1); /* the bus clock stood still */
    assert_int_equal(talk(&t, "1901", "00021900"), 0);
    talk(&t, "1200000050", NULL);
    rs_sleep_us(3000);
    assert_int_equal(talk(&t, "11600004", "0006110004113343"), 0);
    assert_int_equal(talk(&t, "1900", NULL), 0);
    rs_buf_done(&t.out);
    sim_panel_free(panel);
}

/* Asleep it does not answer; the general call at 100 kHz wakes it, at 400 kHz not. */
static void
test_general_call_and_speed(void **state)
{
    struct sim_panel *panel = new_panel(NULL, 0);
    struct sim_chip *chip;
    struct talk t;

    (void)state;
    assert_int_equal(sim_panel_add(panel, "b/c", "blank608b", &chip, NULL), RS_OK);
    talk_start(&t, panel);
    talk(&t, HELLO, NULL);
    assert_int_equal(talk(&t, "02622F2A",
                          "00060200"
                          "00627573"),
                     0);
    assert_int_equal(talk(&t, "16", NULL), 4);
    assert_int_equal(talk(&t, "106000", NULL), 1);
    assert_int_equal(talk(&t, "1300061A80", NULL), 0); /* 400 kHz */
    assert_int_equal(talk(&t, "100001", NULL), 1);
    assert_int_equal(talk(&t, "15000005DC", NULL), 0);
    assert_int_equal(talk(&t, "106000", NULL), 1);
    assert_int_equal(talk(&t, "13000186A0", NULL), 0); /* 100 kHz */
    assert_int_equal(talk(&t, "100001", NULL), 1);
    assert_int_equal(talk(&t, "15000005DC", NULL), 0);
    assert_int_equal(talk(&t, "106000", NULL), 0);
    assert_int_equal(talk(&t, "1400", NULL), 0);
    assert_int_equal(talk(&t, "106000", NULL), 1);
    rs_buf_done(&t.out);
    sim_panel_free(panel);
}

/* ---- Control and files ---------------------------------------------------------------------- */

static void
test_faults_over_control(void **state)
{
    RS_AUTO(rs_json_done) json_t *list = NULL;
    RS_AUTO(rs_json_done) json_t *stats = NULL;
    struct sim_panel *panel = new_panel(NULL, 0);
    struct sim_chip *chip;
    json_t *first;
    struct talk t;

    (void)state;
    assert_int_equal(sim_panel_add(panel, "b/c", "blank608b", &chip, NULL), RS_OK);
    talk_start(&t, panel);
    talk(&t, HELLO, NULL);
    talk(&t, "02622F63", NULL);
    assert_int_equal(
        control(&t, "{\"do\":\"fault\",\"chip\":\"b/c\",\"rule\":\"cut-after@2\"}", NULL), 0);
    assert_int_equal(control(&t, "{\"do\":\"list\"}", &list), 0);
    first = json_array_get(json_object_get(list, "chips"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "chip")), "b/c");
    assert_int_equal(json_array_size(json_object_get(first, "faults")), 1);
    talk(&t, "1200000050", NULL);
    talk(&t, "15000005DC", NULL);
    assert_int_equal(talk(&t, "1060030730000000035D", NULL), 0);
    assert_int_equal(talk(&t, "11600007", NULL), 0);
    assert_int_equal(talk(&t, "1060030730000000035D", NULL), 0);
    assert_int_equal(talk(&t, "11600007", NULL), 1); /* the power is gone */
    assert_int_equal(control(&t, "{\"do\":\"stats\",\"chip\":\"b/c\"}", &stats), 0);
    assert_int_equal(json_integer_value(json_object_get(stats, "commands")), 2);
    assert_int_equal(json_integer_value(json_object_get(stats, "nacks")), 1);
    assert_int_equal(control(&t, "{\"do\":\"power\",\"chip\":\"b/c\",\"on\":true}", NULL), 0);
    talk(&t, "1200000050", NULL);
    talk(&t, "15000005DC", NULL);
    assert_int_equal(talk(&t, "11600004", NULL), 0);
    rs_buf_done(&t.out);
    sim_panel_free(panel);
}

static void
test_names(void **state)
{
    static const char *const wrong[] = {"", "/", "a/", "/a", "a/b/c", "a b", "../x", "a/.b"};
    struct sim_panel *panel = new_panel(NULL, 0);
    struct sim_chip *chip = NULL, *other;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(sim_panel_add(panel, wrong[i], "blank608b", &chip, NULL), RS_E_USAGE);
    assert_int_equal(sim_panel_add(panel, "a/u1", "atecc704", &chip, NULL), RS_E_USAGE);
    assert_int_equal(sim_panel_add(panel, "a/u1", "atecc608a", &chip, NULL), RS_OK);
    assert_int_equal(sim_panel_add(panel, "a/u1", "atecc608a", &other, NULL), RS_E_USAGE);
    assert_int_equal(sim_panel_add(panel, "b/u1", "atecc608b", &other, NULL), RS_OK);
    assert_ptr_equal(sim_panel_find(panel, "a/u1"), chip);
    assert_ptr_equal(sim_panel_find(panel, "b/u1"), other);
    assert_null(sim_panel_find(panel, "u1")); /* two of that name */
    assert_string_equal(sim_chip_model(chip), "atecc608a");
    sim_panel_free(panel);
}

static json_t *
eeprom_of(struct sim_panel *panel, const char *name)
{
    RS_AUTO(rs_json_done) json_t *request = json_pack("{s:s, s:s}", "do", "eeprom", "chip", name);
    json_t *answer = NULL;

    assert_int_equal(sim_panel_control(panel, request, "", &answer, NULL), RS_OK);
    return answer;
}

/* A chip keeps its memory over restarts, a reset gives another one, a foreign file is refused. */
static void
test_state_files(void **state)
{
    RS_AUTO(rs_json_done) json_t *before = NULL;
    RS_AUTO(rs_json_done) json_t *after = NULL;
    RS_AUTO(rs_json_done) json_t *fresh = NULL;
    RS_AUTO(rs_json_done) json_t *reset = json_pack("{s:s, s:s}", "do", "reset", "chip", "b/c");
    RS_AUTO(rs_json_done) json_t *done = NULL;
    struct sim_panel *panel;
    struct sim_chip *chip;
    char path[128];

    (void)state;
    panel = new_panel(work_dir, 0);
    assert_int_equal(sim_panel_add(panel, "b/c", "blank608b", &chip, NULL), RS_OK);
    before = eeprom_of(panel, "b/c");
    sim_panel_free(panel);
    panel = new_panel(work_dir, 0);
    assert_int_equal(sim_panel_add(panel, "b/c", "blank608b", &chip, NULL), RS_OK);
    after = eeprom_of(panel, "b/c");
    assert_true(json_equal(before, after));
    assert_int_equal(sim_panel_control(panel, reset, "", &done, NULL), RS_OK);
    fresh = eeprom_of(panel, "b/c");
    assert_false(json_equal(before, fresh));
    sim_panel_free(panel);

    panel = new_panel(work_dir, 0);
    assert_int_equal(sim_panel_add(panel, "b/c", "blank608a", &chip, NULL), RS_E_FILE_FAILED);
    (void)snprintf(path, sizeof(path), "%s/b,c.json", work_dir);
    assert_int_equal(rs_file_replace(path, rs_bytes_str("{\"format\":1}"), 0600, NULL), RS_OK);
    assert_int_equal(sim_panel_add(panel, "b/c", "blank608b", &chip, NULL), RS_E_FILE_FAILED);
    sim_panel_free(panel);
}

/* ---- Pre-provisioned parts --------------------------------------------------------------------- */

static void
check_dates(void *arg, const char *section)
{
    uint8_t issue[5], years, want[3], got[3];
    struct atecc_dates d;

    (void)arg;
    if (strcmp(section, "serials") == 0)
        return;
    (void)vector_get("cert.txt", section, "issue", issue, 5);
    (void)vector_get("cert.txt", section, "expire_years", &years, 1);
    (void)vector_get("cert.txt", section, "dates", want, 3);
    d = (struct atecc_dates){rs_get_u16(issue), issue[2], issue[3], issue[4], years};
    atecc_dates_encode(&d, got);
    assert_memory_equal(got, want, 3);
}

static void
test_date_vectors(void **state)
{
    (void)state;
    vector_sections("cert.txt", check_dates, NULL);
}

static X509 *
make_cert(struct atecc_p256 *p256, const struct sim_vendor *v, const struct atecc_cert *cert,
          uint8_t compressed[ATECC_COMPRESSED_SIZE], size_t *ret_len)
{
    uint8_t room[ATECC_CERT_MAX];
    const uint8_t *p = room;
    struct rs_buf der;
    X509 *x;

    rs_buf_init_fixed(&der, room, sizeof(room));
    assert_int_equal(atecc_cert_make(p256, v, cert, &der, compressed, NULL), RS_OK);
    *ret_len = der.len;
    x = d2i_X509(NULL, &p, (long)der.len);
    assert_non_null(x);
    assert_ptr_equal(p, room + der.len);
    return x;
}

/* OpenSSL reads the chain, and each signature is by the one above. */
static void
test_chain(void **state)
{
    struct atecc_p256 *p256 = atecc_p256_new();
    struct sim_vendor v;
    struct atecc_cert cert = {.kind = ATECC_CERT_ROOT};
    uint8_t small[ATECC_COMPRESSED_SIZE];
    X509 *root, *signer, *device;
    size_t len;
    char name[256];

    (void)state;
    assert_int_equal(sim_vendor_open(NULL, &v, NULL), RS_OK);
    cert.public_key = v.root_public;
    cert.dates = v.since;
    cert.dates.expire_years = 40;
    root = make_cert(p256, &v, &cert, NULL, &len);
    cert.kind = ATECC_CERT_SIGNER;
    cert.public_key = v.signer_public;
    cert.dates.expire_years = 31;
    signer = make_cert(p256, &v, &cert, small, &len);
    assert_in_range(len, 518, 522);
    assert_int_equal(small[69], 0x10);
    cert.kind = ATECC_CERT_DEVICE;
    cert.public_key = v.root_public; /* any point will do */
    cert.dates.expire_years = 28;
    cert.device_serial = "01238B26365DC41801";
    cert.eui48 = "0211223344AA";
    device = make_cert(p256, &v, &cert, small, &len);
    assert_in_range(len, 543, 548);
    assert_int_equal(small[69], 0x30);
    assert_int_equal(small[70], 0xA0);
    assert_int_equal(X509_verify(root, X509_get0_pubkey(root)), 1);
    assert_int_equal(X509_verify(signer, X509_get0_pubkey(root)), 1);
    assert_int_equal(X509_verify(device, X509_get0_pubkey(signer)), 1);
    assert_int_equal(X509_verify(device, X509_get0_pubkey(root)), 0);
    assert_int_equal(X509_check_issued(signer, device), X509_V_OK);
    assert_int_equal(X509_check_issued(root, signer), X509_V_OK);
    assert_non_null(X509_NAME_oneline(X509_get_subject_name(device), name, sizeof(name)));
    assert_non_null(strstr(name, "SIMULATOR"));
    assert_non_null(strstr(name, "sn01238B26365DC41801"));
    X509_free(device);
    X509_free(signer);
    X509_free(root);
    atecc_p256_free(p256);
}

/* Bytes of a slot as a host reads them after the lock: blocks, then words. */
static void
read_slot72(struct part *p, unsigned slot, uint8_t out[72])
{
    for (unsigned block = 0; block < 2; block++)
        assert_int_equal(
            part_run(p, 0x02, 0x82, block << 8 | slot << 3, NULL, 0, out + 32 * (size_t)block),
            PART_DATA + 32);
    for (unsigned word = 0; word < 2; word++)
        assert_int_equal(
            part_run(p, 0x02, 0x02, 0x200 | slot << 3 | word, NULL, 0, out + 64 + 4 * word),
            PART_DATA + 4);
}

static void
check_trust_part(const char *personality, const char *marker, const struct sim_vendor *v)
{
    const struct sim_create how = {
        .personality = personality, .vendor = v, .unique = {1, 2, 3, 4, 5, 6}};
    uint8_t want[112], slot[72], config[128], device[64], rs[64];
    struct part p;

    part_init(&p, &atecc608b_model, "blank608b");
    part_done(&p);
    memset(&p.chip, 0, sizeof(p.chip));
    assert_int_equal(p.model->create(&p.chip, &p.holder.host, &how, NULL), RS_OK);
    for (unsigned block = 0; block < 4; block++)
        assert_int_equal(part_run(&p, 0x02, 0x80, block << 3, NULL, 0, config + 32 * block),
                         PART_DATA + 32);
    (void)vector_get("config.txt", personality, "from_byte_16", want, 112);
    assert_memory_equal(config + 16, want, 112);
    assert_int_equal(config[12], 0x01);
    assert_int_equal(part_run(&p, 0x02, 0x81, 0, NULL, 0, slot), PART_DATA + 32);
    assert_memory_equal(slot, marker, 8);

    read_slot72(&p, 11, slot);
    assert_memory_equal(slot + 4, v->signer_public, 32);
    assert_memory_equal(slot + 40, v->signer_public + 32, 32);
    read_slot72(&p, 12, slot);
    assert_int_equal(slot[69], 0x10);
    read_slot72(&p, 10, slot);
    assert_int_equal(slot[69], 0x30);
    assert_memory_equal(slot + 67, v->signer_id, 2);

    /* The key in slot 0 signs what a host asks, and nothing can be written over the chain. */
    assert_int_equal(part_run(&p, 0x40, 0x00, 0, NULL, 0, device), PART_DATA + 64);
    assert_int_equal(part_run(&p, 0x1B, 0, 0, NULL, 0, rs), PART_DATA + 32);
    assert_int_equal(part_run(&p, 0x16, 0x43, 0, want, 32, NULL), 0);
    assert_int_equal(part_run(&p, 0x41, 0xA0, 0, NULL, 0, rs), PART_DATA + 64);
    assert_true(atecc_p256_verify(p.chip.p256, device, want, rs));
    assert_int_equal(part_run(&p, 0x12, 0x80, 0x18, want, 32, NULL), 0x0F);
    assert_int_equal(part_run(&p, 0x40, 0x04, 0, NULL, 0, NULL), 0x0F);
    part_done(&p);
}

static void
test_trust_parts(void **state)
{
    struct sim_vendor v;

    (void)state;
    assert_int_equal(sim_vendor_open(work_dir, &v, NULL), RS_OK);
    check_trust_part("tngtls", "KQp2ZkD8", &v);
    check_trust_part("tflxtls", "MKMwyhP1", &v);
}

static void
test_vendor_is_kept(void **state)
{
    struct sim_vendor a, b;
    char path[128];

    (void)state;
    assert_int_equal(sim_vendor_open(work_dir, &a, NULL), RS_OK);
    assert_int_equal(sim_vendor_open(work_dir, &b, NULL), RS_OK);
    assert_memory_equal(&a, &b, sizeof(a));
    (void)snprintf(path, sizeof(path), "%s/simulator-vendor-root.der", work_dir);
    assert_true(rs_path_exists(path));
    (void)snprintf(path, sizeof(path), "%s/simulator-vendor.json", work_dir);
    assert_int_equal(rs_file_replace(path, rs_bytes_str("{}"), 0600, NULL), RS_OK);
    assert_int_not_equal(sim_vendor_open(work_dir, &b, NULL), RS_OK);
}

/* ---- A mux ------------------------------------------------------------------------------- */

/* Awake at 0x60, and what it says then. */
static int
answers(struct sim_bus *bus)
{
    static const uint8_t awake[4] = {0x04, 0x11, 0x33, 0x43};
    uint8_t rx[4] = {0};
    int ack = 0;

    sim_bus_wake(bus, 80);
    sim_bus_delay(bus, 1500);
    assert_int_equal(sim_bus_read(bus, 100000, 0x60, rx, 4, &ack, NULL), RS_OK);
    assert_true(!ack || memcmp(rx, awake, 4) == 0);
    return ack;
}

static int
tell(struct sim_bus *bus, uint8_t address, const char *bytes, size_t len)
{
    int ack = 0;

    assert_int_equal(sim_bus_write(bus, 100000, address, (const uint8_t *)bytes, len, &ack, NULL),
                     RS_OK);
    return ack;
}

static void
test_mux_refuses(void **state)
{
    struct sim_panel *panel = new_panel(NULL, 0);
    struct sim_chip *chip = NULL;

    (void)state;
    assert_int_equal(sim_panel_add_mux(panel, "a/b", 0x70, NULL), RS_E_USAGE);
    assert_int_equal(sim_panel_add_mux(panel, "a", 0x6f, NULL), RS_E_USAGE);
    assert_int_equal(sim_panel_add_mux(panel, "a", 0x78, NULL), RS_E_USAGE);
    assert_int_equal(sim_panel_add(panel, "b/u1", "blank608b", &chip, NULL), RS_OK);
    assert_int_equal(sim_chip_put_behind(chip, 0, NULL), RS_E_USAGE);
    assert_int_equal(sim_panel_add_mux(panel, "a", 0x70, NULL), RS_OK);
    assert_int_equal(sim_panel_add_mux(panel, "a", 0x71, NULL), RS_E_USAGE);
    assert_int_equal(sim_panel_add(panel, "a/u1", "blank608b", &chip, NULL), RS_OK);
    assert_int_equal(sim_chip_put_behind(chip, 8, NULL), RS_E_USAGE);
    assert_int_equal(sim_chip_put_behind(chip, 7, NULL), RS_OK);
    sim_panel_free(panel);
}

/* Two parts with one address, apart by the channel; the one in front is always heard. */
static void
test_mux(void **state)
{
    struct sim_panel *panel = new_panel(NULL, 0);
    struct sim_chip *one = NULL, *two = NULL, *front = NULL;
    struct sim_bus *bus;
    uint8_t rx[2] = {0x55, 0x55};
    int ack = 0;

    (void)state;
    assert_int_equal(sim_panel_add_mux(panel, "a", 0x71, NULL), RS_OK);
    assert_int_equal(sim_panel_add(panel, "a/u1", "blank608b", &one, NULL), RS_OK);
    assert_int_equal(sim_panel_add(panel, "a/u2", "blank608b", &two, NULL), RS_OK);
    assert_int_equal(sim_panel_add(panel, "a/u3", "blank-se050", &front, NULL), RS_OK);
    assert_int_equal(sim_chip_put_behind(one, 0, NULL), RS_OK);
    assert_int_equal(sim_chip_put_behind(two, 5, NULL), RS_OK);
    bus = sim_panel_find_bus(panel, "a");
    assert_false(answers(bus));
    assert_true(tell(bus, 0x48, "", 0));
    assert_false(tell(bus, 0x70, "\x01", 1)); /* another address */
    assert_false(answers(bus));
    assert_true(tell(bus, 0x71, "\x01", 1));
    assert_true(answers(bus));
    sim_bus_power(bus, one, 0);
    assert_false(answers(bus)); /* it was that one */
    assert_true(tell(bus, 0x71, "\x02", 1));
    assert_false(answers(bus));
    assert_true(tell(bus, 0x71, "", 0)); /* asked whether it is there: nothing changes */
    assert_int_equal(sim_bus_read(bus, 100000, 0x71, rx, 2, &ack, NULL), RS_OK);
    assert_true(ack);
    assert_memory_equal(rx, "\x02\x02", 2);
    assert_true(tell(bus, 0x71, "\x02\x20", 2)); /* the last byte counts */
    assert_true(answers(bus));
    assert_true(tell(bus, 0x48, "", 0));
    assert_true(tell(bus, 0x71, "\x00", 1));
    assert_false(answers(bus));
    sim_panel_free(panel);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mux_refuses),
        cmocka_unit_test(test_mux),
        cmocka_unit_test(test_rules_refused),
        cmocka_unit_test(test_rules_act),
        cmocka_unit_test(test_documented_example),
        cmocka_unit_test(test_session_refuses),
        cmocka_unit_test(test_transfer),
        cmocka_unit_test(test_spi_refuses),
        cmocka_unit_test(test_spi),
        cmocka_unit_test(test_own_time),
        cmocka_unit_test(test_general_call_and_speed),
        cmocka_unit_test(test_faults_over_control),
        cmocka_unit_test(test_names),
        cmocka_unit_test_setup_teardown(test_state_files, make_dir, remove_dir),
        cmocka_unit_test(test_date_vectors),
        cmocka_unit_test(test_chain),
        cmocka_unit_test_setup_teardown(test_trust_parts, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_vendor_is_kept, make_dir, remove_dir),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
