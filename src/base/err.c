/*
 * err.c: the code table as data, and filling in an error.  See err.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

#undef rs_fail /* the analyzer's wording of them */
#undef rs_fail_errno

static const struct rs_code_info code_table[] = {
#define RS_CODE(id, name, kind, http, exit_code, station, title, means, admin, operator_)          \
    {RS_E_##id, name, kind, http, exit_code, station, title, means, admin, operator_},
#include "base/codes.def"
#undef RS_CODE
};

const struct rs_code_info *
rs_code_info(rs_code code)
{
    if (code <= RS_OK || code >= RS_CODE_COUNT)
        code = RS_E_INTERNAL;
    return &code_table[(int)code - 1];
}

const struct rs_code_info *
rs_code_find(const char *name)
{
    for (size_t i = 0; i < sizeof(code_table) / sizeof(code_table[0]); i++) {
        if (strcmp(code_table[i].name, name) == 0)
            return &code_table[i];
    }
    return NULL;
}

static RS_PRINTF(3, 0) rs_code fill(struct rs_err *err, rs_code code, const char *fmt, va_list ap)
{
    if (err == NULL || err->code != RS_OK)
        return err == NULL ? code : err->code;
    err->code = code;
    (void)vsnprintf(err->text, sizeof(err->text), fmt, ap);
    rs_text_clean(err->text);
    return code;
}

rs_code
rs_fail(struct rs_err *err, rs_code code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    code = fill(err, code, fmt, ap);
    va_end(ap);
    return code;
}

rs_code
rs_fail_errno(struct rs_err *err, rs_code code, const char *fmt, ...)
{
    int saved = errno;
    int first = err != NULL && err->code == RS_OK;
    va_list ap;

    va_start(ap, fmt);
    code = fill(err, code, fmt, ap);
    va_end(ap);
    if (first) {
        char text[96];
        const char *why = strerror_r(saved, text, sizeof(text));
        (void)snprintf(err->detail, sizeof(err->detail), "%s (errno %d)", why, saved);
    }
    return code;
}
