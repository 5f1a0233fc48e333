/*
 * bell.pml: the doorbell (producer.c's ring_bell(), reader.c's sleep_on_bell()): a reader that sleeps
 * is woken by a ring, or does not fall asleep over one. Checked by spin; without the poll's
 * timeout, which in reality bounds the failure that this proves impossible.
 *
 * A futex wait sleeps only if the word still is what the sleeper has noted, which the kernel looks at
 * and acts on as one step; a wake wakes who sleeps then.
 */
#define RINGS 3

byte head, bell;
bool asleep;
byte taken;

active proctype producer()
{
	byte i;

	do
	:: i < RINGS ->
		head++; /* published first */
#ifdef MUTANT_WAKE_WITHOUT_RING
		skip;
#else
		bell++;
#endif
		asleep = false; /* FUTEX_WAKE */
		i++
	:: else -> break
	od
}

active proctype reader()
{
	byte noted;

	do
	:: taken == RINGS -> break
	:: else ->
#ifdef MUTANT_NOTED_AFTER_THE_LOOK
		taken = head;
		noted = bell;
#else
		noted = bell;
		taken = head;
#endif
		if
		:: taken == RINGS -> break
		:: else
		fi;
		atomic { /* FUTEX_WAIT */
			if
			:: bell == noted -> asleep = true
			:: else
			fi
		}
		!asleep
	od
	/* An endless sleep is an invalid end state: spin reports it. */
}
