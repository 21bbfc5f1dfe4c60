/*
 * ringbuf: a ring buffer in shared memory, for messages from one process to
 * another.
 *
 * A ring is a memory-mapped file with a name.  One producer writes messages in
 * place, one consumer reads them in place: no copy, no daemon, no lock, and no
 * system call while both sides are awake.  Any process may be killed at any
 * instruction; the other goes on, and a successor takes the dead one's seat.
 *
 *     struct ringbuf_options options = RINGBUF_OPTIONS_INIT;
 *     struct ringbuf_producer *camera;
 *     void *frame;
 *     int error;
 *
 *     options.shape = RINGBUF_BYTES;
 *     options.capacity = 8;
 *     options.slot_size = 1920 * 1080 * 3 / 2;
 *     error = ringbuf_producer_create("camera0", &options, &camera);
 *     if (error == 0)
 *         error = ringbuf_producer_claim(camera, options.slot_size, -1, &frame);
 *     if (error == 0)
 *         error = ringbuf_producer_commit(camera, fill(frame), 0);
 *     if (error != 0)
 *         fprintf(stderr, "camera: %s\n", ringbuf_strerror(error));
 *
 * Rings of many.  A ring made by a ringbuf_mpmc_... call has room for many
 * producers and many consumers; each message goes to exactly one of them.  See
 * "Rings of many" below.
 *
 * Broadcast rings.  A ring made by a ringbuf_broadcast_... call has one publisher
 * and many subscribers; each message goes to every one of them.  See "Broadcast
 * rings" below.  All else here is said of all three.
 *
 * Shapes.  A ring holds BYTES, up to SLOT_SIZE in each of its slots, every
 * message with a length, a tag and a time (video frames); or RECORDS of any
 * length up to half the ring, one behind the other (packets, lines).  The calls
 * are the same.
 *
 * Names.  "camera0" is a file in /dev/shm/ringbuf-<user id>, or in the directory
 * that the environment variable RINGBUF_DIR names.  A name with a '/' is a path.
 * A name is 1 to 200 bytes of UTF-8 without control characters and begins with
 * neither '.' nor '-'.
 *
 * Results.  Every call that can fail returns an int: 0, or the answer if it has
 * one of zero or more, or a negative number of <errno.h>.  The global errno is
 * left undefined.  Next to each function stand all the errors it has of its
 * own; where it says "or the system's own", any other of <errno.h> tells why the
 * kernel refused.  On failure nothing was done, and what pointers were to
 * receive is as it was, but for new handles, which are NULL.  One number means
 * one thing in all calls:
 *
 *     -EAGAIN      not now: full, empty, others were faster, nobody there; the call
 *                  was not to wait
 *     -ETIMEDOUT   not within the time given
 *     -EPIPE       the other side closed the ring; a reader has read everything
 *     -EOWNERDEAD  the other side died; a reader has read everything; a
 *                  successor may come
 *     -EMSGSIZE    too long: for this ring ever, or for what was claimed
 *     -EBADMSG     corrupt: a shared word holds an impossible value; close the
 *                  handle and create the ring anew
 *     -EPROTO      the file is not a ring, or of another version, byte order or
 *                  feature set, or damaged; or its kind, shape, type or sizes
 *                  are not those that were asked for
 *     -EBUSY       this side of the ring is in use by a living process; or a
 *                  claim or a message is open on the handle
 *     -EUSERS      all seats that the ring has for this side are taken by living
 *                  processes
 *     -ETOOMANYREFS  the subscribers of a broadcast ring have too many of its
 *                  views already
 *     -EOVERFLOW   messages were lost: the publisher did not wait any longer for
 *                  this subscriber, which reads on
 *     -ENOBUFS     this subscriber holds as many messages as it may
 *     -ECONNABORTED  the message was broken off: its publisher gave it up, or died
 *     -ESHUTDOWN   this side of the ring was closed for good: the ring was not
 *                  created with RINGBUF_REOPEN
 *     -EINVAL      the caller's mistake: NULL, a bad name, an unknown option, an
 *                  impossible size, a lane there is not, an end without a
 *                  beginning
 *     -ENOENT      there is no ring of this name
 *     -EEXIST      a ring of this name exists already
 *     -ENOSPC      no room for the ring in its file system
 *     -ESTALE      the ring is from before the last restart of the machine
 *     -EPERM       not safe: the file or its directory belongs to another user,
 *                  is open to others, or is not a plain file; or not permitted
 *     -EOPNOTSUPP  the file system cannot set memory aside for a ring
 *     -ECHILD      the handle was inherited over fork(); open the ring here
 *
 * Threads.  A handle is used by one thread at a time.  It may move to another
 * thread if something orders the two (a mutex, a join).  Different handles are
 * independent, also of one ring; and so are claims and messages of a ring of
 * many, and messages and parts of a broadcast ring, of each other and of their
 * handles.
 *
 * Processes.  A child of fork() cannot use the handles it inherits: calls answer
 * -ECHILD and touch nothing shared, looking at statistics excepted, and closing
 * them frees their memory and no more.  The child opens the ring itself, by name or by the descriptor of
 * ringbuf_producer_fd(), which it may take from the inherited handle.  After
 * exec() they are gone without having been closed: to the other side, a death.
 *
 * Signals and cancellation.  No function may be called from a signal handler.
 * A signal does not end a wait, and no call answers -EINTR.  A thread must not
 * be cancelled (pthread_cancel) inside a call.
 *
 * Waiting.  TIMEOUT_NS is in nanoseconds: 0 tries and does not wait, a negative
 * number waits without limit.  A wait spins for some microseconds and then
 * sleeps in the kernel.  One that waits learns within 50 ms that the other side
 * died.  A side that never came is waited for.
 *
 * Death.  What was committed before a producer was killed is delivered; what was
 * claimed is not.  What a consumer was shown and had not released when it was
 * killed goes to the next consumer again, with RINGBUF_REDELIVERED, unless the
 * ring was created with RINGBUF_REDELIVERY_DROP.  Subscribers of a broadcast ring
 * have every message for themselves: nothing is delivered again.
 *
 * Caveats.
 * - Whoever may write to the file is trusted as this user is.  Impossible values
 *   in it make calls fail with -EBADMSG and do no other harm, but whoever
 *   truncates the file kills its users with SIGBUS, and a message in place may
 *   change under its reader if the producer breaks the rules.
 * - Linux, 64-bit; both sides on one machine and, for sleeping and for knowing
 *   who lives, one kernel.  Not for network file systems.
 * - A program that must not wait for ever gives a timeout: a stopped process
 *   (SIGSTOP) is alive and is waited for.
 * - A defect in the library itself ends the process with SIGABRT and never
 *   unwinds into the caller; to the other side that is a death like any other.
 *
 * ABI.md says what of all this stays as it is in later versions.
 */
#ifndef RINGBUF_H
#define RINGBUF_H

#include <stddef.h>
#include <stdint.h>

#if !defined(__linux__) || UINTPTR_MAX != UINT64_MAX
#error "ringbuf supports 64-bit Linux only"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header. */
#define RINGBUF_VERSION_MAJOR 0
#define RINGBUF_VERSION_MINOR 1
#define RINGBUF_VERSION_PATCH 0
#define RINGBUF_VERSION \
    (RINGBUF_VERSION_MAJOR << 16 | RINGBUF_VERSION_MINOR << 8 | RINGBUF_VERSION_PATCH)

/*
 * The writing end and the reading end of a ring.  A ring has at most one living
 * producer and one living consumer.
 */
struct ringbuf_producer;
struct ringbuf_consumer;

/* What a message is: the shape of a ring. */
#define RINGBUF_BYTES 1u   /* up to slot_size bytes, with length, tag and time */
#define RINGBUF_RECORDS 2u /* bytes of any length up to half the ring */
#define RINGBUF_TYPED 3u   /* values of one Rust type; C sees such a ring only
                              in struct ringbuf_stat, and cannot open it */

/* How the peers of a ring sleep. */
#define RINGBUF_SLEEPER_FUTEX 0u /* in the kernel, after a short spin */
#define RINGBUF_SLEEPER_SPIN 1u  /* never: who waits keeps its core busy */

/* What becomes of what a consumer was shown and had not released when it died. */
#define RINGBUF_REDELIVERY_REDELIVER 0u /* the next consumer gets it again */
#define RINGBUF_REDELIVERY_DROP 1u      /* it is dropped, and counted */

/* How long a consumer pauses after a burst, before it looks for more. */
#define RINGBUF_SLIP_NONE 0u  /* not at all: as every consumer at first */
#define RINGBUF_SLIP_SHORT 1u /* 16 spin hints of the processor, about 0.3 us */
#define RINGBUF_SLIP_LONG 2u  /* 64 of them, about 1.3 us */

/* What to do with a ring from before the last restart of the machine. */
#define RINGBUF_OTHER_BOOT_REFUSE 0u /* refuse to open it: -ESTALE */
#define RINGBUF_OTHER_BOOT_RESET 1u  /* replace it by an empty one, when opened */

/* Flags of struct ringbuf_options. */
#define RINGBUF_REOPEN (1u << 0)      /* a side may be taken again after it closed */
#define RINGBUF_PREFAULT (1u << 1)    /* fault every page in while opening */
#define RINGBUF_LOCK_MEMORY (1u << 2) /* keep every page in memory (mlock) */
#define RINGBUF_HUGE_PAGES (1u << 3)  /* ask for huge pages under the messages */
#define RINGBUF_GROUP (1u << 4)       /* give the file to the group `group` */
#define RINGBUF_TRUST_OWNER (1u << 5) /* open rings of the user `owner` too */
#define RINGBUF_FAST (1u << 6)        /* a ring of many that waits for the stopped */
#define RINGBUF_FULL_FENCE (1u << 7)  /* whoever publishes pays, nobody is interrupted */

/* What a ring takes of the user's own, in bytes. */
#define RINGBUF_METADATA_MAX 4096
#define RINGBUF_TYPE_NAME_MAX 256

/*
 * struct ringbuf_options says how a ring is made and opened.
 *
 * Begin with RINGBUF_OPTIONS_INIT and set what is to be different.  Zero means
 * the default everywhere.  The calls that create a ring use all of it; those
 * that open one use `shape`, `type_name`, `owner` and the flags PREFAULT,
 * LOCK_MEMORY, HUGE_PAGES and TRUST_OWNER, and check the rest for sense alone:
 * both sides can share one set of options.
 *
 * Nothing is kept of what the pointers point to after the call.
 *
 * size              set by RINGBUF_OPTIONS_INIT.
 * shape             RINGBUF_BYTES or RINGBUF_RECORDS.  Must be set to create; 0
 *                   opens a ring of either shape.
 * capacity          how many slots (1,024), or how many bytes of records (1
 *                   MiB); rounded up to a power of two.
 * slot_size         bytes of the longest message, of BYTES only; must be set to
 *                   create such a ring.
 * record_alignment  8 (the default) or 64, of RECORDS only: what the address of
 *                   each record is a multiple of.  Slots are at multiples of 64.
 * sleeper           RINGBUF_SLEEPER_...
 * redelivery        RINGBUF_REDELIVERY_...
 * other_boot        RINGBUF_OTHER_BOOT_...
 * flags             any of the flags above.  The three about memory are wishes:
 *                   what was granted stands in struct ringbuf_stat.  In a ring
 *                   of many with RINGBUF_FAST, a process that is stopped or slow
 *                   with a message in its hands holds up those who come to it;
 *                   without, they pass it by, and each commit and each release
 *                   costs a compare-and-swap more.  With RINGBUF_FULL_FENCE,
 *                   each message or batch costs its writer and its reader a fence,
 *                   some 20 to 80 ns; without, who goes to sleep makes the kernel
 *                   interrupt the processors on which such rings are used, and any
 *                   process that opened one can be interrupted so until it ends.
 *                   No difference where nobody sleeps.
 * mode              the mode of the file, 0600 by default.  For a ring that is
 *                   shared with a group: 0660, RINGBUF_GROUP, a path that both
 *                   reach, and RINGBUF_TRUST_OWNER on the other side.
 * group             the group of the file, with RINGBUF_GROUP.
 * owner             whose rings are opened too, with RINGBUF_TRUST_OWNER.  That
 *                   user, and the group of the ring, are trusted as yourself.
 * metadata          up to RINGBUF_METADATA_MAX bytes for whoever opens the ring:
 *                   a video's format, a schema.  Written once.
 * metadata_length   how many they are.
 * type_name         a name for the type of the messages, UTF-8, at most
 *                   RINGBUF_TYPE_NAME_MAX bytes.  An opener that gives a name is
 *                   refused by a ring of another one.
 *
 * Of rings of many only; 0 in all other calls:
 *
 * lanes             how many lanes it has: 1 (the default) to 64.
 * producers_max     how many producers it has room for (64),
 * consumers_max     and how many consumers (64): at least 1 of each, and 4,096
 *                   together.
 * redeliveries_max  how often a message is delivered again because the consumer
 *                   that was shown it died, before it is dropped and counted: 1
 *                   to 254 (8).
 *
 * Of broadcast rings only; 0 in all other calls:
 *
 * subscribers_max   how many subscribers it has room for: 1 to 1,024 (16).
 * views_max         how many messages may be looked at at once, by all
 *                   subscribers together: 1 to 4,096 (32).  Each costs a slot.
 * reader_patience_ns  how long the publisher waits for a lossless subscriber
 *                   before it goes on without it, in nanoseconds; 0: for ever.
 */
