/*
 * cmd_element.c: Create, Delete, Write, Read: elements and the configuration.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/ta100/chip.h"

/* Configuration bytes before this one are the maker's. */
#define CONFIG_FREE_FROM 16

int
ta100_do_create(struct ta100_chip *c, const struct ta100_command *cmd, struct rs_reader *in,
                struct rs_buf *out)
{
    struct ta100_nvm next = c->nvm;
    struct ta100_element e = {.handle = cmd->handle};
    size_t size;

    (void)out;
    ta100_read_attributes(in, &e.attributes);
    if (!rs_reader_done(in))
        return TA100_P_E_LENGTH;
    if (cmd->mode != 0)
        return TA100_P_E_MODE;
    if (cmd->handle < TA100_P_ELEMENT_FIRST || cmd->handle > TA100_P_ELEMENT_LAST)
        return TA100_P_E_HANDLE;
    if (!ta100_attributes_ok(&e.attributes))
        return TA100_P_E_RANGE;
    if (next.setup_locked)
        return TA100_P_E_LOCKED;
    if (ta100_find(&next, cmd->handle) != NULL)
        return TA100_P_E_EXISTS;
    size = ta100_size_of(&e.attributes);
    if (next.count == TA100_ELEMENTS_MAX || size > (size_t)TA100_MEMORY_SIZE - next.used)
        return TA100_P_E_SPACE;
    e.size = (uint16_t)size;
    e.filled = TA100_CLASS(&e.attributes) == TA100_CLASS_DATA; /* with zeros */
    e.at = next.used;
    memset(next.memory + e.at, 0, size);
    next.used = (uint16_t)(next.used + size);
    next.elements[next.count++] = e;
    return ta100_store_all(c, &next);
}

/* The others move together, so that free memory is one piece. */
static void
remove_element(struct ta100_nvm *nvm, struct ta100_element *e)
{
    struct ta100_element gone = *e;
    size_t behind = (size_t)(nvm->elements + nvm->count - (e + 1));

    memmove(nvm->memory + gone.at, nvm->memory + gone.at + gone.size,
            (size_t)nvm->used - gone.at - gone.size);
    nvm->used = (uint16_t)(nvm->used - gone.size);
    memset(nvm->memory + nvm->used, 0, gone.size);
    memmove(e, e + 1, behind * sizeof(*e));
    nvm->count--;
    for (unsigned i = 0; i < nvm->count; i++)
        if (nvm->elements[i].at > gone.at)
            nvm->elements[i].at = (uint16_t)(nvm->elements[i].at - gone.size);
}

int
ta100_do_delete(struct ta100_chip *c, const struct ta100_command *cmd, struct rs_reader *in,
                struct rs_buf *out)
{
    struct ta100_nvm next = c->nvm;
    struct ta100_element *e = ta100_find(&next, cmd->handle);

    (void)out;
    if (!rs_reader_done(in))
        return TA100_P_E_LENGTH;
    if (cmd->mode != 0)
        return TA100_P_E_MODE;
    if (e == NULL)
        return TA100_P_E_HANDLE;
    if (e->locked || next.setup_locked)
        return TA100_P_E_LOCKED;
    if (!ta100_allows(e, TA100_P_DELETE_SHIFT))
        return TA100_P_E_DENIED;
    remove_element(&next, e);
    return ta100_store_all(c, &next);
}

/* ---- Write ---------------------------------------------------------------------------------- */

static int
write_config(struct ta100_chip *c, size_t offset, struct rs_bytes data)
{
    if (offset < CONFIG_FREE_FROM || offset + data.len > TA100_CONFIG_SIZE)
        return TA100_P_E_RANGE;
    if (c->nvm.config_locked)
        return TA100_P_E_LOCKED;
    return ta100_store(c, c->nvm.config + offset, data.p, data.len);
}

/* Keys are written as a whole, and only keys. */
static int
write_key(struct ta100_chip *c, struct ta100_element *e, size_t offset, struct rs_bytes data)
{
    uint8_t point[64];

    if (offset != 0 || data.len != e->size)
        return TA100_P_E_RANGE;
    if (TA100_CLASS(&e->attributes) == TA100_CLASS_PUBLIC &&
        !sim_curve_point_ok(SIM_CURVE_P256, data.p))
        return TA100_P_E_KEY;
    if (TA100_CLASS(&e->attributes) == TA100_CLASS_PRIVATE &&
        !sim_curve_public(SIM_CURVE_P256, data.p, point))
        return TA100_P_E_KEY;
    return ta100_fill(c, e, data.p);
}

static int
write_data(struct ta100_chip *c, const struct ta100_element *e, size_t offset, struct rs_bytes data)
{
    if (offset + data.len > e->size)
        return TA100_P_E_RANGE;
    return ta100_store(c, c->nvm.memory + e->at + offset, data.p, data.len);
}

int
ta100_do_write(struct ta100_chip *c, const struct ta100_command *cmd, struct rs_reader *in,
               struct rs_buf *out)
{
    struct ta100_element *e = ta100_find(&c->nvm, cmd->handle);
    size_t offset = rs_read_u16(in);
    struct rs_bytes data = rs_read_bytes(in, in->left);

    (void)out;
    if (!rs_reader_ok(in) || data.len == 0)
        return TA100_P_E_LENGTH;
    if (cmd->mode != 0)
        return TA100_P_E_MODE;
    if (cmd->handle == TA100_P_CONFIG)
        return write_config(c, offset, data);
    if (e == NULL)
        return TA100_P_E_HANDLE;
    if (e->locked)
        return TA100_P_E_LOCKED;
    if (!ta100_allows(e, TA100_P_WRITE_SHIFT))
        return TA100_P_E_DENIED;
    return TA100_CLASS(&e->attributes) == TA100_CLASS_DATA ? write_data(c, e, offset, data)
                                                           : write_key(c, e, offset, data);
}

/* ---- Read ----------------------------------------------------------------------------------- */

static int
read_element(const struct ta100_chip *c, const struct ta100_element *e, size_t offset, size_t len,
             struct rs_buf *out)
{
    unsigned class = TA100_CLASS(&e->attributes);

    if (class == TA100_CLASS_PRIVATE || e->attributes.last & TA100_P_SECRET ||
        !ta100_allows(e, TA100_P_READ_SHIFT))
        return TA100_P_E_DENIED;
    if (!e->filled)
        return TA100_P_E_EMPTY;
    if (offset + len > e->size)
        return TA100_P_E_RANGE;
    rs_buf_put(out, c->nvm.memory + e->at + offset, len);
    return TA100_P_OK;
}

int
ta100_do_read(struct ta100_chip *c, const struct ta100_command *cmd, struct rs_reader *in,
              struct rs_buf *out)
{
    const struct ta100_element *e = ta100_find(&c->nvm, cmd->handle);
    size_t offset = rs_read_u16(in), len = rs_read_u16(in);

    if (!rs_reader_done(in))
        return TA100_P_E_LENGTH;
    if (cmd->mode != 0)
        return TA100_P_E_MODE;
    if (len == 0)
        return TA100_P_E_RANGE;
    if (cmd->handle == TA100_P_CONFIG) {
        if (offset + len > TA100_CONFIG_SIZE)
            return TA100_P_E_RANGE;
        rs_buf_put(out, c->nvm.config + offset, len);
        return TA100_P_OK;
    }
    return e == NULL ? TA100_P_E_HANDLE : read_element(c, e, offset, len, out);
}
