/*
 * request.c: keys and requests (PKCS#10) as devices would make them.
 *
 * Mostly the private key is thrown away: proof of possession is in the request, and
 * nobody signs a second time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <openssl/ec.h>
#include <openssl/objects.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

/* RFC 4108 5: HardwareModuleName { hwType 1.3.6.1.4.1.32473.7, hwSerialNum }. */
static int
add_hardware_name(X509_REQ *req, const unsigned char uid[10])
{
    unsigned char der[] = {0x30, 0x17, 0x06, 0x09, 0x2b, 0x06, 0x01, 0x04, 0x01,
                           0x81, 0xfd, 0x59, 0x07, 0x04, 0x0a, 0,    0,    0,
                           0,    0,    0,    0,    0,    0,    0};
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_TYPE *value = ASN1_TYPE_new();
    ASN1_STRING *text = ASN1_STRING_new();
    STACK_OF(X509_EXTENSION) *exts = sk_X509_EXTENSION_new_null();
    X509_EXTENSION *ext;

    memcpy(der + 15, uid, 10);
    ASN1_STRING_set(text, der, sizeof(der));
    ASN1_TYPE_set(value, V_ASN1_SEQUENCE, text);
    GENERAL_NAME_set0_othername(name, OBJ_txt2obj("1.3.6.1.5.5.7.8.4", 1), value);
    sk_GENERAL_NAME_push(names, name);
    ext = X509V3_EXT_i2d(NID_subject_alt_name, 0, names);
    sk_X509_EXTENSION_push(exts, ext);
    int ok = X509_REQ_add_extensions(req, exts);
    sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
    GENERAL_NAMES_free(names);
    return ok;
}

static int
add_text(X509_NAME *name, const char *field, const char *text)
{
    return X509_NAME_add_entry_by_txt(name, field, MBSTRING_ASC, (const unsigned char *)text, -1,
                                      -1, 0);
}

/* A chip's uid follows from its serial: 10 bytes of its hash. */
static int
name_it(X509_REQ *req, struct request *r, enum request_kind kind, const X509_NAME *subject)
{
    unsigned char hash[32];
    X509_NAME *name;
    int ok;

    if (kind == REQUEST_RENEW)
        return X509_REQ_set_subject_name(req, subject);
    name = X509_NAME_new();
    ok = name != NULL && (kind == REQUEST_BOARD || add_text(name, "CN", r->device)) &&
         add_text(name, "serialNumber", r->device) && X509_REQ_set_subject_name(req, name);
    X509_NAME_free(name);
    if (ok && kind == REQUEST_BOARD) {
        SHA256((const unsigned char *)r->device, strlen(r->device), hash);
        ok = add_hardware_name(req, hash);
    }
    return ok;
}

static void
hash_key(EVP_PKEY *key, char hex[65])
{
    unsigned char *spki = NULL, hash[32];
    int len = i2d_PUBKEY(key, &spki);

    SHA256(spki, len > 0 ? (size_t)len : 0, hash);
    for (int i = 0; i < 32; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    OPENSSL_free(spki);
}

static int
encode(struct request *r, X509_REQ *req)
{
    unsigned char *der = NULL;
    int len = i2d_X509_REQ(req, &der), n = 0;

    if (len > 0 && len <= CSR_MAX)
        r->body = malloc((size_t)len * 4 / 3 + 8);
    if (r->body != NULL)
        n = EVP_EncodeBlock((unsigned char *)r->body, der, len);
    r->body_len = n > 0 ? (size_t)n : 0;
    OPENSSL_free(der);
    return n > 0;
}

int
request_make_key(struct request *r, enum request_kind kind, const char *name, size_t i,
                 const X509_NAME *subject, EVP_PKEY **ret_key)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509_REQ *req = X509_REQ_new();
    int ok;

    memset(r, 0, sizeof(*r));
    if (kind == REQUEST_BOARD)
        (void)snprintf(r->device, sizeof(r->device), "%s-%06zu", name, i + 1);
    else
        (void)snprintf(r->device, sizeof(r->device), "%s", name);
    ok = key != NULL && req != NULL && X509_REQ_set_version(req, X509_REQ_VERSION_1) &&
         X509_REQ_set_pubkey(req, key) && name_it(req, r, kind, subject) &&
         X509_REQ_sign(req, key, EVP_sha256()) > 0;
    if (ok) {
        hash_key(key, r->key_hash);
        ok = encode(r, req);
    }
    X509_REQ_free(req);
    if (ok)
        *ret_key = key;
    else
        EVP_PKEY_free(key);
    return ok;
}

int
request_make(struct request *r, enum request_kind kind, const char *name, size_t i,
             const X509_NAME *subject)
{
    EVP_PKEY *key = NULL;
    int ok = request_make_key(r, kind, name, i, subject, &key);

    EVP_PKEY_free(key);
    return ok;
}

void
request_free(struct request *r)
{
    free(r->body);
    memset(r, 0, sizeof(*r));
}
