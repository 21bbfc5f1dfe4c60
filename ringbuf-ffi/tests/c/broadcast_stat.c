/*
 * broadcast_stat DIRECTORY: what a broadcast ring tells about itself, by name, by handle,
 * and subscriber by subscriber.
 */
#include "broadcast_rings.h"

#include <unistd.h>

static struct ringbuf_broadcast_publisher *publisher;
static struct ringbuf_broadcast_subscriber *slow, *lossy;
static uint64_t number;

static void the_ring_and_each_subscriber(const char *name)
{
    struct ringbuf_options options = small_options();
    struct ringbuf_broadcast_join join = join_as(RINGBUF_DELIVERY_LOSSLESS);
    struct ringbuf_broadcast_stat stat = RINGBUF_BROADCAST_STAT_INIT;
    struct ringbuf_broadcast_stat same = RINGBUF_BROADCAST_STAT_INIT;
    struct ringbuf_broadcast_peer_stat peer = RINGBUF_BROADCAST_PEER_STAT_INIT;
    struct ringbuf_broadcast_message held;
    struct ringbuf_broadcast_watch *watch;
    int i;

    options.reader_patience_ns = 1;
    EXPECT(ringbuf_broadcast_publisher_create(name, &options, &publisher), 0);
    EXPECT(ringbuf_broadcast_watch_open(name, &watch), 0);
    EXPECT(ringbuf_broadcast_watch_peer(watch, 0, &peer), -EINVAL); /* nobody has looked */
    EXPECT(ringbuf_broadcast_watch_look(watch), 0);
    EXPECT(ringbuf_broadcast_watch_peer(watch, 0, &peer), -EINVAL); /* nobody is there */

    join.views = 2;
    slow = subscriber_to(publisher, join);
    join.delivery = RINGBUF_DELIVERY_LOSSY;
    join.views = 1;
    lossy = subscriber_to(publisher, join);
    for (i = 0; i < 3; i++)
        push(publisher, (unsigned char)i);
    EXPECT(ringbuf_broadcast_subscriber_read(slow, 0, &held), 0);

    EXPECT(ringbuf_broadcast_stat(name, &stat), 0);
    EXPECT(stat.size, sizeof(stat));
    EXPECT(stat.subscribers, 2);
    EXPECT(stat.capacity, CAPACITY);
    EXPECT(stat.position, POSITION(publisher));
    EXPECT(stat.published, 3);
    EXPECT(stat.readable, 3);
    EXPECT(stat.position - stat.floor, 3);
    EXPECT(stat.views, 3);
    EXPECT(stat.held, 1);
    EXPECT(stat.length_max, SLOT_SIZE);
    EXPECT(stat.memory > 0 && stat.created_ns > 0, 1);
    EXPECT(stat.publisher.presence, RINGBUF_PEER_ALIVE);
    EXPECT(stat.publisher.pid, getpid());
    EXPECT(ringbuf_broadcast_publisher_stat(publisher, &same), 0);
    EXPECT(memcmp(same.id, stat.id, sizeof(stat.id)), 0);
    EXPECT(same.published, 3);
    same.published = 0;
    EXPECT(ringbuf_broadcast_subscriber_stat(lossy, &same), 0);
    EXPECT(same.published, 3);

    EXPECT(ringbuf_broadcast_watch_look(watch), 2);
    EXPECT(ringbuf_broadcast_watch_peer(watch, 0, &peer), 0);
    EXPECT(peer.size, sizeof(peer));
    EXPECT(peer.presence, RINGBUF_PEER_ALIVE);
    EXPECT(peer.pid, getpid());
    EXPECT(peer.delivery, RINGBUF_DELIVERY_LOSSLESS);
    EXPECT(peer.evicted, 0);
    EXPECT(peer.position, NEXT(slow));
    EXPECT(peer.lag, 2);
    EXPECT(peer.views, 2);
    EXPECT(peer.held, 1);
    EXPECT(ringbuf_broadcast_watch_peer(watch, 1, &peer), 0);
    EXPECT(peer.delivery, RINGBUF_DELIVERY_LOSSY);
    EXPECT(peer.lag, 3);
    EXPECT(peer.lost, 0);
    EXPECT(peer.held, 0);
    EXPECT(ringbuf_broadcast_watch_peer(watch, 2, &peer), -EINVAL);

    /* The slow one is waited for no longer; the other one finds what it lost. */
    for (i = 3; i < 5 * CAPACITY; i++)
        push(publisher, (unsigned char)i);
    POP(lossy, (int)LOST(lossy));
    EXPECT(ringbuf_broadcast_watch_look(watch), 2);
    EXPECT(ringbuf_broadcast_watch_peer(watch, 0, &peer), 0);
    EXPECT(peer.delivery, RINGBUF_DELIVERY_LOSSLESS);
    EXPECT(peer.evicted, 1);
    EXPECT(peer.held, 1);
    EXPECT(ringbuf_broadcast_watch_peer(watch, 1, &peer), 0);
    EXPECT(peer.lost, LOST(lossy));
    EXPECT(peer.lost > 0, 1);

    /* Who left is still known, and wants nothing. */
    EXPECT(ringbuf_broadcast_message_release(&held), 0);
    EXPECT(ringbuf_broadcast_subscriber_close(slow), 0);
    EXPECT(ringbuf_broadcast_watch_look(watch), 2);
    EXPECT(ringbuf_broadcast_watch_peer(watch, 0, &peer), 0);
    EXPECT(peer.presence, RINGBUF_PEER_CLOSED);
    EXPECT(peer.delivery, RINGBUF_DELIVERY_NONE);
    EXPECT(peer.views, 0);

    EXPECT(ringbuf_broadcast_subscriber_close(lossy), 0);
    EXPECT(ringbuf_broadcast_publisher_close(publisher), 0);
    EXPECT(ringbuf_broadcast_watch_look(watch), 2); /* it keeps the ring */
    EXPECT(ringbuf_broadcast_watch_close(watch), 0);
    EXPECT(ringbuf_unlink(name), 0);
}

