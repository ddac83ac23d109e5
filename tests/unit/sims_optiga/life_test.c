/*
 * life_test.c: power cuts at every point, state files, execution times, what people are shown.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json.h"
#include "desk.h"

/* ---- Power cuts ------------------------------------------------------------------------------ */

/* Commands that write, each once per part. */
static const struct {
    const char *name;
    unsigned cmd, param;
    const char *data;
    unsigned oid; /* whose memory shows it; 0: its metadata */
} writers[] = {
    {"small data", 0x02, 0x40, "F1D0 0000 4142434445464748", 0xF1D0},
    {"certificate", 0x02, 0x00, "E0E1 0000 4142434445464748", 0xE0E1},
    {"metadata", 0x02, 0x01, "F1D0 0000 2003C00107", 0},
    {"count", 0x02, 0x02, "E120 0000 01", 0xE120},
    {"key", 0x38, 0x03, "010002E0F1 02000110", 0xE0F1},
    {"hibernate", 0x71, 0x01, "", 0},
};

struct memory {
    uint8_t bytes[OPTIGA_MEMORY_SIZE];
    struct optiga_object objects[OPTIGA_OBJECT_COUNT];
    struct optiga_hibernation hibernation;
};

static void
remember(const struct desk *d, struct memory *m)
{
    memcpy(m->bytes, d->chip.memory, sizeof(m->bytes));
    memcpy(m->objects, d->chip.objects, sizeof(m->objects));
    m->hibernation = d->chip.hibernation;
}

static int
is_unchanged(const struct desk *d, const struct memory *m)
{
    return memcmp(m->bytes, d->chip.memory, sizeof(m->bytes)) == 0 &&
           memcmp(m->objects, d->chip.objects, sizeof(m->objects)) == 0 &&
           memcmp(&m->hibernation, &d->chip.hibernation, sizeof(m->hibernation)) == 0;
}

static int
run_cut(struct desk *d, size_t i, enum sim_fate_kind kind, int arg, struct memory *m)
{
    int code;

    desk_init(d, 1);
    desk_open(d);
    assert_int_equal(desk_x(d, 0x02, 0x40, "E120 0000 0000000000000009", NULL, NULL), 0);
    remember(d, m);
    d->fate = (struct sim_fate){kind, arg};
    code = desk_x(d, writers[i].cmd, writers[i].param, writers[i].data, NULL, NULL);
    return code;
}

static void
comes_back(struct desk *d)
{
    assert_int_equal(d->model->get_power(&d->chip), 0);
    assert_int_equal(desk_write(d, (const uint8_t *)"\x82", 1), 0);
    desk_power_on(d);
    assert_int_equal(d->chip.app.open, 0);
    desk_open(d);
    desk_done(d);
}

static void
test_cuts(void **state)
{
    static struct memory m;
    static struct desk d;

    (void)state;
    for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++) {
        assert_int_equal(run_cut(&d, i, SIM_FATE_CUT_BEFORE, 0, &m), DESK_LOST);
        assert_true(is_unchanged(&d, &m));
        comes_back(&d);
        assert_int_equal(run_cut(&d, i, SIM_FATE_CUT_AFTER, 0, &m), DESK_LOST);
        assert_false(is_unchanged(&d, &m));
        comes_back(&d);
        assert_int_equal(run_cut(&d, i, SIM_FATE_CUT_ANSWERED, 0, &m), 0);
        assert_false(is_unchanged(&d, &m));
        comes_back(&d);
    }
}

