"""Text that jobs and strangers wrote, made harmless to look at: what would not be seen becomes a mark."""

import re

# C0 controls have pictures of their own in Unicode; a tab and a line feed do what they should.
_PICTURES = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\t\n"} | {0x7F: "␡"}
# What reorders text, joins or hides itself, or ends a line where nobody sees it.
_UNSEEN = re.compile(
    "[\u0080-\u009f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    """The text with a visible mark for each control, ANSI escape, bidi control and character without a shape.

    Windows' line ends become plain ones. The result is still text: whoever puts it into a page escapes it.
    """
    if text.isascii() and text.isprintable():
        return text
    plain = text.replace("\r\n", "\n").translate(_PICTURES)
    return _UNSEEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", plain)
