/*
 * terminal.c: the terminal, by ncurses.
 *
 * Signals. Those that ask to end or to stop are remembered and answered in term_wait(), where the
 * terminal can be given back in order. Those of a fault end the program at once: their handler
 * writes what was prepared when the terminal was taken, and calls nothing but write(), tcsetattr(),
 * signal() and raise(), which may be called anywhere. ncurses keeps the change of size for itself.
 */
#include "terminal.h"
#include "base/sigbus.h"
#include "state.h"
#include "terminfo.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define NCURSES_WIDECHAR 1
#include <curses.h>

#define ESCAPE_DELAY_MS 50
#define CRASH_STACK     65536

static struct {
	SCREEN *screen;
	FILE *keyboard, *display;
	bool colour;
	/* For the handler of faults: written before it is installed. */
	struct termios before;
	struct terminfo info;
	int display_fd;
} term;

static volatile sig_atomic_t end_asked, stop_asked, continued;

/* --- Locale ----------------------------------------------------------------------------------- */

static bool name_says_utf8(void)
{
	static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		const char *name = getenv(variables[i]);

		if (name && *name)
			return strcasestr(name, "utf-8") || strcasestr(name, "utf8");
	}
	return false;
}

bool term_speaks_utf8(void)
{
	locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	bool is_utf8;

	if (locale == (locale_t)0)
		return name_says_utf8();
	is_utf8 = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
	freelocale(locale);
	return is_utf8;
}

/* --- Signals ---------------------------------------------------------------------------------- */

static void ask_end(int number)
{
	(void)number;
	end_asked = 1;
}

static void ask_stop(int number)
{
	(void)number;
	stop_asked = 1;
}

static void note_continued(int number)
{
	(void)number;
	continued = 1;
}

static void restore_and_die(int number)
{
	ssize_t ignored = write(term.display_fd, term.info.restore, term.info.restore_length);

	(void)ignored;
	tcsetattr(term.display_fd, TCSANOW, &term.before);
	signal(number, SIG_DFL);
	raise(number); /* blocked until the handler returns, and then the end */
}

static void catch_signal(int number, void (*handler)(int), int flags)
{
	struct sigaction action, before;

	/* What nohup or a shell had ignored stays ignored. */
	if (sigaction(number, NULL, &before) == 0 && before.sa_handler == SIG_IGN)
		return;
	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	action.sa_flags = flags;
	sigaction(number, &action, NULL);
}

static void catch_requests(bool wanted)
{
	catch_signal(SIGINT, wanted ? ask_end : SIG_DFL, 0);
	catch_signal(SIGTERM, wanted ? ask_end : SIG_DFL, 0);
	catch_signal(SIGHUP, wanted ? ask_end : SIG_DFL, 0);
	catch_signal(SIGTSTP, wanted ? ask_stop : SIG_DFL, 0);
	catch_signal(SIGCONT, wanted ? note_continued : SIG_DFL, 0);
}

static void catch_faults(void)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGQUIT, SIGSYS};
	static char stack[CRASH_STACK];
	stack_t present, ours = {.ss_sp = stack, .ss_size = sizeof(stack)};

	/* A stack that overflowed serves no handler; a sanitizer's is as good as ours. */
	if (sigaltstack(NULL, &present) == 0 && present.ss_flags & SS_DISABLE)
		sigaltstack(&ours, NULL);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		catch_signal(faults[i], restore_and_die, SA_ONSTACK);
	/* Again, so that a page that is gone still reads as zeros, and other faults come here. */
	sigbus_reads_zeros();
}

/* --- Taking and giving back ------------------------------------------------------------------- */

static FILE *file_of(int fd, const char *mode)
{
	FILE *file = fd < 0 ? NULL : fdopen(fd, mode);

	if (!file && fd >= 0)
		close(fd);
	return file;
}

/* Keys come from the terminal, wherever standard input comes from. */
static FILE *open_keyboard(void)
{
	return file_of(isatty(STDIN_FILENO) ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
					    : open("/dev/tty", O_RDWR | O_CLOEXEC),
	    "r");
}

/*
 * Opened again where that is allowed: O_NONBLOCK belongs to the open file, which other programs on
 * the terminal share, and with it ncurses would retry in a loop while the terminal takes nothing.
 * The open itself uses O_NONBLOCK, so that it does not wait for the carrier of a serial line.
 */
static FILE *open_display(void)
{
	int fd = open("/proc/self/fd/1", O_WRONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0)
		fcntl(fd, F_SETFL, 0);
	else
		fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	return file_of(fd, "w");
}

static bool open_files(void)
{
	term.keyboard = open_keyboard();
	if (!term.keyboard)
		return false;
	term.display = open_display();
	if (!term.display) {
		fclose(term.keyboard);
		return false;
	}
	term.display_fd = fileno(term.display);
	return true;
}

static void close_files(void)
{
	fclose(term.keyboard);
	fclose(term.display);
}

static void set_colours(void)
{
	static const short colours[][2] = {{TONE_GOOD, COLOR_GREEN}, {TONE_FAIR, COLOR_CYAN},
	    {TONE_POOR, COLOR_YELLOW}, {TONE_BAD, COLOR_RED}};

	term.colour = term.colour && has_colors() && start_color() == OK;
	if (!term.colour)
		return;
	use_default_colors();
	for (size_t i = 0; i < sizeof(colours) / sizeof(colours[0]); i++)
		init_pair(colours[i][0], colours[i][1], -1);
}

