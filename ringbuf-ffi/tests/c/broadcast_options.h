/*
 * The options on which broadcast_publisher.c, broadcast_subscriber.c and
 * exchange_by_broadcast.rs agree.
 */
#ifndef BROADCAST_OPTIONS_H
#define BROADCAST_OPTIONS_H

#include "message.h"
#include "ringbuf.h"

/* After so many messages comes one that is broken off. */
#define BROKEN_EVERY 50

static inline struct ringbuf_options broadcast_options(void)
{
    struct ringbuf_options options = RINGBUF_OPTIONS_INIT;

    options.shape = RINGBUF_BYTES;
    options.capacity = 16;
    options.slot_size = MESSAGE_LENGTH_MAX;
    options.subscribers_max = 5;
    options.views_max = 12;
    options.type_name = RING_TYPE_NAME;
    return options;
}

#endif
