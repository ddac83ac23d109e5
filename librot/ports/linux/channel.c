/*
 * channel.c: files that hold the secret of parts' secure channels (rot/linux.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "linux_port.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_START "rootsmith channel part 1 "
#define FILE_MAX   256u
#define PATH_ROOM  4096

/* ---- Reading ----------------------------------------------------------------------------- */

static int
digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Lower-case hexadecimal up to stop; the position behind it, or NULL. */
static const char *
take_hex(const char *p, char stop, uint8_t *out, size_t cap, size_t *ret_len)
{
    size_t n = 0;

    for (; *p != stop; p += 2, n++) {
        if (n == cap || digit(p[0]) < 0 || digit(p[1]) < 0)
            return NULL;
        out[n] = (uint8_t)(digit(p[0]) * 16 + digit(p[1]));
    }
    *ret_len = n;
    return p + 1;
}

/* text ends in a NUL. */
static rot_err
take_part(struct rot_port_openssl *crypto, const char *text)
{
    const char *p = text + strlen(LINE_START), *space = strchr(p, ' ');
    uint8_t uid[ROT_UID_MAX], secret[ROT_CHANNEL_MASTER_SIZE];
    char driver[ROT_NAME_MAX];
    size_t uid_len = 0, len = 0;
    rot_err rc = ROT_E_FORMAT;

    if (space == NULL || (size_t)(space - p) >= sizeof(driver))
        return ROT_E_FORMAT;
    memcpy(driver, p, (size_t)(space - p));
    driver[space - p] = '\0';
    p = take_hex(space + 1, ' ', uid, sizeof(uid), &uid_len);
    if (p != NULL)
        p = take_hex(p, '\n', secret, sizeof(secret), &len);
    if (p != NULL && *p == '\0' && len == sizeof(secret) &&
        rot_port_openssl_channel_part(crypto, driver, (struct rot_bytes){uid, uid_len}, secret) ==
            ROT_OK)
        rc = ROT_OK;
    rot_wipe_memory(secret, sizeof(secret));
    return rc;
}

rot_err
linux_load_channel(struct rot_linux *lin, const char *path)
{
    uint8_t bytes[FILE_MAX + 1];
    size_t len = 0;
    rot_err rc = linux_read_private(path, bytes, FILE_MAX, &len, lin->error);

    if (rc != ROT_OK)
        return rc;
    bytes[len] = '\0';
    if (len == ROT_CHANNEL_MASTER_SIZE) {
        rot_port_openssl_channel(&lin->crypto, bytes);
    } else if (len > strlen(LINE_START) && strlen((const char *)bytes) == len &&
               memcmp(bytes, LINE_START, strlen(LINE_START)) == 0) {
        rc = take_part(&lin->crypto, (const char *)bytes);
    } else {
        rc = ROT_E_FORMAT;
    }
    rot_wipe_memory(bytes, sizeof(bytes));
    return rc == ROT_OK
               ? ROT_OK
               : linux_fail(lin, rc, "%s holds neither a master nor a part's secret", path);
}

/* ---- Writing -------------------------------------------------------------------------------- */

rot_err
rot_channel_make_master(const char *path, char *error)
{
    struct rot_port_openssl crypto;
    uint8_t master[ROT_CHANNEL_MASTER_SIZE];
    rot_err rc;

    if (path == NULL)
        return ROT_E_ARG;
    if (rot_port_openssl_init(&crypto) != ROT_OK)
        return linux_say(error, ROT_E_PORT, "OpenSSL lacks an algorithm");
    rc = linux_make_random(&crypto.port, path, master, error);
    rot_wipe_memory(master, sizeof(master));
    rot_port_openssl_done(&crypto);
    return rc;
}

static size_t
put_hex(char *to, const uint8_t *from, size_t len)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        to[2 * i] = digits[from[i] >> 4];
        to[2 * i + 1] = digits[from[i] & 15];
    }
    return 2 * len;
}

/* Beside it first, then in its place: whoever reads it gets a whole one. */
static rot_err
replace(struct rot_linux *lin, const char *path, const uint8_t *bytes, size_t len)
{
    char fresh[PATH_ROOM];
    int n = snprintf(fresh, sizeof(fresh), "%s.new", path);
    rot_err rc;

    if (n < 0 || (size_t)n >= sizeof(fresh))
        return linux_fail(lin, ROT_E_ARG, "the name of a file is too long");
    (void)unlink(fresh);
    rc = linux_make_private(fresh, bytes, len, lin->error);
    if (rc == ROT_OK && rename(fresh, path) != 0)
        rc = linux_fail(lin, ROT_E_BUS, "cannot make %s: %s", path, strerror(errno));
    return rc;
}

rot_err
rot_channel_write_part(struct rot_linux *lin, struct rot_bytes uid, const char *path)
{
    const char *driver;
    uint8_t secret[ROT_CHANNEL_MASTER_SIZE];
    char line[sizeof(LINE_START) + ROT_NAME_MAX + 2 * ROT_UID_MAX + 2 * sizeof(secret) + 4];
    rot_err rc;
    size_t n;

    if (lin == NULL || path == NULL || lin->setup.driver == NULL)
        return ROT_E_ARG;
    driver = lin->setup.driver->name;
    rc = rot_port_openssl_part_secret(&lin->crypto, driver, uid, secret);
    if (rc != ROT_OK)
        return linux_fail(lin, rc, "there is no channel secret to take a part's own from");
    n = (size_t)snprintf(line, sizeof(line), LINE_START "%.*s ", ROT_NAME_MAX, driver);
    n += put_hex(line + n, uid.p, uid.len);
    line[n++] = ' ';
    n += put_hex(line + n, secret, sizeof(secret));
    line[n++] = '\n';
    rc = replace(lin, path, (const uint8_t *)line, n);
    rot_wipe_memory(secret, sizeof(secret));
    rot_wipe_memory(line, sizeof(line));
    return rc;
}
