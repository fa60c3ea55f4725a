import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.executors.databases.statements import (
    LEXICONS,
    Mismatch,
    bind_placeholders,
    split,
    tokens,
    translate,
    without_end,
)


def translated(engine, text, **parameters):
    return translate(text, LEXICONS[engine], parameters)


@pytest.mark.parametrize(
    ("engine", "text"),
    [
        (None, "SELECT '?', ':a', 'it''s ?' -- ? :a"),
        (None, "SELECT 1 /* ? :a */"),
        (None, 'SELECT "a?:b"'),
        ("postgresql", "SELECT $$?$$, $a$ ? $$ :a $a$, E'\\'?', 1::int, a[1:2]"),
        ("postgresql", "SELECT 1 /* /* */ ? */"),
        ("postgresql", "SELECT data ?| ARRAY['a'], data ?& b, data ? 'a', data ? E'a'"),
        ("mysql", "SELECT '\\'?', \"\\\"?\", `a?`, @a:=1 # ? :a"),
        ("sqlite", "SELECT [a?], `b?`"),
        ("mssql", "SELECT [a?]]?]"),
        ("oracle", "SELECT q'[it's ?]', q'!?!' FROM dual"),
    ],
)
def test_no_mark_stands_inside_strings_names_and_comments(engine, text):
    for each in [engine] if engine else LEXICONS:
        assert translated(each, text) == (text, [])


@pytest.mark.parametrize(
    ("engine", "text", "written"),
    [
        ("postgresql", "? || :b", "$1 || $2"),
        ("postgresql", "?::int = :b", "$1::int = $2"),
        ("postgresql", "'\\' = ? AND :b", "'\\' = $1 AND $2"),
        ("postgresql", "a ?? ? OR :b", "a ? $1 OR $2"),
        ("mysql", "a % 2 = ? -- 100%\n AND :b", "a %% 2 = %s -- 100%%\n AND %s"),
        ("mysql", "5--?*:b", "5--%s*%s"),
        ("mysql", "/*!50000 ? */ :b", "/*!50000 %s */ %s"),
        ("sqlite", "? + :b", "?1 + ?2"),
        ("mssql", "? + :b", "%s + %s"),
        ("oracle", "? + :b", ":p1 + :p2"),
        ("sqlite", "/* /* */ ? + :b", "/* /* */ ?1 + ?2"),
    ],
)
def test_marks_are_written_as_the_driver_wants_them(engine, text, written):
    assert translated(engine, text, a=1, b=2) == (written, [1, 2])


def test_without_values_a_percent_sign_is_left_alone():
    assert translated("mysql", "SELECT 5 % 2") == ("SELECT 5 % 2", [])


def test_a_name_that_comes_twice_is_one_value_where_marks_have_numbers():
    assert translated("postgresql", ":a + :a", a=1) == ("$1 + $1", [1])
    assert translated("mysql", ":a + :a", a=1) == ("%s + %s", [1, 1])


def test_a_list_is_written_out_only_inside_in():
    assert translated("sqlite", "a in ( :a )", a=[1, 2]) == ("a in ( ?1, ?2 )", [1, 2])
    assert translated("postgresql", "a = ANY(:a)", a=[1, 2]) == ("a = ANY($1)", [[1, 2]])
    with pytest.raises(Mismatch, match="can stand only in IN"):
        translated("mysql", "a = :a", a=[1])
    with pytest.raises(Mismatch, match="is empty"):
        translated("mysql", "a IN (?)", a=[])


def test_an_object_is_bound_as_json():
    assert translated("sqlite", "?", a={"b": "ä"})[1] == ['{"b": "ä"}']


@pytest.mark.parametrize(
    ("text", "parameters", "sentence"),
    [
        (":b", {"a": 1}, "The query asks for :b, and there is no parameter of that name."),
        ("? + ?", {"a": 1}, "The query asks for 2 parameters by ?, and one parameter given."),
        ("1", {"a": 1}, "The query asks for no parameter by ?, and one parameter given."),
    ],
)
def test_marks_and_parameters_that_do_not_fit_are_told(text, parameters, sentence):
    with pytest.raises(Mismatch) as caught:
        translated("sqlite", text, **parameters)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("engine", "text", "parts"),
    [
        ("postgresql", "SELECT ';'; -- a;b\nSELECT $$;$$ ;; /* ; */", ["SELECT ';'", "-- a;b\nSELECT $$;$$"]),
        ("mysql", "SELECT '\\';'; SELECT 2", ["SELECT '\\';'", "SELECT 2"]),
        ("sqlite", " ; -- nothing", []),
    ],
)
def test_statements_end_at_semicolons_that_are_code(engine, text, parts):
    assert split(text, LEXICONS[engine]) == parts


def test_the_end_of_a_statement_is_not_sent():
    assert without_end("SELECT ';' ; -- done;\n", LEXICONS["oracle"]) == "SELECT ';'"


@pytest.mark.parametrize("quoted", ["'{}'", '"{}"', "-- {}", "/* {} */", "$${}$$", "E'\\'{}'"])
def test_a_placeholder_inside_quotes_is_refused(quoted):
    with pytest.raises(Mismatch, match="inside quotes or a comment"):
        bind_placeholders("SELECT " + quoted.format("{{ fire.date }}"), LEXICONS["postgresql"], str)


def test_a_placeholder_that_comes_once_outside_and_once_inside_quotes_is_refused():
    text = "SELECT {{ job.id }}, '{{ job.id }}'"
    with pytest.raises(Mismatch):
        bind_placeholders(text, LEXICONS["sqlite"], str)


def test_a_placeholder_becomes_a_name_with_its_value():
    found = bind_placeholders("SELECT {{ job.id }}, \\{{ kept }}", LEXICONS["sqlite"], str.upper)
    assert found == ("SELECT :chronos_placeholder_1, {{ kept }}", {"chronos_placeholder_1": "JOB.ID"})


@given(st.text(alphabet="ab?:;'\"`[]$\\-#/*!E(q \n%{}1", max_size=60))
def test_the_pieces_are_the_text_again(text):
    for lexicon in LEXICONS.values():
        assert "".join(token.text for token in tokens(text, lexicon)) == text
