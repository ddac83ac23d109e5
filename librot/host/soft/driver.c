/*
 * driver.c: opening a key store, its life cycle, and the driver's table.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "soft.h"

#include <stdio.h>
#include <string.h>

#define REVISION 1u

_Static_assert(sizeof(struct soft) <= ROT_SOFT_STATE_SIZE, "rot_soft.h promises less");

rot_err
rot_soft_init(struct rot_soft *soft, const char *path, const uint8_t *secret, size_t secret_len)
{
    if (soft == NULL || path == NULL || secret == NULL || secret_len == 0)
        return ROT_E_ARG;
    if (path[0] == '\0' || strlen(path) >= sizeof(soft->path))
        return ROT_E_ARG;
    memset(soft, 0, sizeof(*soft));
    memcpy(soft->path, path, strlen(path) + 1);
    soft->secret = (struct rot_bytes){secret, secret_len};
    soft->iterations = ROT_SOFT_ITERATIONS;
    soft->files = &soft_system_files;
    soft->transport.self = soft;
    return ROT_OK;
}

/* The lock is held. */
static rot_err
create_locked(const struct rot_soft *soft, const struct rot_port *port)
{
    struct soft_store store;
    struct soft_lock lock;
    int exists = soft_file_exists(soft);
    rot_err rc;

    if (exists != 0)
        return exists > 0 ? ROT_E_STATE : ROT_E_BUS;
    memset(&store, 0, sizeof(store));
    memset(&lock, 0, sizeof(lock));
    rc = soft_lock_make(port, soft->secret, soft->iterations, &lock);
    if (rc == ROT_OK)
        rc = port->ops->random(port->self, store.uid, sizeof(store.uid));
    if (rc == ROT_OK)
        rc = soft_file_save(soft, port, &lock, &store);
    rot_wipe_memory(&lock, sizeof(lock));
    return rc;
}

rot_err
rot_soft_create(struct rot_soft *soft, const struct rot_port *port)
{
    int fd = -1;
    rot_err rc;

    if (soft == NULL || port == NULL || port->ops == NULL || soft->files == NULL)
        return ROT_E_ARG;
    if (soft->iterations == 0 && soft->secret.len < SOFT_KEY_LEN)
        return ROT_E_ARG; /* HKDF does not make a passphrase stronger */
    rc = soft_file_lock(soft, &fd);
    if (rc != ROT_OK)
        return rc;
    rc = create_locked(soft, port);
    (void)soft->files->close(soft->files_self, fd);
    return rc;
}

struct soft *
soft_of(const struct rot_chip *chip)
{
    struct soft *s = chip->setup.state;

    return s->is_loaded ? s : NULL;
}

/* Memory becomes what the disk holds.  With secret.p NULL the key is known already. */
static rot_err
load(struct rot_chip *chip, struct rot_bytes secret)
{
    struct soft *s = chip->setup.state;
    rot_err rc;

    s->is_loaded = 0;
    soft_store_clear(&s->store);
    rc = soft_file_load(s->config, chip->setup.port, secret, &s->lock, &s->store);
    if (rc == ROT_OK)
        s->is_loaded = 1;
    return rc;
}

rot_err
soft_commit(struct rot_chip *chip)
{
    struct soft *s = chip->setup.state;
    rot_err rc = soft_file_save(s->config, chip->setup.port, &s->lock, &s->store);

    /* If even reading fails, is_loaded stays 0, and every call says so until rot_reset(). */
    if (rc != ROT_OK && load(chip, (struct rot_bytes){NULL, 0}) != ROT_OK)
        rc = ROT_E_BUS;
    return rc;
}

rot_err
soft_check_open_place(struct soft *s, const struct rot_place *place)
{
    const struct soft_record *r = soft_store_find(&s->store, place->object, place->part);

    if (r != NULL && (r->flags & SOFT_LOCKED) != 0)
        return ROT_E_STATE;
    if ((s->store.sealed & (1u << ROT_STAGE_DATA)) != 0 &&
        (place->flags & ROT_PLACE_REGENERATE) == 0)
        return ROT_E_STATE;
    return ROT_OK;
}

/* ---- Slots ------------------------------------------------------------------------ */

static rot_err
soft_probe(struct rot_chip *chip)
{
    struct soft *s = chip->setup.state;
    int fd = -1;
    rot_err rc;

    if (chip->setup.transport == NULL || chip->setup.transport->self == NULL)
        return ROT_E_ARG;
    s->config = chip->setup.transport->self;
    if (s->config->files == NULL || s->config->secret.p == NULL)
        return ROT_E_ARG;
    rc = soft_file_lock(s->config, &fd);
    if (rc != ROT_OK)
        return rc;
    s->lock_fd = fd + 1;
    return load(chip, s->config->secret);
}

static void
soft_close(struct rot_chip *chip)
{
    struct soft *s = chip->setup.state;

    soft_drop_pending(s);
    soft_store_clear(&s->store);
    if (s->lock_fd != 0)
        (void)s->config->files->close(s->config->files_self, s->lock_fd - 1);
    s->lock_fd = 0;
}

