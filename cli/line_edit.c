/* A line typed in a terminal. What is on the screen follows from the text, the cursor and the terminal's width; after a key it is drawn
 * anew from the prompt on, but for characters added at the end. Lines are broken here, not by the terminal. */
#include "line_edit.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { LINE_MOST = 1 << 20, ESCAPE_MS = 50 };
enum { KEY_END_OF_INPUT = -1, KEY_NONE = 256, KEY_UP, KEY_DOWN, KEY_LEFT, KEY_RIGHT, KEY_HOME, KEY_END, KEY_DELETE, KEY_WORD_LEFT, KEY_WORD_RIGHT, KEY_PASTE };
#define CTRL_KEY(c) ((c) & 31)

typedef struct edit {
  const cli_line_editor *e;
  const char *prompt;
  ig_text *line, screen, draft;  /* draft: what was typed before the history was gone into */
  size_t cursor, past;           /* past: how many lines of the history back */
  int row, columns;              /* the row of the cursor, counted from the prompt's */
  bool drawn, stale;             /* stale: more keys were waiting, so what is on the screen is older than the line */
} edit;

/* ---- the screen ------------------------------------------------------------------------------------------------------------ */

static void flush(edit *d) {
  for (size_t at = 0; at < d->screen.size;) {
    const ssize_t n = write(STDERR_FILENO, d->screen.data + at, d->screen.size - at);
    if (n < 0 && errno != EINTR) break;
    if (n > 0) at += (size_t)n;
  }
  d->screen.size = 0;
}

static void put(edit *d, const char *text) { ig_text_add(&d->screen, text, strlen(text)); }

/* Goes through the line from the prompt to `to`, draws it where asked, and says where that is. */
static void walk(edit *d, size_t to, bool draw, int *row, int *column) {
  *row = 0;
  *column = (int)strlen(d->prompt);
  for (size_t at = 0, next; at < to; at = next) {
    const uint32_t c = cli_character(d->line, at, &next);
    const int width = c < 32 || c == 127 ? 1 : cli_width(c);
    if (c == '\n' || *column + width > d->columns) {
      ++*row;
      *column = 0;
      if (draw) put(d, "\n");
    }
    if (c == '\n') continue;
    *column += width;
    if (draw && c != 0xfffd && c >= 32 && c != 127) ig_text_add(&d->screen, d->line->data + at, next - at);
    else if (draw) put(d, c == '\t' ? " " : "?");
  }
  if (*column < d->columns) return;
  ++*row;
  *column = 0;
  if (draw) put(d, "\n");
}

static void move_up(edit *d, int rows) {
  if (rows > 0) ig_text_printf(&d->screen, "\033[%dA", rows);
}

static void draw(edit *d) {
  struct winsize size;
  int row, column, end_row, end_column;
  d->columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 3 ? size.ws_col : 80;
  if (d->drawn) {
    move_up(d, d->row);
    put(d, "\r\033[J");
  }
  ig_text_printf(&d->screen, d->e->c->color ? "\033[1m%s\033[0m" : "%s", d->prompt);
  walk(d, d->line->size, true, &end_row, &end_column);
  walk(d, d->cursor, false, &row, &column);
  move_up(d, end_row - row);
  if (row != end_row || column != end_column) {
    put(d, "\r");
    if (column) ig_text_printf(&d->screen, "\033[%dC", column);
  }
  d->row = row;
  d->drawn = true;
  d->stale = false;
  flush(d);
}

/* Where the cursor is; pasted text is marked as such from here on. */
static void begin(edit *d) {
  d->drawn = false;
  draw(d);
  put(d, "\033[?2004h");
  flush(d);
}

/* ---- the line --------------------------------------------------------------------------------------------------------------- */

/* Where the character begins that ends at `at`; bytes that are none go one by one. */
static size_t start_of(const edit *d, size_t at) {
  size_t from = at - 1, next;
  while (from && at - from < 4 && ((uint8_t)d->line->data[from] & 0xc0) == 0x80) from--;
  cli_character(d->line, from, &next);
  return next == at ? from : at - 1;
}

/* The same with what joins it. */
static size_t before(const edit *d, size_t at) {
  enum { JOINER = 0x200d };
  for (size_t next; at;) {
    at = start_of(d, at);
    if (!at || (cli_width(cli_character(d->line, at, &next)) && cli_character(d->line, start_of(d, at), &next) != JOINER)) break;
  }
  return at;
}

static size_t after(const edit *d, size_t at) {
  size_t end = at, further = at;
  while (further < d->line->size) {
    cli_character(d->line, end, &further);
    if (end > at && before(d, further) > at) break;
    end = further;
  }
  return end;
}

static bool is_space_at(const edit *d, size_t at) { return d->line->data[at] == ' ' || d->line->data[at] == '\t' || d->line->data[at] == '\n'; }

static size_t word_before(const edit *d) {
  size_t at = d->cursor;
  while (at && is_space_at(d, at - 1)) at--;
  while (at && !is_space_at(d, at - 1)) at--;
  return at;
}

