/*
 * slot.h: the seqlock that guards one slot: the owner's stores and a reader's copy.
 *
 * The memory-order argument. Let record n go into a slot that held record m = n - slots.
 *
 *   writer (the lane's owner)               reader (any number, read-only mapping)
 *   W1 sequence = 2n+1      relaxed         R1 s = sequence           acquire
 *   -- fence release --                     R2 copy owner, payload    relaxed words
 *   W2 owner, payload       relaxed words   -- fence acquire --
 *   W3 sequence = 2n+2      release         R3 sequence == s ?        relaxed
 *
 * R1 reading the value of W3 orders all of W2 for record n before the copy: the copy has at least
 * record n's words. Should any word of the copy come from a later record's W2, that W2 comes after
 * the release fence that follows its W1, and the copy before the acquire fence that precedes R3,
 * so R3 sees that later W1 or something newer, and the copy is thrown away. A torn copy is thus
 * detected, and since every shared word is atomic it is never undefined behaviour.
 */
#ifndef ORBUS_RING_SLOT_H
#define ORBUS_RING_SLOT_H

#include "layout.h"

#include <stdbool.h>
#include <string.h>

static inline uint64_t slot_sequence_writing(uint64_t record)
{
	return 2 * record + 1;
}

static inline uint64_t slot_sequence_whole(uint64_t record)
{
	return 2 * record + 2;
}

/* Four at a time where there are four: the compiler does not unroll loops over atomic words. */
static inline void slot_store_words(_Atomic uint64_t *to, const uint64_t *from, uint32_t words)
{
	uint32_t i = 0;

	for (; i + 4 <= words; i += 4) {
		atomic_store_explicit(&to[i], from[i], memory_order_relaxed);
		atomic_store_explicit(&to[i + 1], from[i + 1], memory_order_relaxed);
		atomic_store_explicit(&to[i + 2], from[i + 2], memory_order_relaxed);
		atomic_store_explicit(&to[i + 3], from[i + 3], memory_order_relaxed);
	}
	for (; i < words; i++)
		atomic_store_explicit(&to[i], from[i], memory_order_relaxed);
}

static inline void slot_load_words(uint64_t *to, const _Atomic uint64_t *from, uint32_t words)
{
	uint32_t i = 0;

	for (; i + 4 <= words; i += 4) {
		to[i] = atomic_load_explicit(&from[i], memory_order_relaxed);
		to[i + 1] = atomic_load_explicit(&from[i + 1], memory_order_relaxed);
		to[i + 2] = atomic_load_explicit(&from[i + 2], memory_order_relaxed);
		to[i + 3] = atomic_load_explicit(&from[i + 3], memory_order_relaxed);
	}
	for (; i < words; i++)
		to[i] = atomic_load_explicit(&from[i], memory_order_relaxed);
}

/* `payload` is private, padded with anything up to a multiple of 8 bytes. */
static inline void slot_write(
    struct slot *slot, uint64_t record, uint32_t epoch, const uint64_t *payload, uint32_t length)
{
	uint32_t words = (length + 7) / 8;

	atomic_store_explicit(&slot->sequence, slot_sequence_writing(record), memory_order_relaxed);
	atomic_thread_fence(memory_order_release); /* pairs with the acquire fence in slot_read() */
	atomic_store_explicit(&slot->owner, (uint64_t)epoch << 32 | length, memory_order_relaxed);
	slot_store_words(slot->payload, payload, words);
	/* Pairs with the acquire load in slot_read(). */
	atomic_store_explicit(&slot->sequence, slot_sequence_whole(record), memory_order_release);
}

/*
 * Copies record `record` into `payload`, which has room for `capacity` bytes (a multiple of 8).
 * False: the slot holds something else, or changed under the copy. A length beyond the capacity is
 * returned as 0, which is no valid sample.
 */
static inline bool slot_read(const struct slot *slot, uint64_t record, uint64_t *payload,
    uint32_t capacity, uint32_t *epoch, uint32_t *length)
{
	uint64_t sequence = atomic_load_explicit(&slot->sequence, memory_order_acquire);
	uint64_t owner;
	uint32_t words;

	if (sequence != slot_sequence_whole(record))
		return false;
	owner = atomic_load_explicit(&slot->owner, memory_order_relaxed);
	*epoch = (uint32_t)(owner >> 32);
	*length = (uint32_t)owner;
	if (*length > capacity)
		*length = 0;
	words = (*length + 7) / 8;
	slot_load_words(payload, slot->payload, words);
	atomic_thread_fence(
	    memory_order_acquire); /* pairs with the release fence in slot_write() */
	return atomic_load_explicit(&slot->sequence, memory_order_relaxed) == sequence;
}

#endif
