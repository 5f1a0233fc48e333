/*
 * account.h: what becomes of samples: those that could not be published, sums, log lines.
 */
#ifndef ORBUS_PYTHON_EXT_ACCOUNT_H
#define ORBUS_PYTHON_EXT_ACCOUNT_H

#include "objects.h"

/* For producer_note(): something that the program handed over could not be read, and was left out.
 */
#define UNREADABLE (-EPROTO)

/* Keeps the account of what could not be published. */
void producer_note(struct producer *p, int err);

/* Publishes a sample, or keeps the account. */
void producer_publish(struct producer *p, const struct orbus_sample *s);

/*
 * After a sample was published: sums, and lines for the log. No exception may be set before; one
 * that is no Exception may be set after, and goes to the bot.
 */
void producer_ended(struct producer *p, const struct orbus_sample *s);

#endif