static size_t word_after(const edit *d) {
  size_t at = d->cursor;
  while (at < d->line->size && is_space_at(d, at)) at++;
  while (at < d->line->size && !is_space_at(d, at)) at++;
  return at;
}

static void insert(edit *d, const char *text, size_t size) {
  const size_t old = d->line->size;
  if (old + size > LINE_MOST) return;
  ig_text_add(d->line, text, size);
  memmove(d->line->data + d->cursor + size, d->line->data + d->cursor, old - d->cursor);
  memcpy(d->line->data + d->cursor, text, size);
  d->cursor += size;
}

static void cut(edit *d, size_t from, size_t to) {
  memmove(d->line->data + from, d->line->data + to, d->line->size - to);
  d->line->size -= to - from;
  d->cursor = from;
}

static void replace(edit *d, const char *text, size_t size) {
  d->line->size = d->cursor = 0;
  if (size) insert(d, text, size);
}

/* Into the history, or back towards the line that was being typed. */
static void browse(edit *d, bool back) {
  const cli_history *h = d->e->history;
  if (back ? d->past == h->n : !d->past) return;
  if (!d->past) {
    d->draft.size = 0;
    if (d->line->size) ig_text_add(&d->draft, d->line->data, d->line->size);
  }
  d->past = back ? d->past + 1 : d->past - 1;
  const char *line = d->past ? h->lines[h->n - d->past] : d->draft.data;
  replace(d, line, d->past ? strlen(line) : d->draft.size);
}

/* ---- keys ------------------------------------------------------------------------------------------------------------------- */

static bool is_waiting(int milliseconds) {
  struct pollfd input = {STDIN_FILENO, POLLIN, 0};
  return poll(&input, 1, milliseconds) > 0;
}

static int read_byte(void) {
  uint8_t byte;
  ssize_t n;
  do n = read(STDIN_FILENO, &byte, 1);
  while (n < 0 && errno == EINTR);
  return n == 1 ? byte : KEY_END_OF_INPUT;
}

/* After an escape: the key that sends the rest. */
static int read_escape(void) {
  static const struct {
    char last;
    int number, key; /* number: the first parameter, of those that end with ~ */
  } keys[] = {{'A', 0, KEY_UP},   {'B', 0, KEY_DOWN}, {'C', 0, KEY_RIGHT}, {'D', 0, KEY_LEFT}, {'H', 0, KEY_HOME},   {'F', 0, KEY_END},
              {'~', 1, KEY_HOME}, {'~', 7, KEY_HOME}, {'~', 4, KEY_END},   {'~', 8, KEY_END},  {'~', 3, KEY_DELETE}, {'~', 200, KEY_PASTE}};
  int number = 0, modifier = 0, *value = &number, c = is_waiting(ESCAPE_MS) ? read_byte() : KEY_NONE;
  if (c == 'b' || c == 'f') return c == 'b' ? KEY_WORD_LEFT : KEY_WORD_RIGHT;
  if (c == 127 || c == 8) return CTRL_KEY('W');
  if (c != '[' && c != 'O') return KEY_NONE;
  for (c = KEY_NONE; is_waiting(ESCAPE_MS) && (c = read_byte()) >= 0 && ((c >= '0' && c <= '9') || c == ';');) {
    if (c == ';') value = &modifier;
    else if (*value < 10000) *value = *value * 10 + (c - '0');
  }
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    if (keys[i].last != c || (c == '~' && keys[i].number != number)) continue;
    if (modifier == 5 && keys[i].key == KEY_LEFT) return KEY_WORD_LEFT;
    if (modifier == 5 && keys[i].key == KEY_RIGHT) return KEY_WORD_RIGHT;
    return keys[i].key;
  }
  return KEY_NONE;
}

/* Text pasted as one, to its end mark; its lines stay lines. */
static void paste(edit *d) {
  static const char end[] = "\033[201~";
  ig_text text = {0};
  for (int c; text.size < LINE_MOST && (c = read_byte()) >= 0;) {
    const char byte = c == '\r' ? '\n' : (char)c;
    ig_text_add(&text, &byte, 1);
    if (text.size >= sizeof end - 1 && memcmp(text.data + text.size - (sizeof end - 1), end, sizeof end - 1) == 0) {
      text.size -= sizeof end - 1;
      break;
    }
  }
  size_t n = 0;
  for (size_t i = 0; i < text.size; i++)
    if ((uint8_t)text.data[i] >= 32 || text.data[i] == '\n' || text.data[i] == '\t') text.data[n++] = text.data[i];
  if (n) insert(d, text.data, n);
  ig_text_finish(&text);
}

