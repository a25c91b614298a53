"""Papers the firm prints: the audit report of a case, and letters to people. Knows no family and no page.

Asking, making and opening a paper are acts on record. Pages are set in a child process without network, database or
keys (`press`); the bytes are kept sealed under keys of their own.
"""

from cases.reports.bundle import has_copies, open_bundle
from cases.reports.requests import INTERNAL, ReportRefused, act_of, file_name, label_of, open_report, request

__all__ = [
    "INTERNAL",
    "ReportRefused",
    "act_of",
    "file_name",
    "has_copies",
    "label_of",
    "open_bundle",
    "open_report",
    "request",
]