/* Half a write: nothing of it, except where the part is known to tear. */
static void
test_torn(void **state)
{
    static struct memory m;
    static struct desk d;

    (void)state;
    for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++) {
        int tears = strcmp(writers[i].name, "certificate") == 0;

        assert_int_equal(run_cut(&d, i, SIM_FATE_CUT_WRITE, -1, &m), DESK_LOST);
        assert_int_equal(is_unchanged(&d, &m), !tears);
        if (tears)
            assert_memory_equal(optiga_byte(&d.chip, 0xE0E1), "ABCD\0\0\0\0", 8);
        comes_back(&d);
        assert_int_equal(run_cut(&d, i, SIM_FATE_CUT_WRITE, 0, &m), DESK_LOST);
        assert_true(is_unchanged(&d, &m));
        comes_back(&d);
        /* All of the first write, and the power goes behind it. */
        assert_int_equal(run_cut(&d, i, SIM_FATE_CUT_WRITE, 4096, &m), DESK_LOST);
        assert_false(is_unchanged(&d, &m));
        comes_back(&d);
    }
    /* Of the small object the data is there and its new length is not. */
    assert_int_equal(run_cut(&d, 0, SIM_FATE_CUT_WRITE, 4096, &m), DESK_LOST);
    assert_memory_equal(optiga_byte(&d.chip, 0xF1D0), "ABCDEFGH", 8);
    assert_int_equal(optiga_object(&d.chip, 0xF1D0)->meta.used, 100);
    comes_back(&d);
    /* A command that writes nothing is cut behind. */
    desk_init(&d, 1);
    desk_open(&d);
    d.fate = (struct sim_fate){SIM_FATE_CUT_WRITE, -1};
    assert_int_equal(desk_x(&d, 0x0C, 0, "0008", NULL, NULL), DESK_LOST);
    comes_back(&d);
}

static void
test_brownout(void **state)
{
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    d.fate = (struct sim_fate){SIM_FATE_BROWNOUT, 0};
    assert_int_equal(desk_x(&d, 0x02, 0x40, "F1D0 0000 41", NULL, NULL), DESK_LOST);
    assert_int_equal(d.model->get_power(&d.chip), 1);
    assert_int_equal(*optiga_byte(&d.chip, 0xF1D0), 0);
    d.tx = d.rx = 3;
    assert_int_equal(desk_x(&d, 0x01, 0, "E0C2", NULL, NULL), OPTIGA_E_CLOSED);
    desk_open(&d);
    desk_done(&d);
}

/* ---- Times --------------------------------------------------------------------------------------- */

/* Milliseconds until the answer is there. */
static unsigned
took_ms(struct desk *d, unsigned cmd, unsigned param, const char *data)
{
    uint64_t before = d->chip.chip_time_us;

    assert_int_equal(desk_x(d, cmd, param, data, NULL, NULL), 0);
    return (unsigned)((d->chip.chip_time_us - before) / 1000);
}

static void
test_times(void **state)
{
    static const char sign[] = "01000A00010203040506070809 030002E0F1";
    const struct sim_timing real = {.typical_permille = SIM_TYPICAL_PERMILLE};
    uint64_t before;
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    assert_int_equal(d.model->get_chip_time_us(&d.chip), 0);
    desk_open(&d);
    assert_in_range(took_ms(&d, 0x38, 0x03, "010002E0F1 02000110"), 55, 55);
    assert_in_range(took_ms(&d, 0x31, 0x11, sign), 65, 65);
    assert_in_range(took_ms(&d, 0x01, 0, "E0E1 0000 0100"), 28, 32);
    assert_in_range(took_ms(&d, 0x30, 0xE2, "010003616263"), 0, 1);
    assert_int_equal(d.now_us, 0); /* all of it at once */
    d.model->set_timing(&d.chip, &real);
    before = d.now_us;
    assert_in_range(took_ms(&d, 0x31, 0x11, sign), 65, 65);
    assert_in_range(d.now_us - before, 65000, 66000);
    d.fate = (struct sim_fate){SIM_FATE_SLOW, 500};
    before = d.now_us;
    assert_in_range(took_ms(&d, 0x31, 0x11, sign), 65, 65);
    assert_in_range(d.now_us - before, 565000, 566000);
    /* Start-up: no acknowledgement for 15 ms. */
    d.model->set_power(&d.chip, 0);
    d.model->set_power(&d.chip, 1);
    assert_int_equal(desk_write(&d, NULL, 0), 0);
    desk_advance(&d, 15000);
    assert_int_equal(desk_write(&d, NULL, 0), 1);
    desk_done(&d);
}

/* ---- State ---------------------------------------------------------------------------------------- */

static json_t *
save(struct desk *d)
{
    json_t *object = json_object();

    assert_int_equal(d->model->save(&d->chip, object), 1);
    return object;
}

