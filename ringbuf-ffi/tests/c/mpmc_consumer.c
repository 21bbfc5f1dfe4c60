/*
 * mpmc_consumer NAME [LANE]: reads messages of the ring of many NAME, of LANE only if
 * given, until nobody is left to write any, checks each, and prints how many and the
 * sum of their checksums.  Has several messages open when there are, and releases the
 * first of them last.  Makes the ring if nobody has.
 */
#include "mpmc_options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MESSAGES_MAX 4

static int is_right(const struct ringbuf_mpmc_message *message)
{
    unsigned char expected[MESSAGE_LENGTH_MAX];
    uint64_t number;

    if (message->length < sizeof(number))
        return 0;
    memcpy(&number, message->data, sizeof(number));
    message_write(expected, number);
    return message->length == message_length(number) &&
           memcmp(message->data, expected, message->length) == 0 && message->time_ns != 0 &&
           message->lane == number % LANES && (message->redelivered != 0) == message->flags;
}

static int consume(struct ringbuf_mpmc_consumer *consumer)
{
    struct ringbuf_mpmc_message messages[MESSAGES_MAX];
    uint64_t count = 0;
    uint64_t sum = 0;
    uint64_t redelivered = 0;

    for (;;) {
        int open = 0;
        int error;

        /* Who waits with a message open may wait for itself. */
        do {
            error = ringbuf_mpmc_consumer_read(consumer, open == 0 ? HANG_NS : 0,
                                               &messages[open]);
            if (error == 0) {
                if (!is_right(&messages[open])) {
                    fprintf(stderr, "mpmc_consumer: a message is not as it was sent\n");
                    return -EILSEQ;
                }
                sum += checksum_add(CHECKSUM_START, messages[open].data, messages[open].length);
                redelivered += messages[open].flags & RINGBUF_REDELIVERED;
                count++;
                open++;
            }
        } while (error == 0 && open < MESSAGES_MAX);
        if (error == -EPIPE && open == 0)
            break;
        if (error != 0 && error != -EAGAIN && error != -EPIPE)
            return error;
        while (open > 0) {
            open--;
            error = ringbuf_mpmc_message_release(&messages[open]);
            if (error != 0)
                return error;
        }
    }
    printf("%" PRIu64 " messages, sum %016" PRIx64 "\n", count, sum);
    if (redelivered != 0)
        printf("%" PRIu64 " redelivered\n", redelivered);
    return 0;
}

int main(int argc, char **argv)
{
    struct ringbuf_mpmc_consumer *consumer;
    struct ringbuf_options options = mpmc_options();
    int error;

    if (argc != 2 && argc != 3) {
        fprintf(stderr, "usage: mpmc_consumer NAME [LANE]\n");
        return 2;
    }
    error = ringbuf_mpmc_consumer_create_or_open(argv[1], &options, &consumer);
    if (error == 0 && argc == 3)
        error = ringbuf_mpmc_consumer_set_lanes(consumer, RINGBUF_LANES_ONLY,
                                                (uint32_t)strtoul(argv[2], NULL, 10));
    if (error == 0) {
        error = consume(consumer);
        ringbuf_mpmc_consumer_close(consumer);
    }
    if (error != 0) {
        fprintf(stderr, "mpmc_consumer: %s\n", ringbuf_strerror(error));
        return 1;
    }
    return 0;
}
