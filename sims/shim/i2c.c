/*
 * i2c.c: what the kernel's i2c-dev does, over a simulated bus.
 *
 * Documented in the kernel's Documentation/i2c/dev-interface.rst, smbus-protocol.rst
 * and fault-codes.rst.  The adapter that is played takes plain messages of
 * 7-bit addresses up to 1024 bytes, and SMBus commands made from them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <limits.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <string.h>

#include "sims/shim/shim.h"

#define ADDRESS_MAX 0x7F
#define MESSAGE_MAX 8192u /* i2c-dev's own limit; the adapter's is below */

static const unsigned long functions = I2C_FUNC_I2C | I2C_FUNC_SMBUS_QUICK | I2C_FUNC_SMBUS_BYTE |
                                       I2C_FUNC_SMBUS_BYTE_DATA | I2C_FUNC_SMBUS_WORD_DATA |
                                       I2C_FUNC_SMBUS_PROC_CALL | I2C_FUNC_SMBUS_WRITE_BLOCK_DATA |
                                       I2C_FUNC_SMBUS_I2C_BLOCK;

static int
transfer(const struct shim_device *d, const struct wire_message *messages, size_t count)
{
    struct wire *wire;
    int rc;

    shim_gpio_sync();
    rc = shim_line_begin(d->entry, &wire);
    if (rc != 0)
        return rc;
    rc = wire_transfer(wire, messages, count);
    shim_line_end(d->entry);
    return rc;
}

/* ---- read, write ----------------------------------------------------------------------- */

ssize_t
shim_i2c_read(const struct shim_device *d, uint8_t *p, size_t len)
{
    struct wire_message m = {(uint8_t)d->address, 1, p, len < MESSAGE_MAX ? len : MESSAGE_MAX};
    int rc;

    if (p == NULL && len != 0)
        return -EFAULT;
    rc = transfer(d, &m, 1);
    return rc == 0 ? (ssize_t)m.len : rc;
}

ssize_t
shim_i2c_write(const struct shim_device *d, const uint8_t *p, size_t len)
{
    uint8_t copy[WIRE_MESSAGE_MAX];
    struct wire_message m = {(uint8_t)d->address, 0, copy, len};
    int rc;

    if (p == NULL && len != 0)
        return -EFAULT;
    if (len > sizeof(copy))
        return -EOPNOTSUPP;
    if (len != 0)
        memcpy(copy, p, len);
    rc = transfer(d, &m, 1);
    return rc == 0 ? (ssize_t)len : rc;
}

/* ---- I2C_RDWR -------------------------------------------------------------------------- */

static int
take_message(const struct i2c_msg *from, struct wire_message *to)
{
    if (from->len > MESSAGE_MAX)
        return -EINVAL;
    if (from->buf == NULL && from->len != 0)
        return -EFAULT;
    if ((from->flags & ~I2C_M_RD) != 0 || from->addr > ADDRESS_MAX)
        return -EOPNOTSUPP;
    *to = (struct wire_message){(uint8_t)from->addr, (from->flags & I2C_M_RD) != 0, from->buf,
                                from->len};
    return 0;
}

static int
run_messages(const struct shim_device *d, const struct i2c_rdwr_ioctl_data *arg)
{
    struct wire_message messages[I2C_RDWR_IOCTL_MAX_MSGS];
    int rc = 0;

    if (arg == NULL)
        return -EFAULT;
    if (arg->msgs == NULL || arg->nmsgs == 0 || arg->nmsgs > I2C_RDWR_IOCTL_MAX_MSGS)
        return -EINVAL;
    for (unsigned i = 0; rc == 0 && i < arg->nmsgs; i++)
        rc = take_message(&arg->msgs[i], &messages[i]);
    if (rc == 0)
        rc = transfer(d, messages, arg->nmsgs);
    return rc == 0 ? (int)arg->nmsgs : rc;
}

/* ---- I2C_SMBUS -------------------------------------------------------------------------- */

/* An SMBus command as messages: the command byte with what is written, then what is read. */
struct smbus {
    uint8_t out[2 + I2C_SMBUS_BLOCK_MAX];
    size_t out_len;
    uint8_t in[I2C_SMBUS_BLOCK_MAX];
    size_t in_len;
};

static int
run_smbus(const struct shim_device *d, struct smbus *s, int has_write)
{
    struct wire_message messages[2];
    size_t count = 0;

    if (has_write)
        messages[count++] = (struct wire_message){(uint8_t)d->address, 0, s->out, s->out_len};
    if (s->in_len != 0)
        messages[count++] = (struct wire_message){(uint8_t)d->address, 1, s->in, s->in_len};
    return transfer(d, messages, count);
}

static void
put_word(struct smbus *s, unsigned word)
{
    s->out[1] = (uint8_t)word;
    s->out[2] = (uint8_t)(word >> 8);
    s->out_len = 3;
}

/* Length and bytes of a block that is written; head: what stands before the bytes. */
static int
put_block(struct smbus *s, const union i2c_smbus_data *data, size_t head)
{
    size_t len = data->block[0];

    if (len == 0 || len > I2C_SMBUS_BLOCK_MAX)
        return -EINVAL;
    memcpy(s->out + head, data->block + 1, len);
    s->out_len = head + len;
    return 0;
}

