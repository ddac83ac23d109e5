/*
 * answer.c: what an answer of EST holds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "load.h"

X509 *
answer_cert(const char *body, size_t len)
{
    unsigned char *der = malloc(len + 4);
    EVP_ENCODE_CTX *b64 = EVP_ENCODE_CTX_new();
    const unsigned char *p = der;
    PKCS7 *p7 = NULL;
    X509 *cert = NULL;
    int n = 0, tail = 0;

    EVP_DecodeInit(b64);
    if (der != NULL && EVP_DecodeUpdate(b64, der, &n, (const unsigned char *)body, (int)len) >= 0 &&
        EVP_DecodeFinal(b64, der + n, &tail) == 1)
        p7 = d2i_PKCS7(NULL, &p, n + tail);
    if (p7 != NULL && PKCS7_type_is_signed(p7) && sk_X509_num(p7->d.sign->cert) == 1) {
        cert = sk_X509_value(p7->d.sign->cert, 0);
        (void)X509_up_ref(cert);
    }
    PKCS7_free(p7);
    EVP_ENCODE_CTX_free(b64);
    free(der);
    return cert;
}
