"""The migrations that build the database, from the old application's version 8 onward; run by `storage/upgrade.py`.

Each version file freezes the tables as they were when it was written: none of them reads `schema.py`'s tables.
"""

HEAD_REVISION = "0024"
"""The revision this release works with (a test holds it equal to the last file in `versions/`)."""
