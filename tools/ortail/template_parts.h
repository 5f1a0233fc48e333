/*
 * template_parts.h: what a template is made of; for ortail_template*.c alone.
 */
#ifndef ORBUS_ORTAIL_TEMPLATE_PARTS_H
#define ORBUS_ORTAIL_TEMPLATE_PARTS_H

#include "keys.h"

#include <stddef.h>

/* A precision that was not given. */
#define NONE (-1)

struct spec {
	char fill[5]; /* one character of one column */
	char align;   /* '<', '>', '^', '=' (to the right, with zeros); 0: as is usual */
	int width;
	char separator; /* between thousands: ',' or '_'; 0: none */
	int precision;  /* NONE: not given */
	char type;      /* 's', 'd', 'f', 'e', 'g'; 0: not given */
	char *time_format;
};

struct part {
	char *literal; /* NULL: a field */
	struct sample_key key;
	struct spec spec;
	char *missing; /* what stands for an absent value */
};

struct template
{
	struct part *parts;
	size_t count, capacity;
};

#endif
