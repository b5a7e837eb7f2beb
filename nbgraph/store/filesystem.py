"""What the store needs to know of the file system: kinds of files, networks, and birth without a gap.

Owns paths, permissions and mount tables. Knows nothing of what is in the file.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from typing import TYPE_CHECKING

from nbgraph.errors import StoreError, StoreForeign, StoreReadOnly

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_NETWORK = frozenset(
    [
        "nfs",
        "nfs4",
        "cifs",
        "smb",
        "smb2",
        "smb3",
        "smbfs",
        "9p",
        "afs",
        "ncpfs",
        "ceph",
        "glusterfs",
        "lustre",
        "gpfs",
        "beegfs",
        "davfs",
        "virtiofs",
        "fuse.sshfs",
        "fuse.s3fs",
        "fuse.gcsfuse",
        "fuse.rclone",
        "fuse.glusterfs",
        "fuse.davfs2",
        "fuse.vmhgfs-fuse",
    ]
)
_MOUNTS = "/proc/self/mounts"


def mounted_as(path: str, mounts: Iterable[str]) -> str:
    """Return the type of the file system that holds ``path``, "" if the table does not say.

    >>> mounted_as("/home/ann/x.db", ["/dev/sda / ext4 rw 0 0", "srv:/home /home nfs4 rw 0 0"])
    'nfs4'
    """
    best, found = -1, ""
    for line in mounts:
        parts = line.split()
        if len(parts) < 3:
            continue
        point = parts[1].replace("\\040", " ").rstrip("/")
        if (path == point or path.startswith(point + "/")) and len(point) >= best:
            best, found = len(point), parts[2]
    return found


def network_type(path: str) -> str:
    """Return the network file system that holds ``path``, "" for a local or an unknown one."""
    try:
        with open(_MOUNTS, encoding="utf-8", errors="replace") as mounts:
            found = mounted_as(path, mounts)
    except OSError:  # not Linux: nothing is known, so nothing is said
        return ""
    return found if found in _NETWORK else ""


def exists(path: str) -> bool:
    """Tell whether there is a regular file; raise ``StoreForeign`` for what can never be a store.

    Only looks at names. Opening and closing the file here would drop the locks that SQLite holds on
    it for another store of this process.
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return False
    except OSError as error:
        message = f"{path!r} cannot be reached: {error.strerror}"
        raise StoreReadOnly(message, todo="check the path and its permissions", file=path) from error
    if stat.S_ISDIR(mode):
        raise refused(path, "is a folder")
    if not stat.S_ISREG(mode):
        raise refused(path, "is not a regular file")
    return True


def refused(path: str, finding: str) -> StoreForeign:
    """Return the error for a path that cannot hold a store."""
    return StoreForeign(f"{path!r} {finding}", still="it was not touched", todo="choose another path", file=path)


def give_birth(path: str, fill: Callable[[str], None]) -> None:
    """Make the file under another name, ``fill`` it, then give it its name in one indivisible act.

    So nobody ever sees half a store, a process killed here leaves no broken one, and of several that
    do it at once the first wins and the others use its file.
    """
    folder, name = os.path.split(path)
    try:
        handle, draft = tempfile.mkstemp(prefix=f".{name}.", suffix=".new", dir=folder)
    except OSError as error:
        message = f"the store {path!r} cannot be created: {error.strerror}"
        raise StoreReadOnly(message, todo="check that the folder exists and can be written", file=path) from error
    os.close(handle)
    try:
        fill(draft)
        _publish(draft, path)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(draft)


def _publish(draft: str, path: str) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    except OSError:  # a file system without hard links
        if not os.path.exists(path):
            os.rename(draft, path)
    _sync_folder(os.path.dirname(path))


def _sync_folder(folder: str) -> None:
    with contextlib.suppress(OSError):  # not every system lets a folder be opened
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


class Watch:
    """Notices that a file was deleted or replaced: SQLite itself would go on writing into nowhere."""

    __slots__ = ("_identity", "_path")

    def __init__(self, path: str) -> None:
        self._path = path
        self._identity = self._look()

    def check(self) -> None:
        """Raise ``StoreError`` if the name no longer leads to the same file. Costs about a microsecond."""
        if self._look() != self._identity:
            message = f"{self._path!r} was deleted or replaced while it was in use"
            todo = "stop, put the file back, and resume from it"
            raise StoreError(message, still="nothing of this commit was stored", todo=todo, file=self._path)

    def _look(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_dev, found.st_ino
