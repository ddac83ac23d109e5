/*
 * cmd_hash.c: the A120's hash: start, process, finish; one at a time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <openssl/evp.h>

#include "sims/stsafe/chip.h"
#include "sims/stsafe/uncertain.h"

/* NIST's arc of hashes; the last byte says which. */
static const uint8_t hash_arc[] = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02};

enum sim_hash
stsafe_read_hash(struct rs_reader *in)
{
    static const struct {
        uint8_t last;
        enum sim_hash hash;
    } rows[] = {{0x01, SIM_HASH_SHA256},   {0x02, SIM_HASH_SHA384},   {0x03, SIM_HASH_SHA512},
                {0x08, SIM_HASH_SHA3_256}, {0x09, SIM_HASH_SHA3_384}, {0x0A, SIM_HASH_SHA3_512}};
    struct rs_bytes oid = rs_read_u16_bytes(in, sizeof(hash_arc) + 1);

    if (oid.len != sizeof(hash_arc) + 1 || memcmp(oid.p, hash_arc, sizeof(hash_arc)) != 0)
        return SIM_HASH_NONE;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].last == oid.p[sizeof(hash_arc)])
            return rows[i].hash;
    return SIM_HASH_NONE;
}

static void
stop(struct stsafe_chip *c)
{
    EVP_MD_CTX_free(c->v.hash);
    c->v.hash = NULL;
}

static int
update(struct stsafe_chip *c, struct rs_reader *in)
{
    struct rs_bytes data = rs_read_bytes(in, in->left);

    if (c->v.hash == NULL)
        return STSAFE_UNEXPECTED;
    return data.len == 0 || EVP_DigestUpdate(c->v.hash, data.p, data.len) == 1 ? STSAFE_OK
                                                                               : STSAFE_UNEXPECTED;
}

int
stsafe_do_hash_start(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                     struct rs_buf *out)
{
    enum sim_hash hash = stsafe_read_hash(in);

    (void)cmd;
    (void)out;
    if (!rs_reader_ok(in))
        return STSAFE_U_LENGTH_STATUS;
    if (hash == SIM_HASH_NONE)
        return STSAFE_U_RANGE_STATUS;
    stop(c);
    c->v.hash = EVP_MD_CTX_new();
    if (c->v.hash == NULL ||
        EVP_DigestInit_ex(c->v.hash, EVP_get_digestbyname(sim_hash_name(hash)), NULL) != 1) {
        stop(c);
        return STSAFE_UNEXPECTED;
    }
    return update(c, in);
}

int
stsafe_do_hash_process(struct stsafe_chip *c, const struct stsafe_command *cmd,
                       struct rs_reader *in, struct rs_buf *out)
{
    (void)cmd;
    (void)out;
    return update(c, in);
}

int
stsafe_do_hash_finish(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                      struct rs_buf *out)
{
    uint8_t digest[SIM_DIGEST_MAX];
    unsigned len = 0;
    int status = update(c, in);

    (void)cmd;
    if (status == STSAFE_OK && EVP_DigestFinal_ex(c->v.hash, digest, &len) != 1)
        status = STSAFE_UNEXPECTED;
    if (status == STSAFE_OK)
        rs_buf_put_u16_bytes(out, rs_bytes_of(digest, len));
    stop(c);
    return status;
}
