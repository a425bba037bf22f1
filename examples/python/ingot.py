"""Ingot from Python, by ctypes: a model in a shared library that is linked from the static parts,

    cc -shared -o libfable.so -Wl,--whole-archive fable.ingot/PLATFORM/libfable.a build/libingot.a -Wl,--no-whole-archive -lpthread

    with Model("libfable.so", "fable", "fable.plan", "fable.weights") as model:
        for text in model.session().chat([("user", "Tell me a story.")]):
            print(text, end="", flush=True)
"""
import ctypes as c
import queue
import threading


class Error(Exception):
    def __init__(self, error):
        super().__init__(error.message.decode("utf-8", "replace"))
        self.status = error.status


# The structs of ingot.h that are used here, up to the last field that is set: each says its size, and the runtime takes the rest as zero.
class _Error(c.Structure):
    _fields_ = [("status", c.c_int), ("message", c.c_char * 252)]


class _ModelOptions(c.Structure):
    _fields_ = [("size", c.c_size_t), ("plan_path", c.c_char_p), ("plan", c.c_void_p), ("plan_size", c.c_size_t), ("weights_path", c.c_char_p)]


class _Message(c.Structure):
    _fields_ = [("role", c.c_char_p), ("content", c.c_char_p)]


class _Piece(c.Structure):
    _fields_ = [("text", c.c_char_p), ("size", c.c_size_t), ("token", c.c_int32), ("position", c.c_uint32)]


class _Sampling(c.Structure):
    _fields_ = [("size", c.c_size_t), ("temperature", c.c_float), ("top_k", c.c_uint32), ("top_p", c.c_float), ("min_p", c.c_float),
                ("repeat_penalty", c.c_float), ("repeat_last", c.c_uint32), ("seed", c.c_uint64), ("stop", c.POINTER(c.c_char_p)), ("n_stop", c.c_uint32)]


class _SessionOptions(c.Structure):
    _fields_ = [("size", c.c_size_t), ("n_context", c.c_uint32), ("sampling", c.POINTER(_Sampling))]


_Stream = c.CFUNCTYPE(c.c_bool, c.c_void_p, c.POINTER(_Piece))


def _load(path):
    lib = c.CDLL(path)
    errors = c.POINTER(_Error)
    for name, result, arguments in [
        ("ingot_model_open", c.c_int, [c.c_void_p, c.POINTER(_ModelOptions), c.POINTER(c.c_void_p), errors]),
        ("ingot_model_close", None, [c.c_void_p]),
        ("ingot_session_open", c.c_int, [c.c_void_p, c.POINTER(_SessionOptions), c.POINTER(c.c_void_p), errors]),
        ("ingot_session_close", None, [c.c_void_p]),
        ("ingot_sampling_default", None, [c.POINTER(_Sampling)]),
        ("ingot_chat", c.c_int, [c.c_void_p, c.POINTER(_Message), c.c_size_t, c.c_uint32, _Stream, c.c_void_p, errors]),
        ("ingot_generate", c.c_int, [c.c_void_p, c.c_char_p, c.c_size_t, c.c_uint32, _Stream, c.c_void_p, errors]),
        ("ingot_tokenize", c.c_int32, [c.c_void_p, c.c_char_p, c.c_size_t, c.c_bool, c.POINTER(c.c_int32), c.c_int32]),
        ("ingot_cancel", None, [c.c_void_p]),
        ("ingot_version", c.c_char_p, []),
    ]:
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


class Model:
    def __init__(self, library, name, plan=None, weights=None):
        """`plan` and `weights` are paths, or None where the library carries them."""
        self._lib, self._model, error = _load(library), c.c_void_p(), _Error()
        options = _ModelOptions(c.sizeof(_ModelOptions), plan and plan.encode(), None, 0, weights and weights.encode())
        program = c.addressof(c.c_char.in_dll(self._lib, name + "_program"))
        if self._lib.ingot_model_open(program, options, self._model, error) < 0:
            raise Error(error)

    def session(self, **sampling):
        """Sampling as in ingot.h: temperature, top_k, top_p, min_p, repeat_penalty, repeat_last, seed."""
        return Session(self, sampling)

    def tokenize(self, text, special=False):
        data = text.encode()
        ids = (c.c_int32 * (len(data) + 8))()
        n = self._lib.ingot_tokenize(self._model, data, len(data), special, ids, len(ids))
        if n < 0:
            raise ValueError("the model has no tokenizer")
        return ids[:n]

    def close(self):
        if self._model:
            self._lib.ingot_model_close(self._model)
            self._model = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Session:
    """One thread at a time, bar cancel. Close it before its model."""

    def __init__(self, model, sampling):
        self._model, self._lib, self._session, error = model, model._lib, c.c_void_p(), _Error()
        chosen = _Sampling(size=c.sizeof(_Sampling))
        self._lib.ingot_sampling_default(chosen)
        for name, value in sampling.items():
            if name not in ("temperature", "top_k", "top_p", "min_p", "repeat_penalty", "repeat_last", "seed"):
                raise TypeError(f"there is no sampling option {name}")
            setattr(chosen, name, value)
        options = _SessionOptions(c.sizeof(_SessionOptions), 0, c.pointer(chosen))
        if self._lib.ingot_session_open(model._model, options, self._session, error) < 0:
            raise Error(error)

    def chat(self, messages, most=256):
        """Streams the answer to [(role, content), ...] as pieces of text."""
        talk = (_Message * len(messages))(*[_Message(role.encode(), content.encode()) for role, content in messages])
        return self._stream(lambda hear, error: self._lib.ingot_chat(self._session, talk, len(messages), most, hear, None, error))

    def generate(self, text, most=256):
        data = text.encode()
        return self._stream(lambda hear, error: self._lib.ingot_generate(self._session, data, len(data), most, hear, None, error))

    def cancel(self):
        self._lib.ingot_cancel(self._session)

    def _stream(self, run):
        # The runtime calls back; a generator wants to be asked. A thread runs the one and a queue hands its pieces to the other.
        pieces, error, state = queue.Queue(), _Error(), {"status": 0, "wanted": True}

        def hear(_, piece):
            pieces.put(piece.contents.text.decode())
            return state["wanted"]

        def work():
            state["status"] = run(_Stream(hear), error)
            pieces.put(None)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            while (piece := pieces.get()) is not None:
                yield piece
        finally:
            state["wanted"] = False
            thread.join()
        if state["status"] < 0:
            raise Error(error)

    def close(self):
        if self._session:
            self._lib.ingot_session_close(self._session)
            self._session = None