struct ringbuf_options {
    uint32_t size;
    uint32_t shape;
    uint64_t capacity;
    uint64_t slot_size;
    uint32_t record_alignment;
    uint32_t sleeper;
    uint32_t redelivery;
    uint32_t other_boot;
    uint32_t flags;
    uint32_t mode;
    uint32_t group;
    uint32_t owner;
    const void *metadata;
    size_t metadata_length;
    const char *type_name;
    uint32_t lanes;
    uint32_t producers_max;
    uint32_t consumers_max;
    uint32_t redeliveries_max;
    uint32_t subscribers_max;
    uint32_t views_max;
    uint64_t reader_patience_ns;
};

#define RINGBUF_OPTIONS_INIT                                                     \
    { sizeof(struct ringbuf_options), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 0,  \
      NULL, 0, 0, 0, 0, 0, 0, 0 }

/* Flags of struct ringbuf_message. */
#define RINGBUF_REDELIVERED (1u << 0) /* shown before, to a consumer that died */

/*
 * struct ringbuf_message is a message in place.
 *
 * data      where it is; readable until it is released, aligned as the ring's
 *           shape says.
 * length    how many bytes it has; may be 0.
 * tag       the producer's own 64 bits; 0 in a ring of records.
 * time_ns   when it was committed, nanoseconds of CLOCK_MONOTONIC; 0 in a ring
 *           of records.
 * flags     RINGBUF_REDELIVERED, or 0; later versions may have more.
 * reserved  0.
 */
struct ringbuf_message {
    const void *data;
    size_t length;
    uint64_t tag;
    uint64_t time_ns;
    uint32_t flags;
    uint32_t reserved;
};

/* Whether somebody sits on a side of a ring. */
#define RINGBUF_PEER_ABSENT 0u /* nobody ever did */
#define RINGBUF_PEER_ALIVE 1u  /* yes, and its process lives, perhaps stopped */
#define RINGBUF_PEER_CLOSED 2u /* its last holder closed the handle */
#define RINGBUF_PEER_DEAD 3u   /* its last holder died */

/*
 * struct ringbuf_peer_stat is what is known about one side.
 *
 * presence     RINGBUF_PEER_...
 * incarnation  how often the seat was taken, modulo 2^17 - 1.
 * pid          the process id of the last holder, as it saw itself; 0: nobody.
 * unfenced     how often this side slept for a millisecond at most, because the
 *              kernel refused it membarrier(), without which it may miss that it
 *              is woken; 2^32 - 1 is that often, or more.
 * since_ns     when the seat was taken, nanoseconds of CLOCK_MONOTONIC.
 * sleeps       how often this side asked the kernel to let it sleep,
 * wakes        to wake the other,
 * probes       and whether the other lives.
 */
struct ringbuf_peer_stat {
    uint32_t presence;
    uint32_t incarnation;
    uint32_t pid;
    uint32_t unfenced;
    uint64_t since_ns;
    uint64_t sleeps;
    uint64_t wakes;
    uint64_t probes;
};

/*
 * struct ringbuf_stat is what a ring can tell about itself.
 *
 * Begin with RINGBUF_STAT_INIT.  The snapshot stops nobody: numbers of one side
 * belong together, those of the two sides may be a few messages apart.
 *
 * size         set by RINGBUF_STAT_INIT; the call sets it to how many bytes it
 *              filled, and what is behind them to zero.
 * shape        RINGBUF_BYTES, RINGBUF_RECORDS or RINGBUF_TYPED.
 * capacity     slots, or bytes of records.
 * used         of these, in use.
 * taken        of these, shown to the consumer and not released.
 * committed    messages committed,
 * released     released,
 * dropped      dropped, because a consumer died with them,
 * redelivered  and delivered again for the same reason.
 * length_max   bytes of the longest message.
 * memory       bytes that the ring takes.
 * created_ns   when it was made, nanoseconds since 1970.
 * granted      the flags about memory that were granted to the handle asked.
 * reserved     0.
 * producer     the two sides.
 * consumer
 * id           16 bytes that no other ring has.
 */
struct ringbuf_stat {
    uint32_t size;
    uint32_t shape;
    uint64_t capacity;
    uint64_t used;
    uint64_t taken;
    uint64_t committed;
    uint64_t released;
    uint64_t dropped;
    uint64_t redelivered;
    uint64_t length_max;
    uint64_t memory;
    uint64_t created_ns;
    uint32_t granted;
    uint32_t reserved;
    struct ringbuf_peer_stat producer;
    struct ringbuf_peer_stat consumer;
    uint8_t id[16];
};

#define RINGBUF_STAT_INIT                                                    \
    { sizeof(struct ringbuf_stat), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,    \
      { 0, 0, 0, 0, 0, 0, 0, 0 }, { 0, 0, 0, 0, 0, 0, 0, 0 }, { 0 } }

/* ---- The library ------------------------------------------------------- */

/*
 * ringbuf_version() is the version of the library that is running, which may be
 * later than RINGBUF_VERSION: major << 16 | minor << 8 | patch.
 *
 * Any thread, never fails.
 */
uint32_t ringbuf_version(void);

/*
 * ringbuf_version_string() is the same as text, "0.1.0".  Never freed.
 *
 * Any thread, never fails.
 */
const char *ringbuf_version_string(void);

/*
 * ringbuf_format_version() is the version of the file format that the library
 * reads and writes.  Programs meet on a ring if theirs are the same.
 *
 * Any thread, never fails.
 */
uint32_t ringbuf_format_version(void);

/*
 * ringbuf_strerror() says in one line what ERROR means, in the terms of a ring
 * for the errors in the table above, else in the system's words.  It takes what
 * a call returned; the sign does not matter.
 *
 * Any thread, never fails, never NULL.  The text must not be freed or changed;
 * that of an error which nobody knows is valid until the next call in this
 * thread.
 */
const char *ringbuf_strerror(int error);

/* ---- Rings by name ----------------------------------------------------- */

/*
 * ringbuf_unlink() removes the name of a ring.
 *
 * Whoever has the ring open keeps it; its memory is given back when the last of
 * them closes it.
 *
 * Any thread; does not block.  Returns 0, or
 *   -ENOENT  there is no ring of this name
 *   -EINVAL  NAME is NULL or cannot name a ring
 *   -EPERM   the directory of rings is not safe
 *   or the system's own
 */
int ringbuf_unlink(const char *name);

/*
 * ringbuf_stat() fills *STAT with what the ring NAME can tell about itself.
 *
 * Takes no seat and disturbs nobody.
 *
 * Any thread; does not block.  Returns 0, or
 *   -ENOENT   there is no ring of this name
 *   -EINVAL   NULL, a name that cannot name a ring, or an impossible size in
 *             STAT->size
 *   -EPROTO   the file is not a ring, or not one of this version, or a ring of
 *             many, see ringbuf_mpmc_stat(), or a broadcast ring, see
 *             ringbuf_broadcast_stat()
 *   -EBADMSG  the ring is corrupt
 *   -ESTALE   the ring is from before the last restart
 *   -EPERM    the file or its directory is not safe
 *   or the system's own
 */
int ringbuf_stat(const char *name, struct ringbuf_stat *stat);

/* ---- The producer ------------------------------------------------------ */

/*
 * ringbuf_producer_create() makes a ring of this name and becomes its producer.
 *
 * Either side may make the ring.  All of its memory is set aside here: no later
 * access fails for want of it.  A process that dies meanwhile leaves no name.
 *
 * On success *PRODUCER is a handle, to be closed by ringbuf_producer_close();
 * else it is NULL.
 *
 * Any thread; waits for the file system only.  Returns 0, or
 *   -EEXIST      the name is taken
 *   -EINVAL      NULL, a name that cannot name a ring, options that make no
 *                sense, no shape, impossible sizes
 *   -EMSGSIZE    the metadata or the type name is too long
 *   -ENOSPC      there is no room
 *   -EOPNOTSUPP  the file system cannot set memory aside
 *   -ENOENT      the directory of the path does not exist
 *   -EPERM       the directory of rings is not safe, or the group is not one's own
 *   -EBUSY       another process was faster to the seat,
 *   -ESHUTDOWN   and has closed it
 *   or the system's own
 */
int ringbuf_producer_create(const char *name, const struct ringbuf_options *options,
                            struct ringbuf_producer **producer);

/*
 * ringbuf_producer_create_or_open() becomes the producer of the ring NAME, which
 * is made if there is none.
 *
 * A ring that exists must be as OPTIONS say, in all but mode, group and memory.
 *
 * Otherwise as ringbuf_producer_create().  Returns 0, or an error of
 * ringbuf_producer_create() other than -EEXIST, or of ringbuf_producer_open(),
 * where
 *   -EPROTO  also means that there is a ring of other sizes or policies
 */
int ringbuf_producer_create_or_open(const char *name, const struct ringbuf_options *options,
                                    struct ringbuf_producer **producer);

/*
 * ringbuf_producer_create_unnamed() makes a ring without a name and becomes its
 * producer.
 *
 * The other side comes by ringbuf_consumer_open_fd(), in this process, in a
 * child, or wherever the descriptor of ringbuf_producer_fd() is passed to.
 *
 * Any thread; does not block.  Returns 0, or
 *   -EINVAL    NULL, options that make no sense, no shape, impossible sizes
 *   -EMSGSIZE  the metadata or the type name is too long
 *   -ENOSPC    there is no room
 *   or the system's own
 */
int ringbuf_producer_create_unnamed(const struct ringbuf_options *options,
                                    struct ringbuf_producer **producer);

/*
 * ringbuf_producer_open() becomes the producer of the ring NAME.
 *
 * A dead predecessor is followed, from exactly where it stopped; a living one is
 * not disturbed; one that closed the ring is followed if the ring was created
 * with RINGBUF_REOPEN.  OPTIONS may be NULL: a ring of either shape and any type.
 *
 * On success *PRODUCER is a handle, to be closed by ringbuf_producer_close();
 * else it is NULL.
 *
 * Any thread; does not block, but for a ring that is to be replaced after a
 * restart, where it waits for whoever is doing that.  Returns 0, or
 *   -ENOENT     there is no ring of this name
 *   -EBUSY      a living producer sits there
 *   -ESHUTDOWN  the last producer closed the ring for good
 *   -EPROTO     the file is not a ring, not one of this version, damaged, a ring
 *               of many or a broadcast ring, or of another shape or type
 *   -EBADMSG    the ring is corrupt
 *   -ESTALE     the ring is from before the last restart
 *   -EPERM      the file or its directory is not safe
 *   -EINVAL     NULL, a name that cannot name a ring, options that make no sense
 *   -EMSGSIZE   the metadata or the type name in OPTIONS is too long
 *   or, for a ring that is replaced, -ENOSPC and -EOPNOTSUPP
 *   or the system's own
 */
int ringbuf_producer_open(const char *name, const struct ringbuf_options *options,
                          struct ringbuf_producer **producer);

/*
 * ringbuf_producer_open_fd() becomes the producer of the ring behind a
 * descriptor: one that was inherited, received over a socket, or taken from
 * another handle.
 *
 * FD is used during the call only and stays the caller's.  A ring from before a
 * restart is always refused.
 *
 * Otherwise as ringbuf_producer_open(), and
 *   -EBADF  FD is not an open descriptor
 *   but neither -ENOENT, -ENOSPC nor -EOPNOTSUPP
 */
int ringbuf_producer_open_fd(int fd, const struct ringbuf_options *options,
                             struct ringbuf_producer **producer);

/*
 * ringbuf_producer_close() leaves the ring and frees the handle.
 *
 * An open claim is aborted.  The consumer reads what was committed and is then
 * told -EPIPE.  The name stays; see ringbuf_unlink().
 *
 * The thread that uses the handle; does not block.  Returns 0, or
 *   -EINVAL  PRODUCER is NULL
 */
int ringbuf_producer_close(struct ringbuf_producer *producer);

/*
 * ringbuf_producer_claim() lends the caller room for a message of up to LENGTH
 * bytes, to be written in place.
 *
 * On success *DATA is writable, LENGTH bytes of it, until the matching
 * ringbuf_producer_commit() or ringbuf_producer_abort(), and holds whatever was
 * there before.  It is aligned to 64 bytes in a ring of bytes, to the record
 * alignment in a ring of records.  Nothing is visible to the consumer before the
 * commit.  At most one claim is open per producer.
 *
 * The thread that uses the handle; waits for room up to TIMEOUT_NS.  Returns 0,
 * or
 *   -EAGAIN      no room now (TIMEOUT_NS was 0)
 *   -ETIMEDOUT   no room within TIMEOUT_NS
 *   -EPIPE       no room, and the consumer closed the ring
 *   -EOWNERDEAD  no room, and the consumer died (if TIMEOUT_NS was not 0)
 *   -EMSGSIZE    LENGTH exceeds what this ring can ever hold
 *   -EBUSY       a claim is open on this producer
 *   -EBADMSG     the ring is corrupt
 *   -ECHILD      the producer was inherited over fork()
 *   -EINVAL      NULL
 */
int ringbuf_producer_claim(struct ringbuf_producer *producer, size_t length,
                           int64_t timeout_ns, void **data);

/*
 * ringbuf_producer_commit() publishes the first LENGTH bytes of the open claim as
 * a message.
 *
 * TAG goes with it, 64 bits of the caller's own; in a ring of records there is
 * none and TAG must be 0.  The claim is over, unless the error says otherwise.
 * What was written before this call is seen by whoever reads the message.
 *
 * The thread that uses the handle; does not block; makes a system call only to
 * wake a sleeping consumer.  Returns 0, or
 *   -EINVAL    NULL, or no claim is open; or TAG is not 0 in a ring of records:
 *              the claim stays open
 *   -EMSGSIZE  LENGTH exceeds what was claimed: the claim stays open
 *   -ECHILD    the producer was inherited over fork(): nothing is published
 */
