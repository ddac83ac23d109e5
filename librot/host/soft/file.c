/*
 * file.c: a key store as a file.
 *
 *   offset  bytes
 *   0       8   "rotsoft1"
 *   8       4   PBKDF2 iterations; 0: the secret is a key, and HKDF is used
 *   12      4   bytes of the body
 *   16      32  salt
 *   48      16  verifier: tells a wrong secret from a damaged file
 *   64      12  nonce, new for every file written
 *   76      4   0
 *   80      32  SHA-256 of the 80 bytes before
 *   112         body: AES-256-GCM of the store (store.c) under those 80 bytes
 *
 * Key and verifier are two parts of one derivation, so that the verifier says
 * nothing about the key and costs an attacker as much per guess.
 *
 * A file is replaced as a whole.  The simpler idea, to append changes, needs a
 * reader that knows which half-written tail to believe.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "soft.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define HEAD_LEN      112u
#define SUMMED_LEN    80u
#define AT_ITERATIONS 8u
#define AT_BODY_LEN   12u
#define AT_SALT       16u
#define AT_VERIFIER   48u
#define AT_NONCE      64u
#define AT_ZERO       76u
#define NAME_MAX_LEN  (ROT_SOFT_PATH_MAX + 8)

static const uint8_t magic[8] = {'r', 'o', 't', 's', 'o', 'f', 't', '1'};

/* ---- The system's calls -------------------------------------------------------- */

static int
system_open(void *self, const char *path, int flags, unsigned mode)
{
    (void)self;
    return open(path, flags | O_CLOEXEC, (mode_t)mode);
}

static ptrdiff_t
system_read(void *self, int fd, void *buf, size_t len)
{
    (void)self;
    return read(fd, buf, len);
}

static ptrdiff_t
system_write(void *self, int fd, const void *buf, size_t len)
{
    (void)self;
    return write(fd, buf, len);
}

static int
system_sync(void *self, int fd)
{
    (void)self;
    return fsync(fd);
}

static int
system_close(void *self, int fd)
{
    (void)self;
    return close(fd);
}

static int
system_rename(void *self, const char *from, const char *to)
{
    (void)self;
    return rename(from, to);
}

static int
system_lock(void *self, int fd)
{
    (void)self;
    return flock(fd, LOCK_EX | LOCK_NB);
}

const struct rot_soft_files soft_system_files = {
    .open = system_open,
    .read = system_read,
    .write = system_write,
    .sync = system_sync,
    .close = system_close,
    .rename = system_rename,
    .lock = system_lock,
};

/* ---- The key ---------------------------------------------------------------------- */

static void
put_be32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

static uint32_t
get_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* lock->salt and lock->iterations are set: make key and verifier of the secret. */
static rot_err
derive_lock(const struct rot_port *port, struct rot_bytes secret, struct soft_lock *lock)
{
    static const uint8_t info[] = "rot soft store 1";
    struct rot_kdf_params params = {.kdf = ROT_KDF_HKDF_SHA256,
                                    .salt = {lock->salt, SOFT_SALT_LEN},
                                    .info = {info, sizeof(info) - 1},
                                    .out_len = SOFT_KEY_LEN + SOFT_VERIFIER_LEN};
    uint8_t out[SOFT_KEY_LEN + SOFT_VERIFIER_LEN];
    rot_err rc = ROT_E_PORT;

    if (lock->iterations == 0 && port->ops->kdf != NULL)
        rc = port->ops->kdf(port->self, secret, &params, out);
    else if (lock->iterations != 0 && port->ops->stretch != NULL)
        rc =
            port->ops->stretch(port->self, secret, params.salt, lock->iterations, out, sizeof(out));
    if (rc == ROT_OK) {
        memcpy(lock->key, out, SOFT_KEY_LEN);
        memcpy(lock->verifier, out + SOFT_KEY_LEN, SOFT_VERIFIER_LEN);
    }
    rot_wipe_memory(out, sizeof(out));
    return rc;
}

