import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.variants import KNOBS, Variant

variants = st.builds(Variant, **{knob: st.sampled_from(levels) for knob, levels in KNOBS.items()})


@given(variants, variants)
def test_a_variant_survives_its_own_text(variant: Variant, start: Variant):
    """The text of a variant names every knob, so it gives that variant whatever it is read onto."""
    assert start.with_levels(str(variant)) == variant


@given(variants, st.sets(st.sampled_from(sorted(KNOBS))), st.data())
def test_knobs_that_are_not_named_keep_their_level(start: Variant, named: set[str], data: st.DataObject):
    """Only the named knobs change."""
    levels = {knob: data.draw(st.sampled_from(KNOBS[knob])) for knob in named}
    read = start.with_levels(";".join(f" {knob} = {level} " for knob, level in levels.items()))
    assert {knob: getattr(read, knob) for knob in KNOBS} == {
        knob: levels.get(knob, getattr(start, knob)) for knob in KNOBS
    }


@given(st.text())
def test_any_other_text_is_a_value_error(text: str):
    """Text is read or refused with ValueError; nothing else comes out of it."""
    try:
        read = Variant().with_levels(text)
    except ValueError:
        return
    assert isinstance(read, Variant)


@pytest.mark.parametrize(
    "text", ["cache", "cache=on", "speed=on", "cache=off; cache=off", "=", "indexes=ON", "indexes=on=off"]
)
def test_a_fault_is_refused(text: str):
    """A part without a level, an unknown level, an unknown knob and a knob named twice are refused."""
    with pytest.raises(ValueError):
        Variant().with_levels(text)


def test_every_setting_of_the_knobs_is_a_variant_of_its_own():
    """No two settings have one name, however many knobs there are."""
    variants = {Variant(**dict(zip(KNOBS, levels, strict=True))) for levels in itertools.product(*KNOBS.values())}
    assert len({str(variant) for variant in variants}) == math.prod(map(len, KNOBS.values())) >= 864