static rot_err
soft_reset(struct rot_chip *chip)
{
    struct soft *s = chip->setup.state;

    soft_drop_pending(s);
    rot_wipe_memory(s->sessions, sizeof(s->sessions));
    return load(chip, (struct rot_bytes){NULL, 0});
}

static rot_err
soft_random(struct rot_chip *chip, uint8_t *buf, size_t len)
{
    if (chip->setup.port->ops->random == NULL)
        return ROT_E_PORT;
    return chip->setup.port->ops->random(chip->setup.port->self, buf, len);
}

/* Every place that a production recipe seals by itself is sealed. */
static int
all_objects_sealed(const struct rot_chip *chip, struct soft *s, unsigned *ret_wanted)
{
    const struct rot_layout *layout = chip->setup.layout;
    int all = 1;

    *ret_wanted = 0;
    for (size_t i = 0; i < layout->place_count; i++) {
        const struct rot_place *p = &layout->places[i];
        const struct soft_record *r;

        if ((p->flags & ROT_PLACE_SEAL) == 0)
            continue;
        r = soft_store_find(&s->store, p->object, p->part);
        (*ret_wanted)++;
        all = all && r != NULL && (r->flags & SOFT_LOCKED) != 0;
    }
    return all;
}

static rot_err
soft_uid(struct rot_chip *chip, uint8_t uid[ROT_UID_MAX], size_t *ret_len)
{
    const struct soft *s = soft_of(chip);

    if (s == NULL)
        return ROT_E_BUS;
    memcpy(uid, s->store.uid, SOFT_UID_LEN);
    *ret_len = SOFT_UID_LEN;
    return ROT_OK;
}

static rot_err
soft_identify(struct rot_chip *chip, struct rot_identity *id)
{
    struct soft *s = soft_of(chip);
    unsigned wanted = 0;
    int objects;

    if (s == NULL)
        return ROT_E_BUS;
    (void)snprintf(id->vendor, sizeof(id->vendor), "software");
    (void)snprintf(id->model, sizeof(id->model), "soft");
    id->revision = REVISION;
    memcpy(id->uid, s->store.uid, SOFT_UID_LEN);
    id->uid_len = SOFT_UID_LEN;
    id->sealed = s->store.sealed;
    objects = all_objects_sealed(chip, s, &wanted);
    if (objects && wanted != 0)
        id->sealed |= 1u << ROT_STAGE_OBJECT;
    if ((s->store.sealed & (1u << ROT_STAGE_DATA)) != 0)
        id->lifecycle = objects ? ROT_LIFE_SEALED : ROT_LIFE_PROVISIONED;
    else
        id->lifecycle = s->store.count == 0 ? ROT_LIFE_BLANK : ROT_LIFE_CONFIGURED;
    return ROT_OK;
}

/* Everything is offered, and all of it is computed by the host; the core takes away the rest. */
static void
soft_capability(const struct rot_chip *chip, const struct rot_place *key,
                const struct rot_place *cert, const struct rot_place *chain,
                const struct rot_place *data, struct rot_capability *cap)
{
    (void)chip;
    for (size_t i = 0; i < ROT_PRIMITIVES; i++)
        cap->where[i] = ROT_ON_HOST;
    cap->alg = key != NULL ? key->alg : (data != NULL ? data->alg : (uint8_t)ROT_ALG_NONE);
    cap->cert_size = cert != NULL ? cert->size : 0;
    cap->chain_size = chain != NULL ? chain->size : 0;
    cap->data_size = data != NULL ? data->size : 0;
    /* Digests are what rot_verify_digest() takes: not for Ed25519 and X25519. */
    if (key != NULL && rot_alg_digest_size((enum rot_alg)key->alg) == 0)
        cap->where[ROT_CAN_VERIFY] = ROT_NOWHERE;
}

static rot_err
soft_seal(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *place)
{
    struct soft *s = soft_of(chip);
    struct soft_record *r;

    if (s == NULL)
        return ROT_E_BUS;
    if (stage == ROT_STAGE_DATA) {
        if ((s->store.sealed & (1u << ROT_STAGE_DATA)) != 0)
            return ROT_OK;
        s->store.sealed |= 1u << ROT_STAGE_DATA;
        return soft_commit(chip);
    }
    if (stage != ROT_STAGE_OBJECT)
        return ROT_E_UNSUPPORTED;
    r = soft_store_find(&s->store, place->object, place->part);
    if (r == NULL)
        return ROT_E_EMPTY; /* an empty object would be sealed for nothing */
    if ((r->flags & SOFT_LOCKED) != 0)
        return ROT_OK;
    r->flags |= SOFT_LOCKED;
    return soft_commit(chip);
}

static rot_err
soft_seal_state(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *place,
                enum rot_seal_state *ret_state)
{
    struct soft *s = soft_of(chip);
    const struct soft_record *r;
    int done;

