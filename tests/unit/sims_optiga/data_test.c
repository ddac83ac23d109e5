/*
 * data_test.c: application, errors, objects, metadata, conditions, counters, hibernation.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "desk.h"
#include "sims/optiga/text.h"
#include "sims/optiga/uncertain.h"

#define AID "D27600000447656E417574684170706C"

/* ---- Application and errors ---------------------------------------------------------------- */

static void
test_closed(void **state)
{
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    assert_int_equal(desk_x(&d, 0x01, 0, "E0C2", NULL, NULL), OPTIGA_E_CLOSED);
    assert_int_equal(desk_x(&d, 0x7F, 0, "", NULL, NULL), OPTIGA_E_CLOSED);
    assert_int_equal(desk_x(&d, 0x71, 0, "", NULL, NULL), OPTIGA_E_CLOSED);
    assert_int_equal(desk_x(&d, 0x70, 2, AID, NULL, NULL), OPTIGA_E_CLOSED);
    assert_int_equal(desk_x(&d, 0x70, 0, AID "00", NULL, NULL), OPTIGA_E_CLOSED);
    assert_int_equal(d.chip.app.open, 0);
    desk_open(&d);
    assert_int_equal(desk_x(&d, 0x70, 0, "00" AID, NULL, NULL), OPTIGA_E_LENGTH);
    assert_int_equal(desk_x(&d, 0x70, 0, "E27600000447656E417574684170706C", NULL, NULL),
                     OPTIGA_U_WRONG_AID_ERROR);
    assert_int_equal(desk_x(&d, 0x70, 2, AID, NULL, NULL), OPTIGA_E_PARAM);
    assert_int_equal(desk_x(&d, 0x70, 1, AID "0000000000000000", NULL, NULL),
                     OPTIGA_U_WRONG_HANDLE_ERROR);
    assert_int_equal(desk_x(&d, 0x7F, 0, "", NULL, NULL), OPTIGA_E_COMMAND);
    assert_int_equal(desk_x(&d, 0x71, 2, "", NULL, NULL), OPTIGA_E_PARAM);
    assert_int_equal(desk_x(&d, 0x71, 0, "00", NULL, NULL), OPTIGA_E_LENGTH);
    assert_int_equal(desk_x(&d, 0x71, 0, "", NULL, NULL), 0);
    assert_int_equal(desk_x(&d, 0x01, 0, "E0C2", NULL, NULL), OPTIGA_E_CLOSED);
    desk_done(&d);
}

/* The highest since it was cleared; reading and bit 7 clear it. */
static void
test_last_error(void **state)
{
    static const uint8_t ask[] = {0x01, 0x00, 0x00, 0x02, 0xF1, 0xC2};
    static const uint8_t unknown[] = {0x7F, 0x00, 0x00, 0x00}, no_object[] = {0x01, 0, 0, 2, 0, 0};
    static const uint8_t wrong_length[] = {0x01, 0x00, 0x00, 0x03, 0xE0, 0xC2};
    static const uint8_t clears[] = {0x8C, 0x00, 0x00, 0x02, 0x00, 0x08};
    static const uint8_t too_short[] = {0x01, 0x00, 0x00};
    uint8_t r[OPTIGA_APDU_MAX];
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    assert_int_equal(desk_apdu(&d, unknown, sizeof(unknown), r), 4);
    assert_int_equal(desk_apdu(&d, no_object, sizeof(no_object), r), 4);
    assert_int_equal(r[0], 0xFF);
    assert_int_equal(desk_apdu(&d, ask, sizeof(ask), r), 5);
    assert_int_equal(r[4], OPTIGA_E_COMMAND);
    assert_int_equal(desk_apdu(&d, ask, sizeof(ask), r), 5);
    assert_int_equal(r[4], 0);
    assert_int_equal(desk_apdu(&d, wrong_length, sizeof(wrong_length), r), 4);
    assert_int_equal(desk_apdu(&d, ask, sizeof(ask), r), 5);
    assert_int_equal(r[4], OPTIGA_E_LENGTH);
    assert_int_equal(desk_apdu(&d, too_short, sizeof(too_short), r), 4);
    assert_int_equal(desk_apdu(&d, ask, sizeof(ask), r), 5);
    assert_int_equal(r[4], OPTIGA_E_LENGTH);
    assert_int_equal(desk_apdu(&d, unknown, sizeof(unknown), r), 4);
    assert_int_equal(desk_apdu(&d, clears, sizeof(clears), r), 12);
    assert_int_equal(desk_apdu(&d, ask, sizeof(ask), r), 5);
    assert_int_equal(r[4], 0);
    desk_done(&d);
}

