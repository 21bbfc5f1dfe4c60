/*
 * broadcast_parts: claims and messages in parts, in the order that the manual asks for and
 * in others.
 */
#include "broadcast_rings.h"

#include <pthread.h>

static struct ringbuf_broadcast_publisher *publisher;
static struct ringbuf_broadcast_subscriber *subscriber;
static struct ringbuf_broadcast_part part;
static uint64_t number;
static size_t left;
static void *data;

/* Writes BYTES more bytes of the message that was begun, and shows them. */
static void show(unsigned char byte, size_t bytes)
{
    EXPECT(ringbuf_broadcast_publisher_rest(publisher, &data, &left), 0);
    memset(data, byte, bytes);
    EXPECT(ringbuf_broadcast_publisher_advance(publisher, bytes), 0);
}

static void a_claim_ends_once(void)
{
    EXPECT(ringbuf_broadcast_publisher_commit(publisher, 0, 0), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_abort(publisher), -EINVAL);
    data = NULL;
    EXPECT(ringbuf_broadcast_publisher_claim(publisher, SLOT_SIZE + 1, 0, &data), -EMSGSIZE);
    EXPECT(data == NULL, 1);
    EXPECT(ringbuf_broadcast_publisher_claim(publisher, 10, 0, &data), 0);
    EXPECT((uintptr_t)data % 64, 0);
    EXPECT(ringbuf_broadcast_publisher_claim(publisher, 10, 0, &data), -EBUSY);
    EXPECT(ringbuf_broadcast_publisher_push(publisher, "", 1, 0, 0), -EBUSY);
    EXPECT(ringbuf_broadcast_publisher_wait_for_peer(publisher, 0), -EBUSY);
    EXPECT(ringbuf_broadcast_publisher_evicted(publisher, &number), -EBUSY);
    EXPECT(ringbuf_broadcast_publisher_commit(publisher, 11, 0), -EMSGSIZE);
    *(unsigned char *)data = 7;
    EXPECT(ringbuf_broadcast_publisher_commit(publisher, 10, 7), 0);
    EXPECT(ringbuf_broadcast_publisher_commit(publisher, 10, 7), -EINVAL);
    POP(subscriber, 7);
    EXPECT(ringbuf_broadcast_publisher_claim(publisher, 10, 0, &data), 0);
    EXPECT(ringbuf_broadcast_publisher_abort(publisher), 0);
    EXPECT(ringbuf_broadcast_publisher_abort(publisher), -EINVAL);
    EXPECT(NEXT(subscriber), POSITION(publisher)); /* nothing is seen of it */
    EXPECT(ringbuf_broadcast_publisher_push(publisher, "x", SLOT_SIZE + 1, 0, 0), -EMSGSIZE);
}

static void parts_need_a_beginning(void)
{
    EXPECT(ringbuf_broadcast_publisher_begin(publisher, 0), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_rest(publisher, &data, &left), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_advance(publisher, 0), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_commit_begun(publisher), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_claim(publisher, 10, 0, &data), 0);
    EXPECT(ringbuf_broadcast_publisher_rest(publisher, &data, &left), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_advance(publisher, 0), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_commit_begun(publisher), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_abort(publisher), 0);

    memset(&part, 0, sizeof(part));
    EXPECT(ringbuf_broadcast_part_look(&part), -EINVAL);
    EXPECT(ringbuf_broadcast_part_wait_for(&part, 0, 0), -EINVAL);
    EXPECT(ringbuf_broadcast_part_release(&part), -EINVAL);
}

