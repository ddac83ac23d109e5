/*
 * layout_test.c: layouts from text: each rule's refusal at its line, then what is taken.
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

#include <rot/registry.h>

#include "layout/layout.h"

#define ATECC  "name: a\nrot: atecc608b\nobjects:\n"
#define STSAFE "name: a\nrot: stsafe-a110\nobjects:\n"
#define OPTIGA "name: a\nrot: optiga-trust-m3\nobjects:\n"
#define SE05X  "name: a\nrot: se050\nobjects:\n"
#define TPM    "name: a\nrot: tpm2\nobjects:\n"
#define SOFT   "name: a\nrot: soft\nobjects:\n"

static struct rs_arena arena;
static struct rs_buf said;

static const struct rot_layout *
read_text(const char *text)
{
    struct rs_config_errors errors;
    const struct rot_layout *l;

    rs_arena_reset(&arena);
    rs_buf_reset(&said);
    rs_config_errors_init(&errors, &arena);
    l = layout_read(&arena, "l.yaml", rs_bytes_str(text), &errors);
    rs_config_errors_put(&errors, &said);
    rs_buf_put_u8(&said, 0);
    assert_int_equal(l == NULL, errors.count != 0);
    return l;
}

/* Both the place ("l.yaml:4:") and the rule. */
static void
refuses(const char *place, const char *rule, const char *text)
{
    if (read_text(text) != NULL) {
        print_error("taken:\n%s", text);
        fail();
    }
    if (strstr((const char *)said.p, place) == NULL || strstr((const char *)said.p, rule) == NULL) {
        print_error("no \"%s\" with \"%s\" in\n%s", place, rule, (const char *)said.p);
        fail();
    }
}

/* ---- The file ------------------------------------------------------------------------------- */

static void
a_file_names_what_it_is_for(void **state)
{
    (void)state;
    refuses(":1:1:", "\"name\" is missing", "rot: soft\n");
    refuses(":1:1:", "\"rot\" is missing", "name: a\n");
    refuses(":2:6:", "no driver for a \"pigeon\"", "name: a\nrot: pigeon\n");
    refuses(":3:7:", "unknown layout \"tflx\"; atecc has: atecc608b-tflxtls, atecc608b-counted",
            "name: a\nrot: atecc608b\nfrom: tflx\n");
    refuses(":3:7:", "unknown layout", "name: a\nrot: soft\nfrom: atecc608b-tflxtls\n");
    refuses(":1:7:", "kind must be", "kind: product\nname: a\nrot: soft\n");
    refuses(":3:1:", "did you mean \"objects\"", "name: a\nrot: soft\nobject: {}\n");
}

static void
objects_and_words_are_known_ones(void **state)
{
    (void)state;
    refuses(":4:", "\"devid\" is no object", ATECC "  devid: {slot: 3}\n");
    refuses(":4:", "is no object", ATECC "  ldevid/256: {slot: 3}\n");
    refuses(":4:", "is no object", ATECC "  idevid/0: {slot: 3}\n");
    refuses(":4:", "did you mean \"slot\"", ATECC "  ldevid/0: {slt: 3}\n");
    refuses(":4:20:", "slot must be a number", ATECC "  ldevid/0: {slot: three}\n");
    refuses(":4:20:", "slot must be a number", ATECC "  ldevid/0: {slot: 0x}\n");
    refuses(":4:20:", "slot must be a number", ATECC "  ldevid/0: {slot: -3}\n");
    refuses(":4:20:", "slot must be a number", ATECC "  ldevid/0: {slot: 4294967296}\n");
    refuses(":5:18:", "also must be a number", SE05X "  trust/0:\n    data: {also: q, slot: 9}\n");
    refuses(":4:", "unknown algorithm \"p265\"", ATECC "  ldevid/0: {algorithm: p265}\n");
    refuses(":4:", "unknown right \"sing\", did you mean \"sign\"",
            ATECC "  ldevid/0: {slot: 3, may: [sing]}\n");
    refuses(":4:", "size must be 0 to 16384", ATECC "  data/0: {size: 16385}\n");
    refuses(":4:", "nothing to remove", ATECC "  ldevid/9: {remove: true}\n");
    refuses(":4:", "slot is missing", ATECC "  data/7: {size: 12}\n");
}

