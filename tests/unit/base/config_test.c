/*
 * config_test.c: each mistake at its line and column, all of a file in one run,
 * the picture that people see, and files that are written and read again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/config.h"

#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "base_test.h"

struct limits {
    int64_t low, high;
};

struct rule {
    const char *what;
    int64_t times;
};

struct box {
    const char *key, *at;
};

struct all {
    const char *name, *text;
    int64_t count, every, size, until;
    int on, kind;
    struct rs_config_list hosts;
    struct limits limits;
    struct rs_config_items rules, boxes;
};

static const char *const kinds[] = {"soft", "atecc608b", "se050", NULL};

static const struct rs_config_field limit_fields[] = {
    {.name = "low", .type = RS_CONFIG_INT, .at = offsetof(struct limits, low)},
    {.name = "high", .type = RS_CONFIG_INT, .at = offsetof(struct limits, high), .otherwise = "9"},
    {0},
};

static const struct rs_config_field rule_fields[] = {
    {.name = "what", .type = RS_CONFIG_TEXT, .at = offsetof(struct rule, what), .required = 1},
    {.name = "times", .type = RS_CONFIG_INT, .at = offsetof(struct rule, times), .otherwise = "1"},
    {0},
};

static const struct rs_config_field box_fields[] = {
    {.name = "key", .type = RS_CONFIG_NAME, .at = offsetof(struct box, key)},
    {.name = "at", .type = RS_CONFIG_TEXT, .at = offsetof(struct box, at)},
    {0},
};

static const struct rs_config_field schema[] = {
    {.name = "name", .type = RS_CONFIG_NAME, .at = offsetof(struct all, name)},
    {.name = "text",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct all, text),
     .max = 8,
     .otherwise = "none"},
    {.name = "count",
     .type = RS_CONFIG_INT,
     .at = offsetof(struct all, count),
     .min = 1,
     .max = 100,
     .otherwise = "5"},
    {.name = "every",
     .type = RS_CONFIG_DURATION,
     .at = offsetof(struct all, every),
     .min = 1,
     .max = 86400,
     .otherwise = "8h"},
    {.name = "size",
     .type = RS_CONFIG_SIZE,
     .at = offsetof(struct all, size),
     .otherwise = "64KiB"},
    {.name = "until",
     .type = RS_CONFIG_DATE,
     .at = offsetof(struct all, until),
     .otherwise = "never"},
    {.name = "on", .type = RS_CONFIG_BOOL, .at = offsetof(struct all, on), .otherwise = "yes"},
    {.name = "kind",
     .type = RS_CONFIG_CHOICE,
     .at = offsetof(struct all, kind),
     .choices = kinds,
     .otherwise = "se050"},
    {.name = "hosts", .type = RS_CONFIG_LIST, .at = offsetof(struct all, hosts)},
    {.name = "limits",
     .type = RS_CONFIG_MAP,
     .at = offsetof(struct all, limits),
     .fields = limit_fields},
    {.name = "rules",
     .type = RS_CONFIG_ITEMS,
     .at = offsetof(struct all, rules),
     .fields = rule_fields,
     .item_size = sizeof(struct rule)},
    {.name = "boxes",
     .type = RS_CONFIG_TABLE,
     .at = offsetof(struct all, boxes),
     .fields = box_fields,
     .item_size = sizeof(struct box)},
    {0},
};

/* ---- Help ------------------------------------------------------------------------------- */

struct run {
    struct rs_arena arena;
    struct rs_config_errors errors;
    struct rs_config_file *file;
    struct all all;
    struct rs_buf out;
    size_t mistakes;
};

static void
load_text(struct run *r, const char *text)
{
    rs_arena_init(&r->arena, 4 << 20);
    rs_config_errors_init(&r->errors, &r->arena);
    rs_buf_init(&r->out, 1 << 20);
    memset(&r->all, 0xaa, sizeof(r->all));
    r->mistakes = rs_config_load(&r->arena, "f.yaml", rs_bytes_str(text), schema, &r->all, &r->file,
                                 &r->errors);
    assert_int_equal(r->mistakes, r->errors.count);
}

static const char *
printed(struct run *r)
{
    rs_buf_reset(&r->out);
    rs_config_errors_put(&r->errors, &r->out);
    rs_buf_put_u8(&r->out, 0);
    assert_int_equal(rs_buf_ok(&r->out), 1);
    return (const char *)r->out.p;
}

