/*
 * mpmc_misuse DIRECTORY: of rings of many, does what the manual forbids and can be
 * noticed, and what it allows and is not obvious; meets their errors.
 */
#include "expect.h"
#include "ringbuf.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#define SLOT_SIZE 100
#define CAPACITY 64
#define SHORT_NS 1000000

static struct ringbuf_options many_options(void)
{
    struct ringbuf_options options = RINGBUF_OPTIONS_INIT;

    options.shape = RINGBUF_BYTES;
    options.capacity = CAPACITY;
    options.slot_size = SLOT_SIZE;
    return options;
}

/* A ring of its own, with both sides. */
static void make(const struct ringbuf_options *options, struct ringbuf_mpmc_producer **producer,
                 struct ringbuf_mpmc_consumer **consumer)
{
    EXPECT(ringbuf_mpmc_producer_create_unnamed(options, producer), 0);
    EXPECT(ringbuf_mpmc_consumer_open_fd(ringbuf_mpmc_producer_fd(*producer), NULL, consumer), 0);
}

static void push(struct ringbuf_mpmc_producer *producer, uint64_t tag)
{
    struct ringbuf_mpmc_claim claim;

    EXPECT(ringbuf_mpmc_producer_claim(producer, 1, 0, &claim), 0);
    EXPECT(ringbuf_mpmc_claim_commit(&claim, 1, tag), 0);
}

/* The next message has this tag. */
#define POP(consumer, expected)                                         \
    do {                                                                \
        struct ringbuf_mpmc_message message;                            \
        EXPECT(ringbuf_mpmc_consumer_read(consumer, 0, &message), 0);   \
        EXPECT(message.tag, expected);                                  \
        EXPECT(ringbuf_mpmc_message_release(&message), 0);              \
    } while (0)

