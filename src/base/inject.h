/*
 * inject.h: time and faults, put in by tests.
 *
 * Only builds with -Dfaults=true have it (inject.c); release builds link
 * inject_none.c, in which every function is empty and no environment is read.
 *
 * ROOTSMITH_INJECT is a list of rules separated by commas, read once at start:
 *   clock=+86400        wall time is shifted by so many seconds (or =@UNIX fixed start)
 *   POINT@N=ERRNO       the N-th call of POINT fails with that errno (ENOSPC, EIO)
 *   POINT@N=kill        the process kills itself (SIGKILL) at the N-th call, before it
 *   POINT@N+=kill       ... right after it took effect
 *   POINT@N=torn        a write of half of the bytes, then SIGKILL
 *   MARK@N=kill         the same at named marks (rs_inject_mark)
 * Of one certificate: "issue-synced" (leaf durable, not signed), "issue-recording"
 * (signed, not in the store), "issue-recorded" (in the store, not answered).
 * POINT: open write read sync truncate rename send receive random.
 * A prefix PROGRAM: limits a rule to one program ("signer:sync@17=EIO").
 * ROOTSMITH_INJECT_FILE names a file read instead; a change of its mtime is
 * picked up at the next mark, so that a test can steer running processes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_INJECT_H
#define BASE_INJECT_H

#include <stddef.h>
#include <stdint.h>

/* 1 in builds that can inject. */
int rs_inject_built(void);

/* Name of this program for rules with a prefix; called by main(). */
void rs_inject_program(const char *name);

/* Before an I/O call: 0 go on, else the errno to fail with.  May not return. */
int rs_inject_before(const char *point);
/* After it took effect.  May not return. */
void rs_inject_after(const char *point);
/* How many of len bytes to write before dying; len: all of them, and live. */
size_t rs_inject_torn(const char *point, size_t len);
/* A named place in our own code ("ledger-synced", "store-committed"). */
void rs_inject_mark(const char *mark);
/* Seconds to add to the wall clock. */
int64_t rs_inject_clock(void);

#endif /* BASE_INJECT_H */
