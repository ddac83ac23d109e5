/*
 * session.c: what keeps the bus honest (Part 1, 17 to 21).
 *
 * One HMAC session per open chip, made when it is first needed: salted with an
 * ECDH against a primary key of the null hierarchy, so that who only listens
 * learns nothing; AES-128-CFB over the first parameter of each direction; and
 * an HMAC over every command and answer, checked before the answer is used.
 * Nonces are fresh in every command.
 *
 * All authorisation values that the driver knows are empty, so that they add
 * nothing to any key here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tpm2.h"

#define SE_HMAC   0x00u
#define SE_POLICY 0x01u

static void
store_u32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

static struct rot_bytes
text(const char *t)
{
    size_t n = 0;

    while (t[n] != '\0')
        n++;
    return (struct rot_bytes){(const uint8_t *)t, n + 1}; /* with its NUL: 11.4.10.2 */
}

rot_err
tpm2_kdfa(const struct rot_port *port, struct rot_bytes key, const char *label, struct rot_bytes u,
          struct rot_bytes v, size_t len, uint8_t out[TPM2_HASH])
{
    uint8_t counter[4], bits[4];
    const struct rot_bytes parts[] = {{counter, 4}, text(label), u, v, {bits, 4}};

    if (len > TPM2_HASH)
        return ROT_E_ARG;
    store_u32(counter, 1);
    store_u32(bits, (uint32_t)len * 8);
    return port->ops->hmac(port->self, ROT_HASH_SHA256, key, parts, 5, out);
}

rot_err
tpm2_kdfe(const struct rot_port *port, const uint8_t z[32], const char *use, const uint8_t u[32],
          const uint8_t v[32], uint8_t out[TPM2_HASH])
{
    uint8_t counter[4];
    const struct rot_bytes parts[] = {{counter, 4}, {z, 32}, text(use), {u, 32}, {v, 32}};

    store_u32(counter, 1);
    return port->ops->hash(port->self, ROT_HASH_SHA256, parts, 5, out);
}

static int
has_crypto(const struct rot_port *port)
{
    return port->ops->hash != NULL && port->ops->hmac != NULL && port->ops->aes_cfb != NULL &&
           port->ops->ecdh != NULL && port->ops->ec_generate != NULL && port->ops->random != NULL;
}

/* ---- Starting ------------------------------------------------------------- */

/* A salt that only the TPM can read: Part 1, C.6.1.  point is the ephemeral key's. */
static rot_err
make_salt(const struct rot_port *port, const uint8_t tpm_point[64], uint8_t point[64],
          uint8_t salt[TPM2_HASH])
{
    uint8_t priv[32], z[32];
    rot_err rc = port->ops->ec_generate(port->self, ROT_ALG_P256, priv, point);

    if (rc == ROT_OK)
        rc = port->ops->ecdh(port->self, ROT_ALG_P256, priv, tpm_point, z);
    if (rc == ROT_OK)
        rc = tpm2_kdfe(port, z, "SECRET", point, tpm_point, salt);
    rot_wipe_memory(priv, sizeof(priv));
    rot_wipe_memory(z, sizeof(z));
    return rc;
}

