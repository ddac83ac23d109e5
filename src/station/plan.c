/*
 * plan.c: see plan.h.
 *
 * Follows the recipe (recipe*.c), looking at the same seals and places; tests/e2e/dry_run.sh holds
 * what is said here against what the journal of the real run has.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "station/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <rot/registry.h>

/* ---- Words ----------------------------------------------------------------------- */

const char *
plan_kind_name(enum plan_kind kind)
{
    static const char *const names[] = {"", "prove", "make", "ask", "write", "secret", "lock"};

    return names[kind];
}

int
plan_is_irreversible(enum plan_kind kind)
{
    return kind == PLAN_SECRET || kind == PLAN_LOCK;
}

static RS_PRINTF(3, 4) void add(struct plan *p, enum plan_kind kind, const char *fmt, ...)
{
    struct plan_step *s = &p->steps[p->count];
    va_list ap;

    if (p->count == PLAN_STEPS_MAX)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(s->what, sizeof(s->what), fmt, ap);
    va_end(ap);
    s->kind = kind;
    p->count++;
    p->irreversible += plan_is_irreversible(kind) != 0;
}

void
plan_refuse(rs_code code, const char *text, struct plan *ret_plan)
{
    memset(ret_plan, 0, sizeof(*ret_plan));
    ret_plan->code = code;
    (void)snprintf(ret_plan->text, sizeof(ret_plan->text), "%s", text);
}

static void
put_word(char *out, size_t cap, const char *word)
{
    size_t len = strlen(out);

    (void)snprintf(out + len, cap - len, "%s%s", len > 0 ? ", " : "", word);
}

void
plan_irreversible(const char *model, const char *layout, char *out, size_t cap)
{
    const struct rot_driver *d = rot_registry_match(model);
    const struct rot_layout *l =
        d != NULL ? rot_registry_layout(d, layout[0] != '\0' ? layout : NULL) : NULL;

    out[0] = '\0';
    if (l == NULL || d->bus == ROT_BUS_NONE) /* a file can be removed */
        return;
    if (d->channel_size > 0)
        put_word(out, cap, "channel secret");
    if ((l->stages & 1u << ROT_STAGE_CONFIG) != 0)
        put_word(out, cap, "configuration");
    if ((l->stages & 1u << ROT_STAGE_DATA) != 0)
        put_word(out, cap, "data");
    if ((l->stages & 1u << ROT_STAGE_OBJECT) != 0)
        put_word(out, cap, "objects");
    if ((l->stages & 1u << ROT_STAGE_LIFECYCLE) != 0)
        put_word(out, cap, "life cycle");
}

/* ---- The steps ------------------------------------------------------------------- */

struct maker {
    struct rot_chip *chip;
    const struct rot_layout *layout;
    const struct plan_job *job;
    struct plan *plan;
    struct rot_capability idevid;
    int is_sealed, is_new; /* data is locked; no identity yet */
};

static int
can(const struct maker *m, rot_object obj, enum rot_primitive primitive)
{
    struct rot_capability cap;

    return rot_capabilities(m->chip, obj, &cap) == ROT_OK && cap.where[primitive] != ROT_NOWHERE;
}

static int
is_open(const struct maker *m, enum rot_stage stage, rot_object obj)
{
    enum rot_seal_state state = ROT_SEAL_DONE;

    return (m->layout->stages & 1u << stage) != 0 &&
           rot_seal_state(m->chip, stage, obj, &state) == ROT_OK && state == ROT_SEAL_OPEN;
}

/* 0: it would end here. */
static int
plan_proof(struct maker *m)
{
    struct rot_capability cap;

    if (can(m, ROT_ATTEST(0), ROT_CAN_ACTIVATE)) {
        add(m->plan, PLAN_PROVE, "prove its maker's endorsement to the server");
        return 1;
    }
    if (!m->job->proves_maker)
        return 1;
    if (rot_capabilities(m->chip, ROT_VENDOR(0), &cap) != ROT_OK ||
        cap.where[ROT_CAN_ATTEST] != ROT_IN_CHIP) {
        plan_refuse(RS_E_ATTEST_REQUIRED, "the order wants a part that proves its maker", m->plan);
        return 0;
    }
    add(m->plan, PLAN_PROVE, "prove its maker by its maker's key");
    return 1;
}

static void
plan_channel(struct maker *m)
{
    if (m->chip->setup.driver->channel_size == 0 || m->chip->protection == ROT_PROTECTION_OWN ||
        !m->job->has_channel_secret || m->idevid.where[ROT_CAN_CHANNEL] == ROT_NOWHERE ||
        m->is_sealed)
        return;
    add(m->plan, PLAN_SECRET, "give it a secret of its own for its channel");
}

static void
plan_config(struct maker *m)
{
    if (!is_open(m, ROT_STAGE_CONFIG, 0))
        return;
    add(m->plan, PLAN_WRITE, "write the configuration of %s", m->layout->name);
    add(m->plan, PLAN_LOCK, "lock the configuration");
}

