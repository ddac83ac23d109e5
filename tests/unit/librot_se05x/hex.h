/*
 * hex.h: bytes as the reference writes them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_LIBROT_SE05X_HEX_H
#define TESTS_UNIT_LIBROT_SE05X_HEX_H

#include <stddef.h>
#include <stdint.h>

/* Digits of hexadecimal numbers, blanks between them or not; the number of bytes. */
static inline size_t
hex(const char *text, uint8_t *out)
{
    size_t digits = 0;

    for (; *text != '\0'; text++) {
        unsigned v;

        if (*text == ' ')
            continue;
        v = *text <= '9' ? (unsigned)(*text - '0') : ((unsigned)*text & 0x5fu) - 'A' + 10;
        if (digits % 2 == 0)
            out[digits / 2] = (uint8_t)(v << 4);
        else
            out[digits / 2] |= (uint8_t)v;
        digits++;
    }
    return digits / 2;
}

#endif /* TESTS_UNIT_LIBROT_SE05X_HEX_H */
