/*
 * mpmc_batch: of rings of many, opens and ends several claims and messages in one call,
 * alone and mixed with single ones, and meets the errors of these calls.
 */
#include "expect.h"
#include "ringbuf.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

#define SLOT_SIZE 100
#define CAPACITY 64
#define SHORT_NS 1000000

static struct ringbuf_mpmc_producer *producer;
static struct ringbuf_mpmc_consumer *consumer;
static struct ringbuf_mpmc_claim claims[CAPACITY + 1];
static struct ringbuf_mpmc_message messages[CAPACITY + 1];

static void make(void)
{
    struct ringbuf_options options = RINGBUF_OPTIONS_INIT;

    options.shape = RINGBUF_BYTES;
    options.capacity = CAPACITY;
    options.slot_size = SLOT_SIZE;
    EXPECT(ringbuf_mpmc_producer_create_unnamed(&options, &producer), 0);
    EXPECT(ringbuf_mpmc_consumer_open_fd(ringbuf_mpmc_producer_fd(producer), NULL, &consumer), 0);
    memset(claims, 0, sizeof(claims));
    memset(messages, 0, sizeof(messages));
}

static void leave(void)
{
    EXPECT(ringbuf_mpmc_consumer_close(consumer), 0);
    EXPECT(ringbuf_mpmc_producer_close(producer), 0);
}

/* Slots that are written, ready and read. */
static void slots(uint64_t writing, uint64_t ready, uint64_t reading)
{
    struct ringbuf_mpmc_stat stat = RINGBUF_MPMC_STAT_INIT;

    EXPECT(ringbuf_mpmc_producer_stat(producer, &stat), 0);
    EXPECT(stat.writing, writing);
    EXPECT(stat.ready, ready);
    EXPECT(stat.reading, reading);
}

/* The only producer, or the only consumer. */
static struct ringbuf_mpmc_peer_stat peer(uint32_t side)
{
    struct ringbuf_mpmc_peer_stat stat = RINGBUF_MPMC_PEER_STAT_INIT;
    struct ringbuf_mpmc_watch *watch;

    EXPECT(ringbuf_mpmc_watch_open_fd(ringbuf_mpmc_producer_fd(producer), &watch), 0);
    EXPECT(ringbuf_mpmc_watch_look(watch), 2);
    EXPECT(ringbuf_mpmc_watch_peer(watch, side, &stat), 0);
    EXPECT(stat.side, side);
    EXPECT(ringbuf_mpmc_watch_close(watch), 0);
    return stat;
}

static void as_many_as_there_is_room_for(void)
{
    size_t lengths[CAPACITY];
    uint64_t tags[CAPACITY];
    int i;

    make();
    EXPECT(ringbuf_mpmc_producer_claim_many(producer, SLOT_SIZE, 0, claims, CAPACITY + 1),
           CAPACITY);
    EXPECT(ringbuf_mpmc_producer_claim_many(producer, 1, 0, claims + CAPACITY, 1), -EAGAIN);
    EXPECT(ringbuf_mpmc_producer_claim_many(producer, 1, SHORT_NS, claims + CAPACITY, 1),
           -ETIMEDOUT);
    slots(CAPACITY, 0, 0);
    for (i = 0; i < CAPACITY; i++) {
        EXPECT((uintptr_t)claims[i].data % 64, 0);
        EXPECT(claims[i].length, SLOT_SIZE);
        memset(claims[i].data, i, SLOT_SIZE);
        lengths[i] = (size_t)i;
        tags[i] = 1000 + (uint64_t)i;
    }
    /* Who has slept is woken by the next who looks. */
    do
        EXPECT(ringbuf_mpmc_consumer_read_many(consumer, SHORT_NS, messages, 1), -ETIMEDOUT);
    while (peer(RINGBUF_SIDE_CONSUMER).sleeps == 0);
    EXPECT(peer(RINGBUF_SIDE_PRODUCER).wakes, 0);
    EXPECT(ringbuf_mpmc_claim_commit_many(claims, CAPACITY, lengths, tags), 0);
    EXPECT(peer(RINGBUF_SIDE_PRODUCER).wakes, 1);
    slots(0, CAPACITY, 0);

    EXPECT(ringbuf_mpmc_consumer_read_many(consumer, -1, messages, 10), 10);
    EXPECT(ringbuf_mpmc_consumer_read_many(consumer, -1, messages + 10, CAPACITY),
           CAPACITY - 10); /* who waited for more would wait for ever */
    EXPECT(ringbuf_mpmc_consumer_read_many(consumer, 0, messages + CAPACITY, 1), -EAGAIN);
    slots(0, 0, CAPACITY);
    for (i = 0; i < CAPACITY; i++) {
        EXPECT(messages[i].length, i);
        EXPECT(messages[i].tag, 1000 + i);
        EXPECT(messages[i].time_ns > 0, 1);
        EXPECT(messages[i].flags, 0);
        if (i > 0)
            EXPECT(((const unsigned char *)messages[i].data)[i - 1], i);
    }
    EXPECT(ringbuf_mpmc_message_release_many(messages, CAPACITY), 0);
    slots(0, 0, 0);
    leave();
}

