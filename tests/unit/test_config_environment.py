import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.config.environment import resolve

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("${A}", "alpha"),
        ("<${A}-${B}>", "<alpha-beta>"),
        ("${EMPTY}", ""),
        ("${EMPTY:-x}", "x"),
        ("${NONE:-}", ""),
        ("${NONE:-a b:-$c}", "a b:-$c"),
        ("${A:-x}", "alpha"),
        ("$${A}", "${A}"),
        ("$$$${A}", "$${A}"),
        ("$$${A}", "$alpha"),
        ("$A costs $5, ^x$", "$A costs $5, ^x$"),
        ("nothing", "nothing"),
    ],
)
def test_variables_are_replaced_and_two_dollars_are_one(text: str, becomes: str) -> None:
    resolved = resolve({"a": [text]}, {"A": "alpha", "B": "beta", "EMPTY": ""})
    assert resolved.value == {"a": [becomes]}
    assert not resolved.unresolved


@pytest.mark.parametrize("text", ["${", "x ${A", "${}", "${1A}", "${A B}", "${A-x}", "${A:x}", "${ A }"])
def test_what_is_no_name_is_refused(text: str) -> None:
    resolved = resolve({"a": text}, {"A": "alpha"})
    assert list(resolved.unresolved) == [("a",)]
    assert "starts the name of an environment variable" in resolved.unresolved["a",]


def test_every_variable_that_is_not_set_is_found_wherever_it_stands() -> None:
    tree = {"a": "${X}", "b": [{"c": "${Y}"}, "${Z:-z}"], "d": 3}
    resolved = resolve(tree, {})
    assert list(resolved.unresolved) == [("a",), ("b", 0, "c")]
    assert "the environment variable Y is not set" in resolved.unresolved["b", 0, "c"]
    assert resolved.value == {"a": "${X}", "b": [{"c": "${Y}"}, "z"], "d": 3}


def test_what_came_from_a_variable_is_marked() -> None:
    assert resolve({"a": "${A}", "b": "$$", "c": "c", "d": "${D:-x}"}, {"A": "a"}).touched == {("a",), ("d",)}


@given(st.dictionaries(NAMES, st.text(min_size=1)), st.data())
def test_no_value_is_read_again(environ: dict[str, str], data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(sorted(environ)))) if environ else []
    text = " ".join(f"${{{name}}}" for name in names)
    assert resolve({"a": text}, environ).value == {"a": " ".join(environ[name] for name in names)}


@given(st.text())
def test_any_text_can_be_written(text: str) -> None:
    assert resolve({"a": text.replace("$", "$$")}, {}).value == {"a": text}
