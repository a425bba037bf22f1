# ingot chat in a pseudo-terminal: an answer, its commands, Ctrl-C while an answer is made, and the talk goes on.
. "$INGOT_SOURCE/tests/cli/lib.sh"
expect 0 '' "$ingot" compile "$fable" --name fable -o "$work" --variants native -q
command -v python3 > /dev/null || skip "no python3 to hold a pseudo-terminal"
checked=$((checked + 1))
timeout 300 python3 - "$ingot" "$work" <<'END' || fail "the talk in a pseudo-terminal"
import json, os, pty, re, select, signal, sys, time
ingot, work = sys.argv[1:]
pid, terminal = pty.fork()
if pid == 0:
    os.execv(ingot, [ingot, "chat", "-m", work + "/fable.ingot", "-n", "200", "--stop", "zzzz"])
seen = ""

def until(pattern, seconds=60):
    """Reads until what came since the last match has the pattern."""
    global seen
    end = time.time() + seconds
    while not re.search(pattern, seen, re.S):
        if time.time() > end or not select.select([terminal], [], [], end - time.time())[0]:
            sys.exit("no %r in %r" % (pattern, seen))
        seen = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen + os.read(terminal, 4096).decode("utf-8", "replace"))
    match = re.search(pattern, seen, re.S)
    text, seen = seen[:match.end()], seen[match.end():]
    return text

def line(text):
    os.write(terminal, (text + "\n").encode())

until(r"/help lists commands.*> ")
line("What is 3 plus 4?")
first = until(r"\?\r\n.*\S.*\r\n> ")
line("/stats")
until(r"2 messages; 1 answers of [1-9]\d* tokens.*positions used.*> ")
line("/system Be brief.")
until(r"the system message is set\r\n> ")
line("/system")
until(r"Be brief\.\r\n> ")
line("/system -")
until(r"no system message\r\n> ")
line("/nothing")
until(r"there is no /nothing; /help lists.*> ")
line("/help")
until(r"/reset .*/save FILE.*/exit.*> ")
line("/save " + work + "/talk.json")
until(r"2 messages in .*talk\.json\r\n> ")
talk = json.load(open(work + "/talk.json"))["messages"]
assert [m["role"] for m in talk] == ["user", "assistant"] and talk[0]["content"] == "What is 3 plus 4?" and talk[1]["content"].strip() in first, talk
line("/reset")
until(r"a new talk\r\n> ")
line("Tell me\\")
until(r"\. ")
line("a story.")
until(r"story\.\r\n.*\w\w\w")       # the answer has begun
os.write(terminal, b"\x03")
until(r"\r\n> ")
os.write(terminal, b"\x03")         # and one at the prompt ends nothing
until(r"nothing runs; Ctrl-D.*> ")
line("/save " + work + "/cut.json")
until(r"messages in .*cut\.json\r\n> ")
cut = json.load(open(work + "/cut.json"))["messages"]
assert cut[0]["content"] == "Tell me\na story.", cut
line("What day comes after Sunday?")
until(r"Sunday\?\r\n.*\w.*\r\n> ")
line("/exit")
end = time.time() + 20
while time.time() < end:
    done, status = os.waitpid(pid, os.WNOHANG)
    if done:
        sys.exit(0 if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0 else "ended with %d" % status)
    time.sleep(0.02)
os.kill(pid, signal.SIGKILL)
sys.exit("did not end")
END

# the same without a terminal: lines in, answers out
checked=$((checked + 1))
printf 'What is 3 plus 4?\n/save %s/piped.json\n/exit\nnever read\n' "$work" | "$ingot" chat -m "$work/fable.ingot" -n 32 > "$work/out" 2> "$work/err" || fail "chat from a pipe: $(cat "$work/err")"
[ "$(wc -l < "$work/out")" -ge 1 ] && [ -s "$work/piped.json" ] || fail "chat from a pipe: $(cat "$work/out" "$work/err")"
finish
