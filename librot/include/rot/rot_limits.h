/*
 * rot_limits.h: the maxima of the interface, in one place.
 *
 * They are sized for post-quantum keys, so that such a key breaks no caller:
 * never put a 64- or 72-byte buffer into a struct that others share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ROT_ROT_LIMITS_H
#define ROT_ROT_LIMITS_H

#define ROT_DIGEST_MAX      64   /* bytes: SHA-512 */
#define ROT_SIGNATURE_MAX   5120 /* bytes: ML-DSA-87 is 4,627 */
#define ROT_PUBLIC_KEY_MAX  2752 /* bytes of SubjectPublicKeyInfo: ML-DSA-87 is 2,614 */
#define ROT_CERTIFICATE_MAX 16384
#define ROT_SECRET_MAX      64 /* bytes: a shared or derived secret that leaves a part */
#define ROT_UID_MAX         32 /* bytes: unique identifier of a part */
#define ROT_NAME_MAX        32 /* characters of an object or model name, with its NUL */
#define ROT_RANDOM_MAX      4096
#define ROT_EVIDENCE_MAX    8192

#endif /* ROT_ROT_LIMITS_H */
