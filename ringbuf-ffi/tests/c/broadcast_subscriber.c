/*
 * broadcast_subscriber NAME DELIVERY [parts|hold]: joins the broadcast ring NAME, says so,
 * and reads until the publisher has closed it.  Checks each message, and prints how many
 * and the sum of their checksums, and how many were lost and broken off.  Keeps the one
 * before while it reads the next.  With `parts` follows them as they come; with `hold`
 * keeps the first until it is killed.  Makes the ring if nobody has.
 */
#include "broadcast_options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct count {
    uint64_t messages;
    uint64_t sum;
    uint64_t broken;
};

/* Counts a message if it is as it was sent, and later than all before. */
static int count(struct count *counted, const void *data, size_t length, uint64_t tag)
{
    static uint64_t next;
    unsigned char expected[MESSAGE_LENGTH_MAX];

    message_write(expected, tag);
    if (tag < next || length != message_length(tag) || memcmp(data, expected, length) != 0)
        return -EILSEQ;
    next = tag + 1;
    counted->messages++;
    counted->sum += checksum_add(CHECKSUM_START, data, length);
    return 0;
}

static int read_messages(struct ringbuf_broadcast_subscriber *subscriber, struct count *counted)
{
    struct ringbuf_broadcast_message messages[2];
    int now = 0;
    int held = 0;
    int error;

    for (;;) {
        error = ringbuf_broadcast_subscriber_read(subscriber, HANG_NS, &messages[now]);
        if (error != 0)
            break;
        if (held) {
            /* The one before is as it was, whatever was published meanwhile. */
            error = count(counted, messages[!now].data, messages[!now].length,
                          messages[!now].tag);
            if (error == 0)
                error = ringbuf_broadcast_message_release(&messages[!now]);
            if (error != 0)
                return error;
        }
        held = 1;
        now = !now;
    }
    if (error == -EPIPE && held) {
        error = count(counted, messages[!now].data, messages[!now].length, messages[!now].tag);
        ringbuf_broadcast_message_release(&messages[!now]);
        return error != 0 ? error : -EPIPE;
    }
    return error;
}

static int read_parts(struct ringbuf_broadcast_subscriber *subscriber, struct count *counted)
{
    struct ringbuf_broadcast_part part;
    int error;

    for (;;) {
        size_t before;

        error = ringbuf_broadcast_subscriber_read_part(subscriber, HANG_NS, &part);
        if (error != 0)
            return error;
        while (error == 0 && part.state == RINGBUF_PART_OPEN) {
            before = part.available;
            error = ringbuf_broadcast_part_wait_for(&part, before + 1, HANG_NS);
            if (error == 0 && part.state == RINGBUF_PART_OPEN && part.available <= before)
                return -EILSEQ;
        }
        if (error == -ECONNABORTED) {
            error = ringbuf_broadcast_part_look(&part);
            if (error == 0 && part.state != RINGBUF_PART_BROKEN)
                return -EILSEQ;
        }
        if (error != 0)
            return error;
        if (part.state == RINGBUF_PART_BROKEN)
            counted->broken++;
        else if (count(counted, part.data, part.available, part.tag) != 0)
            return -EILSEQ;
        error = ringbuf_broadcast_part_release(&part);
        if (error != 0)
            return error;
    }
}

static void hold(struct ringbuf_broadcast_subscriber *subscriber)
{
    struct ringbuf_broadcast_message message;

    if (ringbuf_broadcast_subscriber_read(subscriber, HANG_NS, &message) != 0)
        return;
    printf("holding\n");
    fflush(stdout);
    for (;;)
        pause();
}

int main(int argc, char **argv)
{
    struct ringbuf_broadcast_subscriber *subscriber;
    struct ringbuf_broadcast_join join = RINGBUF_BROADCAST_JOIN_INIT;
    struct ringbuf_options options = broadcast_options();
    struct count counted = { 0, 0, 0 };
    uint64_t lost, broken;
    int error;

    if (argc != 3 && argc != 4) {
        fprintf(stderr, "usage: broadcast_subscriber NAME DELIVERY [parts|hold]\n");
        return 2;
    }
    join.delivery = (uint32_t)strtoul(argv[2], NULL, 10);
    join.start = RINGBUF_START_OLDEST;
    error = ringbuf_broadcast_subscriber_create_or_open(argv[1], &options, &join, &subscriber);
    if (error == 0) {
        printf("joined\n");
        fflush(stdout);
        if (argc == 4 && strcmp(argv[3], "hold") == 0)
            hold(subscriber);
        error = argc == 4 ? read_parts(subscriber, &counted)
                          : read_messages(subscriber, &counted);
        ringbuf_broadcast_subscriber_lost(subscriber, &lost);
        ringbuf_broadcast_subscriber_broken(subscriber, &broken);
        ringbuf_broadcast_subscriber_close(subscriber);
    }
    if (error != -EPIPE) {
        fprintf(stderr, "broadcast_subscriber: %s\n", ringbuf_strerror(error));
        return 1;
    }
    printf("%" PRIu64 " messages, sum %016" PRIx64 "\n", counted.messages, counted.sum);
    printf("%" PRIu64 " lost, %" PRIu64 " broken off\n", lost, broken + counted.broken);
    return 0;
}
