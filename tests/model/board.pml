/*
 * board.pml: the agent's board (libbus/board/board.c): a document in one of three slots, then the header that
 * names it; the writer may die after any store, and a reader copies word by word. Checked by spin for
 * every interleaving; test_models.py says how.
 *
 * Claims: what a reader accepts is one document, whole, and no older than the header that it saw; and
 * whenever the writer dies, the newest document that was published can still be read.
 *
 * The checksum is modelled as ideal: it fits one document only. Each MUTANT takes away one thing that
 * the argument rests on, and must be found out.
 */
#define DOCUMENTS 7
#ifdef MUTANT_ONE_SLOT
#define SLOTS 1
#else
#define SLOTS 3
#endif

byte newest;                      /* the header's generation, 0: no document yet */
byte first[SLOTS], second[SLOTS]; /* two words of a document: both have its generation */
byte generation[SLOTS], checksum[SLOTS];
bool ended;

#define MAY_DIE if :: skip :: goto dead fi

active proctype writer()
{
	byte n = 1, at;

	do
	:: n <= DOCUMENTS ->
		at = n % SLOTS;
#ifdef MUTANT_HEADER_FIRST
		newest = n; MAY_DIE;
#endif
		first[at] = n; MAY_DIE;
		second[at] = n; MAY_DIE;
		generation[at] = n; MAY_DIE;
		checksum[at] = n; MAY_DIE;
		newest = n; MAY_DIE;
		n++
	:: else -> break
	od;
dead:
	ended = true
}

active proctype reader()
{
	byte wanted, found, sum, a, b, at;
	bool last;

	do
	:: last -> break
	:: else ->
		last = ended; /* nothing changes after that: this try must do */
		wanted = newest;
		if
		:: wanted == 0 -> goto again
		:: else
		fi;
		at = wanted % SLOTS;
		found = generation[at];
		sum = checksum[at];
		a = first[at];
		b = second[at];
		if
		:: found != wanted -> assert(!last)
#ifdef MUTANT_NO_CHECKSUM
		:: found == wanted ->
#else
		:: found == wanted && (a != sum || b != sum) -> assert(!last)
		:: found == wanted && a == sum && b == sum ->
#endif
			assert(a == b && a >= wanted)
		fi;
again:
	od
}
