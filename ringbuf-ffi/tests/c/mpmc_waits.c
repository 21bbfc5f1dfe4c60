/*
 * mpmc_waits DIRECTORY: of rings of many, flushes, waits for peers, and watches who
 * holds what and for how long.
 */
#include "expect.h"
#include "ringbuf.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CAPACITY 64
#define LANES 3
#define SHORT_NS 1000000
#define HANG_NS 60000000000

static struct ringbuf_mpmc_producer *producer;
static struct ringbuf_mpmc_consumer *consumer;

static struct ringbuf_options many_options(void)
{
    struct ringbuf_options options = RINGBUF_OPTIONS_INIT;

    options.shape = RINGBUF_BYTES;
    options.capacity = CAPACITY;
    options.slot_size = 8;
    options.lanes = LANES;
    options.producers_max = 3;
    options.consumers_max = 2;
    return options;
}

static void make(const char *name)
{
    struct ringbuf_options options = many_options();

    EXPECT(ringbuf_mpmc_producer_create(name, &options, &producer), 0);
    EXPECT(ringbuf_mpmc_consumer_open(name, NULL, &consumer), 0);
}

static void push(uint32_t lane)
{
    struct ringbuf_mpmc_claim claim;

    EXPECT(ringbuf_mpmc_producer_set_lane(producer, lane), 0);
    EXPECT(ringbuf_mpmc_producer_claim(producer, 1, 0, &claim), 0);
    EXPECT(ringbuf_mpmc_claim_commit(&claim, 1, lane), 0);
}

static void pop(void)
{
    struct ringbuf_mpmc_message message;

    EXPECT(ringbuf_mpmc_consumer_read(consumer, 0, &message), 0);
    EXPECT(ringbuf_mpmc_message_release(&message), 0);
}

static void *flush(void *unused)
{
    (void)unused;
    EXPECT(ringbuf_mpmc_producer_flush(producer, HANG_NS), 0);
    return NULL;
}

/* How often the peers of this side have slept. */
static uint64_t sleeps(uint32_t side)
{
    struct ringbuf_mpmc_peer_stat stat = RINGBUF_MPMC_PEER_STAT_INIT;
    struct ringbuf_mpmc_watch *watch;
    uint64_t sum = 0;
    int peers, i;

    EXPECT(ringbuf_mpmc_watch_open_fd(ringbuf_mpmc_producer_fd(producer), &watch), 0);
    peers = ringbuf_mpmc_watch_look(watch);
    EXPECT(peers >= 1, 1);
    for (i = 0; i < peers; i++) {
        EXPECT(ringbuf_mpmc_watch_peer(watch, (uint32_t)i, &stat), 0);
        if (stat.side == side)
            sum += stat.sleeps;
    }
    EXPECT(ringbuf_mpmc_watch_close(watch), 0);
    return sum;
}

/* Waits until somebody of this side sleeps who did not; who hangs is killed from outside. */
static void until_one_sleeps(uint32_t side, uint64_t before)
{
    struct timespec pause = { 0, SHORT_NS };

    while (sleeps(side) == before)
        nanosleep(&pause, NULL);
}

static void what_is_in_the_ring_is_waited_for(const char *name)
{
    struct ringbuf_mpmc_claim claim;
    struct ringbuf_mpmc_message message;
    pthread_t thread;
    uint64_t before;

    make(name);
    EXPECT(ringbuf_mpmc_producer_flush(NULL, 0), -EINVAL);
    EXPECT(ringbuf_mpmc_producer_flush(producer, -1), 0);
    EXPECT(ringbuf_mpmc_producer_claim(producer, 1, 0, &claim), 0);
    EXPECT(ringbuf_mpmc_producer_flush(producer, 0), 0); /* it is open */
    EXPECT(ringbuf_mpmc_claim_abort(&claim), 0);
    push(2);
    EXPECT(ringbuf_mpmc_producer_flush(producer, 0), -EAGAIN);
    EXPECT(ringbuf_mpmc_producer_flush(producer, SHORT_NS), -ETIMEDOUT);
    EXPECT(ringbuf_mpmc_consumer_read(consumer, 0, &message), 0);
    EXPECT(ringbuf_mpmc_producer_flush(producer, 0), -EAGAIN);
    before = sleeps(RINGBUF_SIDE_PRODUCER);
    EXPECT(pthread_create(&thread, NULL, flush, NULL), 0);
    until_one_sleeps(RINGBUF_SIDE_PRODUCER, before);
    EXPECT(ringbuf_mpmc_message_release(&message), 0);
    EXPECT(pthread_join(thread, NULL), 0);

    push(0);
    EXPECT(ringbuf_mpmc_consumer_close(consumer), 0);
    EXPECT(ringbuf_mpmc_producer_flush(producer, 0), -EPIPE);
    EXPECT(ringbuf_mpmc_producer_flush(producer, -1), -EPIPE);
    EXPECT(ringbuf_mpmc_consumer_open(name, NULL, &consumer), 0);
    pop();
    EXPECT(ringbuf_mpmc_producer_flush(producer, -1), 0);
    EXPECT(ringbuf_mpmc_consumer_close(consumer), 0);
    EXPECT(ringbuf_mpmc_producer_close(producer), 0);
    EXPECT(ringbuf_unlink(name), 0);
}

