/*
 * err.h: one error space for the whole server side.
 *
 * Every refusal and failure is a row of codes.def: a stable dotted code
 * ("order.exhausted"), a sentence, what it means, what to do, and how each
 * surface shows it (HTTP status, exit code, station class, ledger).  A code
 * without a row does not build.
 *
 * A function that can fail returns rs_code and takes a struct rs_err last.
 * Whoever knows first fills it in, once, with rs_fail(); callers hand it up
 * untouched.  Library code never logs it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stddef.h>

#define RS_MUST_USE     __attribute__((warn_unused_result))
#define RS_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* Scope cleanup: RS_AUTO(buf_done) struct buf b = ...; one RS_AUTO_DEFINE per type. */
#define RS_AUTO(fn) __attribute__((cleanup(rs_auto_##fn)))
#define RS_AUTO_DEFINE(type, fn)                                                                   \
    static inline void rs_auto_##fn(type *p)                                                       \
    {                                                                                              \
        fn(p);                                                                                     \
    }                                                                                              \
    struct rs_auto_needs_semicolon_##fn

typedef enum rs_code {
    RS_OK = 0,
#define RS_CODE(id, name, kind, http, exit_code, station, title, means, admin, operator_) RS_E_##id,
#include "base/codes.def"
#undef RS_CODE
    RS_CODE_COUNT
} rs_code;

/* What sort of failure it is: decides the protocol's own form where there are few. */
enum rs_kind {
    RS_KIND_FORMAT = 1, /* the peer's bytes are wrong: a 400, never a 500 */
    RS_KIND_POLICY,     /* well formed, and refused by a rule we can name */
    RS_KIND_AUTH,       /* not authenticated, or not allowed */
    RS_KIND_MISSING,    /* the named thing does not exist */
    RS_KIND_BUSY,       /* try again later: nothing was done */
    RS_KIND_USAGE,      /* the person's command line or file is wrong */
    RS_KIND_DAMAGE,     /* stored data is not what was written */
    RS_KIND_FAULT,      /* the machine failed: disk, memory, chip, crypto library */
    RS_KIND_NO,         /* done, and the answer is no */
};

/* One row of codes.def. */
struct rs_code_info {
    rs_code code;
    const char *name; /* "order.exhausted" */
    enum rs_kind kind;
    int http;            /* status on HTTP surfaces */
    int exit_code;       /* of our programs: experience 2.2 */
    const char *station; /* failure class on the line ("T1"), or "" */
    const char *title;   /* one sentence, without a full stop at the end */
    const char *means;
    const char *admin;     /* what an administrator does about it */
    const char *operator_; /* what the person at the line reads; "" if they never see it */
};

/* The row of a code; RS_OK and unknown numbers give the row of internal.bug. */
const struct rs_code_info *rs_code_info(rs_code code);

/* Find a row by its dotted name; NULL if there is none. */
const struct rs_code_info *rs_code_find(const char *name);

/* Why something failed.  Zero-initialise; filled in once. */
struct rs_err {
    rs_code code;
    char text[240];   /* names the rule and the value: goes to people and to the ledger */
    char detail[160]; /* errno, library text: for -v and logs only */
};

/*
 * Fill in *err and return code, so that a failure is one statement.  err may
 * be NULL.  A second call on a filled err keeps the first text.  The text is
 * valid UTF-8 without control characters, whatever a peer had in its name.
 */
rs_code rs_fail(struct rs_err *err, rs_code code, const char *fmt, ...) RS_PRINTF(3, 4);

/* As rs_fail, and keep errno's text in err->detail. */
rs_code rs_fail_errno(struct rs_err *err, rs_code code, const char *fmt, ...) RS_PRINTF(3, 4);

/* The analyzer sees one file at a time, and would think that a failure may be RS_OK. */
#ifdef __clang_analyzer__
#define rs_fail(err, code, ...)       ((void)rs_fail(err, code, __VA_ARGS__), (code))
#define rs_fail_errno(err, code, ...) ((void)rs_fail_errno(err, code, __VA_ARGS__), (code))
#endif

#endif /* BASE_ERR_H */
