/*
 * element.c: elements, what their attributes allow, and the one door to NVM.
 *
 * A data element is written as the bytes come, and a power cut leaves those that
 * got through; everything else is done or not done.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/ta100/chip.h"

int
ta100_store(struct ta100_chip *c, uint8_t *at, const uint8_t *bytes, size_t len)
{
    return sim_runner_store(&c->run, at, bytes, len) ? TA100_P_OK : TA100_LOST;
}

int
ta100_store_all(struct ta100_chip *c, const struct ta100_nvm *next)
{
    return sim_runner_store_whole(&c->run, &c->nvm, next, sizeof(c->nvm)) ? TA100_P_OK : TA100_LOST;
}

void
ta100_volatile_clear(struct ta100_chip *c)
{
    rs_wipe(c->registers, sizeof(c->registers));
}

struct ta100_element *
ta100_find(struct ta100_nvm *nvm, unsigned handle)
{
    for (unsigned i = 0; i < nvm->count; i++)
        if (nvm->elements[i].handle == handle)
            return &nvm->elements[i];
    return NULL;
}

struct ta100_register *
ta100_find_register(struct ta100_chip *c, unsigned handle)
{
    return handle >= TA100_P_REGISTER_0 && handle < TA100_P_REGISTER_0 + TA100_REGISTER_COUNT
               ? &c->registers[handle - TA100_P_REGISTER_0]
               : NULL;
}

int
ta100_allows(const struct ta100_element *e, unsigned shift)
{
    return ((unsigned)e->attributes.permission >> shift & 3u) == TA100_P_ALWAYS;
}

size_t
ta100_size_of(const struct ta100_attributes *a)
{
    unsigned class = TA100_CLASS(a), type = TA100_TYPE(a);

    if (class == TA100_CLASS_DATA)
        return type == 0 ? a->property : 0;
    if (class == TA100_CLASS_SYMMETRIC && type == TA100_TYPE_HMAC)
        return 32;
    if (class == TA100_CLASS_SYMMETRIC && type == TA100_TYPE_AES128)
        return 16;
    if (type != TA100_TYPE_P256 || class > TA100_CLASS_PRIVATE)
        return 0;
    return class == TA100_CLASS_PRIVATE ? 32 : 64;
}

void
ta100_read_attributes(struct rs_reader *in, struct ta100_attributes *a)
{
    a->element_cka = (uint8_t)rs_read_u8(in);
    a->property = (uint16_t)rs_read_u16(in);
    a->usage_key = (uint8_t)rs_read_u8(in);
    a->write_key = (uint8_t)rs_read_u8(in);
    a->read_key = (uint8_t)rs_read_u8(in);
    a->permission = (uint8_t)rs_read_u8(in);
    a->last = (uint8_t)rs_read_u8(in);
}

void
ta100_put_attributes(const struct ta100_attributes *a, struct rs_buf *out)
{
    rs_buf_put_u8(out, a->element_cka);
    rs_buf_put_u16(out, a->property);
    rs_buf_put(
        out, (const uint8_t[]){a->usage_key, a->write_key, a->read_key, a->permission, a->last}, 5);
}

static unsigned
known_properties(const struct ta100_attributes *a)
{
    switch (TA100_CLASS(a)) {
    case TA100_CLASS_PRIVATE:
        return TA100_P_SIGN_EXTERNAL | TA100_P_SIGN_INTERNAL | TA100_P_AGREE | TA100_P_GENERATE |
               TA100_P_SECRET_OUT;
    case TA100_CLASS_SYMMETRIC:
        return TA100_P_MAC_OR_SEAL | TA100_P_DERIVE;
    case TA100_CLASS_DATA:
        return 0xFFFF;
    default:
        return 0;
    }
}

/* Keys for authorisation cannot be named: there are no sessions here to use them in. */
int
ta100_attributes_ok(const struct ta100_attributes *a)
{
    for (unsigned shift = 0; shift < 8; shift += 2)
        if (((unsigned)a->permission >> shift & 3u) > TA100_P_AUTHORISED)
            return 0;
    return ta100_size_of(a) > 0 && (a->property & ~known_properties(a)) == 0 && a->usage_key == 0 &&
           a->write_key == 0 && a->read_key == 0 &&
           (a->last & ~(TA100_P_LOCKABLE | TA100_P_SECRET)) == 0;
}

int
ta100_fill(struct ta100_chip *c, const struct ta100_element *e, const uint8_t *content)
{
    struct ta100_nvm next = c->nvm;
    struct ta100_element *there = ta100_find(&next, e->handle);

    if (there == NULL)
        return TA100_P_E_HANDLE;
    memcpy(next.memory + there->at, content, there->size);
    there->filled = 1;
    return ta100_store_all(c, &next);
}
