/*
 * holder NAME: opens the ring NAME as a consumer, whatever its shape, reads one
 * message, says so, and keeps it until it is killed.
 */
#include "message.h"
#include "ringbuf.h"

#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct ringbuf_consumer *consumer;
    struct ringbuf_message message;
    int error;

    if (argc != 2) {
        fprintf(stderr, "usage: holder NAME\n");
        return 2;
    }
    error = ringbuf_consumer_open(argv[1], NULL, &consumer);
    if (error == 0)
        error = ringbuf_consumer_read(consumer, HANG_NS, &message);
    if (error != 0) {
        fprintf(stderr, "holder: %s\n", ringbuf_strerror(error));
        return 1;
    }
    printf("holding\n");
    fflush(stdout);
    for (;;)
        pause();
}
