class UserError(ValueError):
    """Bad input: its message is one sentence that names the file or field and the remedy.

    The commands print the message alone and exit with 2.
    """
