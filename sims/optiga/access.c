/*
 * access.c: who may do what with an object: conditions, counters, life cycle (section 6.2).
 *
 * A condition is tokens joined with OR; a token is simple conditions joined with AND.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/optiga/chip.h"
#include "sims/optiga/uncertain.h"

enum {
    ALWAYS = 0x00,
    STATUS_G = 0x10,
    CONF = 0x20,
    INTEGRITY = 0x21,
    AUTO = 0x23,
    COUNTER = 0x40,
    LCSG = 0x70,
    STATUS_A = 0x90,
    LCSA = 0xE0,
    LCSO = 0xE1,
    EQUAL = 0xFA,
    GREATER = 0xFB,
    LESS = 0xFC,
    AND = 0xFD,
    OR = 0xFE,
    NEVER = 0xFF,
};

#define AND_MAX 7
#define OR_MAX  3

/* ---- Syntax ------------------------------------------------------------------------------- */

/* Bytes of the simple condition at p; 0: none there. */
static size_t
simple_size(const uint8_t *p, size_t left)
{
    size_t size;

    if (left == 0)
        return 0;
    switch (p[0]) {
    case ALWAYS:
    case NEVER:
        size = 1;
        break;
    case STATUS_G:
    case STATUS_A:
        size = 2;
        break;
    case CONF:
    case INTEGRITY:
    case AUTO:
    case COUNTER:
    case LCSG:
    case LCSA:
    case LCSO:
        size = 3;
        break;
    default:
        return 0;
    }
    return size <= left ? size : 0;
}

static int
simple_ok(const struct optiga_chip *c, const uint8_t *p)
{
    if (p[0] == LCSG || p[0] == LCSA || p[0] == LCSO)
        return p[1] == EQUAL || p[1] == GREATER || p[1] == LESS;
    if (p[0] == AUTO)
        return (int)c->v3;
    return 1;
}

int
optiga_expr_ok(const struct optiga_chip *c, const uint8_t *p, size_t len)
{
    unsigned ands = 1, ors = 1;
    size_t at = 0;

    for (;;) {
        size_t size = simple_size(p + at, len - at);

        if (size == 0 || !simple_ok(c, p + at))
            return 0;
        at += size;
        if (at == len)
            return 1;
        if (p[at] != AND && p[at] != OR)
            return 0;
        ands = p[at] == AND ? ands + 1 : 1;
        ors += p[at] == OR;
        if (ands > AND_MAX || ors > OR_MAX)
            return 0;
        at++;
    }
}

/* ---- Evaluation ----------------------------------------------------------------------------- */

struct question {
    struct optiga_chip *c;
    const struct optiga_object *o;
    enum optiga_use use;
    const struct optiga_claim *claim;
    struct optiga_object *counters[AND_MAX]; /* of the token that is looked at */
    size_t counter_count;
    int exhausted; /* a counter was what stood in the way */
};

static int
compare(uint8_t op, uint8_t actual, uint8_t wanted)
{
    if (op == EQUAL)
        return actual == wanted;
    return op == GREATER ? actual > wanted : actual < wanted;
}

/* What is read comes protected by this secret, or what changes or uses the object does. */
static int
is_shielded(const struct question *q, uint16_t oid)
{
    unsigned needed = q->use == OPTIGA_READ ? OPTIGA_PROTECTED_RESPONSE : OPTIGA_PROTECTED_COMMAND;

    return oid == OPTIGA_OID_BINDING && (q->claim->protection & needed);
}

static int
is_confidential(const struct question *q, uint16_t oid)
{
    return (q->claim->secret != 0 && q->claim->secret == oid) || is_shielded(q, oid);
}

/* Int() of the anchor that has signed a protected update. */
static int
names_anchor(const struct question *q, const uint8_t *p)
{
    return p[0] == INTEGRITY && q->claim->anchor != 0 && q->claim->anchor == rs_get_u16(p + 1);
}

/* A record of the channel carries a MAC, too. */
static int
is_integral(const struct question *q, const uint8_t *p)
{
    return names_anchor(q, p) || is_shielded(q, rs_get_u16(p + 1));
}

static int
counter_left(struct question *q, uint16_t oid)
{
    struct optiga_object *o = optiga_object(q->c, oid);
    const uint8_t *p;

    if (o == NULL || o->place->kind != OPTIGA_KIND_DATA || o->place->size < 8 ||
        o->meta.type != OPTIGA_TYPE_COUNTER || !(o->meta.has & OPTIGA_HAS_TYPE))
        return 0;
    p = optiga_data(q->c, o);
    if (rs_get_u32(p) >= rs_get_u32(p + 4)) {
        q->exhausted = 1;
        return 0;
    }
    q->counters[q->counter_count++] = o;
    return 1;
}