int ringbuf_producer_commit(struct ringbuf_producer *producer, size_t length, uint64_t tag);

/*
 * ringbuf_producer_abort() gives the open claim back and publishes nothing.
 *
 * The thread that uses the handle; does not block.  Returns 0, or
 *   -EINVAL  NULL, or no claim is open
 */
int ringbuf_producer_abort(struct ringbuf_producer *producer);

/*
 * ringbuf_producer_flush() waits until the consumer has released everything that
 * was committed.
 *
 * Closing does not wait: what is left then is for whoever still comes to read.
 *
 * The thread that uses the handle; waits up to TIMEOUT_NS.  Returns 0, or
 *   -EAGAIN      something is left (TIMEOUT_NS was 0)
 *   -ETIMEDOUT   something is left after TIMEOUT_NS
 *   -EPIPE       something is left, and the consumer closed the ring
 *   -EOWNERDEAD  something is left, and the consumer died
 *   -EBUSY       a claim is open on this producer
 *   -EBADMSG     the ring is corrupt
 *   -ECHILD      the producer was inherited over fork()
 *   -EINVAL      NULL
 */
int ringbuf_producer_flush(struct ringbuf_producer *producer, int64_t timeout_ns);

/*
 * ringbuf_producer_wait_for_peer() waits until a living consumer sits on the
 * ring.
 *
 * The thread that uses the handle; waits up to TIMEOUT_NS, for as long as it
 * takes if that is negative.  Returns 0, or
 *   -EAGAIN     nobody is there (TIMEOUT_NS was 0)
 *   -ETIMEDOUT  nobody came within TIMEOUT_NS
 *   -EBUSY      a claim is open on this producer
 *   -EBADMSG    the ring is corrupt
 *   -ECHILD     the producer was inherited over fork()
 *   -EINVAL     NULL
 */
int ringbuf_producer_wait_for_peer(struct ringbuf_producer *producer, int64_t timeout_ns);

/*
 * ringbuf_producer_peer() asks the kernel whether a consumer sits on the ring.
 *
 * The thread that uses the handle; does not block.  Returns RINGBUF_PEER_ABSENT,
 * RINGBUF_PEER_ALIVE, RINGBUF_PEER_CLOSED or RINGBUF_PEER_DEAD, or
 *   -EBUSY    a claim is open on this producer
 *   -EBADMSG  the ring is corrupt
 *   -ECHILD   the producer was inherited over fork()
 *   -EINVAL   NULL
 */
int ringbuf_producer_peer(const struct ringbuf_producer *producer);

/*
 * ringbuf_producer_fd() is the descriptor of the ring, to hand on: over a
 * socket, or to a child, for ringbuf_consumer_open_fd().
 *
 * It belongs to the handle, is closed with it, and closes on exec(); a child that
 * is to keep it over exec() gets a dup() of it.  Also in a child of fork(), on
 * the inherited handle.
 *
 * The thread that uses the handle; does not block.  Returns a descriptor, or
 *   -EINVAL  NULL
 */
int ringbuf_producer_fd(const struct ringbuf_producer *producer);

/*
 * ringbuf_producer_length_max() sets *LENGTH to the length of the longest
 * message: the slot size, or half of a ring of records less a prefix.
 *
 * The thread that uses the handle; does not block.  Returns 0, or
 *   -EINVAL  NULL
 */
int ringbuf_producer_length_max(const struct ringbuf_producer *producer, size_t *length);

/*
 * ringbuf_producer_metadata() copies the bytes that the ring's creator left, as
 * many as BUFFER takes, and sets *LENGTH to how many there are.
 *
 * RINGBUF_METADATA_MAX bytes take all of them.  BUFFER may be NULL if CAPACITY
 * is 0.
 *
 * The thread that uses the handle; does not block.  Returns 0, or
 *   -EINVAL  NULL
 */
int ringbuf_producer_metadata(const struct ringbuf_producer *producer, void *buffer,
                              size_t capacity, size_t *length);

/*
 * ringbuf_producer_stat() fills *STAT with what the ring can tell about itself.
 *
 * The thread that uses the handle, also in a child that inherited it; does not
 * block.  Returns 0, or
 *   -EINVAL   NULL, or an impossible size in STAT->size
 *   -EBADMSG  the ring is corrupt
 */
int ringbuf_producer_stat(const struct ringbuf_producer *producer, struct ringbuf_stat *stat);

/* ---- The consumer ------------------------------------------------------ */

/*
 * ringbuf_consumer_create() makes a ring of this name and becomes its consumer.
 *
 * In all else, errors too, as ringbuf_producer_create().
 */
int ringbuf_consumer_create(const char *name, const struct ringbuf_options *options,
                            struct ringbuf_consumer **consumer);

/*
 * ringbuf_consumer_create_or_open() becomes the consumer of the ring NAME, which
 * is made if there is none.
 *
 * In all else, errors too, as ringbuf_producer_create_or_open().
 */
int ringbuf_consumer_create_or_open(const char *name, const struct ringbuf_options *options,
                                    struct ringbuf_consumer **consumer);

/*
 * ringbuf_consumer_create_unnamed() makes a ring without a name and becomes its
 * consumer.
 *
 * In all else, errors too, as ringbuf_producer_create_unnamed().
 */
int ringbuf_consumer_create_unnamed(const struct ringbuf_options *options,
                                    struct ringbuf_consumer **consumer);

/*
 * ringbuf_consumer_open() becomes the consumer of the ring NAME.
 *
 * What a dead predecessor was shown and had not released comes first, flagged,
 * or was dropped, as the ring was created.  In all else, errors too, as
 * ringbuf_producer_open().
 */
int ringbuf_consumer_open(const char *name, const struct ringbuf_options *options,
                          struct ringbuf_consumer **consumer);

/*
 * ringbuf_consumer_open_fd() becomes the consumer of the ring behind a
 * descriptor, which stays the caller's.
 *
 * In all else, errors too, as ringbuf_producer_open_fd().
 */
int ringbuf_consumer_open_fd(int fd, const struct ringbuf_options *options,
                             struct ringbuf_consumer **consumer);

/*
 * ringbuf_consumer_close() leaves the ring and frees the handle.
 *
 * An open message is released.  A producer that finds the ring full is then told
 * -EPIPE.  What was not read stays in the ring, for the next consumer if there
 * may be one.
 *
 * The thread that uses the handle; does not block.  Returns 0, or
 *   -EINVAL  CONSUMER is NULL
 */
int ringbuf_consumer_close(struct ringbuf_consumer *consumer);

/*
 * ringbuf_consumer_read() shows the caller the next message, in place.
 *
 * On success *MESSAGE is filled, and MESSAGE->data is readable until the matching
 * ringbuf_consumer_release().  The producer does not write there before.  At
 * most one message is open per consumer.
 *
 * Everything that was committed is shown before -EPIPE or -EOWNERDEAD is
 * answered; after either, a successor of the producer may come, and a later call
 * may succeed.
 *
 * The thread that uses the handle; waits for a message up to TIMEOUT_NS.
 * Returns 0, or
 *   -EAGAIN      no message now (TIMEOUT_NS was 0)
 *   -ETIMEDOUT   no message within TIMEOUT_NS
 *   -EPIPE       no message is left, and the producer closed the ring
 *   -EOWNERDEAD  no message is left, and the producer died (if TIMEOUT_NS was
 *                not 0)
 *   -EBUSY       a message is open on this consumer
 *   -EBADMSG     the ring is corrupt
 *   -ECHILD      the consumer was inherited over fork()
 *   -EINVAL      NULL
 */
int ringbuf_consumer_read(struct ringbuf_consumer *consumer, int64_t timeout_ns,
                          struct ringbuf_message *message);

/*
 * ringbuf_consumer_release() gives the open message back: it will not be seen
 * again, and its room is the producer's.
 *
 * In a child of fork() it changes nothing in the ring.
 *
 * The thread that uses the handle; does not block; makes a system call only to
 * wake a sleeping producer.  Returns 0, or
 *   -EINVAL  NULL, or no message is open
 */
int ringbuf_consumer_release(struct ringbuf_consumer *consumer);

/*
 * ringbuf_consumer_set_slip() says whether, and for how long, this consumer
 * pauses when it has read all of a burst of two messages or more, before it
 * looks for the next: RINGBUF_SLIP_NONE, _SHORT or _LONG.
 *
 * Where a consumer is as fast as its producer, both may be faster if it looks
 * less often: measure it.  A message that comes right behind a burst waits for
 * the rest of the pause.  One message at a time is never delayed.
 *
 * The thread that uses the handle; does not block; makes no system call.
 * Returns 0, or
 *   -EBUSY   a message is open on this consumer
 *   -EINVAL  NULL, or no such slip
 */
int ringbuf_consumer_set_slip(struct ringbuf_consumer *consumer, uint32_t slip);

/*
 * ringbuf_consumer_wait_for_peer() waits until a living producer sits on the
 * ring.
 *
 * In all else, errors too, as ringbuf_producer_wait_for_peer(); -EBUSY: a
 * message is open on this consumer.
 */
int ringbuf_consumer_wait_for_peer(struct ringbuf_consumer *consumer, int64_t timeout_ns);

/*
 * ringbuf_consumer_peer() asks the kernel whether a producer sits on the ring.
 *
 * In all else, errors too, as ringbuf_producer_peer(); -EBUSY: a message is open
 * on this consumer.
 */
int ringbuf_consumer_peer(const struct ringbuf_consumer *consumer);

/*
 * ringbuf_consumer_fd() is the descriptor of the ring, for
 * ringbuf_producer_open_fd(); in all else as ringbuf_producer_fd().
 */
int ringbuf_consumer_fd(const struct ringbuf_consumer *consumer);

/*
 * ringbuf_consumer_length_max() sets *LENGTH to the length of the longest
 * message, as ringbuf_producer_length_max().
 */
int ringbuf_consumer_length_max(const struct ringbuf_consumer *consumer, size_t *length);

/*
 * ringbuf_consumer_metadata() copies the bytes that the ring's creator left, as
 * ringbuf_producer_metadata().
 */
int ringbuf_consumer_metadata(const struct ringbuf_consumer *consumer, void *buffer,
                              size_t capacity, size_t *length);

/*
 * ringbuf_consumer_stat() fills *STAT with what the ring can tell about itself,
 * as ringbuf_producer_stat().
 */
int ringbuf_consumer_stat(const struct ringbuf_consumer *consumer, struct ringbuf_stat *stat);

/* ---- Rings of many ----------------------------------------------------- */

/*
 * A ring of many has slots of bytes, many producers and many consumers.  Each
 * message goes to exactly one of the consumers; if that one dies before it has
 * released it, to another, flagged.
 *
 *     struct ringbuf_mpmc_consumer *worker;
 *     struct ringbuf_mpmc_message job;
 *     int error = ringbuf_mpmc_consumer_open("jobs", NULL, &worker);
 *
 *     while (error == 0 && (error = ringbuf_mpmc_consumer_read(worker, -1, &job)) == 0) {
 *         work(job.data, job.length);
 *         error = ringbuf_mpmc_message_release(&job);
 *     }
 *
 * Several at a time.  A producer may have several claims open, a consumer several
 * messages.  Each is a structure of the caller's own, filled by the call that
 * opens it.  They are ended in any order, in any thread, also after the handle
 * was closed: the peer stays on the ring until the last of them is ended.
 *
 * All at once.  ringbuf_mpmc_..._many() opens and ends arrays of them, with one wake-up
 * for all; each may still be ended by itself.
 *
 * Order.  Messages of a lane are read in the order in which they were claimed.  A
 * claim that was passed by comes later, behind all that its producer had
 * committed when it was committed itself.
 *
 * Lanes.  A ring may have up to 64 lanes, each with all of the capacity, 64 slots
 * at least.  A producer writes to one of them, a consumer reads the highest that
 * has something, or one only, or the lowest up to one.
 *
 * In the way.  A claim that is not committed, and a message that is not released,
 * is passed by, once those who come to it have waited for a moment or called 64
 * times in vain, if there is a message, or a free slot, further on: nobody waits
 * for a process that is stopped or slow.  In a ring with RINGBUF_FAST they wait:
 * a claim holds up those who read its lane when they come to it, a message holds
 * up producers when they come round to its slot, though others are free.  Who
 * waits for more while something is open may wait for itself, in such a ring, or
 * when it has all the slots: do not wait then (TIMEOUT_NS 0).
 *
 * The other side is gone when the last of its peers has left or died.  Readers
 * are told so when nothing is left in the lanes they read and nothing can come
 * back, writers when their lane is full.  Others may come at any time:
 * RINGBUF_REOPEN is meant whether given or not.
 */

/* One who writes to a ring of many, and one who reads from it. */
struct ringbuf_mpmc_producer;
struct ringbuf_mpmc_consumer;

/*
 * struct ringbuf_mpmc_claim is room for a message, to be written in place.
 *
 * Zero, or filled by ringbuf_mpmc_producer_claim().  It may be moved, but not
 * copied and used twice: once it has ended, so has every copy, and using one is
 * not noticed.
 *
 * data    where to write; aligned to 64 bytes.
 * length  how many bytes, as was asked for.
 * token   the library's own.
 */
struct ringbuf_mpmc_claim {
    void *data;
    size_t length;
    uint64_t token[12];
};

