/*
 * random.c: two generators, exclusive-or.  See random.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/random.h"

#include <errno.h>
#include <sys/random.h>

#include <openssl/rand.h>

#include "base/bytes.h"
#include "base/inject.h"

#define CHUNK 256 /* getrandom() never gives less than asked up to here */

static rs_code
mix_chunk(uint8_t *buf, size_t len, struct rs_err *err)
{
    uint8_t fresh[CHUNK];
    ssize_t n;

    if (rs_inject_before("random") != 0 || RAND_bytes(buf, (int)len) != 1)
        return rs_fail(err, RS_E_CRYPTO_RANDOM, "the crypto library's generator failed");
    do
        n = getrandom(fresh, len, 0);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)len) {
        rs_wipe(fresh, sizeof(fresh));
        return rs_fail_errno(err, RS_E_CRYPTO_RANDOM, "the system's generator failed");
    }
    for (size_t i = 0; i < len; i++)
        buf[i] ^= fresh[i];
    rs_wipe(fresh, sizeof(fresh));
    return RS_OK;
}

rs_code
rs_random(uint8_t *buf, size_t len, struct rs_err *err)
{
    for (size_t at = 0; at < len; at += CHUNK) {
        size_t n = len - at < CHUNK ? len - at : CHUNK;
        rs_code rc = mix_chunk(buf + at, n, err);
        if (rc != RS_OK) {
            rs_wipe(buf, len);
            return rc;
        }
    }
    return RS_OK;
}

rs_code
rs_random_text(char *text, size_t count, struct rs_err *err)
{
    static const char crockford[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    for (size_t i = 0; i < count; i++) {
        uint8_t byte;
        rs_code rc = rs_random(&byte, 1, err);
        if (rc != RS_OK)
            return rc;
        text[i] = crockford[byte & 31];
    }
    text[count] = '\0';
    return RS_OK;
}
