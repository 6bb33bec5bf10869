"""The schema of every table, with a sentence per column. `docs/reference/tables.md` is written from here."""
