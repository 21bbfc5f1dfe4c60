/*
 * errors DIRECTORY: meets the errors of the table in ringbuf.h one after the
 * other.  tests/c_programs.rs has put some files into the directory:
 *
 *     junk     a file that is not a ring
 *     typed    a ring of values of a Rust type
 *     stale    a ring from another boot
 *     reset    another one, that is to be replaced
 *     corrupt  a ring with an impossible position
 *     spoiled  a ring with a message of an impossible length
 *     lent     a ring to which everybody may write
 *     folder   a directory
 */
#include "expect.h"
#include "message.h"
#include "ringbuf.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHORT_NS 1000000

static const char *directory;

static const char *in_directory(const char *name)
{
    static char path[4096];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static struct ringbuf_options small_options(void)
{
    struct ringbuf_options options = RINGBUF_OPTIONS_INIT;

    options.shape = RINGBUF_BYTES;
    options.capacity = 2;
    options.slot_size = 8;
    return options;
}

static void push(struct ringbuf_producer *producer)
{
    void *data;

    EXPECT(ringbuf_producer_claim(producer, 8, 0, &data), 0);
    memset(data, 1, 8);
    EXPECT(ringbuf_producer_commit(producer, 8, 0), 0);
}

static void full_and_empty(void)
{
    struct ringbuf_options options = small_options();
    struct ringbuf_producer *producer;
    struct ringbuf_consumer *consumer;
    struct ringbuf_message message;
    void *data;

    EXPECT(ringbuf_producer_create_unnamed(&options, &producer), 0);
    EXPECT(ringbuf_producer_peer(producer), RINGBUF_PEER_ABSENT);
    EXPECT(ringbuf_producer_wait_for_peer(producer, 0), -EAGAIN);
    EXPECT(ringbuf_producer_wait_for_peer(producer, SHORT_NS), -ETIMEDOUT);
    EXPECT(ringbuf_consumer_open_fd(ringbuf_producer_fd(producer), NULL, &consumer), 0);
    EXPECT(ringbuf_producer_peer(producer), RINGBUF_PEER_ALIVE);
    EXPECT(ringbuf_producer_wait_for_peer(producer, -1), 0);

    EXPECT(ringbuf_consumer_read(consumer, 0, &message), -EAGAIN);
    EXPECT(ringbuf_consumer_read(consumer, SHORT_NS, &message), -ETIMEDOUT);
    EXPECT(ringbuf_producer_flush(producer, 0), 0);
    push(producer);
    push(producer);
    EXPECT(ringbuf_producer_flush(producer, 0), -EAGAIN);
    EXPECT(ringbuf_producer_flush(producer, SHORT_NS), -ETIMEDOUT);
    EXPECT(ringbuf_producer_claim(producer, 8, 0, &data), -EAGAIN);
    EXPECT(ringbuf_producer_claim(producer, 8, SHORT_NS, &data), -ETIMEDOUT);

    EXPECT(ringbuf_consumer_close(consumer), 0);
    EXPECT(ringbuf_producer_claim(producer, 8, 0, &data), -EPIPE);
    EXPECT(ringbuf_producer_claim(producer, 8, -1, &data), -EPIPE);
    EXPECT(ringbuf_producer_flush(producer, -1), -EPIPE);
    EXPECT(ringbuf_producer_peer(producer), RINGBUF_PEER_CLOSED);
    EXPECT(ringbuf_consumer_open_fd(ringbuf_producer_fd(producer), NULL, &consumer), -ESHUTDOWN);
    EXPECT(consumer == NULL, 1);
    EXPECT(ringbuf_producer_close(producer), 0);
}

static void closed_by_the_producer(void)
{
    struct ringbuf_options options = small_options();
    struct ringbuf_producer *producer;
    struct ringbuf_consumer *consumer;
    struct ringbuf_message message;

    options.flags = RINGBUF_REOPEN;
    EXPECT(ringbuf_consumer_create_unnamed(&options, &consumer), 0);
    EXPECT(ringbuf_producer_open_fd(ringbuf_consumer_fd(consumer), NULL, &producer), 0);
    push(producer);
    EXPECT(ringbuf_producer_close(producer), 0);
    EXPECT(ringbuf_consumer_set_slip(consumer, RINGBUF_SLIP_LONG + 1), -EINVAL);
    EXPECT(ringbuf_consumer_set_slip(NULL, RINGBUF_SLIP_NONE), -EINVAL);
    EXPECT(ringbuf_consumer_set_slip(consumer, RINGBUF_SLIP_LONG), 0);
    EXPECT(ringbuf_consumer_read(consumer, -1, &message), 0); /* first what is left */
    EXPECT(ringbuf_consumer_set_slip(consumer, RINGBUF_SLIP_NONE), -EBUSY);
    EXPECT(ringbuf_consumer_release(consumer), 0);
    EXPECT(ringbuf_consumer_read(consumer, 0, &message), -EPIPE);
    EXPECT(ringbuf_consumer_read(consumer, -1, &message), -EPIPE);

    EXPECT(ringbuf_producer_open_fd(ringbuf_consumer_fd(consumer), NULL, &producer), 0);
    push(producer);
    EXPECT(ringbuf_consumer_read(consumer, -1, &message), 0);
    EXPECT(ringbuf_consumer_close(consumer), 0);
    EXPECT(ringbuf_producer_close(producer), 0);
}

static void names(void)
{
    struct ringbuf_options options = small_options();
    struct ringbuf_producer *producer;
    struct ringbuf_producer *second;
    struct ringbuf_consumer *consumer;
    struct ringbuf_stat stat = RINGBUF_STAT_INIT;
    const char *name = in_directory("named");
    unsigned char metadata[RINGBUF_METADATA_MAX];
    size_t length;

    options.metadata = "caps";
    options.metadata_length = 4;
    options.type_name = "tick v1";
    EXPECT(ringbuf_producer_open(name, NULL, &producer), -ENOENT);
    EXPECT(ringbuf_unlink(name), -ENOENT);
    EXPECT(ringbuf_producer_create(name, &options, &producer), 0);
    EXPECT(ringbuf_producer_create(name, &options, &second), -EEXIST);
    EXPECT(ringbuf_producer_open(name, NULL, &second), -EBUSY);
    EXPECT(ringbuf_producer_create_or_open(name, &options, &second), -EBUSY);

    EXPECT(ringbuf_stat(name, &stat), 0);
    EXPECT(stat.shape, RINGBUF_BYTES);
    EXPECT(stat.capacity, 2);
    EXPECT(stat.length_max, 8);
    EXPECT(stat.producer.presence, RINGBUF_PEER_ALIVE);
    EXPECT(stat.producer.incarnation, 1);
    EXPECT(stat.consumer.presence, RINGBUF_PEER_ABSENT);

    options.capacity = 4;
    EXPECT(ringbuf_consumer_create_or_open(name, &options, &consumer), -EPROTO);
    EXPECT(ringbuf_consumer_open(name, &options, &consumer), 0); /* which takes any size */
    EXPECT(ringbuf_consumer_length_max(consumer, &length), 0);
    EXPECT(length, 8);
    EXPECT(ringbuf_consumer_metadata(consumer, NULL, 0, &length), 0);
    EXPECT(length, 4);
    EXPECT(ringbuf_consumer_metadata(consumer, NULL, 1, &length), -EINVAL);
    memset(metadata, 0, sizeof(metadata));
    EXPECT(ringbuf_consumer_metadata(consumer, metadata, 2, &length), 0);
    EXPECT(length, 4);
    EXPECT(memcmp(metadata, "ca", 3), 0);
    EXPECT(ringbuf_consumer_metadata(consumer, metadata, sizeof(metadata), &length), 0);
    EXPECT(memcmp(metadata, "caps", 5), 0);
    EXPECT(ringbuf_consumer_close(consumer), 0);

    EXPECT(ringbuf_unlink(name), 0);
    EXPECT(ringbuf_stat(name, &stat), -ENOENT);
    EXPECT(ringbuf_producer_close(producer), 0);
}

static void other_messages_than_expected(void)
{
    struct ringbuf_options options = small_options();
    struct ringbuf_producer *producer;
    struct ringbuf_consumer *consumer;
    const char *name = in_directory("typed");
    struct ringbuf_stat stat = RINGBUF_STAT_INIT;

    EXPECT(ringbuf_stat(name, &stat), 0);
    EXPECT(stat.shape, RINGBUF_TYPED);
    EXPECT(ringbuf_consumer_open(name, NULL, &consumer), -EPROTO);

    name = in_directory("shaped");
    options.type_name = "tick v1";
    EXPECT(ringbuf_producer_create(name, &options, &producer), 0);
    options = small_options();
    options.type_name = "tick v2";
    EXPECT(ringbuf_consumer_open(name, &options, &consumer), -EPROTO);
    EXPECT(ringbuf_consumer_open_fd(ringbuf_producer_fd(producer), &options, &consumer), -EPROTO);
    options.type_name = NULL;
    options.shape = RINGBUF_RECORDS;
    options.slot_size = 0;
    EXPECT(ringbuf_consumer_open(name, &options, &consumer), -EPROTO);
    EXPECT(ringbuf_consumer_open_fd(ringbuf_producer_fd(producer), &options, &consumer), -EPROTO);
    options.shape = RINGBUF_BYTES;
    EXPECT(ringbuf_consumer_open(name, &options, &consumer), 0);
    EXPECT(ringbuf_consumer_close(consumer), 0);
    EXPECT(ringbuf_producer_close(producer), 0);
}

static void files_that_are_no_good(void)
{
    struct ringbuf_options options = small_options();
    struct ringbuf_producer *producer;
    struct ringbuf_consumer *consumer;
    struct ringbuf_message message;
    struct ringbuf_stat stat = RINGBUF_STAT_INIT;
    static char long_path[300];

    EXPECT(ringbuf_consumer_open(in_directory("junk"), NULL, &consumer), -EPROTO);
    EXPECT(ringbuf_stat(in_directory("junk"), &stat), -EPROTO);
    EXPECT(ringbuf_consumer_open(in_directory("stale"), NULL, &consumer), -ESTALE);
    EXPECT(ringbuf_stat(in_directory("stale"), &stat), -ESTALE);
    EXPECT(ringbuf_consumer_open(in_directory("lent"), NULL, &consumer), -EPERM);
    EXPECT(ringbuf_consumer_open(in_directory("folder"), NULL, &consumer), -EPERM);

    EXPECT(ringbuf_producer_open(in_directory("corrupt"), NULL, &producer), -EBADMSG);
    EXPECT(ringbuf_consumer_open(in_directory("corrupt"), NULL, &consumer), -EBADMSG);
    EXPECT(ringbuf_consumer_open(in_directory("spoiled"), NULL, &consumer), 0);
    EXPECT(ringbuf_consumer_read(consumer, 0, &message), -EBADMSG);
    EXPECT(ringbuf_consumer_read(consumer, -1, &message), -EBADMSG);
    EXPECT(ringbuf_consumer_release(consumer), -EINVAL);
    EXPECT(ringbuf_consumer_close(consumer), 0);

    memset(long_path, 'a', sizeof(long_path) - 1);
    EXPECT(ringbuf_producer_create(in_directory(long_path), &options, &producer), -ENAMETOOLONG);
    EXPECT(ringbuf_producer_create(in_directory("no/where"), &options, &producer), -ENOENT);
    EXPECT(ringbuf_consumer_open_fd(-1, NULL, &consumer), -EBADF);
    EXPECT(ringbuf_consumer_open_fd(1000000, NULL, &consumer), -EBADF);
}

/* A ring that its group may write to is opened by those who trust its owner. */
static void sharing_with_a_group(void)
{
    struct ringbuf_options options = small_options();
    struct ringbuf_producer *producer;
    struct ringbuf_consumer *consumer;
    const char *name = in_directory("shared");
    struct stat file;

    options.mode = 0660;
    options.flags = RINGBUF_GROUP | RINGBUF_PREFAULT;
    options.group = (uint32_t)getgid();
    EXPECT(ringbuf_producer_create(name, &options, &producer), 0);
    EXPECT(stat(name, &file), 0);
    EXPECT(file.st_mode & 0777, 0660);
    EXPECT(file.st_gid, getgid());
    EXPECT(ringbuf_consumer_open(name, NULL, &consumer), -EPERM);
    options.flags |= RINGBUF_TRUST_OWNER;
    options.owner = (uint32_t)getuid();
    EXPECT(ringbuf_consumer_open(name, &options, &consumer), 0);
    EXPECT(ringbuf_consumer_close(consumer), 0);
    EXPECT(ringbuf_producer_close(producer), 0);
}

/* A name without '/' is in $RINGBUF_DIR, if nobody else can change what is there. */
static void the_directory_of_rings(void)
{
    struct ringbuf_options options = small_options();
    struct ringbuf_producer *producer;
    struct ringbuf_stat stat = RINGBUF_STAT_INIT;

    EXPECT(setenv("RINGBUF_DIR", in_directory("folder"), 1), 0);
    EXPECT(chmod(in_directory("folder"), 0700), 0);
    EXPECT(ringbuf_producer_create("plain", &options, &producer), 0);
    EXPECT(ringbuf_stat(in_directory("folder/plain"), &stat), 0);
    EXPECT(ringbuf_producer_close(producer), 0);
    EXPECT(chmod(in_directory("folder"), 0777), 0);
    EXPECT(ringbuf_producer_create("other", &options, &producer), -EPERM);
    EXPECT(ringbuf_stat("plain", &stat), -EPERM);
    EXPECT(ringbuf_unlink("plain"), -EPERM);
}

static void a_ring_of_another_boot_can_be_replaced(void)
{
    struct ringbuf_consumer *consumer;
    struct ringbuf_stat stat = RINGBUF_STAT_INIT;

    EXPECT(ringbuf_consumer_open(in_directory("reset"), NULL, &consumer), 0);
    EXPECT(ringbuf_consumer_stat(consumer, &stat), 0);
    EXPECT(stat.committed, 0);
    EXPECT(stat.producer.presence, RINGBUF_PEER_ABSENT);
    EXPECT(ringbuf_consumer_close(consumer), 0);
}

static void wishes_about_memory_are_granted_or_not(void)
{
    struct ringbuf_options options = small_options();
    struct ringbuf_producer *producer;
    struct ringbuf_stat stat = RINGBUF_STAT_INIT;

    options.flags = RINGBUF_PREFAULT | RINGBUF_LOCK_MEMORY;
    EXPECT(ringbuf_producer_create_unnamed(&options, &producer), 0);
    EXPECT(ringbuf_producer_stat(producer, &stat), 0);
    EXPECT(stat.granted & ~options.flags, 0);
    EXPECT(ringbuf_producer_close(producer), 0);
}

static void no_room(void)
{
    struct ringbuf_options options = small_options();
    struct ringbuf_producer *producer;
    struct rlimit limit;
    struct rlimit small;

    /* No file of this process may exceed 64 KiB, which no ring is below. */
    EXPECT(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = limit;
    small.rlim_cur = 65536;
    signal(SIGXFSZ, SIG_IGN);
    EXPECT(setrlimit(RLIMIT_FSIZE, &small), 0);
    EXPECT(ringbuf_producer_create(in_directory("large"), &options, &producer), -ENOSPC);
    EXPECT(ringbuf_producer_create_unnamed(&options, &producer), -ENOSPC);
    EXPECT(setrlimit(RLIMIT_FSIZE, &limit), 0);
    EXPECT(ringbuf_producer_open(in_directory("large"), NULL, &producer), -ENOENT);
}

static void every_error_has_a_text(void)
{
    int error;

    for (error = -140; error < 140; error++)
        EXPECT(strlen(ringbuf_strerror(error)) > 0, 1);
    EXPECT(strlen(ringbuf_strerror(INT32_MIN)) > 0, 1);
    EXPECT(strcmp(ringbuf_strerror(-EPIPE), "the other side closed the ring"), 0);
    EXPECT(strcmp(ringbuf_strerror(EPIPE), ringbuf_strerror(-EPIPE)), 0);
    EXPECT(strcmp(ringbuf_strerror(-EBADF), strerror(EBADF)), 0);
    EXPECT(strcmp(ringbuf_strerror(0), "success"), 0);
}

static void versions(void)
{
    EXPECT(ringbuf_version(), RINGBUF_VERSION);
    EXPECT(ringbuf_version_string()[0], '0' + RINGBUF_VERSION_MAJOR);
    EXPECT(ringbuf_format_version(), 1);
}

int main(int argc, char **argv)
{
    EXPECT(argc, 2);
    directory = argv[1];
    full_and_empty();
    closed_by_the_producer();
    names();
    other_messages_than_expected();
    files_that_are_no_good();
    sharing_with_a_group();
    the_directory_of_rings();
    a_ring_of_another_boot_can_be_replaced();
    wishes_about_memory_are_granted_or_not();
    no_room();
    every_error_has_a_text();
    versions();
    return 0;
}
