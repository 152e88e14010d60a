"""Deletion of what is backed up: ordered by a person, done after a grace, gone from the store after gc.

`order` takes and cancels orders, `destroy` deletes one entity under its lease, `work` is the hourly task,
`facts` what pages show. docs/deletion.md
"""
