"""The model card: README.md of a bundle, written from its manifest so that the two cannot disagree."""

from models.bundle import Manifest, Measurement
from train.evaluation.robustness import NOTE, Robustness
from train.evaluation.tables import robustness_rows
from train.sources.datasets import Credit

NOT_A_DIAGNOSIS = (
    "This model was trained on X-rays of children of one hospital. It is for teaching and must not be used to decide "
    "anything about a patient."
)
DISCLAIMER = (
    f"**Not a diagnosis.** {NOT_A_DIAGNOSIS}\n\n"
    "**No es un diagnóstico.** Este modelo se entrenó con radiografías de niños de un solo hospital. Sirve para "
    "aprender y no debe usarse para decidir nada sobre un paciente.\n\n"
)


def card(manifest: Manifest, credit: Credit) -> str:
    """The card's text, Markdown."""
    labels = ", ".join(label.id if label.es == label.id else f"{label.id} ({label.es})" for label in manifest.labels)
    sections = [
        f"# Vistazo {manifest.task} {manifest.version}\n\n",
        DISCLAIMER if manifest.task == "pneumonia" else "",
        f"A {manifest.recipe['arch']} that tells apart: {labels}. It sees "
        f"{manifest.input.height} by {manifest.input.width} pixels, preprocessed as `{manifest.preprocessing}`.\n\n",
        "Figures are of this file, measured by the path that serves it; 95 % intervals by bootstrap over "
        "groups (patients, or near-duplicate pictures). A rejected picture counts as a wrong answer.\n",
        *(_table(split, measurement) for split, measurement in manifest.metrics.items()),
        _robustness(manifest.robustness) if manifest.robustness else "",
        f"\nTemperature, thresholds and the choice of the epoch were fitted on validation. Trained in "
        f"{manifest.training_minutes:g} minutes on {manifest.machine}, seed {manifest.seeds[0]}, from commit "
        f"`{manifest.source_commit}`.\n",
        f"\n## Data\n\n{_source(credit)}\n\n"
        f"{manifest.data.train} pictures for training, {manifest.data.val} for validation, {manifest.data.test} for "
        "the test figures above. It has not been measured on pictures from other sources.\n",
    ]
    return "".join(sections)


def _source(credit: Credit) -> str:
    if credit.citation:
        return f"{credit.name} ({credit.license}): {credit.citation} {credit.homepage}"
    return (
        f"A folder of pictures that its owner called {credit.name}. Where they come from and on which terms they may "
        "be used is not recorded."
    )


def _table(split: str, measurement: Measurement) -> str:
    lines = [
        f"\n## {split}: {measurement.n} pictures, {measurement.groups} groups\n",
        "| figure | value | 95 % interval |",
        "|---|---|---|",
        *(f"| {name} | {m.value:.4f} | {m.low:.4f} to {m.high:.4f} |" for name, m in measurement.metrics.items()),
        f"| rejected | {measurement.rejected} | |",
        f"| uncertain | {measurement.uncertain} | |",
    ]
    return "\n".join(lines) + "\n"


def _robustness(measured: Robustness) -> str:
    header, rows = robustness_rows(measured)
    lines = [
        f"\n## Robustness: the test pictures, altered\n\n{NOTE}\n",
        f"| {' | '.join(header)} |",
        "|---" * len(header) + "|",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
    return "\n".join(lines) + "\n"
