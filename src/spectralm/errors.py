"""Errors that a user can act on."""


class SpectraLMError(Exception):
    """An error that the user can correct; the message says what was found and what to do."""


class InputError(SpectraLMError):
    """A file, or a field of it, is missing or wrong.

    The message reads "SOURCE: field FIELD: FOUND; REMEDY".
    """

    def __init__(self, source: object, field: str, found: str, remedy: str):
        super().__init__(f"{source}: {field}: {found}; {remedy}")
        self.source = str(source)
        self.field = field
        self.found = found
        self.remedy = remedy