static void
all_mistakes_are_found_in_one_run(void **state)
{
    (void)state;
    refuses(":4:", "is no object",
            ATECC "  devid: {slot: 1}\n  ldevid/0: {slot: x}\n  data/7: {size: 3}\n");
    assert_non_null(strstr((const char *)said.p, "l.yaml:5:"));
    assert_non_null(strstr((const char *)said.p, "l.yaml:6:"));
}

/* ---- The rules ------------------------------------------------------------------------------- */

static void
a_slot_must_be_there(void **state)
{
    (void)state;
    refuses(":4:", "missing slot: atecc608b has no slot 16", ATECC "  ldevid/0: {slot: 16}\n");
    refuses(":4:", "missing slot: atecc608b has no slot 2", ATECC "  counter/0: {slot: 2}\n");
    refuses(":5:", "missing slot", STSAFE "  trust/0:\n    data: {slot: 9, size: 100}\n");
    refuses(":5:", "missing slot", STSAFE "  ldevid/0:\n    cert: {slot: 5, size: 100}\n");
    refuses(":4:", "missing slot", STSAFE "  ldevid/0: {slot: 5}\n");
    refuses(":4:", "missing slot: optiga-trust-m3 has no object 0xe0f4",
            OPTIGA "  ldevid/0: {slot: 0xe0f4}\n");
    refuses(":4:", "missing slot", SE05X "  ldevid/0: {slot: 0x7fff0001}\n");
    refuses(":4:", "missing slot", TPM "  ldevid/0: {slot: 0x80000000}\n");
    refuses(":5:", "missing slot",
            STSAFE "  trust/0:\n    data: {slot: 3, also: 0x90000, size: 90}\n");
}

static void
a_slot_must_be_large_enough(void **state)
{
    (void)state;
    refuses(":5:", "too small: slot 8 holds 416 bytes",
            ATECC "  data/0:\n    data: {slot: 8, offset: 352, size: 61}\n");
    refuses(":4:", "too small: slot 12 holds 72 bytes", ATECC "  trust/1: {size: 69}\n");
    refuses(":5:", "a public key takes a slot of 72 bytes; slot 5 has 36",
            ATECC "  session/2: {remove: true}\n  trust/0: {slot: 5}\n");
    refuses(":6:", "compressed certificate takes a slot of 72",
            ATECC
            "  session/2: {remove: true}\n  idevid:\n    cert: {slot: 5, also: 8, size: 352}\n");
    refuses(":5:", "too small: slot 8 holds 416",
            ATECC "  data/0: {remove: true}\n  idevid: {cert: {also: 8, size: 417}}\n");
    refuses(":4:", "too small: a public key of p256 takes 91 bytes",
            ATECC "  trust/0: {size: 90}\n");
    refuses(":4:", "0 bytes can hold nothing", SE05X "  data/7: {slot: 0x52530477}\n");
    refuses(":4:", "too small: object 0xe0e8 holds 1200 bytes, 4 of them the driver's",
            OPTIGA "  trust/0: {size: 1197}\n");
    refuses(":4:", "too small", SE05X "  trust/1: {size: 2041}\n");
    refuses(":4:", "too small", TPM "  trust/1: {size: 2041}\n");
    refuses(":4:", "too small: zone or key slot 3 holds 600 bytes, and 601 are wanted at 0",
            STSAFE "  trust/0: {size: 589}\n");
    refuses(":5:", "too small", STSAFE "  ldevid/0:\n    key: {also: 0x40655}\n");
}

