/*
 * consumer NAME bytes|records: reads messages from the ring NAME until the
 * producer closes it, checks each, and prints their checksum.  Makes the ring if
 * the producer has not yet.
 */
#include "message.h"
#include "ring_options.h"
#include "ringbuf.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* Whether MESSAGE is the one of this number. */
static int is_right(const struct ringbuf_message *message, uint64_t number, int has_tags)
{
    unsigned char expected[MESSAGE_LENGTH_MAX];

    message_write(expected, number);
    return message->length == message_length(number) &&
           memcmp(message->data, expected, message->length) == 0 &&
           message->tag == (has_tags ? number : 0) && (message->time_ns != 0) == has_tags;
}

static int consume(struct ringbuf_consumer *consumer, int has_tags)
{
    uint64_t checksum = CHECKSUM_START;
    uint64_t redelivered = 0;
    uint64_t number = 0;
    int error;

    for (;;) {
        struct ringbuf_message message;

        error = ringbuf_consumer_read(consumer, HANG_NS, &message);
        if (error != 0)
            break;
        if (!is_right(&message, number, has_tags)) {
            fprintf(stderr, "consumer: message %" PRIu64 " is not as it was sent\n", number);
            return -EILSEQ;
        }
        checksum = checksum_add(checksum, message.data, message.length);
        redelivered += message.flags & RINGBUF_REDELIVERED;
        number++;
        error = ringbuf_consumer_release(consumer);
        if (error != 0)
            break;
    }
    if (error != -EPIPE)
        return error;
    printf("%" PRIu64 " messages, checksum %016" PRIx64 "\n", number, checksum);
    if (redelivered != 0)
        printf("%" PRIu64 " redelivered\n", redelivered);
    return 0;
}

int main(int argc, char **argv)
{
    struct ringbuf_consumer *consumer;
    struct ringbuf_options options;
    int error;

    if (argc != 3) {
        fprintf(stderr, "usage: consumer NAME bytes|records\n");
        return 2;
    }
    options = ring_options(argv[2]);
    error = ringbuf_consumer_create_or_open(argv[1], &options, &consumer);
    if (error == 0) {
        error = consume(consumer, options.shape == RINGBUF_BYTES);
        ringbuf_consumer_close(consumer);
    }
    if (error != 0) {
        fprintf(stderr, "consumer: %s\n", ringbuf_strerror(error));
        return 1;
    }
    return 0;
}
