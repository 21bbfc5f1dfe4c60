/*
 * misuse DIRECTORY: does what the manual forbids and can be noticed; every time
 * the answer is an error, and the ring still works afterwards.
 */
#include "expect.h"
#include "ringbuf.h"

#include <errno.h>
#include <string.h>

#define SLOT_SIZE 100

static struct ringbuf_options byte_options(void)
{
    struct ringbuf_options options = RINGBUF_OPTIONS_INIT;

    options.shape = RINGBUF_BYTES;
    options.capacity = 4;
    options.slot_size = SLOT_SIZE;
    return options;
}

static void null_is_refused_everywhere(const char *name)
{
    struct ringbuf_options options = byte_options();
    struct ringbuf_producer *producer = NULL;
    struct ringbuf_consumer *consumer = NULL;
    struct ringbuf_message message;
    struct ringbuf_stat stat = RINGBUF_STAT_INIT;
    size_t length;
    void *data;

    EXPECT(ringbuf_producer_create(NULL, &options, &producer), -EINVAL);
    EXPECT(ringbuf_producer_create(name, NULL, &producer), -EINVAL);
    EXPECT(ringbuf_producer_create(name, &options, NULL), -EINVAL);
    EXPECT(ringbuf_producer_create_or_open(NULL, &options, &producer), -EINVAL);
    EXPECT(ringbuf_producer_create_or_open(name, NULL, &producer), -EINVAL);
    EXPECT(ringbuf_producer_create_or_open(name, &options, NULL), -EINVAL);
    EXPECT(ringbuf_producer_create_unnamed(NULL, &producer), -EINVAL);
    EXPECT(ringbuf_producer_create_unnamed(&options, NULL), -EINVAL);
    EXPECT(ringbuf_producer_open(NULL, NULL, &producer), -EINVAL);
    EXPECT(ringbuf_producer_open(name, NULL, NULL), -EINVAL);
    EXPECT(ringbuf_producer_open_fd(0, NULL, NULL), -EINVAL);
    EXPECT(ringbuf_producer_close(NULL), -EINVAL);
    EXPECT(ringbuf_producer_claim(NULL, 1, 0, &data), -EINVAL);
    EXPECT(ringbuf_producer_commit(NULL, 1, 0), -EINVAL);
    EXPECT(ringbuf_producer_abort(NULL), -EINVAL);
    EXPECT(ringbuf_producer_flush(NULL, 0), -EINVAL);
    EXPECT(ringbuf_producer_wait_for_peer(NULL, 0), -EINVAL);
    EXPECT(ringbuf_producer_peer(NULL), -EINVAL);
    EXPECT(ringbuf_producer_fd(NULL), -EINVAL);
    EXPECT(ringbuf_producer_length_max(NULL, &length), -EINVAL);
    EXPECT(ringbuf_producer_metadata(NULL, NULL, 0, &length), -EINVAL);
    EXPECT(ringbuf_producer_stat(NULL, &stat), -EINVAL);

    EXPECT(ringbuf_consumer_create(NULL, &options, &consumer), -EINVAL);
    EXPECT(ringbuf_consumer_create(name, NULL, &consumer), -EINVAL);
    EXPECT(ringbuf_consumer_create(name, &options, NULL), -EINVAL);
    EXPECT(ringbuf_consumer_create_or_open(NULL, &options, &consumer), -EINVAL);
    EXPECT(ringbuf_consumer_create_or_open(name, NULL, &consumer), -EINVAL);
    EXPECT(ringbuf_consumer_create_or_open(name, &options, NULL), -EINVAL);
    EXPECT(ringbuf_consumer_create_unnamed(NULL, &consumer), -EINVAL);
    EXPECT(ringbuf_consumer_create_unnamed(&options, NULL), -EINVAL);
    EXPECT(ringbuf_consumer_open(NULL, NULL, &consumer), -EINVAL);
    EXPECT(ringbuf_consumer_open(name, NULL, NULL), -EINVAL);
    EXPECT(ringbuf_consumer_open_fd(0, NULL, NULL), -EINVAL);
    EXPECT(ringbuf_consumer_close(NULL), -EINVAL);
    EXPECT(ringbuf_consumer_read(NULL, 0, &message), -EINVAL);
    EXPECT(ringbuf_consumer_release(NULL), -EINVAL);
    EXPECT(ringbuf_consumer_wait_for_peer(NULL, 0), -EINVAL);
    EXPECT(ringbuf_consumer_peer(NULL), -EINVAL);
    EXPECT(ringbuf_consumer_fd(NULL), -EINVAL);
    EXPECT(ringbuf_consumer_length_max(NULL, &length), -EINVAL);
    EXPECT(ringbuf_consumer_metadata(NULL, NULL, 0, &length), -EINVAL);
    EXPECT(ringbuf_consumer_stat(NULL, &stat), -EINVAL);

    EXPECT(ringbuf_unlink(NULL), -EINVAL);
    EXPECT(ringbuf_stat(NULL, &stat), -EINVAL);
    EXPECT(ringbuf_stat(name, NULL), -EINVAL);
    EXPECT(ringbuf_stat(name, &stat), -ENOENT);
    EXPECT(producer == NULL && consumer == NULL, 1);
}

