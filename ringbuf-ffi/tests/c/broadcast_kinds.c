/*
 * broadcast_kinds DIRECTORY: broadcast rings by name; rings of other kinds are refused,
 * seats and views run out, one publisher follows another, and the new errors have texts
 * of their own.
 */
#include "broadcast_rings.h"

static struct ringbuf_broadcast_publisher *publisher, *second;
static struct ringbuf_broadcast_subscriber *subscriber;

static void kinds_do_not_mix(const char *name)
{
    struct ringbuf_options options = small_options();
    struct ringbuf_broadcast_join join = join_as(RINGBUF_DELIVERY_LOSSLESS);
    struct ringbuf_stat stat = RINGBUF_STAT_INIT;
    struct ringbuf_mpmc_stat mpmc_stat = RINGBUF_MPMC_STAT_INIT;
    struct ringbuf_producer *producer;
    struct ringbuf_mpmc_consumer *consumer;

    EXPECT(ringbuf_broadcast_publisher_create(name, &options, &publisher), 0);
    EXPECT(ringbuf_producer_open(name, NULL, &producer), -EPROTO);
    EXPECT(ringbuf_mpmc_consumer_open(name, NULL, &consumer), -EPROTO);
    EXPECT(ringbuf_mpmc_consumer_open_fd(ringbuf_broadcast_publisher_fd(publisher), NULL,
                                         &consumer),
           -EPROTO);
    EXPECT(ringbuf_stat(name, &stat), -EPROTO);
    EXPECT(ringbuf_mpmc_stat(name, &mpmc_stat), -EPROTO);
    EXPECT(ringbuf_broadcast_publisher_close(publisher), 0);
    EXPECT(ringbuf_unlink(name), 0);

    options = small_options();
    options.subscribers_max = 0;
    options.views_max = 0;
    EXPECT(ringbuf_producer_create(name, &options, &producer), 0);
    options = small_options();
    EXPECT(ringbuf_broadcast_publisher_open(name, NULL, &publisher), -EPROTO);
    EXPECT(ringbuf_broadcast_publisher_create_or_open(name, &options, &publisher), -EPROTO);
    EXPECT(ringbuf_broadcast_publisher_create(name, &options, &publisher), -EEXIST);
    EXPECT(ringbuf_broadcast_publisher_open_fd(ringbuf_producer_fd(producer), NULL, &publisher),
           -EPROTO);
    EXPECT(ringbuf_broadcast_subscriber_open(name, NULL, &join, &subscriber), -EPROTO);
    EXPECT(ringbuf_broadcast_subscriber_create_or_open(name, &options, &join, &subscriber),
           -EPROTO);
    EXPECT(publisher == NULL && subscriber == NULL, 1);
    EXPECT(ringbuf_producer_close(producer), 0);
    EXPECT(ringbuf_unlink(name), 0);
}

static void a_ring_is_as_it_was_made(const char *name)
{
    struct ringbuf_options options = small_options();
    struct ringbuf_broadcast_join join = join_as(RINGBUF_DELIVERY_LOSSLESS);
    char metadata[8];
    size_t length;

    options.metadata = "caps";
    options.metadata_length = 4;
    options.type_name = "frame";
    /* A subscriber may make it. */
    EXPECT(ringbuf_broadcast_subscriber_create_or_open(name, &options, &join, &subscriber), 0);
    EXPECT(ringbuf_broadcast_subscriber_wait_for_peer(subscriber, 0), -EAGAIN);
    EXPECT(ringbuf_broadcast_subscriber_wait_for_peer(subscriber, SHORT_NS), -ETIMEDOUT);
    EXPECT(ringbuf_broadcast_publisher_open_fd(ringbuf_broadcast_subscriber_fd(subscriber), NULL,
                                               &publisher),
           0);
    EXPECT(ringbuf_broadcast_subscriber_wait_for_peer(subscriber, -1), 0);
    EXPECT(ringbuf_broadcast_publisher_wait_for_peer(publisher, 0), 0);
    EXPECT(ringbuf_broadcast_publisher_metadata(publisher, metadata, 2, &length), 0);
    EXPECT(length == 4 && memcmp(metadata, "ca", 2) == 0, 1);
    EXPECT(ringbuf_broadcast_subscriber_metadata(subscriber, metadata, 8, &length), 0);
    EXPECT(length == 4 && memcmp(metadata, "caps", 4) == 0, 1);
    EXPECT(ringbuf_broadcast_publisher_length_max(publisher, &length), 0);
    EXPECT(length, SLOT_SIZE);
    EXPECT(ringbuf_broadcast_subscriber_length_max(subscriber, &length), 0);
    EXPECT(length, SLOT_SIZE);
    EXPECT(ringbuf_broadcast_publisher_open(name, NULL, &second), -EBUSY);
    EXPECT(ringbuf_broadcast_publisher_create_or_open(name, &options, &second), -EBUSY);
    EXPECT(ringbuf_broadcast_subscriber_close(subscriber), 0);
    EXPECT(ringbuf_broadcast_publisher_wait_for_peer(publisher, 0), -EAGAIN);

    options.reader_patience_ns = 1;
    EXPECT(ringbuf_broadcast_subscriber_create_or_open(name, &options, &join, &subscriber),
           -EPROTO);
    options.reader_patience_ns = 0;
    EXPECT(ringbuf_broadcast_subscriber_create_or_open(name, &options, &join, &subscriber), 0);
    EXPECT(ringbuf_broadcast_subscriber_close(subscriber), 0);
    options.type_name = "sound";
    EXPECT(ringbuf_broadcast_subscriber_open(name, &options, &join, &subscriber), -EPROTO);
    EXPECT(ringbuf_broadcast_subscriber_open_fd(ringbuf_broadcast_publisher_fd(publisher),
                                                &options, &join, &subscriber),
           -EPROTO);
    EXPECT(ringbuf_broadcast_publisher_close(publisher), 0);
    EXPECT(ringbuf_broadcast_publisher_open(name, NULL, &publisher), -ESHUTDOWN);
    EXPECT(ringbuf_unlink(name), 0);
}