rot_err
soft_lock_make(const struct rot_port *port, struct rot_bytes secret, uint32_t iterations,
               struct soft_lock *ret_lock)
{
    struct soft_lock lock = {.iterations = iterations};
    rot_err rc;

    if (port->ops->random == NULL || iterations > SOFT_ITERATIONS_MAX)
        return ROT_E_PORT;
    rc = port->ops->random(port->self, lock.salt, SOFT_SALT_LEN);
    if (rc == ROT_OK)
        rc = derive_lock(port, secret, &lock);
    if (rc == ROT_OK)
        *ret_lock = lock;
    rot_wipe_memory(&lock, sizeof(lock));
    return rc;
}

/* ---- The image ----------------------------------------------------------------------- */

static rot_err
sum_head(const struct rot_port *port, const uint8_t *head, uint8_t sum[32])
{
    struct rot_bytes part = {head, SUMMED_LEN};

    if (port->ops->hash == NULL || port->ops->aead == NULL)
        return ROT_E_PORT;
    return port->ops->hash(port->self, ROT_HASH_SHA256, &part, 1, sum);
}

static rot_err
check_head(const struct rot_port *port, struct rot_bytes image)
{
    static const uint8_t zero[4] = {0};
    const uint8_t *p = image.p;
    uint8_t sum[32];
    rot_err rc;

    if (image.len < HEAD_LEN + SOFT_TAG_LEN || image.len > SOFT_FILE_MAX)
        return ROT_E_FORMAT;
    rc = sum_head(port, p, sum);
    if (rc != ROT_OK)
        return rc;
    if (memcmp(p, magic, sizeof(magic)) != 0 || memcmp(p + SUMMED_LEN, sum, sizeof(sum)) != 0 ||
        memcmp(p + AT_ZERO, zero, sizeof(zero)) != 0)
        return ROT_E_FORMAT;
    if (get_be32(p + AT_ITERATIONS) > SOFT_ITERATIONS_MAX ||
        get_be32(p + AT_BODY_LEN) != image.len - HEAD_LEN)
        return ROT_E_FORMAT;
    return ROT_OK;
}

static rot_err
open_body(const struct rot_port *port, struct rot_bytes image, const uint8_t *key,
          struct soft_store *ret_store)
{
    struct rot_bytes body = {image.p + HEAD_LEN, image.len - HEAD_LEN};
    size_t len = body.len - SOFT_TAG_LEN;
    uint8_t *plain = malloc(len + 1);
    rot_err rc;

    if (plain == NULL)
        return ROT_E_PORT;
    rc = port->ops->aead(port->self, ROT_AEAD_AES_GCM, (struct rot_bytes){key, SOFT_KEY_LEN},
                         (struct rot_bytes){image.p + AT_NONCE, SOFT_NONCE_LEN},
                         (struct rot_bytes){image.p, SUMMED_LEN}, 0, body, plain);
    if (rc == ROT_OK)
        rc = soft_store_read(plain, len, ret_store);
    else if (rc == ROT_E_MISMATCH)
        rc = ROT_E_FORMAT; /* the verifier was right, so it is not the secret */
    rot_wipe_memory(plain, len);
    free(plain);
    return rc;
}

rot_err
soft_image_read(const struct rot_port *port, struct rot_bytes secret, struct rot_bytes image,
                struct soft_lock *lock, struct soft_store *ret_store)
{
    struct soft_lock mine = *lock;
    rot_err rc = check_head(port, image);

