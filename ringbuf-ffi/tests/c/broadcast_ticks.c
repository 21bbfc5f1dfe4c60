/*
 * broadcast_ticks DIRECTORY: the ring `ring` there, of 64 values of 24 bytes that a Rust program
 * publishes, one so far: C looks at it, and passes bytes only.
 */
#include "broadcast_rings.h"

int main(int argc, char **argv)
{
    struct ringbuf_broadcast_join join = join_as(RINGBUF_DELIVERY_LOSSY);
    struct ringbuf_broadcast_stat stat = RINGBUF_BROADCAST_STAT_INIT;
    struct ringbuf_broadcast_peer_stat peer = RINGBUF_BROADCAST_PEER_STAT_INIT;
    struct ringbuf_broadcast_publisher *publisher;
    struct ringbuf_broadcast_subscriber *subscriber;
    struct ringbuf_broadcast_watch *watch;
    char name[4096];

    EXPECT(argc, 2);
    snprintf(name, sizeof(name), "%s/ring", argv[1]);
    EXPECT(ringbuf_broadcast_publisher_open(name, NULL, &publisher), -EPROTO);
    EXPECT(ringbuf_broadcast_subscriber_open(name, NULL, &join, &subscriber), -EPROTO);
    EXPECT(publisher == NULL && subscriber == NULL, 1);
    EXPECT(ringbuf_broadcast_stat(name, &stat), 0);
    EXPECT(stat.capacity, 64);
    EXPECT(stat.length_max, 24);
    EXPECT(stat.published, 1);
    EXPECT(stat.readable, 1);
    EXPECT(stat.subscribers, 1);
    EXPECT(stat.views, 0);
    EXPECT(stat.held, 0);
    EXPECT(stat.publisher.presence, RINGBUF_PEER_ALIVE);
    EXPECT(ringbuf_broadcast_watch_open(name, &watch), 0);
    EXPECT(ringbuf_broadcast_watch_look(watch), 1);
    EXPECT(ringbuf_broadcast_watch_peer(watch, 0, &peer), 0);
    EXPECT(peer.lag, 1);
    EXPECT(peer.views, 0);
    EXPECT(ringbuf_broadcast_watch_close(watch), 0);
    return 0;
}