/* point is NULL for a session without salt. */
static rot_err
start(struct rot_chip *chip, uint32_t key, const uint8_t *point, struct tpm2_session *session)
{
    const struct rot_port *port = chip->setup.port;
    struct tpm2_command *c;
    struct tpm2_reader r;
    struct rot_bytes nonce;
    size_t at;
    rot_err rc = port->ops->random(port->self, session->nonce_caller, TPM2_HASH);

    if (rc != ROT_OK)
        return rc;
    c = tpm2_begin(chip, TPM2_CC_START_SESSION);
    c->returns_handle = 1;
    tpm2_put_handle(chip, key, NULL);
    tpm2_put_handle(chip, TPM2_RH_NULL, NULL);
    tpm2_put_sized(chip, session->nonce_caller, TPM2_HASH);
    at = tpm2_open_sized(chip);
    if (point != NULL) {
        tpm2_put_sized(chip, point, 32);
        tpm2_put_sized(chip, point + 32, 32);
    }
    tpm2_close_sized(chip, at);
    tpm2_put_u8(chip, session->is_policy ? SE_POLICY : SE_HMAC);
    if (session->is_policy) {
        tpm2_put_u16(chip, TPM2_ALG_NULL);
    } else {
        tpm2_put_u16(chip, TPM2_ALG_AES);
        tpm2_put_u16(chip, 128);
        tpm2_put_u16(chip, TPM2_ALG_CFB);
    }
    tpm2_put_u16(chip, TPM2_ALG_SHA256);
    rc = tpm2_run(chip, &r);
    if (rc != ROT_OK)
        return rc;
    session->handle = c->handle;
    nonce = tpm2_get_sized(&r);
    if (tpm2_get_end(&r) != ROT_OK || nonce.len > TPM2_HASH || nonce.len < 16)
        return ROT_E_FORMAT;
    memcpy(session->nonce_tpm, nonce.p, nonce.len);
    session->nonce_tpm_len = (uint8_t)nonce.len;
    return ROT_OK;
}

static rot_err
start_salted(struct rot_chip *chip, const struct tpm2_key *key, struct tpm2_session *session)
{
    const struct rot_port *port = chip->setup.port;
    uint8_t point[64], salt[TPM2_HASH];
    rot_err rc = make_salt(port, key->point, point, salt);

    if (rc == ROT_OK)
        rc = start(chip, key->handle, point, session);
    if (rc == ROT_OK)
        rc = tpm2_kdfa(port, (struct rot_bytes){salt, TPM2_HASH}, "ATH",
                       (struct rot_bytes){session->nonce_tpm, session->nonce_tpm_len},
                       (struct rot_bytes){session->nonce_caller, TPM2_HASH}, TPM2_HASH,
                       session->key);
    rot_wipe_memory(salt, sizeof(salt));
    return rc;
}

rot_err
tpm2_need_session(struct rot_chip *chip)
{
    struct tpm2_state *s = tpm2_of(chip);
    struct tpm2_session session = {.handle = 0};
    rot_err rc;

    if (s->session.handle != 0)
        return ROT_OK;
    if (!has_crypto(chip->setup.port))
        return ROT_E_PORT;
    tpm2_end_session(chip);
    rc = tpm2_create_primary(chip, TPM2_RH_NULL, TPM2_TEMPLATE_STORAGE, &s->other);
    if (rc != ROT_OK)
        return rc;
    rc = start_salted(chip, &s->other, &session);
    rc = tpm2_flush_after(chip, s->other.handle, rc);
    if (rc == ROT_OK)
        s->session = session;
    else
        rc = tpm2_flush_after(chip, session.handle, rc);
    rot_wipe_memory(&session, sizeof(session));
    return rc;
}

/* Without asking the TPM: it may be gone, or have forgotten. */
void
tpm2_drop_session(struct rot_chip *chip)
{
    rot_wipe_memory(&tpm2_of(chip)->session, sizeof(struct tpm2_session));
}

void
tpm2_end_session(struct rot_chip *chip)
{
    struct tpm2_state *s = tpm2_of(chip);
    uint32_t handles[2] = {s->session.handle, s->orphan};

    tpm2_drop_session(chip);
    s->orphan = 0;
    for (unsigned i = 0; i < 2; i++)
        (void)tpm2_flush_after(chip, handles[i], ROT_E_STATE);
}

rot_err
tpm2_start_policy(struct rot_chip *chip, struct tpm2_session *ret_session)
{
    rot_err rc;

    memset(ret_session, 0, sizeof(*ret_session));
    ret_session->is_policy = 1;
    rc = start(chip, TPM2_RH_NULL, NULL, ret_session);
    if (rc != ROT_OK) {
        rc = tpm2_flush_after(chip, ret_session->handle, rc);
        ret_session->handle = 0;
    }
    return rc;
}