/* Fill s from the command; 0 or a negative errno. */
static int
plan_smbus(struct smbus *s, int is_read, uint32_t size, const union i2c_smbus_data *data)
{
    s->out_len = 1;
    switch (size) {
    case I2C_SMBUS_BYTE_DATA:
        if (is_read)
            s->in_len = 1;
        else
            s->out[s->out_len++] = data->byte;
        return 0;
    case I2C_SMBUS_WORD_DATA:
        if (is_read)
            s->in_len = 2;
        else
            put_word(s, data->word);
        return 0;
    case I2C_SMBUS_PROC_CALL:
        put_word(s, data->word);
        s->in_len = 2;
        return 0;
    case I2C_SMBUS_BLOCK_DATA:
        if (is_read) /* the part would say how much it sends: this adapter cannot follow */
            return -EOPNOTSUPP;
        s->out[1] = data->block[0];
        return put_block(s, data, 2);
    case I2C_SMBUS_I2C_BLOCK_BROKEN:
    case I2C_SMBUS_I2C_BLOCK_DATA:
        if (!is_read)
            return put_block(s, data, 1);
        s->in_len = size == I2C_SMBUS_I2C_BLOCK_BROKEN ? I2C_SMBUS_BLOCK_MAX : data->block[0];
        return s->in_len == 0 || s->in_len > I2C_SMBUS_BLOCK_MAX ? -EINVAL : 0;
    default:
        return -EOPNOTSUPP;
    }
}

static void
give_smbus(const struct smbus *s, uint32_t size, union i2c_smbus_data *data)
{
    if (s->in_len == 0)
        return;
    if (size == I2C_SMBUS_BYTE_DATA) {
        data->byte = s->in[0];
    } else if (size == I2C_SMBUS_WORD_DATA || size == I2C_SMBUS_PROC_CALL) {
        data->word = (uint16_t)(s->in[0] | s->in[1] << 8);
    } else {
        data->block[0] = (uint8_t)s->in_len;
        memcpy(data->block + 1, s->in, s->in_len);
    }
}

/* Quick command and the commands of one byte: no data byte follows the command. */
static int
run_short(const struct shim_device *d, const struct i2c_smbus_ioctl_data *arg)
{
    struct smbus s = {.out = {arg->command}};
    int is_read = arg->read_write == I2C_SMBUS_READ, rc;

    if (arg->size == I2C_SMBUS_QUICK)
        return is_read ? -EOPNOTSUPP : run_smbus(d, &s, 1);
    if (is_read)
        s.in_len = 1;
    else
        s.out_len = 1;
    rc = run_smbus(d, &s, !is_read);
    if (rc == 0 && is_read)
        arg->data->byte = s.in[0];
    return rc;
}

static int
smbus(const struct shim_device *d, const struct i2c_smbus_ioctl_data *arg)
{
    struct smbus s = {.out_len = 0};
    int is_read, rc;

    if (arg == NULL)
        return -EFAULT;
    if (arg->size > I2C_SMBUS_I2C_BLOCK_DATA || arg->read_write > I2C_SMBUS_READ)
        return -EINVAL;
    is_read = arg->read_write == I2C_SMBUS_READ;
    if (arg->size == I2C_SMBUS_QUICK || (arg->size == I2C_SMBUS_BYTE && !is_read))
        return run_short(d, arg);
    if (arg->data == NULL)
        return -EINVAL;
    if (arg->size == I2C_SMBUS_BYTE)
        return run_short(d, arg);
    s.out[0] = arg->command;
    rc = plan_smbus(&s, is_read, arg->size, arg->data);
    if (rc == 0)
        rc = run_smbus(d, &s, 1);
    if (rc == 0)
        give_smbus(&s, arg->size, arg->data);
    return rc;
}

/* ---- ioctl -------------------------------------------------------------------------------- */

int
shim_i2c_ioctl(struct shim_device *d, unsigned long request, void *arg, int *ret_changed)
{
    uintptr_t value = (uintptr_t)arg;

    switch (request) {
    case I2C_SLAVE:
    case I2C_SLAVE_FORCE: /* no driver of a kernel holds an address here */
        if (value > ADDRESS_MAX)
            return -EINVAL;
        d->address = (uint16_t)value;
        *ret_changed = 1;
        return 0;
    case I2C_TENBIT:
    case I2C_PEC:
        return value == 0 ? 0 : -EOPNOTSUPP;
    case I2C_FUNCS:
        if (arg == NULL)
            return -EFAULT;
        memcpy(arg, &functions, sizeof(functions));
        return 0;
    case I2C_RDWR:
        return run_messages(d, arg);
    case I2C_SMBUS:
        return smbus(d, arg);
    case I2C_RETRIES: /* a simulated adapter never loses arbitration, nor hangs */
    case I2C_TIMEOUT:
        return value > INT_MAX ? -EINVAL : 0;
    default:
        return -ENOTTY;
    }
}