/* What rules make of an answer. */
static void
test_forged_answers(void **state)
{
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    d.fate = (struct sim_fate){SIM_FATE_STATUS, 0x0D};
    assert_int_equal(desk_x(&d, 0x02, 0x40, "F1D0 0000 41", NULL, NULL), OPTIGA_E_MEMORY);
    assert_int_equal(*optiga_byte(&d.chip, 0xF1D0), 0);
    d.fate = (struct sim_fate){SIM_FATE_LIE, 0x2C};
    assert_int_equal(desk_x(&d, 0x02, 0x40, "F1D0 0000 41", NULL, NULL), OPTIGA_E_SIGNATURE);
    assert_int_equal(*optiga_byte(&d.chip, 0xF1D0), 0x41);
    d.fate = (struct sim_fate){SIM_FATE_LIE, 0};
    assert_int_equal(desk_x(&d, 0x02, 0x40, "E0F0 0000 41", NULL, NULL), 0);
    desk_done(&d);
}

/* ---- Reading ------------------------------------------------------------------------------------ */

static void
test_reading(void **state)
{
    uint8_t out[OPTIGA_DATA_MAX];
    size_t len = 0;
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    assert_int_equal(desk_x(&d, 0x01, 2, "E0C2", NULL, NULL), OPTIGA_E_PARAM);
    assert_int_equal(desk_x(&d, 0x01, 0, "E0", NULL, NULL), OPTIGA_E_LENGTH);
    assert_int_equal(desk_x(&d, 0x01, 0, "E0C20000", NULL, NULL), OPTIGA_E_LENGTH);
    assert_int_equal(desk_x(&d, 0x01, 1, "E0C200000001", NULL, NULL), OPTIGA_E_LENGTH);
    assert_int_equal(desk_x(&d, 0x01, 0, "E0C7", NULL, NULL), OPTIGA_E_OID);
    assert_int_equal(desk_x(&d, 0x01, 1, "0000", NULL, NULL), OPTIGA_E_OID);
    assert_int_equal(desk_x(&d, 0x01, 0, "E0F0", NULL, NULL), OPTIGA_E_ACCESS);
    assert_int_equal(desk_x(&d, 0x01, 0, "E0F1", NULL, NULL), OPTIGA_E_ACCESS);
    assert_int_equal(desk_x(&d, 0x01, 0, "E200", NULL, NULL), OPTIGA_E_ACCESS);
    assert_int_equal(desk_x(&d, 0x01, 0, "E100", NULL, NULL), OPTIGA_E_ACCESS);
    assert_int_equal(desk_x(&d, 0x01, 1, "E103", NULL, NULL), OPTIGA_E_ACCESS);
    assert_int_equal(desk_x(&d, 0x01, 0, "E0C2001C0001", NULL, NULL), OPTIGA_E_BOUNDS);
    assert_int_equal(desk_x(&d, 0x01, 0, "E0C2001B0001", NULL, NULL), OPTIGA_U_READ_AT_END_ERROR);
    assert_int_equal(desk_x(&d, 0x01, 0, "E0C2001A0005", out, &len), 0);
    assert_int_equal(len, 1);
    assert_int_equal(out[0], 0x40);
    assert_int_equal(desk_x(&d, 0x01, 0, "E0C200020003", out, &len), 0);
    assert_int_equal(len, 3);
    assert_memory_equal(out, "\x33\x93\x01", 3);
    /* Longer than an answer: as much as fits. */
    assert_int_equal(desk_x(&d, 0x01, 0, "E0E1", out, &len), 0);
    assert_int_equal(len, OPTIGA_DATA_MAX);
    assert_int_equal(desk_x(&d, 0x01, 0, "E0E106110FFF", out, &len), 0);
    assert_int_equal(len, 1728 - 1553);
    desk_done(&d);
}

/* ---- Writing -------------------------------------------------------------------------------------- */

