/*
 * chip_words.c: the words for what librot has numbers for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "cli/chip.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

const char *
desk_life_name(enum rot_lifecycle life)
{
    static const char *const names[] = {"unknown",     "blank",  "configured",
                                        "provisioned", "sealed", "end of life"};

    return (size_t)life < COUNT(names) ? names[life] : names[0];
}

const char *
desk_protection_name(unsigned protection)
{
    static const char *const names[] = {"none", "default", "own"};

    return protection < COUNT(names) ? names[protection] : "unknown";
}

const char *
desk_primitive_name(unsigned primitive)
{
    static const char *const names[ROT_PRIMITIVES] = {
        [ROT_CAN_RANDOM] = "random",     [ROT_CAN_GENERATE] = "generate",
        [ROT_CAN_PUBLIC] = "public",     [ROT_CAN_IMPORT] = "import",
        [ROT_CAN_DELETE] = "delete",     [ROT_CAN_SIGN] = "sign",
        [ROT_CAN_VERIFY] = "verify",     [ROT_CAN_AGREE] = "agree",
        [ROT_CAN_DERIVE] = "derive",     [ROT_CAN_MAC] = "mac",
        [ROT_CAN_AEAD] = "aead",         [ROT_CAN_READ] = "read",
        [ROT_CAN_WRITE] = "write",       [ROT_CAN_COUNT] = "count",
        [ROT_CAN_ATTEST] = "attest",     [ROT_CAN_SEAL] = "seal",
        [ROT_CAN_WIPE] = "wipe",         [ROT_CAN_CHANNEL] = "channel",
        [ROT_CAN_ACTIVATE] = "activate",
    };

    return primitive < COUNT(names) ? names[primitive] : "";
}

void
desk_short_hex(const struct cli *cli, struct rs_bytes bytes, char out[24])
{
    char head[9], tail[5];

    if (bytes.len <= 9) {
        rs_hex(bytes, out, 24);
        return;
    }
    rs_hex(rs_bytes_of(bytes.p, 4), head, sizeof(head));
    rs_hex(rs_bytes_of(bytes.p + bytes.len - 2, 2), tail, sizeof(tail));
    (void)snprintf(out, 24, "%s%s%s", head, cli_sign(cli, '.'), tail);
}

/* Slots are counted; handles and object ids are read as they stand in data sheets. */
void
desk_where(const struct rot_place *place, char out[24])
{
    (void)snprintf(out, 24, place->where > 255 ? "0x%04lx" : "%lu", (unsigned long)place->where);
}

const char *
desk_no_wipe(const char *driver)
{
    static const struct {
        const char *driver, *why;
    } rows[] = {
        {"atecc", "an ATECC608 has no command that erases: slots are overwritten one by one "
                  "(chip genkey, chip write) until they are locked, and locks stay"},
        {"stsafe", "an STSAFE-A has no command that erases zones or keys: they are overwritten one "
                   "by one (chip genkey, chip write) until their conditions are closed"},
        {"optiga",
         "an OPTIGA Trust M has no command that erases: objects are overwritten one by one "
         "(chip genkey, chip write) until their life cycle is operational"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        if (strcmp(rows[i].driver, driver) == 0)
            return rows[i].why;
    }
    return "this part has no command that undoes what was written";
}
