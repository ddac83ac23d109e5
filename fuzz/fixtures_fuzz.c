/*
 * fixtures_fuzz.c: hostile fixtures files.
 *
 * What is read holds what the rest of the station relies on: every index is
 * inside its table, every address is one, every nest is on an adapter or names
 * its chip, and each that makes boards has its references if there are any.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "station/nests.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int holds)
{
    if (!holds)
        abort();
}

static int
is_text(const char *p, size_t size)
{
    return memchr(p, '\0', size) != NULL;
}

static void
check_adapter(const struct adapter *a)
{
    must(is_text(a->name, sizeof(a->name)) && a->name[0] != '\0');
    must(is_text(a->usb, sizeof(a->usb)) && is_text(a->sim, sizeof(a->sim)));
    must((a->usb[0] != '\0') == (a->kind == ADAPTER_USB));
    must((a->sim[0] != '\0') == (a->kind == ADAPTER_SIM));
    must(a->bus <= 63 && a->mux <= MUX_OURS);
    must(a->mux == MUX_OURS ? a->mux_address >= 0x70 && a->mux_address <= 0x77
                            : a->mux_address == 0);
}

static void
check_line(const struct nest_line *line)
{
    must(line->kind <= LINE_SIM && is_text(line->where, sizeof(line->where)));
    must((line->where[0] == '\0') == (line->kind == LINE_NONE));
    must(strstr(line->where, "..") == NULL || line->kind != LINE_SYSFS);
}

static void
check_nest(const struct nest_file *f, const struct nest *n)
{
    char place[NEST_PATH_MAX];
    const struct adapter *a = nests_adapter(f, n);

    must(n->adapter >= -1 && n->adapter < (int)f->adapter_count);
    must((n->chip[0] != '\0') == (a == NULL));
    must(n->channel >= -1 && n->channel <= 7);
    must((n->channel >= 0) == (a != NULL && a->mux != MUX_NONE));
    must(a == NULL ? n->address_count == 0 : n->address_count >= 1 && n->part[0] != '\0');
    must(n->address_count <= NEST_ADDRESSES_MAX);
    for (size_t i = 0; i < n->address_count; i++)
        must(n->addresses[i] >= 0x08 && n->addresses[i] <= 0x77);
    check_line(&n->power);
    check_line(&n->reset);
    nests_place(f, n, place);
    must(is_text(place, sizeof(place)) && place[0] != '\0');
}

static void
check_references(const struct nest_file *f)
{
    int boards = 0;

    for (size_t i = 0; i < f->reference_count; i++) {
        const struct nest_reference *ref = &f->references[i];
        must(ref->is_golden ? ref->certificate[0] != '\0' && ref->uid_len == 0
                            : ref->uid_len >= 1 && rs_code_find(ref->defect) != NULL);
        must(ref->uid_len <= sizeof(ref->uid));
    }
    for (size_t i = 0; i < f->nest_count; i++) {
        int has[2] = {0, 0};
        for (size_t k = 0; k < f->reference_count; k++) {
            if (nests_reference_fits(&f->references[k], &f->nests[i]))
                has[f->references[k].is_golden != 0]++;
        }
        must(f->reference_count == 0 ||
             (f->nests[i].is_reference ? has[0] + has[1] == 1 : has[0] > 0 && has[1] > 0));
        boards += !f->nests[i].is_reference;
    }
    must(boards > 0 && f->every_s >= 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct nest_file file;
    struct rs_err err = {0};
    rs_code rc;
    RS_AUTO(rs_buf_done) struct rs_buf said;

    rs_buf_init(&said, 1u << 20);
    rc = nests_parse("f/fixtures.yaml", rs_bytes_of(data, size), &file, &said, &err);
    if (rc != RS_OK) {
        must(rc == RS_E_CONFIG_INVALID && said.len > 0);
        return 0;
    }
    must(said.len == 0 && file.adapter_count <= NESTS_MAX && file.nest_count <= NESTS_MAX);
    must(file.nest_count > 0 && file.reference_count <= NEST_REFERENCES_MAX);
    for (size_t i = 0; i < file.adapter_count; i++)
        check_adapter(&file.adapters[i]);
    for (size_t i = 0; i < file.nest_count; i++)
        check_nest(&file, &file.nests[i]);
    check_references(&file);
    return 0;
}
