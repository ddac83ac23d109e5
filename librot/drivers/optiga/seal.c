/*
 * seal.c: life cycles and access conditions of objects.
 *
 * While an object's life cycle (LcsO) is below operational, whoever is on the
 * bus may change its conditions; from there on they hold for good (SRM, life
 * cycle).  The layout has a rule for each object and a stage that it belongs to:
 *
 *   CONFIG   the channel's secret
 *   DATA     everything else that production is done with
 *   OBJECT   one object
 *
 * Preparing writes the conditions, which can be repeated; sealing reads and compares
 * all of them first and then moves one life cycle after the other.  A cut in between
 * leaves a stage open, and the same call completes it.  Who has asked for the state
 * prepares without reading again: an object that somebody else seals meanwhile refuses.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "optiga.h"

#define TAG_META    0x20u
#define TAG_LIFE    0xc0u
#define TAG_CHANGE  0xd0u
#define TAG_READ    0xd1u
#define TAG_EXECUTE 0xd3u

/*
 * Conditions: not yet operational; a command that came through the channel; a counter's next
 * step; a set that this anchor signed, without which SetObjectProtected is refused (SRM, access
 * conditions, Int).  It comes through the channel, too: an anchor that somebody left there before
 * the seal opens nothing by itself.
 */
#define BEFORE  0xe1, 0xfc, OPTIGA_LIFE_OPERATIONAL
#define CHANNEL 0x20, OPTIGA_OID_BINDING >> 8, OPTIGA_OID_BINDING & 0xff
#define COUNT   0x40, OPTIGA_OID_COUNTER >> 8, OPTIGA_OID_COUNTER & 0xff
#define SIGNED  0x21, OPTIGA_OID_ANCHOR >> 8, OPTIGA_OID_ANCHOR & 0xff
#define AND     0xfd
#define OR      0xfe

/* The TLVs of the conditions of each access, as they are written. */
static const struct {
    uint8_t len, tlvs[18];
} conditions[] = {
    [OPTIGA_FIXED] = {3, {TAG_CHANGE, 1, 0xff}},
    [OPTIGA_CHANNEL] = {5, {TAG_CHANGE, 3, CHANNEL}},
    [OPTIGA_PRIVATE] = {10, {TAG_CHANGE, 3, CHANNEL, TAG_READ, 3, CHANNEL}},
    [OPTIGA_BINDING] = {14, {TAG_CHANGE, 7, BEFORE, OR, CHANNEL, TAG_READ, 3, BEFORE}},
    [OPTIGA_FIXED_USED] = {8, {TAG_CHANGE, 1, 0xff, TAG_EXECUTE, 3, CHANNEL}},
    [OPTIGA_USED] = {10, {TAG_CHANGE, 3, CHANNEL, TAG_EXECUTE, 3, CHANNEL}},
    [OPTIGA_RENEWED] = {18,
                        {TAG_CHANGE, 11, CHANNEL, OR, CHANNEL, AND, SIGNED, TAG_EXECUTE, 3,
                         CHANNEL}},
    [OPTIGA_FIXED_COUNTED] = {12, {TAG_CHANGE, 1, 0xff, TAG_EXECUTE, 7, CHANNEL, AND, COUNT}},
};

static struct rot_bytes
condition_of(const struct optiga_meta *m, unsigned tag)
{
    if (tag == TAG_EXECUTE)
        return m->execute;
    return tag == TAG_CHANGE ? m->change : m->read;
}

static int
is_as_wanted(const struct optiga_meta *m, const struct optiga_rule *rule)
{
    const uint8_t *p = conditions[rule->access].tlvs;
    const uint8_t *end = p + conditions[rule->access].len;

    for (; p < end; p += 2u + p[1]) {
        const struct rot_bytes want = {p + 2, p[1]};

        if (!optiga_is_condition(condition_of(m, p[0]), want))
            return 0;
    }
    return 1;
}

