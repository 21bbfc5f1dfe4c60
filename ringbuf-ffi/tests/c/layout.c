/* layout: prints the numbers of the ABI as this compiler sees them. */
#include "ringbuf.h"

#include <stdio.h>

#define SIZE(type) printf("sizeof %s %zu\n", #type, sizeof(struct type))
#define OFFSET(type, member) printf("%s.%s %zu\n", #type, #member, offsetof(struct type, member))
#define VALUE(name) printf("%s %llu\n", #name, (unsigned long long)(name))

static void structures(void)
{
    SIZE(ringbuf_options);
    OFFSET(ringbuf_options, size);
    OFFSET(ringbuf_options, shape);
    OFFSET(ringbuf_options, capacity);
    OFFSET(ringbuf_options, slot_size);
    OFFSET(ringbuf_options, record_alignment);
    OFFSET(ringbuf_options, sleeper);
    OFFSET(ringbuf_options, redelivery);
    OFFSET(ringbuf_options, other_boot);
    OFFSET(ringbuf_options, flags);
    OFFSET(ringbuf_options, mode);
    OFFSET(ringbuf_options, group);
    OFFSET(ringbuf_options, owner);
    OFFSET(ringbuf_options, metadata);
    OFFSET(ringbuf_options, metadata_length);
    OFFSET(ringbuf_options, type_name);
    OFFSET(ringbuf_options, lanes);
    OFFSET(ringbuf_options, producers_max);
    OFFSET(ringbuf_options, consumers_max);
    OFFSET(ringbuf_options, redeliveries_max);
    OFFSET(ringbuf_options, subscribers_max);
    OFFSET(ringbuf_options, views_max);
    OFFSET(ringbuf_options, reader_patience_ns);

    SIZE(ringbuf_message);
    OFFSET(ringbuf_message, data);
    OFFSET(ringbuf_message, length);
    OFFSET(ringbuf_message, tag);
    OFFSET(ringbuf_message, time_ns);
    OFFSET(ringbuf_message, flags);
    OFFSET(ringbuf_message, reserved);

    SIZE(ringbuf_peer_stat);
    OFFSET(ringbuf_peer_stat, presence);
    OFFSET(ringbuf_peer_stat, incarnation);
    OFFSET(ringbuf_peer_stat, pid);
    OFFSET(ringbuf_peer_stat, unfenced);
    OFFSET(ringbuf_peer_stat, since_ns);
    OFFSET(ringbuf_peer_stat, sleeps);
    OFFSET(ringbuf_peer_stat, wakes);
    OFFSET(ringbuf_peer_stat, probes);

    SIZE(ringbuf_stat);
    OFFSET(ringbuf_stat, size);
    OFFSET(ringbuf_stat, shape);
    OFFSET(ringbuf_stat, capacity);
    OFFSET(ringbuf_stat, used);
    OFFSET(ringbuf_stat, taken);
    OFFSET(ringbuf_stat, committed);
    OFFSET(ringbuf_stat, released);
    OFFSET(ringbuf_stat, dropped);
    OFFSET(ringbuf_stat, redelivered);
    OFFSET(ringbuf_stat, length_max);
    OFFSET(ringbuf_stat, memory);
    OFFSET(ringbuf_stat, created_ns);
    OFFSET(ringbuf_stat, granted);
    OFFSET(ringbuf_stat, reserved);
    OFFSET(ringbuf_stat, producer);
    OFFSET(ringbuf_stat, consumer);
    OFFSET(ringbuf_stat, id);

    SIZE(ringbuf_mpmc_claim);
    OFFSET(ringbuf_mpmc_claim, data);
    OFFSET(ringbuf_mpmc_claim, length);
    OFFSET(ringbuf_mpmc_claim, token);

    SIZE(ringbuf_mpmc_message);
    OFFSET(ringbuf_mpmc_message, data);
    OFFSET(ringbuf_mpmc_message, length);
    OFFSET(ringbuf_mpmc_message, tag);
    OFFSET(ringbuf_mpmc_message, time_ns);
    OFFSET(ringbuf_mpmc_message, flags);
    OFFSET(ringbuf_mpmc_message, redelivered);
    OFFSET(ringbuf_mpmc_message, lane);
    OFFSET(ringbuf_mpmc_message, reserved);
    OFFSET(ringbuf_mpmc_message, token);

    SIZE(ringbuf_mpmc_stat);
    OFFSET(ringbuf_mpmc_stat, size);
    OFFSET(ringbuf_mpmc_stat, lanes);
    OFFSET(ringbuf_mpmc_stat, capacity);
    OFFSET(ringbuf_mpmc_stat, writing);
    OFFSET(ringbuf_mpmc_stat, ready);
    OFFSET(ringbuf_mpmc_stat, reading);
    OFFSET(ringbuf_mpmc_stat, orphans);
    OFFSET(ringbuf_mpmc_stat, dropped);
    OFFSET(ringbuf_mpmc_stat, redelivered);
    OFFSET(ringbuf_mpmc_stat, length_max);
    OFFSET(ringbuf_mpmc_stat, memory);
    OFFSET(ringbuf_mpmc_stat, created_ns);
    OFFSET(ringbuf_mpmc_stat, producers);
    OFFSET(ringbuf_mpmc_stat, consumers);
    OFFSET(ringbuf_mpmc_stat, granted);
    OFFSET(ringbuf_mpmc_stat, reserved);
    OFFSET(ringbuf_mpmc_stat, id);

    SIZE(ringbuf_mpmc_lane_stat);
    OFFSET(ringbuf_mpmc_lane_stat, size);
    OFFSET(ringbuf_mpmc_lane_stat, lane);
    OFFSET(ringbuf_mpmc_lane_stat, claimed);
    OFFSET(ringbuf_mpmc_lane_stat, read);
    OFFSET(ringbuf_mpmc_lane_stat, used);
    OFFSET(ringbuf_mpmc_lane_stat, high_water);
    OFFSET(ringbuf_mpmc_lane_stat, free);
    OFFSET(ringbuf_mpmc_lane_stat, writing);
    OFFSET(ringbuf_mpmc_lane_stat, ready);
    OFFSET(ringbuf_mpmc_lane_stat, reading);
    OFFSET(ringbuf_mpmc_lane_stat, orphans);

    SIZE(ringbuf_mpmc_peer_stat);
    OFFSET(ringbuf_mpmc_peer_stat, size);
    OFFSET(ringbuf_mpmc_peer_stat, side);
    OFFSET(ringbuf_mpmc_peer_stat, row);
    OFFSET(ringbuf_mpmc_peer_stat, presence);
    OFFSET(ringbuf_mpmc_peer_stat, incarnation);
    OFFSET(ringbuf_mpmc_peer_stat, pid);
    OFFSET(ringbuf_mpmc_peer_stat, since_ns);
    OFFSET(ringbuf_mpmc_peer_stat, sleeps);
    OFFSET(ringbuf_mpmc_peer_stat, wakes);
    OFFSET(ringbuf_mpmc_peer_stat, probes);
    OFFSET(ringbuf_mpmc_peer_stat, holds);
    OFFSET(ringbuf_mpmc_peer_stat, lanes);
    OFFSET(ringbuf_mpmc_peer_stat, held_ns);
    OFFSET(ringbuf_mpmc_peer_stat, left);
    OFFSET(ringbuf_mpmc_peer_stat, unfenced);
    OFFSET(ringbuf_mpmc_peer_stat, reserved);

    SIZE(ringbuf_broadcast_join);
    OFFSET(ringbuf_broadcast_join, size);
    OFFSET(ringbuf_broadcast_join, delivery);
    OFFSET(ringbuf_broadcast_join, start);
    OFFSET(ringbuf_broadcast_join, views);
    OFFSET(ringbuf_broadcast_join, position);

    SIZE(ringbuf_broadcast_message);
    OFFSET(ringbuf_broadcast_message, data);
    OFFSET(ringbuf_broadcast_message, length);
    OFFSET(ringbuf_broadcast_message, position);
    OFFSET(ringbuf_broadcast_message, tag);
    OFFSET(ringbuf_broadcast_message, time_ns);
    OFFSET(ringbuf_broadcast_message, flags);
    OFFSET(ringbuf_broadcast_message, reserved);
    OFFSET(ringbuf_broadcast_message, token);

    SIZE(ringbuf_broadcast_part);
    OFFSET(ringbuf_broadcast_part, data);
    OFFSET(ringbuf_broadcast_part, available);
    OFFSET(ringbuf_broadcast_part, position);
    OFFSET(ringbuf_broadcast_part, tag);
    OFFSET(ringbuf_broadcast_part, time_ns);
    OFFSET(ringbuf_broadcast_part, state);
    OFFSET(ringbuf_broadcast_part, reserved);
    OFFSET(ringbuf_broadcast_part, token);

    SIZE(ringbuf_broadcast_pool);
    OFFSET(ringbuf_broadcast_pool, size);
    OFFSET(ringbuf_broadcast_pool, reserved);
    OFFSET(ringbuf_broadcast_pool, ring);
    OFFSET(ringbuf_broadcast_pool, claims);
    OFFSET(ringbuf_broadcast_pool, views);
    OFFSET(ringbuf_broadcast_pool, slots);
    OFFSET(ringbuf_broadcast_pool, bytes);

    SIZE(ringbuf_broadcast_stat);
    OFFSET(ringbuf_broadcast_stat, size);
    OFFSET(ringbuf_broadcast_stat, subscribers);
    OFFSET(ringbuf_broadcast_stat, capacity);
    OFFSET(ringbuf_broadcast_stat, position);
    OFFSET(ringbuf_broadcast_stat, floor);
    OFFSET(ringbuf_broadcast_stat, published);
    OFFSET(ringbuf_broadcast_stat, readable);
    OFFSET(ringbuf_broadcast_stat, views);
    OFFSET(ringbuf_broadcast_stat, held);
    OFFSET(ringbuf_broadcast_stat, length_max);
    OFFSET(ringbuf_broadcast_stat, memory);
    OFFSET(ringbuf_broadcast_stat, created_ns);
    OFFSET(ringbuf_broadcast_stat, granted);
    OFFSET(ringbuf_broadcast_stat, reserved);
    OFFSET(ringbuf_broadcast_stat, publisher);
    OFFSET(ringbuf_broadcast_stat, id);

    SIZE(ringbuf_broadcast_peer_stat);
    OFFSET(ringbuf_broadcast_peer_stat, size);
    OFFSET(ringbuf_broadcast_peer_stat, row);
    OFFSET(ringbuf_broadcast_peer_stat, presence);
    OFFSET(ringbuf_broadcast_peer_stat, incarnation);
    OFFSET(ringbuf_broadcast_peer_stat, pid);
    OFFSET(ringbuf_broadcast_peer_stat, delivery);
    OFFSET(ringbuf_broadcast_peer_stat, evicted);
    OFFSET(ringbuf_broadcast_peer_stat, unfenced);
    OFFSET(ringbuf_broadcast_peer_stat, since_ns);
    OFFSET(ringbuf_broadcast_peer_stat, sleeps);
    OFFSET(ringbuf_broadcast_peer_stat, wakes);
    OFFSET(ringbuf_broadcast_peer_stat, probes);
    OFFSET(ringbuf_broadcast_peer_stat, position);
    OFFSET(ringbuf_broadcast_peer_stat, lag);
    OFFSET(ringbuf_broadcast_peer_stat, lost);
    OFFSET(ringbuf_broadcast_peer_stat, broken);
    OFFSET(ringbuf_broadcast_peer_stat, views);
    OFFSET(ringbuf_broadcast_peer_stat, held);
}

