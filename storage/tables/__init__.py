"""The schema of every table, with a sentence per column. `docs/tables.md` is written from here."""
