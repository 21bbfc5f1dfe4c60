/*
 * broadcast_corrupt DIRECTORY: of the rings `entry` and `message` there, each with a word
 * that nobody can have stored, the one has no publisher, and the other shows no message.
 */
#include "broadcast_rings.h"

int main(int argc, char **argv)
{
    struct ringbuf_broadcast_join join = join_as(RINGBUF_DELIVERY_LOSSLESS);
    struct ringbuf_broadcast_publisher *publisher;
    struct ringbuf_broadcast_subscriber *subscriber;
    struct ringbuf_broadcast_message message;
    struct ringbuf_broadcast_part part;
    char name[4096];

    EXPECT(argc, 2);
    snprintf(name, sizeof(name), "%s/entry", argv[1]);
    EXPECT(ringbuf_broadcast_publisher_open(name, NULL, &publisher), -EBADMSG);
    EXPECT(publisher == NULL, 1);
    snprintf(name, sizeof(name), "%s/message", argv[1]);
    EXPECT(ringbuf_broadcast_subscriber_open(name, NULL, &join, &subscriber), 0);
    EXPECT(ringbuf_broadcast_subscriber_read(subscriber, HANG_NS, &message), -EBADMSG);
    EXPECT(ringbuf_broadcast_subscriber_close(subscriber), 0);
    EXPECT(ringbuf_broadcast_subscriber_open(name, NULL, &join, &subscriber), 0);
    EXPECT(ringbuf_broadcast_subscriber_read_part(subscriber, HANG_NS, &part), -EBADMSG);
    EXPECT(ringbuf_broadcast_subscriber_close(subscriber), 0);
    return 0;
}
