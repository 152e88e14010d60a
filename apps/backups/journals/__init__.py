"""The catalog outside the database: journals written with each snapshot, and the way back from them.

`writing` makes one at the end of a run or when old ones are compacted, `portrait` says which columns go into it
and come back, `chains` decides which journals count, `rebuild` and `adopt` make rows of them again
(docs/vault-format.md, "Journal"; docs/operations.md, "The database is gone").
"""
