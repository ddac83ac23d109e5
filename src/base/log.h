/*
 * log.h: structured lines to stderr, for programs only (libraries return errors).
 *
 * Text on a terminal, JSON lines otherwise or by choice.  A line has a level,
 * an area ("signer"), a message that never changes its wording, and fields.
 * There is no way to log a secret: fields are text, numbers and hex of public
 * bytes, and the level changes what is said about states, never contents.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>

#include "base/err.h"

enum rs_level {
    RS_LOG_ERROR = 0,
    RS_LOG_WARN = 1,
    RS_LOG_INFO = 2,
    RS_LOG_DEBUG = 3,
};

enum rs_log_format {
    RS_LOG_TEXT = 0,
    RS_LOG_JSON = 1,
};

/* Once at start.  levels: "info" or "pki=debug,http=warn"; NULL reads ROOTSMITH_LOG. */
void rs_log_setup(const char *program, enum rs_log_format format, const char *levels);

/* 1 when a line of this level and area would be written. */
int rs_log_on(enum rs_level level, const char *area);

/*
 * fmt gives "key=value key2=value2" pairs after the message; at most 4 KiB a line,
 * longer values are cut.  A word followed by "=" begins a field, so text of a
 * peer goes last or through rs_log_err().
 */
void rs_log(enum rs_level level, const char *area, const char *message, const char *fmt, ...)
    RS_PRINTF(4, 5);

/* The fields of an error: code, text, detail. */
void rs_log_err(enum rs_level level, const char *area, const char *message,
                const struct rs_err *err);

#endif /* BASE_LOG_H */
