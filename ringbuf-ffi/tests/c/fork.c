/*
 * fork: a child is refused on inherited handles, opens the ring itself, and dies;
 * the parent learns of that, and the next consumer gets what the dead one held.
 */
#include "expect.h"
#include "message.h"
#include "ringbuf.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

static struct ringbuf_producer *producer;
static struct ringbuf_consumer *consumer;

static void push(uint64_t tag)
{
    void *data;

    EXPECT(ringbuf_producer_claim(producer, 1, 0, &data), 0);
    EXPECT(ringbuf_producer_commit(producer, 0, tag), 0);
}

/* Runs CHILD in a child, which exits with 0 if all its expectations hold. */
static void in_a_child(void (*child)(void))
{
    int status = -1;
    pid_t pid;

    fflush(stderr);
    pid = fork();
    EXPECT(pid >= 0, 1);
    if (pid == 0) {
        child();
        _exit(0); /* without closing anything: to the ring that is a death */
    }
    EXPECT(waitpid(pid, &status, 0), pid);
    EXPECT(status, 0);
}

/* The parent has a claim and a message open. */
static void inherits_open_handles(void)
{
    EXPECT(ringbuf_producer_commit(producer, 1, 0), -ECHILD);
    EXPECT(ringbuf_consumer_release(consumer), 0); /* which is not seen by the parent */
    EXPECT(ringbuf_consumer_close(consumer), 0);
    EXPECT(ringbuf_producer_close(producer), 0);
}

static void inherits_idle_handles(void)
{
    struct ringbuf_message message;
    struct ringbuf_stat stat = RINGBUF_STAT_INIT;
    void *data;

    EXPECT(ringbuf_producer_claim(producer, 1, 0, &data), -ECHILD);
    EXPECT(ringbuf_producer_claim(producer, 1, -1, &data), -ECHILD);
    EXPECT(ringbuf_producer_commit(producer, 1, 0), -EINVAL);
    EXPECT(ringbuf_producer_flush(producer, -1), -ECHILD);
    EXPECT(ringbuf_producer_peer(producer), -ECHILD);
    EXPECT(ringbuf_producer_wait_for_peer(producer, -1), -ECHILD);
    EXPECT(ringbuf_producer_stat(producer, &stat), 0);
    EXPECT(ringbuf_consumer_read(consumer, 0, &message), -ECHILD);
    EXPECT(ringbuf_consumer_read(consumer, -1, &message), -ECHILD);
    EXPECT(ringbuf_consumer_peer(consumer), -ECHILD);
    EXPECT(ringbuf_consumer_wait_for_peer(consumer, -1), -ECHILD);
    EXPECT(ringbuf_consumer_stat(consumer, &stat), 0);
    EXPECT(ringbuf_producer_fd(producer) >= 0, 1);
    EXPECT(ringbuf_consumer_close(consumer), 0);
    EXPECT(ringbuf_producer_close(producer), 0);
}

/* The parent has no consumer. */
static void reads_one_and_dies_with_it(void)
{
    struct ringbuf_consumer *own;
    struct ringbuf_message message;

    EXPECT(ringbuf_consumer_open_fd(ringbuf_producer_fd(producer), NULL, &own), 0);
    EXPECT(ringbuf_consumer_read(own, HANG_NS, &message), 0);
    EXPECT(message.tag, 1);
    EXPECT(ringbuf_consumer_release(own), 0);
    EXPECT(ringbuf_consumer_read(own, HANG_NS, &message), 0);
    EXPECT(message.tag, 2);
    EXPECT(message.flags, 0);
}

/* The parent has no producer. */
static void writes_one_and_dies(void)
{
    struct ringbuf_producer *own;
    void *data;

    EXPECT(ringbuf_producer_open_fd(ringbuf_consumer_fd(consumer), NULL, &own), 0);
    producer = own;
    push(9);
    EXPECT(ringbuf_producer_claim(producer, 1, 0, &data), 0); /* never to be seen */
}

