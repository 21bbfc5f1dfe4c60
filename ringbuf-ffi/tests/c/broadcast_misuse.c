/*
 * broadcast_misuse DIRECTORY: of broadcast rings, does what the manual forbids and can be
 * noticed, and meets the errors of making, opening and joining them.
 */
#include "broadcast_rings.h"

static void null_is_refused_by_publishers(const char *name)
{
    struct ringbuf_options options = small_options();
    struct ringbuf_broadcast_pool pool = RINGBUF_BROADCAST_POOL_INIT;
    struct ringbuf_broadcast_publisher *publisher = NULL;
    uint64_t number;
    size_t length;
    void *data;

    EXPECT(ringbuf_broadcast_publisher_create(NULL, &options, &publisher), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_create(name, NULL, &publisher), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_create(name, &options, NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_create_or_open(NULL, &options, &publisher), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_create_or_open(name, NULL, &publisher), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_create_or_open(name, &options, NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_create_unnamed(NULL, &publisher), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_create_unnamed(&options, NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_open(NULL, NULL, &publisher), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_open(name, NULL, NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_open_fd(0, NULL, NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_close(NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_claim(NULL, 1, 0, &data), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_commit(NULL, 1, 0), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_abort(NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_push(NULL, "", 1, 0, 0), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_begin(NULL, 0), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_rest(NULL, &data, &length), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_advance(NULL, 0), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_commit_begun(NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_position(NULL, &number), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_evicted(NULL, &number), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_wait_for_peer(NULL, 0), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_fd(NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_length_max(NULL, &length), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_metadata(NULL, NULL, 0, &length), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_pool(NULL, &pool), -EINVAL);
    EXPECT(publisher == NULL, 1);

    publisher = publisher_of(options);
    EXPECT(ringbuf_broadcast_publisher_claim(publisher, 1, 0, NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_push(publisher, NULL, 1, 0, 0), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_push(publisher, NULL, 0, 0, 0), 0);
    EXPECT(ringbuf_broadcast_publisher_claim(publisher, 1, 0, &data), 0);
    EXPECT(ringbuf_broadcast_publisher_begin(publisher, 0), 0);
    EXPECT(ringbuf_broadcast_publisher_rest(publisher, NULL, &length), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_rest(publisher, &data, NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_position(publisher, NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_evicted(publisher, NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_length_max(publisher, NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_metadata(publisher, NULL, 1, &length), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_pool(publisher, NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_close(publisher), 0);
}

static void null_is_refused_by_subscribers(const char *name)
{
    struct ringbuf_options options = small_options();
    struct ringbuf_broadcast_join join = join_as(RINGBUF_DELIVERY_LOSSY);
    struct ringbuf_broadcast_publisher *publisher = publisher_of(options);
    struct ringbuf_broadcast_subscriber *subscriber = NULL;
    struct ringbuf_broadcast_message message;
    struct ringbuf_broadcast_part part;
    struct ringbuf_broadcast_pool pool = RINGBUF_BROADCAST_POOL_INIT;
    int fd = ringbuf_broadcast_publisher_fd(publisher);
    uint64_t number;
    size_t length;

    EXPECT(ringbuf_broadcast_subscriber_create_or_open(NULL, &options, &join, &subscriber),
           -EINVAL);
    EXPECT(ringbuf_broadcast_subscriber_create_or_open(name, NULL, &join, &subscriber), -EINVAL);
    EXPECT(ringbuf_broadcast_subscriber_create_or_open(name, &options, NULL, &subscriber),
           -EINVAL);
    EXPECT(ringbuf_broadcast_subscriber_create_or_open(name, &options, &join, NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_subscriber_open(NULL, NULL, &join, &subscriber), -EINVAL);
    EXPECT(ringbuf_broadcast_subscriber_open(name, NULL, NULL, &subscriber), -EINVAL);
    EXPECT(ringbuf_broadcast_subscriber_open(name, NULL, &join, NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_subscriber_open(name, NULL, &join, &subscriber), -ENOENT);
    EXPECT(ringbuf_broadcast_subscriber_open_fd(fd, NULL, NULL, &subscriber), -EINVAL);
    EXPECT(ringbuf_broadcast_subscriber_open_fd(fd, NULL, &join, NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_subscriber_open_fd(-1, NULL, &join, &subscriber), -EBADF);
    EXPECT(ringbuf_broadcast_subscriber_close(NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_subscriber_read(NULL, 0, &message), -EINVAL);
    EXPECT(ringbuf_broadcast_subscriber_latest(NULL, &message), -EINVAL);
    EXPECT(ringbuf_broadcast_message_release(NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_subscriber_read_part(NULL, 0, &part), -EINVAL);
    EXPECT(ringbuf_broadcast_part_look(NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_part_wait_for(NULL, 1, 0), -EINVAL);
    EXPECT(ringbuf_broadcast_part_release(NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_subscriber_position(NULL, &number), -EINVAL);
    EXPECT(ringbuf_broadcast_subscriber_lost(NULL, &number), -EINVAL);
    EXPECT(ringbuf_broadcast_subscriber_broken(NULL, &number), -EINVAL);
    EXPECT(ringbuf_broadcast_subscriber_wait_for_peer(NULL, 0), -EINVAL);
    EXPECT(ringbuf_broadcast_subscriber_fd(NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_subscriber_length_max(NULL, &length), -EINVAL);
    EXPECT(ringbuf_broadcast_subscriber_metadata(NULL, NULL, 0, &length), -EINVAL);
    EXPECT(ringbuf_broadcast_subscriber_pool(NULL, &pool), -EINVAL);
    EXPECT(subscriber == NULL, 1);

    subscriber = subscriber_to(publisher, join);
    push(publisher, 1);
    EXPECT(ringbuf_broadcast_subscriber_read(subscriber, 0, NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_subscriber_latest(subscriber, NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_subscriber_read_part(subscriber, 0, NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_subscriber_position(subscriber, NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_subscriber_lost(subscriber, NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_subscriber_broken(subscriber, NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_subscriber_pool(subscriber, NULL), -EINVAL);
    POP(subscriber, 1); /* of which nothing was taken */
    EXPECT(ringbuf_broadcast_subscriber_close(subscriber), 0);
    EXPECT(ringbuf_broadcast_publisher_close(publisher), 0);
}

/* EXPECTED is what becomes of an unnamed ring with these options. */
#define OPTIONS(change, expected)                                                       \
    do {                                                                                \
        struct ringbuf_options options = small_options();                               \
        struct ringbuf_broadcast_publisher *publisher = NULL;                           \
        options.change;                                                                 \
        EXPECT(ringbuf_broadcast_publisher_create_unnamed(&options, &publisher), expected); \
        EXPECT(publisher != NULL, (expected) == 0);                                     \
        if (publisher != NULL)                                                          \
            EXPECT(ringbuf_broadcast_publisher_close(publisher), 0);                    \
    } while (0)

static void options_that_make_no_sense_are_refused(void)
{
    OPTIONS(size = 80, 0);
    OPTIONS(size = 79, -EINVAL);
    OPTIONS(shape = 0, -EINVAL);
    OPTIONS(shape = RINGBUF_RECORDS, -EINVAL);
    OPTIONS(capacity = 0, 0);
    OPTIONS(slot_size = 0, -EINVAL);
    OPTIONS(subscribers_max = 0, 0);
    OPTIONS(subscribers_max = 1024, 0);
    OPTIONS(subscribers_max = 1025, -EINVAL);
    OPTIONS(views_max = 4096, 0);
    OPTIONS(views_max = 4097, -EINVAL);
    OPTIONS(reader_patience_ns = UINT64_MAX, 0);
    OPTIONS(lanes = 1, -EINVAL);
    OPTIONS(producers_max = 1, -EINVAL);
    OPTIONS(consumers_max = 1, -EINVAL);
    OPTIONS(redeliveries_max = 1, -EINVAL);
    OPTIONS(redelivery = RINGBUF_REDELIVERY_DROP, 0);
    OPTIONS(flags = 1u << 8, -EINVAL);
}

/* EXPECTED is what becomes of a subscriber that joins like this. */
#define JOIN(change, expected)                                                            \
    do {                                                                                  \
        struct ringbuf_broadcast_join join = join_as(RINGBUF_DELIVERY_LOSSLESS);          \
        struct ringbuf_broadcast_subscriber *subscriber = NULL;                           \
        join.change;                                                                      \
        EXPECT(ringbuf_broadcast_subscriber_open_fd(fd, NULL, &join, &subscriber), expected); \
        EXPECT(subscriber != NULL, (expected) == 0);                                      \
        if (subscriber != NULL)                                                           \
            EXPECT(ringbuf_broadcast_subscriber_close(subscriber), 0);                    \
    } while (0)

static void joins_that_make_no_sense_are_refused(void)
{
    struct ringbuf_broadcast_publisher *publisher = publisher_of(small_options());
    struct {
        struct ringbuf_broadcast_join join;
        uint64_t later;
    } larger = { RINGBUF_BROADCAST_JOIN_INIT, 0 };
    struct ringbuf_broadcast_subscriber *subscriber;
    int fd = ringbuf_broadcast_publisher_fd(publisher);

    JOIN(size--, -EINVAL);
    JOIN(size = 4097, -EINVAL);
    JOIN(delivery = 0, -EINVAL);
    JOIN(delivery = 4, -EINVAL);
    JOIN(delivery = RINGBUF_DELIVERY_LATEST, 0);
    JOIN(start = RINGBUF_START_POSITION, 0);
    JOIN(start = 4, -EINVAL);
    JOIN(position = 1, -EINVAL); /* where that is not asked for */
    JOIN(views = VIEWS, 0);
    JOIN(views = VIEWS + 1, -ETOOMANYREFS);
    JOIN(views = UINT32_MAX, -ETOOMANYREFS);

    /* A structure of a later version is taken if it asks for nothing unknown. */
    larger.join.delivery = RINGBUF_DELIVERY_LOSSY;
    larger.join.size = sizeof(larger);
    EXPECT(ringbuf_broadcast_subscriber_open_fd(fd, NULL, &larger.join, &subscriber), 0);
    EXPECT(ringbuf_broadcast_subscriber_close(subscriber), 0);
    larger.later = 1;
    EXPECT(ringbuf_broadcast_subscriber_open_fd(fd, NULL, &larger.join, &subscriber), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_close(publisher), 0);
}

static void the_pool_is_told(void)
{
    struct ringbuf_broadcast_publisher *publisher = publisher_of(small_options());
    struct ringbuf_broadcast_pool pool = RINGBUF_BROADCAST_POOL_INIT;
    struct ringbuf_broadcast_join join = join_as(RINGBUF_DELIVERY_LATEST);
    struct ringbuf_broadcast_subscriber *subscriber = subscriber_to(publisher, join);
    struct {
        struct ringbuf_broadcast_pool pool;
        uint64_t later;
    } larger = { RINGBUF_BROADCAST_POOL_INIT, 7 };

    EXPECT(ringbuf_broadcast_publisher_pool(publisher, &pool), 0);
    EXPECT(pool.size, sizeof(pool));
    EXPECT(pool.ring, CAPACITY);
    EXPECT(pool.claims, 1);
    EXPECT(pool.views, VIEWS);
    EXPECT(pool.slots, CAPACITY + 1 + VIEWS);
    EXPECT(pool.bytes >= pool.slots * SLOT_SIZE, 1);
    larger.pool.size = sizeof(larger);
    EXPECT(ringbuf_broadcast_subscriber_pool(subscriber, &larger.pool), 0);
    EXPECT(larger.pool.size, sizeof(pool));
    EXPECT(larger.pool.slots, pool.slots);
    EXPECT(larger.later, 0);
    pool.size--;
    EXPECT(ringbuf_broadcast_subscriber_pool(subscriber, &pool), -EINVAL);
    EXPECT(ringbuf_broadcast_subscriber_close(subscriber), 0);
    EXPECT(ringbuf_broadcast_publisher_close(publisher), 0);
}

int main(int argc, char **argv)
{
    char name[4096];

    EXPECT(argc, 2);
    snprintf(name, sizeof(name), "%s/broadcast_misuse", argv[1]);
    null_is_refused_by_publishers(name);
    null_is_refused_by_subscribers(name);
    options_that_make_no_sense_are_refused();
    joins_that_make_no_sense_are_refused();
    the_pool_is_told();
    return 0;
}