int term_open(bool colour)
{
	if (tcgetattr(STDOUT_FILENO, &term.before) < 0 || !terminfo_read(&term.info))
		return -ENOTTY;
	if (!open_files())
		return -ENOTTY;
	catch_requests(true); /* first, so that ncurses leaves them alone */
	term.screen = newterm(NULL, term.display, term.keyboard);
	if (!term.screen) {
		close_files();
		catch_requests(false);
		return -ENOTTY;
	}
	catch_requests(true);
	catch_faults();
	term.colour = colour;
	set_colours();
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	leaveok(stdscr, TRUE);
	set_escdelay(ESCAPE_DELAY_MS);
	curs_set(0);
	return 0;
}

/* Where the terminal has no second screen, what was drawn stays: the shell's line is left clean. */
static void give_back(void)
{
	move(LINES - 1, 0);
	clrtoeol();
	refresh();
	endwin();
}

void term_close(void)
{
	give_back();
	delscreen(term.screen);
	close_files();
}

/* --- Drawing ---------------------------------------------------------------------------------- */

void term_size(int *rows, int *columns)
{
	*rows = LINES;
	*columns = COLS;
}

static void draw_cell(int row, int column, const struct cell *cell)
{
	attr_t attributes = cell->reverse ? A_REVERSE : A_NORMAL;
	bool coloured = cell->tone >= TONE_GOOD && cell->tone <= TONE_BAD;
	short pair = term.colour && coloured ? (short)cell->tone : 0;
	cchar_t character;

	if (cell->tone == TONE_STRONG)
		attributes |= A_BOLD;
	if (cell->tone == TONE_FAINT)
		attributes |= A_DIM;
	if (setcchar(&character, cell->text, attributes, pair, NULL) == OK)
		mvadd_wch(row, column, &character);
}

void term_draw(const struct canvas *c, bool anew)
{
	for (int row = 0; row < c->rows && row < LINES; row++) {
		const struct cell *cells = c->cells + (size_t)row * (size_t)c->columns;

		for (int column = 0; column < c->columns && column < COLS; column++)
			if (cells[column].text[0])
				draw_cell(row, column, &cells[column]);
	}
	if (anew)
		clearok(stdscr, TRUE);
	refresh();
}

/* --- Listening -------------------------------------------------------------------------------- */

/* Gives the terminal back, stops as if the signal had not been caught, and takes it again. */
static void stop(void)
{
	stop_asked = 0;
	give_back();
	signal(SIGTSTP, SIG_DFL);
	raise(SIGTSTP);
	catch_requests(true);
	continued = 1; /* also where nobody would have continued it, so that it was not stopped */
}

/*
 * In the background the keys are another's. Who asks for them there is stopped until it is in front
 * again, or, where nobody could continue it, as an orphan, refused. To ask for none is enough.
 */
static bool is_refused(int keyboard)
{
	char none;

	return tcgetpgrp(keyboard) != getpgrp() && read(keyboard, &none, 0) < 0 && errno == EIO;
}

static bool is_gone(const struct pollfd *keyboard, const struct pollfd *display)
{
	const short gone = POLLHUP | POLLERR | POLLNVAL;
	int waiting = 0;

	if ((keyboard->revents | display->revents) & gone)
		return true;
	/* Readable, and nothing to read: the end of the file. */
	return keyboard->revents & POLLIN &&
	       (ioctl(keyboard->fd, FIONREAD, &waiting) < 0 || waiting == 0);
}

enum term_event term_wait(int timeout_ms)
{
	struct pollfd files[] = {
	    {.fd = fileno(term.keyboard), .events = POLLIN}, {.fd = term.display_fd}};
	int ready = poll(files, 2, timeout_ms);

	if (end_asked)
		return TERM_THE_END;
	if (stop_asked)
		stop();
	if (continued) {
		continued = 0;
		return TERM_BACK;
	}
	if (is_refused(files[0].fd) || (ready > 0 && is_gone(&files[0], &files[1])))
		return TERM_THE_END;
	/* A signal may have been that of a new size, which term_key() tells. */
	return ready == 0 ? TERM_QUIET : TERM_KEYS;
}

static uint32_t special_key(wint_t key)
{
	switch (key) {
	case KEY_UP: return WATCH_KEY_UP;
	case KEY_DOWN: return WATCH_KEY_DOWN;
	case KEY_LEFT: return WATCH_KEY_LEFT;
	case KEY_RIGHT: return WATCH_KEY_RIGHT;
	case KEY_PPAGE: return WATCH_KEY_PAGE_UP;
	case KEY_NPAGE: return WATCH_KEY_PAGE_DOWN;
	case KEY_HOME: return WATCH_KEY_HOME;
	case KEY_END: return WATCH_KEY_END;
	case KEY_BTAB: return WATCH_KEY_BACK_TAB;
	case KEY_BACKSPACE: return WATCH_KEY_BACKSPACE;
	case KEY_ENTER: return WATCH_KEY_ENTER;
	case KEY_RESIZE: return WATCH_KEY_RESIZED;
	default: return WATCH_KEY_OTHER;
	}
}

uint32_t term_key(void)
{
	wint_t key;

	switch (get_wch(&key)) {
	case KEY_CODE_YES: return special_key(key);
	case OK: break;
	default: return WATCH_KEY_NONE;
	}
	if (key == '\r')
		return WATCH_KEY_ENTER;
	if (key == '\b')
		return WATCH_KEY_BACKSPACE;
	return key == 0 ? WATCH_KEY_OTHER : (uint32_t)key;
}
