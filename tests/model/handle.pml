/*
 * handle.pml: who is inside a handle (libbus/ring/handle.h, libbus/ring/handle.c): a thread that owns it and says so by a
 * plain store, and others who take that away from it. Checked by spin.
 *
 * The owner's store of `owner_inside` waits in its processor's buffer, from where it comes to memory
 * at any later moment, at the owner's next store or locked instruction, or at a barrier that another
 * thread has the kernel run. Every other step happens at once.
 */
#define OWNER    3
#define SHARED   1
#define REVOKING 2
#define ROUNDS   2

byte owner = OWNER;
bool owner_inside, shared_busy, shared_inside;
bool is_pending, pending;
byte inside, done;

inline flush()
{
	atomic {
		if
		:: is_pending -> owner_inside = pending; is_pending = false
		:: else
		fi
	}
}

/* Of the owner. */
inline store_inside(value)
{
	flush();
	atomic { pending = value; is_pending = true }
}

inline be_inside()
{
	inside++;
	assert(inside == 1);
	inside--
}

/* handle_occupy_shared(); sets `is_in`. */
inline occupy_shared(is_owner)
{
	do
	:: owner == SHARED -> break
	:: else ->
		atomic {
			if
			:: owner == OWNER -> owner = REVOKING
			:: else
			fi
		}
#ifndef MUTANT_NO_BARRIER
		flush();
#endif
		atomic {
			if
			:: owner == REVOKING -> owner = SHARED
			:: else
			fi
		}
	od;
	atomic { /* the locked exchange */
		if
		:: is_owner -> flush()
		:: else
		fi;
		is_in = !shared_busy;
		shared_busy = true
	}
	if
	:: is_in && owner_inside -> shared_busy = false; is_in = false
	:: is_in && !owner_inside -> shared_inside = true
	:: else
	fi
}

inline vacate()
{
	if
#ifdef MUTANT_OWNER_INSIDE_TELLS
	:: !owner_inside -> shared_inside = false; shared_busy = false
#else
	:: shared_inside -> shared_inside = false; shared_busy = false
#endif
	:: else -> store_inside(false)
	fi
}

active proctype first()
{
	byte round;
	bool is_in;

	do
	:: round == ROUNDS -> break
	:: else ->
		is_in = false;
		if
		:: owner == OWNER ->
			store_inside(true);
#ifdef MUTANT_NO_SECOND_LOOK
			is_in = true
#else
			if
			:: owner == OWNER -> is_in = true
			:: else -> store_inside(false); occupy_shared(true)
			fi
#endif
		:: else -> occupy_shared(true)
		fi;
		if
		:: is_in -> be_inside(); vacate()
		:: else
		fi;
		round++
	od;
	flush();
	done++
}

active [2] proctype other()
{
	byte round;
	bool is_in;

	do
	:: round == ROUNDS -> break
	:: else ->
		is_in = false;
		occupy_shared(false);
		if
		:: is_in -> be_inside(); vacate()
		:: else
		fi;
		round++
	od;
	done++
}

active proctype buffer()
{
	do
	:: done == 3 -> break
	:: is_pending -> flush()
	od;
	/* No thread is inside: the next one must be able to enter. */
	assert(!shared_busy && !owner_inside && !shared_inside)
}
