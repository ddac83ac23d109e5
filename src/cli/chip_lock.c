/*
 * chip_lock.c: what cannot be undone, and what can.
 *
 * Both end something for good, so both name it, and want the part's model: a hand
 * that types it has looked at which part that is.  A script gives it with
 * --yes-irreversible; there is no word that means yes to every part.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/chip.h"

#include <rot/rot_driver.h>

/* ---- Being sure ------------------------------------------------------------------------------------- */

static int
read_line(char *line, size_t cap)
{
    if (fgets(line, (int)cap, stdin) == NULL)
        return 0;
    line[strcspn(line, "\n")] = '\0';
    return 1;
}

int
desk_may_seal(struct desk *d, const char *gone)
{
    const char *given = cli_option(d->args, "yes-irreversible");
    struct rot_identity id;
    char line[128];

    if (rot_identify(&d->chip, &id) != ROT_OK) {
        (void)fputs("The part does not say who it is. Nothing was changed.\n", stderr);
        return 0;
    }
    if (given != NULL && strcmp(given, id.model) == 0)
        return 1;
    if (given != NULL) {
        (void)fprintf(stderr,
                      "--yes-irreversible names %s, and the part is %s. Nothing was changed.\n",
                      given, id.model);
        return 0;
    }
    (void)fprintf(stderr, "%s", gone);
    if (!isatty(STDIN_FILENO)) {
        (void)fprintf(stderr,
                      "This cannot be undone: give --yes-irreversible %s. Nothing was changed.\n",
                      id.model);
        return 0;
    }
    (void)fprintf(stderr,
                  "It cannot be undone.\nType the model of the part to go on (%s): ", id.model);
    if (read_line(line, sizeof(line)) && strcmp(line, id.model) == 0)
        return 1;
    (void)fputs("That is not the model. Nothing was changed.\n", stderr);
    return 0;
}

/* ---- What will be so ---------------------------------------------------------------------------------- */

static int
can_change_later(const struct rot_place *p)
{
    return (p->flags & ROT_PLACE_REGENERATE) != 0 ||
           ROT_OBJECT_KIND(p->object) == ROT_KIND_COUNTER ||
           ROT_OBJECT_KIND(p->object) == ROT_KIND_SESSION;
}

/* Names of objects whose places are as asked, ", " between; "none" for none. */
static void
list_objects(const struct rot_layout *l, int (*want)(const struct rot_place *p), int wanted,
             char *out, size_t cap)
{
    size_t at = 0;
    char name[ROT_NAME_MAX], last[ROT_NAME_MAX] = "";

    out[0] = '\0';
    for (size_t i = 0; i < l->place_count && at + 48 < cap; i++) {
        const struct rot_place *p = &l->places[i];

        if ((p->flags & ROT_PLACE_READ_ONLY) != 0 || want(p) != wanted ||
            rot_object_name(p->object, name) != ROT_OK || strcmp(name, last) == 0)
            continue;
        (void)snprintf(last, sizeof(last), "%s", name);
        at += (size_t)snprintf(out + at, cap - at, "%s%s", at > 0 ? ", " : "", name);
    }
    if (at == 0)
        (void)snprintf(out, cap, "none");
}

static void
say_config(const struct rot_layout *l, char *out, size_t cap)
{
    (void)snprintf(out, cap,
                   "  config      which slot holds what, and who may do what with it, as layout\n"
                   "              %s has it (%zu places)\n",
                   l->name, l->place_count);
}

static void
say_data(const struct rot_layout *l, char *out, size_t cap)
{
    char fixed[256], later[256];

    list_objects(l, can_change_later, 0, fixed, sizeof(fixed));
    list_objects(l, can_change_later, 1, later, sizeof(later));
    (void)snprintf(out, cap, "  fixed       %s\n  can change  %s\n", fixed, later);
}

