/*
 * object.c: the directory, the memory behind it, and the one door to it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "sims/optiga/chip.h"
#include "sims/optiga/uncertain.h"

#define EC_SIZE       SIM_KEY_MAX
#define RSA_SIZE      (2 * OPTIGA_RSA_MAX + 4)
#define AES_SIZE      32
#define DATA_SIZE_MAX 1728

#define DATA(oid, size, name)      {oid, size, OPTIGA_KIND_DATA, 0, name}
#define KEY(oid, size, kind, name) {oid, size, kind, 0, name}

/* Section 6. */
static const struct optiga_place places[OPTIGA_OBJECT_COUNT] = {
    DATA(0xE0C0, 1, "global life cycle"),
    DATA(0xE0C1, 1, "global security status"),
    DATA(0xE0C2, OPTIGA_UID_SIZE, "coprocessor UID"),
    DATA(0xE0C3, 1, "sleep delay"),
    DATA(0xE0C4, 1, "current limit"),
    DATA(0xE0C5, 1, "security event counter"),
    DATA(0xE0C6, 2, "largest APDU"),
    {0xE0C9, OPTIGA_MONITOR_SIZE, OPTIGA_KIND_DATA, 1, "security monitor"},
    DATA(0xE0E0, 1728, "certificate 1, of the vendor"),
    DATA(0xE0E1, 1728, "certificate 2"),
    DATA(0xE0E2, 1728, "certificate 3"),
    DATA(0xE0E3, 1728, "certificate 4"),
    DATA(0xE0E8, 1200, "trust anchor 1"),
    DATA(0xE0E9, 1200, "trust anchor 2"),
    DATA(0xE0EF, 1200, "trust anchor, platform integrity"),
    KEY(0xE0F0, EC_SIZE, OPTIGA_KIND_EC, "ECC key 1, of the vendor"),
    KEY(0xE0F1, EC_SIZE, OPTIGA_KIND_EC, "ECC key 2"),
    KEY(0xE0F2, EC_SIZE, OPTIGA_KIND_EC, "ECC key 3"),
    KEY(0xE0F3, EC_SIZE, OPTIGA_KIND_EC, "ECC key 4"),
    KEY(0xE0FC, RSA_SIZE, OPTIGA_KIND_RSA, "RSA key 1"),
    KEY(0xE0FD, RSA_SIZE, OPTIGA_KIND_RSA, "RSA key 2"),
    DATA(0xE120, 8, "counter 1"),
    DATA(0xE121, 8, "counter 2"),
    DATA(0xE122, 8, "counter 3"),
    DATA(0xE123, 8, "counter 4"),
    DATA(0xE140, 64, "platform binding secret"),
    {0xE200, AES_SIZE, OPTIGA_KIND_AES, 1, "AES key"},
    DATA(0xF1C0, 1, "application life cycle"),
    DATA(0xF1C1, 1, "application security status"),
    DATA(0xF1C2, 1, "last error"),
    DATA(0xF1D0, 140, "data 1"),
    DATA(0xF1D1, 140, "data 2"),
    DATA(0xF1D2, 140, "data 3"),
    DATA(0xF1D3, 140, "data 4"),
    DATA(0xF1D4, 140, "data 5"),
    DATA(0xF1D5, 140, "data 6"),
    DATA(0xF1D6, 140, "data 7"),
    DATA(0xF1D7, 140, "data 8"),
    DATA(0xF1D8, 140, "data 9"),
    DATA(0xF1D9, 140, "data 10"),
    DATA(0xF1DA, 140, "data 11"),
    DATA(0xF1DB, 140, "data 12"),
    DATA(0xF1E0, 1500, "large data 1"),
    DATA(0xF1E1, 1500, "large data 2"),
};

void
optiga_objects_init(struct optiga_chip *c)
{
    size_t at = 0;

    c->object_count = 0;
    for (size_t i = 0; i < OPTIGA_OBJECT_COUNT; i++) {
        struct optiga_object *o = &c->objects[c->object_count];

        if (places[i].v3_only && !c->v3)
            continue;
        memset(o, 0, sizeof(*o));
        o->place = &places[i];
        o->at = at;
        at += places[i].size;
        c->object_count++;
    }
}

struct optiga_object *
optiga_object(struct optiga_chip *c, unsigned oid)
{
    for (size_t i = 0; i < c->object_count; i++)
        if (c->objects[i].place->oid == oid)
            return &c->objects[i];
    return NULL;
}

struct optiga_session *
optiga_session(struct optiga_chip *c, unsigned oid)
{
    if (oid < OPTIGA_OID_SESSION || oid >= OPTIGA_OID_SESSION + OPTIGA_SESSION_COUNT)
        return NULL;
    return &c->app.kept.sessions[oid - OPTIGA_OID_SESSION];
}

