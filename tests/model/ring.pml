/*
 * ring.pml: a lane from claim to claim, with its owner dying anywhere, and a reader (libbus/ring/lane.c,
 * libbus/ring/slot.h, producer.c, libbus/ring/ring_view.c). Checked by spin for every interleaving; test_models.py says how.
 *
 * Claims: nothing torn is ever delivered; a record is counted as lost only if it was overwritten;
 * and in the end every record that was published is delivered or lost, after any death at any step.
 *
 * Each MUTANT takes away one thing that the argument rests on, and must be found out.
 */
#ifndef SLOTS
#define SLOTS 2
#endif
#define RECORDS 4
#define OWNERS  2

byte owner;           /* of the lane's lock: 0 none; the kernel frees it at a death */
byte head;            /* records ever published */
byte sequence[SLOTS]; /* 2n+1 while record n is written, 2n+2 once it is whole */
byte first[SLOTS], second[SLOTS]; /* two words of payload */
byte gone;            /* producers that have ended */

/* Any store may be the last one of its process. */
#define MAY_DIE if :: skip :: goto dead fi

proctype producer(byte me)
{
	byte n, at;

	atomic {
#ifndef MUTANT_NO_LOCK
		owner == 0 ->
#endif
		owner = me
	}
	n = head; /* the next owner continues the sequence */
	do
	:: n < RECORDS ->
		at = n % SLOTS;
#ifdef MUTANT_HEAD_FIRST
		head = n + 1;
#endif
#ifndef MUTANT_NO_ODD
		sequence[at] = 2 * n + 1; MAY_DIE;
#endif
		first[at] = 2 * n + me - 1; MAY_DIE;
		second[at] = 2 * n + me - 1; MAY_DIE;
		sequence[at] = 2 * n + 2; MAY_DIE;
#ifndef MUTANT_HEAD_FIRST
		head = n + 1; MAY_DIE;
#endif
		n++
	:: break
	od;
dead:
	atomic {
		owner = 0;
		gone++
	}
}

proctype reader()
{
	byte next, seen, lost, delivered, before, a, b, at;
	bool last;

	do
	:: last ->
		break
	:: else ->
		last = (gone == OWNERS); /* no record comes after that */
		seen = head;
		if
		:: seen > next + SLOTS ->
			lost = lost + seen - SLOTS - next;
			next = seen - SLOTS
		:: else
		fi;
		do
		:: next < seen ->
			at = next % SLOTS;
			before = sequence[at];
			if
			:: before == 2 * next + 2 ->
				a = first[at];
				b = second[at];
				if
#ifdef MUTANT_NO_SECOND_LOOK
				:: true ->
#else
				:: sequence[at] == before ->
#endif
					assert(a == b && a / 2 == next);
					delivered++
				:: else -> lost++
				fi
			:: else ->
				assert(before > 2 * next + 2); /* it was overwritten */
				lost++
			fi;
			next++
		:: else -> break
		od
	od;
	assert(delivered + lost == head)
}

init {
	atomic {
		run producer(1);
		run producer(2);
		run reader()
	}
}
