/*
 * readme: the function of the README, word for word, on a ring that is closed when
 * two frames are in it.  readme RING
 */
#include <ringbuf.h>
#include <stddef.h>

int view(const char *name)
{
    struct ringbuf_consumer *viewer = NULL;
    struct ringbuf_message frame;
    int error = ringbuf_consumer_open(name, NULL, &viewer);

    while (error == 0 && (error = ringbuf_consumer_read(viewer, -1, &frame)) == 0) {
        /* frame.data, frame.length: in place until released */
        error = ringbuf_consumer_release(viewer);
    }
    if (viewer != NULL)
        ringbuf_consumer_close(viewer);
    return error; /* -EPIPE: the producer closed, and everything was read */
}

#include "expect.h"

#include <errno.h>

int main(int argc, char **argv)
{
    struct ringbuf_options options = RINGBUF_OPTIONS_INIT;
    struct ringbuf_producer *camera;
    void *data;
    int frame;

    EXPECT(argc, 2);
    EXPECT(view(argv[1]), -ENOENT);
    options.shape = RINGBUF_BYTES;
    options.slot_size = 100;
    EXPECT(ringbuf_producer_create(argv[1], &options, &camera), 0);
    for (frame = 0; frame < 2; frame++) {
        EXPECT(ringbuf_producer_claim(camera, 100, 0, &data), 0);
        EXPECT(ringbuf_producer_commit(camera, 100, 0), 0);
    }
    EXPECT(ringbuf_producer_close(camera), 0);
    EXPECT(view(argv[1]), -EPIPE);
    EXPECT(ringbuf_unlink(argv[1]), 0);
    return 0;
}
