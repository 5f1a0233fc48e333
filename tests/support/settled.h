/*
 * settled.h: adds a sample to an aggregate and brings it into all tables, so that a test can look
 * at these after each sample. Programs settle before they look (stats/aggregate.h).
 */
#ifndef ORBUS_TESTS_SUPPORT_SETTLED_H
#define ORBUS_TESTS_SUPPORT_SETTLED_H

#include "stats/aggregate.h"

static inline bool aggregate_add_settled(struct aggregate *a, const struct orbus_sample *s)
{
	return aggregate_add(a, s) && aggregate_settle(a);
}

#endif
