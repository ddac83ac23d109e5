/*
 * chips.h: the chips of a process, shared by whatever runs in it.
 *
 * A program's TLS library, its PKCS#11 module and its own code may all want the
 * same part, from several threads, while another process wants it too.  Here a
 * part is opened once for each process, and used by one thread of one process
 * at a time:
 *
 *     struct chips *shared;
 *     struct rot_chip *chip;
 *     char error[ROT_LINUX_ERROR_MAX];
 *
 *     if (chips_take("i2c:1:0x60", &shared, error) != ROT_OK)
 *         puts(error);
 *     else if (chips_lock(shared, &chip) != ROT_OK)
 *         puts(chips_error());
 *     else {
 *         ...rot_sign_digest(chip, ...)...
 *         chips_unlock(shared);
 *     }
 *     chips_drop(shared);
 *
 * Between processes a lock file does it, one for each part: in
 * $ROOTSMITH_LOCK_DIR, else $XDG_RUNTIME_DIR, else /run/lock.  Programs that
 * run as different users and share a part must name one directory that is for
 * a group of theirs (mode 2770).  Threads are served in the order in which they came, and a
 * process that waits is let in before the one that just had the part comes
 * back.  Nobody waits longer than CHIPS_WAIT_S ($ROOTSMITH_LOCK_WAIT: other
 * seconds, 0 to 3600); then ROT_BUSY.
 *
 * A part with one user at a time (a file, a TPM's message channel) is closed by
 * chips_unlock(), so that programs that know nothing of lock files get it, too.
 * I2C parts and simulated ones stay open.  If another process had the part
 * meanwhile, or the simulator went away, it is opened afresh.
 *
 * After fork() the child has no part open, whatever the parent did: it opens
 * its own at the next chips_lock().
 *
 * Between chips_lock() and chips_unlock() the thread's default context of OpenSSL
 * is one of the module's own, with the provider "default" only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BINDINGS_SHARED_CHIPS_H
#define BINDINGS_SHARED_CHIPS_H

#include <rot/linux.h>

#define CHIPS_WAIT_S 15

/* One named part of this process.  The fields are the module's own. */
struct chips;

/*
 * The part of a name: as rot/linux.h has them ("soft:board.rot"), or a rot: URI
 * (uri.h), of which the chip's name and the layout count.  "auto" is what
 * $ROOTSMITH_CHIP says now.  The same name gives the same part, counted;
 * nothing is opened yet.
 *
 * error   one sentence when it is refused; may be NULL
 * ROT_E_ARG     no name, or no room for the answer
 * ROT_E_FORMAT  a rot: URI that is none, or a name that is too long
 * ROT_E_PORT    out of memory
 */
ROT_MUST_USE rot_err chips_take(const char *name, struct chips **ret_chips,
                                char error[ROT_LINUX_ERROR_MAX]);

/*
 * Wait until this thread is alone with the part, open it if it is not, and lend
 * it until chips_unlock().  The reason for a refusal is in chips_error().
 *
 * ROT_BUSY  others had it all the time, or this thread has it already
 * others    as rot_linux_open() and rot_open()
 */
ROT_MUST_USE rot_err chips_lock(struct chips *c, struct rot_chip **ret_chip);

/* Give it back.  Only after a chips_lock() of the same thread that gave ROT_OK. */
void chips_unlock(struct chips *c);

/* Forget one chips_take(); the last one closes the part.  NULL is fine. */
void chips_drop(struct chips *c);

/* The name of the part, for people. */
const char *chips_name(const struct chips *c);

/* What chips_lock() last refused in this thread, one sentence; "" if nothing. */
const char *chips_error(void);

#endif /* BINDINGS_SHARED_CHIPS_H */