/* A part with something of everything. */
static void
fill(struct desk *d)
{
    uint8_t answer[OPTIGA_MESSAGE_MAX];

    desk_pair(d);
    desk_open(d);
    assert_int_equal(desk_x(d, 0x38, 0x04, "010002E0F1 02000110", NULL, NULL), 0);
    assert_int_equal(desk_x(d, 0x38, 0x03, "010002E101 02000110", NULL, NULL), 0);
    assert_int_equal(desk_x(d, 0x0C, 4, "0030 E102", NULL, NULL), 0);
    assert_int_equal(desk_put(d, 0xF1E0, (const uint8_t *)"\0\1\0", 3), 0);
    assert_int_equal(desk_meta(d, 0xF1E0, "2003 C00107"), 0);
    optiga_authorize(&d->chip, 0xF1D5, 1);
    d->chip.address_kept = 0x31;
    assert_int_equal(desk_x(d, 0x71, 1, "", NULL, NULL), 0);
    assert_int_equal(desk_message(d, (const uint8_t *)"\x60", 1, answer), 1);
}

static void
test_save_and_load(void **state)
{
    static struct desk d, e;
    RS_AUTO(rs_json_done) json_t *saved = NULL, *again = NULL;

    (void)state;
    desk_init(&d, 1);
    fill(&d);
    saved = save(&d);
    memset(&e, 0, sizeof(e));
    e.model = d.model;
    assert_int_equal(e.model->load(&e.chip, &d.host, saved, NULL), RS_OK);
    assert_memory_equal(e.chip.memory, d.chip.memory, sizeof(d.chip.memory));
    assert_memory_equal(e.chip.objects, d.chip.objects, sizeof(d.chip.objects));
    assert_int_equal(e.chip.hibernation.valid, 1);
    assert_int_equal(e.chip.shield_saved.valid, 1);
    assert_memory_equal(e.chip.shield_saved.keys.block, d.chip.shield_saved.keys.block, 40);
    assert_int_equal(e.chip.shield_saved.keys.master_seq, d.chip.shield_saved.keys.master_seq);
    assert_int_equal(e.model->get_address(&e.chip), 0x31);
    assert_int_equal(e.model->get_power(&e.chip), 1);
    again = save(&e);
    assert_int_equal(json_equal(saved, again), 1);
    e.model->done(&e.chip);
    desk_done(&d);
}

/* What somebody may do to the file by hand. */
static void
test_bad_state(void **state)
{
    static struct desk d, e;
    RS_AUTO(rs_json_done) json_t *saved = NULL;
    json_t *object, *objects;

    (void)state;
    desk_init(&d, 1);
    fill(&d);
    saved = save(&d);
    memset(&e, 0, sizeof(e));
#define REFUSED(change)                                                                            \
    do {                                                                                           \
        RS_AUTO(rs_json_done) json_t *copy = json_deep_copy(saved);                                \
        objects = json_object_get(copy, "objects");                                                \
        object = json_array_get(objects, 15);                                                      \
        change;                                                                                    \
        assert_int_not_equal(d.model->load(&e.chip, &d.host, copy, NULL), RS_OK);                  \
    } while (0)
    REFUSED(json_object_del(copy, "objects"));
    REFUSED(json_object_del(copy, "address"));
    REFUSED(json_object_set_new(copy, "address", json_integer(0x80)));
    REFUSED(json_object_set_new(copy, "bus_mode", json_integer(0)));
    REFUSED(json_array_remove(objects, 3));
    REFUSED(json_object_set_new(object, "oid", json_string("E0F1")));
    REFUSED(json_object_del(object, "metadata"));
    REFUSED(json_object_set_new(object, "metadata", json_string("2003C0010")));
    REFUSED(json_object_set_new(object, "metadata", json_string("2003c00200")));
    REFUSED(json_object_set_new(object, "metadata", json_string("2003e00142"))); /* RSA in ECC */
    REFUSED(json_object_set_new(object, "metadata", json_string("2003e00107")));
    REFUSED(json_object_set_new(json_array_get(objects, 30), "metadata",
                                json_string("2003c501ff"))); /* longer than the object */
    REFUSED(json_object_set_new(object, "data", json_string("00")));
    REFUSED(json_array_append_new(json_object_get(object, "data"), json_string("zz")));
    REFUSED({
        for (unsigned i = 0; i < 3; i++)
            (void)json_array_append_new(
                json_object_get(object, "data"),
                json_string("0000000000000000000000000000000000000000000000000000000000000000"));
    });
    object = json_object_get(saved, "hibernation");
    REFUSED(json_object_set_new(json_object_get(copy, "hibernation"), "handle", json_string("00")));
    REFUSED(json_object_del(json_object_get(copy, "hibernation"), "sessions"));
    REFUSED(json_object_set_new(
        json_array_get(json_object_get(json_object_get(copy, "hibernation"), "sessions"), 1),
        "algorithm", json_integer(4)));
    REFUSED(json_object_set_new(json_object_get(copy, "shielded_connection"), "keys",
                                json_string("00")));
    REFUSED(json_object_set_new(json_object_get(copy, "shielded_connection"), "master_sequence",
                                json_integer(-1)));
    assert_int_equal(optiga_m1_model.load(&e.chip, &d.host, saved, NULL), RS_E_FILE_FAILED);
    desk_done(&d);
}