static void
a_slot_is_used_once(void **state)
{
    (void)state;
    refuses(":4:", "double use: slot 3 is for key of ldevid/0 and for key of ldevid/1",
            ATECC "  ldevid/0: {slot: 3}\n");
    /* Which of the two stands first in the layout does not matter. */
    refuses(":4:", "double use: slot 2 is for key of ldevid/0 and for key of ldevid/1",
            ATECC "  ldevid/1: {slot: 2}\n");
    refuses(":5:", "double use: slot 8",
            ATECC "  data/0:\n    data: {slot: 8, offset: 351, size: 60}\n");
    refuses(":4:", "double use: slot 0", ATECC "  attest/0: {slot: 0}\n");
    refuses(":4:", "double use: slot 1 ", ATECC "  counter/0: {slot: 1}\n");
    refuses(":4:", "double use: object 0xe0f1",
            OPTIGA "  ldevid/0: {slot: 0xe0f1, also: 0xf1d9}\n");
    refuses(":4:", "double use: object 0xf1d8", OPTIGA "  ldevid/0: {also: 0xf1d8}\n");
    refuses(":4:", "double use", SE05X "  data/0: {slot: 0x52530402}\n");
    /* The second copy counts, too. */
    refuses(":4:", "double use", SE05X "  data/0: {also: 0x52531402}\n");
    refuses(":4:", "double use", STSAFE "  trust/1: {size: 561}\n");
    refuses(":5:", "double use", STSAFE "  ldevid/0:\n    key: {also: 0x40320}\n");
    refuses(":4:", "double use: zone or key slot 0 is for key of idevid",
            STSAFE "  ldevid/0: {slot: 0}\n");
}

static void
the_part_must_have_the_algorithm(void **state)
{
    (void)state;
    refuses(":4:", "algorithm: atecc608b does not have p384",
            ATECC "  ldevid/0: {algorithm: p384}\n");
    refuses(":4:", "algorithm: atecc608b does not have ed25519",
            ATECC "  ldevid/0: {algorithm: ed25519}\n");
    refuses(":4:", "does not have aes256", STSAFE "  session/1: {algorithm: aes256}\n");
    refuses(":4:", "does not have rsa2048", SE05X "  ldevid/0: {algorithm: rsa2048}\n");
    refuses(":4:", "does not have mldsa65", SOFT "  ldevid/0: {algorithm: mldsa65}\n");
    refuses(":4:", "no algorithm: a key has one",
            SE05X "  ldevid/7: {key: {slot: 0x52530077, may: [sign]}}\n");
    refuses(":4:", "neither signs nor agrees", SE05X "  session/0: {may: [sign]}\n");
    refuses(":4:", "only a key signs", SE05X "  data/0: {may: [agree]}\n");
    refuses(":4:", "only certificates of an ATECC608", SE05X "  data/0: {may: [compressed]}\n");
    refuses(":4:", "must be lockable", SE05X "  data/0: {may: [sealed]}\n");
}

static void
the_drivers_configuration_binds(void **state)
{
    (void)state;
    refuses(":4:", "has slot 13 for something else than a private key",
            ATECC "  ldevid/0: {slot: 13}\n");
    refuses(":5:", "has slot 4 for a private key",
            ATECC "  trust/1:\n    data: {slot: 4, size: 30}\n");
    refuses(":4:", "no access rule for object 0xf1d4 as data", OPTIGA "  data/0: {slot: 0xf1d4}\n");
    refuses(":4:", "as a key", OPTIGA "  ldevid/0: {slot: 0xe0e3}\n");
}

/* ---- What is taken -------------------------------------------------------------------------------- */

static void
on_rule(void *arg, size_t place, size_t other, const char *text)
{
    const struct rot_layout *l = arg;
    char name[ROT_NAME_MAX] = "";

    (void)!rot_object_name(l->places[place].object, name);
    print_error("%s: %s (place %zu, %zu): %s\n", l->name, name, place, other, text);
}

static void
every_driver_keeps_the_rules(void **state)
{
    const struct rot_driver *d;
    size_t count = 0;

    (void)state;
    for (size_t i = 0; (d = rot_registry_at(i)) != NULL; i++) {
        for (size_t k = 0; d->layouts[k] != NULL; k++, count++) {
            struct rot_layout copy = *d->layouts[k];

            assert_int_equal(layout_check(&copy, d->name, on_rule, &copy), 0);
        }
    }
    assert_true(count >= 9);
}

static void
a_driver_without_rules_is_refused(void **state)
{
    struct rot_layout l = {.name = "x", .driver = "unheard-of"};

    (void)state;
    l.places = rot_registry_find("soft")->layouts[0]->places;
    l.place_count = 1;
    assert_int_equal(layout_check(&l, "x", on_rule, &l), 1);
}

