/*
 * channel.c: the secrets of parts' channels, all from one master.
 *
 * Two steps, so that what a device is given (the first step's result) opens its own part and
 * says nothing of the master or of another part.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "port.h"

#include <string.h>

#include <openssl/crypto.h>

static const char part_label[] = "rootsmith channel"; /* with its NUL: the zero byte */
static const char keys_label[] = "rootsmith channel keys";

void
rot_port_openssl_channel(struct rot_port_openssl *p, const uint8_t master[ROT_CHANNEL_MASTER_SIZE])
{
    OPENSSL_cleanse(&p->channel, sizeof(p->channel));
    p->channel.kind = master != NULL ? ROT_CHANNEL_MASTER : ROT_CHANNEL_NONE;
    if (master != NULL)
        memcpy(p->channel.secret, master, sizeof(p->channel.secret));
}

static int
is_part(const char *driver, struct rot_bytes uid)
{
    return driver[0] != '\0' && strlen(driver) < ROT_NAME_MAX && uid.len > 0 &&
           uid.len <= ROT_UID_MAX;
}

rot_err
rot_port_openssl_channel_part(struct rot_port_openssl *p, const char *driver, struct rot_bytes uid,
                              const uint8_t secret[ROT_CHANNEL_MASTER_SIZE])
{
    if (!is_part(driver, uid))
        return ROT_E_ARG;
    OPENSSL_cleanse(&p->channel, sizeof(p->channel));
    p->channel.kind = ROT_CHANNEL_PART;
    memcpy(p->channel.secret, secret, sizeof(p->channel.secret));
    memcpy(p->channel.driver, driver, strlen(driver) + 1);
    memcpy(p->channel.uid, uid.p, uid.len);
    p->channel.uid_len = uid.len;
    return ROT_OK;
}

static rot_err
derive(struct rot_port_openssl *p, const uint8_t from[ROT_CHANNEL_MASTER_SIZE],
       struct rot_bytes info, uint8_t *out, size_t len)
{
    struct rot_kdf_params params = {.kdf = ROT_KDF_HKDF_SHA256, .info = info, .out_len = len};

    return port_kdf(p, (struct rot_bytes){from, ROT_CHANNEL_MASTER_SIZE}, &params, out);
}

rot_err
rot_port_openssl_part_secret(struct rot_port_openssl *p, const char *driver, struct rot_bytes uid,
                             uint8_t secret[ROT_CHANNEL_MASTER_SIZE])
{
    uint8_t info[sizeof(part_label) + ROT_NAME_MAX + ROT_UID_MAX];
    size_t name_len = strlen(driver) + 1;

    if (p->channel.kind == ROT_CHANNEL_NONE)
        return ROT_E_EMPTY;
    if (!is_part(driver, uid))
        return ROT_E_PORT;
    if (p->channel.kind == ROT_CHANNEL_PART) {
        if (strcmp(driver, p->channel.driver) != 0 || uid.len != p->channel.uid_len ||
            memcmp(uid.p, p->channel.uid, uid.len) != 0)
            return ROT_E_EMPTY;
        memcpy(secret, p->channel.secret, ROT_CHANNEL_MASTER_SIZE);
        return ROT_OK;
    }
    memcpy(info, part_label, sizeof(part_label));
    memcpy(info + sizeof(part_label), driver, name_len);
    memcpy(info + sizeof(part_label) + name_len, uid.p, uid.len);
    return derive(p, p->channel.secret,
                  (struct rot_bytes){info, sizeof(part_label) + name_len + uid.len}, secret,
                  ROT_CHANNEL_MASTER_SIZE);
}

rot_err
port_channel_secret(void *self, const char *driver, struct rot_bytes uid, uint8_t *secret,
                    size_t len)
{
    struct rot_bytes info = {(const uint8_t *)keys_label, sizeof(keys_label) - 1};
    uint8_t own[ROT_CHANNEL_MASTER_SIZE];
    rot_err rc = rot_port_openssl_part_secret(self, driver, uid, own);

    if (rc == ROT_OK)
        rc = derive(self, own, info, secret, len);
    OPENSSL_cleanse(own, sizeof(own));
    return rc;
}