static void a_message_grows(void)
{
    struct ringbuf_broadcast_message message;
    void *first;

    EXPECT(ringbuf_broadcast_subscriber_read_part(subscriber, 0, &part), -EAGAIN);
    EXPECT(ringbuf_broadcast_subscriber_read_part(subscriber, SHORT_NS, &part), -ETIMEDOUT);
    EXPECT(ringbuf_broadcast_publisher_claim(publisher, 10, 0, &first), 0);
    EXPECT(ringbuf_broadcast_publisher_begin(publisher, 5), 0);
    EXPECT(ringbuf_broadcast_publisher_begin(publisher, 6), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_commit(publisher, 10, 6), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_claim(publisher, 10, 0, &data), -EBUSY);
    EXPECT(ringbuf_broadcast_subscriber_read(subscriber, 0, &message), -EAGAIN);
    EXPECT(ringbuf_broadcast_subscriber_read_part(subscriber, 0, &part), 0);
    EXPECT(part.available, 0);
    EXPECT(part.state, RINGBUF_PART_OPEN);
    EXPECT(part.tag, 5);
    EXPECT(part.position, POSITION(publisher));
    EXPECT(part.reserved, 0);
    EXPECT(part.time_ns > 0, 1);

    show(1, 4);
    EXPECT(data == first && left == 10, 1);
    EXPECT(part.available, 0); /* until it is looked at */
    EXPECT(ringbuf_broadcast_part_look(&part), 0);
    EXPECT(part.available, 4);
    EXPECT(memcmp(part.data, "\1\1\1\1", 4), 0);
    EXPECT(ringbuf_broadcast_part_wait_for(&part, 5, 0), -EAGAIN);
    EXPECT(ringbuf_broadcast_part_wait_for(&part, 5, SHORT_NS), -ETIMEDOUT);
    show(2, 3);
    EXPECT(data == (char *)first + 4 && left == 6, 1);
    EXPECT(ringbuf_broadcast_part_wait_for(&part, 5, 0), 0);
    EXPECT(part.available, 7);
    EXPECT(memcmp(part.data, "\1\1\1\1\2\2\2", 7), 0);
    EXPECT(ringbuf_broadcast_publisher_advance(publisher, 4), -EMSGSIZE); /* 10 were claimed */
    EXPECT(ringbuf_broadcast_part_look(&part), 0);
    EXPECT(part.available, 7);
    EXPECT(part.state, RINGBUF_PART_OPEN);
    EXPECT(ringbuf_broadcast_publisher_commit_begun(publisher), 0);
    EXPECT(ringbuf_broadcast_publisher_commit_begun(publisher), -EINVAL);
    EXPECT(ringbuf_broadcast_part_wait_for(&part, 10, -1), 0); /* there is no more */
    EXPECT(part.available, 7);
    EXPECT(part.state, RINGBUF_PART_WHOLE);
    EXPECT(ringbuf_broadcast_part_release(&part), 0);
    EXPECT(ringbuf_broadcast_part_release(&part), -EINVAL);
    EXPECT(ringbuf_broadcast_part_look(&part), -EINVAL);
}

static void what_is_broken_off_is_told_or_passed(void)
{
    struct ringbuf_broadcast_join join = join_as(RINGBUF_DELIVERY_LOSSLESS);
    struct ringbuf_broadcast_subscriber *other;

    join.start = RINGBUF_START_NEWEST;
    other = subscriber_to(publisher, join);
    EXPECT(ringbuf_broadcast_publisher_claim(publisher, 10, 0, &data), 0);
    EXPECT(ringbuf_broadcast_publisher_begin(publisher, 8), 0);
    show(3, 2);
    EXPECT(ringbuf_broadcast_subscriber_read_part(subscriber, 0, &part), 0);
    EXPECT(ringbuf_broadcast_publisher_abort(publisher), 0);
    EXPECT(ringbuf_broadcast_part_wait_for(&part, 3, 0), -ECONNABORTED);
    EXPECT(ringbuf_broadcast_part_wait_for(&part, 3, -1), -ECONNABORTED);
    EXPECT(ringbuf_broadcast_part_wait_for(&part, 2, 0), 0); /* these are there */
    EXPECT(part.state, RINGBUF_PART_BROKEN);
    EXPECT(part.available, 2);
    EXPECT(ringbuf_broadcast_part_release(&part), 0);

    /* Who comes later is shown it as it is; who reads messages is not. */
    push(publisher, 9);
    POP(subscriber, 9);
    EXPECT(BROKEN(subscriber), 0);
    POP(other, 9);
    EXPECT(BROKEN(other), 1);
    EXPECT(ringbuf_broadcast_subscriber_close(other), 0);
}

static void *wait_for_all(void *unused)
{
    struct ringbuf_broadcast_part own;

    (void)unused;
    EXPECT(ringbuf_broadcast_subscriber_read_part(subscriber, HANG_NS, &own), 0);
    while (own.state == RINGBUF_PART_OPEN)
        EXPECT(ringbuf_broadcast_part_wait_for(&own, own.available + 1, HANG_NS), 0);
    EXPECT(own.available, SLOT_SIZE);
    EXPECT(((const unsigned char *)own.data)[SLOT_SIZE - 1], SLOT_SIZE - 1);
    EXPECT(ringbuf_broadcast_part_release(&own), 0);
    return NULL;
}

static void a_sleeper_is_woken_for_each_part(void)
{
    pthread_t thread;
    int i;

    EXPECT(pthread_create(&thread, NULL, wait_for_all, NULL), 0);
    EXPECT(ringbuf_broadcast_publisher_claim(publisher, SLOT_SIZE, 0, &data), 0);
    EXPECT(ringbuf_broadcast_publisher_begin(publisher, 0), 0);
    for (i = 0; i < SLOT_SIZE; i++)
        show((unsigned char)i, 1);
    EXPECT(ringbuf_broadcast_publisher_commit_begun(publisher), 0);
    EXPECT(pthread_join(thread, NULL), 0);
}

int main(void)
{
    publisher = publisher_of(small_options());
    subscriber = subscriber_to(publisher, join_as(RINGBUF_DELIVERY_LOSSLESS));
    a_claim_ends_once();
    parts_need_a_beginning();
    a_message_grows();
    what_is_broken_off_is_told_or_passed();
    a_sleeper_is_woken_for_each_part();
    EXPECT(ringbuf_broadcast_subscriber_close(subscriber), 0);
    EXPECT(ringbuf_broadcast_publisher_close(publisher), 0);
    return 0;
}
