"""What may be shown of an address: never its password or token. Every log, message and listing masks with this.

It errs on the safe side: an address that is no address (a password with an `@` or a `/` in it) is masked too far.
"""

from __future__ import annotations

import re

_PASSWORD = re.compile(r"(://[^:/@\s]*:)\S*@")
_TOKEN = re.compile(r"(https?://)[^:/@\s]+@")
_QUERY = re.compile(r"(?i)([?&][^=&]*(?:password|secret|token|key)[^=&]*=)[^&]*")


def mask_secrets(text: str) -> str:
    """The text with the passwords of its addresses masked: `postgresql://league:***@host/db`; also a user name of a
    web address (a token stands there), and query values that look secret."""
    return _QUERY.sub(r"\1***", _TOKEN.sub(r"\1***@", _PASSWORD.sub(r"\1***@", text)))
