/*
 * broadcast_fork: a child is refused on what it inherited of a broadcast ring, opens the
 * ring itself, and dies with a message half-way; who reads it is told, and another
 * publisher goes on.
 */
#include "broadcast_rings.h"

#include <sys/wait.h>
#include <unistd.h>

static struct ringbuf_broadcast_publisher *publisher;
static struct ringbuf_broadcast_subscriber *subscriber;
static struct ringbuf_broadcast_message message;
static struct ringbuf_broadcast_part part;
static uint64_t number;
static void *data;

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

/* The parent holds a message and a part, and has begun a message. */
static void inherits_everything(void)
{
    struct ringbuf_broadcast_pool pool = RINGBUF_BROADCAST_POOL_INIT;
    struct ringbuf_broadcast_message other;

    EXPECT(ringbuf_broadcast_publisher_advance(publisher, 1), -ECHILD);
    EXPECT(ringbuf_broadcast_publisher_commit_begun(publisher), -ECHILD);
    EXPECT(ringbuf_broadcast_publisher_abort(publisher), -EINVAL); /* it is over */
    EXPECT(ringbuf_broadcast_publisher_claim(publisher, 1, 0, &data), -ECHILD);
    EXPECT(ringbuf_broadcast_publisher_claim(publisher, 1, -1, &data), -ECHILD);
    EXPECT(ringbuf_broadcast_publisher_push(publisher, "", 1, 0, -1), -ECHILD);
    EXPECT(ringbuf_broadcast_publisher_wait_for_peer(publisher, -1), -ECHILD);
    EXPECT(ringbuf_broadcast_subscriber_read(subscriber, 0, &other), -ECHILD);
    EXPECT(ringbuf_broadcast_subscriber_read(subscriber, -1, &other), -ECHILD);
    EXPECT(ringbuf_broadcast_subscriber_latest(subscriber, &other), -ECHILD);
    EXPECT(ringbuf_broadcast_subscriber_wait_for_peer(subscriber, -1), -ECHILD);
    EXPECT(ringbuf_broadcast_part_wait_for(&part, 1, -1), -ECHILD);
    EXPECT(ringbuf_broadcast_part_release(&part), 0); /* which the parent does not see */
    EXPECT(ringbuf_broadcast_message_release(&message), 0);
    EXPECT(ringbuf_broadcast_publisher_pool(publisher, &pool), 0);
    EXPECT(pool.views, VIEWS);
    EXPECT(ringbuf_broadcast_publisher_fd(publisher) >= 0, 1);
    EXPECT(ringbuf_broadcast_subscriber_close(subscriber), 0);
    EXPECT(ringbuf_broadcast_publisher_close(publisher), 0);
}

/* The parent has a claim. */
static void inherits_a_claim(void)
{
    EXPECT(ringbuf_broadcast_publisher_begin(publisher, 4), -ECHILD);
    EXPECT(ringbuf_broadcast_publisher_commit(publisher, 1, 4), -EINVAL); /* it is over */
    EXPECT(ringbuf_broadcast_publisher_close(publisher), 0);
}

static void a_child_has_nothing_of_its_parents(void)
{
    int i;

    push(publisher, 1);
    EXPECT(ringbuf_broadcast_subscriber_read(subscriber, 0, &message), 0);
    EXPECT(ringbuf_broadcast_publisher_claim(publisher, 2, 0, &data), 0);
    EXPECT(ringbuf_broadcast_publisher_begin(publisher, 2), 0);
    EXPECT(ringbuf_broadcast_subscriber_read_part(subscriber, 0, &part), 0);
    in_a_child(inherits_everything);
    EXPECT(ringbuf_broadcast_part_look(&part), 0);
    EXPECT(part.available, 0);
    EXPECT(part.state, RINGBUF_PART_OPEN);
    *(unsigned char *)data = 2;
    EXPECT(ringbuf_broadcast_publisher_advance(publisher, 1), 0);
    EXPECT(ringbuf_broadcast_publisher_commit_begun(publisher), 0);
    EXPECT(ringbuf_broadcast_publisher_claim(publisher, 1, 0, &data), 0);
    in_a_child(inherits_a_claim);
    *(unsigned char *)data = 3;
    EXPECT(ringbuf_broadcast_publisher_commit(publisher, 1, 3), 0);

    /* Both are still looked at: no slot of theirs is written to. */
    for (i = 0; i < 10 * CAPACITY; i++)
        push(publisher, 9);
    EXPECT(*(const unsigned char *)message.data, 1);
    EXPECT(ringbuf_broadcast_part_look(&part), 0);
    EXPECT(part.available, 1);
    EXPECT(*(const unsigned char *)part.data, 2);
    EXPECT(ringbuf_broadcast_part_release(&part), 0);
    EXPECT(ringbuf_broadcast_message_release(&message), 0);
}

