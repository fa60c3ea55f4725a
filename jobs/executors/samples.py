"""What stands in the place of placeholders while a form checks the text around them."""

import re
from collections.abc import Sequence
from enum import Enum
from typing import Any

from jobs.executors import placeholders

# A word of a shape of its own that begins a text, or an entry of a list.
_FIRST = re.compile(r"((?:^|[\n,;])\s*)(chronosplaceholder\d+y)")


class Shape(Enum):
    """Letters and digits that nobody writes, fit for hosts, paths, names and variables, or for numbers."""

    WORD = "chronosplaceholder{}x"
    # Where only a number will do, as bare in a body of JSON.
    NUMBER = "77170070{}"
    # What the field itself proposes; last, since its errors are the ones to show.
    OWN = "chronosplaceholder{}y"


class Samples:
    """One field's value with samples for its placeholders, in one shape after the other."""

    def __init__(self, value: Any, sample: str, shapes: Sequence[Shape], *, first: int) -> None:
        """`first` numbers the first placeholder: no two fields of a form share a number."""
        self._typed = value
        self._own = sample
        self._said = list(enumerate(placeholders.find(value), first))
        self._shapes = list(shapes)

    @property
    def value(self) -> Any:
        """The value with a sample for each placeholder."""
        shape = self._shapes[0]
        words = {said: shape.value.format(number) for number, said in self._said}
        filled = placeholders.fill(self._typed, words.__getitem__, keep_escapes=True)
        return placeholders.change(filled, self._with_own) if shape is Shape.OWN else filled

    def _with_own(self, text: str) -> str:
        return _FIRST.sub(lambda found: found[1] + self._own.format(found[2]), text)

    def try_another(self) -> bool:
        """Go on to the next shape; False when there is none."""
        return len(self._shapes) > 1 and bool(self._shapes.pop(0))

    def restored(self, value: Any) -> Any:
        """What came of the value, with the placeholders back in it."""
        return placeholders.change(value, self._restored)

    def _restored(self, text: str) -> str:
        for number, said in self._said:
            words = [shape.value.format(number) for shape in Shape]
            for sample in (self._own.format(words[-1]), *words):
                text = text.replace(sample, f"{{{{ {said} }}}}")
        return text
