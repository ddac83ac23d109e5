/*
 * module.c: the entry of rot.so.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rot_provider.h"

__attribute__((visibility("default"))) int OSSL_provider_init(const OSSL_CORE_HANDLE *handle,
                                                              const OSSL_DISPATCH *in,
                                                              const OSSL_DISPATCH **out,
                                                              void **ret_ctx);

int
OSSL_provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                   const OSSL_DISPATCH **out, void **ret_ctx)
{
    return rot_provider_init(handle, in, out, ret_ctx);
}