static void
end_run(struct run *r)
{
    rs_buf_done(&r->out);
    rs_arena_done(&r->arena);
}

/* ---- Mistakes ------------------------------------------------------------------------------ */

static void
each_mistake_at_its_place(void **state)
{
    static const struct {
        size_t line, column;
        const char *message, *text;
    } rows[] = {
#define MISTAKE(line, column, message, text) {line, column, message, text},
#include "config_mistakes.def"
#undef MISTAKE
    };
    size_t count = sizeof(rows) / sizeof(rows[0]);
    unsigned wrong = 0;

    (void)state;
    assert_true(count >= 60);
    for (size_t i = 0; i < count; i++) {
        struct run r;
        char start[64];
        const char *all;
        load_text(&r, rows[i].text);
        all = printed(&r);
        (void)snprintf(start, sizeof(start), "f.yaml:%zu:%zu: error: ", rows[i].line,
                       rows[i].column);
        if (r.mistakes != 1 || strncmp(all, start, strlen(start)) != 0 ||
            strstr(all, rows[i].message) == NULL) {
            print_message("%s  wanted %zu:%zu %s\n  got %zu: %s", rows[i].text, rows[i].line,
                          rows[i].column, rows[i].message, r.mistakes, all);
            wrong++;
        }
        end_run(&r);
    }
    assert_int_equal(wrong, 0);
}

static void
all_mistakes_in_one_run(void **state)
{
    struct run r;
    const char *all, *at;

    (void)state;
    load_text(&r, "on: maybe\ncount: 500\nnmae: x\nlimits:\n  low: x\nrules:\n  - times: 1\n");
    assert_int_equal(r.mistakes, 5);
    assert_int_equal(r.errors.file_count, 1);
    all = printed(&r);
    for (int line = 1; line <= 7; line++) {
        char start[32];
        if (line == 4 || line == 6)
            continue;
        (void)snprintf(start, sizeof(start), "f.yaml:%d:", line);
        at = strstr(all, start);
        assert_non_null(at);
        all = at; /* sorted by line */
    }
    end_run(&r);
}

static void
the_picture(void **state)
{
    struct run r;

    (void)state;
    load_text(&r, "name: a\n\n\n\n\n\nkind: atecc608\n");
    assert_string_equal(printed(&r),
                        "f.yaml:7:7: error: kind must be one of: soft, atecc608b, se050\n"
                        "  7 | kind: atecc608\n"
                        "    |       ^~~~~~~~ did you mean \"atecc608b\"?\n");
    end_run(&r);
}

static void
the_picture_is_safe_for_terminals(void **state)
{
    struct run r;

    (void)state;
    load_text(&r, "name: \x1b[31m\xff\n");
    assert_null(strchr(printed(&r), '\x1b'));
    assert_null(strchr(printed(&r), '\xff'));
    assert_non_null(strstr(printed(&r), "  1 | name: ?[31m?\n"));
    end_run(&r);
}

/* A file that does not fit into memory is a mistake, never an empty file. */
static void
no_memory_is_a_mistake(void **state)
{
    static const char text[] =
        "name: a\nhosts: [a, b, c, d]\nlimits: {low: 1}\nboxes: {a: {at: x}}\n"
        "rules: [{what: x}]\n";
    int ok = 0;

    (void)state;
    for (size_t max = 0; max < 6000; max += 16) {
        struct rs_config_errors errors;
        struct rs_config_file *file = NULL;
        struct rs_arena arena;
        struct all all;
        size_t mistakes;
        rs_arena_init(&arena, max);
        rs_config_errors_init(&errors, &arena);
        mistakes =
            rs_config_load(&arena, "f.yaml", rs_bytes_str(text), schema, &all, &file, &errors);
        if (mistakes == 0) {
            ok++;
            assert_string_equal(all.name, "a");
            assert_int_equal(all.hosts.count, 4);
            assert_int_equal(all.rules.count, 1);
            assert_int_equal(all.boxes.count, 1);
        } else {
            assert_int_equal(ok, 0);
        }
        rs_arena_done(&arena);
    }
    assert_true(ok > 0);
}

static void
too_many_keys_end_quickly(void **state)
{
    struct run r;
    RS_AUTO(rs_buf_done) struct rs_buf b;

    (void)state;
    rs_buf_init(&b, 1 << 20);
    for (int i = 0; i < 100000; i++)
        rs_buf_printf(&b, "k%d: 1\n", i);
    rs_buf_put_u8(&b, 0);
    load_text(&r, (const char *)b.p);
    assert_int_equal(r.mistakes, 1);
    assert_non_null(strstr(printed(&r), "f.yaml:257:1: error: more than 256 keys"));
    end_run(&r);
}