static void
plan_identity(struct maker *m)
{
    int has_key = m->job->known != NULL && m->job->known->spki.len > 0;

    if (m->is_new && !has_key && m->idevid.where[ROT_CAN_GENERATE] != ROT_NOWHERE)
        add(m->plan, PLAN_MAKE, "make the key of idevid");
    if (m->is_new && (m->job->known == NULL || m->job->known->cert.len == 0))
        add(m->plan, PLAN_ASK, "ask %s for an identity%s%s", m->job->order,
            m->job->device[0] != '\0' ? " for " : "", m->job->device);
    if (!m->is_new)
        return;
    add(m->plan, PLAN_WRITE, "write the certificate%s",
        m->idevid.chain_size > 0 ? " and its issuer's" : "");
    if (m->job->has_root && can(m, ROT_TRUST(0), ROT_CAN_WRITE))
        add(m->plan, PLAN_WRITE, "write the root as trust anchor");
    if (m->job->has_firmware_key && can(m, ROT_FIRMWARE(0), ROT_CAN_WRITE))
        add(m->plan, PLAN_WRITE, "write the firmware key");
}

/* What nothing is written to stays open. */
static int
is_to_be_written(const struct maker *m, const struct rot_place *place)
{
    size_t size;

    if (place->part != ROT_PART_DATA ||
        rot_object_size(m->chip, place->object, ROT_PART_DATA, &size) == ROT_OK)
        return 1;
    return (place->object == ROT_TRUST(0) && m->job->has_root) ||
           (place->object == ROT_FIRMWARE(0) && m->job->has_firmware_key);
}

static void
plan_locks(struct maker *m)
{
    char name[ROT_NAME_MAX];

    if (is_open(m, ROT_STAGE_DATA, 0))
        add(m->plan, PLAN_LOCK, "lock the data");
    for (size_t i = 0; i < m->layout->place_count; i++) {
        const struct rot_place *place = &m->layout->places[i];
        if ((place->flags & ROT_PLACE_SEAL) != 0 && is_to_be_written(m, place) &&
            is_open(m, ROT_STAGE_OBJECT, place->object) &&
            rot_object_name(place->object, name) == ROT_OK)
            add(m->plan, PLAN_LOCK, "lock %s", name);
    }
    if (is_open(m, ROT_STAGE_LIFECYCLE, 0))
        add(m->plan, PLAN_LOCK, "move its life cycle to operational");
}

/* Somebody else's board, or one under another label: the recipe would say so. */
static int
is_refused(const struct plan_job *job, const struct recognised *what, struct plan *p)
{
    const struct memory_chip *k = job->known;

    if (k != NULL && strcmp(k->state, "scrap") == 0)
        plan_refuse(RS_E_CHIP_FOREIGN, "this chip was scrapped", p);
    else if (k != NULL && (k->passed || k->spki.len > 0) && strcmp(k->order, job->order) != 0)
        plan_refuse(RS_E_CHIP_FOREIGN, "this chip belongs to another order", p);
    else if (k != NULL && (k->passed || k->spki.len > 0) && job->device[0] != '\0' &&
             strcmp(k->device, job->device) != 0)
        plan_refuse(RS_E_LABEL_OTHER, "this chip was begun under another label", p);
    else if (k == NULL && what->kind == REEL_DONE && job->device[0] != '\0' &&
             strcmp(what->device, job->device) != 0)
        plan_refuse(RS_E_CHIP_FOREIGN, what->text, p);
    else if (reel_code(what->kind) != RS_OK)
        plan_refuse(reel_code(what->kind), what->text, p);
    else
        return 0;
    return 1;
}

void
plan_make(struct rot_chip *chip, const struct recognised *what, const struct plan_job *job,
          struct plan *ret_plan)
{
    struct maker m = {.chip = chip,
                      .layout = chip->setup.layout,
                      .job = job,
                      .plan = ret_plan,
                      .is_new = what->kind != REEL_DONE};

    memset(ret_plan, 0, sizeof(*ret_plan));
    if (is_refused(job, what, ret_plan))
        return;
    if (rot_capabilities(chip, ROT_IDEVID, &m.idevid) != ROT_OK) {
        plan_refuse(RS_E_PROFILE_LIMIT, "its layout has no place for an identity", ret_plan);
        return;
    }
    m.is_sealed = (m.layout->stages & 1u << ROT_STAGE_DATA) != 0 && !is_open(&m, ROT_STAGE_DATA, 0);
    if (m.is_new && !plan_proof(&m))
        return;
    /* What production speaks to by its channel only gets that first. */
    if (m.layout->channel)
        plan_channel(&m);
    plan_config(&m);
    if (!m.layout->channel)
        plan_channel(&m);
    plan_identity(&m);
    plan_locks(&m);
    add(ret_plan, PLAN_PROVE, "answer a fresh challenge with its key");
}
