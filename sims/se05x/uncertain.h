/*
 * uncertain.h: every choice about the SE05x that public documents leave open.
 *
 * "Section" is that of the wire reference the simulator was written from.  Each
 * constant is a reasoned guess; whoever has the part corrects it here, in one
 * line, and nowhere else.  Times are invented: none of them is a figure of NXP's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_SE05X_UNCERTAIN_H
#define SIMS_SE05X_UNCERTAIN_H

/* ---- T=1 over I2C (sections 1, 2) ------------------------------------------ */

/* A busy part asks for time about every second; the ATR's BWT is 1,000 ms. */
#define SE05X_U_WTX_PERIOD_US 950000u
/* The multiplier it asks with. */
#define SE05X_U_WTX_MULTIPLIER 1
/* An I-block that starts at N(S) = 1: R-block with this error (3: first frame missed). */
#define SE05X_U_FIRST_FRAME_ERROR 3
/* Interface soft reset leaves applet selection and sessions alone; chip reset does not. */
#define SE05X_U_INTERFACE_RESET_KEEPS_APPLET 1

/* ---- Status words (section 3.5) ---------------------------------------------- */

/* Object missing, in every command but CheckObjectExists (inferred in the reference). */
#define SE05X_U_MISSING_SW 0x6985
/* A curve that was not created, or whose parameters are not all there. */
#define SE05X_U_CURVE_UNSET_SW 0x6985
/* CreateECCurve for a curve that exists; DeleteECCurve for one that does not. */
#define SE05X_U_CURVE_STATE_SW 0x6985
/* SetECCurveParam with numbers that are not those of the curve with this id. */
#define SE05X_U_CURVE_VALUE_SW 0x6A80
/* A wrong UserID while attempts are left. */
#define SE05X_U_WRONG_USER_ID_SW 0x6985
/* No attempts are left: at CreateSession and at verification. */
#define SE05X_U_BLOCKED_SW 0x6983
/* A session id that is not open. */
#define SE05X_U_NO_SESSION_SW 0x6985
/* A command inside a session whose credential has not been shown yet. */
#define SE05X_U_UNAUTHENTICATED_SW 0x6982
/* More sessions at a time than the part has room for. */
#define SE05X_U_TOO_MANY_SESSIONS_SW 0x6985
#define SE05X_U_SESSIONS_MAX         2
/* INITIALIZE UPDATE for a key version that is not there. */
#define SE05X_U_NO_KEY_SET_SW 0x6A88
/* Wrong host cryptogram, wrong C-MAC, bad padding under C-ENC; the channel closes. */
#define SE05X_U_SECURE_MESSAGING_SW 0x6982
/* A plain command while a secure channel is open; the channel stays. */
#define SE05X_U_PLAIN_IN_CHANNEL_SW 0x6982
/* Commands that need the transport lock to be open, or the platform channel, or a credential. */
#define SE05X_U_LOCKED_SW        0x6982
#define SE05X_U_SCP_REQUIRED_SW  0x6982
#define SE05X_U_NO_CREDENTIAL_SW 0x6982
#define SE05X_U_CREATION_OFF_SW  0x6985
/* Reading outside a file, or more than an answer holds. */
#define SE05X_U_READ_RANGE_SW 0x6985
#define SE05X_U_READ_LONG_SW  0x6700
/* An applet command while no applet is selected. */
#define SE05X_U_NO_APPLET_SW 0x6D00
/* Creating an object in the ranges of the applet and of the factory (section 5). */
#define SE05X_U_RESERVED_ID_SW 0x6985

/* ---- Secure channel (section 7) ------------------------------------------------ */

/* i: pseudo-random challenge without counter, R-MAC and R-ENC; diversification all zero. */
#define SE05X_U_SCP_I 0x60
/* The largest payload counts without secure messaging; padding and MAC may come on top. */
#define SE05X_U_SECURE_OVERHEAD 24u
/* PUT KEY is taken by the applet and by the security domain; its coding is GlobalPlatform's. */
#define SE05X_U_PUT_KEY_THROUGH_APPLET 1
/* What new parts say they are: a development kit and an SE051C, with the SDK's keys for these. */
#define SE05X_U_SE050_OEF 0xA1F4
#define SE05X_U_SE051_OEF 0xA8FA

/* ---- Sessions (section 4) ------------------------------------------------------- */

/*
 * From which applet on the master secret of an ECKey session starts with the counter 00000001
 * (INT_ECKey_Counter); 3.5 is where the SDK does so.
 */
#define SE05X_U_ECKEY_COUNTER_FROM 0x0305
/* Credentials serve for sessions and for nothing else. */
#define SE05X_U_AUTH_OBJECT_USE_SW 0x6985

/* ---- Objects ---------------------------------------------------------------------- */