static void
test_writing(void **state)
{
    uint8_t out[OPTIGA_DATA_MAX];
    size_t len = 0;
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    assert_int_equal(desk_x(&d, 0x02, 3, "F1D0 0000 41", NULL, NULL), OPTIGA_E_PARAM);
    assert_int_equal(desk_x(&d, 0x02, 0, "F1D000", NULL, NULL), OPTIGA_E_LENGTH);
    assert_int_equal(desk_x(&d, 0x02, 0, "F1D0 0000", NULL, NULL), OPTIGA_U_WRITE_NOTHING_ERROR);
    assert_int_equal(desk_x(&d, 0x02, 0, "F1DC 0000 41", NULL, NULL), OPTIGA_E_OID);
    assert_int_equal(desk_x(&d, 0x02, 0, "E100 0000 41", NULL, NULL), OPTIGA_E_ACCESS);
    assert_int_equal(desk_x(&d, 0x02, 0, "E0F1 0000 41", NULL, NULL), OPTIGA_E_ACCESS);
    assert_int_equal(desk_x(&d, 0x02, 0, "E0E0 0000 41", NULL, NULL), OPTIGA_E_ACCESS);
    assert_int_equal(desk_x(&d, 0x02, 0, "E0C2 0000 41", NULL, NULL), OPTIGA_E_ACCESS);
    assert_int_equal(desk_x(&d, 0x02, 0, "F1C2 0000 41", NULL, NULL), OPTIGA_E_ACCESS);
    assert_int_equal(desk_x(&d, 0x02, 0, "F1D0 008B 4142", NULL, NULL), OPTIGA_E_BOUNDS);
    assert_int_equal(desk_x(&d, 0x02, 0, "F1D0 FFFF 41", NULL, NULL), OPTIGA_E_BOUNDS);
    assert_int_equal(d.stored, 0);
    /* 00 grows the used length and never shrinks it; 40 starts over. */
    assert_int_equal(desk_x(&d, 0x02, 0, "F1D0 0002 4142", NULL, NULL), 0);
    assert_int_equal(desk_get(&d, 0xF1D0, out), 100);
    assert_memory_equal(out, "\0\0AB\0", 5);
    assert_int_equal(desk_x(&d, 0x02, 0, "F1D0 0063 4344", NULL, NULL), 0);
    assert_int_equal(desk_get(&d, 0xF1D0, out), 101);
    desk_meta_is(&d, 0xF1D0, "2011 C00101 C4018C C50165 D003E1FC07 D10100");
    assert_int_equal(desk_x(&d, 0x02, 0x40, "F1D0 0001 45", NULL, NULL), 0);
    assert_int_equal(desk_get(&d, 0xF1D0, out), 2);
    assert_memory_equal(out, "\0E", 2);
    assert_int_equal(desk_x(&d, 0x02, 0, "F1D0 0063 46", NULL, NULL), 0);
    assert_int_equal(desk_x(&d, 0x01, 0, "F1D0 0001 0080", out, &len), 0);
    assert_int_equal(len, 99);
    assert_memory_equal(out, "E\0", 2);
    desk_done(&d);
}

/* Objects of one byte that mean something. */
static void
test_special_objects(void **state)
{
    static const char *const refused[] = {"E0C0 0000 01", "F1C0 0000 04", "E0C3 0000 13",
                                          "E0C4 0000 05", "E0C4 0000 10", "E0C1 0000 01",
                                          "F1C1 0000 21"};
    uint8_t out[OPTIGA_DATA_MAX];
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        assert_int_equal(desk_x(&d, 0x02, 0, refused[i], NULL, NULL), OPTIGA_U_RANGE_ERROR);
    assert_int_equal(desk_x(&d, 0x02, 0, "E0C3 0001 20", NULL, NULL), OPTIGA_E_BOUNDS);
    assert_int_equal(desk_x(&d, 0x02, 0, "E0C3 0000 FF", NULL, NULL), 0);
    assert_int_equal(desk_x(&d, 0x02, 0, "E0C4 0000 0F", NULL, NULL), 0);
    assert_int_equal(desk_x(&d, 0x02, 0, "F1C0 0000 03", NULL, NULL), 0);
    assert_int_equal(desk_x(&d, 0x02, 0, "F1C0 0000 01", NULL, NULL), OPTIGA_U_RANGE_ERROR);
    /* Status bits go, and come back with power. */
    assert_int_equal(desk_x(&d, 0x02, 0, "E0C1 0000 00", NULL, NULL), 0);
    assert_int_equal(desk_get(&d, 0xE0C1, out), 1);
    assert_int_equal(out[0], 0);
    desk_restart(&d);
    desk_open(&d);
    assert_int_equal(desk_get(&d, 0xE0C1, out), 1);
    assert_int_equal(out[0], 0x20);
    assert_int_equal(desk_get(&d, 0xF1C0, out), 1);
    assert_int_equal(out[0], 0x03);
    /* The end of its life. */
    assert_int_equal(desk_x(&d, 0x02, 0, "F1C0 0000 0F", NULL, NULL), 0);
    assert_int_equal(desk_x(&d, 0x71, 0, "", NULL, NULL), 0);
    assert_int_equal(desk_x(&d, 0x70, 0, AID, NULL, NULL), OPTIGA_E_CLOSED);
    desk_done(&d);
}