    if (s == NULL)
        return ROT_E_BUS;
    if (stage == ROT_STAGE_DATA) {
        done = (s->store.sealed & (1u << ROT_STAGE_DATA)) != 0;
    } else if (stage == ROT_STAGE_OBJECT) {
        r = soft_store_find(&s->store, place->object, place->part);
        done = r != NULL && (r->flags & SOFT_LOCKED) != 0;
    } else {
        return ROT_E_UNSUPPORTED;
    }
    *ret_state = done ? ROT_SEAL_DONE : ROT_SEAL_OPEN;
    return ROT_OK;
}

/* What is not sealed goes; counters stay, because they never go down. */
static rot_err
soft_wipe(struct rot_chip *chip)
{
    struct soft *s = soft_of(chip);
    const struct rot_layout *layout = chip->setup.layout;

    if (s == NULL)
        return ROT_E_BUS;
    soft_drop_pending(s);
    rot_wipe_memory(s->sessions, sizeof(s->sessions));
    for (size_t i = 0; i < layout->place_count; i++) {
        const struct rot_place *p = &layout->places[i];
        struct soft_record *r = soft_store_find(&s->store, p->object, p->part);

        if (r != NULL && ROT_OBJECT_KIND(p->object) != ROT_KIND_COUNTER &&
            soft_check_open_place(s, p) == ROT_OK)
            soft_store_remove(&s->store, r);
    }
    return soft_commit(chip);
}

/* The secure channel of a file is its encryption: from now on the new secret opens it. */
static rot_err
soft_channel_rotate(struct rot_chip *chip, const uint8_t *secret, size_t secret_len)
{
    struct soft *s = soft_of(chip);
    struct soft_lock old, fresh;
    rot_err rc;

    if (s == NULL)
        return ROT_E_BUS;
    if (s->lock.iterations == 0 && secret_len < SOFT_KEY_LEN)
        return ROT_E_ARG;
    memset(&fresh, 0, sizeof(fresh));
    old = s->lock;
    rc = soft_lock_make(chip->setup.port, (struct rot_bytes){secret, secret_len},
                        s->lock.iterations, &fresh);
    if (rc != ROT_OK)
        goto out;
    rc = soft_file_save(s->config, chip->setup.port, &fresh, &s->store);
    if (rc == ROT_OK) {
        s->lock = fresh;
        goto out;
    }
    /* Which of the two the disk has now, it says itself. */
    if (load(chip, (struct rot_bytes){NULL, 0}) == ROT_E_AUTH) {
        s->lock = fresh;
        if (load(chip, (struct rot_bytes){NULL, 0}) != ROT_OK)
            s->lock = old;
    }
out:
    rot_wipe_memory(&old, sizeof(old));
    rot_wipe_memory(&fresh, sizeof(fresh));
    return rc;
}

/* The file opens, and holds what memory does. */
static rot_err
soft_self_test(struct rot_chip *chip)
{
    struct soft *s = soft_of(chip);
    struct soft_store disk;
    struct soft_lock lock;
    int same;
    rot_err rc;

    if (s == NULL)
        return ROT_E_BUS;
    lock = s->lock;
    memset(&disk, 0, sizeof(disk));
    rc = soft_file_load(s->config, chip->setup.port, (struct rot_bytes){NULL, 0}, &lock, &disk);
    rot_wipe_memory(&lock, sizeof(lock));
    if (rc != ROT_OK)
        return rc == ROT_E_BUS ? rc : ROT_E_CHIP;
    same = disk.count == s->store.count && disk.sealed == s->store.sealed;
    for (size_t i = 0; same && i < disk.count; i++) {
        const struct soft_record *a = &disk.records[i], *b = &s->store.records[i];

        same = a->object == b->object && a->part == b->part && a->flags == b->flags &&
               a->len == b->len && rot_equal(a->data, b->data, a->len);
    }
    soft_store_clear(&disk);
    return same ? ROT_OK : ROT_E_CHIP;
}

const struct rot_driver rot_driver_soft = {
    .name = "soft",
    .vendor = "software",
    .bus = ROT_BUS_NONE,
    .state_size = sizeof(struct soft),
    .layouts = soft_layouts,
    .probe = soft_probe,
    .close = soft_close,
    .reset = soft_reset,
    .identify = soft_identify,
    .uid = soft_uid,
    .capability = soft_capability,
    .random = soft_random,
    .key_generate = soft_key_generate,
    .key_public = soft_key_public,
    .key_import = soft_key_import,
    .key_delete = soft_key_delete,
    .sign_digest = soft_sign_digest,
    .sign_message = soft_sign_message,
    .verify_digest = soft_verify_digest,
    .agree = soft_agree,
    .derive = soft_derive,
    .mac = soft_mac,
    .aead = soft_aead,
    .object_size = soft_object_size,
    .object_read = soft_object_read,
    .object_write = soft_object_write,
    .counter_read = soft_counter_read,
    .counter_increment = soft_counter_increment,
    .seal = soft_seal,
    .seal_state = soft_seal_state,
    .wipe = soft_wipe,
    .channel_rotate = soft_channel_rotate,
    .self_test = soft_self_test,
};
