/*
 * mpmc_holder NAME: reads two messages of the ring of many NAME, says so, and keeps
 * them until it is killed.
 */
#include "mpmc_options.h"

#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct ringbuf_mpmc_consumer *consumer;
    struct ringbuf_mpmc_message messages[2];
    int error;

    if (argc != 2) {
        fprintf(stderr, "usage: mpmc_holder NAME\n");
        return 2;
    }
    error = ringbuf_mpmc_consumer_open(argv[1], NULL, &consumer);
    if (error == 0)
        error = ringbuf_mpmc_consumer_read(consumer, HANG_NS, &messages[0]);
    if (error == 0)
        error = ringbuf_mpmc_consumer_read(consumer, HANG_NS, &messages[1]);
    if (error != 0) {
        fprintf(stderr, "mpmc_holder: %s\n", ringbuf_strerror(error));
        return 1;
    }
    printf("holding\n");
    fflush(stdout);
    for (;;)
        pause();
}