/* ---- Metadata ---------------------------------------------------------------------------------------- */

static void
test_metadata_refusals(void **state)
{
    static const struct {
        unsigned oid;
        const char *meta;
        int code;
    } rows[] = {
        {0xF1D1, "2003", OPTIGA_E_PARAMETER},
        {0xF1D1, "2000", OPTIGA_E_PARAMETER},
        {0xF1D1, "2103 C00107", OPTIGA_E_PARAMETER},
        {0xF1D1, "2004 C00107", OPTIGA_E_PARAMETER},
        {0xF1D1, "2003 C00207", OPTIGA_E_PARAMETER},
        {0xF1D1, "2002 C000", OPTIGA_E_PARAMETER},
        {0xF1D1, "2003 C00105", OPTIGA_E_PARAMETER}, /* no such life cycle */
        {0xF1D1, "2006 C00103 C00107", OPTIGA_E_PARAMETER},
        {0xF1D1, "2003 C101FF", OPTIGA_E_PARAMETER},
        {0xF1D1, "2003 C4018C", OPTIGA_U_META_TAG_ERROR},
        {0xF1D1, "2003 C50101", OPTIGA_U_META_TAG_ERROR},
        {0xF1D1, "2003 E00103", OPTIGA_U_META_TAG_ERROR},
        {0xF1D1, "2003 D20100", OPTIGA_U_META_TAG_ERROR},
        {0xF1D1, "2003 E10110", OPTIGA_U_META_TAG_ERROR}, /* data has no usage */
        {0xE0F1, "2003 E80100", OPTIGA_U_META_TAG_ERROR}, /* a key has no type */
        {0xF1D1, "2003 E80102", OPTIGA_E_PARAMETER},
        {0xF1D1, "2002 D000", OPTIGA_E_PARAMETER},
        {0xF1D1, "2003 D00130", OPTIGA_E_PARAMETER},
        {0xF1D1, "2004 D002E1FC", OPTIGA_E_PARAMETER},
        {0xF1D1, "2005 D003E1F907", OPTIGA_E_PARAMETER},
        {0xF1D1, "2004 D00200FD", OPTIGA_E_PARAMETER},
        {0xF1D1, "2004 D0020000", OPTIGA_E_PARAMETER},
        {0xF1D1, "2009 D00700FE00FE00FE00", OPTIGA_E_PARAMETER},                 /* four tokens */
        {0xF1D1, "2011 D00F00FD00FD00FD00FD00FD00FD00FD00", OPTIGA_E_PARAMETER}, /* eight in one */
        {0xE0C2, "2003 D00100", OPTIGA_E_ACCESS}, /* no life cycle: operational */
        {0xE0C2, "2003 C0010F", OPTIGA_E_ACCESS},
        {0xE100, "2003 C00107", OPTIGA_E_ACCESS},
        {0xF1DF, "2003 C00107", OPTIGA_E_OID},
        /* Each part is fine, and the sum is too long: 44 bytes is the most. */
        {0xF1D1, "2024 D00D00FD00FD00FD00FD00FD00FD00 D10D00FD00FD00FD00FD00FD00FD00 D30100 D80100",
         OPTIGA_E_META_SPACE},
    };
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(desk_meta(&d, rows[i].oid, rows[i].meta), rows[i].code);
    assert_int_equal(desk_x(&d, 0x02, 1, "F1D1 0001 2003C00107", NULL, NULL), OPTIGA_E_PARAMETER);
    assert_int_equal(d.stored, 0);
    desk_meta_is(&d, 0xF1D1, "2011 C00101 C4018C C50164 D003E1FC07 D10100");
    assert_int_equal(
        desk_meta(&d, 0xF1D1,
                  "2021 D00D00FD00FD00FD00FD00FD00FD00 D10D00FD00FD00FD00FD00FD00FD00 D30100"),
        0); /* 44 bytes in all */
    desk_done(&d);
}