static void handles_are_the_parents(void)
{
    struct ringbuf_message message;
    void *data;

    push(5);
    EXPECT(ringbuf_producer_claim(producer, 1, 0, &data), 0);
    EXPECT(ringbuf_consumer_read(consumer, 0, &message), 0);
    in_a_child(inherits_open_handles);
    EXPECT(ringbuf_producer_commit(producer, 0, 6), 0);
    EXPECT(ringbuf_consumer_release(consumer), 0);
    in_a_child(inherits_idle_handles);
    EXPECT(ringbuf_producer_peer(producer), RINGBUF_PEER_ALIVE);
    EXPECT(ringbuf_consumer_read(consumer, 0, &message), 0);
    EXPECT(message.tag, 6);
    EXPECT(ringbuf_consumer_close(consumer), 0);
}

static void a_dead_consumer_is_noticed_and_followed(void)
{
    struct ringbuf_message message;
    struct ringbuf_stat stat = RINGBUF_STAT_INIT;
    void *data;

    push(1);
    push(2);
    in_a_child(reads_one_and_dies_with_it);
    push(3);
    EXPECT(ringbuf_producer_claim(producer, 1, 0, &data), -EAGAIN);
    EXPECT(ringbuf_producer_claim(producer, 1, -1, &data), -EOWNERDEAD);
    EXPECT(ringbuf_producer_flush(producer, -1), -EOWNERDEAD);
    EXPECT(ringbuf_producer_peer(producer), RINGBUF_PEER_DEAD);

    EXPECT(ringbuf_consumer_open_fd(ringbuf_producer_fd(producer), NULL, &consumer), 0);
    EXPECT(ringbuf_consumer_read(consumer, 0, &message), 0);
    EXPECT(message.tag, 2);
    EXPECT(message.flags, RINGBUF_REDELIVERED);
    EXPECT(ringbuf_consumer_release(consumer), 0);
    EXPECT(ringbuf_consumer_read(consumer, 0, &message), 0);
    EXPECT(message.tag, 3);
    EXPECT(message.flags, 0);
    EXPECT(ringbuf_consumer_release(consumer), 0);
    EXPECT(ringbuf_consumer_stat(consumer, &stat), 0);
    EXPECT(stat.redelivered, 1);
}

static void what_a_dead_consumer_held_can_be_dropped(void)
{
    struct ringbuf_options options = RINGBUF_OPTIONS_INIT;
    struct ringbuf_message message;
    struct ringbuf_stat stat = RINGBUF_STAT_INIT;

    options.shape = RINGBUF_BYTES;
    options.capacity = 2;
    options.slot_size = 8;
    options.redelivery = RINGBUF_REDELIVERY_DROP;
    EXPECT(ringbuf_producer_create_unnamed(&options, &producer), 0);
    push(1);
    push(2);
    in_a_child(reads_one_and_dies_with_it);
    push(3);
    EXPECT(ringbuf_consumer_open_fd(ringbuf_producer_fd(producer), NULL, &consumer), 0);
    EXPECT(ringbuf_consumer_read(consumer, 0, &message), 0);
    EXPECT(message.tag, 3);
    EXPECT(message.flags, 0);
    EXPECT(ringbuf_consumer_stat(consumer, &stat), 0);
    EXPECT(stat.dropped, 1);
    EXPECT(ringbuf_consumer_close(consumer), 0);
    EXPECT(ringbuf_producer_close(producer), 0);
}

static void a_dead_producer_is_noticed(void)
{
    struct ringbuf_message message;

    EXPECT(ringbuf_producer_close(producer), 0);
    in_a_child(writes_one_and_dies);
    EXPECT(ringbuf_consumer_read(consumer, -1, &message), 0);
    EXPECT(message.tag, 9);
    EXPECT(ringbuf_consumer_release(consumer), 0);
    EXPECT(ringbuf_consumer_read(consumer, 0, &message), -EAGAIN);
    EXPECT(ringbuf_consumer_read(consumer, -1, &message), -EOWNERDEAD);
    EXPECT(ringbuf_consumer_close(consumer), 0);
}

int main(void)
{
    struct ringbuf_options options = RINGBUF_OPTIONS_INIT;

    options.shape = RINGBUF_BYTES;
    options.capacity = 2;
    options.slot_size = 8;
    options.flags = RINGBUF_REOPEN;
    EXPECT(ringbuf_producer_create_unnamed(&options, &producer), 0);
    EXPECT(ringbuf_consumer_open_fd(ringbuf_producer_fd(producer), NULL, &consumer), 0);
    handles_are_the_parents();
    a_dead_consumer_is_noticed_and_followed();
    a_dead_producer_is_noticed();
    what_a_dead_consumer_held_can_be_dropped();
    return 0;
}
