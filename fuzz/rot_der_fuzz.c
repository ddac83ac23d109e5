/*
 * rot_der_fuzz.c: what chips and peers send to librot's converters.
 *
 * The first byte chooses what the rest is:
 *   0, 1  an ECDSA signature on P-256 or P-384
 *   2     a SubjectPublicKeyInfo
 *   3     the name of an object
 *   4, 5  raw numbers of a signature, as a chip answers
 * Whatever is taken has one form: written again it is the same bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include <rot/rot_driver.h>

static void
must(int ok)
{
    if (!ok)
        abort();
}

static void
try_signature(const uint8_t *p, size_t len, size_t half)
{
    uint8_t raw[96], der[120];
    size_t n = 0;

    if (rot_ecdsa_from_der(p, len, half, raw) != ROT_OK)
        return;
    must(rot_ecdsa_to_der(raw, half, der, sizeof(der), &n) == ROT_OK);
    must(n == len && memcmp(der, p, n) == 0);
}

static void
try_raw(const uint8_t *p, size_t len, size_t half)
{
    uint8_t der[120], raw[96];
    size_t n = 0;

    if (len != 2 * half || rot_ecdsa_to_der(p, half, der, sizeof(der), &n) != ROT_OK)
        return;
    must(rot_ecdsa_from_der(der, n, half, raw) == ROT_OK);
    must(memcmp(raw, p, len) == 0);
}

static void
try_key(const uint8_t *p, size_t len)
{
    uint8_t point[96], spki[160];
    enum rot_alg alg = ROT_ALG_NONE;
    size_t n = 0;

    if (rot_spki_to_point(p, len, point, &alg) != ROT_OK)
        return;
    must(rot_spki_from_point(alg, point, spki, sizeof(spki), &n) == ROT_OK);
    must(n == len && memcmp(spki, p, n) == 0);
}

static void
try_name(const uint8_t *p, size_t len)
{
    char text[64], name[ROT_NAME_MAX];
    rot_object obj = 0, again = 0;

    if (len >= sizeof(text))
        return;
    memcpy(text, p, len);
    text[len] = '\0';
    if (rot_object_parse(text, &obj) != ROT_OK)
        return;
    must(rot_object_name(obj, name) == ROT_OK);
    must(rot_object_parse(name, &again) == ROT_OK && again == obj);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy; /* of exactly that size, so that a byte too far is seen */

    if (size < 2)
        return 0;
    copy = malloc(size - 1);
    must(copy != NULL);
    memcpy(copy, data + 1, size - 1);
    switch (data[0] % 6) {
    case 0:
    case 1:
        try_signature(copy, size - 1, data[0] % 6 == 0 ? 32 : 48);
        break;
    case 2:
        try_key(copy, size - 1);
        break;
    case 3:
        try_name(copy, size - 1);
        break;
    default:
        try_raw(copy, size - 1, data[0] % 6 == 4 ? 32 : 48);
        break;
    }
    free(copy);
    return 0;
}