static void
say_object(const struct desk *d, char *out, size_t cap)
{
    const struct rot_layout *l = desk_layout(d);
    size_t at = (size_t)snprintf(out, cap, "  fixed       %s:", d->object_name);

    for (size_t i = 0; i < l->place_count && at + 32 < cap; i++) {
        const struct rot_place *p = &l->places[i];
        char where[24];

        if (p->object != d->object || (p->flags & ROT_PLACE_LOCKABLE) == 0)
            continue;
        desk_where(p, where);
        at += (size_t)snprintf(out + at, cap - at, " %s in %s", layout_part_name(p->part), where);
    }
    (void)snprintf(out + at, cap > at ? cap - at : 0, "\n");
}

static void
describe(struct desk *d, enum rot_stage stage, const char *what, char *out, size_t cap)
{
    size_t at = (size_t)snprintf(out, cap, "Will be locked for good in %.100s: %s\n", d->uri, what);

    if (at >= cap)
        return;
    if (stage == ROT_STAGE_CONFIG)
        say_config(desk_layout(d), out + at, cap - at);
    else if (stage == ROT_STAGE_DATA)
        say_data(desk_layout(d), out + at, cap - at);
    else if (stage == ROT_STAGE_OBJECT)
        say_object(d, out + at, cap - at);
    else
        (void)snprintf(out + at, cap - at,
                       "  fixed       the part's life cycle: operational, and never back\n");
}

/* ---- lock ------------------------------------------------------------------------------------------------ */

static int
find_stage(struct desk *d, const char *what, enum rot_stage *ret_stage)
{
    static const char *const names[] = {"config", "data", "", "lifecycle"};

    *ret_stage = ROT_STAGE_OBJECT;
    for (int i = 0; i < 4; i++) {
        if (strcmp(names[i], what) == 0)
            *ret_stage = (enum rot_stage)i;
    }
    return *ret_stage != ROT_STAGE_OBJECT || (rot_object_parse(what, &d->object) == ROT_OK &&
                                              rot_object_name(d->object, d->object_name) == ROT_OK);
}

static int
put_locked(struct desk *d, const char *what, int before)
{
    char info[160];

    if (d->cli->json) {
        RS_AUTO(rs_json_done) json_t *j = json_pack("{s:s, s:s, s:b, s:b}", "kind", "chip-lock",
                                                    "name", what, "locked", 1, "before", before);
        return cli_put_json(d->cli, j);
    }
    cli_say(d->cli, before ? "%s %s was locked already, as the layout has it." : "%s %s is locked.",
            cli_sign(d->cli, 'y'), what);
    (void)snprintf(info, sizeof(info), "rootsmith chip info --chip %.100s", d->uri);
    cli_next(d->cli, info, NULL, NULL);
    return 0;
}

static int
lock_stage(struct desk *d, enum rot_stage stage, const char *what, struct rs_err *err)
{
    rot_err rot = rot_seal_prepare(&d->chip, stage, d->object);

    if (rot == ROT_OK)
        rot = rot_seal(&d->chip, stage, d->object);
    if (rot == ROT_OK)
        return put_locked(d, what, 0);
    (void)desk_fail(d, rot, "lock", err);
    return -1;
}

int
chip_lock(struct desk *d, struct rs_err *err)
{
    const char *what = d->args->words[0];
    enum rot_seal_state state = ROT_SEAL_OPEN;
    enum rot_stage stage;
    char gone[1024];
    rot_err rot;

    if (!find_stage(d, what, &stage))
        return cli_usage(d->cli, "chip lock takes config, data, lifecycle, or an object");
    if (stage == ROT_STAGE_OBJECT)
        what = d->object_name; /* "ldevid" is "ldevid/0" */
    rot = rot_seal_state(&d->chip, stage, d->object, &state);
    if (rot == ROT_E_UNSUPPORTED) {
        (void)rs_fail(err, RS_E_CHIP_UNSUPPORTED,
                      "%.80s: %s cannot be locked by itself in layout %s", d->uri, what,
                      desk_layout(d)->name);
        return -1;
    }
    if (rot != ROT_OK) {
        (void)desk_fail(d, rot, "ask what is locked", err);
        return -1;
    }
    if (state == ROT_SEAL_FOREIGN) {
        (void)rs_fail(err, RS_E_CHIP_FOREIGN, "%.100s: %.40s is locked with other contents", d->uri,
                      what);
        return -1;
    }
    if (d->cli->dry_run)
        return cli_would(d->cli, "lock %.40s of %.100s for good%s", what, d->uri,
                         state == ROT_SEAL_DONE ? " (it is locked already)" : "");
    if (state == ROT_SEAL_DONE)
        return put_locked(d, what, 1);
    describe(d, stage, what, gone, sizeof(gone));
    return desk_may_seal(d, gone) ? lock_stage(d, stage, what, err) : 1;
}

