"""Templates write values as Jinja does, without what that takes: nothing but its markup stays unescaped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, StrictUndefined, UndefinedError
from markupsafe import Markup, escape

from accountant.dashboard.navigation import PLACES, groups
from accountant.dashboard.render import environment, written
from accountant.storage.admins import Role

TEMPLATE = """{% macro one(value, of="none") %}<b title="{{ value }}">{{ value }} {{ of }}</b>{% endmacro %}
{% set whole %}<i>{{ given }}</i>{% endset %}
{% for value in [given, 1, none, 2.5] %}{{ one(value) }}{{ one(value, of=given) }}{{ value ~ "<" }}{% endfor %}
{{ whole }}{{ marked }}{{ given | upper }}{% if given %}{{ one(one(given)) }}{% endif %}"""

values = st.one_of(st.text(), st.text("<>&'\"a"), st.integers(), st.floats(), st.none(), st.binary(), st.booleans())


@given(values | st.text("<>&'\"a").map(Markup))
def test_values_are_written_as_escaped(value: object) -> None:
    """Whatever it is, it reads as `escape` makes it."""
    assert str(written(value)) == str(escape(value))


@given(st.text("<>&'\"ab "))
def test_templates_are_written_as_jinja_writes_them(text: str) -> None:
    """Loops, macros with names and defaults, blocks that are kept, and markup: not a byte differs."""
    usual = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    told = {"given": text, "marked": Markup("<hr>")}
    assert environment().from_string(TEMPLATE).render(told) == usual.from_string(TEMPLATE).render(told)


@pytest.mark.parametrize("source", ["{{ absent }}", "{% macro one(a) %}{{ a }}{% endmacro %}{{ one() }}"])
def test_what_is_not_there_is_an_error(source: str) -> None:
    """A template that names what it was not given writes nothing."""
    with pytest.raises(UndefinedError):
        environment().from_string(source).render()


@pytest.mark.parametrize("role", list(Role))
def test_navigation_has_every_place_of_a_role(role: Role) -> None:
    """Each place once, in order, where the role may go."""
    seen = [place for _, places in groups(role) for place in places]
    assert seen == [place for place in PLACES if role >= place.role]
