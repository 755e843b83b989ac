"""What Python runs first in the child processes of tests: dumped configs stay one line a section.

yapf lays a config out for seconds, in every training anew.
"""

from yapf.yapflib import yapf_api

yapf_api.FormatCode = lambda text, **kwargs: (text, True)
