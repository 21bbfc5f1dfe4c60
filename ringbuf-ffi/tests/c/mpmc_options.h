/* The options on which mpmc_producer.c, mpmc_consumer.c and exchange_of_many.rs agree. */
#ifndef MPMC_OPTIONS_H
#define MPMC_OPTIONS_H

#include "message.h"
#include "ringbuf.h"

#define LANES 3

static inline struct ringbuf_options mpmc_options(void)
{
    struct ringbuf_options options = RINGBUF_OPTIONS_INIT;

    options.shape = RINGBUF_BYTES;
    options.capacity = 64;
    options.slot_size = MESSAGE_LENGTH_MAX;
    options.lanes = LANES;
    options.producers_max = 5;
    options.consumers_max = 6;
    options.redeliveries_max = 100;
    options.type_name = RING_TYPE_NAME;
    return options;
}

#endif