static void constants(void)
{
    VALUE(RINGBUF_VERSION);
    VALUE(RINGBUF_BYTES);
    VALUE(RINGBUF_RECORDS);
    VALUE(RINGBUF_TYPED);
    VALUE(RINGBUF_SLEEPER_FUTEX);
    VALUE(RINGBUF_SLEEPER_SPIN);
    VALUE(RINGBUF_REDELIVERY_REDELIVER);
    VALUE(RINGBUF_REDELIVERY_DROP);
    VALUE(RINGBUF_SLIP_NONE);
    VALUE(RINGBUF_SLIP_SHORT);
    VALUE(RINGBUF_SLIP_LONG);
    VALUE(RINGBUF_OTHER_BOOT_REFUSE);
    VALUE(RINGBUF_OTHER_BOOT_RESET);
    VALUE(RINGBUF_REOPEN);
    VALUE(RINGBUF_PREFAULT);
    VALUE(RINGBUF_LOCK_MEMORY);
    VALUE(RINGBUF_HUGE_PAGES);
    VALUE(RINGBUF_GROUP);
    VALUE(RINGBUF_TRUST_OWNER);
    VALUE(RINGBUF_FAST);
    VALUE(RINGBUF_FULL_FENCE);
    VALUE(RINGBUF_METADATA_MAX);
    VALUE(RINGBUF_TYPE_NAME_MAX);
    VALUE(RINGBUF_REDELIVERED);
    VALUE(RINGBUF_LANES_HIGHEST);
    VALUE(RINGBUF_LANES_ONLY);
    VALUE(RINGBUF_LANES_LOWEST_UP_TO);
    VALUE(RINGBUF_SIDE_PRODUCER);
    VALUE(RINGBUF_SIDE_CONSUMER);
    VALUE(RINGBUF_PEER_ABSENT);
    VALUE(RINGBUF_PEER_ALIVE);
    VALUE(RINGBUF_PEER_CLOSED);
    VALUE(RINGBUF_PEER_DEAD);
    VALUE(RINGBUF_DELIVERY_NONE);
    VALUE(RINGBUF_DELIVERY_LOSSLESS);
    VALUE(RINGBUF_DELIVERY_LOSSY);
    VALUE(RINGBUF_DELIVERY_LATEST);
    VALUE(RINGBUF_START_DEFAULT);
    VALUE(RINGBUF_START_NEWEST);
    VALUE(RINGBUF_START_OLDEST);
    VALUE(RINGBUF_START_POSITION);
    VALUE(RINGBUF_PART_OPEN);
    VALUE(RINGBUF_PART_WHOLE);
    VALUE(RINGBUF_PART_BROKEN);
}

int main(void)
{
    structures();
    constants();
    return 0;
}
