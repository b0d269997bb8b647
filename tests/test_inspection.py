"""inspect() on networks and batches of every kind; what the report shows; correct() and undo()."""

from __future__ import annotations

import gc
import json
import math
import re
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss

import lensmaker
from design.networks import Applied, convolutions, he, images, lecun, perceptron, resnet, unet, vectors
from lensmaker import inspection
from lensmaker.core import (
    BenchRecord,
    Convergence,
    CorrectionError,
    InputError,
    ModelError,
    Prediction,
    Training,
    Verdict,
)
from lensmaker.instruments.gradients import Gradients
from lensmaker.report import from_json
from lensmaker.systems.networks import Network
from lensmaker.theories.mean_field import MeanField


def names(report: lensmaker.Report, signed_by: str) -> set[str]:
    """The quantities that a theory predicted or an instrument measured."""
    record = report.record
    predictions = [*record.predictions, *(c.prediction for c in record.comparisons)]
    measurements = [*record.measurements, *(c.measurement for c in record.comparisons)]
    return {p.quantity.name for p in predictions if p.theory == signed_by} | {
        m.quantity.name for m in measurements if m.instrument == signed_by
    }


@pytest.fixture(scope="module")
def collapsing() -> lensmaker.Report:
    return lensmaker.inspect(perceptron(10, 32), vectors(), cross_entropy)


# -- what can be inspected --------------------------------------------------------------------------


class Output(dict[str, Any]):
    """As Hugging Face models return it."""

    @property
    def loss(self) -> Any:
        return self.get("loss")


def language() -> nn.Module:
    def forward(m: Any, ids: Tensor, labels: Tensor | None = None) -> Output:
        logits = m.head(m.embed(ids).tanh())
        loss = None if labels is None else cross_entropy(logits.flatten(0, 1), labels.flatten())
        return Output(loss=loss, logits=logits)

    return Applied(forward, embed=nn.Embedding(7, 8), head=nn.Linear(8, 7))


def sequence_first() -> nn.Module:
    return Applied(
        lambda m, x: m.head(m.act(m.a(x)).mean(0)), a=nn.Linear(8, 16), act=nn.ReLU(), head=nn.Linear(16, 10)
    )


def encoder() -> nn.Module:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    return Applied(
        lambda m, x: m.head(m.layers(x)[:, 0]),
        layers=nn.TransformerEncoder(layer, 2, enable_nested_tensor=False),
        head=nn.Linear(8, 10),
    )


IDS = torch.randint(7, (4, 5), generator=torch.Generator().manual_seed(0))
X, Y = vectors()