/* Sizes: the user memory that the data briefs name, and RAM for transient values. */
#define SE05X_U_SE050_NVM       51200u
#define SE05X_U_SE051_NVM       106496u
#define SE05X_U_TRANSIENT       4096u
#define SE05X_U_TRANSIENT_RESET 1024u /* free, and used by nothing here */
#define SE05X_U_HEADER_COST     48u   /* of an object, beside policy and value */
/* GetFreeMemory has two bytes and says at most this. */
#define SE05X_U_FREE_MAX 0xFFFFu
/* A counter may be set upwards only. */
#define SE05X_U_COUNTER_SET_DOWN_SW 0x6985
/* A UserID is written once. */
#define SE05X_U_USER_ID_AGAIN_SW 0x6985
/* A key under a KEK that did not wrap it. */
#define SE05X_U_UNWRAP_SW 0x6984
/* A version (tag 4B) below the object's, or another policy than the one to be checked (15). */
#define SE05X_U_VERSION_SW 0x6985
/* The target of a derivation must be there, HMAC or AES, and as long as what goes in (AES). */
#define SE05X_U_TARGET_SW 0x6985
/* A derivation shorter than its key's least length (WriteSymmKey, tag 45): HKDF, PBKDF2, TLS PRF. */
#define SE05X_U_SHORT_DERIVED_SW 0x6985
/* Curves of a new part that need no creation: none of the NIST, Brainpool and Koblitz ones. */
#define SE05X_U_P256_PRESET 0
/* DeleteAll takes curves and crypto objects too. */
#define SE05X_U_DELETE_ALL_CURVES 1
/* Certificates of the factory are followed by zeros up to a multiple of this, and by at least one. */
#define SE05X_U_CERT_PADDING 64u
/* Timestamp: 4 bytes count the starts of the part in which time was asked, 8 are milliseconds. */
#define SE05X_U_TIMESTAMP_UNIT_US 1000u
/* Numbers of Ed25519 and X25519 stand with their most significant byte first: points, secrets ... */
#define SE05X_U_EDWARDS_BIG_ENDIAN 1
/* ... but private numbers of Ed25519 as RFC 8032 has them: the SDK turns only the public half ... */
#define SE05X_U_ED25519_SEED_BIG_ENDIAN 0
/* ... and both halves of a signature. */
#define SE05X_U_EDDSA_HALVES_BIG_ENDIAN 1
/* The command that an attestation of applet 7.2 hashes starts with CLA 80, channel or not. */
#define SE05X_U_ATTEST_CLA 0x80

/* Rights of an object that was made without a policy: everything that its kind can do. */
#define SE05X_U_DEFAULT_POLICY_KEY  0x1FFC8000u
#define SE05X_U_DEFAULT_POLICY_AUTH 0x003C0000u
#define SE05X_U_DEFAULT_POLICY_DATA 0x003C0000u

/* ---- Management (section 3.3): values that the reference does not print -------------- */

/* ReadState: lock, restriction, platform channel required (1 yes, 2 no). */
#define SE05X_U_STATE_SIZE        3
#define SE05X_U_LOCK_TRANSIENT    0x01
#define SE05X_U_LOCK_PERSISTENT   0x02
#define SE05X_U_LOCK_STATE_OPEN   0x00
#define SE05X_U_LOCK_STATE_LOCKED 0x01
#define SE05X_U_RESTRICT_NEW      0x01 /* no new objects */
#define SE05X_U_RESTRICT_ALL      0x02 /* no changes of old ones either */

/*
 * GCM, mode B0: two bytes in tag 45 of an encryption are the length of an IV that the part makes
 * and answers in tag 43, in one command (37) and in steps (42).  The SDK for 7.2 asks so under P1
 * 11; its comments have P1 12 for it, which is not there.
 */
#define SE05X_U_GCM_LENGTH_AS_IV 1
/* GCM's shortest IV, whoever makes it; the SDK's comments say 12 to 60 bytes in one place of three. */
#define SE05X_U_GCM_IV_MIN 12

/*
 * The salt's object id that says there is none, in HKDF with either applet (no object has it): the
 * SDK sends it in tag 46 whenever it is given no salt.  PBKDF2 must have a salt.
 */
#define SE05X_U_NO_SALT_ID 0u
/* PBKDF2 without an algorithm: HMAC-SHA-1, since the SDK makes keys of WPA2 so. */
#define SE05X_U_PBKDF_MAC 0x18

/* ---- Times (section 11): invented ------------------------------------------------------ */

#define SE05X_U_TIME_COMMAND_US  3000u /* what every command takes */
#define SE05X_U_TIME_SIGN_US     40000u
#define SE05X_U_TIME_VERIFY_US   45000u
#define SE05X_U_TIME_GENERATE_US 80000u
#define SE05X_U_TIME_AGREE_US    40000u
#define SE05X_U_TIME_WRITE_US    8000u /* a memory write, and for each byte of it: */
#define SE05X_U_TIME_BYTE_US     44u   /* 500 bytes: 30 ms */
#define SE05X_U_TIME_CRYPTO_US   2000u
#define SE05X_U_TIME_PBKDF_US    200u /* an iteration */

/*
 * ---- Choices that are code, with their place -----------------------------------------------
 *
 * t1.c          what the part says of itself to CIP in the GP profile: the ATR
 * session.c     failed attempts of a credential without a limit are not counted
 * session.c     receipt of an ECKey session: AES-CMAC under S-RMAC over A6, 7F49 and 85
 * objects.c     only bytes of a file are torn by a power cut; every other write is whole or not
 * objects.c     a transient object keeps its place without power, its value is gone
 * cmd_kdf.c     TLS 1.2: the chip's random is the client's or the server's, the other comes with
 *               the command: 4B client hello and 4C server hello make a master secret (client's
 *               random first), 4D client random and 4E server random expand keys (server's
 *               first); with 5A both stand in the command, 64 bytes, in the order of the seed
 */

/* Made from this file: each use is noted, for reports (tools/uncertain.py). */
#include "sims/se05x/uncertain_marks.h"

#endif /* SIMS_SE05X_UNCERTAIN_H */
