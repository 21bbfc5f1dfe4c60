/*
 * unfenced DIRECTORY: of the rings `two`, `many` and `all` there it can be seen how often
 * each peer slept without the kernel's barrier.
 */
#include "expect.h"
#include "ringbuf.h"

int main(int argc, char **argv)
{
    struct ringbuf_stat two = RINGBUF_STAT_INIT;
    struct ringbuf_broadcast_stat all = RINGBUF_BROADCAST_STAT_INIT;
    struct ringbuf_mpmc_peer_stat producer = RINGBUF_MPMC_PEER_STAT_INIT;
    struct ringbuf_broadcast_peer_stat subscriber = RINGBUF_BROADCAST_PEER_STAT_INIT;
    struct ringbuf_mpmc_watch *of_many;
    struct ringbuf_broadcast_watch *of_all;
    char name[4096];

    EXPECT(argc, 2);
    snprintf(name, sizeof(name), "%s/two", argv[1]);
    EXPECT(ringbuf_stat(name, &two), 0);
    EXPECT(two.producer.unfenced, 7);
    EXPECT(two.consumer.unfenced, UINT32_MAX); /* that often, or more */

    snprintf(name, sizeof(name), "%s/many", argv[1]);
    EXPECT(ringbuf_mpmc_watch_open(name, &of_many), 0);
    EXPECT(ringbuf_mpmc_watch_look(of_many), 1);
    EXPECT(ringbuf_mpmc_watch_peer(of_many, 0, &producer), 0);
    EXPECT(producer.unfenced, 9);
    EXPECT(ringbuf_mpmc_watch_close(of_many), 0);

    snprintf(name, sizeof(name), "%s/all", argv[1]);
    EXPECT(ringbuf_broadcast_stat(name, &all), 0);
    EXPECT(all.publisher.unfenced, 11);
    EXPECT(ringbuf_broadcast_watch_open(name, &of_all), 0);
    EXPECT(ringbuf_broadcast_watch_look(of_all), 1);
    EXPECT(ringbuf_broadcast_watch_peer(of_all, 0, &subscriber), 0);
    EXPECT(subscriber.unfenced, 13);
    EXPECT(ringbuf_broadcast_watch_close(of_all), 0);
    return 0;
}