static void
test_metadata(void **state)
{
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    assert_int_equal(desk_meta(&d, 0xF1D1, "200A E80121 D30100 D101FF C00103"), OPTIGA_E_PARAMETER);
    assert_int_equal(desk_meta(&d, 0xF1D1, "200C E80121 D30100 D101FF C00103"), 0);
    desk_meta_is(&d, 0xF1D1, "2017 C00103 C4018C C50164 D003E1FC07 D101FF D30100 E80121");
    assert_int_equal(desk_meta(&d, 0xF1D1, "2007 C1020005 F00121"), 0);
    assert_int_equal(desk_meta(&d, 0xF1D1, "2003 C00101"), OPTIGA_E_ACCESS); /* never back */
    assert_int_equal(desk_meta(&d, 0xF1D1, "2006 D80100 C00107"), 0);
    desk_meta_is(
        &d, 0xF1D1,
        "2021 C00107 C1020005 C4018C C50164 D003E1FC07 D101FF D30100 D80100 E80121 F00121");
    assert_int_equal(desk_meta(&d, 0xF1D1, "2003 D10100"), OPTIGA_E_ACCESS);
    assert_int_equal(desk_meta(&d, 0xF1D1, "2006 C0010F D10100"), OPTIGA_E_ACCESS);
    assert_int_equal(desk_put(&d, 0xF1D1, (const uint8_t *)"x", 1), OPTIGA_E_ACCESS);
    assert_int_equal(desk_meta(&d, 0xF1D1, "2003 C0010F"), 0);
    /* An object that its version says is invalid. */
    assert_int_equal(desk_meta(&d, 0xF1D2, "2004 C1028001"), 0);
    assert_int_equal(desk_x(&d, 0x01, 0, "F1D2", NULL, NULL), OPTIGA_E_INVALID_OBJECT);
    assert_int_equal(desk_meta(&d, 0xF1D2, "2004 C1020001"), 0);
    assert_int_equal(desk_x(&d, 0x01, 0, "F1D2", NULL, NULL), 0);
    /* The last stage refuses all use. */
    assert_int_equal(desk_meta(&d, 0xF1D2, "2003 C0010F"), 0);
    assert_int_equal(desk_x(&d, 0x01, 0, "F1D2", NULL, NULL), OPTIGA_U_TERMINATED_ERROR);
    desk_done(&d);
}

static void
test_v1_metadata(void **state)
{
    struct desk d;

    (void)state;
    desk_init(&d, 0);
    desk_open(&d);
    assert_int_equal(desk_meta(&d, 0xF1D1, "2003 D80100"), OPTIGA_U_META_TAG_ERROR);
    assert_int_equal(desk_meta(&d, 0xF1D1, "2003 F00111"), OPTIGA_U_META_TAG_ERROR);
    assert_int_equal(desk_meta(&d, 0xF1D1, "2003 E80123"), OPTIGA_E_PARAMETER);
    assert_int_equal(desk_meta(&d, 0xF1D1, "2003 E80131"), OPTIGA_E_PARAMETER);
    assert_int_equal(desk_meta(&d, 0xF1D1, "2005 D00323F1D0"), OPTIGA_E_PARAMETER);
    assert_int_equal(desk_meta(&d, 0xF1D1, "2003 E80121"), 0);
    desk_done(&d);
}

/* ---- Conditions ------------------------------------------------------------------------------------------- */

static void
test_conditions(void **state)
{
    static const struct {
        const char *expr;
        int code; /* of a read: life cycle creation, application creation, status 20 */
        const char *text;
    } rows[] = {
        {"00", 0, "always"},
        {"FF", OPTIGA_E_ACCESS, "never"},
        {"1020", 0, "status-g 20"},
        {"1021", OPTIGA_E_ACCESS, "status-g 21"},
        {"9020", 0, "status-a 20"},
        {"9001", OPTIGA_E_ACCESS, "status-a 01"},
        {"70FA07", 0, "LcsG=07"},
        {"70FC07", OPTIGA_E_ACCESS, "LcsG<07"},
        {"E0FC03", 0, "LcsA<03"},
        {"E0FB01", OPTIGA_E_ACCESS, "LcsA>01"},
        {"E1FB01", OPTIGA_E_ACCESS, "LcsO>01"},
        {"E1FA01", 0, "LcsO=01"},
        {"20E140", OPTIGA_E_ACCESS, "Conf E140"},
        {"21E0E8", OPTIGA_E_ACCESS, "Int E0E8"},
        {"23F1D0", OPTIGA_E_ACCESS, "Auto F1D0"},
        {"40E120", OPTIGA_E_COUNTER, "count E120"}, /* threshold 0 */
        {"40F1D0", OPTIGA_E_ACCESS, "count F1D0"},  /* not a counter */
        {"00FDFF", OPTIGA_E_ACCESS, "always and never"},
        {"FFFE00", 0, "never or always"},
        {"00FDFFFE1020FD00", 0, "always and never or status-g 20 and always"},
        {"FFFEFFFEE1FC07", 0, "never or never or LcsO<07"},
        {"00FD00FD00FD00FD00FD00FDFF", OPTIGA_E_ACCESS,
         "always and always and always and always and always and always and never"},
    };
    char meta[64], text[128];
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t len = strlen(rows[i].expr) / 2;

        (void)snprintf(meta, sizeof(meta), "20%02zXD1%02zX%s", len + 2, len, rows[i].expr);
        assert_int_equal(desk_meta(&d, 0xF1D3, meta), 0);
        assert_int_equal(desk_x(&d, 0x01, 0, "F1D3", NULL, NULL), rows[i].code);
        optiga_expr_text(&optiga_object(&d.chip, 0xF1D3)->meta.read, text, sizeof(text));
        assert_string_equal(text, rows[i].text);
    }
    desk_done(&d);
}

