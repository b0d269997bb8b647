from __future__ import annotations

import re

import pytest
import torch

from lensmaker.data import TrainedNetwork, antibody_numbering
from lensmaker.data.antibody_numbering import ANCHORS, ANTIBODIES, CLASSES, END, PAD, START, tokens


@pytest.fixture(scope="module")
def network() -> TrainedNetwork:
    return antibody_numbering()


def test_the_four_conserved_residues_are_marked_where_every_antibody_has_them() -> None:
    for sequence in ANTIBODIES.values():
        anchors = "".join(residue for residue in sequence if residue.islower())
        assert re.fullmatch("cwc[wf]", anchors)
        # first Cys, 10 to 17 residues, Trp; second Cys in YYC; J-Trp or J-Phe in [WF]G.G near the end
        assert re.search(r"c[A-Z]{10,17}w[A-Z]+YYc[A-Z]+[wf]G[A-Z]G[A-Z]{6,7}$", sequence)


def test_residues_are_tokens_between_start_and_end() -> None:
    assert tokens(["Ac", "Y"]).tolist() == [[START, 4, 5, END], [START, 24, END, PAD]]


def test_the_network_numbers_the_conserved_residues_as_imgt_does(network: TrainedNetwork) -> None:
    assert network.accuracy() == 1.0
    written = network.output().argmax(-1)
    for row, (name, sequence) in zip(written, ANTIBODIES.items(), strict=True):
        assert CLASSES[row[0]] == name[-1]
        numbers = [CLASSES[row[i]] for i, residue in enumerate(sequence, start=1) if residue.islower()]
        assert numbers == [str(n) for n in ANCHORS]
        assert (network.labels != -100).sum() == 5 * len(ANTIBODIES)


def test_one_pass_repeats_what_was_written_token_by_token(network: TrainedNetwork) -> None:
    """The decoder with a cache and the whole in one pass under a causal mask agree."""
    trg = network.batch["trg"]
    then = network.output().argmax(-1)[:, :-1]
    inside = trg[:, 1:] != PAD
    # the chain's type, each residue, and the end, as far as there is room
    assert inside.sum(1).tolist() == [min(len(s) + 2, 123) for s in ANTIBODIES.values()]
    assert torch.equal(then[inside], trg[:, 1:][inside])


def test_numbers_rise_along_a_chain(network: TrainedNetwork) -> None:
    for row in network.batch["trg"]:
        numbers = [int(CLASSES[t]) for t in row if CLASSES[t].isdigit()]
        assert numbers == sorted(set(numbers))
        assert (numbers[0], numbers[-1] in (127, 128)) == (1, True)


def test_the_decoder_does_not_see_the_future(network: TrainedNetwork) -> None:
    src, trg = network.batch["src"], network.batch["trg"].clone()
    trg[:, 60:] = 7
    with torch.no_grad():
        changed = network.model(src, trg)
    torch.testing.assert_close(changed[:, :60], network.output()[:, :60], atol=1e-4, rtol=1e-4)
    assert (changed[:, 60:] - network.output()[:, 60:]).abs().amax() > 1
