/*
 * signer_client.c: see signer_client.h.
 *
 * Two threads.  The sender takes what has queued and sends it as one message,
 * unless two messages are already waiting for their answers.  The receiver
 * matches answers by sequence number and runs the callbacks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "keys/signer_client.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/sock.h"

#define WAITING_MAX       4096
#define BATCHES_IN_FLIGHT 2
#define ASSEMBLED_MAX     ((size_t)64 << 20)
#define READY_TIMEOUT_MS  60000

struct request {
    struct request *next;      /* in the queue to send */
    struct request *hash_next; /* among those waiting */
    uint32_t seq;
    unsigned batch; /* which message it went out with */
    signer_answer_fn answer;
    void *arg;
    struct rs_buf parts; /* of a PART answer */
    size_t len;          /* of the encoded item */
    uint8_t item[];
};

#define BUCKETS 1024

struct signer_client {
    pthread_mutex_t lock;
    pthread_cond_t work; /* the sender waits for requests, room, or a socket */
    pthread_cond_t gone; /* attach waits for the threads of the old socket */
    pthread_t sender, receiver;
    int fd; /* -1: no signer */
    int stopping;
    int threads_running;
    int receiver_made; /* and not joined yet */
    uint32_t next_seq;
    struct request *queue_head, *queue_tail;
    struct request *waiting[BUCKETS];
    size_t request_count;
    unsigned batch_left[65536 / 1024]; /* answers still to come of recent batches */
    unsigned next_batch;
    unsigned batches_out;
    void (*on_away)(void *arg);
    void *on_away_arg;
    char program[32];
};

#define BATCH_SLOTS (sizeof(((struct signer_client *)0)->batch_left) / sizeof(unsigned))

/* ---- Requests --------------------------------------------------------------------------- */

static void
free_request(struct request *r)
{
    rs_buf_done(&r->parts);
    free(r);
}

/* The lock is held.  A waiting request leaves its bucket, and its batch when that is done. */
static void
unlink_waiting(struct signer_client *c, struct request *r)
{
    struct request **at = &c->waiting[r->seq % BUCKETS];

    while (*at != r)
        at = &(*at)->hash_next;
    *at = r->hash_next;
    c->request_count--;
    if (--c->batch_left[r->batch % BATCH_SLOTS] == 0) {
        c->batches_out--;
        (void)pthread_cond_signal(&c->work);
    }
}

static struct request *
find_waiting(struct signer_client *c, uint32_t seq)
{
    struct request *r = c->waiting[seq % BUCKETS];

    while (r != NULL && r->seq != seq)
        r = r->hash_next;
    return r;
}

/* Everybody who waits learns that the signer is away.  The lock is not held. */
static void
fail_all(struct signer_client *c)
{
    struct rs_err err = {0};
    struct request *list = NULL;

    (void)rs_fail(&err, RS_E_SIGNER_AWAY, "the signer went away; the request may be sent again");
    (void)pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < BUCKETS; i++) {
        while (c->waiting[i] != NULL) {
            struct request *r = c->waiting[i];
            unlink_waiting(c, r);
            r->next = list;
            list = r;
        }
    }
    while (c->queue_head != NULL) {
        struct request *r = c->queue_head;
        c->queue_head = r->next;
        c->request_count--;
        r->next = list;
        list = r;
    }
    c->queue_tail = NULL;
    (void)pthread_mutex_unlock(&c->lock);
    while (list != NULL) {
        struct request *r = list;
        list = r->next;
        r->answer(r->arg, RS_E_SIGNER_AWAY, NULL, &err);
        free_request(r);
    }
}

/* ---- Sending ---------------------------------------------------------------------------- */

