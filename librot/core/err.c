/*
 * err.c: names of codes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core.h"

const char *
rot_err_name(rot_err err)
{
    switch (err) {
    case ROT_BUSY:
        return "busy";
    case ROT_OK:
        return "ok";
    case ROT_E_ARG:
        return "argument";
    case ROT_E_UNSUPPORTED:
        return "unsupported";
    case ROT_E_SPACE:
        return "space";
    case ROT_E_BUS:
        return "bus";
    case ROT_E_CHIP:
        return "chip";
    case ROT_E_STATE:
        return "state";
    case ROT_E_EMPTY:
        return "empty";
    case ROT_E_MISMATCH:
        return "mismatch";
    case ROT_E_WRONG_PART:
        return "wrong-part";
    case ROT_E_FORMAT:
        return "format";
    case ROT_E_AUTH:
        return "authorisation";
    case ROT_E_PORT:
        return "port";
    }
    return "unknown";
}