/*
 * struct ringbuf_mpmc_message is a message in place.
 *
 * Zero, or filled by ringbuf_mpmc_consumer_read().  In all else, of copies too,
 * as struct ringbuf_mpmc_claim.
 *
 * data         where it is; readable until it is released, aligned to 64 bytes.
 * length       how many bytes it has; may be 0.
 * tag          the producer's own 64 bits.
 * time_ns      when it was committed, nanoseconds of CLOCK_MONOTONIC.
 * flags        RINGBUF_REDELIVERED, or 0; later versions may have more.
 * redelivered  how often it was shown before to a consumer that died.
 * lane         the lane that it was in.
 * reserved     0.
 * token        the library's own.
 */
struct ringbuf_mpmc_message {
    const void *data;
    size_t length;
    uint64_t tag;
    uint64_t time_ns;
    uint32_t flags;
    uint32_t redelivered;
    uint32_t lane;
    uint32_t reserved;
    uint64_t token[12];
};

/* Which lanes a consumer reads. */
#define RINGBUF_LANES_HIGHEST 0u      /* the highest that has something */
#define RINGBUF_LANES_ONLY 1u         /* one only */
#define RINGBUF_LANES_LOWEST_UP_TO 2u /* the lowest that has something, up to one */

/*
 * struct ringbuf_mpmc_stat is what a ring of many can tell about itself.
 *
 * Begin with RINGBUF_MPMC_STAT_INIT.  The snapshot stops nobody: each number was
 * true when it was looked at.
 *
 * size         set by RINGBUF_MPMC_STAT_INIT; the call sets it to how many bytes it
 *              filled, and what is behind them to zero.
 * lanes        how many lanes there are.
 * capacity     slots of each lane.
 * writing      slots of all lanes that are being written,
 * ready        that have a message which nobody has taken,
 * reading      that have one which a consumer was shown and has not released,
 * orphans      and that have one whose consumer died, to be delivered again.
 * dropped      messages dropped, because consumers died with them,
 * redelivered  and delivered again for the same reason.
 * length_max   bytes of the longest message.
 * memory       bytes that the ring takes.
 * created_ns   when it was made, nanoseconds since 1970.
 * producers    producers that live,
 * consumers    and consumers that live.
 * granted      the flags about memory that were granted to the handle asked.
 * reserved     0.
 * id           16 bytes that no other ring has.
 */
struct ringbuf_mpmc_stat {
    uint32_t size;
    uint32_t lanes;
    uint64_t capacity;
    uint64_t writing;
    uint64_t ready;
    uint64_t reading;
    uint64_t orphans;
    uint64_t dropped;
    uint64_t redelivered;
    uint64_t length_max;
    uint64_t memory;
    uint64_t created_ns;
    uint32_t producers;
    uint32_t consumers;
    uint32_t granted;
    uint32_t reserved;
    uint8_t id[16];
};

#define RINGBUF_MPMC_STAT_INIT \
    { sizeof(struct ringbuf_mpmc_stat), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, { 0 } }

/*
 * ringbuf_mpmc_stat() fills *STAT with what the ring of many NAME can tell about
 * itself, in all.  Looks at every slot.  Lane by lane and peer by peer:
 * ringbuf_mpmc_watch_open().
 *
 * In all else as ringbuf_stat(), and
 *   -EPROTO  also means that it is not a ring of many
 */
int ringbuf_mpmc_stat(const char *name, struct ringbuf_mpmc_stat *stat);

/*
 * ringbuf_mpmc_producer_create() makes a ring of many of this name and becomes a
 * producer of it.
 *
 * OPTIONS->shape must be RINGBUF_BYTES.
 *
 * Any thread; waits for the file system only.  Returns 0, or
 *   -EEXIST      the name is taken
 *   -EINVAL      NULL, a name that cannot name a ring, options that make no
 *                sense, another shape, impossible sizes and numbers
 *   -EMSGSIZE    the metadata or the type name is too long
 *   -ENOSPC      there is no room
 *   -EOPNOTSUPP  the file system cannot set memory aside
 *   -ENOENT      the directory of the path does not exist
 *   -EPERM       the directory of rings is not safe, or the group is not one's own
 *   -EUSERS      others were faster to all the seats
 *   or the system's own
 */
int ringbuf_mpmc_producer_create(const char *name, const struct ringbuf_options *options,
                                 struct ringbuf_mpmc_producer **producer);

/*
 * ringbuf_mpmc_producer_create_or_open() becomes a producer of the ring NAME, which
 * is made if there is none.
 *
 * A ring that exists must be as OPTIONS say, in all but mode, group and memory.
 *
 * Otherwise as ringbuf_mpmc_producer_create().  Returns 0, or an error of
 * ringbuf_mpmc_producer_create() other than -EEXIST, or of
 * ringbuf_mpmc_producer_open(), where
 *   -EPROTO  also means that there is a ring of other sizes or policies
 */
int ringbuf_mpmc_producer_create_or_open(const char *name,
                                         const struct ringbuf_options *options,
                                         struct ringbuf_mpmc_producer **producer);

/*
 * ringbuf_mpmc_producer_create_unnamed() makes a ring of many without a name and
 * becomes a producer of it.  Others come by ringbuf_mpmc_..._open_fd().
 *
 * Any thread; does not block.  Returns 0, or
 *   -EINVAL    NULL, options that make no sense, another shape, impossible sizes
 *              and numbers
 *   -EMSGSIZE  the metadata or the type name is too long
 *   -ENOSPC    there is no room
 *   or the system's own
 */
int ringbuf_mpmc_producer_create_unnamed(const struct ringbuf_options *options,
                                         struct ringbuf_mpmc_producer **producer);

/*
 * ringbuf_mpmc_producer_open() becomes a producer of the ring NAME.
 *
 * What the dead hold in the ring is given up by whoever comes.  OPTIONS may be
 * NULL.
 *
 * Any thread; does not block, but for a ring that is to be replaced after a
 * restart, where it waits for whoever is doing that.  Returns 0, or
 *   -ENOENT    there is no ring of this name
 *   -EUSERS    living producers sit on all its seats
 *   -EPROTO    the file is not a ring, not one of this version, damaged, not a
 *              ring of many, not one of bytes, or of another type
 *   -EBADMSG   the ring is corrupt
 *   -ESTALE    the ring is from before the last restart
 *   -EPERM     the file or its directory is not safe
 *   -EINVAL    NULL, a name that cannot name a ring, options that make no sense
 *   -EMSGSIZE  the metadata or the type name in OPTIONS is too long
 *   or, for a ring that is replaced, -ENOSPC and -EOPNOTSUPP
 *   or the system's own
 */
int ringbuf_mpmc_producer_open(const char *name, const struct ringbuf_options *options,
                               struct ringbuf_mpmc_producer **producer);

/*
 * ringbuf_mpmc_producer_open_fd() becomes a producer of the ring behind a
 * descriptor, which stays the caller's.
 *
 * Otherwise as ringbuf_mpmc_producer_open(), and
 *   -EBADF  FD is not an open descriptor
 *   but neither -ENOENT, -ENOSPC nor -EOPNOTSUPP
 */
int ringbuf_mpmc_producer_open_fd(int fd, const struct ringbuf_options *options,
                                  struct ringbuf_mpmc_producer **producer);

/*
 * ringbuf_mpmc_producer_close() frees the handle.
 *
 * Open claims stay open; the producer leaves the ring when they are ended.
 *
 * The thread that uses the handle; does not block.  Returns 0, or
 *   -EINVAL  PRODUCER is NULL
 */
int ringbuf_mpmc_producer_close(struct ringbuf_mpmc_producer *producer);

/*
 * ringbuf_mpmc_producer_claim() fills *CLAIM with room for a message of up to
 * LENGTH bytes in the producer's lane.
 *
 * CLAIM->data is writable until the matching ringbuf_mpmc_claim_commit() or
 * ringbuf_mpmc_claim_abort(), and holds whatever was there before.  What *CLAIM
 * was before is not looked at: a claim that was open there stays open, and its
 * room is lost until the process ends.
 *
 * The thread that uses the handle; waits for room up to TIMEOUT_NS.  Returns 0,
 * or
 *   -EAGAIN      no room now, or others were faster (TIMEOUT_NS was 0)
 *   -ETIMEDOUT   no room within TIMEOUT_NS
 *   -EPIPE       no room, and the last consumer closed the ring
 *   -EOWNERDEAD  no room, no consumer is left, and one of them died (if TIMEOUT_NS
 *                was not 0)
 *   -EMSGSIZE    LENGTH exceeds the slot size
 *   -EBADMSG     the ring is corrupt
 *   -ECHILD      the producer was inherited over fork()
 *   -EINVAL      NULL
 */
int ringbuf_mpmc_producer_claim(struct ringbuf_mpmc_producer *producer, size_t length,
                                int64_t timeout_ns, struct ringbuf_mpmc_claim *claim);

/*
 * ringbuf_mpmc_claim_commit() publishes the first LENGTH bytes of a claim as a
 * message, with TAG, 64 bits of the caller's own.  The claim is over, unless the
 * error says otherwise.
 *
 * Any thread, one at a time for each claim; does not block; makes a system call
 * only to wake a sleeping consumer.  Returns 0, or
 *   -EINVAL    NULL, or the claim is over, or was zero
 *   -EMSGSIZE  LENGTH exceeds what was claimed: the claim stays open
 *   -EBADMSG   the ring is corrupt: nothing is published
 *   -ECHILD    the claim was inherited over fork(): nothing is published
 */
int ringbuf_mpmc_claim_commit(struct ringbuf_mpmc_claim *claim, size_t length, uint64_t tag);

/*
 * ringbuf_mpmc_claim_abort() gives a claim back and publishes nothing.  In a child
 * of fork() it changes nothing in the ring.
 *
 * Any thread, one at a time for each claim; does not block.  Returns 0, or
 *   -EINVAL  NULL, or the claim is over, or was zero
 */
int ringbuf_mpmc_claim_abort(struct ringbuf_mpmc_claim *claim);

/*
 * ringbuf_mpmc_producer_claim_many() fills the first of the COUNT structures at
 * CLAIMS with room for a message of up to LENGTH bytes each, in the producer's lane:
 * as many as there is room for now.
 *
 * Waits for the first of them up to TIMEOUT_NS, and not for more: so nobody waits
 * for what it has claimed itself.  The places are in order, but those of other
 * producers may be between them.  Each claim is one as of
 * ringbuf_mpmc_producer_claim(), and may be ended by itself or with others.
 *
 * The thread that uses the handle; waits for room up to TIMEOUT_NS.  Returns how
 * many it has filled, at least 1, or an error of ringbuf_mpmc_producer_claim(), where
 *   -EINVAL  also means that COUNT is 0, or more than INT_MAX
 */
int ringbuf_mpmc_producer_claim_many(struct ringbuf_mpmc_producer *producer, size_t length,
                                     int64_t timeout_ns, struct ringbuf_mpmc_claim *claims,
                                     size_t count);

/*
 * ringbuf_mpmc_claim_commit_many() publishes COUNT claims, in order, and wakes those
 * who sleep once for all of them: of claim I the first LENGTHS[I] bytes, with the tag
 * TAGS[I].  LENGTHS may be NULL: as many as were asked for; and TAGS: all 0.
 *
 * All claims are over then, unless the error says otherwise.  They are not published
 * as one: others may read the first before the last is.  Claims of several producers
 * may be mixed; those of one that stand side by side share a wake-up.
 *
 * Any thread, one at a time for each claim; does not block; makes a system call
 * only to wake sleeping consumers.  Returns 0, also if COUNT is 0, or
 *   -EINVAL    NULL, or one of the claims is over, or was zero: nothing was done
 *   -EMSGSIZE  one of LENGTHS exceeds what was claimed: nothing was done
 *   -EBADMSG   the ring is corrupt, or
 *   -ECHILD    a claim was inherited over fork(): those before it are published, it
 *              and those behind it are given back
 */
int ringbuf_mpmc_claim_commit_many(struct ringbuf_mpmc_claim *claims, size_t count,
                                   const size_t *lengths, const uint64_t *tags);

/*
 * ringbuf_mpmc_claim_abort_many() gives COUNT claims back, as
 * ringbuf_mpmc_claim_abort() does with one.
 *
 * Any thread, one at a time for each claim; does not block.  Returns 0, also if COUNT
 * is 0, or
 *   -EINVAL  NULL, or one of the claims is over, or was zero: nothing was done
 */
int ringbuf_mpmc_claim_abort_many(struct ringbuf_mpmc_claim *claims, size_t count);

/*
 * ringbuf_mpmc_producer_flush() waits until every message that is in the ring when it
 * is called was released, or dropped after too many deaths: in all lanes, whoever
 * committed it.
 *
 * So all that this producer has committed is over then.  What is committed later is
 * not waited for, nor are claims that are open.  A message that is open in the thread
 * which calls is waited for in vain.  Closing does not wait: what is left then is for
 * whoever still comes to read.  Looks at every slot.
 *
 * The thread that uses the handle; waits up to TIMEOUT_NS.  Returns 0, or
 *   -EAGAIN      something is left (TIMEOUT_NS was 0)
 *   -ETIMEDOUT   something is left after TIMEOUT_NS
 *   -EPIPE       something is left, and the last consumer closed the ring
 *   -EOWNERDEAD  something is left, no consumer is, and one of them died
 *   -EBADMSG     the ring is corrupt
 *   -ECHILD      the producer was inherited over fork()
 *   -EINVAL      NULL
 */
int ringbuf_mpmc_producer_flush(struct ringbuf_mpmc_producer *producer, int64_t timeout_ns);

/*
 * ringbuf_mpmc_producer_wait_for_peer() waits until a living consumer sits on the
 * ring.  It may be gone again when the call returns.
 *
 * The thread that uses the handle; waits up to TIMEOUT_NS, for as long as it takes if
 * that is negative.  Returns 0, or
 *   -EAGAIN     nobody is there (TIMEOUT_NS was 0)
 *   -ETIMEDOUT  nobody came within TIMEOUT_NS
 *   -EBADMSG    the ring is corrupt
 *   -ECHILD     the producer was inherited over fork()
 *   -EINVAL     NULL
 *   or the system's own
 */
