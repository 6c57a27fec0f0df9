"""A step of the pipeline that knows the members."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from groundswell.members.book import Book
from groundswell.members.member import Member
from groundswell.record import Record


class Stage(ABC):
    """Like a transform, but what comes out may depend on what came before, and may be several records.

    What it remembers it writes into the book, which is committed with the batch, or undone when the record fails.
    """

    @abstractmethod
    def apply(self, record: Record, book: Book) -> Sequence[Record]:
        """What goes on: nothing, the record changed, or others as well.

        Raises:
            RecordError: this record cannot go on; it becomes a dead letter with this reason, its neighbours go on.
        """

    def told(self, members: Sequence[Member], book: Book) -> Sequence[Record]:
        """What goes on because a record that does not come here changed these members."""
        return ()