KINDS: dict[str, tuple[Callable[[], nn.Module], Any, Any, dict[str, Any]]] = {
    "tensor alone": (lambda: perceptron(2), X, None, {}),
    "x, y": (lambda: perceptron(2), (X, Y), cross_entropy, {}),
    "dict with a loss of its own": (language, {"ids": IDS, "labels": IDS}, None, {}),
    "sequence first": (sequence_first, (torch.randn(5, 12, 8), Y), cross_entropy, {"batch_axis": 1}),
    "bfloat16": (lambda: perceptron(2).bfloat16(), (X.bfloat16(), Y), cross_entropy, {}),
    "float64": (lambda: perceptron(2).double(), (X.double(), Y), cross_entropy, {}),
    "no parameters": (lambda: nn.Sequential(nn.Flatten(), nn.Tanh()), (X, X), mse_loss, {}),
    "one layer": (lambda: nn.Linear(32, 10), (X, Y), cross_entropy, {}),
    "one sample": (lambda: perceptron(2), (X[:1], Y[:1]), cross_entropy, {}),
    "frozen": (lambda: perceptron(2).requires_grad_(False), (X, Y), cross_entropy, {}),
    "batch norm in training": (lambda: convolutions(norm=True).train(), images(), cross_entropy, {}),
    "residual, in evaluation": (lambda: resnet().eval(), images(), cross_entropy, {}),
    "u-net": (unet, images(), cross_entropy, {}),
    "transformer": (encoder, (torch.randn(6, 5, 8), Y[:6]), cross_entropy, {}),
    "swish": (lambda: perceptron(3, act=nn.SiLU), (X, Y), cross_entropy, {}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_inspect(kind: str) -> None:
    make, batch, loss, options = KINDS[kind]
    torch.manual_seed(0)
    model = make()
    report = lensmaker.inspect(model, batch, loss, **options)
    assert report.findings == ()
    assert len(report.record.elements) > 0
    has_loss = loss is not None or kind.startswith("dict")
    assert ("gradient" in names(report, "gradients")) == has_loss
    assert ("gradient" in names(report, "mean_field")) == has_loss
    assert ("no loss was given" in " ".join(report.record.notes)) == (not has_loss)
    assert {"second_moment", "variance"} <= names(report, "signals") & names(report, "mean_field")
    verdicts = [c.verdict for c in report.record.comparisons]
    assert verdicts.count(Verdict.DEVIATES) <= 0.1 * len(verdicts)
    if kind == "one sample":
        assert {
            c.measurement.convergence
            for c in report.record.comparisons
            if c.measurement.instrument == "signals"
        } == {Convergence.TOO_FEW_SAMPLES}
    else:
        assert verdicts.count(Verdict.AGREES) > 0.6 * len(verdicts)
    if "norm" not in kind and kind != "no parameters":
        assert all(p.grad is None for p in model.parameters())


def test_a_transformers_model_from_its_config() -> None:
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=60, n_positions=16, n_embd=32, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0,
        loss_type="ForCausalLM",
    )  # fmt: skip
    ids = torch.randint(60, (4, 12))
    report = lensmaker.inspect(transformers.GPT2LMHeadModel(config), {"input_ids": ids, "labels": ids})
    assert report.findings == ()
    assert {"gradient", "weight_gradient"} <= names(report, "gradients")
    assert "attention_entropy" in names(report, "attention") & names(report, "mean_field")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this is about machines without")
def test_cuda_is_not_woken() -> None:
    lensmaker.inspect(nn.Linear(32, 10), (X, Y), cross_entropy)
    assert not torch.cuda.is_initialized()


@pytest.mark.parametrize(
    ("asked", "training"), [(True, Training.TRAINED), (False, Training.FRESH), (None, Training.FRESH)]
)
def test_the_caller_knows_whether_it_is_trained(asked: bool | None, training: Training) -> None:
    record = lensmaker.inspect(perceptron(2), X, trained=asked).record
    assert record.training is training
    assert (record.training_reason == "as the caller said") == (asked is not None)


def test_the_same_seed_gives_the_same_report_and_another_seed_another() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(32, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 10))
    reports = []
    for seed in (3, 3, 4):
        torch.rand(1)
        reports.append(lensmaker.inspect(net, (X, Y), cross_entropy, seed=seed).to_json())
    assert reports[0] == reports[1] != reports[2]


def test_the_stages_are_told_in_order() -> None:
    told: list[str] = []
    lensmaker.inspect(perceptron(2), X, progress=told.append)
    assert told == [
        "measuring signals and gradients",
        "measuring weight spectra",
        "predicting",
        "diagnosing",
    ]