static void null_is_refused_everywhere(const char *name)
{
    struct ringbuf_options options = many_options();
    struct ringbuf_mpmc_producer *producer = NULL;
    struct ringbuf_mpmc_consumer *consumer = NULL;
    struct ringbuf_mpmc_message message;
    struct ringbuf_mpmc_claim claim;
    struct ringbuf_mpmc_stat stat = RINGBUF_MPMC_STAT_INIT;
    size_t length;

    EXPECT(ringbuf_mpmc_producer_create(NULL, &options, &producer), -EINVAL);
    EXPECT(ringbuf_mpmc_producer_create(name, NULL, &producer), -EINVAL);
    EXPECT(ringbuf_mpmc_producer_create(name, &options, NULL), -EINVAL);
    EXPECT(ringbuf_mpmc_producer_create_or_open(NULL, &options, &producer), -EINVAL);
    EXPECT(ringbuf_mpmc_producer_create_or_open(name, NULL, &producer), -EINVAL);
    EXPECT(ringbuf_mpmc_producer_create_or_open(name, &options, NULL), -EINVAL);
    EXPECT(ringbuf_mpmc_producer_create_unnamed(NULL, &producer), -EINVAL);
    EXPECT(ringbuf_mpmc_producer_create_unnamed(&options, NULL), -EINVAL);
    EXPECT(ringbuf_mpmc_producer_open(NULL, NULL, &producer), -EINVAL);
    EXPECT(ringbuf_mpmc_producer_open(name, NULL, NULL), -EINVAL);
    EXPECT(ringbuf_mpmc_producer_open_fd(0, NULL, NULL), -EINVAL);
    EXPECT(ringbuf_mpmc_producer_close(NULL), -EINVAL);
    EXPECT(ringbuf_mpmc_producer_claim(NULL, 1, 0, &claim), -EINVAL);
    EXPECT(ringbuf_mpmc_producer_set_lane(NULL, 0), -EINVAL);
    EXPECT(ringbuf_mpmc_claim_commit(NULL, 1, 0), -EINVAL);
    EXPECT(ringbuf_mpmc_claim_abort(NULL), -EINVAL);
    EXPECT(ringbuf_mpmc_producer_fd(NULL), -EINVAL);
    EXPECT(ringbuf_mpmc_producer_length_max(NULL, &length), -EINVAL);
    EXPECT(ringbuf_mpmc_producer_metadata(NULL, NULL, 0, &length), -EINVAL);
    EXPECT(ringbuf_mpmc_producer_stat(NULL, &stat), -EINVAL);

    EXPECT(ringbuf_mpmc_consumer_create(NULL, &options, &consumer), -EINVAL);
    EXPECT(ringbuf_mpmc_consumer_create(name, NULL, &consumer), -EINVAL);
    EXPECT(ringbuf_mpmc_consumer_create(name, &options, NULL), -EINVAL);
    EXPECT(ringbuf_mpmc_consumer_create_or_open(NULL, &options, &consumer), -EINVAL);
    EXPECT(ringbuf_mpmc_consumer_create_or_open(name, NULL, &consumer), -EINVAL);
    EXPECT(ringbuf_mpmc_consumer_create_or_open(name, &options, NULL), -EINVAL);
    EXPECT(ringbuf_mpmc_consumer_create_unnamed(NULL, &consumer), -EINVAL);
    EXPECT(ringbuf_mpmc_consumer_create_unnamed(&options, NULL), -EINVAL);
    EXPECT(ringbuf_mpmc_consumer_open(NULL, NULL, &consumer), -EINVAL);
    EXPECT(ringbuf_mpmc_consumer_open(name, NULL, NULL), -EINVAL);
    EXPECT(ringbuf_mpmc_consumer_open_fd(0, NULL, NULL), -EINVAL);
    EXPECT(ringbuf_mpmc_consumer_close(NULL), -EINVAL);
    EXPECT(ringbuf_mpmc_consumer_read(NULL, 0, &message), -EINVAL);
    EXPECT(ringbuf_mpmc_consumer_set_lanes(NULL, RINGBUF_LANES_HIGHEST, 0), -EINVAL);
    EXPECT(ringbuf_mpmc_message_release(NULL), -EINVAL);
    EXPECT(ringbuf_mpmc_consumer_fd(NULL), -EINVAL);
    EXPECT(ringbuf_mpmc_consumer_length_max(NULL, &length), -EINVAL);
    EXPECT(ringbuf_mpmc_consumer_metadata(NULL, NULL, 0, &length), -EINVAL);
    EXPECT(ringbuf_mpmc_consumer_stat(NULL, &stat), -EINVAL);

    EXPECT(ringbuf_mpmc_stat(NULL, &stat), -EINVAL);
    EXPECT(ringbuf_mpmc_stat(name, NULL), -EINVAL);
    EXPECT(ringbuf_mpmc_stat(name, &stat), -ENOENT);
    EXPECT(producer == NULL && consumer == NULL, 1);
    make(&options, &producer, &consumer);
    EXPECT(ringbuf_mpmc_producer_claim(producer, 1, 0, NULL), -EINVAL);
    EXPECT(ringbuf_mpmc_consumer_read(consumer, 0, NULL), -EINVAL);
    EXPECT(ringbuf_mpmc_producer_length_max(producer, NULL), -EINVAL);
    EXPECT(ringbuf_mpmc_producer_metadata(producer, NULL, 1, &length), -EINVAL);
    EXPECT(ringbuf_mpmc_consumer_close(consumer), 0);
    EXPECT(ringbuf_mpmc_producer_close(producer), 0);
}

/* EXPECTED is what becomes of an unnamed ring with these options. */
#define OPTIONS(change, expected)                                                  \
    do {                                                                           \
        struct ringbuf_options options = many_options();                           \
        struct ringbuf_mpmc_producer *producer = NULL;                             \
        options.change;                                                            \
        EXPECT(ringbuf_mpmc_producer_create_unnamed(&options, &producer), expected); \
        EXPECT(producer != NULL, (expected) == 0);                                 \
        if (producer != NULL)                                                      \
            EXPECT(ringbuf_mpmc_producer_close(producer), 0);                      \
    } while (0)

