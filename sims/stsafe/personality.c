/*
 * personality.c: the three parts, as they are delivered.
 *
 * An evaluation part: private key in slot 0 and its certificate in zone 0, no
 * host keys, empty zones.  The partition is that of a real A110.  The maker is
 * imaginary (common/ca.h), and its names say so; the certificate's serial
 * number is what a real one's is, so that hosts find the part's number there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "sims/common/ca.h"
#include "sims/stsafe/chip.h"
#include "sims/stsafe/uncertain.h"

#define CURVE(name) (1u << SIM_CURVE_##name)
#define CURVES_A1XX (CURVE(P256) | CURVE(P384) | CURVE(BP256) | CURVE(BP384))
#define CURVES_A120 (CURVES_A1XX | CURVE(P521) | CURVE(BP512) | CURVE(ED25519) | CURVE(X25519))
/* Nine records: LoRa and MACs never, envelopes for the host, keys free, ciphers never. */
#define RECORDS_A1XX                                                                               \
    {0x00, 9, 0x08, 0, 0, 0x09, 0, 0, 0x0A, 0, 0, 0x0E, 3, 2, 0x0F,                                \
     3,    1, 0x16, 1, 0, 0x18, 1, 0, 0x1B, 0, 0, 0x1C, 0, 0}
#define ZONE_0_ACCESS 0x07 /* read always, update never */
#define CERT_MAX      1000

static const struct stsafe_spec specs[STSAFE_KIND_COUNT] = {
    [STSAFE_A100] = {.kind = STSAFE_A100,
                     .name = "STSAFE-A100",
                     .personality = "blank-a100",
                     .mask_id = STSAFE_U_MASK_A100,
                     .frame_max = 507,
                     .nvm_size = STSAFE_U_NVM_A100,
                     .host_counter_size = 3,
                     .private_slots = 2,
                     .public_slots = 1,
                     .curves = CURVES_A1XX,
                     .records = RECORDS_A1XX},
    [STSAFE_A110] = {.kind = STSAFE_A110,
                     .name = "STSAFE-A110",
                     .personality = "blank-a110",
                     .mask_id = {0xAA, 0x46, 0x02},
                     .frame_max = 507,
                     .nvm_size = 6376,
                     .extra_fields = 5,
                     .host_counter_size = 3,
                     .private_slots = 2,
                     .public_slots = 1,
                     .curves = CURVES_A1XX,
                     .records = RECORDS_A1XX},
    [STSAFE_A120] = {.kind = STSAFE_A120,
                     .name = "STSAFE-A120",
                     .personality = "blank-a120",
                     .mask_id = {0xAA, 0x60, 0x01},
                     .frame_max = 752,
                     .nvm_size = STSAFE_U_NVM_A120,
                     .host_counter_size = 4,
                     .private_slots = 5,
                     .public_slots = STSAFE_U_PUBLIC_SLOTS_A120,
                     .symmetric_slots = 16,
                     .curves = CURVES_A120,
                     .records = STSAFE_U_RECORDS_A120},
};

const struct stsafe_spec *
stsafe_spec_find(const char *personality)
{
    for (size_t i = 0; i < STSAFE_KIND_COUNT; i++)
        if (strcmp(specs[i].personality, personality) == 0)
            return &specs[i];
    return NULL;
}

static void
put_zones(struct stsafe_nvm *nvm)
{
    static const struct {
        uint8_t type;
        uint16_t size;
    } rows[STSAFE_ZONES_MAX] = {{0, 1000}, {0, 700}, {0, 600}, {0, 600},
                                {0, 1696}, {1, 64},  {1, 64},  {0, 1578}};
    uint16_t at = 0;

    memset(nvm->memory, STSAFE_U_BLANK_FILL, sizeof(nvm->memory));
    for (unsigned i = 0; i < STSAFE_ZONES_MAX; i++) {
        nvm->zones[i] =
            (struct stsafe_zone){.type = rows[i].type,
                                 .access = i == 0 ? ZONE_0_ACCESS : STSAFE_U_ZONE_ACCESS,
                                 .size = rows[i].size,
                                 .at = at,
                                 .counter = rows[i].type == 1 ? STSAFE_U_COUNTER_VALUE : 0};
        at = (uint16_t)(at + rows[i].size);
    }
    nvm->zone_count = STSAFE_ZONES_MAX;
}

