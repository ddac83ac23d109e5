/*
 * main.c: options, opening, and the order of the suite.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "suite.h"

#include <string.h>

#include <rot/registry.h>

int
suite_check(struct suite *s, int ok, const char *file, int line, const char *what,
            const char *about)
{
    s->checks++;
    if (ok)
        return 1;
    s->failures++;
    printf("FAIL %s: %s (%s:%d)\n", about, what, file, line);
    return 0;
}

int
suite_check_code(struct suite *s, rot_err got, rot_err want, const char *file, int line,
                 const char *what, const char *about)
{
    s->checks++;
    if (got == want)
        return 1;
    s->failures++;
    printf("FAIL %s: %s gave \"%s\", not \"%s\", raw status 0x%02x (%s:%d)\n", about, what,
           rot_err_name(got), rot_err_name(want), (unsigned)rot_raw_status(&s->chip), file, line);
    return 0;
}

static int
open_chip(struct suite *s, const char *uri, const char *layout, int pair)
{
    rot_err rc;

    if (rot_linux_open(&s->lin, uri) != ROT_OK) {
        printf("cannot open %s: %s\n", uri, s->lin.error);
        return 0;
    }
    s->lin.setup.layout = rot_registry_layout(s->lin.setup.driver, layout);
    if (s->lin.setup.layout == NULL) {
        printf("no layout %s for %s\n", layout, s->lin.setup.driver->name);
        return 0;
    }
    rc = rot_open(&s->chip, &s->lin.setup);
    if (rc != ROT_OK) {
        printf("cannot open %s: %s\n", uri, rot_err_name(rc));
        return 0;
    }
    s->layout = s->lin.setup.layout;
    s->simulated = s->lin.transport.simulated;
    if (pair)
        suite_pair(s);
    return s->chip.is_open;
}

/* The objects of the layout, in its order, each once. */
static int
list_objects(struct suite *s)
{
    for (size_t i = 0; i < s->layout->place_count; i++) {
        rot_object obj = s->layout->places[i].object;
        struct tested_object *o = &s->objects[s->count];
        size_t k = 0;

        while (k < s->count && s->objects[k].object != obj)
            k++;
        if (k < s->count)
            continue;
        if (s->count == OBJECTS_MAX)
            return 0;
        o->object = obj;
        if (rot_object_name(obj, o->name) != ROT_OK ||
            rot_capabilities(&s->chip, obj, &o->cap) != ROT_OK)
            return 0;
        s->count++;
    }
    return 1;
}

static void
run(struct suite *s)
{
    suite_run_chip(s);
    suite_prepare(s);
    /* Keys before certificates: some parts hold certificates of their own keys only. */
    for (size_t i = 0; i < s->count; i++)
        suite_run_keys(s, &s->objects[i]);
    suite_run_sessions(s);
    for (size_t i = 0; i < s->count; i++)
        suite_run_secrets(s, &s->objects[i]);
    for (size_t i = 0; i < s->count; i++)
        suite_run_stored(s, &s->objects[i]);
    suite_run_reset(s);
    for (size_t i = 0; i < s->count; i++)
        suite_run_delete(s, &s->objects[i]);
    suite_run_seals(s);
}

/* Nothing is left unasked, and nothing is wrong. */
static void
count_outcomes(struct suite *s)
{
    unsigned n[IS_WRONG + 1] = {0};

    for (size_t i = 0; i < s->count; i++) {
        for (size_t p = 0; p < ROT_PRIMITIVES; p++) {
            n[s->objects[i].outcome[p]]++;
            CHECK(s, s->objects[i].name, s->objects[i].outcome[p] != NOT_ASKED);
        }
    }
    printf("%u yes, %u own form, %u unsupported, %u n/a, %u wrong\n", n[IS_YES], n[IS_FORM],
           n[IS_UNSUPPORTED], n[IS_NA], n[IS_WRONG]);
    CHECK(s, "table", n[IS_WRONG] == 0);
}

#define CHIPS_MAX 8

struct options {
    const char *layout, *golden, *chips[CHIPS_MAX];
    int write_it, refusals, chip_count;
};

static int
read_options(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--write") == 0)
            o->write_it = 1;
        else if (strcmp(argv[i], "--refusals") == 0)
            o->refusals = 1;
        else if (strcmp(argv[i], "--layout") == 0 && i + 1 < argc)
            o->layout = argv[++i];
        else if (strcmp(argv[i], "--golden") == 0 && i + 1 < argc)
            o->golden = argv[++i];
        else if (argv[i][0] != '-' && o->chip_count < CHIPS_MAX)
            o->chips[o->chip_count++] = argv[i];
        else
            return 0;
    }
    return o->chip_count > 0 && (o->refusals || o->chip_count <= 2);
}

static int
run_refusals(struct suite *s, const struct options *o)
{
    suite_run_refusals(s, o->chips + 1, (size_t)o->chip_count - 1);
    printf("%s, layout %s: refusals: %u checks, %u failures\n", s->lin.setup.driver->name,
           s->layout->name, s->checks, s->failures);
    rot_linux_close(&s->lin);
    return s->failures == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
    static struct suite first, second;
    struct options o = {.layout = NULL};
    unsigned failures;

    if (!read_options(argc, argv, &o)) {
        printf("usage: rot-conformance [--layout NAME] [--golden FILE [--write]] CHIP [CHIP2]\n"
               "       rot-conformance --refusals CHIP OTHER...\n");
        return 2;
    }
    if (!open_chip(&first, o.chips[0], o.layout, !o.refusals) || !list_objects(&first))
        return 1;
    if (o.refusals)
        return run_refusals(&first, &o);
    run(&first);
    if (o.chips[1] != NULL) {
        if (!open_chip(&second, o.chips[1], o.layout, 1) || !list_objects(&second))
            return 1;
        suite_run_two(&first, &second);
        rot_close(&second.chip);
        rot_linux_close(&second.lin);
    }
    suite_print_table(&first, stdout);
    count_outcomes(&first);
    if (o.golden != NULL)
        (void)CHECK(&first, "golden", suite_golden(&first, o.golden, o.write_it));
    failures = first.failures + second.failures;
    printf("%s %s, layout %s: %u checks, %u failures\n", first.identity.vendor,
           first.identity.model, first.layout->name, first.checks + second.checks, failures);
    rot_close(&first.chip);
    rot_linux_close(&first.lin);
    return failures == 0 ? 0 : 1;
}
