/*
 * testing.h: shared by the unit tests: cmocka, a private bus for each test, a temporary folder.
 */
#ifndef ORBUS_TESTS_SUPPORT_TESTING_H
#define ORBUS_TESTS_SUPPORT_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* A bus name that nothing else uses; freed and removed by bus_teardown(). */
int bus_setup(void **state);
int bus_teardown(void **state);

/* Removes the objects of a bus. */
void bus_remove(const char *bus);

#define bus_test(f) cmocka_unit_test_setup_teardown(f, bus_setup, bus_teardown)

#endif
