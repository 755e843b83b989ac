"""What only a pickle can hold, for tests of what refuses it."""


class Call:
    """What unpickles as the result of a call."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call