static void *wait_for_a_consumer(void *unused)
{
    (void)unused;
    EXPECT(ringbuf_mpmc_producer_wait_for_peer(producer, HANG_NS), 0);
    return NULL;
}

static void peers_are_waited_for(const char *name)
{
    pthread_t thread;
    uint64_t before;

    make(name);
    EXPECT(ringbuf_mpmc_producer_wait_for_peer(NULL, 0), -EINVAL);
    EXPECT(ringbuf_mpmc_consumer_wait_for_peer(NULL, 0), -EINVAL);
    EXPECT(ringbuf_mpmc_producer_wait_for_peer(producer, -1), 0);
    EXPECT(ringbuf_mpmc_consumer_wait_for_peer(consumer, 0), 0);
    EXPECT(ringbuf_mpmc_consumer_close(consumer), 0);
    EXPECT(ringbuf_mpmc_producer_wait_for_peer(producer, 0), -EAGAIN);
    EXPECT(ringbuf_mpmc_producer_wait_for_peer(producer, SHORT_NS), -ETIMEDOUT);
    before = sleeps(RINGBUF_SIDE_PRODUCER);
    EXPECT(pthread_create(&thread, NULL, wait_for_a_consumer, NULL), 0);
    until_one_sleeps(RINGBUF_SIDE_PRODUCER, before);
    EXPECT(ringbuf_mpmc_consumer_open(name, NULL, &consumer), 0);
    EXPECT(pthread_join(thread, NULL), 0);
    EXPECT(ringbuf_mpmc_producer_close(producer), 0);
    EXPECT(ringbuf_mpmc_consumer_wait_for_peer(consumer, 0), -EAGAIN);
    EXPECT(ringbuf_mpmc_consumer_wait_for_peer(consumer, SHORT_NS), -ETIMEDOUT);
    EXPECT(ringbuf_mpmc_consumer_close(consumer), 0);
    EXPECT(ringbuf_unlink(name), 0);
}

