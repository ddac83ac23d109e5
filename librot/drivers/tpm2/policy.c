/*
 * policy.c: the two policies that TCG templates are locked with.
 *
 * Both begin with TPM2_PolicySecret of the endorsement hierarchy (Part 3,
 * 23.4), which the HMAC session authorises.  A policy session is used for one
 * command, which also ends it; whoever does not come to that command ends it
 * with tpm2_policy_end().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tpm2.h"

static rot_err
policy_secret(struct rot_chip *chip, const struct tpm2_session *policy)
{
    struct tpm2_state *s = tpm2_of(chip);
    struct tpm2_name hierarchy, session;
    struct tpm2_reader r;

    tpm2_name_of_handle(TPM2_RH_ENDORSEMENT, &hierarchy);
    tpm2_name_of_handle(policy->handle, &session);
    tpm2_begin(chip, TPM2_CC_POLICY_SECRET);
    tpm2_put_handle(chip, TPM2_RH_ENDORSEMENT, &hierarchy);
    tpm2_put_handle(chip, policy->handle, &session);
    tpm2_put_session(chip, &s->session, TPM2_SE_CONTINUE);
    tpm2_put_sized(chip, NULL, 0); /* nonceTPM */
    tpm2_put_sized(chip, NULL, 0); /* cpHashA */
    tpm2_put_sized(chip, NULL, 0); /* policyRef */
    tpm2_put_u32(chip, 0);         /* does not expire */
    return tpm2_run(chip, &r);     /* time-out and ticket are for those that do */
}

static rot_err
policy_command(struct rot_chip *chip, const struct tpm2_session *policy, enum tpm2_cc cc)
{
    tpm2_begin(chip, TPM2_CC_POLICY_COMMAND_CODE);
    tpm2_put_handle(chip, policy->handle, NULL);
    tpm2_put_u32(chip, cc);
    return tpm2_run_plain(chip);
}

static rot_err
policy_or(struct rot_chip *chip, const struct tpm2_session *policy,
          const uint8_t branches[4][TPM2_HASH])
{
    tpm2_begin(chip, TPM2_CC_POLICY_OR);
    tpm2_put_handle(chip, policy->handle, NULL);
    tpm2_put_u32(chip, 4);
    for (unsigned i = 0; i < 4; i++)
        tpm2_put_sized(chip, branches[i], TPM2_HASH);
    return tpm2_run_plain(chip);
}

void
tpm2_policy_end(struct rot_chip *chip, struct tpm2_session *session)
{
    /* Nothing is lost when it fails: the session was used up, or the TPM is gone. */
    if (session->handle != 0)
        (void)tpm2_flush_after(chip, session->handle, ROT_E_STATE);
    session->handle = 0;
}

rot_err
tpm2_policy_endorsement(struct rot_chip *chip, struct tpm2_session *ret_session)
{
    rot_err rc = tpm2_start_policy(chip, ret_session);

    if (rc != ROT_OK)
        return rc;
    rc = policy_secret(chip, ret_session);
    if (rc != ROT_OK)
        tpm2_policy_end(chip, ret_session);
    return rc;
}

rot_err
tpm2_policy_admin(struct rot_chip *chip, enum tpm2_template which, enum tpm2_cc cc,
                  struct tpm2_session *ret_session)
{
    rot_err rc = tpm2_policy_endorsement(chip, ret_session);

    if (rc != ROT_OK)
        return rc;
    rc = policy_command(chip, ret_session, cc);
    if (rc == ROT_OK)
        rc = policy_or(chip, ret_session, tpm2_branches[which == TPM2_TEMPLATE_IAK]);
    if (rc != ROT_OK)
        tpm2_policy_end(chip, ret_session);
    return rc;
}
