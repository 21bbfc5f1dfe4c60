/*
 * broadcast_reads: each subscriber gets what its contract says; several messages are held
 * at a time, and released in any order, thread, and after the handle was closed.
 */
#include "broadcast_rings.h"

#include <pthread.h>

static struct ringbuf_broadcast_publisher *publisher;
static struct ringbuf_broadcast_subscriber *subscriber;
static uint64_t number;

static void start(struct ringbuf_options options, struct ringbuf_broadcast_join join)
{
    publisher = publisher_of(options);
    subscriber = subscriber_to(publisher, join);
}

static void end(void)
{
    EXPECT(ringbuf_broadcast_subscriber_close(subscriber), 0);
    EXPECT(ringbuf_broadcast_publisher_close(publisher), 0);
}

static void push_up_to(int from, int to)
{
    for (; from < to; from++)
        push(publisher, (unsigned char)from);
}

static void a_lossless_one_is_waited_for(void)
{
    struct ringbuf_broadcast_message message;
    void *data;
    int i;

    start(small_options(), join_as(RINGBUF_DELIVERY_LOSSLESS));
    EXPECT(ringbuf_broadcast_subscriber_read(subscriber, 0, &message), -EAGAIN);
    EXPECT(ringbuf_broadcast_subscriber_read(subscriber, SHORT_NS, &message), -ETIMEDOUT);
    push_up_to(0, CAPACITY);
    EXPECT(ringbuf_broadcast_publisher_claim(publisher, 1, 0, &data), -EAGAIN);
    EXPECT(ringbuf_broadcast_publisher_claim(publisher, 1, SHORT_NS, &data), -ETIMEDOUT);
    EXPECT(ringbuf_broadcast_publisher_push(publisher, "x", 1, 0, 0), -EAGAIN);
    EXPECT(EVICTED(publisher), 0);
    for (i = 0; i < CAPACITY; i++)
        POP(subscriber, i);
    push_up_to(CAPACITY, 2 * CAPACITY);
    EXPECT(LOST(subscriber), 0);
    end();
}

static void nobody_waits_longer_than_the_ring_says(void)
{
    struct ringbuf_options options = small_options();
    struct ringbuf_broadcast_message message;
    int got = 0;
    int error;

    options.reader_patience_ns = 1;
    start(options, join_as(RINGBUF_DELIVERY_LOSSLESS));
    push_up_to(0, 5 * CAPACITY);
    EXPECT(EVICTED(publisher), 1);
    EXPECT(ringbuf_broadcast_subscriber_read(subscriber, 0, &message), -EOVERFLOW);
    EXPECT(LOST(subscriber) > 0, 1);
    while ((error = ringbuf_broadcast_subscriber_read(subscriber, 0, &message)) == 0) {
        EXPECT(message.tag, LOST(subscriber) + got);
        got++;
        EXPECT(ringbuf_broadcast_message_release(&message), 0);
    }
    EXPECT(error, -EAGAIN);
    EXPECT(got + LOST(subscriber), 5 * CAPACITY);
    end();
}

static void nobody_waits_for_a_lossy_one(void)
{
    struct ringbuf_broadcast_message message;
    int got = 0;

    start(small_options(), join_as(RINGBUF_DELIVERY_LOSSY));
    push_up_to(0, 5 * CAPACITY);
    while (ringbuf_broadcast_subscriber_read(subscriber, 0, &message) == 0) {
        got++;
        EXPECT(ringbuf_broadcast_message_release(&message), 0);
    }
    EXPECT(message.tag, 5 * CAPACITY - 1);
    EXPECT(got >= 3 * CAPACITY / 4, 1);
    EXPECT(got + LOST(subscriber), 5 * CAPACITY);
    end();
}

static void the_latest_is_the_newest(void)
{
    struct ringbuf_broadcast_message message;

    start(small_options(), join_as(RINGBUF_DELIVERY_LATEST));
    EXPECT(ringbuf_broadcast_subscriber_latest(subscriber, &message), -EAGAIN);
    push_up_to(0, 5);
    POP(subscriber, 4);
    EXPECT(LOST(subscriber), 4);
    EXPECT(ringbuf_broadcast_subscriber_read(subscriber, 0, &message), -EAGAIN);
    EXPECT(ringbuf_broadcast_subscriber_latest(subscriber, &message), 0); /* again */
    EXPECT(message.tag, 4);
    EXPECT(message.length, 1);
    EXPECT(message.flags, 0);
    EXPECT(message.reserved, 0);
    EXPECT(message.time_ns > 0, 1);
    EXPECT((uintptr_t)message.data % 64, 0);
    EXPECT(message.position, POSITION(publisher) - 1);
    EXPECT(NEXT(subscriber), POSITION(publisher));
    EXPECT(LOST(subscriber), 4);
    EXPECT(ringbuf_broadcast_message_release(&message), 0);
    end();
}

