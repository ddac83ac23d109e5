/*
 * snapshot_test.c: a snapshot is believed when its MAC holds, or not at all.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cbor.h"
#include "base/io.h"
#include "crypto/hash.h"
#include "signer/snapshot.h"

static const uint8_t mac_key[32] = {3};
static char dir[] = "/tmp/rs-snapshot-XXXXXX";
static char path[64];

static int
group_make(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof(path), "%s/state", mkdtemp(dir));
    return 0;
}

static int
group_drop(void **state)
{
    (void)state;
    ca_inject("");
    (void)unlink(path);
    return rmdir(dir);
}

/* ---- A state with one of everything ------------------------------------------------------- */

static rs_code
apply_document(struct state *s, const char *kind, struct rs_bytes name, struct rs_bytes document)
{
    static const uint8_t b32[32];
    struct leaf_document d = {.tenant = rs_bytes_str("acme"),
                              .kind = rs_bytes_str(kind),
                              .name = name,
                              .document = document,
                              .hash = RS_BYTES(b32)};
    struct ledger_leaf leaf = {.type = LEDGER_CONFIG, .index = s->next_index, .time_ms = 7};
    struct rs_buf content;
    rs_code rc;

    rs_buf_init(&content, 65536);
    leaf_document_put(&content, &d);
    leaf.content = rs_buf_bytes(&content);
    rc = state_apply(s, &leaf, NULL);
    rs_buf_done(&content);
    return rc;
}

static void
put_revoked(struct state *s, uint8_t first)
{
    static const uint8_t b32[32];
    uint8_t serial[3] = {first, 2, 3};
    struct leaf_revoked r = {.tenant = rs_bytes_str("acme"),
                             .issuer = rs_bytes_str("ca"),
                             .serial = RS_BYTES(serial),
                             .request_id = RS_BYTES(b32),
                             .reason = first,
                             .revoked_at = 9};
    struct ledger_leaf leaf = {.type = LEDGER_REVOKED, .index = s->next_index, .time_ms = 8};
    struct rs_buf content;

    rs_buf_init(&content, 4096);
    leaf_revoked_put(&content, &r);
    leaf.content = rs_buf_bytes(&content);
    assert_int_equal(state_apply(s, &leaf, NULL), RS_OK);
    rs_buf_done(&content);
}

static void
fill(struct state *s)
{
    static const uint8_t b32[32];
    struct doc_profile p = {.name = rs_bytes_str("p"),
                            .version = 1,
                            .type = DOC_PROFILE_STATION,
                            .subject = rs_bytes_str("CN=x"),
                            .valid_s = 10,
                            .key_algs = 1,
                            .key_usage = 1};
    struct doc_issuer i = {.name = rs_bytes_str("ca"),
                           .subject = rs_bytes_str("CN=x"),
                           .key_alg = 1,
                           .not_after = 100,
                           .path_length = -1};
    struct doc_order o = {.name = rs_bytes_str("o"),
                          .product = rs_bytes_str("p"),
                          .issuer = i.name,
                          .profile = p.name,
                          .profile_hash = RS_BYTES(b32),
                          .quantity = 10,
                          .target = 10,
                          .state = DOC_ORDER_OPEN,
                          .valid_until = 100,
                          .shares = {{rs_bytes_str("sz-1"), 4}, {rs_bytes_str("sz-2"), 6}},
                          .share_count = 2,
                          .rot = rs_bytes_str("soft")};
    struct doc_officer officer = {
        .name = rs_bytes_str("m"), .version = 1, .spki = rs_bytes_str("key"), .active = 1};
    struct rs_buf b;

    state_init(s);
    rs_buf_init(&b, DOC_BYTES_MAX);
    doc_profile_put(&b, &p);
    assert_int_equal(apply_document(s, "profile", p.name, rs_buf_bytes(&b)), RS_OK);
    rs_buf_reset(&b);
    doc_issuer_put(&b, &i);
    assert_int_equal(apply_document(s, "issuer", i.name, rs_buf_bytes(&b)), RS_OK);
    rs_buf_reset(&b);
    doc_order_put(&b, &o);
    assert_int_equal(apply_document(s, "order", o.name, rs_buf_bytes(&b)), RS_OK);
    rs_buf_reset(&b);
    doc_officer_put(&b, &officer);
    assert_int_equal(apply_document(s, "officer", officer.name, rs_buf_bytes(&b)), RS_OK);
    rs_buf_done(&b);
    put_revoked(s, 4);
    put_revoked(s, 1);
    s->orders[0].taken = 5;
    s->orders[0].shares[1].taken = 3;
    s->issuers[0].crl_number = 12;
    s->epoch = 2;
    s->production = 1;
    (void)snprintf(s->installation, sizeof(s->installation), "acme");
}

static void
save(void)
{
    struct state s;

    fill(&s);
    assert_int_equal(snapshot_save(&s, mac_key, path, NULL), RS_OK);
    state_done(&s);
}

static int
load_with(const uint8_t key[32])
{
    struct state s;
    int ok = snapshot_load(&s, key, path);

    /* What is not believed leaves nothing behind. */
    if (!ok)
        assert_int_equal(s.next_index + s.profile_count + s.issuer_count + s.order_count, 0);
    state_done(&s);
    return ok;
}

/* ---- Tests ------------------------------------------------------------------------------------ */