/* A character typed at the end is written as it is, where it and the next one fit into the row. */
static bool type(edit *d, int first) {
  char bytes[4] = {(char)first};
  const size_t n = first < 0xc2 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  size_t size = 1, next;
  for (int c; size < n && (c = read_byte()) >= 0; size++) bytes[size] = (char)c;
  insert(d, bytes, size);
  const ig_text one = {bytes, size, size};
  const uint32_t c = cli_character(&one, 0, &next);
  int row, column;
  if (c < 32 || c == 0xfffd || d->cursor < d->line->size || cli_width(c) != 1 || is_waiting(0)) return false;
  walk(d, d->cursor, false, &row, &column);
  if (d->stale || row != d->row || column < 2) return false;
  ig_text_add(&d->screen, bytes, size);
  flush(d);
  return true;
}

/* False where the key ends the line, which *result then says how. */
static bool press(edit *d, int key, cli_key_result *result) {
  const size_t size = d->line->size;
  switch (key) {
  case '\r':
  case '\n': return *result = CLI_LINE_READ, false;
  case KEY_END_OF_INPUT: return *result = CLI_LINE_ENDED, false;
  case CTRL_KEY('C'): return *result = CLI_LINE_INTERRUPTED, false;
  case CTRL_KEY('D'):
    if (!size) return *result = CLI_LINE_ENDED, false; /* fall through */
  case KEY_DELETE: cut(d, d->cursor, after(d, d->cursor)); break;
  case 127:
  case CTRL_KEY('H'): cut(d, before(d, d->cursor), d->cursor); break;
  case CTRL_KEY('A'):
  case KEY_HOME: d->cursor = 0; break;
  case CTRL_KEY('E'):
  case KEY_END: d->cursor = size; break;
  case CTRL_KEY('B'):
  case KEY_LEFT: d->cursor = before(d, d->cursor); break;
  case CTRL_KEY('F'):
  case KEY_RIGHT: d->cursor = after(d, d->cursor); break;
  case KEY_WORD_LEFT: d->cursor = word_before(d); break;
  case KEY_WORD_RIGHT: d->cursor = word_after(d); break;
  case CTRL_KEY('K'): cut(d, d->cursor, size); break;
  case CTRL_KEY('U'): cut(d, 0, d->cursor); break;
  case CTRL_KEY('W'): cut(d, word_before(d), d->cursor); break;
  case CTRL_KEY('L'):
    put(d, "\033[H\033[2J");
    d->row = 0;
    break;
  case CTRL_KEY('P'):
  case KEY_UP: browse(d, true); break;
  case CTRL_KEY('N'):
  case KEY_DOWN: browse(d, false); break;
  case KEY_PASTE: paste(d); break;
  default:
    if ((key < 32 && key != '\t') || key >= KEY_NONE || type(d, key)) return true;
  }
  d->stale = is_waiting(0);
  if (!d->stale) draw(d);
  return true;
}

/* ---- the terminal ----------------------------------------------------------------------------------------------------------- */

/* While a line is edited the terminal hands over every key. Signals that end the process wait for the interrupt's thread, which gives the
 * terminal back first. */
static bool take_terminal(const cli_line_editor *e, struct termios *usual, sigset_t *mask) {
  sigset_t ending;
  if (tcgetattr(STDIN_FILENO, usual)) return false;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGHUP);
  sigaddset(&ending, SIGQUIT);
  pthread_sigmask(SIG_BLOCK, &ending, mask);
  cli_interrupt_terminal(e->interrupt, usual);
  struct termios raw = *usual;
  raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
  raw.c_iflag &= ~(tcflag_t)(IXON | ICRNL | INLCR | ISTRIP);
  raw.c_oflag |= OPOST | ONLCR;
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
  return true;
}

static void give_terminal_back(const cli_line_editor *e, const struct termios *usual, const sigset_t *mask) {
  cli_give_terminal_back(usual);
  cli_interrupt_terminal(e->interrupt, NULL);
  pthread_sigmask(SIG_SETMASK, mask, NULL);
}

cli_key_result cli_line_read(cli_line_editor *e, const char *prompt, ig_text *line) {
  edit d = {.e = e, .prompt = prompt, .line = line};
  cli_key_result result = CLI_LINE_ENDED;
  struct termios usual;
  sigset_t mask;
  line->size = 0;
  if (!take_terminal(e, &usual, &mask)) return CLI_LINE_ENDED;
  begin(&d);
  for (int key; (key = read_byte()) == 27 ? press(&d, read_escape(), &result) : press(&d, key, &result);) {
    if (key != CTRL_KEY('Z')) continue;
    give_terminal_back(e, &usual, &mask); /* the shell's turn */
    kill(getpid(), SIGTSTP);
    if (!take_terminal(e, &usual, &mask)) break;
    begin(&d);
  }
  if (d.stale || d.cursor < line->size) {
    d.cursor = line->size;
    draw(&d);
  }
  put(&d, "\n");
  flush(&d);
  give_terminal_back(e, &usual, &mask);
  if (result == CLI_LINE_READ && line->size) {
    ig_text_add(line, "", 1); /* for those who want a string */
    line->size--;
    cli_history_add(e->history, line->data);
  }
  ig_text_finish(&d.screen);
  ig_text_finish(&d.draft);
  return result;
}