int ringbuf_mpmc_producer_wait_for_peer(struct ringbuf_mpmc_producer *producer,
                                        int64_t timeout_ns);

/*
 * ringbuf_mpmc_producer_set_lane() lets the producer write to LANE from now on; to
 * lane 0 at first.
 *
 * The thread that uses the handle; does not block.  Returns 0, or
 *   -EINVAL  NULL, or the ring has no such lane
 */
int ringbuf_mpmc_producer_set_lane(struct ringbuf_mpmc_producer *producer, uint32_t lane);

/*
 * ringbuf_mpmc_producer_fd() is the descriptor of the ring, for
 * ringbuf_mpmc_..._open_fd(); in all else as ringbuf_producer_fd().
 */
int ringbuf_mpmc_producer_fd(const struct ringbuf_mpmc_producer *producer);

/*
 * ringbuf_mpmc_producer_length_max() sets *LENGTH to the slot size, as
 * ringbuf_producer_length_max().
 */
int ringbuf_mpmc_producer_length_max(const struct ringbuf_mpmc_producer *producer,
                                     size_t *length);

/*
 * ringbuf_mpmc_producer_metadata() copies the bytes that the ring's creator left,
 * as ringbuf_producer_metadata().
 */
int ringbuf_mpmc_producer_metadata(const struct ringbuf_mpmc_producer *producer, void *buffer,
                                   size_t capacity, size_t *length);

/*
 * ringbuf_mpmc_producer_stat() fills *STAT with what the ring can tell about
 * itself, as ringbuf_producer_stat().
 */
int ringbuf_mpmc_producer_stat(const struct ringbuf_mpmc_producer *producer,
                               struct ringbuf_mpmc_stat *stat);

/*
 * ringbuf_mpmc_consumer_create() makes a ring of many of this name and becomes a
 * consumer of it.
 *
 * In all else, errors too, as ringbuf_mpmc_producer_create().
 */
int ringbuf_mpmc_consumer_create(const char *name, const struct ringbuf_options *options,
                                 struct ringbuf_mpmc_consumer **consumer);

/*
 * ringbuf_mpmc_consumer_create_or_open() becomes a consumer of the ring NAME, which
 * is made if there is none.
 *
 * In all else, errors too, as ringbuf_mpmc_producer_create_or_open().
 */
int ringbuf_mpmc_consumer_create_or_open(const char *name,
                                         const struct ringbuf_options *options,
                                         struct ringbuf_mpmc_consumer **consumer);

/*
 * ringbuf_mpmc_consumer_create_unnamed() makes a ring of many without a name and
 * becomes a consumer of it.
 *
 * In all else, errors too, as ringbuf_mpmc_producer_create_unnamed().
 */
int ringbuf_mpmc_consumer_create_unnamed(const struct ringbuf_options *options,
                                         struct ringbuf_mpmc_consumer **consumer);

/*
 * ringbuf_mpmc_consumer_open() becomes a consumer of the ring NAME.
 *
 * In all else, errors too, as ringbuf_mpmc_producer_open(); -EUSERS: living
 * consumers sit on all its seats.
 */
int ringbuf_mpmc_consumer_open(const char *name, const struct ringbuf_options *options,
                               struct ringbuf_mpmc_consumer **consumer);

/*
 * ringbuf_mpmc_consumer_open_fd() becomes a consumer of the ring behind a
 * descriptor, which stays the caller's.
 *
 * In all else, errors too, as ringbuf_mpmc_producer_open_fd().
 */
int ringbuf_mpmc_consumer_open_fd(int fd, const struct ringbuf_options *options,
                                  struct ringbuf_mpmc_consumer **consumer);

/*
 * ringbuf_mpmc_consumer_close() frees the handle.
 *
 * Open messages stay open; the consumer leaves the ring when they are released.
 *
 * The thread that uses the handle; does not block.  Returns 0, or
 *   -EINVAL  CONSUMER is NULL
 */
int ringbuf_mpmc_consumer_close(struct ringbuf_mpmc_consumer *consumer);

/*
 * ringbuf_mpmc_consumer_read() fills *MESSAGE with the next message of the
 * consumer's lanes, in place.
 *
 * MESSAGE->data is readable until the matching ringbuf_mpmc_message_release().
 * What *MESSAGE was before is not looked at: a message that was open there stays
 * open until the process ends, and then comes to another.
 *
 * The thread that uses the handle; waits for a message up to TIMEOUT_NS.
 * Returns 0, or
 *   -EAGAIN      no message now, or the next is still being written (TIMEOUT_NS
 *                was 0)
 *   -ETIMEDOUT   no message within TIMEOUT_NS
 *   -EPIPE       nothing is left in the lanes it reads, and the last producer
 *                closed the ring
 *   -EOWNERDEAD  nothing is left in the lanes it reads, no producer is left, and
 *                one of them died (if TIMEOUT_NS was not 0)
 *   -EBADMSG     the ring is corrupt
 *   -ECHILD      the consumer was inherited over fork()
 *   -EINVAL      NULL
 */
int ringbuf_mpmc_consumer_read(struct ringbuf_mpmc_consumer *consumer, int64_t timeout_ns,
                               struct ringbuf_mpmc_message *message);

/*
 * ringbuf_mpmc_message_release() gives a message back: it will not be seen again,
 * and its slot is the producers'.
 *
 * In a child of fork() it changes nothing in the ring.
 *
 * Any thread, one at a time for each message; does not block; makes a system call
 * only to wake a sleeping producer.  Returns 0, or
 *   -EINVAL  NULL, or the message is released already, or was zero
 */
int ringbuf_mpmc_message_release(struct ringbuf_mpmc_message *message);

/*
 * ringbuf_mpmc_consumer_read_many() fills the first of the COUNT structures at
 * MESSAGES with the next messages of the consumer's lanes, in place: as many as there
 * are now.
 *
 * Waits for the first of them up to TIMEOUT_NS, and not for more.  Each is one as of
 * ringbuf_mpmc_consumer_read(), and may be released by itself or with others.
 *
 * The thread that uses the handle; waits for a message up to TIMEOUT_NS.  Returns how
 * many it has filled, at least 1, or an error of ringbuf_mpmc_consumer_read(), where
 *   -EINVAL  also means that COUNT is 0, or more than INT_MAX
 */
int ringbuf_mpmc_consumer_read_many(struct ringbuf_mpmc_consumer *consumer,
                                    int64_t timeout_ns, struct ringbuf_mpmc_message *messages,
                                    size_t count);

/*
 * ringbuf_mpmc_message_release_many() gives COUNT messages back, in order, and wakes
 * those who sleep once for all of them.  Those of several consumers may be mixed;
 * those of one that stand side by side share a wake-up.
 *
 * In a child of fork() it changes nothing in the ring.
 *
 * Any thread, one at a time for each message; does not block; makes a system call
 * only to wake sleeping producers.  Returns 0, also if COUNT is 0, or
 *   -EINVAL  NULL, or one of the messages is released already, or was zero: nothing
 *            was done
 */
int ringbuf_mpmc_message_release_many(struct ringbuf_mpmc_message *messages, size_t count);

/*
 * ringbuf_mpmc_consumer_wait_for_peer() waits until a living producer sits on the
 * ring.
 *
 * In all else, errors too, as ringbuf_mpmc_producer_wait_for_peer().
 */
int ringbuf_mpmc_consumer_wait_for_peer(struct ringbuf_mpmc_consumer *consumer,
                                        int64_t timeout_ns);

/*
 * ringbuf_mpmc_consumer_set_lanes() lets the consumer read the lanes that WHICH,
 * RINGBUF_LANES_..., and LANE say, from now on; RINGBUF_LANES_HIGHEST, for which
 * LANE is 0, at first.
 *
 * The thread that uses the handle; does not block.  Returns 0, or
 *   -EINVAL  NULL, WHICH is unknown, or the ring has no such lane
 */
int ringbuf_mpmc_consumer_set_lanes(struct ringbuf_mpmc_consumer *consumer, uint32_t which,
                                    uint32_t lane);

/*
 * ringbuf_mpmc_consumer_fd() is the descriptor of the ring, for
 * ringbuf_mpmc_..._open_fd(); in all else as ringbuf_producer_fd().
 */
int ringbuf_mpmc_consumer_fd(const struct ringbuf_mpmc_consumer *consumer);

/*
 * ringbuf_mpmc_consumer_length_max() sets *LENGTH to the slot size, as
 * ringbuf_producer_length_max().
 */
int ringbuf_mpmc_consumer_length_max(const struct ringbuf_mpmc_consumer *consumer,
                                     size_t *length);

/*
 * ringbuf_mpmc_consumer_metadata() copies the bytes that the ring's creator left,
 * as ringbuf_producer_metadata().
 */
int ringbuf_mpmc_consumer_metadata(const struct ringbuf_mpmc_consumer *consumer, void *buffer,
                                   size_t capacity, size_t *length);

/*
 * ringbuf_mpmc_consumer_stat() fills *STAT with what the ring can tell about
 * itself, as ringbuf_producer_stat().
 */
int ringbuf_mpmc_consumer_stat(const struct ringbuf_mpmc_consumer *consumer,
                               struct ringbuf_mpmc_stat *stat);

/* ---- Looking at a ring of many ----------------------------------------- */

/*
 * One who looks at a ring of many, lane by lane and peer by peer.  Takes no seat and
 * disturbs nobody.
 *
 *     struct ringbuf_mpmc_peer_stat peer = RINGBUF_MPMC_PEER_STAT_INIT;
 *     struct ringbuf_mpmc_watch *watch;
 *     int peers, i;
 *
 *     error = ringbuf_mpmc_watch_open("jobs", &watch);
 *     ...
 *     peers = ringbuf_mpmc_watch_look(watch);
 *     for (i = 0; i < peers; i++) {
 *         ringbuf_mpmc_watch_peer(watch, i, &peer);
 *         if (peer.held_ns > 1000000000)
 *             printf("process %u holds a slot for a second\n", peer.pid);
 *     }
 *
 * For how long.  Nobody notes when it takes a slot.  A watch remembers the slots that
 * it saw held: one that is in the same hands when it looks again was so all the time.
 * So held_ns is 0 at the first look, and later what was *seen*: the slot may have been
 * held for longer.
 */
struct ringbuf_mpmc_watch;

/* The sides of a ring. */
#define RINGBUF_SIDE_PRODUCER 0u /* writes */
#define RINGBUF_SIDE_CONSUMER 1u /* reads */

/*
 * struct ringbuf_mpmc_lane_stat is what is in a lane.
 *
 * Begin with RINGBUF_MPMC_LANE_STAT_INIT.  The first four lag behind by a few: they
 * are of hints that peers move on now and then.
 *
 * size        set by RINGBUF_MPMC_LANE_STAT_INIT; the call sets it to how many bytes it
 *             filled, and what is behind them to zero.
 * lane        its number.
 * claimed     slots claimed so far,
 * read        places passed by those who read so far,
 * used        slots in use,
 * high_water  and the most that ever were in use at once, about.
 * free        slots free for a message,
 * writing     that are being written,
 * ready       that have a message which nobody has taken,
 * reading     that have one which a consumer was shown and has not released,
 * orphans     and that have one whose consumer died, to be delivered again.
 */
struct ringbuf_mpmc_lane_stat {
    uint32_t size;
    uint32_t lane;
    uint64_t claimed;
    uint64_t read;
    uint64_t used;
    uint64_t high_water;
    uint64_t free;
    uint64_t writing;
    uint64_t ready;
    uint64_t reading;
    uint64_t orphans;
};

