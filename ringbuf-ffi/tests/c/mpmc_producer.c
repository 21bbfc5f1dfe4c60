/*
 * mpmc_producer NAME FIRST COUNT: writes the messages FIRST to FIRST + COUNT - 1 to
 * the ring of many NAME, number N to lane N % LANES, and prints the sum of their
 * checksums.  Has several claims open when there is room, and commits the last of
 * them first.  Makes the ring if nobody has.
 */
#include "mpmc_options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define CLAIMS_MAX 3

static int claim(struct ringbuf_mpmc_producer *producer, uint64_t number, int64_t timeout_ns,
                 struct ringbuf_mpmc_claim *claim)
{
    int error = ringbuf_mpmc_producer_set_lane(producer, (uint32_t)(number % LANES));

    if (error != 0)
        return error;
    return ringbuf_mpmc_producer_claim(producer, message_length(number), timeout_ns, claim);
}

static int produce(struct ringbuf_mpmc_producer *producer, uint64_t first, uint64_t count)
{
    struct ringbuf_mpmc_claim claims[CLAIMS_MAX];
    uint64_t sum = 0;
    uint64_t next = first;

    while (next < first + count) {
        int open = 0;
        int error;

        /* Who waits with a claim open may wait for itself. */
        do {
            error = claim(producer, next + open, open == 0 ? HANG_NS : 0, &claims[open]);
            if (error == 0) {
                message_write(claims[open].data, next + open);
                sum += checksum_add(CHECKSUM_START, claims[open].data, claims[open].length);
                open++;
            }
        } while (error == 0 && open < CLAIMS_MAX && next + open < first + count);
        if (error != 0 && error != -EAGAIN)
            return error;
        next += open;
        while (open > 0) {
            open--;
            error = ringbuf_mpmc_claim_commit(&claims[open], claims[open].length, sum);
            if (error != 0)
                return error;
        }
    }
    printf("%" PRIu64 " messages, sum %016" PRIx64 "\n", count, sum);
    return 0;
}

int main(int argc, char **argv)
{
    struct ringbuf_mpmc_producer *producer;
    struct ringbuf_options options = mpmc_options();
    int error;

    if (argc != 4) {
        fprintf(stderr, "usage: mpmc_producer NAME FIRST COUNT\n");
        return 2;
    }
    error = ringbuf_mpmc_producer_create_or_open(argv[1], &options, &producer);
    if (error == 0) {
        error = produce(producer, strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
        ringbuf_mpmc_producer_close(producer);
    }
    if (error != 0) {
        fprintf(stderr, "mpmc_producer: %s\n", ringbuf_strerror(error));
        return 1;
    }
    return 0;
}
