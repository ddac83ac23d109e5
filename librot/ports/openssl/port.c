/*
 * port.c: fetching algorithms, time, random, and the table itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "port.h"

#include <string.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>

static uint64_t
port_time_ms(void *self)
{
    struct timespec now = {0, 0};

    (void)self;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

/* The generator for secrets: what it makes is never shown by the other one. */
static rot_err
port_random(void *self, uint8_t *buf, size_t len)
{
    (void)self;
    if (len > SIZE_INT_MAX)
        return ROT_E_ARG;
    return RAND_priv_bytes(buf, (int)len) == 1 ? ROT_OK : ROT_E_PORT;
}

static const struct rot_port_ops ops = {
    .time_ms = port_time_ms,
    .random = port_random,
    .hash = port_hash,
    .hmac = port_hmac,
    .aes_ecb = port_aes_ecb,
    .aes_cbc = port_aes_cbc,
    .aes_cfb = port_aes_cfb,
    .aes_cmac = port_aes_cmac,
    .aead = port_aead,
    .ec_generate = port_ec_generate,
    .ec_public = port_ec_public,
    .ec_sign = port_ec_sign,
    .ec_verify = port_ec_verify,
    .ecdh = port_ecdh,
    .kdf = port_kdf,
    .stretch = port_stretch,
    .channel_secret = port_channel_secret,
};

static int
fetch_ciphers(struct rot_port_openssl *p)
{
    static const char *const names[5][2] = {
        [MODE_ECB] = {"AES-128-ECB", "AES-256-ECB"}, [MODE_CBC] = {"AES-128-CBC", "AES-256-CBC"},
        [MODE_CFB] = {"AES-128-CFB", "AES-256-CFB"}, [MODE_GCM] = {"AES-128-GCM", "AES-256-GCM"},
        [MODE_CCM] = {"AES-128-CCM", "AES-256-CCM"},
    };

    for (size_t mode = 0; mode < 5; mode++) {
        for (size_t size = 0; size < 2; size++) {
            p->cipher[mode][size] = EVP_CIPHER_fetch(NULL, names[mode][size], NULL);
            if (p->cipher[mode][size] == NULL)
                return 0;
        }
    }
    return 1;
}

static int
fetch_all(struct rot_port_openssl *p)
{
    static const char *const md_names[3] = {"SHA256", "SHA384", "SHA512"};

    for (size_t i = 0; i < 3; i++) {
        p->md[i] = EVP_MD_fetch(NULL, md_names[i], NULL);
        if (p->md[i] == NULL)
            return 0;
    }
    p->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    p->cmac = EVP_MAC_fetch(NULL, "CMAC", NULL);
    p->hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    p->tls_prf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
    p->single_step = EVP_KDF_fetch(NULL, "SSKDF", NULL);
    p->pbkdf2 = EVP_KDF_fetch(NULL, "PBKDF2", NULL);
    return p->hmac != NULL && p->cmac != NULL && p->hkdf != NULL && p->tls_prf != NULL &&
           p->single_step != NULL && p->pbkdf2 != NULL && fetch_ciphers(p);
}

rot_err
rot_port_openssl_init(struct rot_port_openssl *p)
{
    if (p == NULL)
        return ROT_E_ARG;
    memset(p, 0, sizeof(*p));
    if (!fetch_all(p)) {
        rot_port_openssl_done(p);
        return ROT_E_PORT;
    }
    p->port.self = p;
    p->port.ops = &ops;
    return ROT_OK;
}

void
rot_port_openssl_done(struct rot_port_openssl *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < 3; i++)
        EVP_MD_free(p->md[i]);
    EVP_MAC_free(p->hmac);
    EVP_MAC_free(p->cmac);
    EVP_KDF_free(p->hkdf);
    EVP_KDF_free(p->tls_prf);
    EVP_KDF_free(p->single_step);
    EVP_KDF_free(p->pbkdf2);
    for (size_t mode = 0; mode < 5; mode++) {
        EVP_CIPHER_free(p->cipher[mode][0]);
        EVP_CIPHER_free(p->cipher[mode][1]);
    }
    OPENSSL_cleanse(&p->channel, sizeof(p->channel));
    memset(p, 0, sizeof(*p));
}