static void misuse(const char *name)
{
    struct ringbuf_options options = small_options();
    struct ringbuf_broadcast_stat stat = RINGBUF_BROADCAST_STAT_INIT;
    struct ringbuf_broadcast_peer_stat peer = RINGBUF_BROADCAST_PEER_STAT_INIT;
    struct ringbuf_broadcast_watch *watch;
    struct ringbuf_producer *producer;

    EXPECT(ringbuf_broadcast_stat(NULL, &stat), -EINVAL);
    EXPECT(ringbuf_broadcast_stat(name, NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_stat(name, &stat), -ENOENT);
    EXPECT(ringbuf_broadcast_watch_open(name, &watch), -ENOENT);
    EXPECT(watch == NULL, 1);
    EXPECT(ringbuf_broadcast_watch_open(name, NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_watch_open_fd(-1, &watch), -EBADF);
    EXPECT(ringbuf_broadcast_watch_close(NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_watch_look(NULL), -EINVAL);
    EXPECT(ringbuf_broadcast_watch_peer(NULL, 0, &peer), -EINVAL);
    EXPECT(ringbuf_broadcast_publisher_stat(NULL, &stat), -EINVAL);
    EXPECT(ringbuf_broadcast_subscriber_stat(NULL, &stat), -EINVAL);

    options.subscribers_max = 0;
    options.views_max = 0;
    EXPECT(ringbuf_producer_create(name, &options, &producer), 0);
    EXPECT(ringbuf_broadcast_stat(name, &stat), -EPROTO);
    EXPECT(ringbuf_broadcast_watch_open(name, &watch), -EPROTO);
    EXPECT(ringbuf_producer_close(producer), 0);
    EXPECT(ringbuf_unlink(name), 0);

    publisher = publisher_of(small_options());
    EXPECT(ringbuf_broadcast_publisher_stat(publisher, NULL), -EINVAL);
    stat.size = 8;
    EXPECT(ringbuf_broadcast_publisher_stat(publisher, &stat), -EINVAL);
    EXPECT(ringbuf_broadcast_watch_open_fd(ringbuf_broadcast_publisher_fd(publisher), &watch), 0);
    slow = subscriber_to(publisher, join_as(RINGBUF_DELIVERY_LATEST));
    EXPECT(ringbuf_broadcast_watch_look(watch), 1);
    EXPECT(ringbuf_broadcast_watch_peer(watch, 0, NULL), -EINVAL);
    peer.size = 8;
    EXPECT(ringbuf_broadcast_watch_peer(watch, 0, &peer), -EINVAL);
    EXPECT(ringbuf_broadcast_watch_close(watch), 0);
    EXPECT(ringbuf_broadcast_subscriber_close(slow), 0);
    EXPECT(ringbuf_broadcast_publisher_close(publisher), 0);
}

int main(int argc, char **argv)
{
    char name[4096];

    EXPECT(argc, 2);
    snprintf(name, sizeof(name), "%s/broadcast_stat", argv[1]);
    the_ring_and_each_subscriber(name);
    misuse(name);
    return 0;
}
