/*
 * broadcast_publisher NAME COUNT: publishes the messages 0 to COUNT - 1 on the broadcast
 * ring NAME, in turn copied in, written in place, and piece by piece, and breaks one off
 * after every BROKEN_EVERY of them.  Prints the sum of their checksums.  Makes the ring if
 * nobody has.
 */
#include "broadcast_options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PIECE 7

static int copy_in(struct ringbuf_broadcast_publisher *publisher, uint64_t number)
{
    unsigned char bytes[MESSAGE_LENGTH_MAX];

    message_write(bytes, number);
    return ringbuf_broadcast_publisher_push(publisher, bytes, message_length(number), number,
                                            HANG_NS);
}

static int write_in_place(struct ringbuf_broadcast_publisher *publisher, uint64_t number)
{
    void *data;
    int error = ringbuf_broadcast_publisher_claim(publisher, message_length(number), HANG_NS,
                                                  &data);

    if (error != 0)
        return error;
    message_write(data, number);
    return ringbuf_broadcast_publisher_commit(publisher, message_length(number), number);
}

/* Leaves the message begun, with the first MOST bytes of it shown. */
static int show(struct ringbuf_broadcast_publisher *publisher, uint64_t number, size_t most)
{
    unsigned char bytes[MESSAGE_LENGTH_MAX];
    size_t length = message_length(number);
    size_t shown = 0;
    size_t left;
    void *rest;
    int error = ringbuf_broadcast_publisher_claim(publisher, length, HANG_NS, &rest);

    message_write(bytes, number);
    if (error == 0)
        error = ringbuf_broadcast_publisher_begin(publisher, number);
    if (error == 0)
        error = ringbuf_broadcast_publisher_rest(publisher, &rest, &left);
    while (error == 0 && shown < most && left > 0) {
        size_t piece = left < PIECE ? left : PIECE;

        if (left != length - shown)
            return -EILSEQ;
        memcpy(rest, bytes + shown, piece);
        error = ringbuf_broadcast_publisher_advance(publisher, piece);
        shown += piece;
        if (error == 0)
            error = ringbuf_broadcast_publisher_rest(publisher, &rest, &left);
    }
    return error;
}

static int publish_one(struct ringbuf_broadcast_publisher *publisher, uint64_t number)
{
    int error;

    switch (number % 3) {
    case 0:
        return copy_in(publisher, number);
    case 1:
        return write_in_place(publisher, number);
    default:
        error = show(publisher, number, MESSAGE_LENGTH_MAX);
        return error != 0 ? error : ringbuf_broadcast_publisher_commit_begun(publisher);
    }
}

static int publish(struct ringbuf_broadcast_publisher *publisher, uint64_t count)
{
    uint64_t sum = 0;
    uint64_t number;
    int error = 0;

    for (number = 0; error == 0 && number < count; number++) {
        unsigned char bytes[MESSAGE_LENGTH_MAX];

        message_write(bytes, number);
        sum += checksum_add(CHECKSUM_START, bytes, message_length(number));
        error = publish_one(publisher, number);
        if (error == 0 && number % BROKEN_EVERY == BROKEN_EVERY - 1) {
            error = show(publisher, number, PIECE);
            if (error == 0)
                error = ringbuf_broadcast_publisher_abort(publisher);
        }
    }
    if (error == 0)
        printf("%" PRIu64 " messages, sum %016" PRIx64 "\n", count, sum);
    return error;
}

int main(int argc, char **argv)
{
    struct ringbuf_broadcast_publisher *publisher;
    struct ringbuf_options options = broadcast_options();
    int error;

    if (argc != 3) {
        fprintf(stderr, "usage: broadcast_publisher NAME COUNT\n");
        return 2;
    }
    error = ringbuf_broadcast_publisher_create_or_open(argv[1], &options, &publisher);
    if (error == 0) {
        error = publish(publisher, strtoull(argv[2], NULL, 10));
        ringbuf_broadcast_publisher_close(publisher);
    }
    if (error != 0) {
        fprintf(stderr, "broadcast_publisher: %s\n", ringbuf_strerror(error));
        return 1;
    }
    return 0;
}
