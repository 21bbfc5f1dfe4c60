/* For test programs: says where an expectation failed, and ends the program. */
#ifndef EXPECT_H
#define EXPECT_H

#include "ringbuf.h"

#include <stdio.h>
#include <stdlib.h>

static inline void expect(long long found, long long expected, const char *what, int line)
{
    if (found == expected)
        return;
    fprintf(stderr, "line %d: %s\n  found    %lld (%s)\n  expected %lld (%s)\n", line, what, found,
            ringbuf_strerror((int)found), expected, ringbuf_strerror((int)expected));
    exit(1);
}

/* What CALL returns is EXPECTED. */
#define EXPECT(call, expected) expect((long long)(call), (long long)(expected), #call, __LINE__)

#endif
