/*
 * words.c: the words of layout files and of what is shown of layouts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "layout/layout.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
    const char *name;
    enum rot_alg alg;
} algorithms[] = {
    {"p256", ROT_ALG_P256},       {"p384", ROT_ALG_P384},
    {"p521", ROT_ALG_P521},       {"ed25519", ROT_ALG_ED25519},
    {"x25519", ROT_ALG_X25519},   {"rsa2048", ROT_ALG_RSA2048},
    {"rsa3072", ROT_ALG_RSA3072}, {"rsa4096", ROT_ALG_RSA4096},
    {"mldsa44", ROT_ALG_MLDSA44}, {"mldsa65", ROT_ALG_MLDSA65},
    {"mldsa87", ROT_ALG_MLDSA87}, {"aes128", ROT_ALG_AES128},
    {"aes256", ROT_ALG_AES256},   {"hmac-sha256", ROT_ALG_HMAC_SHA256},
};

const char *
layout_algorithm_name(unsigned alg)
{
    for (size_t i = 0; i < COUNT(algorithms); i++) {
        if ((unsigned)algorithms[i].alg == alg)
            return algorithms[i].name;
    }
    return "";
}

enum rot_alg
layout_algorithm(const char *name)
{
    for (size_t i = 0; i < COUNT(algorithms); i++) {
        if (strcmp(algorithms[i].name, name) == 0)
            return algorithms[i].alg;
    }
    return ROT_ALG_NONE;
}

static const char *const parts[] = {"", "key", "cert", "chain", "data"};

const char *
layout_part_name(unsigned part)
{
    return part < COUNT(parts) ? parts[part] : "";
}

enum rot_part
layout_part(const char *name)
{
    for (size_t i = 1; i < COUNT(parts); i++) {
        if (strcmp(parts[i], name) == 0)
            return (enum rot_part)i;
    }
    return (enum rot_part)0;
}

static const struct {
    const char *name;
    unsigned flag;
} rights[] = {
    {"sign", ROT_PLACE_SIGN},
    {"agree", ROT_PLACE_AGREE},
    {"renew", ROT_PLACE_REGENERATE},
    {"export", ROT_PLACE_EXPORT},
    {"compressed", ROT_PLACE_COMPRESSED},
    {"lockable", ROT_PLACE_LOCKABLE},
    {"sealed", ROT_PLACE_SEAL},
    {"read-only", ROT_PLACE_READ_ONLY},
    {"channel", ROT_PLACE_ENCRYPTED},
    {"public-key", ROT_PLACE_PUBLIC_KEY},
};

unsigned
layout_right(size_t i, const char **ret_name)
{
    *ret_name = i < COUNT(rights) ? rights[i].name : NULL;
    return i < COUNT(rights) ? rights[i].flag : 0;
}
