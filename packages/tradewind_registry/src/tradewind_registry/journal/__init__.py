"""The journal beside the bundles: each committed write of the registry once more, as a small file in the bundles' own store.

A database that was restored from yesterday has lost what was written since; the store has not. The journal says what, and gives it back
(`tradewind doctor`). It is written after the commit, and what is not in it yet is made up by the next write or by doctor.
"""

from tradewind_registry.journal.files import JOURNAL_FOLDER
from tradewind_registry.journal.writing import Journal, check_not_behind

__all__ = ["JOURNAL_FOLDER", "Journal", "check_not_behind"]
