"""Python runs this module first in child processes of tests: it turns off yapf.

yapf needs seconds to format the dumped config of each training.
"""

from yapf.yapflib import yapf_api

yapf_api.FormatCode = lambda text, **kwargs: (text, True)
