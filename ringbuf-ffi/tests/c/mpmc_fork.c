/*
 * mpmc_fork: a child is refused on what it inherited of a ring of many, opens the ring
 * itself, and dies; what it held comes to another, or is dropped.
 */
#include "expect.h"
#include "message.h"
#include "ringbuf.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHORT_NS 1000000

static struct ringbuf_mpmc_producer *producer;
static struct ringbuf_mpmc_consumer *consumer;
static struct ringbuf_mpmc_claim claim;
static struct ringbuf_mpmc_claim more[2];
static struct ringbuf_mpmc_message message;

static void push(uint64_t tag)
{
    struct ringbuf_mpmc_claim own;

    EXPECT(ringbuf_mpmc_producer_claim(producer, 1, 0, &own), 0);
    EXPECT(ringbuf_mpmc_claim_commit(&own, 0, tag), 0);
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

static void inherits_everything(void)
{
    struct ringbuf_mpmc_claim own;
    struct ringbuf_mpmc_message other;
    struct ringbuf_mpmc_stat stat = RINGBUF_MPMC_STAT_INIT;

    EXPECT(ringbuf_mpmc_claim_commit(&claim, 1, 0), -ECHILD);
    EXPECT(ringbuf_mpmc_claim_commit(&claim, 1, 0), -EINVAL); /* it is over */
    EXPECT(ringbuf_mpmc_claim_commit_many(more, 2, NULL, NULL), -ECHILD);
    EXPECT(ringbuf_mpmc_claim_commit(&more[0], 0, 0), -EINVAL); /* both are over */
    EXPECT(ringbuf_mpmc_claim_commit(&more[1], 0, 0), -EINVAL);
    EXPECT(ringbuf_mpmc_message_release(&message), 0);        /* which the parent does not see */
    EXPECT(ringbuf_mpmc_producer_claim(producer, 1, 0, &own), -ECHILD);
    EXPECT(ringbuf_mpmc_producer_claim(producer, 1, -1, &own), -ECHILD);
    EXPECT(ringbuf_mpmc_consumer_read(consumer, 0, &other), -ECHILD);
    EXPECT(ringbuf_mpmc_consumer_read(consumer, -1, &other), -ECHILD);
    EXPECT(ringbuf_mpmc_producer_claim_many(producer, 1, -1, &own, 1), -ECHILD);
    EXPECT(ringbuf_mpmc_consumer_read_many(consumer, -1, &other, 1), -ECHILD);
    EXPECT(ringbuf_mpmc_producer_flush(producer, -1), -ECHILD);
    EXPECT(ringbuf_mpmc_producer_wait_for_peer(producer, -1), -ECHILD);
    EXPECT(ringbuf_mpmc_consumer_wait_for_peer(consumer, -1), -ECHILD);
    EXPECT(ringbuf_mpmc_producer_stat(producer, &stat), 0);
    EXPECT(stat.writing, 3);
    EXPECT(stat.reading, 1);
    EXPECT(ringbuf_mpmc_producer_fd(producer) >= 0, 1);
    EXPECT(ringbuf_mpmc_consumer_close(consumer), 0);
    EXPECT(ringbuf_mpmc_producer_close(producer), 0);
}

/* Dies with a message that it holds, and a claim. */
static void takes_one_and_dies(void)
{
    struct ringbuf_mpmc_consumer *reader;
    struct ringbuf_mpmc_producer *writer;
    struct ringbuf_mpmc_message held;
    struct ringbuf_mpmc_claim open;
    int fd = ringbuf_mpmc_producer_fd(producer);

    EXPECT(ringbuf_mpmc_consumer_open_fd(fd, NULL, &reader), 0);
    EXPECT(ringbuf_mpmc_producer_open_fd(fd, NULL, &writer), 0);
    EXPECT(ringbuf_mpmc_producer_claim(writer, 1, 0, &open), 0);
    EXPECT(ringbuf_mpmc_consumer_read(reader, HANG_NS, &held), 0);
    EXPECT(held.tag, 1);
}

static void a_child_has_nothing_of_its_parents(void)
{
    push(5);
    EXPECT(ringbuf_mpmc_producer_claim(producer, 1, 0, &claim), 0);
    EXPECT(ringbuf_mpmc_consumer_read(consumer, 0, &message), 0);
    EXPECT(message.tag, 5);
    EXPECT(ringbuf_mpmc_producer_claim_many(producer, 1, 0, more, 2), 2);
    in_a_child(inherits_everything);
    EXPECT(ringbuf_mpmc_claim_commit(&claim, 0, 6), 0);
    EXPECT(ringbuf_mpmc_claim_abort_many(more, 2), 0);
    EXPECT(ringbuf_mpmc_message_release(&message), 0);
    EXPECT(ringbuf_mpmc_consumer_read(consumer, 0, &message), 0);
    EXPECT(message.tag, 6);
    EXPECT(ringbuf_mpmc_message_release(&message), 0);
}

static void what_a_dead_child_held_comes_again(uint64_t again)
{
    struct ringbuf_mpmc_stat stat = RINGBUF_MPMC_STAT_INIT;

    push(1);
    in_a_child(takes_one_and_dies);
    /* Whoever reads it again is alive, and has not yet. */
    EXPECT(ringbuf_mpmc_producer_flush(producer, SHORT_NS), -ETIMEDOUT);
    push(2);
    if (again) {
        EXPECT(ringbuf_mpmc_consumer_read(consumer, HANG_NS, &message), 0);
        EXPECT(message.tag, 1);
        EXPECT(message.flags, RINGBUF_REDELIVERED);
        EXPECT(message.redelivered, 1);
        EXPECT(ringbuf_mpmc_message_release(&message), 0);
    }
    EXPECT(ringbuf_mpmc_consumer_read(consumer, HANG_NS, &message), 0); /* past its claim */
    EXPECT(message.tag, 2);
    EXPECT(message.flags, 0);
    EXPECT(ringbuf_mpmc_message_release(&message), 0);
    /* Whether it is dropped before or after 2 was read is not said. */
    do {
        EXPECT(ringbuf_mpmc_consumer_read(consumer, SHORT_NS, &message), -ETIMEDOUT);
        EXPECT(ringbuf_mpmc_consumer_stat(consumer, &stat), 0);
    } while (!again && stat.dropped == 0);
    EXPECT(stat.redelivered, again);
    EXPECT(stat.dropped, !again);
    EXPECT(stat.writing + stat.ready + stat.reading + stat.orphans, 0);
}

/* The consumer is closed by now. */
static void who_flushes_is_told_that_the_last_reader_died(void)
{
    push(1);
    in_a_child(takes_one_and_dies);
    EXPECT(ringbuf_mpmc_producer_flush(producer, -1), -EOWNERDEAD);
}

int main(void)
{
    struct ringbuf_options options = RINGBUF_OPTIONS_INIT;

    options.shape = RINGBUF_BYTES;
    options.flags = RINGBUF_FAST;
    options.capacity = 64;
    options.slot_size = 8;
    for (options.redelivery = 0; options.redelivery < 2; options.redelivery++) {
        EXPECT(ringbuf_mpmc_producer_create_unnamed(&options, &producer), 0);
        EXPECT(ringbuf_mpmc_consumer_open_fd(ringbuf_mpmc_producer_fd(producer), NULL, &consumer),
               0);
        a_child_has_nothing_of_its_parents();
        what_a_dead_child_held_comes_again(options.redelivery == RINGBUF_REDELIVERY_REDELIVER);
        EXPECT(ringbuf_mpmc_consumer_close(consumer), 0);
        who_flushes_is_told_that_the_last_reader_died();
        EXPECT(ringbuf_mpmc_producer_close(producer), 0);
    }
    return 0;
}