uint8_t *
optiga_data(struct optiga_chip *c, const struct optiga_object *o)
{
    return c->memory + o->at;
}

uint8_t *
optiga_byte(struct optiga_chip *c, unsigned oid)
{
    const struct optiga_object *o = optiga_object(c, oid);

    if (o == NULL)
        abort(); /* every part has it; a caller that asks for another is wrong */
    return optiga_data(c, o);
}

size_t
optiga_key_size(unsigned alg)
{
    const struct optiga_curve *curve = optiga_curve(alg);

    if (curve != NULL)
        return curve->size;
    if (alg >= OPTIGA_ALG_AES_128 && alg <= OPTIGA_ALG_AES_256)
        return 16 + 8 * (size_t)(alg - OPTIGA_ALG_AES_128);
    return optiga_rsa_key_size(alg);
}

int
optiga_has_algorithm(const struct optiga_chip *c, unsigned alg)
{
    const struct optiga_curve *curve = optiga_curve(alg);

    if (curve != NULL)
        return c->v3 || !curve->v3_only;
    return optiga_key_size(alg) > 0 && (c->v3 || optiga_rsa_size(alg) > 0);
}

size_t
optiga_used(const struct optiga_object *o)
{
    if (o->place->kind != OPTIGA_KIND_DATA)
        return o->meta.has & OPTIGA_HAS_ALG ? optiga_key_size(o->meta.alg) : 0;
    return o->meta.has & OPTIGA_HAS_USED ? o->meta.used : o->place->size;
}

struct rs_bytes
optiga_content(struct optiga_chip *c, const struct optiga_object *o)
{
    return rs_bytes_of(optiga_data(c, o), optiga_used(o));
}

/* ---- Writes ------------------------------------------------------------------------------- */

/* How much of a write of len bytes gets through. */
static size_t
through(const struct optiga_chip *c, size_t len, int whole)
{
    size_t n = len;

    if (c->tear_after < 0)
        n = len / 2;
    else if ((size_t)c->tear_after < len)
        n = (size_t)c->tear_after;
    return whole && n < len ? 0 : n;
}

static int
stored(struct optiga_chip *c)
{
    c->host->stored(c->host->self);
    return c->tear_after == INT_MAX ? OPTIGA_OK : OPTIGA_LOST;
}

int
optiga_store_whole(struct optiga_chip *c, void *at, const void *bytes, size_t len)
{
    if (through(c, len, 1) == len)
        memcpy(at, bytes, len);
    return stored(c);
}

static int
store_used(struct optiga_chip *c, struct optiga_object *o, size_t used)
{
    struct optiga_meta meta = o->meta;

    if (!(meta.has & OPTIGA_HAS_USED) || meta.used == used)
        return OPTIGA_OK;
    meta.used = (uint16_t)used;
    return optiga_store_whole(c, &o->meta, &meta, sizeof(meta));
}

int
optiga_store_data(struct optiga_chip *c, struct optiga_object *o, size_t offset,
                  const uint8_t *bytes, size_t len, int erase)
{
    uint8_t image[DATA_SIZE_MAX] = {0}, *data = optiga_data(c, o);
    size_t size = o->place->size, used = optiga_used(o), end = offset + len;
    int status, whole = size <= OPTIGA_U_ATOMIC_MAX && c->quirk != OPTIGA_QUIRK_TEAR;

    if (o->place->oid == OPTIGA_OID_MONITOR)
        optiga_monitor_settle(c); /* by the settings that held until now */
    if (erase) {
        memcpy(image + offset, bytes, len);
        memcpy(data, image, through(c, size, whole));
    } else {
        memcpy(data + offset, bytes, through(c, len, whole));
    }
    if (erase || end > used)
        used = end;
    status = stored(c);
    if (status == OPTIGA_OK && o->place->oid == OPTIGA_OID_MONITOR)
        optiga_monitor_adopt(c);
    return status == OPTIGA_OK ? store_used(c, o, used) : status;
}

int
optiga_store_key(struct optiga_chip *c, struct optiga_object *o, uint8_t alg, uint8_t usage,
                 const uint8_t *key, size_t len)
{
    if (through(c, len, 1) == len) {
        memset(optiga_data(c, o), 0, o->place->size);
        memcpy(optiga_data(c, o), key, len);
        o->meta.alg = alg;
        o->meta.usage = usage;
        o->meta.has |= OPTIGA_HAS_ALG | OPTIGA_HAS_USAGE;
    }
    return stored(c);
}
