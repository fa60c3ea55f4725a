"""Forms about what others may change too: a field that was left alone says nothing."""

from django.forms import BoundField


def untouched(field: BoundField) -> bool:
    """Whether the field says what it said when its page was made; False where the page does not tell.

    Fields with `show_hidden_initial` tell.
    """
    return field.html_initial_name in field.form.data and field.name not in field.form.changed_data
