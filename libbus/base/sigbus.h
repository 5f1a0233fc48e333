/*
 * sigbus.h: a shared object that another process truncates must not kill its readers.
 *
 * A load from a mapped page that the object no longer has raises SIGBUS. A library must not install
 * a signal handler; programs may: each of ours does so at its start.
 */
#ifndef ORBUS_BASE_SIGBUS_H
#define ORBUS_BASE_SIGBUS_H

/*
 * From here on a page that is gone reads as zeros, which are no valid sample. Any other SIGBUS does
 * what it did before. Source of the technique: systemd's basic/sigbus.c.
 */
void sigbus_reads_zeros(void);

#endif
