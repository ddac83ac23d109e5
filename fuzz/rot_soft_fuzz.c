/*
 * rot_soft_fuzz.c: the file of a soft key store, as somebody else wrote it.
 *
 * The first byte chooses what the rest is:
 *   0  the plain content: what is read is written back the same
 *   1  a whole file
 *   2  a whole file whose check sum is made to fit first
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include <rot/port_openssl.h>

#include "../librot/host/soft/soft.h"

#define SUMMED_LEN    80
#define SUM_LEN       32
#define ITERATIONS_AT 8

static void
must(int ok)
{
    if (!ok)
        abort();
}

static void
try_content(const uint8_t *p, size_t len)
{
    static struct soft_store store;
    uint8_t *back;

    if (soft_store_read(p, len, &store) != ROT_OK)
        return;
    must(soft_store_size(&store) == len);
    back = malloc(len);
    must(back != NULL);
    soft_store_write(&store, back);
    must(memcmp(back, p, len) == 0);
    free(back);
    soft_store_clear(&store);
}

static void
try_file(const struct rot_port *port, uint8_t *p, size_t len, int repair)
{
    static const uint8_t secret[32] = {1};
    static struct soft_store store;
    struct soft_lock lock;
    struct rot_bytes head = {p, SUMMED_LEN};

    memset(&lock, 0, sizeof(lock));
    if (len >= SUMMED_LEN + SUM_LEN) {
        memset(p + ITERATIONS_AT, 0, 3); /* at most 255: PBKDF2 is not what is tried here */
        if (repair)
            must(port->ops->hash(port->self, ROT_HASH_SHA256, &head, 1, p + SUMMED_LEN) == ROT_OK);
    }
    /* Nobody can write a file that opens without knowing the secret. */
    must(soft_image_read(port, (struct rot_bytes){secret, sizeof(secret)},
                         (struct rot_bytes){p, len}, &lock, &store) != ROT_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rot_port_openssl crypto;
    uint8_t *copy;

    if (crypto.port.ops == NULL)
        must(rot_port_openssl_init(&crypto) == ROT_OK);
    if (size < 2)
        return 0;
    copy = malloc(size - 1);
    must(copy != NULL);
    memcpy(copy, data + 1, size - 1);
    if (data[0] % 3 == 0)
        try_content(copy, size - 1);
    else
        try_file(&crypto.port, copy, size - 1, data[0] % 3 == 2);
    free(copy);
    return 0;
}
