"""Makes the name of a file safe to show and to save: no path, nothing invisible, no device, not too long."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["LONGEST", "active_ending", "clean", "ending_of"]

LONGEST = 120
# Names that one operating system opens as a device, whatever ending follows.
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(?=\.|$)", re.IGNORECASE)
# What a machine runs or a browser draws. Such an ending anywhere in a name is there to deceive.
_ACTIVE = re.compile(
    r"apk|app|bat|bin|cmd|com|cpl|dll|docm|elf|exe|gif|hta|html?|iso|jar|jse?|lnk|mht|mhtml|msi|php|pif|pl|pptm?|ps1|py"
    r"|rar|reg|scf|scr|sh|shtml|svgz?|swf|url|vb[es]|wsf|xhtml|xlsm|xml|xsl|zip|7z"
)


def clean(name: str) -> str:
    """Return the name without folders, invisible and reversing characters; `document` when nothing is left. A long one
    keeps its ending."""
    text = unicodedata.normalize("NFC", re.split(r"[/\\]", name)[-1])
    text = re.sub(r"\s+", " ", "".join(char for char in text if char.isprintable()))
    text = re.sub(r'[<>:"|?*]', "_", text).strip(" .") or "document"
    text = f"_{text}" if _DEVICES.match(text) else text
    stem, dot, ending = text.rpartition(".")
    return text if len(text) <= LONGEST else f"{stem[: LONGEST - len(dot + ending[:10])]}{dot}{ending[:10]}"


def ending_of(name: str) -> str:
    """Return what follows the last dot, in small letters; nothing when there is none."""
    stem, _, ending = name.rpartition(".")
    return ending.lower() if stem else ""


def active_ending(name: str) -> str:
    """Return an ending of something that runs, if the name has one before its last; else nothing."""
    return next((part for part in name.lower().split(".")[1:-1] if _ACTIVE.fullmatch(part.strip())), "")