/* ---- Counters ------------------------------------------------------------------------------------------------ */

static uint32_t
counter(struct desk *d, unsigned oid)
{
    return rs_get_u32(optiga_byte(&d->chip, oid));
}

static void
test_counters(void **state)
{
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    assert_int_equal(desk_x(&d, 0x02, 2, "E120 0000 01", NULL, NULL), OPTIGA_E_COUNTER);
    assert_int_equal(desk_x(&d, 0x02, 0x40, "E120 0000 0000000100000005", NULL, NULL), 0);
    assert_int_equal(desk_x(&d, 0x02, 2, "E120 0000 00", NULL, NULL), OPTIGA_E_PARAMETER);
    assert_int_equal(desk_x(&d, 0x02, 2, "E120 0001 01", NULL, NULL), OPTIGA_E_PARAMETER);
    assert_int_equal(desk_x(&d, 0x02, 2, "E120 0000", NULL, NULL), OPTIGA_E_LENGTH);
    assert_int_equal(desk_x(&d, 0x02, 2, "E120 0000 0101", NULL, NULL), OPTIGA_E_LENGTH);
    assert_int_equal(desk_x(&d, 0x02, 2, "F1D0 0000 01", NULL, NULL), OPTIGA_U_TYPE_ERROR);
    assert_int_equal(desk_x(&d, 0x02, 2, "E120 0000 02", NULL, NULL), 0);
    assert_int_equal(counter(&d, 0xE120), 3);
    assert_int_equal(desk_x(&d, 0x02, 2, "E120 0000 FF", NULL, NULL), 0);
    assert_int_equal(counter(&d, 0xE120), 5); /* frozen at the threshold */
    assert_int_equal(desk_x(&d, 0x02, 2, "E120 0000 01", NULL, NULL), OPTIGA_E_COUNTER);
    /* Sealed, it still counts and cannot be set. */
    assert_int_equal(desk_x(&d, 0x02, 0x40, "E120 0000 0000000000000002", NULL, NULL), 0);
    assert_int_equal(desk_meta(&d, 0xE120, "2003 C00107"), 0);
    assert_int_equal(desk_x(&d, 0x02, 0x40, "E120 0000 0000000000000009", NULL, NULL),
                     OPTIGA_E_ACCESS);
    assert_int_equal(desk_x(&d, 0x02, 2, "E120 0000 01", NULL, NULL), 0);
    assert_int_equal(counter(&d, 0xE120), 1);
    desk_done(&d);
}

/* A key that may be used twice, and only with a counter that says so. */
static void
test_usage_counter(void **state)
{
    static const char sign[] = "010020 000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D"
                               "1E1F 030002 E0F1";
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    assert_int_equal(desk_x(&d, 0x02, 0x40, "E121 0000 0000000000000002", NULL, NULL), 0);
    assert_int_equal(desk_x(&d, 0x38, 0x03, "010002 E0F1 020001 10", NULL, NULL), 0);
    assert_int_equal(desk_meta(&d, 0xE0F1, "2009 D307 E1FC07 FD 40E121"), 0);
    assert_int_equal(desk_x(&d, 0x31, 0x11, sign, NULL, NULL), 0);
    assert_int_equal(counter(&d, 0xE121), 1);
    /* Refused for another reason: no use is lost. */
    assert_int_equal(desk_x(&d, 0x31, 0x12, sign, NULL, NULL), OPTIGA_E_PARAM);
    assert_int_equal(desk_x(&d, 0x31, 0x11, sign, NULL, NULL), 0);
    assert_int_equal(counter(&d, 0xE121), 2);
    assert_int_equal(desk_x(&d, 0x31, 0x11, sign, NULL, NULL), OPTIGA_E_COUNTER);
    assert_int_equal(counter(&d, 0xE121), 2);
    desk_done(&d);
}