static uint64_t now(void)
{
    struct timespec time;

    EXPECT(clock_gettime(CLOCK_MONOTONIC, &time), 0);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void lanes_and_peers_are_told(const char *name)
{
    struct ringbuf_mpmc_lane_stat lane = RINGBUF_MPMC_LANE_STAT_INIT;
    struct ringbuf_mpmc_peer_stat peer = RINGBUF_MPMC_PEER_STAT_INIT;
    struct ringbuf_mpmc_consumer *second;
    struct ringbuf_mpmc_message message;
    struct ringbuf_mpmc_claim claims[3];
    struct ringbuf_mpmc_watch *watch;
    struct timespec pause = { 0, SHORT_NS };
    uint64_t taken, seen, before;
    int i;

    make(name);
    EXPECT(ringbuf_mpmc_watch_open(name, &watch), 0);
    EXPECT(ringbuf_mpmc_watch_lane(watch, 0, &lane), -EINVAL); /* nobody has looked */
    EXPECT(ringbuf_mpmc_watch_peer(watch, 0, &peer), -EINVAL);
    for (i = 0; i < 10; i++)
        push(2);
    taken = now();
    EXPECT(ringbuf_mpmc_consumer_read(consumer, 0, &message), 0);
    for (i = 0; i < 3; i++) {
        EXPECT(ringbuf_mpmc_producer_set_lane(producer, i < 2 ? 0 : 2), 0);
        EXPECT(ringbuf_mpmc_producer_claim(producer, 1, 0, &claims[i]), 0);
    }
    EXPECT(ringbuf_mpmc_watch_look(watch), 2);
    seen = now();
    EXPECT(ringbuf_mpmc_watch_peer(watch, 0, &peer), 0);
    EXPECT(peer.held_ns, 0);
    EXPECT(ringbuf_mpmc_watch_lane(watch, 2, &lane), 0);
    EXPECT(lane.size, sizeof(lane));
    EXPECT(lane.lane, 2);
    EXPECT(lane.writing, 1);
    EXPECT(lane.ready, 9);
    EXPECT(lane.reading, 1);
    EXPECT(lane.orphans, 0);
    EXPECT(lane.free, CAPACITY - 11);
    EXPECT(lane.used >= 1 && lane.used <= 11, 1); /* hints lag by a few */
    EXPECT(lane.claimed >= lane.used && lane.claimed <= 11, 1);
    EXPECT(lane.read <= 1, 1);
    EXPECT(ringbuf_mpmc_watch_lane(watch, 1, &lane), 0);
    EXPECT(lane.free, CAPACITY);
    EXPECT(lane.high_water, 0);
    EXPECT(ringbuf_mpmc_watch_lane(watch, LANES, &lane), -EINVAL);

    EXPECT(nanosleep(&pause, NULL), 0);
    EXPECT(ringbuf_mpmc_consumer_open(name, NULL, &second), 0);
    before = now();
    EXPECT(ringbuf_mpmc_watch_look(watch), 3);
    EXPECT(ringbuf_mpmc_watch_peer(watch, 0, &peer), 0);
    EXPECT(peer.size, sizeof(peer));
    EXPECT(peer.side, RINGBUF_SIDE_PRODUCER);
    EXPECT(peer.row, 0);
    EXPECT(peer.presence, RINGBUF_PEER_ALIVE);
    EXPECT(peer.incarnation, 1);
    EXPECT(peer.pid, getpid());
    EXPECT(peer.since_ns > 0 && peer.since_ns < taken, 1);
    EXPECT(peer.holds, 3);
    EXPECT(peer.lanes, 1 << 0 | 1 << 2);
    EXPECT(peer.held_ns >= before - seen && peer.held_ns <= now() - taken, 1);
    EXPECT(peer.left, 0);
    EXPECT(ringbuf_mpmc_watch_peer(watch, 1, &peer), 0);
    EXPECT(peer.side, RINGBUF_SIDE_CONSUMER);
    EXPECT(peer.row, 3);
    EXPECT(peer.holds, 1);
    EXPECT(peer.lanes, 1 << 2);
    EXPECT(peer.held_ns >= before - seen && peer.held_ns <= now() - taken, 1);
    EXPECT(ringbuf_mpmc_watch_peer(watch, 2, &peer), 0);
    EXPECT(peer.side, RINGBUF_SIDE_CONSUMER);
    EXPECT(peer.row, 4);
    EXPECT(peer.holds + peer.lanes + peer.held_ns, 0);
    EXPECT(ringbuf_mpmc_watch_peer(watch, 3, &peer), -EINVAL);

    EXPECT(ringbuf_mpmc_message_release(&message), 0);
    EXPECT(ringbuf_mpmc_claim_abort_many(claims, 3), 0);
    EXPECT(ringbuf_mpmc_consumer_close(consumer), 0);
    EXPECT(ringbuf_mpmc_watch_look(watch), 3);
    EXPECT(ringbuf_mpmc_watch_peer(watch, 1, &peer), 0);
    EXPECT(peer.presence, RINGBUF_PEER_CLOSED);
    EXPECT(peer.holds, 0);
    EXPECT(ringbuf_mpmc_consumer_close(second), 0);
    EXPECT(ringbuf_mpmc_producer_close(producer), 0);

    peer.size = 87;
    EXPECT(ringbuf_mpmc_watch_peer(watch, 0, &peer), -EINVAL);
    lane.size = 79;
    EXPECT(ringbuf_mpmc_watch_lane(watch, 0, &lane), -EINVAL);
    lane.size = sizeof(lane);
    EXPECT(ringbuf_mpmc_watch_lane(NULL, 0, &lane), -EINVAL);
    EXPECT(ringbuf_mpmc_watch_peer(NULL, 0, &peer), -EINVAL);
    EXPECT(ringbuf_mpmc_watch_lane(watch, 0, NULL), -EINVAL);
    EXPECT(ringbuf_mpmc_watch_peer(watch, 0, NULL), -EINVAL);
    EXPECT(ringbuf_mpmc_watch_look(NULL), -EINVAL);
    EXPECT(ringbuf_mpmc_watch_close(watch), 0);
    EXPECT(ringbuf_mpmc_watch_close(NULL), -EINVAL);
    EXPECT(ringbuf_unlink(name), 0);
}

static void only_rings_of_many_are_watched(const char *name)
{
    struct ringbuf_options options = RINGBUF_OPTIONS_INIT;
    struct ringbuf_producer *other;
    struct ringbuf_mpmc_watch *watch;

    EXPECT(ringbuf_mpmc_watch_open(NULL, &watch), -EINVAL);
    EXPECT(ringbuf_mpmc_watch_open(name, NULL), -EINVAL);
    EXPECT(ringbuf_mpmc_watch_open(name, &watch), -ENOENT);
    EXPECT(watch == NULL, 1);
    EXPECT(ringbuf_mpmc_watch_open_fd(-1, &watch), -EBADF);
    options.shape = RINGBUF_RECORDS;
    EXPECT(ringbuf_producer_create(name, &options, &other), 0);
    EXPECT(ringbuf_mpmc_watch_open(name, &watch), -EPROTO);
    EXPECT(ringbuf_mpmc_watch_open_fd(ringbuf_producer_fd(other), &watch), -EPROTO);
    EXPECT(watch == NULL, 1);
    EXPECT(ringbuf_producer_close(other), 0);
    EXPECT(ringbuf_unlink(name), 0);
}

int main(int argc, char **argv)
{
    char name[4096];

    EXPECT(argc, 2);
    snprintf(name, sizeof(name), "%s/mpmc_waits", argv[1]);
    what_is_in_the_ring_is_waited_for(name);
    peers_are_waited_for(name);
    lanes_and_peers_are_told(name);
    only_rings_of_many_are_watched(name);
    return 0;
}
