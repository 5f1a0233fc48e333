/*
 * stop.h: SIGINT and SIGTERM as a question that a program asks when it can.
 */
#ifndef ORBUS_COMMON_STOP_H
#define ORBUS_COMMON_STOP_H

#include <stdbool.h>

/*
 * From here on the two signals interrupt waiting system calls and set a flag; they do nothing else.
 */
void stop_on_signals(void);

/* Whether one has come. */
bool is_stop_asked(void);

#endif
