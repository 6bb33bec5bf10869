"""The errors a user can cause and mend. The command line prints their text and exits with code 2, or 4."""


class InputError(ValueError):
    """A list, folder, setting or root that can't be used; the text names it, what was expected and what to do."""


class DamagedTableError(InputError):
    """A stored table or image whose bytes are not those that its digest promises.

    `path` is the file's path below the dataset root, where the text names one that the next run may make anew.
    """

    def __init__(self, message: str, path: str | None = None) -> None:
        super().__init__(message)
        self.path = path

    def __reduce__(self) -> tuple[type["DamagedTableError"], tuple[str, str | None]]:
        return type(self), (str(self), self.path)


class GateError(InputError):
    """A published version does not hold its gate, or was rejected: it is not made the latest, or stays it all the same.

    The text says which, why, and what to do.

    Attributes:
        folder: of the version, below the root.
    """

    def __init__(self, said: str, folder: str) -> None:
        super().__init__(said)
        self.folder = folder

    def __reduce__(self) -> tuple[type["GateError"], tuple[str, str]]:
        return type(self), (str(self), self.folder)


class UnwritableRootError(InputError):
    """A root that can't be written, and won't be by trying again: its disk is full or read-only, or it is another's."""