/* Each in a batch is one like any other. */
static void some_are_ended_alone(void)
{
    make();
    EXPECT(ringbuf_mpmc_producer_claim_many(producer, 5, 0, claims, 6), 6);
    EXPECT(ringbuf_mpmc_claim_abort(&claims[1]), 0);
    EXPECT(ringbuf_mpmc_claim_commit(&claims[0], 3, 7), 0);
    EXPECT(ringbuf_mpmc_claim_commit_many(claims + 2, 2, NULL, NULL), 0);
    EXPECT(ringbuf_mpmc_claim_abort_many(claims + 4, 2), 0);
    EXPECT(ringbuf_mpmc_consumer_read_many(consumer, 0, messages, 6), 3);
    EXPECT(messages[0].length, 3);
    EXPECT(messages[0].tag, 7);
    EXPECT(messages[1].length, 5);
    EXPECT(messages[1].tag, 0);
    EXPECT(ringbuf_mpmc_message_release(&messages[1]), 0);
    messages[1] = messages[2]; /* moved */
    EXPECT(ringbuf_mpmc_message_release_many(messages, 2), 0);
    slots(0, 0, 0);
    EXPECT(ringbuf_mpmc_claim_commit_many(claims, 0, NULL, NULL), 0);
    EXPECT(ringbuf_mpmc_claim_abort_many(claims, 0), 0);
    EXPECT(ringbuf_mpmc_message_release_many(messages, 0), 0);
    leave();
}

static void misuse_does_nothing(void)
{
    size_t lengths[3] = { 1, 6, 1 };

    make();
    EXPECT(ringbuf_mpmc_producer_claim_many(NULL, 1, 0, claims, 1), -EINVAL);
    EXPECT(ringbuf_mpmc_producer_claim_many(producer, 1, 0, NULL, 1), -EINVAL);
    EXPECT(ringbuf_mpmc_producer_claim_many(producer, 1, 0, claims, 0), -EINVAL);
    EXPECT(ringbuf_mpmc_producer_claim_many(producer, 1, 0, claims, (size_t)INT_MAX + 1), -EINVAL);
    EXPECT(ringbuf_mpmc_producer_claim_many(producer, SLOT_SIZE + 1, 0, claims, 1), -EMSGSIZE);
    EXPECT(ringbuf_mpmc_consumer_read_many(NULL, 0, messages, 1), -EINVAL);
    EXPECT(ringbuf_mpmc_consumer_read_many(consumer, 0, NULL, 1), -EINVAL);
    EXPECT(ringbuf_mpmc_consumer_read_many(consumer, 0, messages, 0), -EINVAL);
    EXPECT(ringbuf_mpmc_claim_commit_many(NULL, 1, NULL, NULL), -EINVAL);
    EXPECT(ringbuf_mpmc_claim_commit_many(NULL, 0, NULL, NULL), -EINVAL);
    EXPECT(ringbuf_mpmc_claim_commit_many(claims, SIZE_MAX, NULL, NULL), -EINVAL);
    EXPECT(ringbuf_mpmc_claim_abort_many(NULL, 1), -EINVAL);
    EXPECT(ringbuf_mpmc_message_release_many(NULL, 1), -EINVAL);

    EXPECT(ringbuf_mpmc_producer_claim_many(producer, 5, 0, claims, 3), 3);
    EXPECT(ringbuf_mpmc_claim_commit_many(claims, 3, lengths, NULL), -EMSGSIZE);
    EXPECT(ringbuf_mpmc_claim_commit_many(claims, 4, NULL, NULL), -EINVAL); /* one is zero */
    EXPECT(ringbuf_mpmc_claim_abort_many(claims, 4), -EINVAL);
    slots(3, 0, 0);
    EXPECT(ringbuf_mpmc_claim_commit_many(claims, 3, NULL, NULL), 0);
    EXPECT(ringbuf_mpmc_claim_commit_many(claims, 3, NULL, NULL), -EINVAL); /* they are over */
    EXPECT(ringbuf_mpmc_claim_abort_many(claims, 3), -EINVAL);
    EXPECT(ringbuf_mpmc_consumer_read_many(consumer, 0, messages, 3), 3);
    EXPECT(ringbuf_mpmc_message_release_many(messages, 4), -EINVAL);
    slots(0, 0, 3);
    EXPECT(ringbuf_mpmc_message_release(&messages[2]), 0);
    EXPECT(ringbuf_mpmc_message_release_many(messages, 3), -EINVAL);
    slots(0, 0, 2);
    EXPECT(ringbuf_mpmc_message_release_many(messages, 2), 0);
    EXPECT(ringbuf_mpmc_message_release_many(messages, 2), -EINVAL);
    slots(0, 0, 0);
    leave();
}

static void *claims_one_more(void *unused)
{
    (void)unused;
    EXPECT(ringbuf_mpmc_producer_claim_many(producer, 1, -1, claims, 2), 1);
    return NULL;
}

/* Waits for the first, and not for more. */
static void the_first_is_waited_for(void)
{
    pthread_t thread;

    make();
    EXPECT(ringbuf_mpmc_producer_claim_many(producer, 1, 0, claims, CAPACITY), CAPACITY);
    EXPECT(ringbuf_mpmc_claim_commit_many(claims, CAPACITY, NULL, NULL), 0);
    EXPECT(ringbuf_mpmc_consumer_read_many(consumer, 0, messages, 1), 1);
    EXPECT(pthread_create(&thread, NULL, claims_one_more, NULL), 0);
    EXPECT(ringbuf_mpmc_message_release_many(messages, 1), 0);
    EXPECT(pthread_join(thread, NULL), 0);
    EXPECT(ringbuf_mpmc_claim_abort_many(claims, 1), 0);
    leave();
}

int main(void)
{
    as_many_as_there_is_room_for();
    some_are_ended_alone();
    misuse_does_nothing();
    the_first_is_waited_for();
    return 0;
}