/* EXPECTED is what becomes of an unnamed ring with these options. */
static void try_options(const struct ringbuf_options *options, int expected, int line)
{
    struct ringbuf_producer *producer = NULL;

    expect(ringbuf_producer_create_unnamed(options, &producer), expected, "options", line);
    expect(producer != NULL, expected == 0, "a handle, if and only if it was made", line);
    if (producer != NULL)
        EXPECT(ringbuf_producer_close(producer), 0);
}

#define OPTIONS(change, expected)                         \
    do {                                                  \
        struct ringbuf_options options = byte_options();  \
        options.change;                                   \
        try_options(&options, (expected), __LINE__);      \
    } while (0)

static void options_that_make_no_sense_are_refused(void)
{
    static char long_name[RINGBUF_TYPE_NAME_MAX + 2];

    memset(long_name, 'a', RINGBUF_TYPE_NAME_MAX + 1);
    OPTIONS(capacity = 5, 0);
    OPTIONS(capacity = 0, 0);
    OPTIONS(capacity = UINT64_MAX, -EINVAL);
    OPTIONS(size = 0, -EINVAL);
    OPTIONS(size = 80, 0); /* as before there were rings of many */
    OPTIONS(size = 79, -EINVAL);
    OPTIONS(lanes = 1, -EINVAL);
    OPTIONS(producers_max = 1, -EINVAL);
    OPTIONS(subscribers_max = 1, -EINVAL);
    OPTIONS(views_max = 1, -EINVAL);
    OPTIONS(reader_patience_ns = 1, -EINVAL);
    OPTIONS(consumers_max = 1, -EINVAL);
    OPTIONS(redeliveries_max = 1, -EINVAL);
    OPTIONS(size = UINT32_MAX, -EINVAL);
    OPTIONS(shape = 0, -EINVAL);
    OPTIONS(shape = RINGBUF_RECORDS, -EINVAL); /* which have no slot size */
    OPTIONS(shape = RINGBUF_TYPED, -EINVAL);
    OPTIONS(slot_size = 0, -EINVAL);
    OPTIONS(slot_size = UINT64_MAX, -EINVAL);
    OPTIONS(record_alignment = 8, -EINVAL);
    OPTIONS(sleeper = RINGBUF_SLEEPER_SPIN, 0);
    OPTIONS(sleeper = 2, -EINVAL);
    OPTIONS(redelivery = 2, -EINVAL);
    OPTIONS(other_boot = 2, -EINVAL);
    OPTIONS(flags = RINGBUF_REOPEN | RINGBUF_PREFAULT, 0);
    OPTIONS(flags = 1u << 8, -EINVAL);
    OPTIONS(mode = 01000, -EINVAL);
    OPTIONS(group = 1, -EINVAL); /* without RINGBUF_GROUP */
    OPTIONS(owner = 1, -EINVAL); /* without RINGBUF_TRUST_OWNER */
    OPTIONS(metadata_length = 1, -EINVAL);
    OPTIONS(metadata = "x", 0);
    OPTIONS(type_name = "\xff", -EINVAL);
    OPTIONS(type_name = long_name, -EMSGSIZE);
}