static void
put_records(struct stsafe_nvm *nvm, const struct stsafe_spec *spec)
{
    nvm->record_change = spec->records[0];
    nvm->record_count = spec->records[1];
    for (unsigned i = 0; i < nvm->record_count; i++) {
        const uint8_t *row = spec->records + 2 + (size_t)3 * i;

        nvm->records[i] =
            (struct stsafe_record){.code = row[0], .access = row[1], .encrypted = row[2]};
    }
}

static void
put_controls(struct stsafe_nvm *nvm, const struct stsafe_spec *spec)
{
    nvm->host_control =
        (struct stsafe_control){.flags = STSAFE_U_CONTROL, .slot = STSAFE_U_CONTROL_SLOT};
    for (unsigned slot = 0; slot < spec->symmetric_slots; slot++)
        nvm->symmetric_control[slot] = (struct stsafe_control){.flags = STSAFE_U_SYMMETRIC_CONTROL,
                                                               .slot = STSAFE_U_CONTROL_SLOT,
                                                               .other_slot = STSAFE_U_CONTROL_SLOT};
    for (unsigned slot = 0; spec->kind == STSAFE_A120 && slot < spec->public_slots; slot++)
        nvm->public_keys[slot].rights = STSAFE_U_PUBLIC_RIGHTS;
}

/* The maker's key in slot 0, and the certificate over it in zone 0. */
static rs_code
put_identity(struct stsafe_chip *c, struct sim_ca *ca, struct rs_err *err)
{
    struct stsafe_private *key = &c->nvm.private_keys[0];
    uint8_t point[SIM_POINT_MAX], serial[2 + STSAFE_NUMBER_SIZE] = {0x02, STSAFE_NUMBER_SIZE};
    char number[2 * STSAFE_NUMBER_SIZE + 1], name[48];
    struct rs_buf der;

    if (!sim_curve_draw(SIM_CURVE_P256, c->run.host->random, c->run.host->self, key->key) ||
        !sim_curve_public(SIM_CURVE_P256, key->key, point))
        return rs_fail(err, RS_E_CRYPTO_RANDOM, "simulator: no private key could be drawn");
    key->curve = SIM_CURVE_P256;
    key->uses = STSAFE_UNLIMITED;
    key->mode = STSAFE_U_MODE_SIGN;
    memcpy(serial + 2, c->nvm.number, STSAFE_NUMBER_SIZE);
    rs_hex(RS_BYTES(c->nvm.number), number, sizeof(number));
    (void)snprintf(name, sizeof(name), "%s %s", c->spec->name, number);
    rs_buf_init_fixed(&der, c->nvm.memory, CERT_MAX);
    return sim_ca_issue_numbered(ca, name, RS_BYTES(serial), point, &der, err);
}

rs_code
stsafe_personality_apply(struct stsafe_chip *c, const struct sim_create *how, struct rs_err *err)
{
    struct stsafe_nvm *nvm = &c->nvm;

    if (how->ca == NULL)
        return rs_fail(err, RS_E_USAGE, "simulator: %s needs its maker", how->personality);
    nvm->number[0] = 0xA0;
    memcpy(nvm->number + 1, how->unique, sizeof(how->unique));
    nvm->life_cycle = STSAFE_OPERATIONAL;
    nvm->i2c.address = STSAFE_DEFAULT_ADDRESS << 1;
    put_zones(nvm);
    put_records(nvm, c->spec);
    put_controls(nvm, c->spec);
    for (unsigned slot = 1; slot < c->spec->private_slots; slot++)
        nvm->private_keys[slot].mode = STSAFE_U_MODE_EMPTY;
    return put_identity(c, how->ca, err);
}