#define RINGBUF_MPMC_LANE_STAT_INIT \
    { sizeof(struct ringbuf_mpmc_lane_stat), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/*
 * struct ringbuf_mpmc_peer_stat is what is known about one peer, or the last one that
 * sat on its row.
 *
 * Begin with RINGBUF_MPMC_PEER_STAT_INIT.
 *
 * size         set by RINGBUF_MPMC_PEER_STAT_INIT; the call sets it to how many bytes
 *              it filled, and what is behind them to zero.
 * side         RINGBUF_SIDE_...
 * row          its number among the rows: those of producers first.
 * presence     RINGBUF_PEER_..., but not ABSENT; one that is stopped is alive.
 * incarnation  how often the row was taken, modulo 2^17 - 1.
 * pid          its process id, as it saw itself.
 * since_ns     when it came, nanoseconds of CLOCK_MONOTONIC.
 * sleeps       how often it asked the kernel to let it sleep,
 * wakes        to wake others,
 * probes       and whether others live; all three are counted for the row.
 * holds        slots that it is writing, or reading, in all lanes.
 * lanes        bit K: it holds some in lane K.
 * held_ns      for how long at least it has held the oldest of them.
 * left         slots that earlier ones on its row held when they died, to be given up
 *              by whoever finds nothing to do.
 * unfenced     as that of struct ringbuf_peer_stat.
 * reserved     0.
 */
struct ringbuf_mpmc_peer_stat {
    uint32_t size;
    uint32_t side;
    uint32_t row;
    uint32_t presence;
    uint32_t incarnation;
    uint32_t pid;
    uint64_t since_ns;
    uint64_t sleeps;
    uint64_t wakes;
    uint64_t probes;
    uint64_t holds;
    uint64_t lanes;
    uint64_t held_ns;
    uint64_t left;
    uint32_t unfenced;
    uint32_t reserved;
};

#define RINGBUF_MPMC_PEER_STAT_INIT \
    { sizeof(struct ringbuf_mpmc_peer_stat), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/*
 * ringbuf_mpmc_watch_open() opens the ring of many NAME to look at it.
 *
 * On success *WATCH is a handle, to be closed by ringbuf_mpmc_watch_close(); else it
 * is NULL.
 *
 * Any thread; does not block.  Returns 0, or
 *   -ENOENT  there is no ring of this name
 *   -EPROTO  the file is not a ring, not one of this version, damaged, or not a ring
 *            of many
 *   -ESTALE  the ring is from before the last restart
 *   -EPERM   the file or its directory is not safe
 *   -EINVAL  NULL, or a name that cannot name a ring
 *   or the system's own
 */
int ringbuf_mpmc_watch_open(const char *name, struct ringbuf_mpmc_watch **watch);

/*
 * ringbuf_mpmc_watch_open_fd() opens the ring of many behind a descriptor, which stays
 * the caller's, to look at it.
 *
 * Otherwise as ringbuf_mpmc_watch_open(), and
 *   -EBADF  FD is not an open descriptor
 *   but not -ENOENT
 */
int ringbuf_mpmc_watch_open_fd(int fd, struct ringbuf_mpmc_watch **watch);

/*
 * ringbuf_mpmc_watch_close() frees the handle.
 *
 * The thread that uses the handle; does not block.  Returns 0, or
 *   -EINVAL  WATCH is NULL
 */
int ringbuf_mpmc_watch_close(struct ringbuf_mpmc_watch *watch);

/*
 * ringbuf_mpmc_watch_look() looks at every slot of the ring and at every peer.
 *
 * The look stops nobody: each number was true when it was looked at.
 *
 * The thread that uses the handle, also in a child that inherited it; does not block.
 * Returns how many peers there are: each row on which somebody ever sat is one; or
 *   -EBADMSG  the ring is corrupt: what was seen before stays
 *   -EINVAL   NULL
 */
int ringbuf_mpmc_watch_look(struct ringbuf_mpmc_watch *watch);

/*
 * ringbuf_mpmc_watch_lane() fills *STAT with what was seen of LANE at the last look.
 *
 * The thread that uses the handle; does not block.  Returns 0, or
 *   -EINVAL  NULL, or an impossible size in STAT->size, or the ring has no such lane,
 *            or nobody has looked yet
 */
int ringbuf_mpmc_watch_lane(const struct ringbuf_mpmc_watch *watch, uint32_t lane,
                            struct ringbuf_mpmc_lane_stat *stat);

/*
 * ringbuf_mpmc_watch_peer() fills *STAT with what was seen of a peer at the last look:
 * INDEX is from 0 to one less than what ringbuf_mpmc_watch_look() has returned,
 * producers first.
 *
 * The thread that uses the handle; does not block.  Returns 0, or
 *   -EINVAL  NULL, or an impossible size in STAT->size, or there is no such peer, or
 *            nobody has looked yet
 */
int ringbuf_mpmc_watch_peer(const struct ringbuf_mpmc_watch *watch, uint32_t index,
                            struct ringbuf_mpmc_peer_stat *stat);

/* ---- Broadcast rings --------------------------------------------------- */

/*
 * A broadcast ring has slots of bytes, one publisher and many subscribers.  Each
 * message goes to every one of them, in place.
 *
 *     struct ringbuf_broadcast_join join = RINGBUF_BROADCAST_JOIN_INIT;
 *     struct ringbuf_broadcast_subscriber *screen;
 *     struct ringbuf_broadcast_message frame;
 *     int error;
 *
 *     join.delivery = RINGBUF_DELIVERY_LATEST;
 *     error = ringbuf_broadcast_subscriber_open("camera0", NULL, &join, &screen);
 *     while (error == 0 &&
 *            (error = ringbuf_broadcast_subscriber_read(screen, -1, &frame)) == 0) {
 *         show(frame.data, frame.length);
 *         error = ringbuf_broadcast_message_release(&frame);
 *     }
 *
 * Contracts.  Each subscriber chooses what it wants when it joins, beside others that
 * want something else.  LOSSLESS: every message.  The publisher waits for it once the
 * ring is full of messages that it has not taken, for as long as the ring's
 * reader_patience_ns says; then the subscriber is told -EOVERFLOW, once, and reads on
 * with the oldest message there is.  LOSSY: those it can keep up with; nobody waits
 * for it.  LATEST: always the newest, and never one before another.  What it got, what
 * ..._lost() and what ..._broken() say are together all that were published from where
 * it began up to its position.
 *
 * Views.  What a message shows is not written to until it is released, however long
 * that takes and however far the publisher goes meanwhile, also after -EOVERFLOW, also
 * after the handle was closed.  Nobody waits for it.  A subscriber says when it joins
 * how many it may hold at a time; the ring has a slot for each besides those of its
 * capacity.  What that costs: ringbuf_broadcast_..._pool().
 *
 * Parts.  A message may be begun before it is written, and shown piece by piece, as
 * the lines of a frame come from a sensor.  Who reads parts follows it; who reads
 * messages gets it when it is whole.  One that is broken off, since its publisher gave
 * it up or died, keeps its position: who reads messages passes it by.
 *
 * The other side.  One publisher follows another that died or, with RINGBUF_REOPEN,
 * closed the ring: positions go on.  A subscriber that died, or left, is not waited
 * for.  redelivery and RINGBUF_FAST make no difference: nobody's death takes a message
 * from anybody else.
 */

/* The one who writes to a broadcast ring, and one who reads from it. */
struct ringbuf_broadcast_publisher;
struct ringbuf_broadcast_subscriber;

/* What a subscriber wants when the publisher is faster. */
#define RINGBUF_DELIVERY_LOSSLESS 1u /* every message: the publisher waits */
#define RINGBUF_DELIVERY_LOSSY 2u    /* those it can keep up with */
#define RINGBUF_DELIVERY_LATEST 3u   /* the newest */

/* Where a subscriber begins. */
#define RINGBUF_START_DEFAULT 0u  /* LOSSLESS: OLDEST; others: NEWEST */
#define RINGBUF_START_NEWEST 1u   /* with the next message; LATEST: with the newest there is */
#define RINGBUF_START_OLDEST 2u   /* with the oldest that is promised: three quarters of the
                                     capacity back, if so many were published */
#define RINGBUF_START_POSITION 3u /* at `position`: with the oldest if that is gone, with the
                                     next if it is still to come */

/*
 * struct ringbuf_broadcast_join says what a subscriber wants.
 *
 * Begin with RINGBUF_BROADCAST_JOIN_INIT, and set `delivery`.
 *
 * size      set by RINGBUF_BROADCAST_JOIN_INIT.
 * delivery  RINGBUF_DELIVERY_...  Must be set.
 * start     RINGBUF_START_...
 * views     how many messages and parts it may hold at a time (2).
 * position  where it begins, with RINGBUF_START_POSITION; else 0.
 */
struct ringbuf_broadcast_join {
    uint32_t size;
    uint32_t delivery;
    uint32_t start;
    uint32_t views;
    uint64_t position;
};

#define RINGBUF_BROADCAST_JOIN_INIT { sizeof(struct ringbuf_broadcast_join), 0, 0, 0, 0 }

/*
 * struct ringbuf_broadcast_message is a message in place.
 *
 * Zero, or filled by ringbuf_broadcast_subscriber_read() or ..._latest().  It may be
 * moved, but not copied and used twice: once it was released, so has every copy been,
 * and using one is not noticed.
 *
 * data      where it is; readable until it is released, aligned to 64 bytes.
 * length    how many bytes it has; may be 0.
 * position  one more for each message that was published.
 * tag       the publisher's own 64 bits.
 * time_ns   when it was committed, or begun, nanoseconds of CLOCK_MONOTONIC.
 * flags     0; later versions may have some.
 * reserved  0.
 * token     the library's own.
 */
struct ringbuf_broadcast_message {
    const void *data;
    size_t length;
    uint64_t position;
    uint64_t tag;
    uint64_t time_ns;
    uint32_t flags;
    uint32_t reserved;
    uint64_t token[12];
};

/* Whether there is more of a message to come. */
#define RINGBUF_PART_OPEN 0u   /* more may come */
#define RINGBUF_PART_WHOLE 1u  /* this is all */
#define RINGBUF_PART_BROKEN 2u /* no more will come: its publisher gave it up, or died and was
                                  followed by another */

/*
 * struct ringbuf_broadcast_part is a message in place, as much of it as there is.
 *
 * Zero, or filled by ringbuf_broadcast_subscriber_read_part(); brought up to date by
 * ringbuf_broadcast_part_look() and ringbuf_broadcast_part_wait_for().  In all else, of
 * copies too, as struct ringbuf_broadcast_message.
 *
 * data       where it begins; readable as far as it is available, until it is released,
 *            aligned to 64 bytes.
 * available  how many bytes there were.  They never become fewer.
 * position   one more for each message that was published.
 * tag        the publisher's own 64 bits.
 * time_ns    when it was begun, or committed if it was not, of CLOCK_MONOTONIC.
 * state      RINGBUF_PART_...; with any but OPEN, `available` is final.
 * reserved   0.
 * token      the library's own.
 */
struct ringbuf_broadcast_part {
    const void *data;
    size_t available;
    uint64_t position;
    uint64_t tag;
    uint64_t time_ns;
    uint32_t state;
    uint32_t reserved;
    uint64_t token[12];
};

/*
 * struct ringbuf_broadcast_pool is what the slots of a ring cost.
 *
 * Begin with RINGBUF_BROADCAST_POOL_INIT.
 *
 * size      set by RINGBUF_BROADCAST_POOL_INIT; the call sets it to how many bytes it
 *           filled, and what is behind them to zero.
 * reserved  0.
 * ring      slots for the messages that the ring keeps: its capacity,
 * claims    for those that are being written,
 * views     and for those that are looked at, also when the ring keeps them no longer.
 * slots     all of them together,
 * bytes     and the memory that they take.
 */
struct ringbuf_broadcast_pool {
    uint32_t size;
    uint32_t reserved;
    uint64_t ring;
    uint64_t claims;
    uint64_t views;
    uint64_t slots;
    uint64_t bytes;
};

#define RINGBUF_BROADCAST_POOL_INIT { sizeof(struct ringbuf_broadcast_pool), 0, 0, 0, 0, 0, 0 }

/*
 * struct ringbuf_broadcast_stat is what a broadcast ring can tell about itself.
 *
 * Begin with RINGBUF_BROADCAST_STAT_INIT.  The snapshot stops nobody: each number was
 * true when it was looked at.
 *
 * size         set by RINGBUF_BROADCAST_STAT_INIT; the call sets it to how many bytes it
 *              filled, and what is behind them to zero.
 * subscribers  subscribers that live.
 * capacity     messages that the ring keeps.
 * position     the position of the next message.
 * floor        the position of the oldest one that is promised to whoever joins.
 * published    messages published, those that were broken off included,
 * readable     and those of them that one who joins can still read.
 * views        how many messages the subscribers may hold, all together,
 * held         and how many they hold; one that several hold counts for each of them.
 * length_max   bytes of the longest message.
 * memory       bytes that the ring takes.
 * created_ns   when it was made, nanoseconds since 1970.
 * granted      the flags about memory that were granted to the handle asked.
 * reserved     0.
 * publisher    its side.
 * id           16 bytes that no other ring has.
 */
struct ringbuf_broadcast_stat {
    uint32_t size;
    uint32_t subscribers;
    uint64_t capacity;
    uint64_t position;
    uint64_t floor;
    uint64_t published;
    uint64_t readable;
    uint64_t views;
    uint64_t held;
    uint64_t length_max;
    uint64_t memory;
    uint64_t created_ns;
    uint32_t granted;
    uint32_t reserved;
    struct ringbuf_peer_stat publisher;
    uint8_t id[16];
};

#define RINGBUF_BROADCAST_STAT_INIT                                                 \
    { sizeof(struct ringbuf_broadcast_stat), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
      { 0, 0, 0, 0, 0, 0, 0, 0 }, { 0 } }

/*
 * ringbuf_broadcast_stat() fills *STAT with what the broadcast ring NAME can tell about
 * itself, in all.  Subscriber by subscriber: ringbuf_broadcast_watch_open().
 *
 * In all else as ringbuf_stat(), and
 *   -EPROTO  also means that it is not a broadcast ring
 */
int ringbuf_broadcast_stat(const char *name, struct ringbuf_broadcast_stat *stat);

/* ---- The publisher ----------------------------------------------------- */

/*
 * ringbuf_broadcast_publisher_create() makes a broadcast ring of this name and becomes
 * its publisher.
 *
 * OPTIONS->shape must be RINGBUF_BYTES.
 *
 * Any thread; waits for the file system only.  Returns 0, or
 *   -EEXIST      the name is taken
 *   -EINVAL      NULL, a name that cannot name a ring, options that make no
 *                sense, another shape, impossible sizes and numbers
 *   -EMSGSIZE    the metadata or the type name is too long
 *   -ENOSPC      there is no room
 *   -EOPNOTSUPP  the file system cannot set memory aside
 *   -ENOENT      the directory of the path does not exist
 *   -EPERM       the directory of rings is not safe, or the group is not one's own
 *   -EBUSY       another process was faster to the seat,
 *   -ESHUTDOWN   and has closed it
 *   or the system's own
 */
int ringbuf_broadcast_publisher_create(const char *name, const struct ringbuf_options *options,
                                       struct ringbuf_broadcast_publisher **publisher);

/*
 * ringbuf_broadcast_publisher_create_or_open() becomes the publisher of the ring NAME,
 * which is made if there is none.
 *
 * A ring that exists must be as OPTIONS say, in all but mode, group and memory.
 *
 * Otherwise as ringbuf_broadcast_publisher_create().  Returns 0, or an error of
 * ringbuf_broadcast_publisher_create() other than -EEXIST, or of
 * ringbuf_broadcast_publisher_open(), where
 *   -EPROTO  also means that there is a ring of other sizes or policies
 */
int ringbuf_broadcast_publisher_create_or_open(const char *name,
                                               const struct ringbuf_options *options,
                                               struct ringbuf_broadcast_publisher **publisher);

/*
 * ringbuf_broadcast_publisher_create_unnamed() makes a broadcast ring without a name and
 * becomes its publisher.  Others come by ringbuf_broadcast_..._open_fd().
 *
 * Any thread; does not block.  Returns 0, or
 *   -EINVAL    NULL, options that make no sense, another shape, impossible sizes
 *              and numbers
 *   -EMSGSIZE  the metadata or the type name is too long
 *   -ENOSPC    there is no room
 *   or the system's own
 */
int ringbuf_broadcast_publisher_create_unnamed(const struct ringbuf_options *options,
                                               struct ringbuf_broadcast_publisher **publisher);

/*
 * ringbuf_broadcast_publisher_open() becomes the publisher of the ring NAME.
 *
 * A dead predecessor is followed, from exactly where it stopped; a message that it had
 * begun is broken off.  A living one is not disturbed; one that closed the ring is
 * followed if the ring was created with RINGBUF_REOPEN.  OPTIONS may be NULL.
 *
 * Any thread; does not block, but for a ring that is to be replaced after a
 * restart, where it waits for whoever is doing that.  Returns 0, or
 *   -ENOENT     there is no ring of this name
 *   -EBUSY      a living publisher sits there
 *   -ESHUTDOWN  the last publisher closed the ring for good
 *   -EPROTO     the file is not a ring, not one of this version, damaged, not a
 *               broadcast ring, not one of bytes, or of another type
 *   -EBADMSG    the ring is corrupt
 *   -ESTALE     the ring is from before the last restart
 *   -EPERM      the file or its directory is not safe
 *   -EINVAL     NULL, a name that cannot name a ring, options that make no sense
 *   -EMSGSIZE   the metadata or the type name in OPTIONS is too long
 *   or, for a ring that is replaced, -ENOSPC and -EOPNOTSUPP
 *   or the system's own
 */
int ringbuf_broadcast_publisher_open(const char *name, const struct ringbuf_options *options,
                                     struct ringbuf_broadcast_publisher **publisher);

/*
 * ringbuf_broadcast_publisher_open_fd() becomes the publisher of the ring behind a
 * descriptor, which stays the caller's.
 *
 * Otherwise as ringbuf_broadcast_publisher_open(), and
 *   -EBADF  FD is not an open descriptor
 *   but neither -ENOENT, -ENOSPC nor -EOPNOTSUPP
 */
int ringbuf_broadcast_publisher_open_fd(int fd, const struct ringbuf_options *options,
                                        struct ringbuf_broadcast_publisher **publisher);

/*
 * ringbuf_broadcast_publisher_close() leaves the ring and frees the handle.
 *
 * An open claim is aborted, a message that was begun is broken off.  Subscribers read
 * what was committed and are then told -EPIPE.
 *
 * The thread that uses the handle; does not block.  Returns 0, or
 *   -EINVAL  PUBLISHER is NULL
 */
int ringbuf_broadcast_publisher_close(struct ringbuf_broadcast_publisher *publisher);

/*
 * ringbuf_broadcast_publisher_claim() lends the caller room for a message of up to
 * LENGTH bytes, to be written in place.
 *
 * On success *DATA is writable, LENGTH bytes of it, until it is committed or aborted, or
 * as far as it was not shown if it is begun, and holds whatever was there before.  It is
 * aligned to 64 bytes.  At most one claim is open per publisher.
 *
 * The thread that uses the handle; waits up to TIMEOUT_NS for lossless subscribers that
 * have a full ring to read, but for none longer than the ring's reader_patience_ns, and
 * not for the dead.  Returns 0, or
 *   -EAGAIN     a subscriber is in the way now (TIMEOUT_NS was 0)
 *   -ETIMEDOUT  a subscriber is in the way, and was for TIMEOUT_NS
 *   -EMSGSIZE   LENGTH exceeds the slot size
 *   -EBUSY      a claim is open on this publisher
 *   -EBADMSG    the ring is corrupt
 *   -ECHILD     the publisher was inherited over fork()
 *   -EINVAL     NULL
 */
int ringbuf_broadcast_publisher_claim(struct ringbuf_broadcast_publisher *publisher,
                                      size_t length, int64_t timeout_ns, void **data);

/*
 * ringbuf_broadcast_publisher_commit() publishes the first LENGTH bytes of the open claim
 * as a message, with TAG, 64 bits of the caller's own.  The claim is over, unless the
 * error says otherwise.
 *
 * The thread that uses the handle; does not block; makes a system call only to wake
 * sleeping subscribers.  Returns 0, or
 *   -EINVAL    NULL, or no claim is open; or it was begun, and stays so
 *   -EMSGSIZE  LENGTH exceeds what was claimed: the claim stays open
 *   -ECHILD    the publisher was inherited over fork(): nothing is published
 */
int ringbuf_broadcast_publisher_commit(struct ringbuf_broadcast_publisher *publisher,
                                       size_t length, uint64_t tag);

/*
 * ringbuf_broadcast_publisher_abort() gives the open claim back and publishes nothing; a
 * message that was begun is broken off.  In a child of fork() it changes nothing in the
 * ring.
 *
 * The thread that uses the handle; does not block.  Returns 0, or
 *   -EINVAL  NULL, or no claim is open
 */
int ringbuf_broadcast_publisher_abort(struct ringbuf_broadcast_publisher *publisher);

/*
 * ringbuf_broadcast_publisher_push() copies LENGTH bytes in and publishes them as a
 * message, with TAG.  DATA may be NULL if LENGTH is 0.
 *
 * The thread that uses the handle; waits as ringbuf_broadcast_publisher_claim().
 * Returns 0, or an error of that, or
 *   -EINVAL  NULL
 */
int ringbuf_broadcast_publisher_push(struct ringbuf_broadcast_publisher *publisher,
                                     const void *data, size_t length, uint64_t tag,
                                     int64_t timeout_ns);

/*
 * ringbuf_broadcast_publisher_begin() shows the open claim as a message of which there is
 * nothing yet, with TAG and the time of now.
 *
 * It ends by ringbuf_broadcast_publisher_commit_begun() or ..._abort().
 *
 * The thread that uses the handle; does not block; makes a system call only to wake
 * sleeping subscribers.  Returns 0, or
 *   -EINVAL  NULL, or no claim is open; or it was begun already, and stays so
 *   -ECHILD  the publisher was inherited over fork(): nothing is seen
 */
int ringbuf_broadcast_publisher_begin(struct ringbuf_broadcast_publisher *publisher,
                                      uint64_t tag);

/*
 * ringbuf_broadcast_publisher_rest() sets *DATA and *LENGTH to what is left to write of
 * the message that was begun: what was claimed and not shown.
 *
 * The thread that uses the handle; does not block.  Returns 0, or
 *   -EINVAL  NULL, or no message was begun
 */
int ringbuf_broadcast_publisher_rest(struct ringbuf_broadcast_publisher *publisher,
                                     void **data, size_t *length);

/*
 * ringbuf_broadcast_publisher_advance() lets subscribers read the next BYTES bytes of the
 * message that was begun, which must not be written to any more.
 *
 * The thread that uses the handle; does not block; makes a system call only to wake
 * sleeping subscribers.  Returns 0, or
 *   -EINVAL    NULL, or no message was begun
 *   -EMSGSIZE  there are not so many left: nothing is shown
 *   -ECHILD    the publisher was inherited over fork(): nothing is shown
 */
int ringbuf_broadcast_publisher_advance(struct ringbuf_broadcast_publisher *publisher,
                                        size_t bytes);

/*
 * ringbuf_broadcast_publisher_commit_begun() publishes what was shown of the message that
 * was begun as the whole of it.  The claim is over.
 *
 * The thread that uses the handle; does not block; makes a system call only to wake
 * sleeping subscribers.  Returns 0, or
 *   -EINVAL  NULL, or no message was begun
 *   -ECHILD  the publisher was inherited over fork(): the message is not finished
 */
int ringbuf_broadcast_publisher_commit_begun(struct ringbuf_broadcast_publisher *publisher);

/*
 * ringbuf_broadcast_publisher_position() sets *POSITION to that of the next message, or of
 * the open claim.
 *
 * The thread that uses the handle; does not block.  Returns 0, or
 *   -EINVAL  NULL
 */
int ringbuf_broadcast_publisher_position(const struct ringbuf_broadcast_publisher *publisher,
                                         uint64_t *position);

/*
 * ringbuf_broadcast_publisher_evicted() sets *EVICTED to how many times this publisher did
 * not wait any longer for a lossless subscriber.
 *
 * The thread that uses the handle; does not block.  Returns 0, or
 *   -EBUSY   a claim is open on this publisher
 *   -EINVAL  NULL
 */
int ringbuf_broadcast_publisher_evicted(const struct ringbuf_broadcast_publisher *publisher,
                                        uint64_t *evicted);

/*
 * ringbuf_broadcast_publisher_wait_for_peer() waits until a living subscriber sits on the
 * ring.
 *
 * In all else, errors too, as ringbuf_producer_wait_for_peer().
 */
int ringbuf_broadcast_publisher_wait_for_peer(struct ringbuf_broadcast_publisher *publisher,
                                              int64_t timeout_ns);

/*
 * ringbuf_broadcast_publisher_fd() is the descriptor of the ring, for
 * ringbuf_broadcast_..._open_fd(); in all else as ringbuf_producer_fd().
 */
int ringbuf_broadcast_publisher_fd(const struct ringbuf_broadcast_publisher *publisher);

/*
 * ringbuf_broadcast_publisher_length_max() sets *LENGTH to the slot size, as
 * ringbuf_producer_length_max().
 */
int ringbuf_broadcast_publisher_length_max(const struct ringbuf_broadcast_publisher *publisher,
                                           size_t *length);

/*
 * ringbuf_broadcast_publisher_metadata() copies the bytes that the ring's creator left,
 * as ringbuf_producer_metadata().
 */
int ringbuf_broadcast_publisher_metadata(const struct ringbuf_broadcast_publisher *publisher,
                                         void *buffer, size_t capacity, size_t *length);

/*
 * ringbuf_broadcast_publisher_pool() fills *POOL with what the slots of the ring cost.
 *
 * The thread that uses the handle; does not block.  Returns 0, or
 *   -EINVAL  NULL, or an impossible size in POOL->size
 */
int ringbuf_broadcast_publisher_pool(const struct ringbuf_broadcast_publisher *publisher,
                                     struct ringbuf_broadcast_pool *pool);

/*
 * ringbuf_broadcast_publisher_stat() fills *STAT with what the ring can tell about
 * itself, as ringbuf_producer_stat().
 */
int ringbuf_broadcast_publisher_stat(const struct ringbuf_broadcast_publisher *publisher,
                                     struct ringbuf_broadcast_stat *stat);

/* ---- Subscribers ------------------------------------------------------- */

/*
 * ringbuf_broadcast_subscriber_create_or_open() joins the ring NAME, which is made if
 * there is none.
 *
 * In all else, errors too, as ringbuf_broadcast_publisher_create_or_open(), and of a
 * subscriber as ringbuf_broadcast_subscriber_open().
 */
int ringbuf_broadcast_subscriber_create_or_open(const char *name,
                                                const struct ringbuf_options *options,
                                                const struct ringbuf_broadcast_join *join,
                                                struct ringbuf_broadcast_subscriber **subscriber);

/*
 * ringbuf_broadcast_subscriber_open() joins the ring NAME.
 *
 * What the dead had of the ring is given back by whoever comes.  OPTIONS may be NULL;
 * JOIN may not.
 *
 * On success *SUBSCRIBER is a handle, to be closed by
 * ringbuf_broadcast_subscriber_close(); else it is NULL.
 *
 * Any thread; does not block, but for a ring that is to be replaced after a
 * restart, where it waits for whoever is doing that.  Returns 0, or
 *   -ENOENT         there is no ring of this name
 *   -EUSERS         living subscribers sit on all its seats
 *   -ETOOMANYREFS   the ring has not so many views left: ask for fewer, or create it
 *                   with a larger views_max
 *   -EPROTO         the file is not a ring, not one of this version, damaged, not a
 *                   broadcast ring, not one of bytes, or of another type
 *   -EBADMSG        the ring is corrupt
 *   -ESTALE         the ring is from before the last restart
 *   -EPERM          the file or its directory is not safe
 *   -EINVAL         NULL, a name that cannot name a ring, options or a JOIN that make
 *                   no sense
 *   -EMSGSIZE       the metadata or the type name in OPTIONS is too long
 *   or, for a ring that is replaced, -ENOSPC and -EOPNOTSUPP
 *   or the system's own
 */
int ringbuf_broadcast_subscriber_open(const char *name, const struct ringbuf_options *options,
                                      const struct ringbuf_broadcast_join *join,
                                      struct ringbuf_broadcast_subscriber **subscriber);

/*
 * ringbuf_broadcast_subscriber_open_fd() joins the ring behind a descriptor, which stays
 * the caller's.
 *
 * Otherwise as ringbuf_broadcast_subscriber_open(), and
 *   -EBADF  FD is not an open descriptor
 *   but neither -ENOENT, -ENOSPC nor -EOPNOTSUPP
 */
int ringbuf_broadcast_subscriber_open_fd(int fd, const struct ringbuf_options *options,
                                         const struct ringbuf_broadcast_join *join,
                                         struct ringbuf_broadcast_subscriber **subscriber);

/*
 * ringbuf_broadcast_subscriber_close() frees the handle.  Nobody waits for the subscriber
 * from here on.
 *
 * Open messages and parts stay open; the subscriber leaves the ring when they are
 * released.
 *
 * The thread that uses the handle; does not block.  Returns 0, or
 *   -EINVAL  SUBSCRIBER is NULL
 */
int ringbuf_broadcast_subscriber_close(struct ringbuf_broadcast_subscriber *subscriber);

/*
 * ringbuf_broadcast_subscriber_read() fills *MESSAGE with the next message, in place.
 *
 * MESSAGE->data is readable until the matching ringbuf_broadcast_message_release().  What
 * *MESSAGE was before is not looked at: a message that was open there stays open, and its
 * view is lost until the process ends.
 *
 * Everything that was committed is shown before -EPIPE or -EOWNERDEAD is answered; after
 * either, a successor of the publisher may come, and a later call may succeed.
 *
 * The thread that uses the handle; waits for a message up to TIMEOUT_NS.  Returns 0, or
 *   -EAGAIN      no message now, or the next is not whole, or the publisher is faster
 *                again and again (TIMEOUT_NS was 0)
 *   -ETIMEDOUT   no message within TIMEOUT_NS
 *   -EOVERFLOW   said once: the publisher did not wait any longer for this lossless
 *                subscriber, which reads on with the oldest message there is; see
 *                ringbuf_broadcast_subscriber_lost()
 *   -ENOBUFS     it holds as many messages and parts as it may: release one, or join
 *                with more views
 *   -EPIPE       no message is left, and the publisher closed the ring
 *   -EOWNERDEAD  no message is left, and the publisher died (if TIMEOUT_NS was not 0)
 *   -EBADMSG     the ring is corrupt
 *   -ECHILD      the subscriber was inherited over fork()
 *   -EINVAL      NULL
 */
int ringbuf_broadcast_subscriber_read(struct ringbuf_broadcast_subscriber *subscriber,
                                      int64_t timeout_ns,
                                      struct ringbuf_broadcast_message *message);

/*
 * ringbuf_broadcast_subscriber_latest() fills *MESSAGE with the newest message, also if it
 * was read before: what is read next, and what counts as lost, does not change.
 *
 * The thread that uses the handle; does not block.  Returns 0, or
 *   -EAGAIN   there is none, or the publisher is faster again and again
 *   -ENOBUFS  it holds as many messages and parts as it may
 *   -EBADMSG  the ring is corrupt
 *   -ECHILD   the subscriber was inherited over fork()
 *   -EINVAL   NULL
 */
int ringbuf_broadcast_subscriber_latest(const struct ringbuf_broadcast_subscriber *subscriber,
                                        struct ringbuf_broadcast_message *message);

/*
 * ringbuf_broadcast_message_release() gives a message back: its slot may be written again.
 *
 * In a child of fork() it changes nothing in the ring.
 *
 * Any thread, one at a time for each message; does not block.  Returns 0, or
 *   -EINVAL  NULL, or the message is released already, or was zero
 */
int ringbuf_broadcast_message_release(struct ringbuf_broadcast_message *message);

/*
 * ringbuf_broadcast_subscriber_read_part() fills *PART with the next message, as much as
 * there is of it, if it was at least begun.  Whole ones come like this too, and those
 * that were broken off.
 *
 * Errors as ringbuf_broadcast_subscriber_read(), but that one which is not whole is shown.
 */
int ringbuf_broadcast_subscriber_read_part(struct ringbuf_broadcast_subscriber *subscriber,
                                           int64_t timeout_ns,
                                           struct ringbuf_broadcast_part *part);

/*
 * ringbuf_broadcast_part_look() sets PART->available and PART->state to what they are now.
 *
 * Any thread, one at a time for each part; does not block.  Returns 0, or
 *   -EBADMSG  the ring is corrupt
 *   -EINVAL   NULL, or the part is released already, or was zero
 */
int ringbuf_broadcast_part_look(struct ringbuf_broadcast_part *part);

/*
 * ringbuf_broadcast_part_wait_for() waits until BYTES bytes of the message can be read, or
 * it is whole, however short; and sets PART->available and PART->state.
 *
 * Any thread, one at a time for each part; waits up to TIMEOUT_NS.  Returns 0, or
 *   -EAGAIN        not so many now (TIMEOUT_NS was 0)
 *   -ETIMEDOUT     not so many within TIMEOUT_NS
 *   -ECONNABORTED  the message was broken off before: no more will come
 *   -EPIPE         the publisher closed the ring, and no other has come
 *   -EOWNERDEAD    the publisher died, and no other has come
 *   -EBADMSG       the ring is corrupt
 *   -ECHILD        the part was inherited over fork()
 *   -EINVAL        NULL, or the part is released already, or was zero
 */
int ringbuf_broadcast_part_wait_for(struct ringbuf_broadcast_part *part, size_t bytes,
                                    int64_t timeout_ns);

/*
 * ringbuf_broadcast_part_release() gives a part back, as
 * ringbuf_broadcast_message_release() does with a message.
 */
int ringbuf_broadcast_part_release(struct ringbuf_broadcast_part *part);

/*
 * ringbuf_broadcast_subscriber_position() sets *POSITION to that of the message which is
 * read next, or which follows the last one that was read.
 *
 * The thread that uses the handle; does not block.  Returns 0, or
 *   -EINVAL  NULL
 */
int ringbuf_broadcast_subscriber_position(const struct ringbuf_broadcast_subscriber *subscriber,
                                          uint64_t *position);

/*
 * ringbuf_broadcast_subscriber_lost() sets *LOST to how many messages the subscriber did
 * not get since it joined: written over before it read them, or passed over since it
 * wants the latest.  Exact.
 *
 * The thread that uses the handle; does not block.  Returns 0, or
 *   -EINVAL  NULL
 */
int ringbuf_broadcast_subscriber_lost(const struct ringbuf_broadcast_subscriber *subscriber,
                                      uint64_t *lost);

/*
 * ringbuf_broadcast_subscriber_broken() sets *BROKEN to how many messages it passed by
 * since they were broken off.
 *
 * The thread that uses the handle; does not block.  Returns 0, or
 *   -EINVAL  NULL
 */
int ringbuf_broadcast_subscriber_broken(const struct ringbuf_broadcast_subscriber *subscriber,
                                        uint64_t *broken);

/*
 * ringbuf_broadcast_subscriber_wait_for_peer() waits until a living publisher sits on the
 * ring.
 *
 * In all else, errors too, as ringbuf_producer_wait_for_peer(), but never -EBUSY.
 */
int ringbuf_broadcast_subscriber_wait_for_peer(struct ringbuf_broadcast_subscriber *subscriber,
                                               int64_t timeout_ns);

/*
 * ringbuf_broadcast_subscriber_fd() is the descriptor of the ring, for
 * ringbuf_broadcast_..._open_fd(); in all else as ringbuf_producer_fd().
 */
int ringbuf_broadcast_subscriber_fd(const struct ringbuf_broadcast_subscriber *subscriber);

/*
 * ringbuf_broadcast_subscriber_length_max() sets *LENGTH to the slot size, as
 * ringbuf_producer_length_max().
 */
int ringbuf_broadcast_subscriber_length_max(const struct ringbuf_broadcast_subscriber *subscriber,
                                            size_t *length);

/*
 * ringbuf_broadcast_subscriber_metadata() copies the bytes that the ring's creator left,
 * as ringbuf_producer_metadata().
 */
int ringbuf_broadcast_subscriber_metadata(const struct ringbuf_broadcast_subscriber *subscriber,
                                          void *buffer, size_t capacity, size_t *length);

/*
 * ringbuf_broadcast_subscriber_pool() fills *POOL with what the slots of the ring cost, as
 * ringbuf_broadcast_publisher_pool().
 */
int ringbuf_broadcast_subscriber_pool(const struct ringbuf_broadcast_subscriber *subscriber,
                                      struct ringbuf_broadcast_pool *pool);

/*
 * ringbuf_broadcast_subscriber_stat() fills *STAT with what the ring can tell about
 * itself, as ringbuf_producer_stat().
 */
int ringbuf_broadcast_subscriber_stat(const struct ringbuf_broadcast_subscriber *subscriber,
                                      struct ringbuf_broadcast_stat *stat);

/* ---- Looking at a broadcast ring --------------------------------------- */

/*
 * One who looks at a broadcast ring, subscriber by subscriber.  Takes no seat and
 * disturbs nobody.
 *
 *     struct ringbuf_broadcast_peer_stat viewer = RINGBUF_BROADCAST_PEER_STAT_INIT;
 *     struct ringbuf_broadcast_watch *watch;
 *     int viewers, i;
 *
 *     error = ringbuf_broadcast_watch_open("camera", &watch);
 *     ...
 *     viewers = ringbuf_broadcast_watch_look(watch);
 *     for (i = 0; i < viewers; i++) {
 *         ringbuf_broadcast_watch_peer(watch, (uint32_t)i, &viewer);
 *         printf("process %u is %llu frames behind\n", viewer.pid,
 *                (unsigned long long)viewer.lag);
 *     }
 */
struct ringbuf_broadcast_watch;

/* What a subscriber wants that does not read: it left, or it died and was noticed. */
#define RINGBUF_DELIVERY_NONE 0u

/*
 * struct ringbuf_broadcast_peer_stat is what is known about a subscriber.
 *
 * Begin with RINGBUF_BROADCAST_PEER_STAT_INIT.
 *
 * size         set by RINGBUF_BROADCAST_PEER_STAT_INIT; the call sets it to how many
 *              bytes it filled, and what is behind them to zero.
 * row          its number among the peers.
 * presence     RINGBUF_PEER_...: of whoever sat on its row last.
 * incarnation  how often the row was taken.
 * pid          the process id of the last holder, as it saw itself.
 * delivery     RINGBUF_DELIVERY_...: what it wants.
 * evicted      1 if the publisher waits for it no longer and it has not noticed yet.
 * unfenced     as that of struct ringbuf_peer_stat.
 * since_ns     when the row was taken, of CLOCK_MONOTONIC.
 * sleeps       how often it asked the kernel to let it sleep,
 * wakes        to wake the publisher,
 * probes       and whether others live; all three are counted for the row.
 * position     the position that it reads next.
 * lag          messages published that it has neither read nor lost.
 * lost         messages that it lost since it joined; not those that it will find lost
 *              when it looks again.
 * broken       messages that it passed by because they were broken off.
 * views        how many messages it may hold at a time,
 * held         and how many it holds.
 */
struct ringbuf_broadcast_peer_stat {
    uint32_t size;
    uint32_t row;
    uint32_t presence;
    uint32_t incarnation;
    uint32_t pid;
    uint32_t delivery;
    uint32_t evicted;
    uint32_t unfenced;
    uint64_t since_ns;
    uint64_t sleeps;
    uint64_t wakes;
    uint64_t probes;
    uint64_t position;
    uint64_t lag;
    uint64_t lost;
    uint64_t broken;
    uint64_t views;
    uint64_t held;
};

#define RINGBUF_BROADCAST_PEER_STAT_INIT \
    { sizeof(struct ringbuf_broadcast_peer_stat), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/*
 * ringbuf_broadcast_watch_open() opens the broadcast ring NAME to look at it.
 *
 * On success *WATCH is a handle, to be closed by ringbuf_broadcast_watch_close(); else
 * it is NULL.
 *
 * In all else, errors too, as ringbuf_mpmc_watch_open(), and
 *   -EPROTO  means that it is not a broadcast ring
 */
int ringbuf_broadcast_watch_open(const char *name, struct ringbuf_broadcast_watch **watch);

/*
 * ringbuf_broadcast_watch_open_fd() opens the broadcast ring behind a descriptor, which
 * stays the caller's, to look at it.
 *
 * Otherwise as ringbuf_broadcast_watch_open(), and
 *   -EBADF  FD is not an open descriptor
 *   but not -ENOENT
 */
int ringbuf_broadcast_watch_open_fd(int fd, struct ringbuf_broadcast_watch **watch);

/*
 * ringbuf_broadcast_watch_close() frees the handle.
 *
 * The thread that uses the handle; does not block.  Returns 0, or
 *   -EINVAL  WATCH is NULL
 */
int ringbuf_broadcast_watch_close(struct ringbuf_broadcast_watch *watch);

/*
 * ringbuf_broadcast_watch_look() looks at every subscriber.
 *
 * The look stops nobody: each number was true when it was looked at.
 *
 * The thread that uses the handle, also in a child that inherited it; does not block.
 * Returns how many there are: each row on which a subscriber ever sat is one; or
 *   -EBADMSG  the ring is corrupt: what was seen before stays
 *   -EINVAL   NULL
 */
int ringbuf_broadcast_watch_look(struct ringbuf_broadcast_watch *watch);

/*
 * ringbuf_broadcast_watch_peer() fills *STAT with what was seen of a subscriber at the
 * last look: INDEX is from 0 to one less than what ringbuf_broadcast_watch_look() has
 * returned.
 *
 * The thread that uses the handle; does not block.  Returns 0, or
 *   -EINVAL  NULL, or an impossible size in STAT->size, or there is no such subscriber,
 *            or nobody has looked yet
 */
int ringbuf_broadcast_watch_peer(const struct ringbuf_broadcast_watch *watch, uint32_t index,
                                 struct ringbuf_broadcast_peer_stat *stat);

#ifdef __cplusplus
}
#endif

#endif