static void options_that_make_no_sense_are_refused(void)
{
    OPTIONS(size = 80, 0);
    OPTIONS(size = 79, -EINVAL);
    OPTIONS(shape = 0, -EINVAL);
    OPTIONS(shape = RINGBUF_RECORDS, -EINVAL);
    OPTIONS(capacity = 0, 0);
    OPTIONS(capacity = CAPACITY / 2, -EINVAL);
    OPTIONS(slot_size = 0, -EINVAL);
    OPTIONS(lanes = 64, 0);
    OPTIONS(lanes = 65, -EINVAL);
    OPTIONS(producers_max = 4032, 0);
    OPTIONS(producers_max = 4033, -EINVAL);
    OPTIONS(consumers_max = UINT32_MAX, -EINVAL);
    OPTIONS(redeliveries_max = 254, 0);
    OPTIONS(redeliveries_max = 255, -EINVAL);
    OPTIONS(redelivery = 2, -EINVAL);
    OPTIONS(subscribers_max = 1, -EINVAL);
    OPTIONS(views_max = 1, -EINVAL);
    OPTIONS(reader_patience_ns = 1, -EINVAL);
    OPTIONS(flags = RINGBUF_REOPEN | RINGBUF_FAST, 0);
    OPTIONS(flags = 1u << 8, -EINVAL);
}

static void claims_are_several_and_end_once(void)
{
    struct ringbuf_options options = many_options();
    struct ringbuf_mpmc_producer *producer;
    struct ringbuf_mpmc_consumer *consumer;
    struct ringbuf_mpmc_claim first, second, third, moved;
    struct ringbuf_mpmc_claim never = { NULL, 0, { 0 } };
    struct ringbuf_mpmc_message message;

    options.flags = RINGBUF_FAST;
    make(&options, &producer, &consumer);
    EXPECT(ringbuf_mpmc_claim_commit(&never, 0, 0), -EINVAL);
    EXPECT(ringbuf_mpmc_claim_abort(&never), -EINVAL);
    first = never;
    EXPECT(ringbuf_mpmc_producer_claim(producer, SLOT_SIZE + 1, 0, &first), -EMSGSIZE);
    EXPECT(first.data == NULL, 1);
    EXPECT(ringbuf_mpmc_producer_claim(producer, 10, 0, &first), 0);
    EXPECT(ringbuf_mpmc_producer_claim(producer, SLOT_SIZE, 0, &second), 0);
    EXPECT(ringbuf_mpmc_producer_claim(producer, 10, 0, &third), 0);
    EXPECT((uintptr_t)first.data % 64, 0);
    EXPECT(first.length, 10);
    EXPECT(ringbuf_mpmc_claim_commit(&second, SLOT_SIZE, 2), 0);
    EXPECT(ringbuf_mpmc_claim_commit(&second, SLOT_SIZE, 2), -EINVAL);
    EXPECT(ringbuf_mpmc_claim_abort(&second), -EINVAL);
    EXPECT(ringbuf_mpmc_consumer_read(consumer, 0, &message), -EAGAIN); /* behind the first */
    EXPECT(ringbuf_mpmc_consumer_read(consumer, SHORT_NS, &message), -ETIMEDOUT);

    EXPECT(ringbuf_mpmc_claim_commit(&first, 11, 1), -EMSGSIZE);
    first.length = SLOT_SIZE; /* which is not what counts */
    EXPECT(ringbuf_mpmc_claim_commit(&first, 11, 1), -EMSGSIZE);
    memset(first.data, 1, 10);
    moved = first;
    EXPECT(ringbuf_mpmc_producer_close(producer), 0); /* which ends no claim */
    EXPECT(ringbuf_mpmc_consumer_read(consumer, 0, &message), -EAGAIN);
    EXPECT(ringbuf_mpmc_claim_commit(&moved, 10, 1), 0);
    EXPECT(ringbuf_mpmc_claim_abort(&third), 0);
    EXPECT(ringbuf_mpmc_claim_abort(&third), -EINVAL);
    POP(consumer, 1);
    POP(consumer, 2);
    EXPECT(ringbuf_mpmc_consumer_read(consumer, 0, &message), -EPIPE);
    EXPECT(ringbuf_mpmc_consumer_read(consumer, -1, &message), -EPIPE);
    EXPECT(ringbuf_mpmc_consumer_close(consumer), 0);
}