/* The lock is held.  Moves as many requests as one message holds to the waiting table. */
static unsigned
fill_message(struct signer_client *c, struct rs_buf *message)
{
    unsigned count = 0, batch = c->next_batch;

    rs_buf_reset(message);
    rs_buf_put_u32(message, PROTO_MAGIC);
    rs_buf_put_u16(message, PROTO_VERSION);
    rs_buf_put_u16(message, 0);
    while (c->queue_head != NULL && count < PROTO_BATCH_MAX &&
           message->len + c->queue_head->len <= PROTO_MESSAGE_MAX) {
        struct request *r = c->queue_head;
        c->queue_head = r->next;
        if (c->queue_head == NULL)
            c->queue_tail = NULL;
        rs_buf_put(message, r->item, r->len);
        r->batch = batch;
        r->hash_next = c->waiting[r->seq % BUCKETS];
        c->waiting[r->seq % BUCKETS] = r;
        count++;
    }
    rs_set_u16(message->p + 6, count);
    c->batch_left[batch % BATCH_SLOTS] = count;
    c->next_batch++;
    c->batches_out++;
    return count;
}

static void *
send_loop(void *arg)
{
    struct signer_client *c = arg;
    struct rs_err err = {0};
    struct rs_buf message;
    int fd;

    rs_buf_init(&message, PROTO_MESSAGE_MAX);
    (void)pthread_mutex_lock(&c->lock);
    fd = c->fd; /* -1: the signer was gone before this thread ran */
    (void)pthread_mutex_unlock(&c->lock);
    while (fd >= 0) {
        (void)pthread_mutex_lock(&c->lock);
        while (c->fd == fd && !c->stopping &&
               (c->queue_head == NULL || c->batches_out >= BATCHES_IN_FLIGHT))
            (void)pthread_cond_wait(&c->work, &c->lock);
        if (c->fd != fd || c->stopping) {
            (void)pthread_mutex_unlock(&c->lock);
            break;
        }
        (void)pthread_mutex_unlock(&c->lock);
        (void)sched_yield(); /* others that are about to submit do so: one message for all */
        (void)pthread_mutex_lock(&c->lock);
        (void)fill_message(c, &message);
        (void)pthread_mutex_unlock(&c->lock);
        /* A failed send shows up at the receiver as the end of the connection. */
        if (rs_sock_send(fd, rs_buf_bytes(&message), &err) != RS_OK)
            (void)shutdown(fd, SHUT_RDWR);
    }
    rs_buf_done(&message);
    return NULL;
}

/* ---- Receiving -------------------------------------------------------------------------- */

/* PARTs come in order and say how much there will be; *ret_whole is set by the last one. */
static rs_code
add_part(struct request *r, const struct proto_part *part, int *ret_whole, struct rs_err *err)
{
    if (r->parts.max == 0)
        rs_buf_init(&r->parts, ASSEMBLED_MAX);
    if (part->offset != r->parts.len || part->total > ASSEMBLED_MAX ||
        part->bytes.len > part->total - part->offset)
        return rs_fail(err, RS_E_SIGNER_PROTOCOL, "signer protocol: parts out of order");
    rs_buf_put_bytes(&r->parts, part->bytes);
    if (!rs_buf_ok(&r->parts))
        return rs_fail(err, RS_E_NO_MEMORY, "no room for an answer of %llu bytes",
                       (unsigned long long)part->total);
    *ret_whole = r->parts.len == part->total;
    return RS_OK;
}

static void
refuse(struct request *r, const struct proto_refused *refused)
{
    struct rs_err err = {0};
    char name[96];
    const struct rs_code_info *info;
    size_t n = refused->code.len < sizeof(name) ? refused->code.len : sizeof(name) - 1;

    if (n > 0)
        memcpy(name, refused->code.p, n);
    name[n] = '\0';
    info = rs_code_find(name);
    (void)rs_fail(&err, info != NULL ? info->code : RS_E_SIGNER_PROTOCOL, "%.*s",
                  (int)refused->text.len, (const char *)refused->text.p);
    r->answer(r->arg, err.code, NULL, &err);
}

/* LEAFs are followed by more; everything else ends its request. */
static rs_code
on_item(struct signer_client *c, struct proto_item *item, struct rs_err *err)
{
    struct request *r;
    int last = item->type != PROTO_LEAF;
    rs_code rc = RS_OK;

    (void)pthread_mutex_lock(&c->lock);
    r = find_waiting(c, item->seq);
    if (r != NULL && item->type == PROTO_PART) {
        rc = add_part(r, &item->as.part, &last, err);
        item->as.part = (struct proto_part){0, r->parts.len, rs_buf_bytes(&r->parts)};
    }
    if (r != NULL && last && rc == RS_OK)
        unlink_waiting(c, r);
    (void)pthread_mutex_unlock(&c->lock);
    if (r == NULL)
        return rs_fail(err, RS_E_SIGNER_PROTOCOL, "signer protocol: an answer nobody asked for");
    if (rc != RS_OK || (item->type == PROTO_PART && !last))
        return rc;
    if (item->type == PROTO_REFUSED)
        refuse(r, &item->as.refused);
    else
        r->answer(r->arg, RS_OK, item, NULL);
    if (last)
        free_request(r);
    return RS_OK;
}

