#!/usr/bin/env python3
"""Writes unicode_tables.inc from python's unicodedata: usage: unicode_make.py > unicode_tables.inc

categories: runs of one general category, first code point << 8 | category. lower: code point and its simple lower case, where they
differ. base: code point and what its full canonical decomposition begins with, where they differ (Hangul syllables too)."""
import unicodedata as u

NAMES = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Cs Co Cn".split()


def table(name, kind, items):
    print("static const %s %s[] = {" % (kind, name))
    line = " "
    for item in items:
        if len(line) + len(item) > 136:
            print(line)
            line = " "
        line += " " + item + ","
    print(line + "\n};")


print("/* Unicode %s, written by unicode_make.py. */" % u.unidata_version)
runs, before = [], None
for cp in range(0x110000):
    category = NAMES.index(u.category(chr(cp)))
    if category != before:
        runs.append("0x%x" % (cp << 8 | category))
    before = category
table("categories", "uint32_t", runs)
table("lower", "pair", ("{0x%x,0x%x}" % (cp, ord(chr(cp).lower())) for cp in range(0x110000)
                        if len(chr(cp).lower()) == 1 and chr(cp).lower() != chr(cp)))
table("base", "pair", ("{0x%x,0x%x}" % (cp, ord(u.normalize("NFD", chr(cp))[0])) for cp in range(0x110000)
                       if u.normalize("NFD", chr(cp))[0] != chr(cp) and not 0xac00 <= cp <= 0xd7a3))