def raising(*_: object) -> Tensor:
    raise RuntimeError("gearbox")


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: lensmaker.inspect(perceptron(1), None), InputError, "an example batch .* but got nothing"),
        (lambda: lensmaker.inspect(perceptron(1), X[:0]), InputError, "at least one sample"),
        (lambda: lensmaker.inspect(perceptron(1), X / 0), InputError, "finite input"),
        (lambda: lensmaker.inspect(perceptron(1), X[:, :5]), ModelError, "RuntimeError in module '0'"),
        (lambda: lensmaker.inspect(Applied(raising), X), ModelError, "in the network itself: gearbox"),
        (lambda: lensmaker.inspect(perceptron(1), (X, Y), raising), ModelError, "RuntimeError: gearbox"),
        (
            lambda: lensmaker.inspect(perceptron(1), (X, Y), lambda out, y: y.float().mean()),
            InputError,
            "a loss that depends on the network's parameters",
        ),
        (lambda: lensmaker.inspect(perceptron(1), (X, Y), lambda out, y: out), InputError, "one number"),
    ],
)
def test_bad_input(call: Callable[[], object], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        call()


# -- what the report shows --------------------------------------------------------------------------


def test_in_a_terminal(collapsing: lensmaker.Report) -> None:
    text = repr(collapsing)
    assert "finding 1 · depth gain · 0:linear" in text
    assert max(map(len, text.splitlines())) <= 110
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(collapsing)
    console.file.close()
    assert max(map(len, console.export_text().splitlines())) <= 80


def test_in_a_notebook(collapsing: lensmaker.Report) -> None:
    html = collapsing._repr_html_()
    assert collapsing.findings[0].correction in html
    assert "0:linear" in html


def test_json_and_back(collapsing: lensmaker.Report, tmp_path: Path) -> None:
    text = collapsing.to_json(tmp_path / "r.json")
    assert (tmp_path / "r.json").read_text(encoding="utf-8") == text == collapsing.to_json()
    back = from_json(text)
    assert back.findings == collapsing.findings
    assert back.elements == collapsing.record.elements
    assert back.references == collapsing.record.references
    assert json.loads(text)["model"] == "Sequential"


def test_frame(collapsing: lensmaker.Report) -> None:
    frame = collapsing.to_frame()
    record = collapsing.record
    assert len(frame) == len(record.comparisons) + len(record.predictions) + len(record.measurements)


def test_html(collapsing: lensmaker.Report, tmp_path: Path) -> None:
    collapsing.to_html(tmp_path / "r.html")
    assert (tmp_path / "r.html").read_text(encoding="utf-8").rstrip().endswith("</html>")


def test_the_references_are_those_used(collapsing: lensmaker.Report) -> None:
    keys = {r.key for r in collapsing.record.references}
    assert {"hanin2020", "poole2016", "pennington2017", "schoenholz2017"} <= keys
    assert "zhai2023" not in keys, "no attention here"
    assert keys < {r.key for r in inspection.references()}


def test_nothing_of_a_pass_stays_in_memory() -> None:
    """Autograd's graph holds hooks, which garbage collection cannot follow back into the graph."""
    seen: list[weakref.ref[Tensor]] = []

    class Watched(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            y = super().forward(x)
            seen.append(weakref.ref(y))
            return y

    net = nn.Sequential(Watched(X.shape[1], 16), nn.ReLU(), Watched(16, 10))
    report = lensmaker.inspect(net, (X, Y), cross_entropy)
    report.correct()
    gc.collect()
    assert len(seen) > 4
    assert [ref() for ref in seen if ref() is not None] == []


def test_a_loss_with_a_state_of_its_own_keeps_it() -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("count", torch.zeros(()))

        def forward(self, output: Tensor, target: Tensor) -> Tensor:
            self.count += 1
            return cross_entropy(output, target)

    loss = Counting()
    lensmaker.inspect(nn.Linear(X.shape[1], 10), (X, Y), loss)
    assert loss.count == 0


def test_complex_signals_and_signals_without_units() -> None:
    def spectral(m: nn.Module, x: Tensor) -> Tensor:
        h = m.a(x)
        return m.b(torch.cat([h[:, :0], torch.fft.fft(h).abs()], 1))

    net = Applied(spectral, a=nn.Linear(X.shape[1], 16), b=nn.Linear(16, 10))
    report = lensmaker.inspect(net, (X, Y), cross_entropy)
    (last,) = (
        c for c in report.record.comparisons if str(c.where) == "b:linear" and c.quantity.name == "chi"
    )
    assert last.measurement.value == pytest.approx(1 / 3, rel=0.3)


def test_without_a_signal_there_is_no_correlation_and_no_calm() -> None:
    net = perceptron(3, 64, inputs=X.shape[1])
    net[2].weight.data.zero_()
    net[2].bias.data.zero_()
    report = lensmaker.inspect(net, (X, Y), cross_entropy)
    record = report.record
    predicted = {
        c.where.path for c in (*record.comparisons, *record.predictions) if c.quantity.name == "correlation"
    }
    assert predicted.isdisjoint({"2", "3"})
    assert any("the value is zero, or leaves" in p.regime.outside for p in _predicted(record))
    alone = lensmaker.inspect(perceptron(3, 64, init=he, inputs=X.shape[1]), (X[:1], Y[:1]), cross_entropy)
    assert re.search(r"No findings, but \d+ measurements did not converge\.", repr(alone))


def _predicted(record: BenchRecord) -> list[Prediction]:
    return [*record.predictions, *(c.prediction for c in record.comparisons)]


def test_what_the_weights_are_is_asked_with_a_truth_value() -> None:
    with pytest.raises(InputError, match="trained to be True, False or None, but got 'yes': leave it out"):
        lensmaker.inspect.__wrapped__(nn.Linear(8, 4), X, trained="yes")  # type: ignore[attr-defined]


# -- correct and undo -------------------------------------------------------------------------------


def bits(model: nn.Module) -> dict[str, bytes]:
    return {n: t.detach().numpy().tobytes() for n, t in model.state_dict().items()}


@pytest.fixture
def patient() -> nn.Sequential:
    net = perceptron(6, 64, nn.Tanh, lecun)
    net[4].weight.data *= 8
    return net


def test_correct_measures_beside_the_predicted_effect_and_undo_restores() -> None:
    """With so many inputs that tangents are drawn: the same ones are drawn again."""
    patient, batch = perceptron(6, 64, nn.Tanh, lecun, inputs=80), vectors(inputs=80)
    patient[4].weight.data *= 8
    before = bits(patient)
    report = lensmaker.inspect(patient, batch, cross_entropy, seed=5)
    plain = report.to_json()
    assert bits(patient) == before, "predicting the effect leaves no trace"
    assert report.correct() is report
    assert [n for n, b in bits(patient).items() if b != before[n]] == ["4.weight"]
    corrected = report.record.corrected
    again = lensmaker.inspect(patient, batch, cross_entropy, seed=5)
    assert again.findings == ()
    measured = {(c.quantity.name, c.where): c.measurement.value for c in again.record.comparisons}
    assert {c.quantity.name for c in corrected} >= {"second_moment", "chi", "gradient", "tangent"}
    for c in corrected:
        assert c.measurement.value == measured[c.quantity.name, c.where]
    z = [abs(c.z_score) for c in corrected if c.verdict in (Verdict.AGREES, Verdict.DEVIATES)]
    assert sum(v < 3 for v in z) > 0.95 * len(z)
    assert report.undo() is report
    assert bits(patient) == before
    assert report.to_json() == plain
    report.correct().undo()
    assert bits(patient) == before


def test_out_of_turn(patient: nn.Sequential) -> None:
    report = lensmaker.inspect(patient, vectors())
    with pytest.raises(CorrectionError, match="a correction to undo, but got none applied: call correct"):
        report.undo()
    report.correct()
    corrected = bits(patient)
    with pytest.raises(
        CorrectionError, match=r"without these corrections, but got one that has them: undo\(\)"
    ):
        report.correct()
    assert bits(patient) == corrected
    report.undo()
    with pytest.raises(CorrectionError, match="none applied"):
        report.undo()


def test_without_a_finding() -> None:
    net = perceptron(3, init=he)
    before = bits(net)
    report = lensmaker.inspect(net, vectors())
    assert len(report.correct().record.corrected) == 0
    assert bits(net) == before
    with pytest.raises(CorrectionError, match=r"none applied: leave it, since no finding has one"):
        report.undo()


def test_a_finding_without_a_correction() -> None:
    """A spectrally normalised layer among louder ones: the finding stays words."""
    torch.manual_seed(0)
    layers = [nn.Linear(32, 32) for _ in range(6)]
    for layer in layers:
        nn.init.normal_(layer.weight, std=(8 / 32) ** 0.5)
    quiet = nn.utils.parametrizations.spectral_norm(layers[2])
    net = nn.Sequential(
        *(m for layer in [*layers[:2], quiet, *layers[3:]] for m in (layer, nn.ReLU())), nn.Linear(32, 10)
    )
    report = lensmaker.inspect(net.eval(), vectors(), trained=False)
    assert [(f.where.path, f.factors, f.effect) for f in report.findings] == [("4", (), ())]
    assert report.findings[0].predicted_effect == "nothing is changed for you"
    report.correct()
    with pytest.raises(CorrectionError, match="no finding has one"):
        report.undo()
    assert "no single parameter scales the weight" in re.sub(r"[\s│]+", " ", repr(report))


def test_a_network_trained_since_is_not_corrected(patient: nn.Sequential) -> None:
    report = lensmaker.inspect(patient, vectors(), cross_entropy)
    name, _ = report.findings[0].factors[0]
    with torch.no_grad():
        patient.get_parameter(name).add_(1e-3)
    before = bits(patient)
    with pytest.raises(CorrectionError, match=f"{name} changed since: inspect the network again"):
        report.correct()
    assert bits(patient) == before


def test_a_weight_exchanged_since_is_not_corrected(patient: nn.Sequential) -> None:
    report = lensmaker.inspect(patient, vectors(), trained=False)
    version = patient[4].weight._version
    patient[4] = perceptron(6, 64, nn.Tanh, lecun)[4]
    assert patient[4].weight._version == version
    with pytest.raises(CorrectionError, match=r"4.weight changed since: inspect the network again"):
        report.correct()


def test_training_since_is_not_thrown_away(patient: nn.Sequential) -> None:
    optimiser = torch.optim.Adam(patient.parameters())
    cross_entropy(patient(X), Y).backward()
    optimiser.step()
    moments = {p: {k: v.clone() for k, v in s.items()} for p, s in optimiser.state.items()}
    gradients = [p.grad.clone() for p in patient.parameters()]
    report = lensmaker.inspect(patient, vectors(), cross_entropy, trained=False).correct()
    for p, state in optimiser.state.items():
        assert all(torch.equal(v, moments[p][k]) for k, v in state.items())
    assert all(torch.equal(p.grad, g) for p, g in zip(patient.parameters(), gradients, strict=True))
    optimiser.step()
    trained = bits(patient)
    with pytest.raises(CorrectionError, match=r"4.weight changed since: undo before training on"):
        report.undo()
    assert bits(patient) == trained


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interrupted_correction_is_none(
    error: type[BaseException], patient: nn.Sequential, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = lensmaker.inspect(patient, vectors())
    before = bits(patient)

    def interrupted(*_: object) -> None:
        assert bits(patient) != before
        raise error

    monkeypatch.setattr(inspection, "measure", interrupted)
    with pytest.raises(error, match=r"^$"):
        report.correct()
    assert bits(patient) == before
    assert len(report.record.corrected) == 0
    monkeypatch.undo()
    report.correct().undo()
    assert bits(patient) == before


def test_a_convolution_is_corrected() -> None:
    net = convolutions(he, channels=(8,) * 5)
    net[6].weight.data *= 10
    report = lensmaker.inspect(net, images(), cross_entropy).correct()
    assert [f.where.path for f in report.findings] == ["6"]
    assert lensmaker.inspect(net, images(), cross_entropy).findings == ()


@pytest.mark.parametrize("net", [nn.Identity(), nn.Sequential()])
def test_a_network_without_elements(net: nn.Module) -> None:
    assert lensmaker.inspect(net, torch.ones(8, 32)).findings == ()


class Mapped(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.outer(torch.vmap(lambda z: self.inner(z).relu())(x))


def test_a_transformed_function_inside() -> None:
    record = lensmaker.inspect(Mapped(), (torch.ones(6, 8), torch.arange(6) % 3), cross_entropy).record
    outside = {c.where.operation: c.prediction.regime.outside for c in record.comparisons}
    assert "a scripted or transformed function made it" in outside["unseen"]


def test_weights_of_zero() -> None:
    net = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3))
    for parameter in net.parameters():
        nn.init.zeros_(parameter)
    report = lensmaker.inspect(net, (torch.ones(6, 8), torch.arange(6) % 3), nn.functional.cross_entropy)
    assert len(report.record.comparisons) > 0


def test_samples_along_the_axis_of_units() -> None:
    net = nn.Sequential(nn.Linear(8, 8), nn.ReLU())
    assert len(lensmaker.inspect(net, torch.ones(6, 8), batch_axis=1).record.comparisons) > 0


@pytest.mark.parametrize("seed", [-1, 2**70])
def test_seeds_are_whole_numbers(seed: object) -> None:
    with pytest.raises(InputError, match="a seed that is a whole number"):
        lensmaker.inspect(nn.Linear(2, 2), torch.ones(3, 2), seed=seed)


def test_gradients_below_the_squares_of_single_precision() -> None:
    """60 layers at PyTorch's default: ⟨g²⟩ falls to 1e-52, and its size is still predicted."""
    torch.manual_seed(1)
    layers = [m for _ in range(60) for m in (nn.Linear(64, 64), nn.ReLU())]
    net = nn.Sequential(*layers, nn.Linear(64, 10))
    network = Network(net, (torch.randn(16, 64), torch.arange(16) % 10), cross_entropy)
    predicted, measured = (
        next(v for v in table if v.quantity.name == "gradient").value
        for table in (MeanField(finite_width=None).predict(network), Gradients().measure(network))
    )
    assert measured < 1e-44
    assert abs(math.log(measured / predicted)) < 6  # networks spread by 2.2; in single precision it was 18
