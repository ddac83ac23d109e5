/*
 * uncertain.h: every choice about the OPTIGA Trust M that the reference leaves open.
 *
 * The number after each heading is the section of the reference that is silent
 * or marked [?] there.  Whoever has the part corrects it here, in one line, and
 * nowhere else.  Error codes are those of chip.h.
 *
 * Choices that are no value but a way to behave, and the function to change:
 *
 * 1    DATA_REG_LEN below its minimum, and bad values of BASE_ADDR and I2C_MODE,
 *      are ignored (bus.c: set_*).  A read without a register write before it
 *      starts at the first byte of the same register (optiga_i2c_read).
 * 2    A resync from the host drops an answer that was not acknowledged
 *      (link.c: on_control).  A data frame without a packet is refused with NAK
 *      (length_ok).  New data gives up an unfetched answer (on_data).
 * 3    Another channel, a reserved CHAIN value and too long a chain are chaining
 *      errors (transport.c: optiga_transport_receive).
 * 4    A sequence number outside the window is like a wrong MAC (shield.c:
 *      on_protected).  Saving the context ends the session, restoring uses the
 *      saved one up (on_save, on_restore).
 * 5    The data of an authorization begins with what GetRandom kept (cmd_sym.c:
 *      authorization_holds), and each nonce is good for one try.
 * 6    Usage counters advance for every kind of use (access.c: advance).
 * 6.2  The condition for a protected update has to have Int() of the anchor that
 *      signed: in the part of it, between ORs, that is met (access.c: token_holds);
 *      for an update of metadata as for one of the object.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_OPTIGA_UNCERTAIN_H
#define SIMS_OPTIGA_UNCERTAIN_H

/* ---- Registers (1) --------------------------------------------------------- */

/* DATA written while a command runs: not acknowledged. */
#define OPTIGA_U_WRITE_WHEN_BUSY_ACK 0

/* ---- Data link (2) --------------------------------------------------------- */

/* The part's own resend timer starts when its frame has been read. */
#define OPTIGA_U_RESEND_AFTER_READ_US 10000u

/* ---- Transport (3) --------------------------------------------------------- */

/* How often a chain is repeated for a host that says chaining error. */
#define OPTIGA_U_CHAIN_REPEATS 1

/* ---- Presentation (4, 9) ----------------------------------------------------- */

/* A packet without PRESENCE once it was used: this alert, sent with PRESENCE. */
#define OPTIGA_U_NO_PRESENCE_ALERT 0x40
/* Messages that are not known, and records that need a session where there is none. */
#define OPTIGA_U_BAD_MESSAGE_ALERT 0x40
/* So many records in a row that do not open end the session with alert 0x40. */
#define OPTIGA_U_INTEGRITY_ALERTS 3

/* ---- APDU (5) --------------------------------------------------------------- */

/* OpenApplication with another application identifier. */
#define OPTIGA_U_WRONG_AID_ERROR OPTIGA_E_PARAMETER
/* Restore with a handle that is not the saved one, or none saved. */
#define OPTIGA_U_WRONG_HANDLE_ERROR OPTIGA_E_ACCESS
/* A number in the data that is out of its range (random length, derived length, ...). */
#define OPTIGA_U_RANGE_ERROR OPTIGA_E_PARAMETER
/* A key object or session that holds no key. */
#define OPTIGA_U_NO_KEY_ERROR OPTIGA_E_PARAMETER
/* A key whose usage does not allow the command. */
#define OPTIGA_U_USAGE_ERROR OPTIGA_E_IDENTIFIER
/* A certificate whose key usage does not allow the command. */
#define OPTIGA_U_CERT_USAGE_ERROR OPTIGA_E_IDENTIFIER
/* A certificate that says nothing of key usage is for every command. */
#define OPTIGA_U_CERT_WITHOUT_USAGE_OK 1
/* A data object of another type than the command needs. */
#define OPTIGA_U_TYPE_ERROR OPTIGA_E_ACCESS
/* An algorithm that this variant does not have. */
#define OPTIGA_U_ALGORITHM_ERROR OPTIGA_E_IDENTIFIER
/* A public key whose encoding is right and which is not on its curve. */
#define OPTIGA_U_OFF_CURVE_ERROR OPTIGA_E_UNSUPPORTED
/* GetDataObject with an offset that equals the used length (which is not 0). */
#define OPTIGA_U_READ_AT_END_ERROR OPTIGA_E_BOUNDS
/* SetDataObject without data. */
#define OPTIGA_U_WRITE_NOTHING_ERROR OPTIGA_E_LENGTH
/* Shortest derived key that is exported; into a session it is 16. */
#define OPTIGA_U_DERIVED_EXPORT_MIN 16
/* Exporting the hash context ends the hash inside the part. */
#define OPTIGA_U_HASH_EXPORT_ENDS 1
/* An RSA public key goes out with the SEQUENCE of PKCS #1 around its numbers; in, with or without. */
#define OPTIGA_U_RSA_PUBLIC_SEQUENCE 1

/* ---- Security monitor (5.1) --------------------------------------------------- */

/* Credit after power-up. */
#define OPTIGA_U_CREDIT_AT_START 0
/* Where the largest credit is in object E0C9. */
#define OPTIGA_U_MONITOR_CREDIT_AT 2

/* ---- Objects and metadata (6, 9) ------------------------------------------------ */

/* Tags that only the part sets (C4, C5, E0), and unknown ones, in a metadata write. */
#define OPTIGA_U_META_TAG_ERROR OPTIGA_E_PARAMETER
/* C5 takes one byte below 256. */
#define OPTIGA_U_USED_SIZE_SHORT 1
/* An object whose life cycle is terminated refuses everything but its metadata. */
#define OPTIGA_U_TERMINATED_ERROR OPTIGA_E_ACCESS
/* Objects up to this size are written atomically; larger ones may be torn. */
#define OPTIGA_U_ATOMIC_MAX 140

/* ---- Times that the reference does not give, typical, in microseconds -------------- */

#define OPTIGA_U_TIME_OPEN_US       20000u
#define OPTIGA_U_TIME_CLOSE_US      10000u
#define OPTIGA_U_TIME_RANDOM_US     10000u
#define OPTIGA_U_TIME_HELLO_US      10000u
#define OPTIGA_U_TIME_FINISHED_US   60000u
#define OPTIGA_U_TIME_SYM_KEY_US    50000u
#define OPTIGA_U_TIME_RSA_PUBLIC_US 40000u
#define OPTIGA_U_TIME_RSA_1024_US   900000u
#define OPTIGA_U_TIME_MANIFEST_US   120000u
#define OPTIGA_U_TIME_FRAGMENT_US   150000u
#define OPTIGA_U_TIME_OTHER_US      5000u

/* Made from this file: each use is noted, for reports (tools/uncertain.py). */
#include "sims/optiga/uncertain_marks.h"

#endif /* SIMS_OPTIGA_UNCERTAIN_H */
