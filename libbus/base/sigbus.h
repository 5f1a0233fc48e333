/*
 * sigbus.h: a shared object that somebody truncates must not kill whoever reads it.
 *
 * A page that has gone from under a read-only mapping raises SIGBUS at the next look. A library may
 * not take a signal for itself; programs may: each of ours does so first of all.
 */
#ifndef ORBUS_BASE_SIGBUS_H
#define ORBUS_BASE_SIGBUS_H

/*
 * From here on a page that is gone reads as zeros, which no sample is. Any other SIGBUS does what
 * it did before. Source of the technique: systemd's basic/sigbus.c.
 */
void sigbus_reads_zeros(void);

#endif
