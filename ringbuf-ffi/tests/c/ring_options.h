/* The options on which producer.c and consumer.c agree. */
#ifndef RING_OPTIONS_H
#define RING_OPTIONS_H

#include "message.h"
#include "ringbuf.h"

static inline struct ringbuf_options ring_options(const char *shape)
{
    struct ringbuf_options options = RINGBUF_OPTIONS_INIT;

    if (strcmp(shape, "records") == 0) {
        options.shape = RINGBUF_RECORDS;
        options.capacity = RING_CAPACITY_BYTES;
    } else {
        options.shape = RINGBUF_BYTES;
        options.capacity = RING_CAPACITY_SLOTS;
        options.slot_size = MESSAGE_LENGTH_MAX;
    }
    options.type_name = RING_TYPE_NAME;
    return options;
}

#endif