static void a_claim_that_takes_long_is_passed_by(void)
{
    struct ringbuf_options options = many_options();
    struct ringbuf_mpmc_producer *producer;
    struct ringbuf_mpmc_consumer *consumer;
    struct ringbuf_mpmc_claim slow;
    struct ringbuf_mpmc_message message;

    make(&options, &producer, &consumer);
    EXPECT(ringbuf_mpmc_producer_claim(producer, 1, 0, &slow), 0);
    push(producer, 2);
    EXPECT(ringbuf_mpmc_consumer_read(consumer, SHORT_NS, &message), 0); /* it waited first */
    EXPECT(message.tag, 2);
    EXPECT(ringbuf_mpmc_message_release(&message), 0);
    EXPECT(ringbuf_mpmc_claim_commit(&slow, 1, 1), 0);
    push(producer, 3);
    POP(consumer, 1);
    POP(consumer, 3);
    EXPECT(ringbuf_mpmc_producer_close(producer), 0);
    EXPECT(ringbuf_mpmc_consumer_close(consumer), 0);
}

static void *release(void *message)
{
    EXPECT(ringbuf_mpmc_message_release((struct ringbuf_mpmc_message *)message), 0);
    return NULL;
}

static void messages_are_several_and_end_once(void)
{
    struct ringbuf_options options = many_options();
    struct ringbuf_mpmc_producer *producer;
    struct ringbuf_mpmc_consumer *consumer;
    struct ringbuf_mpmc_message first, second;
    struct ringbuf_mpmc_message never;
    struct ringbuf_mpmc_claim claim;
    struct ringbuf_mpmc_stat stat = RINGBUF_MPMC_STAT_INIT;
    pthread_t thread;
    int number;

    memset(&never, 0, sizeof(never));
    options.flags = RINGBUF_FAST;
    make(&options, &producer, &consumer);
    EXPECT(ringbuf_mpmc_message_release(&never), -EINVAL);
    for (number = 0; number < CAPACITY; number++)
        push(producer, (uint64_t)number);
    EXPECT(ringbuf_mpmc_producer_claim(producer, 1, 0, &claim), -EAGAIN);
    EXPECT(ringbuf_mpmc_producer_claim(producer, 1, SHORT_NS, &claim), -ETIMEDOUT);
    EXPECT(ringbuf_mpmc_consumer_read(consumer, 0, &first), 0);
    EXPECT(ringbuf_mpmc_consumer_read(consumer, 0, &second), 0);
    EXPECT(first.tag, 0);
    EXPECT(second.tag, 1);
    EXPECT(first.length, 1);
    EXPECT(first.flags, 0);
    EXPECT(first.lane, 0);
    EXPECT(first.reserved, 0);
    EXPECT(ringbuf_mpmc_producer_stat(producer, &stat), 0);
    EXPECT(stat.size, sizeof(stat));
    EXPECT(stat.capacity, CAPACITY);
    EXPECT(stat.reading, 2);
    EXPECT(stat.ready, CAPACITY - 2);
    EXPECT(stat.length_max, SLOT_SIZE);
    EXPECT(stat.producers, 1);
    EXPECT(stat.consumers, 1);

    EXPECT(ringbuf_mpmc_message_release(&second), 0);
    EXPECT(ringbuf_mpmc_message_release(&second), -EINVAL);
    EXPECT(ringbuf_mpmc_producer_claim(producer, 1, 0, &claim), -EAGAIN); /* behind the first */
    EXPECT(ringbuf_mpmc_consumer_close(consumer), 0); /* which releases nothing */
    EXPECT(ringbuf_mpmc_producer_claim(producer, 1, SHORT_NS, &claim), -ETIMEDOUT);
    EXPECT(pthread_create(&thread, NULL, release, &first), 0);
    EXPECT(pthread_join(thread, NULL), 0);
    push(producer, CAPACITY);
    push(producer, CAPACITY + 1);
    EXPECT(ringbuf_mpmc_producer_claim(producer, 1, 0, &claim), -EPIPE);
    EXPECT(ringbuf_mpmc_producer_claim(producer, 1, -1, &claim), -EPIPE);
    stat.size--;
    EXPECT(ringbuf_mpmc_producer_stat(producer, &stat), -EINVAL);
    EXPECT(ringbuf_mpmc_producer_close(producer), 0);
}

