"""python3 hello.py libfable.so fable.plan fable.weights"""
import sys

import ingot

with ingot.Model(sys.argv[1], "fable", *sys.argv[2:]) as model:
    session = model.session()
    for question in "What is 3 plus 4?", "What day comes after Sunday?":
        for text in session.chat([("user", question)]):
            print(text, end="", flush=True)
        print()
    session.close()
