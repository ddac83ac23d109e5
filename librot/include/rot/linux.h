/*
 * linux.h: a chip from a name, on Linux.
 *
 *     struct rot_linux lin;
 *     struct rot_chip chip;
 *
 *     if (rot_linux_open(&lin, "sim:desk/1") != ROT_OK)
 *         puts(lin.error);
 *     else if (rot_open(&chip, &lin.setup) == ROT_OK) {
 *         ...
 *         rot_close(&chip);
 *     }
 *     rot_linux_close(&lin);
 *
 * Names of chips:
 *
 *   i2c:1:0x60             a part on /dev/i2c-1 at the 7-bit address 0x60
 *   spi:0.1                a part on /dev/spidev0.1
 *   sim:desk/1             chip 1 on bus "desk" of the simulator whose socket is
 *                          $ROOTSMITH_SIM_SOCKET, or else where rot-sim listens
 *                          by default (docs/protocols/simulator.md section 1)
 *   sim:/run/x.sock#desk/1 the same, with the socket named
 *   soft:board.rot         a key store in a file (rot_soft.h).  Its secret is in
 *                          board.rot.key; both are made when they are not there
 *   soft:board.rot#KEY     the same, with the secret in the file KEY
 *   tpm                    the TPM of this machine: /dev/tpmrm0, or what the
 *                          TSS's TCTI loader takes by default
 *   tpm:TCTI               a TPM by a string of the TCTI loader, as in
 *                          tpm:device:/dev/tpmrm0 or tpm:swtpm:path=/run/tpm.sock
 *   auto                   $ROOTSMITH_CHIP if that is set; otherwise /dev/tpmrm0
 *                          if there is one, or else the first part that answers
 *                          on an I2C bus
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ROT_LINUX_H
#define ROT_LINUX_H

#include <rot/port_openssl.h>
#include <rot/rot_driver.h>
#include <rot/rot_soft.h>

#define ROT_LINUX_STATE_SIZE 8192 /* bytes: enough for every driver in the registry */
#define ROT_LINUX_ERROR_MAX  256

/* What stands behind an open name.  Do not move it while a chip uses it. */
struct rot_linux {
    struct rot_setup setup; /* for rot_open(); layout and flags may be set before */
    char
        error[ROT_LINUX_ERROR_MAX]; /* one sentence: what failed, where and why; "" after success */
    char model[ROT_NAME_MAX];       /* what the simulator says the chip is; "" for others */

    /* The rest is the port's own. */
    struct rot_transport transport;
    struct rot_port_openssl crypto;
    struct rot_soft soft;
    uint8_t soft_secret[32];
    int fd;
    uint32_t spi_hz; /* 0: what the device has */
    void *tcti;      /* of the TSS; NULL while not connected */
    char tcti_name[ROT_LINUX_ERROR_MAX];
    uint64_t state[ROT_LINUX_STATE_SIZE / sizeof(uint64_t)];
};

/*
 * Find driver, transport and port for a name and fill in lin->setup.  Nothing
 * is sent to the part itself, except that "auto" probes.
 *
 * ROT_E_FORMAT       the name is none of the above
 * ROT_E_UNSUPPORTED  no driver in the registry for what it names
 * ROT_E_BUS          no such device, socket or chip, or no permission
 * ROT_E_PORT         OpenSSL lacks an algorithm
 */
ROT_MUST_USE rot_err rot_linux_open(struct rot_linux *lin, const char *uri);

/*
 * The same with a file that holds the secret of parts' secure channels: a station's master or
 * one part's own.  NULL: none; parts are then spoken to by what their vendor published.
 * rot_linux_open() takes the file that $ROOTSMITH_CHANNEL_SECRET names, if that is set.
 *
 * ROT_E_BUS     it cannot be read
 * ROT_E_AUTH    others may read it
 * ROT_E_FORMAT  it is neither of the two
 */
ROT_MUST_USE rot_err rot_linux_open_with(struct rot_linux *lin, const char *uri,
                                         const char *channel_secret);

/*
 * A whole bus instead of one part: "i2c:1", "spi:0.1", "sim:desk/" and a star, or "sim:desk/1" (its power
 * line is then that of chip 1 alone).  lin->transport is ready, no driver is chosen and nothing
 * was sent; whoever has more to say about the wire (a multiplexer, a power line) puts a
 * transport of his own over this one.
 *
 * Secret and codes as rot_linux_open_with().
 */
ROT_MUST_USE rot_err rot_linux_open_bus(struct rot_linux *lin, const char *uri,
                                        const char *channel_secret);

/*
 * Fill in lin->setup for a driver's part at that address of an open bus; any number of times,
 * each after the last one's rot_close().  ROT_E_UNSUPPORTED: not a driver for this kind of bus.
 */
ROT_MUST_USE rot_err rot_linux_choose(struct rot_linux *lin, const struct rot_driver *driver,
                                      uint8_t address);

/* Close what was opened; close the chip first.  NULL, and one that failed to open, are fine. */
void rot_linux_close(struct rot_linux *lin);

/*
 * Files of channel secrets, mode 0600.  A master is 32 random bytes and nothing else.  A part's
 * own is one line of text, so that a person sees whose it is:
 *
 *     rootsmith channel part 1 DRIVER UID SECRET      (UID and SECRET in hexadecimal)
 *
 * error: room for ROT_LINUX_ERROR_MAX, or NULL.
 */

/* Make a master.  ROT_E_STATE: there is a file of that name; it is never overwritten. */
ROT_MUST_USE rot_err rot_channel_make_master(const char *path, char *error);
/*
 * Write the own secret of a part that was opened with a master, for its device.  Replaces a file
 * with that name.  ROT_E_EMPTY: lin was opened without a master.
 */
ROT_MUST_USE rot_err rot_channel_write_part(struct rot_linux *lin, struct rot_bytes uid,
                                            const char *path);

#endif /* ROT_LINUX_H */
