"""An object that only a pickle can contain, for tests that such files are refused."""


class Call:
    """An object that calls a function when it is unpickled."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call
