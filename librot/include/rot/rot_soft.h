/*
 * rot_soft.h: driver "soft": a root of trust that is a file.
 *
 * For boards that have no secure part, for desks, and for tests.  Keys and
 * objects stand in one file, encrypted and authenticated with a key made from
 * the caller's secret.  It keeps the rules of a chip (keys do not come out,
 * seals cannot be taken back through this interface, counters do not go down),
 * but it is software: whoever can copy the file and its secret has the keys,
 * and an old copy put back is not noticed.  rot_identify() says "software".
 *
 * Every change is on disk when the call returns, or it did not happen: a new
 * file is written beside the old one, flushed, read back, renamed over it, and
 * the directory is flushed.  Power may go at any moment.
 *
 * One chip has one user: the file is locked while the chip is open, and a
 * second rot_open() gives ROT_BUSY.  It needs no transport, but gives its own
 * as the way in:
 *
 *     struct rot_soft soft;
 *     rot_soft_init(&soft, "board.rot", secret, secret_len);
 *     rot_soft_create(&soft, port);             once
 *     setup.transport = &soft.transport;
 *
 * What goes wrong: rot_open() gives ROT_E_BUS when there is no such file or it
 * cannot be read, ROT_E_AUTH when the secret is not the file's, ROT_E_FORMAT
 * when the file is damaged.  After ROT_E_BUS from a call that writes, it is
 * not known whether the change reached the disk; rot_reset() reads it again.
 *
 * Layouts: "soft" (P-256), "soft-p384", "soft-ed25519": idevid, ldevid/0..3,
 * trust/0..3, firmware/0..1, session/0..3, data/0..3, counter/0..1.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ROT_ROT_SOFT_H
#define ROT_ROT_SOFT_H

#include <rot/rot_driver.h>

#define ROT_SOFT_PATH_MAX   512
#define ROT_SOFT_ITERATIONS 210000u /* of PBKDF2, for a file that a person's passphrase opens */

/*
 * The system calls that the store makes, so that a test can let each of them
 * fail once.  They behave as POSIX says: -1 and errno on failure.
 */
struct rot_soft_files {
    int (*open)(void *self, const char *path, int flags, unsigned mode);
    ptrdiff_t (*read)(void *self, int fd, void *buf, size_t len);
    ptrdiff_t (*write)(void *self, int fd, const void *buf, size_t len);
    int (*sync)(void *self, int fd);
    int (*close)(void *self, int fd);
    int (*rename)(void *self, const char *from, const char *to);
    int (*lock)(void *self, int fd); /* exclusive, without waiting */
};

/* Where a store is and how it is opened.  Must outlive the chip; secret is borrowed, too. */
struct rot_soft {
    char path[ROT_SOFT_PATH_MAX];
    struct rot_bytes secret;
    uint32_t iterations; /* for rot_soft_create(); 0: the secret is a key of full strength */
    const struct rot_soft_files *files; /* the system's own unless a test sets others */
    void *files_self;
    struct rot_transport transport; /* for rot_setup: leads the driver here */
};

/* The driver's state fits into this. */
#define ROT_SOFT_STATE_SIZE 4096

extern const struct rot_driver rot_driver_soft;

/*
 * Name a store.  secret: a passphrase, or a key of at least 32 random bytes if
 * iterations is set to 0 afterwards.  ROT_E_ARG: path too long, or no secret.
 */
ROT_MUST_USE rot_err rot_soft_init(struct rot_soft *soft, const char *path, const uint8_t *secret,
                                   size_t secret_len);

/*
 * Make the file: an empty store with a random unique id.  ROT_E_STATE when
 * there is a file of that name: a store is never overwritten.
 */
ROT_MUST_USE rot_err rot_soft_create(struct rot_soft *soft, const struct rot_port *port);

#endif /* ROT_ROT_SOFT_H */
