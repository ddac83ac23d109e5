/*
 * recipe.c: the table of steps, and the first of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "station/recipe.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "station/failures.h"
#include "station/recipe_inner.h"
#include "x509/name.h"
#include "x509/oid.h"

/* ---- Refusals of chips ----------------------------------------------------------- */

static rs_code
code_of(const struct recipe *r, rot_err rot)
{
    switch (rot) {
    case ROT_BUSY:
        return RS_E_CHIP_BUSY;
    case ROT_E_BUS:
        return r->result->began ? RS_E_CHIP_INTERRUPTED : RS_E_CHIP_ABSENT;
    case ROT_E_WRONG_PART:
        return RS_E_CHIP_WRONG_PART;
    case ROT_E_STATE:
    case ROT_E_AUTH:
        return RS_E_CHIP_FOREIGN;
    case ROT_E_SPACE:
        return RS_E_CHIP_FULL;
    case ROT_E_UNSUPPORTED:
        return RS_E_CHIP_UNSUPPORTED;
    case ROT_E_ARG:
        return RS_E_INTERNAL;
    case ROT_OK:
    case ROT_E_CHIP:
    case ROT_E_EMPTY:
    case ROT_E_MISMATCH:
    case ROT_E_FORMAT:
    case ROT_E_PORT:
    default:
        return RS_E_CHIP_FAULT;
    }
}

rs_code
recipe_chip_fail(struct recipe *r, rot_err rot, const char *what, struct rs_err *err)
{
    rs_code rc = rs_fail(err, code_of(r, rot), "%s: the chip says %s", what, rot_err_name(rot));

    r->is_chips_word = 1;
    if (err->detail[0] == '\0')
        (void)snprintf(err->detail, sizeof(err->detail), "raw status 0x%08lx",
                       (unsigned long)rot_raw_status(r->job->chip));
    return rc;
}

/* ---- Contact: who is it, was it here before ------------------------------------------ */

static rs_code
no_place(const struct recipe *r, const char *what, struct rs_err *err)
{
    return rs_fail(err, RS_E_CHIP_UNSUPPORTED,
                   "layout %s: the place of the identity's %s is not in this %s",
                   recipe_layout(r)->name, what, r->identity.model);
}

/*
 * A layout may name places that this part does not have (zones of a smaller partition, slots of a
 * larger model): its driver then offers nothing there.
 */
static rs_code
check_places(const struct recipe *r, struct rs_err *err)
{
    static const struct {
        enum rot_primitive can;
        const char *what;
    } needed[] = {{ROT_CAN_SIGN, "key"}, {ROT_CAN_PUBLIC, "key"}, {ROT_CAN_WRITE, "certificate"}};

    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        if (r->idevid.where[needed[i].can] == ROT_NOWHERE)
            return no_place(r, needed[i].what, err);
    }
    return RS_OK;
}

static rs_code
exchanged(struct rs_err *err)
{
    return rs_fail(err, RS_E_CHIP_INTERRUPTED,
                   "another part answers than the one this board began with");
}

static rs_code
identify(struct recipe *r, struct rs_err *err)
{
    struct recipe_result *result = r->result;
    rot_err rot = rot_identify(r->job->chip, &r->identity);

    if (rot != ROT_OK)
        return recipe_chip_fail(r, rot, "identify", err);
    if (result->began && (r->identity.uid_len != result->uid_len ||
                          memcmp(r->identity.uid, result->uid, result->uid_len) != 0))
        return exchanged(err);
    (void)snprintf(result->model, sizeof(result->model), "%s", r->identity.model);
    memcpy(result->uid, r->identity.uid, r->identity.uid_len);
    result->uid_len = r->identity.uid_len;
    if (strcmp(r->identity.model, r->job->model) != 0)
        return rs_fail(err, RS_E_CHIP_WRONG_PART, "identify: a %s answers, the order wants %s",
                       r->identity.model, r->job->model);
    rot = rot_capabilities(r->job->chip, ROT_IDEVID, &r->idevid);
    return rot == ROT_OK ? check_places(r, err) : recipe_chip_fail(r, rot, "idevid", err);
}

/* A TPM's id costs it a key, and what it says of its keys is signed by it anyway. */
static int
speaks_for_itself(const struct recipe *r)
{
    struct rot_capability cap;

    return rot_capabilities(r->job->chip, ROT_ATTEST(0), &cap) == ROT_OK &&
           cap.where[ROT_CAN_ACTIVATE] == ROT_IN_CHIP;
}

rs_code
recipe_same_part(struct recipe *r, struct rs_err *err)
{
    uint8_t uid[ROT_UID_MAX];
    size_t len = 0;
    rot_err rot;

    if (speaks_for_itself(r))
        return RS_OK;
    rot = rot_uid(r->job->chip, uid, &len);
    if (rot != ROT_OK)
        return recipe_chip_fail(r, rot, "ask again who it is", err);
    if (len != r->identity.uid_len || memcmp(uid, r->identity.uid, len) != 0)
        return exchanged(err);
    return RS_OK;
}