/* Of a ring that has no publisher now. */
static void publishes_and_dies_half_way(void)
{
    struct ringbuf_broadcast_publisher *own;
    int fd = ringbuf_broadcast_subscriber_fd(subscriber);

    EXPECT(ringbuf_broadcast_publisher_open_fd(fd, NULL, &own), 0);
    push(own, 4);
    EXPECT(ringbuf_broadcast_publisher_claim(own, 10, 0, &data), 0);
    EXPECT(ringbuf_broadcast_publisher_begin(own, 5), 0);
    memset(data, 5, 3);
    EXPECT(ringbuf_broadcast_publisher_advance(own, 3), 0);
}

static void joins_and_dies_with_a_message(void)
{
    struct ringbuf_broadcast_join join = join_as(RINGBUF_DELIVERY_LOSSLESS);
    struct ringbuf_broadcast_subscriber *own;

    join.views = VIEWS - 2;
    own = subscriber_to(publisher, join);
    EXPECT(ringbuf_broadcast_subscriber_read(own, 0, &message), 0);
}

static void a_dead_publisher_is_followed(void)
{
    int fd;

    EXPECT(ringbuf_broadcast_subscriber_close(subscriber), 0);
    subscriber = subscriber_to(publisher, join_as(RINGBUF_DELIVERY_LOSSY));
    fd = ringbuf_broadcast_subscriber_fd(subscriber);
    EXPECT(ringbuf_broadcast_publisher_close(publisher), 0);
    in_a_child(publishes_and_dies_half_way);
    POP(subscriber, 4);
    EXPECT(ringbuf_broadcast_subscriber_read(subscriber, HANG_NS, &message), -EOWNERDEAD);
    EXPECT(ringbuf_broadcast_subscriber_read_part(subscriber, HANG_NS, &part), 0);
    EXPECT(part.tag, 5);
    EXPECT(part.available, 3);
    EXPECT(part.state, RINGBUF_PART_OPEN);
    EXPECT(memcmp(part.data, "\5\5\5", 3), 0);
    EXPECT(ringbuf_broadcast_part_wait_for(&part, 4, HANG_NS), -EOWNERDEAD);
    EXPECT(ringbuf_broadcast_publisher_open_fd(fd, NULL, &publisher), 0);
    EXPECT(ringbuf_broadcast_part_wait_for(&part, 4, HANG_NS), -ECONNABORTED);
    EXPECT(ringbuf_broadcast_part_look(&part), 0);
    EXPECT(part.state, RINGBUF_PART_BROKEN);
    EXPECT(part.available, 3);
    EXPECT(ringbuf_broadcast_part_release(&part), 0);
    push(publisher, 6);
    POP(subscriber, 6);
    EXPECT(LOST(subscriber), 0);
}

static void a_dead_subscriber_holds_nothing(void)
{
    struct ringbuf_broadcast_join join = join_as(RINGBUF_DELIVERY_LOSSY);
    struct ringbuf_broadcast_subscriber *own;
    unsigned char byte = 7;
    int i;

    in_a_child(joins_and_dies_with_a_message);
    for (i = 0; i < 3 * CAPACITY; i++)
        EXPECT(ringbuf_broadcast_publisher_push(publisher, &byte, 1, 7, HANG_NS), 0);
    join.views = VIEWS - 2;
    own = subscriber_to(publisher, join); /* who has its views now */
    EXPECT(ringbuf_broadcast_subscriber_close(own), 0);
}

int main(void)
{
    struct ringbuf_options options = small_options();

    options.flags = RINGBUF_REOPEN;
    publisher = publisher_of(options);
    subscriber = subscriber_to(publisher, join_as(RINGBUF_DELIVERY_LOSSY));
    a_child_has_nothing_of_its_parents();
    a_dead_publisher_is_followed();
    a_dead_subscriber_holds_nothing();
    EXPECT(ringbuf_broadcast_subscriber_close(subscriber), 0);
    EXPECT(ringbuf_broadcast_publisher_close(publisher), 0);
    return 0;
}