/* ---- A command --------------------------------------------------------------- */

static struct rot_bytes
newer_first(const struct tpm2_session *session, int is_command, int second)
{
    if (is_command != second)
        return (struct rot_bytes){session->nonce_caller, TPM2_HASH};
    return (struct rot_bytes){session->nonce_tpm, session->nonce_tpm_len};
}

/* Part 1, 21.3: CFB over the content of the first parameter; its size stays readable. */
static rot_err
cipher(struct rot_chip *chip, const struct tpm2_session *session, int is_command, uint8_t *params,
       size_t params_len)
{
    const struct rot_port *port = chip->setup.port;
    uint8_t key[TPM2_HASH]; /* 16 bytes of key, 16 of IV */
    size_t len;
    rot_err rc;

    if (params_len < 2)
        return ROT_E_FORMAT;
    len = (size_t)params[0] << 8 | params[1];
    if (len > params_len - 2)
        return ROT_E_FORMAT;
    if (len == 0)
        return ROT_OK;
    rc = tpm2_kdfa(port, (struct rot_bytes){session->key, TPM2_HASH}, "CFB",
                   newer_first(session, is_command, 0), newer_first(session, is_command, 1),
                   TPM2_HASH, key);
    if (rc == ROT_OK)
        rc = port->ops->aes_cfb(port->self, (struct rot_bytes){key, 16}, key + 16, is_command,
                                params + 2, len, params + 2);
    rot_wipe_memory(key, sizeof(key));
    return rc;
}

/* Part 1, 19.6.5. */
static rot_err
session_hmac(struct rot_chip *chip, const struct tpm2_session *session, const uint8_t *phash,
             int is_command, uint8_t attributes, uint8_t out[TPM2_HASH])
{
    const struct rot_port *port = chip->setup.port;
    const struct rot_bytes parts[] = {{phash, TPM2_HASH},
                                      newer_first(session, is_command, 0),
                                      newer_first(session, is_command, 1),
                                      {&attributes, 1}};

    return port->ops->hmac(port->self, ROT_HASH_SHA256, (struct rot_bytes){session->key, TPM2_HASH},
                           parts, 4, out);
}

/* Part 1, 16.7: command code, names, parameters. */
static rot_err
command_hash(struct rot_chip *chip, uint8_t out[TPM2_HASH])
{
    const struct rot_port *port = chip->setup.port;
    const struct tpm2_state *s = tpm2_of(chip);
    const struct tpm2_command *c = &s->command;
    uint8_t code[4];
    struct rot_bytes parts[2 + TPM2_HANDLES] = {{code, 4}};
    size_t n = 1;

    store_u32(code, c->cc);
    for (unsigned i = 0; i < c->handle_count; i++) {
        if (c->names[i] != NULL)
            parts[n++] = (struct rot_bytes){c->names[i]->b, c->names[i]->len};
    }
    parts[n++] = (struct rot_bytes){s->tx + c->params_at, c->len - c->params_at};
    return port->ops->hash(port->self, ROT_HASH_SHA256, parts, n, out);
}

/* One entry of the authorisation area; gives what follows it. */
static rot_err
put_auth(struct rot_chip *chip, uint8_t **at, const struct tpm2_session *session,
         uint8_t attributes, const uint8_t *phash)
{
    uint8_t *p = *at;
    rot_err rc = ROT_OK;

    store_u32(p, session == NULL ? TPM2_RS_PASSWORD : session->handle);
    p += 4;
    *p++ = 0;
    *p++ = session == NULL ? 0 : TPM2_HASH;
    if (session != NULL) {
        memcpy(p, session->nonce_caller, TPM2_HASH);
        p += TPM2_HASH;
    }
    *p++ = attributes;
    *p++ = 0;
    if (session == NULL || session->is_policy) {
        *p++ = 0; /* an empty password, or a policy that wants none */
    } else {
        *p++ = TPM2_HASH;
        rc = session_hmac(chip, session, phash, 1, attributes, p);
        p += TPM2_HASH;
    }
    *at = p;
    return rc;
}

