"""Hooks: signed requests before and after a task's rounds, in place of scripts on somebody's machine.

`rounds` says when a round begins, may go on and ends; `letters` writes and sends the requests; `services` is
what a person does with hooks. docs/hooks.md
"""
