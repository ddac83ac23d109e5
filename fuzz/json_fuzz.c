/*
 * json_fuzz.c: JSON that is accepted keeps within the limits of json.h, and
 * written again it reads and writes the same; a refusal is safe to show.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_limits(const json_t *j, unsigned depth)
{
    const char *key;
    json_t *value;
    size_t i;

    if (depth > 8 || json_object_size(j) > 256)
        abort();
    if (json_is_array(j)) {
        json_array_foreach(j, i, value)
            check_limits(value, depth + (json_is_object(value) || json_is_array(value)));
        return;
    }
    for (void *at = json_object_iter((json_t *)(uintptr_t)j); at != NULL;
         at = json_object_iter_next((json_t *)(uintptr_t)j, at)) {
        key = json_object_iter_key(at);
        value = json_object_iter_value(at);
        if (strlen(key) > 1u << 20)
            abort();
        check_limits(value, depth + (json_is_object(value) || json_is_array(value)));
    }
}

static void
check_again(const json_t *j, size_t size)
{
    RS_AUTO(rs_json_done) json_t *again = NULL;
    RS_AUTO(rs_buf_done) struct rs_buf first, second;

    rs_buf_init(&first, size * 8 + 64);
    rs_buf_init(&second, size * 8 + 64);
    rs_json_put(&first, j);
    /* A real number may be written longer than it was read, and then be refused. */
    if (!rs_buf_ok(&first) || rs_json_read(rs_buf_bytes(&first), &again, NULL) != RS_OK)
        return;
    rs_json_put(&second, again);
    if (!rs_bytes_equal(rs_buf_bytes(&first), rs_buf_bytes(&second)))
        abort();
}

/* Members of every type, asked for as every type: what is given is within what was asked. */
static void
pick_members(const json_t *j)
{
    static const char *const names[] = {"a", "b", "n", "t", "key", "serial"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *text = NULL;
        uint8_t bytes[16];
        int64_t v = 0;
        size_t len = 0;
        if (rs_json_text(j, names[i], &text, NULL) == RS_OK && text == NULL)
            abort();
        if (rs_json_int(j, names[i], -5, 5, &v, NULL) == RS_OK && (v < -5 || v > 5))
            abort();
        if (rs_json_hex(j, names[i], bytes, sizeof(bytes), &len, NULL) == RS_OK &&
            (text == NULL || strlen(text) != 2 * len))
            abort();
        if (text != NULL && rs_json_text_or(j, names[i], NULL) != text)
            abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    RS_AUTO(rs_json_done) json_t *j = NULL;
    struct rs_err err = {0};

    if (rs_json_read(rs_bytes_of(data, size), &j, &err) != RS_OK) {
        for (const char *p = err.text; *p != '\0'; p++)
            if ((unsigned char)*p < 0x20)
                abort();
        return 0;
    }
    check_limits(j, 1);
    pick_members(j);
    check_again(j, size);
    return 0;
}
