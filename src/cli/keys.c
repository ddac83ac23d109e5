/*
 * keys.c: the person's key, requests, and one-time codes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/io.h"
#include "base/random.h"
#include "cli/cli.h"
#include "crypto/hash.h"
#include "crypto/key.h"
#include "x509/cert.h"
#include "x509/name.h"
#include "x509/oid.h"
#include "x509/template.h"

#define CODE_LEN 20

/* RFC 2986: version 0, subject CN=name, key, no attributes. */
rs_code
cli_make_csr(const struct crypto_key *key, const char *name, struct rs_buf *ret_der,
             struct rs_err *err)
{
    uint8_t room[2048], sig[CRYPTO_SIGNATURE_MAX];
    struct der_out o;
    size_t sig_len, mark;
    rs_code rc;

    der_out_init(&o, room, sizeof(room));
    der_put_element(&o, DER_CONTEXT(0), (struct rs_bytes){NULL, 0});
    der_put(&o, crypto_key_pub(key)->spki);
    mark = der_mark(&o);
    der_put_element(&o, DER_UTF8_STRING, rs_bytes_str(name));
    der_put_element(&o, DER_OID, oid_cn);
    der_put_header(&o, DER_SEQUENCE, mark);
    der_put_header(&o, DER_SET, mark);
    der_put_header(&o, DER_SEQUENCE, mark);
    der_put_small(&o, 0);
    der_put_header(&o, DER_SEQUENCE, 0);
    if (!der_out_ok(&o))
        return rs_fail(err, RS_E_USAGE, "name too long");
    rc = crypto_sign(key, der_out_bytes(&o), sig, sizeof(sig), &sig_len, err);
    if (rc == RS_OK)
        rc = x509_assemble(der_out_bytes(&o), crypto_sig_for(crypto_key_alg(key)),
                           rs_bytes_of(sig, sig_len), ret_der, err);
    return rc;
}

rs_code
cli_load_key(struct cli *cli, struct crypto_key **ret_key, struct rs_err *err)
{
    char path[640];
    struct rs_bytes text;
    rs_code rc = rs_path_join(cli->at.dir, "key.pem", path, sizeof(path), err);

    RS_AUTO(rs_buf_done) struct rs_buf pem, der;
    rs_buf_init(&pem, 16384);
    rs_buf_init(&der, 16384);
    pem.secret = der.secret = 1;
    if (rc == RS_OK)
        rc = rs_file_read(path, 16384, &pem, err);
    text = rs_buf_bytes(&pem);
    if (rc == RS_OK)
        rc = cert_next_pem(&text, "PRIVATE KEY", &der, err);
    return rc == RS_OK ? crypto_key_from_pkcs8(rs_buf_bytes(&der), ret_key, err) : rc;
}

/* ---- Codes ---------------------------------------------------------------------------------- */

int
cli_read_code(const char *text, char code[21])
{
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    size_t n = 0;

    for (; *text != '\0'; text++) {
        char c = *text;
        if (c == '-' || c == ' ' || c == '\n')
            continue;
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        c = c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c; /* as Crockford reads them */
        if (n == CODE_LEN || strchr(digits, c) == NULL)
            return 0;
        code[n++] = c;
    }
    code[n] = '\0';
    return n == CODE_LEN;
}

void
cli_show_code(const char code[21], char text[25])
{
    size_t n = 0;

    for (size_t i = 0; i < CODE_LEN; i++) {
        if (i > 0 && i % 4 == 0)
            text[n++] = '-';
        text[n++] = code[i];
    }
    text[n] = '\0';
}

rs_code
cli_new_code(char code[21], struct rs_err *err)
{
    return rs_random_text(code, CODE_LEN, err);
}

void
cli_derive(const char *label, const char code[21], uint8_t out[32])
{
    struct rs_bytes parts[] = {rs_bytes_str(label), rs_bytes_str(code)};

    crypto_sha256_parts(parts, 2, out);
}
