"""A source whose entry a test makes itself."""

from vitpose_plus.inference.sources.source import Source


class OneEntry(Source):
    """A source with one entry, which is given instead of a word."""

    @property
    def name(self):
        return self.given.full

    @classmethod
    def accepts(cls, given):
        return False

    def entries(self, leave_out):
        yield self.given