static rs_code
on_message(struct signer_client *c, struct rs_bytes message, struct rs_err *err)
{
    struct proto_reader reader;
    struct proto_item item;
    int more = 1;
    rs_code rc = proto_open(&reader, message, 0, err);

    while (rc == RS_OK) {
        rc = proto_next(&reader, &item, &more, err);
        if (rc != RS_OK || !more)
            break;
        rc = on_item(c, &item, err);
    }
    return rc;
}

static void *
receive_loop(void *arg)
{
    struct signer_client *c = arg;
    struct rs_err err = {0};
    uint8_t *buf = malloc(PROTO_MESSAGE_MAX);
    size_t len = 1;
    int fd = c->fd;

    while (buf != NULL && len > 0) {
        if (rs_sock_receive(fd, buf, PROTO_MESSAGE_MAX, -1, &len, &err) != RS_OK)
            break;
        if (len > 0 && on_message(c, rs_bytes_of(buf, len), &err) != RS_OK)
            break;
    }
    free(buf);
    (void)pthread_mutex_lock(&c->lock);
    c->fd = -1;
    (void)pthread_cond_broadcast(&c->work);
    (void)pthread_mutex_unlock(&c->lock);
    (void)pthread_join(c->sender, NULL);
    rs_sock_close(fd);
    fail_all(c);
    if (c->on_away != NULL && !c->stopping)
        c->on_away(c->on_away_arg);
    (void)pthread_mutex_lock(&c->lock);
    c->threads_running = 0;
    (void)pthread_cond_broadcast(&c->gone);
    (void)pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* ---- Life ------------------------------------------------------------------------------- */

static rs_code
say_hello(int fd, const char *program, uint8_t *buf, struct proto_ready *ret_ready,
          struct rs_err *err)
{
    struct proto_item item = {.type = PROTO_HELLO, .seq = 0};
    struct proto_writer w;
    struct proto_reader r;
    struct rs_buf message;
    size_t len;
    int more = 0;
    rs_code rc;

    item.as.hello.version = PROTO_VERSION;
    item.as.hello.program = rs_bytes_str(program);
    rs_buf_init_fixed(&message, buf, PROTO_MESSAGE_MAX);
    proto_begin(&w, &message);
    if (!proto_put(&w, &item))
        return rs_fail(err, RS_E_INTERNAL, "signer protocol: HELLO does not fit");
    proto_end(&w);
    rc = rs_sock_send(fd, rs_buf_bytes(&message), err);
    if (rc == RS_OK)
        rc = rs_sock_receive(fd, buf, PROTO_MESSAGE_MAX, READY_TIMEOUT_MS, &len, err);
    if (rc == RS_OK && len == 0)
        rc = rs_fail(err, RS_E_SIGNER_AWAY, "the signer ended before it was ready");
    if (rc == RS_OK)
        rc = proto_open(&r, rs_bytes_of(buf, len), 0, err);
    if (rc == RS_OK)
        rc = proto_next(&r, &item, &more, err);
    if (rc == RS_OK && more && item.type == PROTO_REFUSED) {
        char text[200];
        size_t n = item.as.refused.text.len < sizeof(text) ? item.as.refused.text.len : 199;
        memcpy(text, item.as.refused.text.p, n);
        return rs_fail(err, RS_E_SIGNER_FENCED, "%.*s", (int)n, text);
    }
    if (rc == RS_OK && (!more || item.type != PROTO_READY))
        rc = rs_fail(err, RS_E_SIGNER_PROTOCOL, "signer protocol: no READY");
    if (rc == RS_OK)
        *ret_ready = item.as.ready;
    return rc;
}

static rs_code
start_threads(struct signer_client *c, int fd, struct rs_err *err)
{
    rs_code rc = RS_OK;

    (void)pthread_mutex_lock(&c->lock);
    if (pthread_create(&c->sender, NULL, send_loop, c) != 0) {
        rc = rs_fail(err, RS_E_NO_MEMORY, "cannot start a thread");
    } else {
        c->fd = fd;
        c->threads_running = 1;
        c->receiver_made = 1;
        if (pthread_create(&c->receiver, NULL, receive_loop, c) != 0)
            abort(); /* the sender runs already; there is no way back from here */
    }
    (void)pthread_mutex_unlock(&c->lock);
    return rc;
}

/* The borrowed fields of READY point into buf, which the caller keeps. */
static rs_code
greet(struct signer_client *c, int fd, uint8_t *buf, struct proto_ready *ret_ready,
      struct rs_err *err)
{
    rs_code rc = say_hello(fd, c->program, buf, ret_ready, err);

    return rc == RS_OK ? start_threads(c, fd, err) : rc;
}

rs_code
signer_client_new(int fd, const char *program, struct signer_client **ret_client,
                  struct proto_ready *ret_ready, struct rs_err *err)
{
    static _Thread_local uint8_t hello[PROTO_MESSAGE_MAX];
    struct signer_client *c = calloc(1, sizeof(*c));
    rs_code rc;

    if (c == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "signer client");
    (void)pthread_mutex_init(&c->lock, NULL);
    (void)pthread_cond_init(&c->work, NULL);
    (void)pthread_cond_init(&c->gone, NULL);
    c->next_seq = 1;
    c->fd = -1;
    strncpy(c->program, program, sizeof(c->program) - 1);
    rc = greet(c, fd, hello, ret_ready, err);
    if (rc != RS_OK) {
        rs_sock_close(fd);
        free(c);
        return rc;
    }
    *ret_client = c;
    return RS_OK;
}

/* The threads of a lost socket end by themselves.  Not joined twice: an attach may have failed. */
static void
end_threads(struct signer_client *c)
{
    int join;

    (void)pthread_mutex_lock(&c->lock);
    if (c->fd >= 0)
        (void)shutdown(c->fd, SHUT_RDWR);
    (void)pthread_cond_broadcast(&c->work);
    while (c->threads_running)
        (void)pthread_cond_wait(&c->gone, &c->lock);
    join = c->receiver_made;
    c->receiver_made = 0;
    (void)pthread_mutex_unlock(&c->lock);
    if (join)
        (void)pthread_join(c->receiver, NULL);
}

rs_code
signer_client_attach(struct signer_client *c, int fd, struct rs_err *err)
{
    static _Thread_local uint8_t hello[PROTO_MESSAGE_MAX];
    struct proto_ready ready;
    rs_code rc;

    end_threads(c);
    rc = greet(c, fd, hello, &ready, err);
    if (rc != RS_OK)
        rs_sock_close(fd);
    return rc;
}

void
signer_client_free(struct signer_client *c)
{
    if (c == NULL)
        return;
    (void)pthread_mutex_lock(&c->lock);
    c->stopping = 1;
    (void)pthread_mutex_unlock(&c->lock);
    end_threads(c);
    (void)pthread_mutex_destroy(&c->lock);
    (void)pthread_cond_destroy(&c->work);
    (void)pthread_cond_destroy(&c->gone);
    free(c);
}

int
signer_client_alive(struct signer_client *c)
{
    int alive;

    (void)pthread_mutex_lock(&c->lock);
    alive = c->fd >= 0;
    (void)pthread_mutex_unlock(&c->lock);
    return alive;
}

void
signer_client_on_away(struct signer_client *c, void (*fn)(void *arg), void *arg)
{
    c->on_away = fn;
    c->on_away_arg = arg;
}

/* ---- Submitting ------------------------------------------------------------------------- */

/* Encode an item alone, without the message's header. */
static struct request *
encode(const struct proto_item *item, struct rs_err *err)
{
    static _Thread_local uint8_t room[PROTO_MESSAGE_MAX];
    struct proto_writer w;
    struct rs_buf b;
    struct request *r;

    rs_buf_init_fixed(&b, room, sizeof(room));
    proto_begin(&w, &b);
    if (!proto_put(&w, item)) {
        (void)rs_fail(err, RS_E_REQUEST_TOO_LARGE, "signer protocol: request does not fit");
        return NULL;
    }
    r = calloc(1, sizeof(*r) + b.len - 8);
    if (r == NULL) {
        (void)rs_fail(err, RS_E_NO_MEMORY, "request");
        return NULL;
    }
    r->len = b.len - 8;
    memcpy(r->item, b.p + 8, r->len);
    return r;
}

rs_code
signer_client_submit(struct signer_client *c, const struct proto_item *item,
                     signer_answer_fn answer, void *arg, struct rs_err *err)
{
    struct request *r = encode(item, err);
    rs_code rc = RS_OK;

    if (r == NULL)
        return err != NULL && err->code != RS_OK ? err->code : RS_E_REQUEST_TOO_LARGE;
    r->answer = answer;
    r->arg = arg;
    (void)pthread_mutex_lock(&c->lock);
    if (c->fd < 0 || c->stopping) {
        rc = rs_fail(err, RS_E_SIGNER_AWAY, "no signer is connected");
    } else if (c->request_count >= WAITING_MAX) {
        rc = rs_fail(err, RS_E_REQUEST_LIMIT, "%d requests wait for the signer", WAITING_MAX);
    } else {
        r->seq = c->next_seq++;
        rs_set_u32(r->item + 6, r->seq);
        if (c->queue_tail != NULL)
            c->queue_tail->next = r;
        else
            c->queue_head = r;
        c->queue_tail = r;
        c->request_count++;
        /* Woken for nothing, the sender would take the processor from those who submit. */
        if (c->queue_head == r && c->batches_out < BATCHES_IN_FLIGHT)
            (void)pthread_cond_signal(&c->work);
    }
    (void)pthread_mutex_unlock(&c->lock);
    if (rc != RS_OK)
        free_request(r);
    return rc;
}

struct call {
    pthread_mutex_t lock;
    pthread_cond_t done;
    int finished;
    rs_code rc;
    uint64_t leaf;
    struct rs_buf *out;
    struct rs_err *err;
};

static void
on_call_answer(void *arg, rs_code rc, const struct proto_item *item, const struct rs_err *err)
{
    struct call *call = arg;

    (void)pthread_mutex_lock(&call->lock);
    call->rc = rc;
    if (rc != RS_OK && call->err != NULL)
        *call->err = *err;
    if (rc == RS_OK && item->type == PROTO_DONE) {
        call->leaf = item->as.done.leaf;
        if (call->out != NULL)
            rs_buf_put_bytes(call->out, item->as.done.payload);
    } else if (rc == RS_OK && item->type == PROTO_ISSUED) {
        call->leaf = item->as.issued.leaf;
        if (call->out != NULL)
            rs_buf_put_bytes(call->out, item->as.issued.der);
    } else if (rc == RS_OK && item->type == PROTO_PART && call->out != NULL) {
        rs_buf_put_bytes(call->out, item->as.part.bytes);
    }
    call->finished = item == NULL || item->type != PROTO_LEAF;
    if (call->finished)
        (void)pthread_cond_signal(&call->done);
    (void)pthread_mutex_unlock(&call->lock);
}

rs_code
signer_client_call(struct signer_client *c, const struct proto_item *item, uint64_t *ret_leaf,
                   struct rs_buf *out, struct rs_err *err)
{
    struct call call = {.lock = PTHREAD_MUTEX_INITIALIZER,
                        .done = PTHREAD_COND_INITIALIZER,
                        .out = out,
                        .err = err};
    rs_code rc = signer_client_submit(c, item, on_call_answer, &call, err);

    if (rc != RS_OK)
        return rc;
    (void)pthread_mutex_lock(&call.lock);
    while (!call.finished)
        (void)pthread_cond_wait(&call.done, &call.lock);
    (void)pthread_mutex_unlock(&call.lock);
    if (call.rc == RS_OK && out != NULL && !rs_buf_ok(out))
        return rs_fail(err, RS_E_NO_MEMORY, "no room for the signer's answer");
    if (call.rc == RS_OK && ret_leaf != NULL)
        *ret_leaf = call.leaf;
    return call.rc;
}