static void
later_checks_point_at_values(void **state)
{
    struct run r;

    (void)state;
    load_text(&r, "name: a\nlimits:\n  low: 7\nhosts: [x, yy]\nrules:\n  - what: w\n");
    assert_int_equal(r.mistakes, 0);
    rs_config_complain(&r.errors, r.file, "hosts[1]", "\"%s\" does not exist", "yy");
    rs_config_complain(&r.errors, r.file, "limits.low", "too low");
    rs_config_complain(&r.errors, r.file, "rules[0].what", "no");
    rs_config_complain(&r.errors, r.file, "limits.none", "its map");
    rs_config_complain(&r.errors, r.file, NULL, "the document");
    assert_int_equal(r.errors.count, 5);
    assert_non_null(strstr(printed(&r), "f.yaml:4:12: error: \"yy\" does not exist\n"
                                        "  4 | hosts: [x, yy]\n"
                                        "    |            ^~\n"));
    assert_non_null(strstr(printed(&r), "f.yaml:3:8: error: too low"));
    assert_non_null(strstr(printed(&r), "f.yaml:6:11: error: no"));
    assert_non_null(strstr(printed(&r), "f.yaml:3:3: error: its map"));
    assert_non_null(strstr(printed(&r), "f.yaml:1:1: error: the document"));
    end_run(&r);
}

static void
a_file_that_is_not_there(void **state)
{
    struct run r;

    (void)state;
    load_text(&r, "");
    assert_int_equal(
        rs_config_load_file(&r.arena, base_test_path("none"), schema, &r.all, &r.file, &r.errors),
        1);
    assert_non_null(strstr(printed(&r), "/none:1:1: error: cannot open"));
    assert_int_equal(rs_config_load_file(&r.arena, base_test_file("there", "count: 7\n"), schema,
                                         &r.all, &r.file, &r.errors),
                     0);
    assert_int_equal(r.all.count, 7);
    end_run(&r);
}

/* ---- Values ------------------------------------------------------------------------------- */

static void
defaults_of_an_empty_file(void **state)
{
    static const char *const empty[] = {"", "\n", "# a comment\n", "{}\n", "---\n{}\n...\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
        struct run r;
        load_text(&r, empty[i]);
        assert_int_equal(r.mistakes, 0);
        assert_null(r.all.name);
        assert_string_equal(r.all.text, "none");
        assert_int_equal(r.all.count, 5);
        assert_int_equal(r.all.every, 8 * 3600);
        assert_int_equal(r.all.size, 65536);
        assert_true(r.all.until == INT64_MAX);
        assert_int_equal(r.all.on, 1);
        assert_int_equal(r.all.kind, 2);
        assert_int_equal(r.all.limits.high, 9);
        assert_int_equal(r.all.hosts.count + r.all.rules.count + r.all.boxes.count, 0);
        end_run(&r);
    }
}

static const char whole[] = "name: no\n"
                            "text: \"q\\\"\\\\\\n\\t\\x1b\"\n"
                            "count: 7\n"
                            "every: 90min\n"
                            "size: 10MiB\n"
                            "until: 2027-01-31\n"
                            "on: off\n"
                            "kind: soft\n"
                            "hosts: [\"a, b\", \"\\L\\x85\\ufeff\"]\n"
                            "limits: {low: 3}\n"
                            "rules:\n  - what: ''\n  - {what: y, times: 4}\n"
                            "boxes:\n  one: {at: x}\n  null: {}\n";

static void
expect_whole(const struct all *a)
{
    const struct rule *rules = a->rules.items;
    const struct box *boxes = a->boxes.items;

    assert_string_equal(a->name, "no");
    assert_string_equal(a->text, "q\"\\\n\t\x1b");
    assert_int_equal(a->count, 7);
    assert_int_equal(a->every, 5400);
    assert_int_equal(a->size, 10485760);
    assert_int_equal(a->until, 1801353600);
    assert_int_equal(a->on, 0);
    assert_int_equal(a->kind, 0);
    assert_int_equal(a->hosts.count, 2);
    assert_string_equal(a->hosts.items[0], "a, b");
    assert_string_equal(a->hosts.items[1], "\xe2\x80\xa8\xc2\x85\xef\xbb\xbf");
    assert_int_equal(a->limits.low, 3);
    assert_int_equal(a->limits.high, 9);
    assert_int_equal(a->rules.count, 2);
    assert_string_equal(rules[0].what, "");
    assert_int_equal(rules[0].times, 1);
    assert_int_equal(rules[1].times, 4);
    assert_int_equal(a->boxes.count, 2);
    assert_string_equal(boxes[0].key, "one");
    assert_string_equal(boxes[0].at, "x");
    assert_string_equal(boxes[1].key, "null");
    assert_null(boxes[1].at);
}