/* A condition that no host could have written never holds, and ends. */
static void
test_condition_by_hand(void **state)
{
    static struct desk d;
    RS_AUTO(rs_json_done) json_t *saved = NULL;

    (void)state;
    desk_init(&d, 1);
    saved = save(&d);
    (void)json_object_set_new(json_array_get(json_object_get(saved, "objects"), 30), "metadata",
                              json_string("2009c00101d1043000fdff"));
    assert_int_equal(d.model->load(&d.chip, &d.host, saved, NULL), RS_OK);
    desk_open(&d);
    assert_int_equal(desk_x(&d, 0x01, 0, "F1D0", NULL, NULL), OPTIGA_E_ACCESS);
    desk_done(&d);
}

/* ---- What people are shown --------------------------------------------------------------------------- */

static const char *
shown(const json_t *dump, size_t index, const char *member)
{
    const char *text = json_string_value(
        json_object_get(json_array_get(json_object_get(dump, "objects"), index), member));

    return text == NULL ? "" : text;
}

static void
test_dump(void **state)
{
    static struct desk d;
    RS_AUTO(rs_json_done) json_t *dump = NULL;
    char key[65], *text, locks[12];

    (void)state;
    desk_init(&d, 1);
    fill(&d);
    dump = d.model->dump(&d.chip);
    assert_non_null(dump);
    assert_string_equal(shown(dump, 15, "oid"), "E0F0");
    assert_string_equal(shown(dump, 15, "data"), "secret");
    assert_string_equal(shown(dump, 17, "data"), "none");
    assert_string_equal(shown(dump, 25, "oid"), "E140");
    assert_string_equal(shown(dump, 25, "data"), "secret");
    assert_string_equal(shown(dump, 25, "change"), "LcsO<07 or Conf E140");
    assert_string_equal(shown(dump, 25, "read"), "LcsO<07");
    text = json_dumps(dump, JSON_COMPACT);
    rs_hex(rs_bytes_of(optiga_byte(&d.chip, 0xE0F0), 32), key, sizeof(key));
    assert_null(strstr(text, key));
    rs_hex(rs_bytes_of(optiga_byte(&d.chip, 0xE140), 32), key, sizeof(key));
    assert_null(strstr(text, key));
    free(text);
    d.model->get_locks(&d.chip, locks, sizeof(locks));
    assert_string_equal(locks, "F1E0");
    optiga_object(&d.chip, 0xF1E1)->meta.lcso = 7;
    optiga_object(&d.chip, 0xF1D0)->meta.lcso = 7;
    d.model->get_locks(&d.chip, locks, sizeof(locks));
    assert_string_equal(locks, "F1D0,F1E0"); /* as many as there is room for */
    desk_done(&d);
}

static void
test_no_maker(void **state)
{
    static struct desk d, e;
    const struct sim_create how = {.personality = "blank-m3"};

    (void)state;
    desk_init(&d, 1);
    assert_int_equal(d.model->create(&e.chip, &d.host, &how, NULL), RS_E_CRYPTO_FAILED);
    assert_string_equal(d.model->vendor, "infineon");
    d.model->wake(&d.chip, 100);
    desk_done(&d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_torn),
        cmocka_unit_test(test_brownout),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_save_and_load),
        cmocka_unit_test(test_bad_state),
        cmocka_unit_test(test_condition_by_hand),
        cmocka_unit_test(test_dump),
        cmocka_unit_test(test_no_maker),
    };

    return cmocka_run_group_tests_name("optiga life", tests, NULL, NULL);
}
