/*
 * golden.c: the table for people, and the golden file of a model.
 *
 * A line per object, in the layout's order, so that a change reads as a diff:
 *
 *   "idevid": {"alg": 1, "cert": 72, "chain": 72, "data": 0, "chip": ["sign"...], "host": []}
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#define GOLDEN_MAX 65536

const char *const suite_primitive_names[ROT_PRIMITIVES] = {
    [ROT_CAN_RANDOM] = "random",     [ROT_CAN_GENERATE] = "generate", [ROT_CAN_PUBLIC] = "public",
    [ROT_CAN_IMPORT] = "import",     [ROT_CAN_DELETE] = "delete",     [ROT_CAN_SIGN] = "sign",
    [ROT_CAN_VERIFY] = "verify",     [ROT_CAN_AGREE] = "agree",       [ROT_CAN_DERIVE] = "derive",
    [ROT_CAN_MAC] = "mac",           [ROT_CAN_AEAD] = "aead",         [ROT_CAN_READ] = "read",
    [ROT_CAN_WRITE] = "write",       [ROT_CAN_COUNT] = "count",       [ROT_CAN_ATTEST] = "attest",
    [ROT_CAN_SEAL] = "seal",         [ROT_CAN_WIPE] = "wipe",         [ROT_CAN_CHANNEL] = "channel",
    [ROT_CAN_ACTIVATE] = "activate",
};

void
suite_print_table(const struct suite *s, FILE *out)
{
    static const char *const words[] = {"?", ".", "-", "yes", "form", "WRONG"};

    fprintf(out, "%-12s", "");
    for (size_t p = 0; p < ROT_PRIMITIVES; p++)
        fprintf(out, "%-6.5s", suite_primitive_names[p]);
    fprintf(out, "\n");
    for (size_t i = 0; i < s->count; i++) {
        fprintf(out, "%-12s", s->objects[i].name);
        for (size_t p = 0; p < ROT_PRIMITIVES; p++)
            fprintf(out, "%-6s", words[s->objects[i].outcome[p]]);
        fprintf(out, "\n");
    }
    fprintf(out, "yes: offered and done; form: offered, in a form of its own; -: unsupported, "
                 "as said; .: n/a\n");
}

static void
print_names(FILE *f, const struct rot_capability *cap, enum rot_where where)
{
    const char *comma = "";

    fputc('[', f);
    for (size_t p = 0; p < ROT_PRIMITIVES; p++) {
        if (cap->where[p] != where)
            continue;
        fprintf(f, "%s\"%s\"", comma, suite_primitive_names[p]);
        comma = ", ";
    }
    fputc(']', f);
}

static void
print_golden(const struct suite *s, FILE *f)
{
    fprintf(f, "{\n  \"driver\": \"%s\",\n  \"model\": \"%s\",\n  \"layout\": \"%s\",\n",
            s->lin.setup.driver->name, s->identity.model, s->layout->name);
    fprintf(f, "  \"objects\": {\n");
    for (size_t i = 0; i < s->count; i++) {
        const struct rot_capability *c = &s->objects[i].cap;

        fprintf(f,
                "    \"%s\": {\"alg\": %u, \"cert\": %u, \"chain\": %u, \"data\": %u, \"chip\": ",
                s->objects[i].name, c->alg, c->cert_size, c->chain_size, c->data_size);
        print_names(f, c, ROT_IN_CHIP);
        fprintf(f, ", \"host\": ");
        print_names(f, c, ROT_ON_HOST);
        fprintf(f, "}%s\n", i + 1 < s->count ? "," : "");
    }
    fprintf(f, "  }\n}\n");
}

/* 1 when the file says what the chip does, or was written. */
int
suite_golden(struct suite *s, const char *path, int write_it)
{
    static char have[GOLDEN_MAX], want[GOLDEN_MAX];
    FILE *f = fmemopen(want, sizeof(want) - 1, "w");
    size_t n;

    if (f == NULL)
        return 0;
    print_golden(s, f);
    (void)fclose(f);
    f = fopen(path, write_it ? "w" : "r");
    if (f == NULL) {
        printf("cannot open %s\n", path);
        return 0;
    }
    if (write_it) {
        fputs(want, f);
        return fclose(f) == 0;
    }
    n = fread(have, 1, sizeof(have) - 1, f);
    (void)fclose(f);
    have[n] = '\0';
    if (strcmp(have, want) == 0)
        return 1;
    printf("%s differs; the chip says now:\n%s", path, want);
    return 0;
}