/* A journal that knows the chip decides what may be done with it. */
static rs_code
check_known(const struct recipe *r, struct rs_err *err)
{
    const struct memory_chip *known = &r->known;
    int is_bound = memory_is_bound(known);

    if (known->uid_len == 0)
        return RS_OK;
    if (strcmp(known->state, "scrap") == 0)
        return rs_fail(err, RS_E_CHIP_FOREIGN, "this chip was scrapped as board %llu",
                       (unsigned long long)known->board);
    if (is_bound && strcmp(known->order, r->job->order) != 0)
        return rs_fail(err, RS_E_CHIP_FOREIGN, "this chip belongs to order %s", known->order);
    if (is_bound && strcmp(known->device, r->job->device) != 0)
        return rs_fail(err, RS_E_LABEL_OTHER, "this chip was begun as %s, the label says %s",
                       known->device, r->job->device);
    return RS_OK;
}

/* An identity may have been made for this label, over the key of another chip. */
static rs_code
check_label(const struct recipe *r, struct rs_err *err)
{
    const struct recipe_host *host = r->job->host;

    if (r->known.spki.len == 0 && host->holder != NULL &&
        host->holder(host->arg, r->job->device,
                     rs_bytes_of(r->identity.uid, r->identity.uid_len)) == MEMORY_IN_WORK)
        return rs_fail(err, RS_E_LABEL_OTHER, "%s was begun with another chip", r->job->device);
    return RS_OK;
}

/* Boards were exchanged while this station wrote: what it had for another chip is written over. */
static int
is_astray(const struct recipe *r, struct rs_bytes serial)
{
    const struct recipe_host *host = r->job->host;
    char device[MEMORY_TEXT_MAX];

    if (r->is_sealed || host->holder == NULL || serial.len == 0 || serial.len >= sizeof(device))
        return 0;
    memcpy(device, serial.p, serial.len);
    device[serial.len] = '\0';
    return host->holder(host->arg, device, rs_bytes_of(r->identity.uid, r->identity.uid_len)) !=
           MEMORY_NOBODY;
}

/* A certificate in a chip that the journal does not know: for this label, or somebody else's. */
static rs_code
check_stored(struct recipe *r, struct rs_err *err)
{
    struct cert cert;
    struct rs_bytes serial;

    /* Sealed comes last: without an identity it was not us; if it was, some parts take it again. */
    if (r->stored.len == 0 && r->is_sealed && r->known.cert.len == 0)
        return rs_fail(err, RS_E_CHIP_FOREIGN, "the chip is sealed and has no identity of ours");
    if (r->stored.len == 0)
        return RS_OK;
    /* Some chips pack a certificate against their key: with another key it may come out as anything. */
    if (cert_read(rs_buf_bytes(&r->stored), &cert, NULL) != RS_OK && r->known.cert.len > 0 &&
        !r->known.passed) {
        rs_buf_reset(&r->stored);
        return RS_OK;
    }
    if (cert_read(rs_buf_bytes(&r->stored), &cert, NULL) != RS_OK)
        return rs_fail(err, r->known.passed ? RS_E_CHIP_NOT_GENUINE : RS_E_CHIP_FOREIGN,
                       "the chip has something else in its identity's place");
    serial = name_find(cert.subject, oid_serial_number);
    if (rs_bytes_equal(serial, rs_bytes_str(r->job->device)))
        return RS_OK;
    if (is_astray(r, serial))
        rs_buf_reset(&r->stored);
    else if (r->known.cert.len == 0)
        return rs_fail(err, RS_E_CHIP_FOREIGN, "the chip has the identity of \"%.*s\"",
                       (int)(serial.len < 60 ? serial.len : 60), (const char *)serial.p);
    return RS_OK;
}

static rs_code
seal_state(struct recipe *r, struct rs_err *err)
{
    static const enum rot_stage stages[] = {ROT_STAGE_CONFIG, ROT_STAGE_DATA};
    enum rot_seal_state state = ROT_SEAL_OPEN;

    for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
        if (!recipe_takes_stage(r, stages[i]))
            continue;
        /* An ATECC's comes after the configuration's; objects of others are locked one by one, by anybody. */
        if (i > 0 && recipe_takes_stage(r, stages[0]) && !r->is_configured &&
            !recipe_layout(r)->channel)
            continue;
        rot_err rot = rot_seal_state(r->job->chip, stages[i], 0, &state);
        if (rot != ROT_OK)
            return recipe_chip_fail(r, rot, "read the seals", err);
        if (state == ROT_SEAL_FOREIGN)
            return rs_fail(err, RS_E_CHIP_FOREIGN,
                           "the chip's %s is sealed with something else than the layout",
                           stages[i] == ROT_STAGE_CONFIG ? "configuration" : "data");
        if (stages[i] == ROT_STAGE_DATA)
            r->is_sealed = state == ROT_SEAL_DONE;
        else
            r->is_configured = state == ROT_SEAL_DONE;
    }
    return RS_OK;
}