static void metadata_may_be_as_long_as_it_says(void)
{
    static unsigned char metadata[RINGBUF_METADATA_MAX + 1];
    struct ringbuf_options options = byte_options();

    options.metadata = metadata;
    options.metadata_length = RINGBUF_METADATA_MAX;
    try_options(&options, 0, __LINE__);
    options.metadata_length++;
    try_options(&options, -EMSGSIZE, __LINE__);
}

/* Options and a stat of a later version of the header. */
static void longer_structures_are_taken_if_the_rest_is_zero(void)
{
    struct {
        struct ringbuf_options options;
        uint64_t later;
    } asked;
    struct {
        struct ringbuf_stat stat;
        uint64_t later;
    } told;
    struct ringbuf_producer *producer;

    asked.options = byte_options();
    asked.options.size = (uint32_t)sizeof(asked);
    asked.later = 1;
    try_options(&asked.options, -EINVAL, __LINE__);
    asked.later = 0;
    EXPECT(ringbuf_producer_create_unnamed(&asked.options, &producer), 0);

    told.stat.size = (uint32_t)sizeof(told);
    told.later = 1;
    EXPECT(ringbuf_producer_stat(producer, &told.stat), 0);
    EXPECT(told.stat.size, sizeof(told.stat));
    EXPECT(told.stat.capacity, 4);
    EXPECT(told.later, 0);
    told.stat.size--;
    EXPECT(ringbuf_producer_stat(producer, &told.stat), -EINVAL);
    EXPECT(ringbuf_producer_close(producer), 0);
}

static void names_that_name_nothing_are_refused(void)
{
    static char long_name[202];
    struct ringbuf_options options = byte_options();
    struct ringbuf_producer *producer;

    memset(long_name, 'a', sizeof(long_name) - 1);
    EXPECT(ringbuf_producer_create("", &options, &producer), -EINVAL);
    EXPECT(ringbuf_producer_create(".hidden", &options, &producer), -EINVAL);
    EXPECT(ringbuf_producer_create("-option", &options, &producer), -EINVAL);
    EXPECT(ringbuf_producer_create("a\nb", &options, &producer), -EINVAL);
    EXPECT(ringbuf_producer_create(long_name, &options, &producer), -EINVAL);
    EXPECT(ringbuf_producer_create("somewhere/", &options, &producer), -EINVAL);
    EXPECT(ringbuf_unlink(""), -EINVAL);
}

static void a_claim_has_one_beginning_and_one_end(void)
{
    struct ringbuf_options options = byte_options();
    struct ringbuf_producer *producer;
    void *data = NULL;
    void *other = NULL;

    EXPECT(ringbuf_producer_create_unnamed(&options, &producer), 0);
    EXPECT(ringbuf_producer_commit(producer, 0, 0), -EINVAL);
    EXPECT(ringbuf_producer_abort(producer), -EINVAL);
    EXPECT(ringbuf_producer_claim(producer, 1, 0, NULL), -EINVAL);
    EXPECT(ringbuf_producer_claim(producer, SLOT_SIZE + 1, 0, &data), -EMSGSIZE);
    EXPECT(data == NULL, 1);

    EXPECT(ringbuf_producer_claim(producer, 10, 0, &data), 0);
    EXPECT((uintptr_t)data % 64, 0);
    EXPECT(ringbuf_producer_claim(producer, 10, 0, &other), -EBUSY);
    EXPECT(other == NULL, 1);
    EXPECT(ringbuf_producer_peer(producer), -EBUSY);
    EXPECT(ringbuf_producer_wait_for_peer(producer, 0), -EBUSY);
    EXPECT(ringbuf_producer_flush(producer, 0), -EBUSY);
    EXPECT(ringbuf_producer_commit(producer, 11, 0), -EMSGSIZE);
    EXPECT(ringbuf_producer_abort(producer), 0);
    EXPECT(ringbuf_producer_abort(producer), -EINVAL);

    EXPECT(ringbuf_producer_claim(producer, 10, 0, &other), 0);
    EXPECT(other == data, 1);
    EXPECT(ringbuf_producer_commit(producer, 10, 0), 0);
    EXPECT(ringbuf_producer_commit(producer, 10, 0), -EINVAL);

    EXPECT(ringbuf_producer_claim(producer, SLOT_SIZE, 0, &other), 0);
    EXPECT(other != data, 1);
    EXPECT(ringbuf_producer_close(producer), 0); /* which aborts it */
}