static void
test_there_and_back(void **state)
{
    struct state before, after;

    (void)state;
    save();
    fill(&before);
    assert_int_equal(snapshot_load(&after, mac_key, path), 1);
    assert_string_equal(after.installation, "acme");
    assert_int_equal(after.next_index, before.next_index);
    assert_int_equal(after.floor_ms, before.floor_ms);
    assert_int_equal(after.epoch, 2);
    assert_int_equal(after.production, 1);
    assert_memory_equal(after.profiles[0].hash, before.profiles[0].hash, 32);
    assert_memory_equal(after.officers[0].key_hash, before.officers[0].key_hash, 32);
    assert_int_equal(after.orders[0].taken, 5);
    assert_int_equal(after.orders[0].shares[1].taken, 3);
    assert_int_equal(after.orders[0].shares[0].size, 4);
    assert_string_equal(after.orders[0].shares[1].station, "sz-2");
    assert_int_equal(after.issuers[0].crl_number, 12);
    assert_int_equal(after.issuers[0].revoked_count, 2);
    assert_memory_equal(after.issuers[0].revoked, before.issuers[0].revoked,
                        2 * sizeof(struct state_revoked));
    /* And it grows on from there. */
    put_revoked(&after, 9);
    assert_int_equal(after.issuers[0].revoked_count, 3);
    state_done(&before);
    state_done(&after);
}

static void
test_an_empty_state(void **state)
{
    struct state s;

    (void)state;
    state_init(&s);
    assert_int_equal(snapshot_save(&s, mac_key, path, NULL), RS_OK);
    assert_int_equal(snapshot_load(&s, mac_key, path), 1);
    state_done(&s);
}

static void
test_no_file_and_a_short_one(void **state)
{
    (void)state;
    (void)unlink(path);
    assert_int_equal(load_with(mac_key), 0);
    assert_int_equal(rs_file_replace(path, rs_bytes_str("short"), 0600, NULL), RS_OK);
    assert_int_equal(load_with(mac_key), 0);
}

static void
test_every_flipped_byte(void **state)
{
    static const uint8_t other_key[32] = {4};
    struct rs_buf b;

    (void)state;
    save();
    assert_int_equal(load_with(other_key), 0);
    rs_buf_init(&b, 1 << 20);
    assert_int_equal(rs_file_read(path, 1 << 20, &b, NULL), RS_OK);
    for (size_t i = 0; i < b.len; i += 1 + b.len / 200) {
        b.p[i] ^= 0x10;
        assert_int_equal(rs_file_replace(path, rs_buf_bytes(&b), 0600, NULL), RS_OK);
        assert_int_equal(load_with(mac_key), 0);
        b.p[i] ^= 0x10;
    }
    rs_buf_done(&b);
}

/* With a MAC that holds, of this many bytes of the body and this one changed. */
static int
load_body(const struct rs_buf *whole, size_t len, size_t change, uint8_t by)
{
    uint8_t mac[CRYPTO_SHA256_SIZE];
    struct rs_buf b;
    int ok;

    rs_buf_init(&b, 1 << 20);
    rs_buf_put(&b, whole->p, len);
    if (change < len)
        b.p[change] ^= by;
    struct rs_bytes body = rs_buf_bytes(&b);
    crypto_hmac_sha256(rs_bytes_of(mac_key, 32), &body, 1, mac);
    rs_buf_put(&b, mac, sizeof(mac));
    assert_int_equal(rs_file_replace(path, rs_buf_bytes(&b), 0600, NULL), RS_OK);
    rs_buf_done(&b);
    ok = load_with(mac_key);
    return ok;
}

/* Ours, and cut, or of another version: it is refused as a whole, and never read past its end. */
static void
test_bodies_that_do_not_parse(void **state)
{
    struct rs_buf b;
    size_t body;
    int refused = 0;

    (void)state;
    save();
    rs_buf_init(&b, 1 << 20);
    assert_int_equal(rs_file_read(path, 1 << 20, &b, NULL), RS_OK);
    body = b.len - CRYPTO_SHA256_SIZE;
    assert_int_equal(load_body(&b, body, body, 0), 1);
    for (size_t len = 0; len < body; len++)
        assert_int_equal(load_body(&b, len, len, 0), 0);
    assert_int_equal(load_body(&b, body, 1, 0x03), 0); /* the version */
    for (size_t i = 0; i < body; i++)
        refused += !load_body(&b, body, i, 0xe0); /* another CBOR type, most often */
    assert_true(refused > 60);
    rs_buf_done(&b);
}

/* A disk that is full keeps the old one. */
static void
test_saving_fails(void **state)
{
    static const char *const rules[] = {"open@1=EIO", "write@1=ENOSPC", "sync@1=EIO",
                                        "rename@1=EIO"};
    struct state s;

    (void)state;
    save();
    state_init(&s);
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        ca_inject(rules[i]);
        assert_int_not_equal(snapshot_save(&s, mac_key, path, NULL), RS_OK);
        ca_inject("");
        assert_int_equal(load_with(mac_key), 1);
    }
    ca_inject("read@1=EIO");
    assert_int_equal(load_with(mac_key), 0);
    ca_inject("");
    state_done(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),           cmocka_unit_test(test_an_empty_state),
        cmocka_unit_test(test_no_file_and_a_short_one),  cmocka_unit_test(test_every_flipped_byte),
        cmocka_unit_test(test_bodies_that_do_not_parse), cmocka_unit_test(test_saving_fails),
    };

    return cmocka_run_group_tests(tests, group_make, group_drop);
}