/* ---- wipe ------------------------------------------------------------------------------------------------ */

static int
is_wiped(const struct rot_place *p)
{
    return ROT_OBJECT_KIND(p->object) != ROT_KIND_COUNTER;
}

/* A key, or something stored, that a wipe may take. */
static int
is_there(struct desk *d, const struct rot_place *p)
{
    uint8_t pub[ROT_PUBLIC_KEY_MAX];
    size_t len = 0;

    if (!is_wiped(p) || (p->flags & ROT_PLACE_READ_ONLY) != 0)
        return 0;
    if (p->part == ROT_PART_KEY)
        return rot_key_public(&d->chip, p->object, pub, sizeof(pub), &len) == ROT_OK;
    return rot_object_size(&d->chip, p->object, (enum rot_part)p->part, &len) == ROT_OK;
}

/* What is locked, or was made so that nobody may take it away. */
static json_t *
what_stayed(struct desk *d, char *text, size_t cap)
{
    const struct rot_layout *l = desk_layout(d);
    json_t *list = json_array();
    size_t at = 0;

    text[0] = '\0';
    for (size_t i = 0; i < l->place_count; i++) {
        char name[ROT_NAME_MAX], what[ROT_NAME_MAX + 8];

        if (!is_there(d, &l->places[i]) || rot_object_name(l->places[i].object, name) != ROT_OK)
            continue;
        (void)snprintf(what, sizeof(what), "%s of %s", layout_part_name(l->places[i].part), name);
        (void)json_array_append_new(list, json_string(what));
        if (at + sizeof(what) + 2 < cap)
            at += (size_t)snprintf(text + at, cap - at, "%s%s", at > 0 ? ", " : "", what);
    }
    return list;
}

static int
put_wiped(struct desk *d)
{
    char info[160], stayed[640];
    RS_AUTO(rs_json_done) json_t *list = what_stayed(d, stayed, sizeof(stayed));

    if (d->cli->json) {
        RS_AUTO(rs_json_done) json_t *j =
            json_pack("{s:s, s:b, s:O}", "kind", "chip-wipe", "wiped", 1, "stayed", list);
        return cli_put_json(d->cli, j);
    }
    cli_say(d->cli, "%s What was not locked is gone.", cli_sign(d->cli, 'y'));
    if (stayed[0] != '\0')
        desk_put_field(d->cli, "stayed", 14, stayed);
    (void)snprintf(info, sizeof(info), "rootsmith chip info --chip %.100s", d->uri);
    cli_next(d->cli, info, NULL, NULL);
    return 0;
}

int
chip_wipe(struct desk *d, struct rs_err *err)
{
    const struct rot_driver *driver = d->lin.setup.driver;
    char gone[640], objects[400];
    rot_err rot;

    if (driver->wipe == NULL) {
        (void)rs_fail(err, RS_E_CHIP_UNSUPPORTED, "%.60s: %s", d->uri, desk_no_wipe(driver->name));
        return -1;
    }
    list_objects(desk_layout(d), is_wiped, 1, objects, sizeof(objects));
    if (d->cli->dry_run)
        return cli_would(d->cli, "destroy what is not locked in %.100s", d->uri);
    (void)snprintf(gone, sizeof(gone),
                   "Will be destroyed in %.100s, keys and contents, where it is not locked:\n"
                   "  %s\n",
                   d->uri, objects);
    if (!desk_may_seal(d, gone))
        return 1;
    rot = rot_wipe(&d->chip);
    if (rot == ROT_OK)
        return put_wiped(d);
    (void)desk_fail(d, rot, "wipe", err);
    return -1;
}
