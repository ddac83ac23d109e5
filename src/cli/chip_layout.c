/*
 * chip_layout.c: what lives where: the layout of a part, or one of a file.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/chip.h"

#include <rot/rot_driver.h>

/* ---- Shown -------------------------------------------------------------------------------------- */

static json_t *
rights_of(const struct rot_place *p, char *text, size_t cap)
{
    json_t *list = json_array();
    const char *name = NULL;
    size_t at = 0, i = 0;

    text[0] = '\0';
    for (unsigned flag = layout_right(i, &name); name != NULL; flag = layout_right(++i, &name)) {
        if ((p->flags & flag) == 0 || at + 16 > cap)
            continue;
        at += (size_t)snprintf(text + at, cap - at, "%s%s", at > 0 ? " " : "", name);
        (void)json_array_append_new(list, json_string(name));
    }
    return list;
}

static json_t *
describe(const struct rot_place *p)
{
    char name[ROT_NAME_MAX] = "", place[24], also[16] = "", rights[128], size[24] = "", what[32];
    json_t *list = rights_of(p, rights, sizeof(rights));

    (void)!rot_object_name(p->object, name);
    desk_where(p, place);
    if (p->also != 0)
        (void)snprintf(also, sizeof(also), p->also > 255 ? "0x%04lx" : "%lu",
                       (unsigned long)p->also);
    if (p->size != 0)
        (void)snprintf(size, sizeof(size), p->offset != 0 ? "%u at %u" : "%u", p->size, p->offset);
    (void)snprintf(what, sizeof(what), "%s%s%s", layout_part_name(p->part),
                   p->alg != ROT_ALG_NONE ? " " : "", layout_algorithm_name(p->alg));
    return json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:o, s:s, s:s, s:s}", "object", name,
                     "part", layout_part_name(p->part), "place", place, "also", also, "bytes",
                     (int)p->size, "offset", (int)p->offset, "algorithm",
                     layout_algorithm_name(p->alg), "may", list, "size_text", size, "rights",
                     rights, "what", what);
}

static int
put_layout(struct cli *cli, const struct rot_layout *l, const char *next)
{
    static const struct cli_column columns[] = {{"OBJECT", "object"},
                                                {"PART", "what"},
                                                {"PLACE", "place"},
                                                {"BYTES", "size_text"},
                                                {"MAY", "rights"}};
    RS_AUTO(rs_json_done) json_t *items = json_array(), *out = NULL;

    for (size_t i = 0; i < l->place_count; i++)
        (void)json_array_append_new(items, describe(&l->places[i]));
    if (cli->json) {
        size_t i;
        json_t *item;

        json_array_foreach(items, i, item)
        {
            (void)json_object_del(item, "size_text");
            (void)json_object_del(item, "rights");
            (void)json_object_del(item, "what");
        }
        out = json_pack("{s:s, s:s, s:s, s:b, s:O}", "kind", "layout", "name", l->name, "driver",
                        l->driver, "channel", (int)l->channel, "items", items);
        return cli_put_json(cli, out);
    }
    cli_say(cli, "%s   for the driver %s%s\n", l->name, l->driver,
            l->channel ? ", by its secure channel in production" : "");
    cli_put_table(cli, items, columns, 5);
    if (next != NULL)
        cli_say(cli, "\nNext\n  %s", next);
    return 0;
}

int
chip_layout(struct desk *d, struct rs_err *err)
{
    (void)err;
    return put_layout(d->cli, desk_layout(d), NULL);
}

/* ---- Checked ------------------------------------------------------------------------------------- */

static int
put_mistakes(struct cli *cli, const struct rs_config_errors *errors)
{
    RS_AUTO(rs_buf_done) struct rs_buf text;

    rs_buf_init(&text, (size_t)1 << 20);
    rs_config_errors_put(errors, &text);
    if (cli->json) {
        struct rs_err err = {0};
        const char *end = memchr(text.p, '\n', text.len);

        (void)rs_fail(&err, RS_E_CONFIG_INVALID, "%.*s",
                      (int)(end != NULL ? end - (const char *)text.p : 0), (const char *)text.p);
        return cli_fail(cli, "No layout", &err);
    }
    (void)fwrite(text.p, 1, text.len, stderr);
    (void)fprintf(stderr, "%zu mistake%s. No chip was asked.\n", errors->count,
                  errors->count == 1 ? "" : "s");
    return 2;
}

const struct rot_layout *
desk_load_layout(struct cli *cli, const char *path)
{
    struct rs_config_errors errors;
    const struct rot_layout *l;

    rs_config_errors_init(&errors, &cli->arena);
    l = layout_load(&cli->arena, path, &errors);
    if (l == NULL)
        (void)put_mistakes(cli, &errors);
    return l;
}

/* chip layout check FILE: no chip is needed. */
int
verb_chip_layout(struct cli *cli, const struct cli_args *args)
{
    const struct rot_layout *l;
    char next[200];

    if (args->word_count == 0)
        return verb_chip(cli, args);
    if (args->word_count != 2 || strcmp(args->words[0], "check") != 0)
        return cli_usage(cli, "Usage: rootsmith chip layout [--chip URI]\n"
                              "       rootsmith chip layout check FILE");
    l = desk_load_layout(cli, args->words[1]);
    if (l == NULL)
        return 2;
    (void)snprintf(next, sizeof(next), "rootsmith chip info --layout %.120s --chip URI",
                   args->words[1]);
    cli_say(cli, "%s %.160s keeps every rule.\n", cli_sign(cli, 'y'), args->words[1]);
    return put_layout(cli, l, next);
}
