/*
 * reader_loads.h: stops a reader before each of its loads from the ring. A test compiles the
 * reader's files with this header before them (-include), and says in reader_loads() what others do
 * meanwhile.
 *
 * It is not for order of memory: the reader's loads stay one after the other (tests/model has the
 * rest).
 */
#ifndef ORBUS_TESTS_SUPPORT_READER_LOADS_H
#define ORBUS_TESTS_SUPPORT_READER_LOADS_H

#include <stdatomic.h>

/* Called before each load. */
void reader_loads(void);

#undef atomic_load_explicit
#ifdef __clang__
#define READER_LOAD(word, order) __c11_atomic_load(word, order)
#else
#define READER_LOAD(word, order) __atomic_load_n(word, order)
#endif
#define atomic_load_explicit(word, order) \
	__extension__({                   \
		reader_loads();           \
		READER_LOAD(word, order); \
	})

#endif
