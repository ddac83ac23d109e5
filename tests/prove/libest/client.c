/*
 * client.c: a small program around the client calls of libest (Debian 13), another
 * vendor's EST.  Built and run in a chroot by tests/prove/libest.sh.
 *
 *   client HOST PORT ROOTS.pem WHO WHAT [KEY.pem CN] OUT
 *
 * No label: Debian builds libest without them.
 *
 * WHO    "-": nobody; USER:CODE; or the path of NAME.pem, beside which is NAME.key
 * WHAT   cacerts, csrattrs, enroll (KEY.pem is the new key), reenroll (KEY.pem renews WHO)
 * OUT    gets what came back, as libest hands it over
 *
 * The last line of its output is "status N", or "error TEXT (status N)".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <est/est.h>

static unsigned char roots[65536];

static int
read_file(const char *path, unsigned char *room, int cap)
{
    FILE *f = fopen(path, "rb");
    int n = f != NULL ? (int)fread(room, 1, (size_t)cap, f) : 0;

    if (f != NULL)
        (void)fclose(f);
    return n;
}

static EVP_PKEY *
read_key(const char *path)
{
    FILE *f = fopen(path, "r");
    EVP_PKEY *key = f != NULL ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;

    if (f != NULL)
        (void)fclose(f);
    return key;
}

static X509 *
read_cert(const char *path)
{
    FILE *f = fopen(path, "r");
    X509 *cert = f != NULL ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;

    if (f != NULL)
        (void)fclose(f);
    return cert;
}

/* Called when libest's own judgement of the server failed: it stands. */
static int
on_verify(X509 *cert, int error)
{
    (void)cert;
    (void)fprintf(stderr, "server certificate: error %d\n", error);
    return 0;
}

static X509 *own;

static EST_ERROR
set_who(EST_CTX *ctx, char *who)
{
    char key[1024];
    char *colon = strchr(who, ':');
    size_t n = strlen(who);

    if (strcmp(who, "-") == 0)
        return EST_ERR_NONE;
    if (colon != NULL) {
        *colon = '\0';
        return est_client_set_auth(ctx, who, colon + 1, NULL, NULL);
    }
    (void)snprintf(key, sizeof(key), "%.*s.key", (int)(n > 4 ? n - 4 : n), who);
    own = read_cert(who);
    return est_client_set_auth(ctx, "", "", own, read_key(key));
}

static int
save(const char *path, const unsigned char *bytes, int len)
{
    FILE *f = fopen(path, "wb");

    if (f == NULL || fwrite(bytes, 1, (size_t)len, f) != (size_t)len)
        return 0;
    return fclose(f) == 0;
}

/* What was asked for; its bytes are malloc'd. */
static EST_ERROR
ask(EST_CTX *ctx, const char *what, char **words, unsigned char **ret, int *ret_len)
{
    unsigned char *csr = NULL;
    EST_ERROR rc;

    if (strcmp(what, "cacerts") == 0)
        rc = est_client_get_cacerts(ctx, ret_len);
    else if (strcmp(what, "csrattrs") == 0)
        rc = est_client_get_csrattrs(ctx, &csr, ret_len);
    else if (strcmp(what, "enroll") == 0)
        rc = est_client_enroll(ctx, words[1], ret_len, read_key(words[0]));
    else
        rc = est_client_reenroll(ctx, own, ret_len, read_key(words[0]));
    if (rc != EST_ERR_NONE)
        return rc;
    *ret = calloc(1, (size_t)*ret_len + 1);
    if (strcmp(what, "cacerts") == 0)
        return est_client_copy_cacerts(ctx, *ret);
    if (strcmp(what, "csrattrs") != 0)
        return est_client_copy_enrolled_cert(ctx, *ret);
    memcpy(*ret, csr, (size_t)*ret_len);
    return EST_ERR_NONE;
}

int
main(int argc, char **argv)
{
    const char *what = argc > 5 ? argv[5] : "";
    int enrols = strcmp(what, "enroll") == 0 || strcmp(what, "reenroll") == 0;
    unsigned char *answer = NULL;
    int len = 0;
    EST_CTX *ctx;
    EST_ERROR rc;

    if (argc != (enrols ? 9 : 7)) {
        (void)fprintf(stderr, "client HOST PORT ROOTS WHO WHAT [KEY CN] OUT\n");
        return 2;
    }
    est_apps_startup();
    len = read_file(argv[3], roots, sizeof(roots));
    ctx = est_client_init(roots, len, EST_CERT_FORMAT_PEM, on_verify);
    if (ctx == NULL) {
        (void)fprintf(stderr, "no context: are the roots PEM?\n");
        return 2;
    }
    (void)est_client_set_read_timeout(ctx, 30);
    rc = set_who(ctx, argv[4]);
    if (rc == EST_ERR_NONE)
        rc = est_client_set_server(ctx, argv[1], atoi(argv[2]), NULL);
    if (rc == EST_ERR_NONE)
        rc = ask(ctx, what, argv + 6, &answer, &len);
    if (rc != EST_ERR_NONE)
        printf("error %s (status %d)\n", EST_ERR_NUM_TO_STR(rc),
               est_client_get_last_http_status(ctx));
    else if (!save(argv[argc - 1], answer, len))
        printf("error cannot write %s\n", argv[argc - 1]);
    else
        printf("status %d\n", est_client_get_last_http_status(ctx));
    free(answer);
    est_destroy(ctx);
    est_apps_shutdown();
    return rc != EST_ERR_NONE;
}