static rs_code
note_begin(struct recipe *r, struct rs_err *err)
{
    const struct recipe_job *job = r->job;
    struct journal_record record = {.type = JOURNAL_BEGIN, .board = job->board};
    rs_code rc;

    record.field[JOURNAL_FIXTURE] = rs_bytes_str(job->fixture);
    record.field[JOURNAL_DEVICE] = rs_bytes_str(job->device);
    record.field[JOURNAL_ORDER] = rs_bytes_str(job->order);
    record.field[JOURNAL_MODEL] = rs_bytes_str(r->identity.model);
    record.field[JOURNAL_UID] = rs_bytes_of(r->identity.uid, r->identity.uid_len);
    rc = job->host->note(job->host->arg, &record, 0, err);
    if (rc == RS_OK)
        r->result->began = 1;
    return rc;
}

static rs_code
contact(struct recipe *r, struct rs_err *err)
{
    const struct recipe_host *host = r->job->host;
    rs_code rc = identify(r, err);

    if (rc == RS_OK)
        rc = host->recall(host->arg, rs_bytes_of(r->identity.uid, r->identity.uid_len), &r->known,
                          err);
    r->result->again_count[0] = memory_again(&r->known, "C1");
    r->result->again_count[1] = memory_again(&r->known, "F1");
    r->result->identity_used = r->result->identity_used || r->known.cert.len > 0;
    r->result->was_finished = r->known.passed;
    if (rc == RS_OK)
        rc = check_known(r, err);
    if (rc == RS_OK)
        rc = check_label(r, err);
    if (rc == RS_OK)
        rc = seal_state(r, err);
    if (rc == RS_OK &&
        (r->is_sealed || !recipe_takes_stage(r, ROT_STAGE_CONFIG) || r->known.uid_len > 0))
        rc = recipe_read_object(r, ROT_IDEVID, ROT_PART_CERT, &r->stored, err);
    if (rc == RS_OK && r->has_no_place)
        rc = no_place(r, "certificate", err);
    if (rc == RS_OK)
        rc = check_stored(r, err);
    return rc == RS_OK ? note_begin(r, err) : rc;
}

/* ---- The table ------------------------------------------------------------------------- */

static const struct {
    const char *name;
    rs_code (*run)(struct recipe *r, struct rs_err *err);
} steps[STEP_COUNT] = {
    [STEP_CONTACT] = {"contact", contact},
    [STEP_GENUINE] = {"genuine", recipe_genuine},
    [STEP_PAIR] = {"pair", recipe_pair},
    [STEP_CONFIGURE] = {"configure", recipe_configure},
    [STEP_KEY] = {"key", recipe_key},
    [STEP_CERTIFICATE] = {"certificate", recipe_certificate},
    [STEP_WRITE] = {"write", recipe_write},
    [STEP_LOCK] = {"lock", recipe_lock},
    [STEP_CHECK] = {"check", recipe_check},
};

const char *
recipe_step_name(enum recipe_step step)
{
    return steps[step].name;
}

void
recipe_result_done(struct recipe_result *result)
{
    rs_buf_done(&result->cert);
}

/* One bad answer in the middle is no reason to throw a board away. */
static int
is_worth_again(const struct recipe *r, rs_code rc)
{
    const char *class = failure_find(rc)->class;

    return r->result->began && r->is_chips_word &&
           (strcmp(class, "P1") == 0 || strcmp(class, "P2") == 0 || strcmp(class, "T1") == 0 ||
            strcmp(class, "F1") == 0);
}

static rs_code
run_once(const struct recipe_job *job, struct recipe_result *result, int *ret_again)
{
    struct recipe r = {.job = job, .result = result};
    rs_code rc = RS_OK;

    rs_buf_init(&r.stored, ROT_CERTIFICATE_MAX);
    rs_buf_reset(&result->cert);
    for (unsigned i = 0; i < STEP_COUNT && rc == RS_OK; i++) {
        uint64_t start_us = rs_mono_us();
        result->step = (enum recipe_step)i;
        if (job->host->progress != NULL)
            job->host->progress(job->host->arg, result->step);
        rc = steps[i].run(&r, &result->err);
        result->took_us[i] = (int64_t)(rs_mono_us() - start_us);
    }
    if (rc == RS_OK && !r.wrote && r.known.passed)
        rc = rs_fail(&result->err, RS_E_BOARD_DONE, "%s was finished before", job->device);
    *ret_again = is_worth_again(&r, rc);
    rs_buf_done(&r.stored);
    memory_chip_done(&r.known);
    return rc;
}

void
recipe_run(const struct recipe_job *job, struct recipe_result *result)
{
    const struct rot_setup setup = job->chip->setup;
    struct recipe r = {.job = job, .result = result};
    int again = 0;
    rot_err rot;

    rs_buf_init(&result->cert, ROT_CERTIFICATE_MAX);
    result->code = run_once(job, result, &again);
    if (!again)
        return;
    /* As if the board had been taken out: the part is opened, and looked at, from the beginning. */
    memset(&result->err, 0, sizeof(result->err));
    result->again = result->code;
    rot_close(job->chip);
    rot = rot_open(job->chip, &setup);
    result->code = rot == ROT_OK ? run_once(job, result, &again)
                                 : recipe_chip_fail(&r, rot, "open it again", &result->err);
}
