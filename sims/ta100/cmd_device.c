/*
 * cmd_device.c: Info, SelfTest, Random, Power, Lock, Counter.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/ta100/chip.h"

#define RANDOM_MAX 512

enum {
    INFO_IDENTITY = 0,
    INFO_LIST = 1,
    INFO_ELEMENT = 2,
};

enum {
    POWER_RESET = 0,
    POWER_SLEEP = 1,
};

enum {
    LOCK_CONFIG = 0,
    LOCK_SETUP = 1,
    LOCK_ELEMENT = 2,
};

enum {
    COUNTER_READ = 0,
    COUNTER_INCREMENT = 1,
};

static void
put_identity(const struct ta100_chip *c, struct rs_buf *out)
{
    static const uint8_t revision[4] = {0, 0, 0, 0};
    const struct ta100_nvm *nvm = &c->nvm;

    rs_buf_put_str(out, TA100_P_MARKER);
    rs_buf_put_u8(out, TA100_P_VERSION);
    rs_buf_put(out, nvm->serial, sizeof(nvm->serial));
    rs_buf_put(out, revision, sizeof(revision));
    rs_buf_put_u8(out, (unsigned)nvm->config_locked | (unsigned)nvm->setup_locked << 1);
    rs_buf_put_u16(out, (unsigned)(TA100_MEMORY_SIZE - nvm->used));
    rs_buf_put_u8(out, (unsigned)TA100_ELEMENTS_MAX - nvm->count);
}

static void
put_list(const struct ta100_chip *c, struct rs_buf *out)
{
    rs_buf_put_u8(out, c->nvm.count);
    for (unsigned i = 0; i < c->nvm.count; i++)
        rs_buf_put_u16(out, c->nvm.elements[i].handle);
}

static int
put_element(struct ta100_chip *c, unsigned handle, struct rs_buf *out)
{
    const struct ta100_element *e = ta100_find(&c->nvm, handle);

    if (e == NULL)
        return TA100_P_E_HANDLE;
    ta100_put_attributes(&e->attributes, out);
    rs_buf_put_u8(out, (unsigned)e->filled | (unsigned)e->locked << 1);
    rs_buf_put_u16(out, e->size);
    return TA100_P_OK;
}

int
ta100_do_info(struct ta100_chip *c, const struct ta100_command *cmd, struct rs_reader *in,
              struct rs_buf *out)
{
    if (!rs_reader_done(in))
        return TA100_P_E_LENGTH;
    switch (cmd->mode) {
    case INFO_IDENTITY:
        put_identity(c, out);
        return TA100_P_OK;
    case INFO_LIST:
        put_list(c, out);
        return TA100_P_OK;
    case INFO_ELEMENT:
        return put_element(c, cmd->handle, out);
    default:
        return TA100_P_E_MODE;
    }
}

int
ta100_do_self_test(struct ta100_chip *c, const struct ta100_command *cmd, struct rs_reader *in,
                   struct rs_buf *out)
{
    (void)c;
    if (!rs_reader_done(in))
        return TA100_P_E_LENGTH;
    if (cmd->mode != 0)
        return TA100_P_E_MODE;
    rs_buf_put_u8(out, 0); /* which tests failed: none */
    return TA100_P_OK;
}

int
ta100_do_random(struct ta100_chip *c, const struct ta100_command *cmd, struct rs_reader *in,
                struct rs_buf *out)
{
    size_t len = rs_read_u16(in);
    uint8_t bytes[RANDOM_MAX];

    if (!rs_reader_done(in))
        return TA100_P_E_LENGTH;
    if (cmd->mode != 0)
        return TA100_P_E_MODE;
    if (len == 0 || len > sizeof(bytes))
        return TA100_P_E_RANGE;
    c->run.host->random(c->run.host->self, bytes, len);
    rs_buf_put(out, bytes, len);
    return TA100_P_OK;
}

/* Both forget the registers; sleep begins when the answer was read. */
int
ta100_do_power(struct ta100_chip *c, const struct ta100_command *cmd, struct rs_reader *in,
               struct rs_buf *out)
{
    (void)out;
    if (!rs_reader_done(in))
        return TA100_P_E_LENGTH;
    if (cmd->mode != POWER_RESET && cmd->mode != POWER_SLEEP)
        return TA100_P_E_MODE;
    ta100_volatile_clear(c);
    c->sleep_next = cmd->mode == POWER_SLEEP;
    return TA100_P_OK;
}

static int
lock_element(struct ta100_chip *c, unsigned handle)
{
    struct ta100_element *e = ta100_find(&c->nvm, handle);
    const uint8_t one = 1;

    if (e == NULL)
        return TA100_P_E_HANDLE;
    if (e->locked)
        return TA100_P_E_LOCKED;
    if (!(e->attributes.last & (TA100_P_LOCKABLE | TA100_P_SECRET)) &&
        TA100_CLASS(&e->attributes) != TA100_CLASS_PRIVATE)
        return TA100_P_E_DENIED;
    if (!e->filled)
        return TA100_P_E_EMPTY;
    return ta100_store(c, &e->locked, &one, 1);
}

int
ta100_do_lock(struct ta100_chip *c, const struct ta100_command *cmd, struct rs_reader *in,
              struct rs_buf *out)
{
    uint8_t *lock = cmd->mode == LOCK_CONFIG ? &c->nvm.config_locked : &c->nvm.setup_locked;
    const uint8_t one = 1;

    (void)out;
    if (!rs_reader_done(in))
        return TA100_P_E_LENGTH;
    if (cmd->mode == LOCK_ELEMENT)
        return lock_element(c, cmd->handle);
    if (cmd->mode != LOCK_CONFIG && cmd->mode != LOCK_SETUP)
        return TA100_P_E_MODE;
    return *lock ? TA100_P_E_LOCKED : ta100_store(c, lock, &one, 1);
}

int
ta100_do_counter(struct ta100_chip *c, const struct ta100_command *cmd, struct rs_reader *in,
                 struct rs_buf *out)
{
    struct ta100_nvm next = c->nvm;
    unsigned index = (unsigned)cmd->handle - TA100_P_COUNTER_0;
    int status = TA100_P_OK;

    if (!rs_reader_done(in))
        return TA100_P_E_LENGTH;
    if (index >= TA100_COUNTER_COUNT)
        return TA100_P_E_HANDLE;
    if (cmd->mode != COUNTER_READ && cmd->mode != COUNTER_INCREMENT)
        return TA100_P_E_MODE;
    if (cmd->mode == COUNTER_INCREMENT) {
        if (next.counters[index] == UINT32_MAX)
            return TA100_P_E_LIMIT;
        next.counters[index]++;
        status = ta100_store_all(c, &next);
    }
    if (status == TA100_P_OK)
        rs_buf_put_u32(out, c->nvm.counters[index]);
    return status;
}