static rot_err
write_meta(struct rot_chip *chip, unsigned oid, const uint8_t *tlvs, size_t len)
{
    uint8_t meta[2 + sizeof(conditions[0].tlvs)] = {TAG_META, (uint8_t)len};

    memcpy(meta + 2, tlvs, len);
    return optiga_set(chip, OPTIGA_META, oid, 0, meta, 2 + len);
}

/* An identity that is sealed before there is one could never have one. */
static int
is_missing_identity(const struct rot_chip *chip, const struct optiga_rule *rule,
                    const struct optiga_meta *m)
{
    const struct rot_place *key = rot_layout_find(chip->setup.layout, ROT_IDEVID, ROT_PART_KEY);

    return key != NULL && key->where == rule->oid && m->alg == 0;
}

/* ---- One rule ------------------------------------------------------------------------ */

static uint32_t
bit_of(const struct rot_chip *chip, const struct optiga_rule *rule)
{
    const struct optiga_rule *rules = chip->setup.layout->config;

    return UINT32_C(1) << (rule - rules);
}

/* ROT_BUSY: it is open, and its conditions are to be written. */
static rot_err
find_unlike(struct rot_chip *chip, const struct optiga_rule *rule)
{
    struct optiga_meta m;
    rot_err rc = optiga_get_meta(chip, rule->oid, &m);

    if (rc != ROT_OK || is_as_wanted(&m, rule))
        return rc;
    return m.life >= OPTIGA_LIFE_OPERATIONAL ? ROT_E_MISMATCH : ROT_BUSY;
}

static rot_err
prepare_one(struct rot_chip *chip, const struct optiga_rule *rule)
{
    struct optiga_state *s = optiga_of(chip);
    int is_unlike = (s->unlike & bit_of(chip, rule)) != 0;
    rot_err rc = is_unlike ? ROT_BUSY : find_unlike(chip, rule);

    s->unlike &= ~bit_of(chip, rule);
    if (rc != ROT_BUSY)
        return rc;
    rc = ROT_OK;
    if (rule->oid >= OPTIGA_OID_COUNTER && rule->oid < OPTIGA_OID_COUNTER + OPTIGA_COUNTERS)
        rc = optiga_counter_set_up(chip, rule->oid); /* nobody can afterwards */
    if (rc == ROT_OK)
        rc = write_meta(chip, rule->oid, conditions[rule->access].tlvs,
                        conditions[rule->access].len);
    return rc;
}

/* As it should be; ROT_BUSY: and not operational yet. */
static rot_err
compare_one(struct rot_chip *chip, const struct optiga_rule *rule)
{
    struct optiga_meta m;
    rot_err rc = optiga_get_meta(chip, rule->oid, &m);

    if (rc != ROT_OK)
        return rc;
    if (is_missing_identity(chip, rule, &m))
        return ROT_E_EMPTY;
    if (!is_as_wanted(&m, rule))
        return ROT_E_MISMATCH;
    return m.life < OPTIGA_LIFE_OPERATIONAL ? ROT_BUSY : ROT_OK;
}

static rot_err
seal_one(struct rot_chip *chip, const struct optiga_rule *rule)
{
    static const uint8_t operational[] = {TAG_LIFE, 1, OPTIGA_LIFE_OPERATIONAL};
    struct optiga_meta m;
    rot_err rc = write_meta(chip, rule->oid, operational, sizeof(operational));

    if (rc == ROT_OK)
        rc = optiga_get_meta(chip, rule->oid, &m);
    return rc == ROT_OK && m.life < OPTIGA_LIFE_OPERATIONAL ? ROT_E_MISMATCH : rc;
}