static void
what_is_written_reads_back(void **state)
{
    struct run r, again;

    (void)state;
    load_text(&r, whole);
    assert_int_equal(r.mistakes, 0);
    expect_whole(&r.all);
    for (int full = 0; full < 2; full++) {
        rs_buf_reset(&r.out);
        rs_config_put(&r.out, schema, &r.all, full);
        rs_buf_put_u8(&r.out, 0);
        load_text(&again, (const char *)r.out.p);
        if (again.mistakes != 0)
            fail_msg("%s%s", (const char *)r.out.p, printed(&again));
        expect_whole(&again.all);
        end_run(&again);
    }
    end_run(&r);
}

static void
defaults_are_left_out(void **state)
{
    struct run r, again;

    (void)state;
    load_text(&r, "limits: {}\ncount: 5\nsize: 65536\nevery: 480min\non: true\n");
    assert_int_equal(r.mistakes, 0);
    rs_config_put(&r.out, schema, &r.all, 0);
    assert_int_equal(rs_bytes_equal(rs_buf_bytes(&r.out), rs_bytes_str("limits: {}\n")), 1);
    rs_buf_reset(&r.out);
    rs_config_put(&r.out, schema, &r.all, 1);
    rs_buf_put_u8(&r.out, 0);
    assert_non_null(strstr((const char *)r.out.p, "count: 5   # default\n"));
    load_text(&again, (const char *)r.out.p);
    assert_int_equal(again.mistakes, 0);
    assert_memory_equal(&again.all.limits, &r.all.limits, sizeof(r.all.limits));
    end_run(&again);
    end_run(&r);
}

static void
words_nearby(void **state)
{
    static const char *const known[] = {"layout", "stations", "until"};

    (void)state;
    assert_null(rs_nearest("profile", known, 3));
    assert_null(rs_nearest("laxxxt", known, 3));
    assert_null(rs_nearest("", known, 3));
    assert_string_equal(rs_nearest("layuot", known, 3), "layout");
    assert_string_equal(rs_nearest("statons", known, 3), "stations");
    assert_string_equal(rs_nearest("until", known, 3), "until");
}

static void
durations_and_dates(void **state)
{
    int64_t v = 77;

    (void)state;
    assert_int_equal(rs_duration_read("", &v), 0);
    assert_int_equal(rs_duration_read("d", &v), 0);
    assert_int_equal(rs_duration_read("5D", &v), 0);
    assert_int_equal(rs_duration_read("5dd", &v), 0);
    assert_int_equal(rs_duration_read("292471208678y", &v), 0);
    assert_int_equal(rs_date_read("2026-11-24T", &v), 0);
    assert_int_equal(rs_date_read("2026-13-24", &v), 0);
    assert_int_equal(v, 77);
    assert_int_equal(rs_duration_read("10y", &v), 1);
    assert_int_equal(v, 315576000);
    assert_int_equal(rs_duration_read("2w", &v), 1);
    assert_int_equal(v, 1209600);
    assert_int_equal(rs_duration_read("never", &v), 1);
    assert_true(v == INT64_MAX);
    assert_int_equal(rs_date_read("2026-11-24T06:07:31Z", &v), 1);
    assert_int_equal(v, 1795500451);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mistake_at_its_place),
        cmocka_unit_test(all_mistakes_in_one_run),
        cmocka_unit_test(the_picture),
        cmocka_unit_test(the_picture_is_safe_for_terminals),
        cmocka_unit_test(no_memory_is_a_mistake),
        cmocka_unit_test(too_many_keys_end_quickly),
        cmocka_unit_test(later_checks_point_at_values),
        cmocka_unit_test(a_file_that_is_not_there),
        cmocka_unit_test(defaults_of_an_empty_file),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(defaults_are_left_out),
        cmocka_unit_test(words_nearby),
        cmocka_unit_test(durations_and_dates),
    };

    return cmocka_run_group_tests(tests, base_test_setup, base_test_teardown);
}
