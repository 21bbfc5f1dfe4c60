// What is measured of Boost, in C's terms. No exception gets out: a call that fails
// returns false or null.

#include <boost/interprocess/ipc/message_queue.hpp>
#include <boost/lockfree/queue.hpp>
#include <cstddef>
#include <cstdint>

using boost::interprocess::message_queue;
using lockfree_queue =
    boost::lockfree::queue<std::uint64_t, boost::lockfree::fixed_sized<true>>;

template <typename Call> static auto caught(Call call) noexcept -> decltype(call()) {
    try {
        return call();
    } catch (...) {
        return {};
    }
}

extern "C" {

lockfree_queue *benches_lockfree_new(std::size_t capacity) {
    return caught([=] { return new lockfree_queue(capacity); });
}

bool benches_lockfree_push(lockfree_queue *queue, std::uint64_t message) {
    return queue->push(message);
}

bool benches_lockfree_pop(lockfree_queue *queue, std::uint64_t *message) {
    return queue->pop(*message);
}

void benches_lockfree_delete(lockfree_queue *queue) { delete queue; }

bool benches_interprocess_create(const char *name, std::size_t capacity) {
    return caught([=] {
        using namespace boost::interprocess;
        message_queue(create_only, name, capacity, sizeof(std::uint64_t), permissions(0600));
        return true;
    });
}

bool benches_interprocess_remove(const char *name) { return message_queue::remove(name); }

message_queue *benches_interprocess_open(const char *name) {
    return caught([=] { return new message_queue(boost::interprocess::open_only, name); });
}

bool benches_interprocess_send(message_queue *queue, std::uint64_t message) {
    return caught([&] {
        queue->send(&message, sizeof message, 0);
        return true;
    });
}

bool benches_interprocess_receive(message_queue *queue, std::uint64_t *message) {
    return caught([&] {
        message_queue::size_type size = 0;
        unsigned int priority = 0;
        queue->receive(message, sizeof *message, size, priority);
        return size == sizeof *message;
    });
}

void benches_interprocess_close(message_queue *queue) { delete queue; }

} // extern "C"
