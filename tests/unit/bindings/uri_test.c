/*
 * uri_test.c: rot: URIs that are none, and those that are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "shared/uri.h"

static void
what_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "rot",
        "rot:",
        "ROT:auto",
        "rot:;object=idevid",
        "rot:auto;",
        "rot:auto;object",
        "rot:auto;object=",
        "rot:auto;object=idevid/300",
        "rot:auto;object=nonsense",
        "rot:auto;object=idevid;object=idevid",
        "rot:auto;type=private;type=private",
        "rot:auto;type=secret",
        "rot:auto;layout=a;layout=b",
        "rot:auto;layout=a234567890123456789012345678901234567890",
        "rot:auto;pin=1234",
        "rot:auto?object=idevid",
        "rot:auto;;object=idevid",
        "rot:a b",
        "rot:a%2",
        "rot:a%zz",
        "rot:a%00b",
        "rot:a%0ab",
        "rot:a\x7f",
        "rot:auto;object=%6",
    };
    char text[ROT_URI_MAX + 16];
    struct rot_uri uri, kept;

    (void)state;
    memset(&kept, 0x5a, sizeof(kept));
    uri = kept;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (rot_uri_parse(bad[i], &uri) != ROT_E_FORMAT)
            fail_msg("taken: %s", bad[i]);
    }
    memset(text, 'a', sizeof(text));
    memcpy(text, "rot:", 4);
    text[4 + ROT_URI_CHIP_MAX] = '\0';
    assert_int_equal(rot_uri_parse(text, &uri), ROT_E_FORMAT);
    memset(text, 'a', sizeof(text));
    memcpy(text, "rot:", 4);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(rot_uri_parse(text, &uri), ROT_E_FORMAT);
    assert_memory_equal(&uri, &kept, sizeof(uri));
    assert_int_equal(rot_uri_parse(NULL, &uri), ROT_E_ARG);
    assert_int_equal(rot_uri_parse("rot:auto", NULL), ROT_E_ARG);
}

static void
what_is_taken(void **state)
{
    struct rot_uri uri;
    char text[ROT_URI_MAX];

    (void)state;
    assert_int_equal(rot_uri_parse("rot:i2c:1:0x60;object=ldevid/0", &uri), ROT_OK);
    assert_string_equal(uri.chip, "i2c:1:0x60");
    assert_int_equal(uri.object, ROT_LDEVID(0));
    assert_int_equal(uri.type, ROT_URI_ALL);
    assert_string_equal(uri.layout, "");
    assert_int_equal(rot_uri_parse("rot:soft:/a%3bb%25c%20d#k;layout=soft-p384;type=trust;"
                                   "object=trust/1",
                                   &uri),
                     ROT_OK);
    assert_string_equal(uri.chip, "soft:/a;b%c d#k");
    assert_int_equal(uri.object, ROT_TRUST(1));
    assert_int_equal(uri.type, ROT_URI_TRUST);
    assert_string_equal(uri.layout, "soft-p384");
    assert_int_equal(rot_uri_format(&uri, text, sizeof(text)), ROT_OK);
    assert_string_equal(text,
                        "rot:soft:/a%3bb%25c%20d#k;object=trust/1;type=trust;layout=soft-p384");
    assert_int_equal(rot_uri_parse("rot:auto", &uri), ROT_OK);
    assert_int_equal(uri.object, 0);
}

static void
writing_has_limits(void **state)
{
    struct rot_uri uri;
    char text[ROT_URI_MAX], full[] = "rot:auto;object=idevid";

    (void)state;
    assert_int_equal(rot_uri_parse("rot:auto;object=idevid", &uri), ROT_OK);
    assert_int_equal(rot_uri_format(NULL, text, sizeof(text)), ROT_E_ARG);
    assert_int_equal(rot_uri_format(&uri, NULL, 0), ROT_E_ARG);
    assert_int_equal(rot_uri_format(&uri, text, sizeof(full) - 1), ROT_E_SPACE);
    assert_int_equal(rot_uri_format(&uri, text, sizeof(full)), ROT_OK);
    assert_string_equal(text, full);
    /* Escapes make it three times as long: too long for a URI, and nothing is written past it. */
    memset(uri.chip, ' ', sizeof(uri.chip) - 1);
    assert_int_equal(rot_uri_format(&uri, text, sizeof(text)), ROT_E_SPACE);
    uri.chip[0] = '\0';
    assert_int_equal(rot_uri_format(&uri, text, sizeof(text)), ROT_E_ARG);
    uri.chip[0] = 'a';
    uri.object = 0xffff;
    assert_int_equal(rot_uri_format(&uri, text, sizeof(text)), ROT_E_ARG);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(what_is_taken),
        cmocka_unit_test(writing_has_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