rot_err
tpm2_protect(struct rot_chip *chip, size_t auth_at)
{
    const struct rot_port *port = chip->setup.port;
    struct tpm2_state *s = tpm2_of(chip);
    struct tpm2_command *c = &s->command;
    uint8_t *p = s->tx + auth_at + 4, phash[TPM2_HASH];
    rot_err rc = ROT_OK;

    store_u32(s->tx + auth_at, (uint32_t)(c->params_at - auth_at - 4));
    for (unsigned i = 0; i < c->session_count && rc == ROT_OK; i++) {
        if (c->sessions[i] == NULL)
            continue;
        rc = port->ops->random(port->self, c->sessions[i]->nonce_caller, TPM2_HASH);
        if (rc == ROT_OK && (c->attributes[i] & TPM2_SE_DECRYPT) != 0)
            rc = cipher(chip, c->sessions[i], 1, s->tx + c->params_at, c->len - c->params_at);
    }
    if (rc == ROT_OK && has_crypto(port))
        rc = command_hash(chip, phash);
    for (unsigned i = 0; i < c->session_count && rc == ROT_OK; i++)
        rc = put_auth(chip, &p, c->sessions[i], c->attributes[i], phash);
    return rc;
}

/* ---- Its answer ----------------------------------------------------------------- */

static rot_err
check_auth(struct rot_chip *chip, struct tpm2_session *session, const uint8_t *phash,
           struct tpm2_reader *auth)
{
    struct rot_bytes nonce = tpm2_get_sized(auth);
    uint8_t attributes = tpm2_get_u8(auth), want[TPM2_HASH];
    struct rot_bytes mac = tpm2_get_sized(auth);
    rot_err rc;

    if (auth->is_bad)
        return ROT_E_FORMAT;
    if (session == NULL)
        return ROT_OK; /* a password has nothing to say */
    if (nonce.len > TPM2_HASH)
        return ROT_E_FORMAT;
    if (nonce.len != 0)
        memcpy(session->nonce_tpm, nonce.p, nonce.len);
    session->nonce_tpm_len = (uint8_t)nonce.len;
    if (session->is_policy)
        return ROT_OK;
    rc = session_hmac(chip, session, phash, 0, attributes, want);
    if (rc == ROT_OK && (mac.len != TPM2_HASH || !rot_equal(mac.p, want, TPM2_HASH)))
        rc = ROT_E_MISMATCH;
    return rc;
}

/* params is in rx, and is decrypted there once all HMACs were right. */
rot_err
tpm2_check_answer(struct rot_chip *chip, uint8_t *params, size_t params_len,
                  struct tpm2_reader *auth)
{
    const struct rot_port *port = chip->setup.port;
    struct tpm2_command *c = &tpm2_of(chip)->command;
    uint8_t code[8] = {0}, phash[TPM2_HASH];
    const struct rot_bytes parts[] = {{code, 8}, {params, params_len}};
    rot_err rc = ROT_OK;

    store_u32(code + 4, c->cc);
    if (has_crypto(port))
        rc = port->ops->hash(port->self, ROT_HASH_SHA256, parts, 2, phash);
    for (unsigned i = 0; i < c->session_count && rc == ROT_OK; i++)
        rc = check_auth(chip, c->sessions[i], phash, auth);
    if (rc == ROT_OK)
        rc = tpm2_get_end(auth);
    /* Somebody on the bus changed the answer. */
    if (rc == ROT_E_MISMATCH)
        return ROT_E_BUS;
    for (unsigned i = 0; i < c->session_count && rc == ROT_OK; i++) {
        if (c->sessions[i] != NULL && (c->attributes[i] & TPM2_SE_ENCRYPT) != 0)
            rc = cipher(chip, c->sessions[i], 0, params, params_len);
    }
    return rc;
}
