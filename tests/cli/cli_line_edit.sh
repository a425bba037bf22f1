# ingot chat's editor of lines in a pseudo-terminal: keys, wide characters, pasted lines, what is drawn, the history and its file, the
# terminal given back after a line, a stop and a signal.
. "$INGOT_SOURCE/tests/cli/lib.sh"
expect 0 '' "$ingot" compile "$fable" --name fable -o "$work" --variants native -q
command -v python3 > /dev/null || skip "no python3 to hold a pseudo-terminal"
checked=$((checked + 1))
timeout 300 python3 - "$ingot" "$work" <<'END' || fail "a line in a pseudo-terminal"
import json, os, pty, re, select, signal, struct, sys, time, fcntl, termios, stat
ingot, work = sys.argv[1:]
os.environ["XDG_STATE_HOME"] = work + "/state"
os.environ["TERM"] = "xterm"
os.environ["NO_COLOR"] = "1"
kept = work + "/state/ingot/history"

def be_a_shell(go_on):
    """Returns in a job of its own. This process goes on with the job, once it was stopped, when it is told to, and ends as it does."""
    job = os.fork()
    if job == 0:
        os.setpgid(0, 0)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        os.tcsetpgrp(0, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        return
    while True:
        status = os.waitpid(job, os.WUNTRACED)[1]
        if not os.WIFSTOPPED(status):
            os._exit(0 if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0 else 1)
        os.read(go_on, 1)
        os.kill(job, signal.SIGCONT)

class Talk:
    def __init__(self, *options, columns=40, shell=False):
        go_on, self.shell = os.pipe()
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            if shell:
                be_a_shell(go_on)
            os.execv(ingot, [ingot, "chat", "-m", work + "/fable.ingot", "-n", "4", *options])
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.seen = ""
        self.until(r"/help lists commands.*> ")

    def until(self, pattern, seconds=60):
        end = time.time() + seconds
        while not re.search(pattern, self.seen, re.S):
            if time.time() > end or not select.select([self.terminal], [], [], end - time.time())[0]:
                sys.exit("no %r in %r" % (pattern, self.seen))
            try:
                self.seen += os.read(self.terminal, 4096).decode("utf-8", "replace")
            except OSError:
                sys.exit("no %r in %r, and it has ended" % (pattern, self.seen))
        match = re.search(pattern, self.seen, re.S)
        text, self.seen = self.seen[:match.end()], self.seen[match.end():]
        return text

    def keys(self, text):
        os.write(self.terminal, text if isinstance(text, bytes) else text.encode())

    def raw(self):
        return not termios.tcgetattr(self.terminal)[3] & termios.ICANON

    def wait_raw(self, raw=True):
        end = time.time() + 20
        while self.raw() != raw and time.time() < end:
            time.sleep(0.01)
        assert self.raw() == raw, "the terminal's mode"

    def line_is(self, text):
        """What Enter would send: shown by /system, which repeats it."""
        self.keys("\r")
        self.until(r"the system message is set\r\n.*> ")
        self.keys("/system\r")
        shown = self.until(r"/system\r\n(.*)\r\n.*> ")
        got = re.search(r"/system\r\n(?:\x1b\[\?2004l)?(.*?)\r\n(?:\x1b\[\?2004h)?> $", shown, re.S).group(1).replace("\r\n", "\n")
        assert got == text, (got, text)

    def ends(self, signal_number=None):
        end = time.time() + 30
        while time.time() < end:
            while select.select([self.terminal], [], [], 0)[0]:
                try:
                    os.read(self.terminal, 4096)
                except OSError:
                    break
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                if signal_number:
                    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal_number, status
                else:
                    assert os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0, status
                return
            time.sleep(0.02)
        os.kill(self.pid, signal.SIGKILL)
        sys.exit("did not end")

UP, DOWN, RIGHT, LEFT, HOME, END, DEL = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b[H", "\x1b[F", "\x1b[3~"
S = "/system "
t = Talk()
t.wait_raw()
for typed, line in [
    (S + "abc" + LEFT + LEFT + "X", "aXbc"),
    (S + "abc" + HOME + RIGHT * len(S) + "X" + END + "Y", "XabcY"),
    ("bc" + "\x01" + S + "a" + "\x05" + "d", "abcd"),
    (S + "abcd" + LEFT * 2 + "\x0b", "ab"),
    ("junk" + "\x15" + S + "kept", "kept"),
    (S + "one two  " + "\x17" + "three", "one three"),
    (S + "ab" + LEFT + DEL + "c", "ac"),
    (S + "ab" + LEFT + "\x04" + "c", "ac"),
    (S + "caf\u00e9\u00fc" + "\x7f", "caf\u00e9"),
    (S + "\u65e5\u672c\u8a9e" + LEFT + "\x7f" + "X", "\u65e5X\u8a9e"),
    (S + "e\u0301x" + LEFT + "\x7f" + "a", "ax"),
    (S + "\U0001f468\u200d\U0001f469y" + LEFT + "\x7f" + "b", "by"),
    (S + "one two three" + "\x1b[1;5D" * 2 + "X", "one Xtwo three"),
    (S + "\x1b[200~two\rlines\tand \x01more\x1b[201~!", "two\nlines\tand more!"),
    (S + "\u65e5" * 60 + HOME + RIGHT * len(S) + "x", "x" + "\u65e5" * 60),
    (S + "w" * 200 + "\x7f" * 199, "w"),
    (S + "x" + "\x1b[99~" + "\x1bOP" + "y", "xy"),
]:
    t.keys(typed)
    t.line_is(line)

# a line is drawn where it belongs: by a screen that knows no more than the sequences that are used
t.keys("\x0c")
t.until(r"\x1b\[H\x1b\[2J.*> ")
t.keys("ab\u65e5" + "c" * 40 + HOME + "Z")
time.sleep(0.5)
drawn = t.until(r"Zab\u65e5c+\r\n.*\x1b\[3C$")
assert re.search(r"> Zab\u65e5" + "c" * 33 + "\r\n" + "c" * 7 + "\x1b\\[1A\r\x1b\\[3C$", drawn), drawn
t.keys("\x15" + "\x0b" + "\x03")
t.until(r"nothing runs; Ctrl-D.*> ")

# history, with what was being typed
t.keys(S + "first\r")
t.until(r"is set\r\n.*> ")
t.keys(S + "second\r")
t.until(r"is set\r\n.*> ")
t.keys(S + "third" + UP * 3 + DOWN * 3)
t.line_is("third")
t.keys(UP * 3)                        # /system, then third, then second
t.line_is("second")
t.keys("What is 3 plus 4?\r")         # an answer is made with the terminal as it was
t.until(r"\?\r\n.*\S.*\r\n.*> ")
t.wait_raw()
assert stat.S_IMODE(os.stat(kept).st_mode) == 0o600
t.keys("\x04")
t.ends()
lines = open(kept).read().split("\n")
assert lines[-2] == "What is 3 plus 4?" and "/system two\\nlines\tand more!" in lines, lines[-4:]

t = Talk()
t.wait_raw()
t.keys(UP * 3)
t.line_is("second")
os.kill(t.pid, signal.SIGTERM)        # in the middle of a line
t.wait_raw(False)
t.ends(signal.SIGTERM)

before = open(kept).read()
t = Talk("--no-history")
t.wait_raw()
t.keys(UP)                            # nothing there
t.keys(S + "unkept")
t.line_is("unkept")
t.keys("/exit\r")
t.ends()
assert open(kept).read() == before

t = Talk("--no-history", shell=True)
t.wait_raw()
t.keys(S + "un\x1a")
t.wait_raw(False)
os.write(t.shell, b"g")               # fg
t.wait_raw()
t.keys("stopped")
t.line_is("unstopped")
t.keys("/exit\r")
t.ends()

# what a prompt holds, and a model says, moves no cursor
pid, terminal = pty.fork()
if pid == 0:
    os.execv(ingot, [ingot, "run", "-m", work + "/fable.ingot", "-n", "1", "-p", b"a\033[2J\302\233\303\251\tb"])
seen = b""
try:
    while more := os.read(terminal, 4096):
        seen += more
except OSError:
    pass
assert os.waitpid(pid, 0)[1] == 0 and seen.startswith(b"a\\x1b[2J\\xc2\\x9b\303\251\tb") and b"\033" not in seen, seen
END
finish