static void lanes_are_chosen(void)
{
    struct ringbuf_options options = many_options();
    struct ringbuf_mpmc_producer *producer;
    struct ringbuf_mpmc_consumer *consumer;
    struct ringbuf_mpmc_message message;
    uint32_t lane;

    options.lanes = 4;
    make(&options, &producer, &consumer);
    for (lane = 0; lane < 4; lane++) {
        EXPECT(ringbuf_mpmc_producer_set_lane(producer, lane), 0);
        push(producer, lane);
        push(producer, lane);
    }
    EXPECT(ringbuf_mpmc_producer_set_lane(producer, 4), -EINVAL);
    EXPECT(ringbuf_mpmc_consumer_set_lanes(consumer, RINGBUF_LANES_ONLY, 4), -EINVAL);
    EXPECT(ringbuf_mpmc_consumer_set_lanes(consumer, RINGBUF_LANES_LOWEST_UP_TO, 4), -EINVAL);
    EXPECT(ringbuf_mpmc_consumer_set_lanes(consumer, RINGBUF_LANES_HIGHEST, 1), -EINVAL);
    EXPECT(ringbuf_mpmc_consumer_set_lanes(consumer, 3, 0), -EINVAL);
    POP(consumer, 3);
    EXPECT(ringbuf_mpmc_consumer_set_lanes(consumer, RINGBUF_LANES_ONLY, 2), 0);
    EXPECT(ringbuf_mpmc_consumer_read(consumer, 0, &message), 0);
    EXPECT(message.lane, 2);
    EXPECT(ringbuf_mpmc_message_release(&message), 0);
    POP(consumer, 2);
    EXPECT(ringbuf_mpmc_consumer_read(consumer, 0, &message), -EAGAIN);
    EXPECT(ringbuf_mpmc_consumer_set_lanes(consumer, RINGBUF_LANES_LOWEST_UP_TO, 1), 0);
    POP(consumer, 0);
    POP(consumer, 0);
    POP(consumer, 1);
    POP(consumer, 1);
    EXPECT(ringbuf_mpmc_consumer_read(consumer, 0, &message), -EAGAIN);
    EXPECT(ringbuf_mpmc_consumer_set_lanes(consumer, RINGBUF_LANES_HIGHEST, 0), 0);
    POP(consumer, 3);
    EXPECT(ringbuf_mpmc_consumer_close(consumer), 0);
    EXPECT(ringbuf_mpmc_producer_close(producer), 0);
}