/* ---- Hibernation and the security monitor ---------------------------------------------------------------------- */

static void
test_hibernation(void **state)
{
    static const uint8_t aid[16] = {0xD2, 0x76, 0x00, 0x00, 0x04, 'G', 'e', 'n',
                                    'A',  'u',  't',  'h',  'A',  'p', 'p', 'l'};
    static const char derive[] = "010002E101 0300020010 0200084142434445464748 070000";
    uint8_t handle[OPTIGA_DATA_MAX], again[24], before[OPTIGA_DATA_MAX], after[OPTIGA_DATA_MAX];
    size_t len = 0;
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    assert_int_equal(desk_x(&d, 0x0C, 4, "0030 E101", NULL, NULL), 0);
    assert_int_equal(desk_x(&d, 0x34, 1, derive, before, &len), 0);
    assert_int_equal(desk_x(&d, 0x71, 1, "", handle, &len), 0);
    assert_int_equal(len, 8);
    desk_restart(&d);
    memcpy(again, aid, 16);
    memcpy(again + 16, handle, 8);
    again[20] ^= 1;
    assert_int_equal(desk_run(&d, 0x70, 1, again, 24, NULL, NULL), OPTIGA_E_CLOSED);
    again[20] ^= 1;
    assert_int_equal(desk_run(&d, 0x70, 1, again, 24, NULL, NULL), 0);
    assert_int_equal(desk_x(&d, 0x34, 1, derive, after, &len), 0);
    assert_memory_equal(before, after, 16);
    /* Once only. */
    assert_int_equal(desk_run(&d, 0x70, 1, again, 24, NULL, NULL), OPTIGA_U_WRONG_HANDLE_ERROR);
    assert_int_equal(desk_x(&d, 0x71, 1, "", handle, &len), 0);
    desk_open(&d); /* a fresh start throws it away */
    assert_int_equal(desk_x(&d, 0x34, 1, derive, NULL, NULL), OPTIGA_U_NO_KEY_ERROR);
    memcpy(again + 16, handle, 8);
    assert_int_equal(desk_run(&d, 0x70, 1, again, 24, NULL, NULL), OPTIGA_U_WRONG_HANDLE_ERROR);
    desk_done(&d);
}

static void
test_security_monitor(void **state)
{
    static const char sign[] = "01000A 00010203040506070809 030002 E0F0";
    const struct sim_timing real = {.typical_permille = SIM_TYPICAL_PERMILLE};
    uint8_t out[OPTIGA_DATA_MAX];
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(desk_x(&d, 0x31, 0x11, sign, NULL, NULL), 0);
    assert_int_equal(desk_get(&d, 0xE0C5, out), 1);
    assert_int_equal(out[0], 3);
    assert_int_equal(desk_x(&d, 0x71, 1, "", NULL, NULL), OPTIGA_E_SEQUENCE);
    desk_advance(&d, 10000000);
    assert_int_equal(desk_get(&d, 0xE0C5, out), 1);
    assert_int_equal(out[0], 1);
    desk_advance(&d, 100000000); /* and credit for five */
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(desk_x(&d, 0x31, 0x11, sign, NULL, NULL), 0);
    assert_int_equal(desk_get(&d, 0xE0C5, out), 1);
    assert_int_equal(out[0], 0);
    assert_int_equal(desk_x(&d, 0x71, 1, "", NULL, NULL), 0);
    /* From 128 on it costs time, at 255 a whole period; it never runs over. */
    desk_open(&d);
    *optiga_byte(&d.chip, 0xE0C5) = 254;
    d.chip.monitor_at_us = d.now_us;
    assert_int_equal(desk_x(&d, 0x31, 0x11, sign, NULL, NULL), 0);
    assert_int_equal(desk_x(&d, 0x31, 0x11, sign, NULL, NULL), 0);
    assert_int_equal(*optiga_byte(&d.chip, 0xE0C5), 255);
    d.model->set_timing(&d.chip, &real);
    {
        uint64_t before = d.now_us;

        d.chip.monitor_at_us = d.now_us;
        d.chip.comms.link.resends = 0;
        assert_int_equal(desk_x(&d, 0x31, 0x11, sign, NULL, NULL), DESK_LOST); /* 4 s of polling */
        desk_advance(&d, 2000000);
        assert_true(d.now_us - before > 5000000);
        assert_false(optiga_busy(&d.chip));
    }
    desk_done(&d);
}

static const char sign_once[] = "01000A 00010203040506070809 030002 E0F0";