static void seats_and_views_run_out(void)
{
    struct ringbuf_broadcast_join join = join_as(RINGBUF_DELIVERY_LOSSY);
    struct ringbuf_broadcast_subscriber *all[SUBSCRIBERS];
    int fd, i;

    publisher = publisher_of(small_options());
    fd = ringbuf_broadcast_publisher_fd(publisher);
    join.views = VIEWS - 1;
    all[0] = subscriber_to(publisher, join);
    join.views = 2;
    EXPECT(ringbuf_broadcast_subscriber_open_fd(fd, NULL, &join, &subscriber), -ETOOMANYREFS);
    EXPECT(subscriber == NULL, 1);
    EXPECT(ringbuf_broadcast_subscriber_close(all[0]), 0);
    for (i = 0; i < SUBSCRIBERS; i++)
        all[i] = subscriber_to(publisher, join);
    EXPECT(ringbuf_broadcast_subscriber_open_fd(fd, NULL, &join, &subscriber), -EUSERS);
    for (i = 0; i < SUBSCRIBERS; i++)
        EXPECT(ringbuf_broadcast_subscriber_close(all[i]), 0);
    EXPECT(ringbuf_broadcast_publisher_close(publisher), 0);
}

static void another_publisher_follows(void)
{
    struct ringbuf_options options = small_options();
    struct ringbuf_broadcast_message message;
    uint64_t number;
    long long next;
    void *data;

    options.flags = RINGBUF_REOPEN;
    publisher = publisher_of(options);
    subscriber = subscriber_to(publisher, join_as(RINGBUF_DELIVERY_LOSSLESS));
    push(publisher, 1);
    EXPECT(ringbuf_broadcast_publisher_claim(publisher, 1, 0, &data), 0);
    EXPECT(ringbuf_broadcast_publisher_begin(publisher, 2), 0);
    next = POSITION(publisher) + 1; /* since what was begun has its own */
    EXPECT(ringbuf_broadcast_publisher_close(publisher), 0); /* which breaks it off */
    POP(subscriber, 1);
    EXPECT(ringbuf_broadcast_subscriber_read(subscriber, 0, &message), -EPIPE);
    EXPECT(ringbuf_broadcast_subscriber_read(subscriber, -1, &message), -EPIPE);
    EXPECT(ringbuf_broadcast_publisher_open_fd(ringbuf_broadcast_subscriber_fd(subscriber), NULL,
                                               &publisher),
           0);
    EXPECT(POSITION(publisher), next);
    push(publisher, 3);
    POP(subscriber, 3);
    EXPECT(BROKEN(subscriber), 1);
    EXPECT(LOST(subscriber), 0);
    EXPECT(NEXT(subscriber), next + 1);
    EXPECT(ringbuf_broadcast_publisher_close(publisher), 0);
    EXPECT(ringbuf_broadcast_subscriber_close(subscriber), 0);
}

static void errors_have_texts_of_their_own(void)
{
    const int errors[] = { ETOOMANYREFS, EOVERFLOW, ENOBUFS, ECONNABORTED };
    size_t i;

    for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        EXPECT(strcmp(ringbuf_strerror(-errors[i]), strerror(errors[i])) != 0, 1);
}

int main(int argc, char **argv)
{
    char name[4096];

    EXPECT(argc, 2);
    snprintf(name, sizeof(name), "%s/broadcast_kinds", argv[1]);
    kinds_do_not_mix(name);
    a_ring_is_as_it_was_made(name);
    seats_and_views_run_out();
    another_publisher_follows();
    errors_have_texts_of_their_own();
    return 0;
}