static void kinds_do_not_mix_and_seats_run_out(const char *name)
{
    struct ringbuf_options options = many_options();
    struct ringbuf_mpmc_producer *producer, *second;
    struct ringbuf_mpmc_consumer *consumer;
    struct ringbuf_producer *other;
    struct ringbuf_consumer *reader;
    struct ringbuf_mpmc_stat stat = RINGBUF_MPMC_STAT_INIT;
    struct ringbuf_stat other_stat = RINGBUF_STAT_INIT;
    char metadata[8];
    size_t length;

    options.producers_max = 1;
    options.metadata = "caps";
    options.metadata_length = 4;
    options.type_name = "job";
    EXPECT(ringbuf_mpmc_producer_open(name, NULL, &producer), -ENOENT);
    EXPECT(ringbuf_mpmc_producer_create(name, &options, &producer), 0);
    EXPECT(ringbuf_mpmc_producer_create(name, &options, &second), -EEXIST);
    EXPECT(ringbuf_mpmc_producer_open(name, NULL, &second), -EUSERS);
    EXPECT(ringbuf_mpmc_producer_create_or_open(name, &options, &second), -EUSERS);
    EXPECT(ringbuf_mpmc_producer_open_fd(ringbuf_mpmc_producer_fd(producer), NULL, &second),
           -EUSERS);
    EXPECT(second == NULL, 1);
    EXPECT(ringbuf_mpmc_consumer_create_or_open(name, &options, &consumer), 0);
    EXPECT(ringbuf_mpmc_consumer_metadata(consumer, metadata, sizeof(metadata), &length), 0);
    EXPECT(length == 4 && memcmp(metadata, "caps", 4) == 0, 1);
    EXPECT(ringbuf_mpmc_consumer_length_max(consumer, &length), 0);
    EXPECT(length, SLOT_SIZE);
    EXPECT(ringbuf_mpmc_producer_open_fd(ringbuf_mpmc_consumer_fd(consumer), NULL, &second),
           -EUSERS);
    EXPECT(ringbuf_mpmc_consumer_stat(consumer, &stat), 0);
    EXPECT(ringbuf_mpmc_consumer_close(consumer), 0);
    options.lanes = 2;
    EXPECT(ringbuf_mpmc_consumer_create_or_open(name, &options, &consumer), -EPROTO);
    options.type_name = "order";
    EXPECT(ringbuf_mpmc_consumer_open(name, &options, &consumer), -EPROTO);
    EXPECT(ringbuf_mpmc_stat(name, &stat), 0);
    EXPECT(stat.consumers, 0);

    options = many_options();
    EXPECT(ringbuf_producer_open(name, NULL, &other), -EPROTO);
    EXPECT(ringbuf_consumer_open(name, NULL, &reader), -EPROTO);
    EXPECT(ringbuf_consumer_open_fd(ringbuf_mpmc_producer_fd(producer), NULL, &reader), -EPROTO);
    EXPECT(ringbuf_producer_create_or_open(name, &options, &other), -EPROTO);
    EXPECT(ringbuf_stat(name, &other_stat), -EPROTO);
    EXPECT(ringbuf_mpmc_producer_close(producer), 0);
    EXPECT(ringbuf_unlink(name), 0);

    EXPECT(ringbuf_producer_create(name, &options, &other), 0);
    EXPECT(ringbuf_mpmc_producer_open(name, NULL, &producer), -EPROTO);
    EXPECT(ringbuf_mpmc_consumer_open_fd(ringbuf_producer_fd(other), NULL, &consumer), -EPROTO);
    EXPECT(ringbuf_mpmc_consumer_create_or_open(name, &options, &consumer), -EPROTO);
    EXPECT(ringbuf_mpmc_consumer_create(name, &options, &consumer), -EEXIST);
    EXPECT(ringbuf_mpmc_stat(name, &stat), -EPROTO);
    EXPECT(ringbuf_producer_close(other), 0);
    EXPECT(ringbuf_mpmc_consumer_open_fd(-1, NULL, &consumer), -EBADF);
    EXPECT(strlen(ringbuf_strerror(-EUSERS)) > 0, 1);
    EXPECT(strcmp(ringbuf_strerror(-EUSERS), strerror(EUSERS)) != 0, 1);
}

int main(int argc, char **argv)
{
    char name[4096];

    EXPECT(argc, 2);
    snprintf(name, sizeof(name), "%s/mpmc_misuse", argv[1]);
    null_is_refused_everywhere(name);
    options_that_make_no_sense_are_refused();
    claims_are_several_and_end_once();
    a_claim_that_takes_long_is_passed_by();
    messages_are_several_and_end_once();
    lanes_are_chosen();
    snprintf(name, sizeof(name), "%s/kinds", argv[1]);
    ringbuf_unlink(name); /* of the way this program was built in before */
    kinds_do_not_mix_and_seats_run_out(name);
    return 0;
}
