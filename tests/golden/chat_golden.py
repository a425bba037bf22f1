#!/usr/bin/env python3
"""Writes tests/golden/chat/NAME.txt: what Jinja makes of every template there, for every conversation of conversations.tsv, without and with
a generation prompt. Set up as Hugging Face's transformers does; needs python3-jinja2. Run once, when a template or a conversation is added.

A .txt file is a row of records: a line "@ CONVERSATION PROMPT SIZE", SIZE bytes of text and a newline; SIZE is -1 where Jinja raises an error.
"""
import datetime
import json
import pathlib
import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = datetime.datetime(2024, 7, 26, 13, 5, 9)
FOLDER = pathlib.Path(__file__).parent / "chat"


class Generation(Extension):
    """{% generation %}: its body."""
    tags = {"generation"}

    def parse(self, parser):
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
env.filters["tojson"] = tojson
env.globals["raise_exception"] = raise_exception
env.globals["strftime_now"] = NOW.strftime

talks = [line.split("\t") for line in (FOLDER / "conversations.tsv").read_text(encoding="utf-8").splitlines()]
for path in sorted(FOLDER.glob("*.jinja")):
    template = env.from_string(path.read_bytes().decode("utf-8"))
    out = bytearray()
    for name, talk in talks:
        for prompt in (0, 1):
            try:
                text = template.render(**json.loads(talk), add_generation_prompt=bool(prompt), bos_token="<s>", eos_token="</s>").encode("utf-8")
                out += b"@ %s %d %d\n%s\n" % (name.encode(), prompt, len(text), text)
            except (jinja2.exceptions.TemplateError, TypeError):
                out += b"@ %s %d -1\n\n" % (name.encode(), prompt)
    path.with_suffix(".txt").write_bytes(out)
