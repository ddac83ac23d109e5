/*
 * uri.h: names of what is in a root of trust.
 *
 *     rot:CHIP[;object=NAME][;type=private|public|cert|chain|trust][;layout=NAME]
 *
 *     rot:i2c:1:0x60;object=ldevid/0
 *     rot:soft:/var/lib/board.rot;object=trust/1;type=trust
 *     rot:auto;object=idevid
 *
 * CHIP is a name as rot/linux.h has them.  In it, and in the values, a
 * character may be written as % and two hexadecimal digits; those that mean
 * something here (; ? %) must be.  Each parameter stands once, in any order; an
 * unknown one is refused, as is a control character or an empty value.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BINDINGS_SHARED_URI_H
#define BINDINGS_SHARED_URI_H

#include <rot/rot.h>

#define ROT_URI_MAX      1024 /* bytes of a URI, with its NUL */
#define ROT_URI_CHIP_MAX 640  /* of the chip's name in it */

enum rot_uri_type {
    ROT_URI_ALL = 0, /* no type: whatever the object has */
    ROT_URI_PRIVATE = 1,
    ROT_URI_PUBLIC = 2,
    ROT_URI_CERT = 3,
    ROT_URI_CHAIN = 4,
    ROT_URI_TRUST = 5,
};

struct rot_uri {
    char chip[ROT_URI_CHIP_MAX];
    char layout[ROT_NAME_MAX]; /* "": the driver's own */
    rot_object object;         /* 0: none was named */
    enum rot_uri_type type;
};

/* Text to parts.  ROT_E_FORMAT for anything but the form above; *ret is not touched then. */
ROT_MUST_USE rot_err rot_uri_parse(const char *text, struct rot_uri *ret_uri);

/* Parts to text with its NUL, in the one form that has parameters in the order above. */
ROT_MUST_USE rot_err rot_uri_format(const struct rot_uri *uri, char *text, size_t cap);

#endif /* BINDINGS_SHARED_URI_H */