static int
simple_holds(struct question *q, const uint8_t *p)
{
    struct optiga_chip *c = q->c;

    switch (p[0]) {
    case ALWAYS:
        return 1;
    case STATUS_G:
        return (c->app.kept.status_g & p[1]) == p[1];
    case STATUS_A:
        return (c->app.kept.status_a & p[1]) == p[1];
    case CONF:
        return is_confidential(q, rs_get_u16(p + 1));
    case INTEGRITY:
        return is_integral(q, p);
    case AUTO:
        return optiga_is_authorized(c, rs_get_u16(p + 1));
    case COUNTER:
        return counter_left(q, rs_get_u16(p + 1));
    case LCSG:
        return compare(p[1], *optiga_byte(c, OPTIGA_OID_LCSG), p[2]);
    case LCSA:
        return compare(p[1], *optiga_byte(c, OPTIGA_OID_LCSA), p[2]);
    case LCSO:
        return compare(p[1], optiga_lcso(&q->o->meta), p[2]);
    default:
        return 0;
    }
}

/*
 * The token at *at, which moves behind it and behind an OR.  To a protected
 * update a token is open only if it names the anchor that has signed.
 */
static int
token_holds(struct question *q, const struct optiga_expr *e, size_t *at)
{
    int holds = 1, named = q->claim->anchor == 0;

    q->counter_count = 0;
    for (;;) {
        size_t size = simple_size(e->p + *at, e->len - *at);

        if (size == 0) { /* a file that somebody wrote by hand */
            *at = e->len;
            return 0;
        }
        holds = holds && simple_holds(q, e->p + *at);
        named = named || names_anchor(q, e->p + *at);
        *at += size;
        if (*at == e->len || e->p[(*at)++] == OR)
            return holds && named;
    }
}

static const struct optiga_expr *
expr_for(const struct optiga_object *o, enum optiga_use use)
{
    switch (use) {
    case OPTIGA_CHANGE:
        return &o->meta.change;
    case OPTIGA_READ:
        return &o->meta.read;
    case OPTIGA_META_UPDATE:
        return &o->meta.update;
    case OPTIGA_EXECUTE:
    default:
        return &o->meta.execute;
    }
}

static int
advance(struct question *q)
{
    for (size_t i = 0; i < q->counter_count; i++) {
        int status = optiga_count(q->c, q->counters[i], 1);

        if (status != OPTIGA_OK)
            return status;
    }
    return OPTIGA_OK;
}

int
optiga_access(struct optiga_chip *c, struct optiga_object *o, enum optiga_use use,
              const struct optiga_claim *claim)
{
    const struct optiga_expr *e = expr_for(o, use);
    struct question q = {.c = c, .o = o, .use = use, .claim = claim};

    if (claim->anchor == 0 && (o->meta.has & OPTIGA_HAS_VERSION) && o->meta.version & 0x8000)
        return OPTIGA_E_INVALID_OBJECT;
    if (optiga_lcso(&o->meta) >= OPTIGA_TERMINATION)
        return OPTIGA_U_TERMINATED_ERROR;
    for (size_t at = 0; at < e->len;)
        if (token_holds(&q, e, &at))
            return advance(&q);
    return q.exhausted ? OPTIGA_E_COUNTER : OPTIGA_E_ACCESS;
}

int
optiga_may(struct optiga_chip *c, struct optiga_object *o, enum optiga_use use,
           const struct optiga_command *cmd)
{
    const struct optiga_claim claim = {.protection = cmd->protection};

    return optiga_access(c, o, use, &claim);
}

/* ---- Counters ---------------------------------------------------------------------------------- */

int
optiga_count(struct optiga_chip *c, struct optiga_object *o, unsigned step)
{
    uint8_t *data = optiga_data(c, o), field[4];
    uint32_t value = rs_get_u32(data), threshold = rs_get_u32(data + 4);

    if (value >= threshold)
        return OPTIGA_E_COUNTER;
    rs_set_u32(field, step < threshold - value ? value + step : threshold);
    return optiga_store_whole(c, data, field, sizeof(field));
}

/* ---- Authorization states ------------------------------------------------------------------------ */

int
optiga_is_authorized(const struct optiga_chip *c, unsigned oid)
{
    for (size_t i = 0; i < OPTIGA_AUTO_COUNT; i++)
        if (c->app.kept.authorized[i] == oid && oid != 0)
            return 1;
    return 0;
}

/* Where this OID is, or else (0) a free place, or else the last one. */
static size_t
find_state(const uint16_t *list, uint16_t oid)
{
    size_t at = 0;

    while (at < OPTIGA_AUTO_COUNT && list[at] != oid)
        at++;
    if (at == OPTIGA_AUTO_COUNT && oid != 0)
        return find_state(list, 0);
    return at < OPTIGA_AUTO_COUNT ? at : OPTIGA_AUTO_COUNT - 1;
}

/* Newest first; of more than four the oldest gives way. */
void
optiga_authorize(struct optiga_chip *c, uint16_t oid, int yes)
{
    uint16_t *list = c->app.kept.authorized;
    size_t at = find_state(list, oid);

    if (yes) {
        memmove(list + 1, list, at * sizeof(*list));
        list[0] = oid;
    } else if (list[at] == oid) {
        list[at] = 0;
    }
}