    if (rc != ROT_OK)
        goto out;
    if (secret.p != NULL) {
        mine.iterations = get_be32(image.p + AT_ITERATIONS);
        memcpy(mine.salt, image.p + AT_SALT, SOFT_SALT_LEN);
        rc = derive_lock(port, secret, &mine);
        if (rc != ROT_OK)
            goto out;
    }
    rc = ROT_E_AUTH;
    if (!rot_equal(mine.verifier, image.p + AT_VERIFIER, SOFT_VERIFIER_LEN))
        goto out;
    rc = open_body(port, image, mine.key, ret_store);
    if (rc == ROT_OK)
        *lock = mine;
out:
    rot_wipe_memory(&mine, sizeof(mine));
    return rc;
}

/* Make the image of a store; *ret_image is the caller's to free (it holds no plain secret). */
static rot_err
make_image(const struct rot_port *port, const struct soft_lock *lock,
           const struct soft_store *store, uint8_t **ret_image, size_t *ret_len)
{
    size_t plain_len = soft_store_size(store), len = HEAD_LEN + plain_len + SOFT_TAG_LEN;
    uint8_t *plain = malloc(plain_len), *image = calloc(1, len);
    rot_err rc = ROT_E_PORT;

    if (plain == NULL || image == NULL || port->ops->random == NULL)
        goto out;
    rc = ROT_E_SPACE;
    if (len > SOFT_FILE_MAX)
        goto out;
    memcpy(image, magic, sizeof(magic));
    put_be32(image + AT_ITERATIONS, lock->iterations);
    put_be32(image + AT_BODY_LEN, (uint32_t)(len - HEAD_LEN));
    memcpy(image + AT_SALT, lock->salt, SOFT_SALT_LEN);
    memcpy(image + AT_VERIFIER, lock->verifier, SOFT_VERIFIER_LEN);
    rc = port->ops->random(port->self, image + AT_NONCE, SOFT_NONCE_LEN);
    if (rc == ROT_OK)
        rc = sum_head(port, image, image + SUMMED_LEN);
    if (rc != ROT_OK)
        goto out;
    soft_store_write(store, plain);
    rc = port->ops->aead(port->self, ROT_AEAD_AES_GCM, (struct rot_bytes){lock->key, SOFT_KEY_LEN},
                         (struct rot_bytes){image + AT_NONCE, SOFT_NONCE_LEN},
                         (struct rot_bytes){image, SUMMED_LEN}, 1,
                         (struct rot_bytes){plain, plain_len}, image + HEAD_LEN);
    if (rc == ROT_OK) {
        *ret_image = image;
        *ret_len = len;
        image = NULL;
    }
out:
    rot_wipe_memory(plain, plain_len);
    free(plain);
    free(image);
    return rc;
}

/* ---- The file ---------------------------------------------------------------------------- */

static int
do_open(const struct rot_soft *soft, const char *path, int flags)
{
    return soft->files->open(soft->files_self, path, flags, 0600);
}

static int
do_close(const struct rot_soft *soft, int fd)
{
    return soft->files->close(soft->files_self, fd);
}

