/*
 * producer NAME bytes|records COUNT: writes COUNT messages to the ring NAME and
 * prints their checksum.  Makes the ring if the consumer has not yet.
 */
#include "message.h"
#include "ring_options.h"
#include "ringbuf.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static int produce(struct ringbuf_producer *producer, uint64_t count, int has_tags)
{
    uint64_t checksum = CHECKSUM_START;
    uint64_t number;

    for (number = 0; number < count; number++) {
        size_t length = message_length(number);
        void *data;
        int error;

        error = ringbuf_producer_claim(producer, length, HANG_NS, &data);
        if (error != 0)
            return error;
        message_write(data, number);
        checksum = checksum_add(checksum, data, length);
        error = ringbuf_producer_commit(producer, length, has_tags ? number : 0);
        if (error != 0)
            return error;
    }
    printf("%" PRIu64 " messages, checksum %016" PRIx64 "\n", count, checksum);
    return 0;
}

int main(int argc, char **argv)
{
    struct ringbuf_producer *producer;
    struct ringbuf_options options;
    int error;

    if (argc != 4) {
        fprintf(stderr, "usage: producer NAME bytes|records COUNT\n");
        return 2;
    }
    options = ring_options(argv[2]);
    error = ringbuf_producer_create_or_open(argv[1], &options, &producer);
    if (error == 0) {
        error = produce(producer, strtoull(argv[3], NULL, 10), options.shape == RINGBUF_BYTES);
        ringbuf_producer_close(producer);
    }
    if (error != 0) {
        fprintf(stderr, "producer: %s\n", ringbuf_strerror(error));
        return 1;
    }
    return 0;
}