static unsigned
sec_after(struct desk *d, unsigned signatures)
{
    uint8_t out[OPTIGA_DATA_MAX];

    for (unsigned i = 0; i < signatures; i++)
        assert_int_equal(desk_x(d, 0x31, 0x11, sign_once, NULL, NULL), 0);
    assert_int_equal(desk_get(d, 0xE0C5, out), 1);
    return out[0];
}

/* Without a period there is no monitor: SEC is 0 at once, and stays it through a loss of power. */
static void
test_monitor_off(void **state)
{
    static const uint8_t off[8] = {0, 0, 5, 1}, on[8] = {50, 0, 5, 1};
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    assert_int_equal(sec_after(&d, 8), 8);
    d.fate = (struct sim_fate){SIM_FATE_CUT_WRITE, 0};
    assert_int_equal(desk_put(&d, 0xE0C9, off, sizeof(off)), DESK_LOST);
    desk_power_on(&d);
    desk_open(&d);
    assert_int_equal(sec_after(&d, 0), 8); /* nothing was written */
    assert_int_equal(desk_put(&d, 0xE0C9, off, sizeof(off)), 0);
    assert_int_equal(*optiga_byte(&d.chip, 0xE0C5), 0);
    assert_int_equal(sec_after(&d, 8), 0);
    assert_int_equal(desk_x(&d, 0x71, 1, "", NULL, NULL), 0);
    *optiga_byte(&d.chip, 0xE0C5) = 200; /* somebody's state file */
    desk_restart(&d);
    assert_int_equal(*optiga_byte(&d.chip, 0xE0C5), 0);
    desk_open(&d);
    assert_int_equal(sec_after(&d, 8), 0);
    /* No credit comes of it, and on again it counts. */
    desk_advance(&d, 100000000);
    assert_int_equal(sec_after(&d, 1), 0);
    assert_int_equal(desk_put(&d, 0xE0C9, on, sizeof(on)), 0);
    assert_int_equal(sec_after(&d, 2), 2);
    desk_done(&d);
}

/* The period is 5 s at most, and a smaller one counts from the change on; so does the largest credit. */
static void
test_monitor_settings(void **state)
{
    static const uint8_t longest[8] = {255, 0, 5, 1}, shorter[8] = {10, 0, 20, 1},
                         none[8] = {10, 0, 0, 1};
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    assert_int_equal(desk_put(&d, 0xE0C9, longest, sizeof(longest)), 0);
    assert_int_equal(sec_after(&d, 3), 3);
    desk_advance(&d, 5000000);
    assert_int_equal(sec_after(&d, 0), 2);
    desk_advance(&d, 5000000 + 4000000);
    assert_int_equal(desk_put(&d, 0xE0C9, shorter, sizeof(shorter)), 0);
    assert_int_equal(sec_after(&d, 0), 1);
    desk_advance(&d, 21000000);
    assert_int_equal(sec_after(&d, 20), 0);
    assert_int_equal(sec_after(&d, 1), 1);
    desk_advance(&d, 5000000);
    assert_int_equal(sec_after(&d, 0), 0);
    assert_int_equal(desk_put(&d, 0xE0C9, none, sizeof(none)), 0);
    assert_int_equal(sec_after(&d, 1), 1);
    desk_done(&d);
}

static void
test_monitor_v1(void **state)
{
    static const char sign[] = "01000A 00010203040506070809 030002 E0F0";
    struct desk d;

    (void)state;
    desk_init(&d, 0);
    desk_open(&d);
    assert_int_equal(desk_x(&d, 0x31, 0x11, sign, NULL, NULL), 0);
    assert_int_equal(*optiga_byte(&d.chip, 0xE0C5), 1);
    desk_advance(&d, 5000000);
    assert_int_equal(desk_x(&d, 0x71, 1, "", NULL, NULL), 0);
    desk_done(&d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closed),
        cmocka_unit_test(test_last_error),
        cmocka_unit_test(test_forged_answers),
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_writing),
        cmocka_unit_test(test_special_objects),
        cmocka_unit_test(test_metadata_refusals),
        cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_v1_metadata),
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_counters),
        cmocka_unit_test(test_usage_counter),
        cmocka_unit_test(test_hibernation),
        cmocka_unit_test(test_security_monitor),
        cmocka_unit_test(test_monitor_off),
        cmocka_unit_test(test_monitor_settings),
        cmocka_unit_test(test_monitor_v1),
    };

    return cmocka_run_group_tests_name("optiga data", tests, NULL, NULL);
}
