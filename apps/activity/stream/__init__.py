"""The security audit sent on to an account's SIEM: by webhook or syslog, as JSON lines or CEF."""
