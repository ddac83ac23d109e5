/*
 * server.c: a small CA behind the server calls of libest (Debian 13), another vendor's
 * EST.  Built and run in a chroot by tests/prove/libest.sh.
 *
 *   server PORT CA.pem CA.key TLS.pem TLS.key USER CODE
 *
 * Lets in who has a certificate of the CA, or the user with the code; gives whoever
 * was let in a certificate for a day with the subject asked for.  Says "ready" when it
 * listens, and a line for each certificate.  Loopback only; ends with its standard input.
 * Requests need not be linked to their connection (RFC 7030 3.5): libest closes each one
 * after its answer, so that nobody can ask first and bind then.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <est/est.h>

#define DAY_S 86400

static X509 *ca;
static EVP_PKEY *ca_key;
static const char *user, *code;

/* RFC 7030 4.5.2: a key on P-256, ecdsa-with-SHA256. */
static char csrattrs[] = "MCEwFQYHKoZIzj0CATEKBggqhkjOPQMBBwYIKoZIzj0EAwI=";

static void *
read_pem(const char *path, int is_key)
{
    FILE *f = fopen(path, "r");
    void *v = NULL;

    if (f == NULL)
        return NULL;
    v = is_key ? (void *)PEM_read_PrivateKey(f, NULL, NULL, NULL)
               : (void *)PEM_read_X509(f, NULL, NULL, NULL);
    (void)fclose(f);
    return v;
}

/* ---- The CA ------------------------------------------------------------------------------ */

/* The request as it came: DER, or its base64. */
static X509_REQ *
read_request(const unsigned char *bytes, int len)
{
    const unsigned char *at = bytes;
    X509_REQ *req = d2i_X509_REQ(NULL, &at, len);
    unsigned char *text, *der;
    int n = 0, got;

    if (req != NULL)
        return req;
    ERR_clear_error();
    text = malloc((size_t)len + 1);
    der = malloc((size_t)len + 4);
    for (int i = 0; i < len; i++) {
        if (strchr(" \t\r\n", bytes[i]) == NULL)
            text[n++] = bytes[i];
    }
    got = EVP_DecodeBlock(der, text, n);
    at = der;
    if (got > 0)
        req = d2i_X509_REQ(NULL, &at, got);
    free(text);
    free(der);
    return req;
}

static int
add_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *e;
    int ok;

    X509V3_set_ctx(&ctx, ca, cert, NULL, NULL, 0);
    e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    ok = e != NULL && X509_add_ext(cert, e, -1) == 1;
    X509_EXTENSION_free(e);
    return ok;
}

static X509 *
issue(X509_REQ *req)
{
    X509 *cert = X509_new();
    unsigned char serial[16];
    BIGNUM *number;

    (void)RAND_bytes(serial, sizeof(serial));
    serial[0] &= 0x7f;
    number = BN_bin2bn(serial, sizeof(serial), NULL);
    (void)BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
    BN_free(number);
    (void)X509_set_version(cert, 2);
    (void)X509_set_issuer_name(cert, X509_get_subject_name(ca));
    (void)X509_set_subject_name(cert, X509_REQ_get_subject_name(req));
    (void)X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    (void)X509_gmtime_adj(X509_getm_notAfter(cert), DAY_S);
    (void)X509_set_pubkey(cert, X509_REQ_get0_pubkey(req));
    if (!add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") ||
        !add_extension(cert, NID_key_usage, "critical,digitalSignature") ||
        !add_extension(cert, NID_ext_key_usage, "clientAuth") ||
        !add_extension(cert, NID_subject_key_identifier, "hash") ||
        !add_extension(cert, NID_authority_key_identifier, "keyid:always") ||
        X509_sign(cert, ca_key, EVP_sha256()) == 0) {
        X509_free(cert);
        return NULL;
    }
    return cert;
}

/* A certs-only PKCS#7 in base64, as libest sends it on. */
static unsigned char *
wrap(X509 *cert, int *ret_len)
{
    PKCS7 *p7 = PKCS7_new();
    unsigned char *der = NULL, *text = NULL;
    int len;

    if (PKCS7_set_type(p7, NID_pkcs7_signed) == 1 && PKCS7_content_new(p7, NID_pkcs7_data) == 1 &&
        PKCS7_set_detached(p7, 1) == 1 && PKCS7_add_certificate(p7, cert) == 1 &&
        (len = i2d_PKCS7(p7, &der)) > 0) {
        text = malloc((size_t)len * 2 + 8);
        *ret_len = EVP_EncodeBlock(text, der, len);
        OPENSSL_free(der);
    }
    PKCS7_free(p7);
    return text;
}

