"""Fields are drawn as crispy's Bootstrap pack draws them."""

import re
from pathlib import Path

import crispy_bootstrap5
import pytest
from django import forms
from django.template import Context, Engine, engines

CRISPY = Path(crispy_bootstrap5.__file__).parent / "templates"
CHOICES = [("a", "<A>"), ("b", "B")]


class Kinds(forms.Form):
    text = forms.CharField(label="<Name>", help_text="Such as “night”.", max_length=80)
    optional = forms.CharField(required=False, label="")
    note = forms.CharField(widget=forms.Textarea(attrs={"rows": 4, "data-words": True, "spellcheck": False}))
    number = forms.IntegerField(min_value=1, max_value=9)
    choice = forms.ChoiceField(choices=CHOICES)
    several = forms.MultipleChoiceField(choices=CHOICES, widget=forms.CheckboxSelectMultiple)
    one = forms.ChoiceField(choices=CHOICES, widget=forms.RadioSelect, help_text="One of them.")
    ticked = forms.BooleanField(label="Ticked", help_text="Or not.")
    unseen = forms.CharField(widget=forms.HiddenInput)


def drawn(engine: Engine, form: forms.Form, name: str) -> str:
    context = Context({"field": form[name], "form_show_errors": True, "form_show_labels": True})
    html = re.sub(r"\s+", " ", engine.get_template("bootstrap5/field.html").render(context))
    return re.sub(r" ?([<>]) ?", r"\1", html)


@pytest.mark.parametrize("given", [None, {}, {"text": 'a"<b>', "choice": "b", "number": "99"}])
@pytest.mark.parametrize("name", Kinds.base_fields)
def test_a_field_looks_as_in_crispys_own_template(name, given):
    ours = engines["django"].engine
    crispys = Engine(dirs=[CRISPY], libraries=ours.libraries, app_dirs=True)
    shown, expected = drawn(ours, Kinds(given), name), drawn(crispys, Kinds(given), name)
    # A legend is not for a field, whatever crispy says.
    assert shown == re.sub(r'<legend for="[^"]*" ', "<legend ", expected)


def test_what_a_field_says_of_itself_is_text():
    form = Kinds()
    form.fields["text"].help_text = "Such as <b>."
    assert "Such as &lt;b&gt;." in drawn(engines["django"].engine, form, "text")


def test_attributes_of_a_field_are_escaped_and_those_that_are_false_left_out():
    field = forms.CharField(widget=forms.TextInput(attrs={"title": '"<', "hidden": True, "lang": False}))
    html = field.widget.render("name", "a&b")
    assert html == '<input type="text" name="name" value="a&amp;b" title="&quot;&lt;" hidden>'
