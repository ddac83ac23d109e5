/*
 * err_test.c: the table is whole, the first reason is kept, and no foreign
 * byte gets into a message.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/err.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base_test.h"

static void
unknown_codes_are_bugs(void **state)
{
    (void)state;
    assert_string_equal(rs_code_info(RS_OK)->name, "internal.bug");
    assert_string_equal(rs_code_info(RS_CODE_COUNT)->name, "internal.bug");
    assert_null(rs_code_find("no.such"));
    assert_null(rs_code_find(""));
}

static int
is_dotted(const char *name)
{
    return name[0] != '\0' && strspn(name, "abcdefghijklmnopqrstuvwxyz-.") == strlen(name);
}

static void
every_row_is_whole(void **state)
{
    static const char *const classes[] = {"",   "A1", "B1", "C1", "C2", "D1", "F1", "G1",
                                          "L1", "N1", "O1", "P1", "P2", "S1", "T1", "T2"};

    (void)state;
    for (int c = 1; c < RS_CODE_COUNT; c++) {
        const struct rs_code_info *i = rs_code_info((rs_code)c);
        int known = 0;
        assert_int_equal(i->code, c);
        assert_ptr_equal(rs_code_find(i->name), i); /* no name stands twice */
        assert_true(is_dotted(i->name));
        assert_in_range(i->kind, RS_KIND_FORMAT, RS_KIND_NO);
        assert_in_range(i->http, 200, 599);
        assert_in_range(i->exit_code, 0, 5);
        assert_true(strlen(i->title) > 5 && i->title[strlen(i->title) - 1] != '.');
        assert_true(strlen(i->means) > 5);
        for (size_t k = 0; k < sizeof(classes) / sizeof(classes[0]); k++)
            known |= strcmp(classes[k], i->station) == 0;
        assert_true(known);
    }
}

/* A peer's wrong bytes are never our fault, and a busy server is never the peer's. */
static void
kinds_fit_statuses(void **state)
{
    (void)state;
    for (int c = 1; c < RS_CODE_COUNT; c++) {
        const struct rs_code_info *i = rs_code_info((rs_code)c);
        if (i->kind == RS_KIND_FORMAT || i->kind == RS_KIND_POLICY)
            assert_in_range(i->http, 400, 499);
        if (i->kind == RS_KIND_BUSY) {
            assert_true(i->http == 503 || i->http == 429 || i->http == 202);
            assert_int_equal(i->exit_code, i->http == 202 ? 4 : 5); /* it waits for somebody */
        }
        if (i->kind == RS_KIND_MISSING)
            assert_int_equal(i->http, 404);
    }
}

static void
the_first_reason_is_kept(void **state)
{
    struct rs_err err = {0};

    (void)state;
    assert_int_equal(rs_fail(NULL, RS_E_EXISTS, "x"), RS_E_EXISTS);
    assert_int_equal(rs_fail(&err, RS_E_EXISTS, "first %d", 1), RS_E_EXISTS);
    errno = ENOSPC;
    assert_int_equal(rs_fail_errno(&err, RS_E_DISK_FULL, "second"), RS_E_EXISTS);
    assert_string_equal(err.text, "first 1");
    assert_string_equal(err.detail, "");
}

static void
errno_goes_into_the_detail_only(void **state)
{
    struct rs_err err = {0};

    (void)state;
    errno = ENOSPC;
    assert_int_equal(rs_fail_errno(&err, RS_E_DISK_FULL, "cannot write %s", "a"), RS_E_DISK_FULL);
    assert_string_equal(err.text, "cannot write a");
    assert_non_null(strstr(err.detail, "errno 28"));
}

static void
foreign_bytes_become_question_marks(void **state)
{
    struct rs_err err = {0};
    char longer[400];

    (void)state;
    (void)rs_fail(&err, RS_E_EXISTS, "%s", "a\x1b[31m\n\xff\xc2\x9b\xc3\xa9");
    assert_string_equal(err.text, "a?[31m??\?\?\xc3\xa9");
    memset(longer, 'a', sizeof(longer));
    longer[238] = '\xc3'; /* cut in the middle of a letter */
    longer[239] = '\xa9';
    longer[399] = '\0';
    memset(&err, 0, sizeof(err));
    (void)rs_fail(&err, RS_E_EXISTS, "%s", longer);
    assert_int_equal(strlen(err.text), 239);
    assert_int_equal(err.text[238], '?');
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_codes_are_bugs),
        cmocka_unit_test(every_row_is_whole),
        cmocka_unit_test(kinds_fit_statuses),
        cmocka_unit_test(the_first_reason_is_kept),
        cmocka_unit_test(errno_goes_into_the_detail_only),
        cmocka_unit_test(foreign_bytes_become_question_marks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