/* ROT_BUSY: open. */
static rot_err
state_of_one(struct rot_chip *chip, const struct optiga_rule *rule)
{
    struct optiga_state *s = optiga_of(chip);
    struct optiga_meta m;
    rot_err rc = optiga_get_meta(chip, rule->oid, &m);

    s->unlike &= ~bit_of(chip, rule);
    if (rc != ROT_OK)
        return rc;
    if (m.life < OPTIGA_LIFE_OPERATIONAL && !is_as_wanted(&m, rule))
        s->unlike |= bit_of(chip, rule);
    if (m.life < OPTIGA_LIFE_OPERATIONAL)
        return ROT_BUSY;
    return is_as_wanted(&m, rule) ? ROT_OK : ROT_E_MISMATCH;
}

/* ---- All rules of a stage ---------------------------------------------------------------- */

/* The first that is not done ends it. */
static rot_err
is_one_done(struct rot_chip *chip, const struct optiga_rule *rule)
{
    rot_err rc = state_of_one(chip, rule);

    return rc == ROT_BUSY ? ROT_E_MISMATCH : rc;
}

/* Bits: rules by their number. */
struct rules {
    uint32_t of;   /* those that are meant */
    uint32_t busy; /* those that gave ROT_BUSY */
};

static uint32_t
rules_of(const struct rot_chip *chip, enum rot_stage stage, const struct rot_place *place)
{
    const struct rot_layout *l = chip->setup.layout;
    const struct optiga_rule *rules = l->config;
    uint32_t bits = 0;

    for (size_t i = 0; i < l->config_len / sizeof(*rules) && i < 32; i++) {
        if (rules[i].stage == (uint8_t)stage && (place == NULL || rules[i].oid == place->where))
            bits |= UINT32_C(1) << i;
    }
    return bits;
}

/*
 * Do it for each until one fails.  An object that this version of the part has
 * not is left out.  ROT_E_UNSUPPORTED when the layout has no rule for the stage.
 */
static rot_err
for_each(struct rot_chip *chip, struct rules *r,
         rot_err (*do_one)(struct rot_chip *chip, const struct optiga_rule *rule))
{
    const struct optiga_rule *rules = chip->setup.layout->config;
    rot_err result = ROT_E_UNSUPPORTED;

    r->busy = 0;
    for (size_t i = 0; r->of >> i != 0; i++) {
        rot_err rc;

        if ((r->of >> i & 1u) == 0)
            continue;
        rc = do_one(chip, &rules[i]);
        if (rc == ROT_E_UNSUPPORTED) {
            chip->raw_status = 0;
            continue;
        }
        if (rc < 0)
            return rc;
        if (rc == ROT_BUSY)
            r->busy |= UINT32_C(1) << i;
        result = ROT_OK;
    }
    return result;
}

rot_err
optiga_seal_prepare(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *place)
{
    struct rules all = {rules_of(chip, stage, place), 0};

    return for_each(chip, &all, prepare_one);
}

rot_err
optiga_seal(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *place)
{
    struct rules all = {rules_of(chip, stage, place), 0}, open;
    rot_err rc = for_each(chip, &all, compare_one);

    if (rc != ROT_OK || all.busy == 0)
        return rc;
    open.of = all.busy;
    return for_each(chip, &open, seal_one);
}

rot_err
optiga_seal_state(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *place,
                  enum rot_seal_state *ret_state)
{
    struct rules all = {rules_of(chip, stage, place), 0};
    rot_err rc = for_each(chip, &all, state_of_one);

    if (rc == ROT_E_MISMATCH)
        *ret_state = ROT_SEAL_FOREIGN;
    else if (rc == ROT_OK)
        *ret_state = all.busy != 0 ? ROT_SEAL_OPEN : ROT_SEAL_DONE;
    return rc == ROT_E_MISMATCH ? ROT_OK : rc;
}

rot_err
optiga_is_sealed(struct rot_chip *chip, enum rot_stage stage, int *ret_done)
{
    struct rules all = {rules_of(chip, stage, NULL), 0};
    rot_err rc = for_each(chip, &all, is_one_done);

    *ret_done = rc == ROT_OK;
    return rc == ROT_E_MISMATCH || rc == ROT_E_UNSUPPORTED ? ROT_OK : rc;
}
