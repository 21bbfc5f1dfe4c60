/* For test programs: small broadcast rings, and short ways to write to and read from them. */
#ifndef BROADCAST_RINGS_H
#define BROADCAST_RINGS_H

#include "expect.h"
#include "ringbuf.h"

#include <errno.h>
#include <string.h>

#define SLOT_SIZE 100
#define CAPACITY 8
#define SUBSCRIBERS 3
#define VIEWS 6
#define SHORT_NS 1000000
#define HANG_NS (60 * (int64_t)1000000000)

static inline struct ringbuf_options small_options(void)
{
    struct ringbuf_options options = RINGBUF_OPTIONS_INIT;

    options.shape = RINGBUF_BYTES;
    options.capacity = CAPACITY;
    options.slot_size = SLOT_SIZE;
    options.subscribers_max = SUBSCRIBERS;
    options.views_max = VIEWS;
    return options;
}

static inline struct ringbuf_broadcast_join join_as(uint32_t delivery)
{
    struct ringbuf_broadcast_join join = RINGBUF_BROADCAST_JOIN_INIT;

    join.delivery = delivery;
    return join;
}

static inline struct ringbuf_broadcast_publisher *publisher_of(struct ringbuf_options options)
{
    struct ringbuf_broadcast_publisher *publisher;

    EXPECT(ringbuf_broadcast_publisher_create_unnamed(&options, &publisher), 0);
    return publisher;
}

static inline struct ringbuf_broadcast_subscriber *
subscriber_to(struct ringbuf_broadcast_publisher *publisher, struct ringbuf_broadcast_join join)
{
    struct ringbuf_broadcast_subscriber *subscriber;

    EXPECT(ringbuf_broadcast_subscriber_open_fd(ringbuf_broadcast_publisher_fd(publisher), NULL,
                                                &join, &subscriber),
           0);
    return subscriber;
}

/* Publishes a byte and a tag, both of which are NUMBER. */
static inline void push(struct ringbuf_broadcast_publisher *publisher, unsigned char number)
{
    EXPECT(ringbuf_broadcast_publisher_push(publisher, &number, 1, number, 0), 0);
}

/* What a call that sets a number has set it to. */
static inline long long number_of(int result, const uint64_t *number)
{
    EXPECT(result, 0);
    return (long long)*number;
}

#define LOST(subscriber) \
    number_of(ringbuf_broadcast_subscriber_lost(subscriber, &number), &number)
#define BROKEN(subscriber) \
    number_of(ringbuf_broadcast_subscriber_broken(subscriber, &number), &number)
#define NEXT(subscriber) \
    number_of(ringbuf_broadcast_subscriber_position(subscriber, &number), &number)
#define POSITION(publisher) \
    number_of(ringbuf_broadcast_publisher_position(publisher, &number), &number)
#define EVICTED(publisher) \
    number_of(ringbuf_broadcast_publisher_evicted(publisher, &number), &number)

/* The next message is this one. */
#define POP(subscriber, expected)                                            \
    do {                                                                     \
        struct ringbuf_broadcast_message popped;                             \
        EXPECT(ringbuf_broadcast_subscriber_read(subscriber, 0, &popped), 0); \
        EXPECT(popped.tag, expected);                                        \
        EXPECT(*(const unsigned char *)popped.data, expected);               \
        EXPECT(ringbuf_broadcast_message_release(&popped), 0);               \
    } while (0)

#endif