static void
what_is_not_said_is_the_drivers(void **state)
{
    const struct rot_layout *base = rot_registry_find("atecc")->layouts[0];
    const struct rot_layout *l = read_text("kind: layout\nname: mine\nrot: atecc608b\n");

    (void)state;
    assert_non_null(l);
    assert_string_equal(l->name, "mine");
    assert_string_equal(l->driver, "atecc");
    assert_int_equal(l->place_count, base->place_count);
    assert_memory_equal(l->places, base->places, base->place_count * sizeof(base->places[0]));
    assert_ptr_equal(l->config, base->config);
    assert_int_equal(l->stages, base->stages);
}

static void
changes_are_taken(void **state)
{
    const struct rot_layout *l =
        read_text("name: mine\nrot: atecc608b\nfrom: atecc608b-tflxtls\nobjects:\n"
                  "  ldevid/1: {remove: true}\n"
                  "  ldevid/0: {slot: 3, may: [sign, lockable]}\n"
                  "  data/0: {slot: 8, offset: 352, size: 20}\n"
                  "  data/1: {data: {slot: 8, offset: 376, size: 36, may: [renew]}}\n");
    const struct rot_place *p;

    (void)state;
    if (l == NULL)
        fail_msg("%s", (const char *)said.p);
    assert_null(rot_layout_find(l, ROT_LDEVID(1), ROT_PART_KEY));
    p = rot_layout_find(l, ROT_LDEVID(0), ROT_PART_KEY);
    assert_non_null(p);
    assert_int_equal(p->where, 3);
    assert_int_equal(p->alg, ROT_ALG_P256);
    assert_int_equal(p->flags, ROT_PLACE_SIGN | ROT_PLACE_LOCKABLE);
    p = rot_layout_find(l, ROT_DATA(1), ROT_PART_DATA);
    assert_non_null(p);
    assert_int_equal(p->offset, 376);
    assert_int_equal(p->size, 36);
    assert_int_equal(p->flags, ROT_PLACE_REGENERATE);
}

static void
each_family_can_be_changed(void **state)
{
    (void)state;
    assert_non_null(read_text(STSAFE "  trust/1: {size: 500}\n"));
    assert_non_null(read_text(OPTIGA "  data/3: {remove: true}\n  ldevid/1: {remove: true}\n"));
    assert_non_null(read_text(SE05X "  ldevid/7: {key: {slot: 0x52530099, algorithm: p384, "
                                    "may: [sign, renew]}, cert: {slot: 0x52530199, "
                                    "also: 0x52531199, size: 2040}}\n"));
    assert_non_null(read_text(TPM "  trust/3: {remove: true}\n"));
    assert_non_null(read_text(SOFT "  data/9: {size: 100}\n  ldevid/0: {algorithm: ed25519, "
                                   "may: [sign, renew]}\n"));
}

static void
a_small_memory_is_a_mistake_and_no_more(void **state)
{
    (void)state;
    for (size_t max = 0; max < 40000; max += 200) {
        RS_AUTO(rs_arena_done) struct rs_arena small;
        struct rs_config_errors errors;

        rs_arena_init(&small, max);
        rs_config_errors_init(&errors, &small);
        if (layout_read(&small, "l.yaml", rs_bytes_str(ATECC "  ldevid/0: {slot: 16}\n"),
                        &errors) != NULL)
            fail();
    }
}

static int
setup(void **state)
{
    (void)state;
    rs_arena_init(&arena, (size_t)4 << 20);
    rs_buf_init(&said, (size_t)1 << 20);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    rs_arena_done(&arena);
    rs_buf_done(&said);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_names_what_it_is_for),
        cmocka_unit_test(objects_and_words_are_known_ones),
        cmocka_unit_test(all_mistakes_are_found_in_one_run),
        cmocka_unit_test(a_slot_must_be_there),
        cmocka_unit_test(a_slot_must_be_large_enough),
        cmocka_unit_test(a_slot_is_used_once),
        cmocka_unit_test(the_part_must_have_the_algorithm),
        cmocka_unit_test(the_drivers_configuration_binds),
        cmocka_unit_test(every_driver_keeps_the_rules),
        cmocka_unit_test(a_driver_without_rules_is_refused),
        cmocka_unit_test(what_is_not_said_is_the_drivers),
        cmocka_unit_test(changes_are_taken),
        cmocka_unit_test(each_family_can_be_changed),
        cmocka_unit_test(a_small_memory_is_a_mistake_and_no_more),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