static int
on_enroll(unsigned char *pkcs10, int p10_len, unsigned char **pkcs7, int *pkcs7_len, char *user_id,
          X509 *peer, char *path, void *data)
{
    X509_REQ *req = read_request(pkcs10, p10_len);
    X509 *cert = NULL;
    char name[256];

    (void)user_id;
    (void)data;
    if (req != NULL && X509_REQ_verify(req, X509_REQ_get0_pubkey(req)) == 1)
        cert = issue(req);
    if (cert != NULL)
        *pkcs7 = wrap(cert, pkcs7_len);
    X509_REQ_free(req);
    if (cert == NULL || *pkcs7 == NULL) {
        printf("refused: no request that holds\n");
        return EST_ERR_CA_ENROLL_FAIL;
    }
    (void)X509_NAME_oneline(X509_get_subject_name(cert), name, sizeof(name));
    printf("issued %s by %s%s%s\n", name, peer != NULL ? "certificate" : "code",
           path != NULL ? " under " : "", path != NULL ? path : "");
    X509_free(cert);
    return EST_ERR_NONE;
}

/* ---- Who may ------------------------------------------------------------------------------- */

static int
on_basic(EST_CTX *ctx, EST_HTTP_AUTH_HDR *header, X509 *peer, char *path, void *data)
{
    (void)ctx;
    (void)peer;
    (void)path;
    (void)data;
    if (header->mode == AUTH_BASIC && header->user != NULL && header->pwd != NULL &&
        strcmp(header->user, user) == 0 && strcmp(header->pwd, code) == 0)
        return EST_HTTP_AUTH;
    return EST_UNAUTHORIZED;
}

/* ---- Start ----------------------------------------------------------------------------------- */

static int
listen_on(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 16) != 0)
        return -1;
    return fd;
}

static EST_CTX *
open_server(char **argv)
{
    static unsigned char chain[65536];
    FILE *f = fopen(argv[2], "rb");
    int len = f != NULL ? (int)fread(chain, 1, sizeof(chain), f) : 0;
    X509 *tls = read_pem(argv[4], 0);
    EVP_PKEY *tls_key = read_pem(argv[5], 1);
    EST_CTX *ctx;

    if (f != NULL)
        (void)fclose(f);
    ca = read_pem(argv[2], 0);
    ca_key = read_pem(argv[3], 1);
    ctx = est_server_init(chain, len, chain, len, EST_CERT_FORMAT_PEM, "estrealm", tls, tls_key);
    if (ctx == NULL || ca == NULL || ca_key == NULL)
        return NULL;
    if (est_set_ca_enroll_cb(ctx, on_enroll) != EST_ERR_NONE ||
        est_set_ca_reenroll_cb(ctx, on_enroll) != EST_ERR_NONE ||
        est_set_http_auth_cb(ctx, on_basic) != EST_ERR_NONE ||
        est_set_http_auth_required(ctx, HTTP_AUTH_NOT_REQUIRED) != EST_ERR_NONE ||
        est_server_set_auth_mode(ctx, AUTH_BASIC) != EST_ERR_NONE ||
        est_server_disable_pop(ctx) != EST_ERR_NONE ||
        est_server_init_csrattrs(ctx, csrattrs, (int)strlen(csrattrs)) != EST_ERR_NONE ||
        est_server_start(ctx) != EST_ERR_NONE)
        return NULL;
    return ctx;
}

int
main(int argc, char **argv)
{
    EST_CTX *ctx;
    int fd;

    if (argc != 8) {
        (void)fprintf(stderr, "server PORT CA.pem CA.key TLS.pem TLS.key USER CODE\n");
        return 2;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    est_apps_startup();
    user = argv[6];
    code = argv[7];
    ctx = open_server(argv);
    fd = listen_on(atoi(argv[1]));
    if (ctx == NULL || fd < 0) {
        ERR_print_errors_fp(stderr);
        return 1;
    }
    printf("ready\n");
    for (;;) {
        struct pollfd p[2] = {{.fd = fd, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
        int client;
        if (poll(p, 2, -1) < 0 || p[1].revents != 0)
            break;
        client = accept(fd, NULL, NULL);
        if (client >= 0) {
            (void)est_server_handle_request(ctx, client);
            (void)close(client);
        }
    }
    est_server_stop(ctx);
    est_destroy(ctx);
    return 0;
}