static void one_begins_where_it_says(void)
{
    struct ringbuf_broadcast_join join = join_as(RINGBUF_DELIVERY_LOSSY);
    struct ringbuf_broadcast_subscriber *other;
    long long next;

    start(small_options(), join);
    push_up_to(0, 4);
    next = POSITION(publisher);
    EXPECT(NEXT(subscriber), next - 4);
    other = subscriber_to(publisher, join);
    EXPECT(NEXT(other), next);
    EXPECT(ringbuf_broadcast_subscriber_close(other), 0);
    other = subscriber_to(publisher, join_as(RINGBUF_DELIVERY_LOSSLESS));
    EXPECT(NEXT(other), next - 4);
    EXPECT(ringbuf_broadcast_subscriber_close(other), 0);
    join.start = RINGBUF_START_OLDEST;
    other = subscriber_to(publisher, join);
    POP(other, 0);
    EXPECT(ringbuf_broadcast_subscriber_close(other), 0);
    join.start = RINGBUF_START_POSITION;
    join.position = (uint64_t)next - 2;
    other = subscriber_to(publisher, join);
    POP(other, 2);
    EXPECT(ringbuf_broadcast_subscriber_close(other), 0);
    join.delivery = RINGBUF_DELIVERY_LOSSLESS;
    join.start = RINGBUF_START_NEWEST;
    join.position = 0;
    other = subscriber_to(publisher, join);
    EXPECT(NEXT(other), next);
    EXPECT(ringbuf_broadcast_subscriber_close(other), 0);
    end();
}

static void *release(void *message)
{
    EXPECT(*(const unsigned char *)((struct ringbuf_broadcast_message *)message)->data, 0);
    EXPECT(ringbuf_broadcast_message_release((struct ringbuf_broadcast_message *)message), 0);
    return NULL;
}

static void several_are_held_and_end_once(void)
{
    struct ringbuf_broadcast_join join = join_as(RINGBUF_DELIVERY_LOSSY);
    struct ringbuf_broadcast_message held[3], never, moved;
    pthread_t thread;
    int i;

    join.views = 3;
    start(small_options(), join);
    memset(&never, 0, sizeof(never));
    EXPECT(ringbuf_broadcast_message_release(&never), -EINVAL);
    for (i = 0; i < 3; i++) {
        push(publisher, (unsigned char)i);
        EXPECT(ringbuf_broadcast_subscriber_read(subscriber, 0, &held[i]), 0);
    }
    push_up_to(3, 100); /* past the ring, several times */
    moved = never;
    EXPECT(ringbuf_broadcast_subscriber_read(subscriber, 0, &moved), -ENOBUFS);
    EXPECT(ringbuf_broadcast_subscriber_read(subscriber, -1, &moved), -ENOBUFS);
    EXPECT(ringbuf_broadcast_subscriber_latest(subscriber, &moved), -ENOBUFS);
    EXPECT(moved.data == NULL, 1);
    for (i = 0; i < 3; i++)
        EXPECT(*(const unsigned char *)held[i].data, i);
    EXPECT(ringbuf_broadcast_message_release(&held[1]), 0);
    EXPECT(ringbuf_broadcast_message_release(&held[1]), -EINVAL);
    EXPECT(ringbuf_broadcast_subscriber_latest(subscriber, &held[1]), 0);
    EXPECT(held[1].tag, 99);
    moved = held[0];
    EXPECT(ringbuf_broadcast_subscriber_close(subscriber), 0); /* which releases nothing */
    push_up_to(100, 200);
    EXPECT(pthread_create(&thread, NULL, release, &moved), 0);
    EXPECT(pthread_join(thread, NULL), 0);
    EXPECT(*(const unsigned char *)held[2].data, 2);
    EXPECT(*(const unsigned char *)held[1].data, 99);
    EXPECT(ringbuf_broadcast_publisher_close(publisher), 0);
    EXPECT(ringbuf_broadcast_message_release(&held[2]), 0);
    EXPECT(ringbuf_broadcast_message_release(&held[1]), 0);
}

int main(void)
{
    a_lossless_one_is_waited_for();
    nobody_waits_longer_than_the_ring_says();
    nobody_waits_for_a_lossy_one();
    the_latest_is_the_newest();
    one_begins_where_it_says();
    several_are_held_and_end_once();
    return 0;
}