static void a_message_has_one_beginning_and_one_end(void)
{
    struct ringbuf_options options = byte_options();
    struct ringbuf_producer *producer;
    struct ringbuf_consumer *consumer;
    struct ringbuf_message message;
    struct ringbuf_stat stat = RINGBUF_STAT_INIT;
    void *data;

    EXPECT(ringbuf_producer_create_unnamed(&options, &producer), 0);
    EXPECT(ringbuf_consumer_open_fd(ringbuf_producer_fd(producer), NULL, &consumer), 0);
    EXPECT(ringbuf_producer_claim(producer, 1, 0, &data), 0);
    EXPECT(ringbuf_producer_commit(producer, 0, 7), 0);

    EXPECT(ringbuf_consumer_release(consumer), -EINVAL);
    EXPECT(ringbuf_consumer_read(consumer, 0, NULL), -EINVAL);
    EXPECT(ringbuf_consumer_read(consumer, 0, &message), 0);
    EXPECT(message.length, 0);
    EXPECT(message.tag, 7);
    EXPECT(message.flags, 0);
    EXPECT(message.reserved, 0);
    EXPECT(ringbuf_consumer_read(consumer, 0, &message), -EBUSY);
    EXPECT(ringbuf_consumer_peer(consumer), -EBUSY);
    EXPECT(ringbuf_consumer_wait_for_peer(consumer, 0), -EBUSY);
    EXPECT(ringbuf_consumer_stat(consumer, &stat), 0);
    EXPECT(stat.taken, 1);
    EXPECT(ringbuf_consumer_close(consumer), 0); /* which releases it */
    EXPECT(ringbuf_producer_stat(producer, &stat), 0);
    EXPECT(stat.released, 1);
    EXPECT(stat.taken, 0);
    EXPECT(ringbuf_producer_close(producer), 0);
}

static void a_record_has_no_tag(void)
{
    struct ringbuf_options options = RINGBUF_OPTIONS_INIT;
    struct ringbuf_producer *producer;
    struct ringbuf_consumer *consumer;
    struct ringbuf_message message;
    size_t length;
    void *data;

    options.shape = RINGBUF_RECORDS;
    options.capacity = 1000;
    options.record_alignment = 64;
    EXPECT(ringbuf_producer_create_unnamed(&options, &producer), 0);
    EXPECT(ringbuf_consumer_open_fd(ringbuf_producer_fd(producer), NULL, &consumer), 0);
    EXPECT(ringbuf_producer_length_max(producer, &length), 0);
    EXPECT(length, 1024 / 2 - 64);
    EXPECT(ringbuf_producer_claim(producer, length + 1, 0, &data), -EMSGSIZE);
    EXPECT(ringbuf_producer_claim(producer, length, 0, &data), 0);
    EXPECT((uintptr_t)data % 64, 0);
    EXPECT(ringbuf_producer_commit(producer, 3, 1), -EINVAL);
    EXPECT(ringbuf_producer_commit(producer, length + 1, 0), -EMSGSIZE);
    EXPECT(ringbuf_producer_commit(producer, 3, 0), 0);
    EXPECT(ringbuf_consumer_read(consumer, 0, &message), 0);
    EXPECT(message.length, 3);
    EXPECT(message.data == data, 0); /* each side maps the ring for itself */
    EXPECT(message.tag, 0);
    EXPECT(message.time_ns, 0);
    EXPECT(ringbuf_consumer_close(consumer), 0);
    EXPECT(ringbuf_producer_close(producer), 0);
}

int main(int argc, char **argv)
{
    char name[4096];

    EXPECT(argc, 2);
    snprintf(name, sizeof(name), "%s/misuse", argv[1]);
    null_is_refused_everywhere(name);
    options_that_make_no_sense_are_refused();
    metadata_may_be_as_long_as_it_says();
    longer_structures_are_taken_if_the_rest_is_zero();
    names_that_name_nothing_are_refused();
    a_claim_has_one_beginning_and_one_end();
    a_message_has_one_beginning_and_one_end();
    a_record_has_no_tag();
    return 0;
}
