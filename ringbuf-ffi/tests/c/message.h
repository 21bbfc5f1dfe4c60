/*
 * What the test programs send: messages of changing lengths, each with its number
 * in front, and a checksum over all of them.  tests/sent/mod.rs has the same.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MESSAGE_LENGTH_MAX 256

static inline size_t message_length(uint64_t number)
{
    return (size_t)(sizeof(number) + number * 37 % (MESSAGE_LENGTH_MAX - sizeof(number) + 1));
}

static inline void message_write(void *data, uint64_t number)
{
    unsigned char *bytes = (unsigned char *)data;
    size_t i;

    memcpy(bytes, &number, sizeof(number));
    for (i = sizeof(number); i < message_length(number); i++)
        bytes[i] = (unsigned char)(number * 31 + i);
}

/* FNV-1a, continued from CHECKSUM. */
#define CHECKSUM_START 0xcbf29ce484222325u

static inline uint64_t checksum_add(uint64_t checksum, const void *data, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)data;
    size_t i;

    for (i = 0; i < length; i++)
        checksum = (checksum ^ bytes[i]) * 0x100000001b3u;
    return checksum;
}

/* The ring on which the programs meet. */
#define RING_CAPACITY_SLOTS 8
#define RING_CAPACITY_BYTES 4096
#define RING_TYPE_NAME "test message v1"

/* No wait ends by this in a test that passes. */
#define HANG_NS (60 * (int64_t)1000000000)

#endif
