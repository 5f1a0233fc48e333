/*
 * tsan_python.c: the Python that the tests run in under ThreadSanitizer, which crashes when it is
 * preloaded into Debian's. The interpreter itself is not instrumented, but its lock is made of
 * pthreads' mutexes and conditions, which the sanitizer knows: so it sees whether the module in C
 * relies on more than that.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

int main(int argc, char **argv)
{
	return Py_BytesMain(argc, argv);
}