/* A whole file into memory; *ret_data is the caller's to free. */
static rot_err
read_file(const struct rot_soft *soft, const char *path, uint8_t **ret_data, size_t *ret_len)
{
    int fd = do_open(soft, path, O_RDONLY);
    uint8_t *data;
    size_t len = 0;
    ptrdiff_t n = -1;

    if (fd < 0)
        return ROT_E_BUS;
    data = malloc(SOFT_FILE_MAX + 1);
    while (data != NULL && len <= SOFT_FILE_MAX) {
        n = soft->files->read(soft->files_self, fd, data + len, SOFT_FILE_MAX + 1 - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    (void)do_close(soft, fd); /* it was only read */
    if (data == NULL || n < 0) {
        free(data);
        return data == NULL ? ROT_E_PORT : ROT_E_BUS;
    }
    *ret_data = data;
    *ret_len = len;
    return ROT_OK;
}

static rot_err
write_all(const struct rot_soft *soft, int fd, const uint8_t *p, size_t len)
{
    while (len > 0) {
        ptrdiff_t n = soft->files->write(soft->files_self, fd, p, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ROT_E_BUS;
        p += n;
        len -= (size_t)n;
    }
    return ROT_OK;
}

/* Write path, flush it, and read it back. */
static rot_err
write_file(const struct rot_soft *soft, const char *path, const uint8_t *image, size_t len)
{
    int fd = do_open(soft, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW);
    uint8_t *back = NULL;
    size_t back_len = 0;
    rot_err rc;

    if (fd < 0)
        return ROT_E_BUS;
    rc = write_all(soft, fd, image, len);
    if (rc == ROT_OK && soft->files->sync(soft->files_self, fd) != 0)
        rc = ROT_E_BUS;
    if (do_close(soft, fd) != 0 && rc == ROT_OK)
        rc = ROT_E_BUS;
    if (rc == ROT_OK)
        rc = read_file(soft, path, &back, &back_len);
    if (rc == ROT_OK && (back_len != len || memcmp(back, image, len) != 0))
        rc = ROT_E_MISMATCH;
    free(back);
    return rc;
}

/* A rename is durable when its directory is. */
static rot_err
sync_directory(const struct rot_soft *soft)
{
    char dir[ROT_SOFT_PATH_MAX];
    char *slash;
    rot_err rc = ROT_OK;
    int fd;

    (void)snprintf(dir, sizeof(dir), "%s", soft->path);
    slash = strrchr(dir, '/');
    if (slash == NULL)
        (void)snprintf(dir, sizeof(dir), ".");
    else if (slash == dir)
        dir[1] = '\0';
    else
        *slash = '\0';
    fd = do_open(soft, dir, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return ROT_E_BUS;
    if (soft->files->sync(soft->files_self, fd) != 0)
        rc = ROT_E_BUS;
    (void)do_close(soft, fd);
    return rc;
}

rot_err
soft_file_save(const struct rot_soft *soft, const struct rot_port *port,
               const struct soft_lock *lock, const struct soft_store *store)
{
    char fresh[NAME_MAX_LEN];
    uint8_t *image = NULL;
    size_t len = 0;
    rot_err rc = make_image(port, lock, store, &image, &len);

    if (rc != ROT_OK)
        return rc;
    (void)snprintf(fresh, sizeof(fresh), "%s.new", soft->path);
    rc = write_file(soft, fresh, image, len);
    if (rc == ROT_OK && soft->files->rename(soft->files_self, fresh, soft->path) != 0)
        rc = ROT_E_BUS;
    if (rc == ROT_OK)
        rc = sync_directory(soft);
    free(image);
    return rc;
}

rot_err
soft_file_load(const struct rot_soft *soft, const struct rot_port *port, struct rot_bytes secret,
               struct soft_lock *lock, struct soft_store *ret_store)
{
    uint8_t *data = NULL;
    size_t len = 0;
    rot_err rc = read_file(soft, soft->path, &data, &len);

    if (rc == ROT_OK)
        rc = soft_image_read(port, secret, (struct rot_bytes){data, len}, lock, ret_store);
    free(data);
    return rc;
}

rot_err
soft_file_lock(const struct rot_soft *soft, int *ret_fd)
{
    char path[NAME_MAX_LEN];
    int fd;

    (void)snprintf(path, sizeof(path), "%s.lock", soft->path);
    fd = do_open(soft, path, O_RDWR | O_CREAT | O_NOFOLLOW);
    if (fd < 0)
        return ROT_E_BUS;
    if (soft->files->lock(soft->files_self, fd) != 0) {
        rot_err rc = errno == EWOULDBLOCK ? ROT_BUSY : ROT_E_BUS;

        (void)do_close(soft, fd);
        return rc;
    }
    *ret_fd = fd;
    return ROT_OK;
}

int
soft_file_exists(const struct rot_soft *soft)
{
    int fd = do_open(soft, soft->path, O_RDONLY);

    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    (void)do_close(soft, fd);
    return 1;
}
